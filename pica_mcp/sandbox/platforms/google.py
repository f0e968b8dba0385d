"""What Google's interfaces share in the sandbox: how they refuse, partial answers, pages."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.catalog import Field, in_body
from pica_mcp.sandbox.upstream import Call, Json, ProviderError, Reply

Tree = dict[str, "Tree"]

_REASONS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("badRequest", "Bad Request"),
        401: ("authError", "Invalid Credentials"),
        403: ("forbidden", "Forbidden"),
        404: ("notFound", "Not Found"),
        409: ("duplicate", "The requested identifier already exists."),
        410: ("deleted", "Resource has been deleted"),
        412: ("conditionNotMet", "Precondition Failed"),
        416: ("requestedRangeNotSatisfiable", "Request range not satisfiable"),
    }
)


def refuse(status: int, message: str = "", reason: str = "") -> Reply:
    """The error body of Google's older interfaces, in which each error has a reason."""
    usual_reason, usual = _REASONS[status]
    error = {"domain": "global", "reason": reason or usual_reason, "message": message or usual}
    return Reply(status, {"error": {"code": status, "message": error["message"], "errors": [error]}})


def fault(status: int, message: str = "", reason: str = "") -> ProviderError:
    """`refuse` as something to raise."""
    return ProviderError(refuse(status, message, reason))


def connection_key(platform: str) -> Field:
    """The field that each of Pica's own actions wants in its body."""
    sample = f"live::{platform}::default::your-connection-key"
    return in_body("connectionKey", "string", "The connection to act through.", sample, required=True)


def paged(call: Call, rows: list[Json], size_name: str, default: int) -> tuple[list[Json], Json]:
    """One page of the rows, and what the answer says about the next one: a token, or nothing."""
    start, size = call.number("pageToken", 0), call.number(size_name, default)
    if start < 0 or size < 1:
        raise fault(400, "Invalid Value", "invalid")
    more = {"nextPageToken": str(start + size)} if start + size < len(rows) else {}
    return rows[start : start + size], more


def partial(value: Any, mask: str) -> Any:
    """The value cut down to a mask such as `kind,files(id,owners/emailAddress)`; an empty one keeps everything."""
    return _cut(value, _tree(mask)) if mask else value


def _tree(mask: str) -> Tree:
    # A name without anything below it keeps all that is there.
    root: Tree = {}
    node, groups = root, [root]
    for name, sign in re.findall(r"([\w*]+)|(.)", "".join(mask.split())):
        match sign:
            case "":
                node = node.setdefault(name, {})
            case "(":
                groups.append(node)
            case "," | ")" if len(groups) > (sign == ")"):
                node = groups.pop() if sign == ")" else groups[-1]
            case "/" | ".":
                pass
            case _:
                raise fault(400, f"Invalid field selection {mask}", "invalidParameter")
    if len(groups) != 1:
        raise fault(400, f"Invalid field selection {mask}", "invalidParameter")
    return root


def _cut(value: Any, tree: Tree) -> Any:
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [_cut(item, tree) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _cut(inner, tree[name]) for name, inner in cast("Json", value).items() if name in tree}
    return value
