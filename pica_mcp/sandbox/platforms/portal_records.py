"""What a HubSpot account in the sandbox keeps: kinds of objects, their properties, and how HubSpot refuses them."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, ProviderError, Reply, objects, whole

_CORRELATION = "5e0b7c1d-0000-4000-8000-00000000abad"
_REFUSALS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("VALIDATION_ERROR", "Invalid input JSON on line 1, column 1: the request cannot be read."),
        401: ("INVALID_AUTHENTICATION", "Authentication credentials not found. The access token is no longer valid."),
        404: ("OBJECT_NOT_FOUND", "resource not found"),
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its name in paths, other names for it, and its properties; the first ones show by default."""

    name: str
    aliases: tuple[str, ...]
    properties: tuple[str, ...]
    shown: int
    modified: str = "hs_lastmodifieddate"


KINDS = (
    Kind(
        "contacts",
        ("contact", "0-1"),
        (
            "email",
            "firstname",
            "lastname",
            "phone",
            "company",
            "jobtitle",
            "city",
            "lifecyclestage",
            "hubspot_owner_id",
        ),
        3,
        "lastmodifieddate",
    ),
    Kind(
        "companies",
        ("company", "0-2"),
        ("name", "domain", "industry", "city", "phone", "numberofemployees", "hubspot_owner_id"),
        2,
    ),
    Kind(
        "deals",
        ("deal", "0-3"),
        ("dealname", "amount", "dealstage", "pipeline", "closedate", "hubspot_owner_id"),
        5,
    ),
    Kind("notes", ("note", "0-46"), ("hs_note_body", "hs_timestamp", "hubspot_owner_id"), 2),
)
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
LIFECYCLE = ("subscriber", "lead", "opportunity", "customer")
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"dealstage": STAGES, "pipeline": ("default",), "lifecyclestage": LIFECYCLE}
)


def refuse(status: int) -> Reply:
    """HubSpot's error body for a request that reached no object."""
    category, message = _REFUSALS[status]
    return _error(status, category, message)


def fault(message: str, category: str = "VALIDATION_ERROR", status: int = 400) -> ProviderError:
    """HubSpot's refusal of what was sent."""
    return ProviderError(_error(status, category, message))


def _error(status: int, category: str, message: str) -> Reply:
    body = {"status": "error", "message": message, "correlationId": _CORRELATION, "category": category}
    return Reply(status, body)


def kind_of(name: str) -> Kind:
    """The kind with that name, in any of its spellings."""
    for kind in KINDS:
        if name.lower() in (kind.name, *kind.aliases):
            return kind
    raise fault(f"Unable to infer object type from: {name}")


def instant(moment: datetime) -> str:
    """ISO-8601 in milliseconds, as HubSpot writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def properties(kind: Kind, sent: Any) -> dict[str, str]:
    """The properties of a body as the strings that HubSpot keeps; what it does not know is refused by name."""
    if not isinstance(sent, dict):
        raise fault("Invalid input JSON: `properties` must be an object of property names and values.")
    known = cast("Json", sent)
    complaints = [one for name, value in known.items() if (one := _complaint(kind, name, value))]
    if complaints:
        raise fault(f"Property values were not valid: {json.dumps(complaints)}")
    return {name: _text(value) for name, value in known.items()}


def _complaint(kind: Kind, name: str, value: Any) -> Json | None:
    if name not in kind.properties:
        return _invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if isinstance(value, dict | list):
        return _invalid(name, "INVALID_VALUE", f'Property "{name}" takes one value')
    if name in OPTIONS and value not in (None, "", *OPTIONS[name]):
        return _invalid(name, "INVALID_OPTION", f"{value} was not one of the allowed options: {list(OPTIONS[name])}")
    if name == "email" and value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value)):
        return _invalid(name, "INVALID_EMAIL", f"Email address {value} is invalid")
    return None


def _invalid(name: str, code: str, message: str) -> Json:
    return {"isValid": False, "message": message, "error": code, "name": name}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def shown(kind: Kind, record: Json, wanted: Iterable[str]) -> Json:
    """The record with the wanted properties, or with those that show by default; unknown names are passed over."""
    names = [name for name in wanted if name in kind.properties] or list(kind.properties[: kind.shown])
    stored: Json = record["properties"]
    always = {name: stored[name] for name in ("hs_object_id", "createdate", kind.modified)}
    chosen = {name: stored.get(name) or None for name in names}
    return {**record, "properties": {**always, **chosen}}


def named(call: Call) -> list[str]:
    """The names in the query's `properties`, repeated or joined by commas."""
    return [name.strip() for value in call.every("properties") for name in value.split(",") if name.strip()]


def page(found: list[Json], limit: Any, after: Any, most: int) -> tuple[list[Json], Json]:
    """One page of what was found, and the `paging` that leads to the next one, empty on the last."""
    size, start = whole(limit), whole(after or 0)
    if not 1 <= size <= most or start < 0:
        raise fault(f"limit must be between 1 and {most}, and after a number that an answer gave.")
    end = start + size
    return found[start:end], {"paging": {"next": {"after": str(end)}}} if end < len(found) else {}


def rows(value: Any, name: str) -> list[Json]:
    """A list of objects out of a body, empty for None."""
    return objects(value, fault(f"Invalid input JSON: `{name}` must be a list of objects."))
