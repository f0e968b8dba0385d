"""What a Notion workspace in the sandbox is made of: texts, property values, lists, and how Notion refuses them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.upstream import Json, ProviderError, Reply, fields, objects, uuid, whole

KINDS = ("title", "rich_text", "number", "select", "multi_select", "status", "checkbox", "date", "url", "email")

_STATUSES: Mapping[str, int] = MappingProxyType({"unauthorized": 401, "object_not_found": 404})
_REFUSALS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("invalid_json", "Error parsing JSON body."),
        401: ("unauthorized", "API token is invalid."),
        404: ("invalid_request_url", "Invalid request URL."),
    }
)


def refuse(status: int) -> Reply:
    """Notion's error body for a request that reached no object; a path that it does not know is a 400."""
    return _error(*_REFUSALS[status])


def fault(message: str, code: str = "validation_error") -> ProviderError:
    """Notion's refusal of what was sent."""
    return ProviderError(_error(code, message))


def _error(code: str, message: str) -> Reply:
    status = _STATUSES.get(code, 400)
    return Reply(status, {"object": "error", "status": status, "code": code, "message": message})


def lost(what: str, token: str) -> ProviderError:
    """Notion's 404, which does not say whether the object exists."""
    message = f"Could not find {what} with ID: {token}. Make sure it is shared with your integration."
    return fault(message, "object_not_found")


def dashed(token: str) -> str:
    """An id with its dashes, whether or not the caller wrote them."""
    return uuid(token.replace("-", "").lower())


# --- shapes of a body -----------------------------------------------------------------------------------------------


def group(value: Any, name: str) -> Json:
    """An object out of a body, empty for None."""
    return fields(value, fault(f"body failed validation: body.{name} should be an object."))


def rows(value: Any, name: str) -> list[Json]:
    """A list of objects out of a body, empty for None."""
    return objects(value, fault(f"body failed validation: body.{name} should be an array of objects."))


def listing(found: list[Json], size: Any, cursor: Any, kind: str) -> Reply:
    """One page of what was found; the cursor is the id of the first object of the page."""
    limit = whole(size or 100)
    if not 1 <= limit <= 100:
        raise fault("body failed validation: page_size should be between 1 and 100.")
    ids = [one["id"] for one in found]
    if cursor and dashed(str(cursor)) not in ids:
        raise fault("The start_cursor provided is invalid.")
    start = ids.index(dashed(str(cursor))) if cursor else 0
    following = ids[start + limit] if start + limit < len(ids) else None
    body = {"object": "list", "results": found[start : start + limit], "next_cursor": following}
    return Reply(body={**body, "has_more": following is not None, "type": kind, kind: {}})


# --- texts ----------------------------------------------------------------------------------------------------------


def rich(sent: Any, name: str) -> list[Json]:
    """A rich text as Notion keeps it: every piece with its plain text."""
    return [_piece(one, name) for one in rows(sent, name)]


def _piece(sent: Json, name: str) -> Json:
    content = group(sent.get("text"), f"{name}.text").get("content")
    if not isinstance(content, str):
        raise fault(f"body failed validation: body.{name}[].text.content should be a string.")
    return {
        "annotations": {"bold": False, "italic": False, "code": False},
        **sent,
        "type": "text",
        "plain_text": content,
    }


def words(text: str) -> list[Json]:
    """A rich text of one piece."""
    return rich([{"text": {"content": text}}], "rich_text")


def plain(pieces: Iterable[Json]) -> str:
    """What a rich text says."""
    return "".join(piece["plain_text"] for piece in pieces)


# --- property values ------------------------------------------------------------------------------------------------


def value(name: str, kind: str, sent: Any) -> Json:
    """A property's value as a page carries it; one of another kind than its column's is refused."""
    given = group(sent, f"properties.{name}")
    if kind not in given:
        raise fault(f"{name} is expected to be {kind}.")
    return {"id": kind, "type": kind, kind: _content(name, kind, given[kind])}


def _content(name: str, kind: str, content: Any) -> Any:
    if kind in {"title", "rich_text"}:
        return rich(content, f"properties.{name}")
    if kind == "multi_select":
        return [_option(name, one) for one in rows(content, f"properties.{name}")]
    if kind in {"select", "status"}:
        return None if content is None else _option(name, group(content, f"properties.{name}"))
    if not isinstance(content, _types(kind)) or (kind == "number" and isinstance(content, bool)):
        raise fault(f"body failed validation: body.properties.{name}.{kind} has the wrong type.")
    if kind == "date" and content is not None and not isinstance(content.get("start"), str):
        raise fault(f"body failed validation: body.properties.{name}.date.start should be a string.")
    return content


def _types(kind: str) -> Any:
    return {"number": int | float | None, "checkbox": bool, "date": dict | None}.get(kind, str | None)


def _option(name: str, sent: Json) -> Json:
    if not isinstance(sent.get("name"), str):
        raise fault(f"body failed validation: body.properties.{name} needs an option's name.")
    return {"id": sent["name"].lower(), "name": sent["name"], "color": "default"}


def content(held: Json | None) -> Any:
    """What a value comes down to when it is compared: a text, a number, a flag, a list of names, or None."""
    if held is None:
        return None
    inner: Any = held[held["type"]]
    match held["type"]:
        case "title" | "rich_text":
            return plain(inner) or None
        case "select" | "status":
            return inner and inner["name"]
        case "multi_select":
            return [one["name"] for one in inner] or None
        case "date":
            return inner and inner.get("start")
        case _:
            return inner
