"""The ten tasks of the benchmark: what a person wants in a day, step by step, and how to see that it came true."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from reader import Wish, member

Act: TypeAlias = Callable[[Wish], Awaitable[Any]]
"""Have one step done; what comes back is what the provider answered."""

Look: TypeAlias = Callable[..., Awaitable[Any]]
"""Ask the sandbox itself: platform, title of a read action, and its path, query or body."""


@dataclass(frozen=True, slots=True)
class Task:
    """`run` does it, and `holds` tells, from the sandbox and from what `run` returned, whether it is done."""

    name: str
    run: Callable[[Act], Awaitable[Any]]
    holds: Callable[[Look, Any], Awaitable[bool]]


LUNCH = "Lunch on Friday"


async def send_email(act: Act) -> Any:
    values = {"recipient": "grace@mail.example", "subject": LUNCH, "text": "At one, in the usual place?"}
    return await act(Wish("Gmail", (("send",), ("email", "mail", "message")), values, {"account": "me"}))


async def email_sent(look: Look, _: Any) -> bool:
    found = await look("gmail", "List Messages", {"userId": "me"}, query={"q": f'in:sent subject:"{LUNCH}"'})
    return found["resultSizeEstimate"] == 1


async def read_email(act: Act) -> Any:
    words = (("unread", "get", "list", "search"), ("emails", "mails", "messages"))
    found = await act(Wish("Gmail", words, {"terms": "is:unread from:charles"}, {"account": "me", "count": 5}))
    if "gears" in json.dumps(found):
        return found
    one = {"id": member(found, "id", "messageId")}
    return await act(Wish("Gmail", (("get", "read"), ("message", "email")), one, {"account": "me"}))


async def email_read(_: Look, answer: Any) -> bool:
    return "The brass gears arrived." in json.dumps(answer)


async def post_message(act: Act) -> Any:
    values = {"channel": "general", "text": "The demo is at three."}
    return await act(Wish("Slack", (("post", "send"), ("message",)), values))


async def message_posted(look: Look, _: Any) -> bool:
    found = await look("slack", "Fetch Conversation History", query={"channel": "C0GENERAL"})
    return found["messages"][0]["text"] == "The demo is at three."


async def open_github_issue(act: Act) -> Any:
    values = {"owner": "bea", "repository": "engine", "title": "Valve leaks", "text": "Since this morning."}
    return await act(Wish("GitHub", (("create", "open"), ("issue",)), values))


async def github_issue_opened(look: Look, _: Any) -> bool:
    found = await look("github", "List Repository Issues", {"owner": "bea", "repo": "engine"})
    return (found[0]["title"], found[0]["body"]) == ("Valve leaks", "Since this morning.")


async def add_customer(act: Act) -> Any:
    values = {"email": "zoe@acme.example", "name": "Zoe Acme"}
    return await act(Wish("Stripe", (("create", "add"), ("customer",)), values))


async def customer_added(look: Look, _: Any) -> bool:
    found = await look("stripe", "List Customers", query={"email": "zoe@acme.example"})
    return [one["name"] for one in found["data"]] == ["Zoe Acme"]


async def list_payments(act: Act) -> Any:
    return await act(Wish("Stripe", (("list", "get"), ("payments", "charges")), {}, {"count": 5}))


async def payments_listed(_: Look, answer: Any) -> bool:
    return sorted(one["amount"] for one in answer["data"]) == [1250, 4200]


async def add_event(act: Act) -> Any:
    values = {"title": "Dentist", "start": "2026-01-08T09:00:00Z", "end": "2026-01-08T09:30:00Z"}
    words = (("create", "add", "insert"), ("event",))
    return await act(Wish("Google Calendar", words, values, {"calendar": "primary"}))


async def event_added(look: Look, _: Any) -> bool:
    found = await look("google-calendar", "List Events", {"calendarId": "primary"}, query={"q": "Dentist"})
    return [one["start"]["dateTime"] for one in found["items"]] == ["2026-01-08T09:00:00Z"]


async def append_row(act: Act) -> Any:
    found = await act(Wish("Google Sheets", (("find", "search", "list"), ("spreadsheet",)), {"terms": "Stock"}))
    values = {"spreadsheet": member(found, "spreadsheetId"), "rows": [["Worm gear", 6, 9.5]]}
    return await act(Wish("Google Sheets", (("append", "add"), ("row", "values")), values, {"sheet": "Gears"}))


async def row_appended(look: Look, _: Any) -> bool:
    spreadsheets = await look("google-sheets", "Find Spreadsheets", body={"query": "Stock"})
    place = {"spreadsheetId": member(spreadsheets, "spreadsheetId"), "range": "Gears"}
    return (await look("google-sheets", "Get Values", place))["values"][-1][0] == "Worm gear"


async def find_contact(act: Act) -> Any:
    return await act(Wish("HubSpot", (("search", "find"), ("contacts",)), {"terms": "ada@bea.example"}))


async def contact_found(_: Look, answer: Any) -> bool:
    return [one["properties"]["lastname"] for one in answer["results"]] == ["Lovelace"]


async def open_linear_issue(act: Act) -> Any:
    values = {"team": "ENG", "title": "Pump stalls", "text": "At low pressure."}
    return await act(Wish("Linear", (("create", "open"), ("issue",)), values))


async def linear_issue_opened(look: Look, _: Any) -> bool:
    asked = {"query": 'query { searchIssues(term: "Pump") { nodes { title description team { key } } } }'}
    nodes = (await look("linear", "Search Issues", body=asked))["data"]["searchIssues"]["nodes"]
    return nodes == [{"title": "Pump stalls", "description": "At low pressure.", "team": {"key": "ENG"}}]


TASKS = (
    Task("send an email", send_email, email_sent),
    Task("find and read an unread email", read_email, email_read),
    Task("post a message in Slack", post_message, message_posted),
    Task("open an issue on GitHub", open_github_issue, github_issue_opened),
    Task("add a customer in Stripe", add_customer, customer_added),
    Task("list the last payments", list_payments, payments_listed),
    Task("add an event to the calendar", add_event, event_added),
    Task("append a row to a spreadsheet", append_row, row_appended),
    Task("find a contact in HubSpot", find_contact, contact_found),
    Task("open an issue in Linear", open_linear_issue, linear_issue_opened),
)
