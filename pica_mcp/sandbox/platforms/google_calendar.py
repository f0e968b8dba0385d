"""Google Calendar in the sandbox: the actions on calendars and events, some paths with a version and some without."""

from pica_mcp.sandbox.catalog import CUSTOM, HIDDEN, Action, Connector, Platform, in_body, in_header, in_path, in_query
from pica_mcp.sandbox.platforms import google_schemas
from pica_mcp.sandbox.platforms.agenda import Agenda
from pica_mcp.sandbox.platforms.google import connection_key, refuse
from pica_mcp.sandbox.upstream import Json

_ID = "4q0e2l7c9h1b5s8m3d6k0a2f4j"
_EVENT: Json = {
    "id": _ID,
    "status": "confirmed",
    "summary": "Stand-up",
    "start": {"dateTime": "2026-01-05T10:00:00Z"},
    "end": {"dateTime": "2026-01-05T10:15:00Z"},
}

CALENDAR = in_path("calendarId", "The calendar's id, or `primary`.", "primary")
EVENT = in_path("eventId", "The event's id, or that of one instance.", _ID)
UPDATES = in_query("sendUpdates", "string", "Who is told.", "none", values=("all", "externalOnly", "none"))
AFTER = in_query("timeMin", "string", "Only what ends after this time, RFC 3339 with offset.", "2026-01-05T00:00:00Z")
BEFORE = in_query("timeMax", "string", "Only what starts before this time, RFC 3339 with offset.")
SIZE = in_query("maxResults", "integer", "How many per page (default: `250`).", 10)
TOKEN = in_query("pageToken", "string", "The `nextPageToken` of the answer before.")
IF_MATCH = in_header("If-Match", "The etag the event must still have.")
FIELDS = (
    in_body("summary", "string", "The title.", "Stand-up"),
    in_body("description", "string", "More words."),
    in_body("location", "string", "Where."),
    in_body("transparency", "string", "Whether it blocks time.", values=("opaque", "transparent")),
    in_body("recurrence", "string[]", "One RRULE line, daily or weekly."),
)
TIMES = (
    in_body("start", "object", "When it starts.", {"dateTime": "2026-01-05T10:00:00Z"}, required=True),
    in_body("end", "object", "When it ends.", {"dateTime": "2026-01-05T10:15:00Z"}, required=True),
)
DETAILS = (
    in_body("start.dateTime", "string", "A time, RFC 3339."),
    in_body("start.timeZone", "string", "The zone's IANA name."),
    in_body("start.date", "string", "A day, for an event without a time."),
    in_body("end.dateTime", "string", "A time, RFC 3339."),
    in_body("end.timeZone", "string", "The zone's IANA name."),
    in_body("attendees", "array of objects", "Who is invited."),
    in_body("attendees[].email", "string", "Their address.", required=True),
    in_body("attendees[].optional", "boolean", "Whether they may stay away."),
    in_body("reminders", "object", "When to remind."),
    in_body("reminders.useDefault", "boolean", "As the calendar does."),
    in_body("reminders.overrides", "array of objects", "Or so."),
    in_body("reminders.overrides[].method", "string", "How.", required=True, values=("email", "popup")),
    in_body("reminders.overrides[].minutes", "integer", "How long before.", required=True),
)


def platform() -> Platform:
    """Google Calendar as one of the imitated platforms."""
    return Platform(
        Connector("google-calendar", "Google Calendar", "Calendars", "Events and invitations"),
        "https://www.googleapis.com",
        (*_calendars(), *_reading(), *_writing(), *_moving(), _custom()),
        Agenda,
        refuse,
    )


def _calendars() -> tuple[Action, ...]:
    row = {"id": "ada@mail.example", "summary": "Ada", "timeZone": "UTC", "accessRole": "owner", "primary": True}
    return (
        Action(
            "google-calendar",
            "GET",
            "/calendar/v3/users/me/calendarList",
            "List Calendars",
            "CalendarList",
            Agenda.list_calendars,
            "Lists the account's calendars.",
            (SIZE, TOKEN),
            output={"items": [row]},
        ),
        Action(
            "google-calendar",
            "POST",
            "/calendar/v3/calendars",
            "Create a Calendar",
            "Calendar",
            Agenda.create_calendar,
            "Creates a calendar beside the primary one.",
            (
                in_body("summary", "string", "The title.", "Engine room", required=True),
                in_body("timeZone", "string", "The zone's IANA name (default: `UTC`).", "Europe/London"),
            ),
            output=row,
        ),
        Action(
            "google-calendar",
            "POST",
            "/calendars/{{calendarId}}/clear",
            "Clear a Primary Calendar",
            "Calendar",
            Agenda.clear_calendar,
            "Deletes every event of the primary calendar for good.",
            (CALENDAR,),
            shape="tables",
        ),
        Action(
            "google-calendar",
            "POST",
            "/calendar/v3/freeBusy",
            "Query Free and Busy Times",
            "FreeBusy",
            Agenda.free_busy,
            "Says when calendars are busy. Nothing is changed.",
            (
                in_body("timeMin", "string", "From when, RFC 3339.", "2026-01-05T00:00:00Z", required=True),
                in_body("timeMax", "string", "Until when, RFC 3339.", "2026-01-10T00:00:00Z", required=True),
                in_body("items", "array of objects", "The calendars.", [{"id": "primary"}], required=True),
                in_body("items[].id", "string", "A calendar's id, or `primary`.", required=True),
            ),
            tags=("availability",),
            shape="tables",
            output={
                "calendars": {"primary": {"busy": [{"start": "2026-01-05T10:00:00Z", "end": "2026-01-05T11:00Z"}]}}
            },
        ),
        Action(
            "google-calendar",
            "GET",
            "/calendar/v3/colors",
            "Get Colors",
            "Color",
            Agenda.colors,
            "Lists the colours that events can have.",
            tags=(HIDDEN,),
            output={"event": {"1": {"background": "#2188cc"}}},
        ),
    )


def _reading() -> tuple[Action, ...]:
    return (
        Action(
            "google-calendar",
            "GET",
            "/calendar/v3/calendars/{{calendarId}}/events",
            "List Events",
            "Event",
            Agenda.list_events,
            "Lists a calendar's events, recurring ones once or as their instances.",
            (
                CALENDAR,
                AFTER,
                BEFORE,
                in_query("q", "string", "Words in title, description, place or addresses.", "boiler"),
                in_query("singleEvents", "boolean", "Show recurring events as their instances.", sample=True),
                in_query(
                    "orderBy",
                    "string",
                    "In which order; `startTime` only with `singleEvents`.",
                    values=("startTime", "updated"),
                ),
                in_query("showDeleted", "boolean", "Show cancelled events as well."),
                SIZE,
                TOKEN,
            ),
            tags=("events",),
            output={"summary": "Ada", "items": [_EVENT]},
        ),
        Action(
            "google-calendar",
            "GET",
            "/calendar/v3/calendars/{{calendarId}}/events/{{eventId}}",
            "Get an Event",
            "Event",
            Agenda.get_event,
            "Returns one event; a deleted one is shown as cancelled.",
            (CALENDAR, EVENT),
            tags=("events",),
            output=_EVENT,
        ),
        Action(
            "google-calendar",
            "GET",
            "/calendars/{{calendarId}}/events/{{eventId}}/instances",
            "List Instances of an Event",
            "Event",
            Agenda.list_instances,
            "Lists the single events of a recurring one.",
            (CALENDAR, EVENT, AFTER, BEFORE, SIZE, TOKEN),
            tags=("events",),
            shape="tables",
            output={"items": [{**_EVENT, "id": f"{_ID}_20260105T100000Z", "recurringEventId": _ID}]},
        ),
    )


def _writing() -> tuple[Action, ...]:
    return (
        Action(
            "google-calendar",
            "POST",
            "/calendar/v3/calendars/{{calendarId}}/events",
            "Insert an Event",
            "Event",
            Agenda.insert_event,
            "Puts an event into a calendar and invites its attendees.",
            (
                CALENDAR,
                UPDATES,
                *TIMES,
                *FIELDS,
                *DETAILS,
                in_body("id", "string", "An id of your own: 0 to 9 and a to v, five at least."),
            ),
            tags=("events",),
            schemas={"body": google_schemas.event()},
            output=_EVENT,
            notes="## Gotchas\n\n- A time needs an offset or a zone.\n- An event for whole days has `date`s instead.",
        ),
        Action(
            "google-calendar",
            "PUT",
            "/calendar/v3/calendars/{{calendarId}}/events/{{eventId}}",
            "Update an Event",
            "Event",
            Agenda.update_event,
            "Replaces an event; what is not sent is gone.",
            (CALENDAR, EVENT, UPDATES, IF_MATCH, *TIMES, *FIELDS, *DETAILS),
            tags=("events",),
            shape="tables",
            output=_EVENT,
        ),
        Action(
            "google-calendar",
            "PATCH",
            "/calendars/{{calendarId}}/events/{{eventId}}",
            "Patch an Event",
            "Event",
            Agenda.patch_event,
            "Changes the fields that are sent; of a recurring event, all of it or one instance.",
            (CALENDAR, EVENT, UPDATES, IF_MATCH, *FIELDS, in_body("start", "object", "When it starts.")),
            tags=("events",),
            output=_EVENT,
        ),
        Action(
            "google-calendar",
            "DELETE",
            "/calendars/{{calendarId}}/events/{{eventId}}",
            "Delete an Event",
            "Event",
            Agenda.delete_event,
            "Deletes an event, or one instance of it.",
            (CALENDAR, EVENT, UPDATES),
            tags=("events",),
        ),
    )


def _moving() -> tuple[Action, ...]:
    return (
        Action(
            "google-calendar",
            "POST",
            "/calendars/{{calendarId}}/events/quickAdd",
            "Quick Add an Event",
            "Event",
            Agenda.quick_add,
            "Makes an event of an hour from one line of text; a date and time in it say when.",
            (
                CALENDAR,
                in_query("text", "string", "The line of text.", "Tea with Grace 2026-01-07 16:00", required=True),
                UPDATES,
            ),
            tags=("events",),
            output=_EVENT,
        ),
        Action(
            "google-calendar",
            "POST",
            "/calendars/{{calendarId}}/events/{{eventId}}/move",
            "Move an Event",
            "Event",
            Agenda.move_event,
            "Moves an event to another calendar.",
            (
                CALENDAR,
                EVENT,
                in_query("destination", "string", "The other calendar's id.", "primary", required=True),
                UPDATES,
            ),
            tags=("events",),
            output=_EVENT,
        ),
    )


def _custom() -> Action:
    return Action(
        "google-calendar",
        "POST",
        "/google-calendar/create-event",
        "Create Event",
        "Event",
        Agenda.create_event,
        "Creates an event from plain fields.",
        (
            connection_key("google-calendar"),
            in_body("title", "string", "The title.", "Stand-up", required=True),
            in_body("start", "string", "When it starts, RFC 3339 with offset.", "2026-01-05T10:00:00Z", required=True),
            in_body("end", "string", "When it ends, RFC 3339 with offset.", "2026-01-05T10:15:00Z", required=True),
            in_body("attendees", "string[]", "Addresses of those invited.", ["grace@mail.example"]),
            in_body("description", "string", "More words."),
            in_body("calendarId", "string", "The calendar's id (default: `primary`)."),
        ),
        tags=(CUSTOM, "events"),
        output={"success": True, "id": _ID, "htmlLink": f"https://calendar.example/event?eid={_ID}"},
    )
