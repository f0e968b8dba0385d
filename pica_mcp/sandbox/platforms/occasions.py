"""Occasions in the sandbox: when a calendar's events are, how often, and whether what is asked for makes sense.

Zones are kept and not computed: a time without an offset counts as UTC whatever its zone is.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.platforms.google import fault
from pica_mcp.sandbox.platforms.grids import members, objects
from pica_mcp.sandbox.upstream import Json, strings

SETTABLE = (
    "summary",
    "description",
    "location",
    "start",
    "end",
    "attendees",
    "recurrence",
    "reminders",
    "transparency",
    "visibility",
    "colorId",
    "status",
)

_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "transparency": ("opaque", "transparent"),
        "visibility": ("default", "public", "private", "confidential"),
        "status": ("confirmed", "tentative", "cancelled"),
    }
)
_STEPS: Mapping[str, timedelta] = MappingProxyType({"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)})
_USUAL_COUNT = 52
_MOST = 366


def moment(text: Any, name: str, *, offset: bool = True) -> datetime:
    """The moment that a text means; one without an offset is refused, or counts as UTC."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise fault(400, f"Invalid value for {name}: not an RFC 3339 time.", "badRequest") from error
    if not 1900 <= found.year <= 2200 or (offset and found.tzinfo is None):
        raise fault(400, f"Invalid value for {name}: not an RFC 3339 time with an offset.", "badRequest")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def span(event: Json) -> tuple[datetime, datetime]:
    """When the event starts and ends; refused if either is missing or nothing is between them."""
    start, end = _when(event.get("start"), "start"), _when(event.get("end"), "end")
    if end <= start:
        raise fault(400, "The specified time range is empty.", "timeRangeEmpty")
    return start, end


def settable(body: Json) -> Json:
    """What a caller may set of an event, each of it checked by itself; null sets nothing."""
    details = {name: body[name] for name in SETTABLE if body.get(name) is not None}
    strings([details[name] for name in ("summary", "description", "location", "colorId") if name in details])
    for name, choices in _CHOICES.items():
        if details.get(name, choices[0]) not in choices:
            raise fault(400, f"Invalid {name} value.", "invalid")
    if "attendees" in details:
        details["attendees"] = [_attendee(one) for one in objects(details["attendees"])]
    if "recurrence" in details:
        _rule(strings(details["recurrence"]))
    _check_reminders(members(details.get("reminders")))
    return details


def instances(event: Json) -> list[Json]:
    """The single events of a recurring one, in order."""
    step, number = _rule(event["recurrence"])
    shared = {name: value for name, value in event.items() if name != "recurrence"}
    return [_instance(shared, step * index) for index in range(number)]


def overlaps(event: Json, after: datetime | None, before: datetime | None) -> bool:
    """Whether the event, or one of its instances, is in that time."""
    if "recurrence" in event:
        return any(overlaps(one, after, before) for one in instances(event))
    start, end = span(event)
    return (after is None or end > after) and (before is None or start < before)


def merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The spans in order, those that touch joined."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def written(found: datetime) -> str:
    """A moment as RFC 3339, UTC as Z."""
    return found.isoformat().replace("+00:00", "Z")


def _when(value: Any, name: str) -> datetime:
    details = members(value)
    if not details.get("date") and not details.get("dateTime"):
        raise fault(400, f"Missing {name} time.", "required")
    if details.get("date"):
        return moment(details["date"], name, offset=False)
    return moment(details["dateTime"], name, offset=not details.get("timeZone"))


def _attendee(attendee: Json) -> Json:
    email = attendee.get("email")
    if not isinstance(email, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise fault(400, "Invalid attendee email.", "invalid")
    return {"responseStatus": "needsAction", **attendee}


def _check_reminders(reminders: Json) -> None:
    for override in objects(reminders.get("overrides")):
        minutes = override.get("minutes")
        if override.get("method") not in ("email", "popup") or not isinstance(minutes, int) or minutes < 0:
            raise fault(400, "Invalid reminder override.", "invalid")


def _rule(lines: list[str]) -> tuple[timedelta, int]:
    # One rule, daily or weekly; a series without an end is cut after a year's worth of weeks.
    found = [re.fullmatch(r"RRULE:((?:[A-Z]+=[A-Z0-9,]+;?)+)", line) for line in lines]
    if len(found) != 1 or not found[0]:
        raise fault(400, "Invalid recurrence rule.", "invalid")
    parts = dict(re.findall(r"([A-Z]+)=([A-Z0-9,]+)", found[0][1]))
    interval, number = parts.get("INTERVAL", "1"), parts.get("COUNT", str(_USUAL_COUNT))
    if parts.get("FREQ") not in _STEPS or not all(_is_count(one) for one in (interval, number)):
        raise fault(400, "Invalid recurrence rule.", "invalid")
    return _STEPS[parts["FREQ"]] * int(interval), int(number)


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= _MOST


def _instance(event: Json, later: timedelta) -> Json:
    start, end = (_shifted(event[name], later) for name in ("start", "end"))
    first = _when(start, "start")
    mark = f"{first:%Y%m%d}" if start.get("date") else f"{first.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    own = {"id": f"{event['id']}_{mark}", "recurringEventId": event["id"], "originalStartTime": start}
    return {**event, **own, "start": start, "end": end}


def _shifted(time: Json, later: timedelta) -> Json:
    if time.get("date"):
        return {**time, "date": (datetime.fromisoformat(time["date"]) + later).date().isoformat()}
    return {**time, "dateTime": written(datetime.fromisoformat(time["dateTime"]) + later)}
