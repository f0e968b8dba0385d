"""What an Attio workspace in the sandbox keeps of a record: typed values, and how Attio refuses what does not fit."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, ProviderError, Reply, fields, objects, whole

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "value",
        "number": "value",
        "checkbox": "value",
        "date": "value",
        "select": "option",
        "domain": "domain",
        "email-address": "email_address",
        "personal-name": "full_name",
    }
)
_TYPES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("invalid_request_error", "validation_type"),
        401: ("auth_error", "unauthorized"),
        404: ("invalid_request_error", "not_found"),
        409: ("invalid_request_error", "uniqueness_conflict"),
    }
)
_MESSAGES: Mapping[int, str] = MappingProxyType(
    {
        400: "The body could not be parsed as JSON.",
        401: "The access token is no longer valid.",
        404: "Could not find the endpoint.",
    }
)


def refuse(status: int) -> Reply:
    """Attio's error body for a request that reached no object."""
    return _error(status, _TYPES[status][1], _MESSAGES[status])


def fault(message: str, code: str = "", status: int = 400) -> ProviderError:
    """Attio's refusal of what was sent; the code follows from the status unless it is given."""
    return ProviderError(_error(status, code or _TYPES[status][1], message))


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"status_code": status, "type": _TYPES[status][0], "code": code, "message": message})


# --- bodies and pages -----------------------------------------------------------------------------------------------


def group(value: Any, name: str) -> Json:
    """An object out of a body, empty for None."""
    return fields(value, fault(f"{name}: expected an object."))


def rows(value: Any, name: str) -> list[Json]:
    """A list of objects out of a body, empty for None."""
    return objects(value, fault(f"{name}: expected a list of objects."))


def data(call: Call, *required: str) -> Json:
    """What the body holds under `data`, with the fields that it needs."""
    sent = group(call.json().get("data"), "data")
    for name in required:
        if sent.get(name) in (None, ""):
            raise fault(f"data.{name}: required.", "missing_value")
    return sent


def listing(found: list[Json], limit: Any, offset: Any, most: int = 500) -> Reply:
    """One page of what was found."""
    size, start = whole(limit or most), whole(offset or 0)
    if not 1 <= size <= most or start < 0:
        raise fault(f"limit must be between 1 and {most}, and offset not below 0.")
    return Reply(body={"data": found[start : start + size]})


# --- values ---------------------------------------------------------------------------------------------------------


def entries(attribute: Json, sent: Any) -> list[Json]:
    """A value as Attio keeps it, one entry each; a single value may come without its list."""
    name = attribute["api_slug"]
    items = cast("list[Any]", sent if isinstance(sent, list) else [] if sent is None else [sent])
    if len(items) > 1 and not attribute["is_multiselect"]:
        raise fault(f"{name}: takes one value.", "value_not_multiselect")
    if not items and attribute["is_required"]:
        raise fault(f"{name}: required.", "missing_value")
    return [_entry(name, attribute["type"], item) for item in items]


def _entry(name: str, kind: str, item: Any) -> Json:
    key = KINDS[kind]
    value: Any = cast("Json", item).get(key) if isinstance(item, dict) else item
    if kind == "email-address" and "@" not in str(value):
        raise fault(f"{name}: {value!r} is not an email address.", "validation_email")
    if not isinstance(value, _wanted(kind)) or (kind == "number" and isinstance(value, bool)):
        raise fault(f"{name}: {value!r} is not a {kind}.")
    return {"active_until": None, "attribute_type": kind, key: value, **_parts(kind, value)}


def _wanted(kind: str) -> Any:
    return {"number": int | float, "checkbox": bool}.get(kind, str)


def _parts(kind: str, value: Any) -> Json:
    if kind != "personal-name":
        return {}
    first, _, last = value.partition(" ")
    return {"first_name": first, "last_name": last}


def contents(held: list[Json]) -> list[Any]:
    """What the entries come down to when they are compared."""
    return [entry[KINDS[entry["attribute_type"]]] for entry in held]
