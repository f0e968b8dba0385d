from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

WITH, WITHOUT = "/calendar/v3/calendars/{{calendarId}}/events", "/calendars/{{calendarId}}/events"
ONE, BARE = f"{WITH}/{{{{eventId}}}}", f"{WITHOUT}/{{{{eventId}}}}"
PRIMARY = {"calendarId": "primary"}
TEA: dict[str, Any] = {
    "summary": "Tea",
    "start": {"dateTime": "2026-02-01T16:00:00+01:00", "timeZone": "Europe/Paris"},
    "end": {"dateTime": "2026-02-01T17:00:00+01:00"},
    "attendees": [{"email": "grace@mail.example"}],
    "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
}


@pytest.fixture
def agenda(pica: "Pica") -> str:
    return pica.box.connect("google-calendar", name="Ada")


async def insert(pica: "Pica", key: str, **event: Any) -> dict[str, Any]:
    answer = await pica.send(key, "POST", WITH, PRIMARY, json={**TEA, **event})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def events(pica: "Pica", key: str, calendar: str = "primary", **params: str) -> list[dict[str, Any]]:
    answer = await pica.send(key, "GET", WITH, {"calendarId": calendar}, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def calendars(pica: "Pica", key: str) -> list[dict[str, Any]]:
    return (await pica.send(key, "GET", "/calendar/v3/users/me/calendarList")).json()["items"]


def place(event: dict[str, Any]) -> dict[str, str]:
    return {"calendarId": "primary", "eventId": event["id"]}


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"] == error["errors"][0]["message"]
    assert error["errors"][0]["domain"] == "global"
    return answer.status_code, error["errors"][0]["reason"]


async def test_an_event_is_made_and_read_back(pica: "Pica", agenda: str) -> None:
    made = await insert(pica, agenda)
    assert made["attendees"] == [{"email": "grace@mail.example", "responseStatus": "needsAction"}]
    assert made["reminders"] == TEA["reminders"]
    assert (made["start"], made["status"], made["sequence"]) == (TEA["start"], "confirmed", 0)
    assert (await pica.send(agenda, "GET", ONE, place(made))).json() == made


async def test_a_put_replaces_and_a_patch_keeps(pica: "Pica", agenda: str) -> None:
    made = await insert(pica, agenda, location="Kitchen")
    patched = (await pica.send(agenda, "PATCH", BARE, place(made), json={"summary": "Coffee"})).json()
    assert (patched["summary"], patched["location"], patched["sequence"]) == ("Coffee", "Kitchen", 1)
    body = {"start": TEA["start"], "end": TEA["end"]}
    put = (await pica.send(agenda, "PUT", ONE, place(made), params={"sendUpdates": "all"}, json=body)).json()
    assert (put["id"], put["sequence"]) == (made["id"], 2)
    assert not {"summary", "location", "attendees"} & set(put)
    bare = await pica.send(agenda, "PATCH", BARE, place(made), json={"start": None})
    assert refusal(bare) == (400, "required")


async def test_an_etag_guards_a_change(pica: "Pica", agenda: str) -> None:
    made = await insert(pica, agenda)
    headers = {"if-match": made["etag"]}
    first = await pica.send(agenda, "PATCH", BARE, place(made), json={"summary": "A"}, headers=headers)
    assert first.status_code == 200
    second = await pica.send(agenda, "PATCH", BARE, place(made), json={"summary": "B"}, headers=headers)
    assert refusal(second) == (412, "conditionNotMet")


async def test_a_deleted_event_is_cancelled_and_then_gone(pica: "Pica", agenda: str) -> None:
    made = await insert(pica, agenda)
    deleted = await pica.send(agenda, "DELETE", BARE, place(made))
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await pica.send(agenda, "GET", ONE, place(made))).json()["status"] == "cancelled"
    assert made["id"] not in [one["id"] for one in await events(pica, agenda)]
    assert made["id"] in [one["id"] for one in await events(pica, agenda, showDeleted="true")]
    assert refusal(await pica.send(agenda, "DELETE", BARE, place(made))) == (410, "deleted")


@pytest.mark.parametrize(
    ("params", "titles"),
    [
        ({}, ["Stand-up", "Lunch with Grace", "Bank holiday", "You are invited"]),
        ({"timeMin": "2026-01-08T00:00:00Z"}, ["Stand-up", "Bank holiday", "You are invited"]),
        ({"timeMax": "2026-01-05T11:00:00+01:00"}, []),
        ({"timeMax": "2026-01-05T11:00:01+01:00"}, ["Stand-up"]),
        ({"q": "grace café"}, ["Lunch with Grace"]),
        ({"q": "grace@mail.example"}, ["Lunch with Grace"]),
        ({"q": "zeppelin"}, []),
        (
            {"singleEvents": "true", "orderBy": "startTime", "timeMin": "2026-01-08T09:00:00Z"},
            ["You are invited", "Stand-up", "Bank holiday", "Stand-up"],
        ),
    ],
)
async def test_events_are_selected_and_ordered(
    pica: "Pica", agenda: str, params: dict[str, str], titles: list[str]
) -> None:
    assert [one["summary"] for one in await events(pica, agenda, **params)] == titles


async def test_events_come_in_pages(pica: "Pica", agenda: str) -> None:
    first = (await pica.send(agenda, "GET", WITH, PRIMARY, params={"maxResults": "3"})).json()
    params = {"maxResults": "3", "pageToken": first["nextPageToken"]}
    second = (await pica.send(agenda, "GET", WITH, PRIMARY, params=params)).json()
    assert (len(first["items"]), len(second["items"])) == (3, 1)
    assert "nextPageToken" not in second


async def test_an_instance_is_changed_on_its_own(pica: "Pica", agenda: str) -> None:
    start = {"dateTime": "2026-03-02T09:00:00Z"}
    rule = ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"]
    made = await insert(pica, agenda, start=start, end={"dateTime": "2026-03-02T10:00:00Z"}, recurrence=rule)
    path = f"{BARE}/instances"
    items = (await pica.send(agenda, "GET", path, place(made))).json()["items"]
    assert [one["start"]["dateTime"][:10] for one in items] == ["2026-03-02", "2026-03-16", "2026-03-30"]
    assert items[1]["id"] == f"{made['id']}_20260316T090000Z"
    await pica.send(agenda, "PATCH", BARE, place(items[1]), json={"summary": "Cake"})
    assert (await pica.send(agenda, "DELETE", BARE, place(items[2]))).status_code == 204
    again = (await pica.send(agenda, "GET", path, place(made))).json()["items"]
    assert [one["summary"] for one in again] == ["Tea", "Cake"]
    await pica.send(agenda, "DELETE", BARE, place(made))
    assert (await pica.send(agenda, "GET", path, place(made))).json()["items"] == []


async def test_whole_days_recur_as_well(pica: "Pica", agenda: str) -> None:
    days = {"start": {"date": "2026-04-01"}, "end": {"date": "2026-04-02"}}
    made = await insert(pica, agenda, **days, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    last = (await pica.send(agenda, "GET", f"{BARE}/instances", place(made))).json()["items"][-1]
    assert (last["id"], last["end"]) == (f"{made['id']}_20260402", {"date": "2026-04-03"})
    plain = (await events(pica, agenda, q="lunch"))[0]
    assert refusal(await pica.send(agenda, "GET", f"{BARE}/instances", place(plain))) == (400, "invalid")


async def test_a_line_of_text_becomes_an_event(pica: "Pica", agenda: str) -> None:
    params = {"text": "Tea with Grace 2026-01-07 16:00"}
    made = (await pica.send(agenda, "POST", f"{WITHOUT}/quickAdd", PRIMARY, params=params)).json()
    assert made["summary"] == params["text"]
    assert (made["start"]["dateTime"], made["end"]["dateTime"]) == ("2026-01-07T16:00:00Z", "2026-01-07T17:00:00Z")
    assert (await pica.send(agenda, "POST", f"{WITHOUT}/quickAdd", PRIMARY, params={"text": "Soon"})).status_code == 200
    assert refusal(await pica.send(agenda, "POST", f"{WITHOUT}/quickAdd", PRIMARY)) == (400, "required")


async def test_an_event_moves_to_a_new_calendar(pica: "Pica", agenda: str) -> None:
    made = await insert(pica, agenda)
    other = (await pica.send(agenda, "POST", "/calendar/v3/calendars", json={"summary": "Leisure"})).json()
    assert other["id"] in [one["id"] for one in await calendars(pica, agenda)]
    moved = await pica.send(agenda, "POST", f"{BARE}/move", place(made), params={"destination": other["id"]})
    assert moved.json()["organizer"] == {"email": other["id"]}
    assert refusal(await pica.send(agenda, "GET", ONE, place(made))) == (404, "notFound")
    assert [one["id"] for one in await events(pica, agenda, other["id"])] == [made["id"]]
    nowhere = await pica.send(agenda, "POST", f"{BARE}/move", place(made), params={"destination": "nowhere"})
    assert refusal(nowhere) == (404, "notFound")


async def test_only_the_primary_calendar_is_cleared(pica: "Pica", agenda: str) -> None:
    other = (await calendars(pica, agenda))[1]["id"]
    path = "/calendars/{{calendarId}}/clear"
    assert refusal(await pica.send(agenda, "POST", path, {"calendarId": other})) == (400, "invalid")
    assert (await pica.send(agenda, "POST", path, PRIMARY)).status_code == 204
    assert await events(pica, agenda) == []


async def test_busy_times_are_joined_and_cut(pica: "Pica", agenda: str) -> None:
    for minute in ("10", "20"):
        times = {
            "start": {"dateTime": f"2026-01-05T10:{minute}:00Z"},
            "end": {"dateTime": f"2026-01-05T10:{minute}:30Z"},
        }
        await insert(pica, agenda, **times)
    items = [{"id": "primary"}, {"id": "nowhere"}]
    body = {"timeMin": "2026-01-05T10:05:00Z", "timeMax": "2026-01-05T12:00:00Z", "items": items}
    answer = (await pica.send(agenda, "POST", "/calendar/v3/freeBusy", json=body)).json()["calendars"]
    assert answer["primary"]["busy"] == [
        {"start": "2026-01-05T10:05:00Z", "end": "2026-01-05T10:15:00Z"},
        {"start": "2026-01-05T10:20:00Z", "end": "2026-01-05T10:20:30Z"},
    ]
    assert answer["nowhere"]["errors"][0]["reason"] == "notFound"
    late = {**body, "timeMin": "2026-01-08T00:00:00Z", "timeMax": "2026-01-08T09:45:00Z"}
    answer = (await pica.send(agenda, "POST", "/calendar/v3/freeBusy", json=late)).json()["calendars"]
    assert answer["primary"]["busy"] == []  # the invitation does not block


async def test_the_custom_action_takes_plain_fields(pica: "Pica", agenda: str) -> None:
    body: dict[str, Any] = {"connectionKey": agenda, "title": "Dinner", "attendees": ["grace@mail.example"]}
    times = {"start": "2026-02-02T19:00:00Z", "end": "2026-02-02T21:00:00Z", "description": "Bring gears."}
    made = (await pica.send(agenda, "POST", "/google-calendar/create-event", json={**body, **times})).json()
    assert made["success"] is True
    found = (await events(pica, agenda, q="dinner"))[0]
    assert (found["id"], found["attendees"][0]["email"]) == (made["id"], "grace@mail.example")
    missing = await pica.send(agenda, "POST", "/google-calendar/create-event", json=body)
    assert (missing.status_code, missing.json()["error"]) == (400, "Bad Request")


async def test_accounts_know_nothing_of_each_other(pica: "Pica", agenda: str) -> None:
    other = pica.box.connect("google-calendar", name="Other")
    made = await insert(pica, agenda)
    assert refusal(await pica.send(other, "GET", ONE, place(made))) == (404, "notFound")


async def test_an_id_is_taken_once(pica: "Pica", agenda: str) -> None:
    await insert(pica, agenda, id="tea12345")
    again = await pica.send(agenda, "POST", WITH, PRIMARY, json={**TEA, "id": "tea12345"})
    assert refusal(again) == (409, "duplicate")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"start": None}, "required"),
        ({"end": {}}, "required"),
        ({"end": {"dateTime": "2026-02-01T15:00:00Z"}}, "timeRangeEmpty"),
        ({"start": {"dateTime": "tomorrow"}}, "badRequest"),
        ({"start": {"dateTime": 5}}, "badRequest"),
        ({"start": {"dateTime": "2026-02-01T16:00:00"}}, "badRequest"),
        ({"start": {"dateTime": "0001-01-01T00:00:00Z"}}, "badRequest"),
        ({"start": "soon"}, "badRequest"),
        ({"summary": 5}, "badRequest"),
        ({"attendees": [{"email": "nobody"}]}, "invalid"),
        ({"attendees": ["ada@mail.example"]}, "badRequest"),
        ({"reminders": {"overrides": [{"method": "shout", "minutes": 5}]}}, "invalid"),
        ({"recurrence": ["RRULE:FREQ=HOURLY"]}, "invalid"),
        ({"recurrence": ["RRULE:FREQ=DAILY;COUNT=9999"]}, "invalid"),
        ({"recurrence": []}, "invalid"),
        ({"transparency": "glass"}, "invalid"),
        ({"id": "UPPER"}, "invalid"),
    ],
)
async def test_what_makes_no_sense_is_refused(pica: "Pica", agenda: str, event: dict[str, Any], reason: str) -> None:
    answer = await pica.send(agenda, "POST", WITH, PRIMARY, json={**TEA, **event})
    assert refusal(answer) == (400, reason)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"orderBy": "startTime"}, "badRequest"),
        ({"orderBy": "size"}, "badRequest"),
        ({"timeMin": "2026-01-05"}, "badRequest"),
        ({"timeMin": "2026-01-06T00:00:00Z", "timeMax": "2026-01-05T00:00:00Z"}, "timeRangeEmpty"),
        ({"maxResults": "0"}, "invalid"),
        ({"maxResults": "all"}, "badRequest"),
        ({"pageToken": "-1"}, "invalid"),
    ],
)
async def test_a_listing_that_makes_no_sense_is_refused(
    pica: "Pica", agenda: str, params: dict[str, str], reason: str
) -> None:
    assert refusal(await pica.send(agenda, "GET", WITH, PRIMARY, params=params)) == (400, reason)


async def test_unknown_update_policies_calendars_and_lost_authority_are_refused(pica: "Pica", agenda: str) -> None:
    answer = await pica.send(agenda, "POST", WITH, PRIMARY, params={"sendUpdates": "some"}, json=TEA)
    assert refusal(answer) == (400, "invalidParameter")
    assert refusal(await pica.send(agenda, "GET", WITH, {"calendarId": "nowhere"})) == (404, "notFound")
    pica.box.set_state(agenda, "failed")
    assert refusal(await pica.send(agenda, "GET", WITH, PRIMARY)) == (401, "authError")


async def test_the_hidden_action_answers_those_who_have_its_id(pica: "Pica", agenda: str) -> None:
    colors = (await pica.send(agenda, "GET", "/calendar/v3/colors")).json()
    assert colors["event"]["1"] == {"background": "#2188cc"}
