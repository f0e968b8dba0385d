"""The sandbox's documents: an action's Markdown knowledge, written from its inputs in the layouts that Pica has."""

import json
from collections.abc import Iterable
from typing import Any

from pica_mcp.sandbox import appendix
from pica_mcp.sandbox.catalog import Action, Field
from pica_mcp.sandbox.upstream import Json

_MEDIA = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}


def knowledge(action: Action, base_url: str) -> str | None:
    """The action's document in the layout of ordinary, GraphQL or custom actions; None where it has none."""
    if action.shape == "none":
        return None
    sections = _custom(action) if action.is_custom else _ordinary(action, base_url)
    text = "\n\n".join([*sections, *filter(None, [action.notes.rstrip("\n")])]) + "\n"
    text = appendix.lengthened(text, action)
    return text.replace("\n", "\r\n") if action.crlf else text


def examples(fields: Iterable[Field]) -> Json:
    """The samples of fields as the nested object they belong to."""
    found: Json = {}
    for field in fields:
        if field.sample is not None:
            *parents, last = field.name.split(".")
            node = found
            for parent in parents:
                node = _inside(node, parent)
            node[last.removesuffix("[]")] = field.sample
    return found


def root(field: Field) -> str:
    """The name of the outermost field that it belongs to."""
    return field.name.partition(".")[0].removesuffix("[]")


def _inside(node: Json, parent: str) -> Json:
    if not parent.endswith("[]"):
        return node.setdefault(parent, {})
    return node.setdefault(parent.removesuffix("[]"), [{}])[0]


def _ordinary(action: Action, base_url: str) -> list[str]:
    url = f"{base_url}{action.path}"
    return [
        f"# {action.title}",
        f"## Method\n\n`{action.method}`",
        f"## URL\n\n`{url}`",
        f"## Headers\n\n{_fence(_headers(action))}",
        f"## Description\n\n{action.about}",
        *([f"## GraphQL Operation\n\n```graphql\n{action.operation}\n```"] if action.operation else []),
        *(_tables(action) if action.shape != "schema" else []),
        f"## Response\n\n### {_success(action)}\n\n{_shown(action.output)}",
        f"## Sample Request\n\n{_curl(action, url)}",
    ]


def _custom(action: Action) -> list[str]:
    return [
        f"# {action.title}",
        f"## Endpoint\n\n`{action.method} {action.path}`",
        f"## Headers\n\n{_fence(_headers(action))}",
        f"## Description\n\n{action.about}",
        "## Request Body",
        *_body(action),
        f"## Response\n\n### Success Response (200 OK)\n\n{_shown(action.output)}",
    ]


def _body(action: Action) -> list[str]:
    fields = action.of("body")
    options = list(dict.fromkeys(field.option for field in fields if field.option))
    if not options:
        return _divided("### {} Request Body Fields", fields)
    return [
        section
        for letter, option in zip("ABCDEFGH", options, strict=False)
        for section in (
            f"### Option {letter}",
            *_divided(
                f"#### {{}} Request Body Fields ({option})", [one for one in fields if one.option in ("", option)]
            ),
        )
    ]


def _divided(heading: str, fields: Iterable[Field]) -> list[str]:
    fields = list(fields)
    return [
        *_table(heading.format("Required"), [field for field in fields if field.required]),
        *_table(heading.format("Optional"), [field for field in fields if not field.required]),
    ]


def _tables(action: Action) -> list[str]:
    query, body, headers = action.of("query"), action.of("body"), action.of("headers")
    return [
        *_table("## Required Path Parameters", action.of("path")),
        *_divided("## {} Query Parameters", query),
        *_divided("## {} Headers", headers),
        *(_variables(body) if action.encoding == "graphql" else _fields(action, body)),
    ]


def _fields(action: Action, body: list[Field]) -> list[str]:
    media = f" ({_MEDIA[action.encoding]})" if action.encoding in _MEDIA else ""
    roots = {field.name for field in body if field.required}
    return [
        *_table(f"## Required Request Body Fields{media}", [field for field in body if root(field) in roots]),
        *_table(f"## Optional Request Body Fields{media}", [field for field in body if root(field) not in roots]),
    ]


def _variables(body: list[Field]) -> list[str]:
    prefix = "variables."
    return _table("## Request Variables", [field for field in body if field.name.startswith(prefix)], prefix)


def _table(heading: str, fields: Iterable[Field], prefix: str = "") -> list[str]:
    lines = [f"| `{field.name.removeprefix(prefix)}` | {_kind(field)} | {_remark(field, prefix)} |" for field in fields]
    if not lines:
        return []
    return [
        "\n".join((heading, "", "| Parameter | Type | Description |", "|-----------|------|-------------|", *lines))
    ]


def _kind(field: Field) -> str:
    return field.kind.replace("|", "\\|")


def _remark(field: Field, prefix: str) -> str:
    # The heading says what is required, but not inside an object, nor for variables, which share one table.
    nested = "**Required** " if field.required and (prefix or root(field) != field.name) else ""
    values = f" One of: {', '.join(f'`{value}`' for value in field.values)}." if field.values else ""
    return f"{nested}{field.about}{values}"


def _headers(action: Action) -> Json:
    headers = {"Authorization": "Bearer {{token}}"}
    for field in action.of("headers"):
        headers[field.name] = str(field.sample or "...")
    if action.of("body") or "body" in action.schemas:
        headers["Content-Type"] = _MEDIA.get(action.encoding, "application/json")
    return headers


def _success(action: Action) -> str:
    return "Success Response (200 OK)" if action.output is not None else "Success Response (204 No Content)"


def _curl(action: Action, url: str) -> str:
    lines = [f"curl {'-I' if action.method == 'HEAD' else f'-X {action.method}'} '{url}'"]
    lines += [f"-H '{field.name}: {field.sample}'" for field in action.of("headers") if field.sample is not None]
    given = [field for field in action.of("body") if field.sample is not None]
    if action.encoding == "form":
        lines += [f"-d '{field.name}={field.sample}'" for field in given]
    elif action.encoding == "multipart":
        lines += [f"-F '{field.name}={field.sample}'" for field in given]
    elif given:
        lines.append(f"-d '{json.dumps(examples(given))}'")
    return "```bash\n" + " \\\n  ".join(lines) + "\n```"


def _shown(value: Any) -> str:
    return "The body is empty." if value is None else _fence(value)


def _fence(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```"
