"""Ten more tasks, of other kinds: the control. What they take is to be like what the first ten take."""

from __future__ import annotations

import json
from typing import Any

from reader import Wish, member
from tasks import Act, Look, Task


async def find_page(act: Act) -> Any:
    return await act(Wish("Notion", (("find", "search"), ("pages", "title")), {"terms": "handbook"}))


async def page_found(_: Look, answer: Any) -> bool:
    return any("handbook" in json.dumps(one) for one in answer["results"])


async def list_people(act: Act) -> Any:
    return await act(Wish("Notion", (("list", "get"), ("people", "users", "members")), {}, {"count": 10}))


async def people_listed(_: Look, answer: Any) -> bool:
    return {"Ada", "Zoë"} <= {one["name"] for one in answer["results"]}


async def list_files(act: Act) -> Any:
    return await act(Wish("Google Drive", (("list", "find"), ("files", "documents")), {}, {"count": 10}))


async def files_listed(_: Look, answer: Any) -> bool:
    return len(answer["files"]) > 1


async def copy_file(act: Act) -> Any:
    found = await act(Wish("Google Drive", (("list", "find"), ("files", "documents")), {}, {"count": 10}))
    one = next(one for one in found["files"] if not one["mimeType"].endswith("folder"))
    values = {"file": one["id"], "name": "Spare copy"}
    return await act(Wish("Google Drive", (("copy", "duplicate"), ("file", "document")), values))


async def file_copied(look: Look, _: Any) -> bool:
    found = await look("google-drive", "List Files", query={"q": "name = 'Spare copy'"})
    return len(found["files"]) == 1


async def comment_on_issue(act: Act) -> Any:
    place = {"owner": "bea", "repository": "engine"}
    words = (("create", "open"), ("issue",))
    made = await act(Wish("GitHub", words, {**place, "title": "Belt slips", "text": "When it is wet."}))
    values = {**place, "number": made["number"], "text": "Dried it."}
    return await act(Wish("GitHub", (("add", "create"), ("comment",), ("issue",)), values))


async def issue_commented(_: Look, answer: Any) -> bool:
    return answer["body"] == "Dried it."


async def list_channels(act: Act) -> Any:
    return await act(Wish("Slack", (("list", "show"), ("channels", "conversations")), {}, {"count": 10}))


async def channels_listed(_: Look, answer: Any) -> bool:
    return "general" in {one["name"] for one in answer["channels"]}


async def refund_payment(act: Act) -> Any:
    found = await act(Wish("Stripe", (("list", "get"), ("payments", "charges")), {}, {"count": 5}))
    return await act(Wish("Stripe", (("create", "make"), ("refund",)), {"payment": member(found["data"], "id")}))


async def payment_refunded(_: Look, answer: Any) -> bool:
    return (answer["object"], answer["status"]) == ("refund", "succeeded")


async def list_deals(act: Act) -> Any:
    return await act(Wish("HubSpot", (("show", "list", "get"), ("deals",)), {}, {"count": 5}))


async def deals_listed(_: Look, answer: Any) -> bool:
    return any("dealname" in one["properties"] for one in answer["results"])


async def list_teams(act: Act) -> Any:
    return await act(Wish("Linear", (("which", "list"), ("teams",)), {}, {"count": 10}))


async def teams_listed(_: Look, answer: Any) -> bool:
    return "ENG" in {one["key"] for one in answer["data"]["teams"]["nodes"]}


async def list_meetings(act: Act) -> Any:
    words = (("upcoming", "list", "get"), ("meetings", "events"))
    return await act(Wish("Google Calendar", words, {}, {"calendar": "primary", "count": 5}))


async def meetings_listed(_: Look, answer: Any) -> bool:
    return answer["kind"] == "calendar#events"


CONTROL = (
    Task("find a page in Notion", find_page, page_found),
    Task("list the people in Notion", list_people, people_listed),
    Task("list the files in Drive", list_files, files_listed),
    Task("copy a file in Drive", copy_file, file_copied),
    Task("comment on an issue on GitHub", comment_on_issue, issue_commented),
    Task("list the channels in Slack", list_channels, channels_listed),
    Task("refund a payment", refund_payment, payment_refunded),
    Task("list the deals in HubSpot", list_deals, deals_listed),
    Task("list the teams in Linear", list_teams, teams_listed),
    Task("list the coming meetings", list_meetings, meetings_listed),
)
