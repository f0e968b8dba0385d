from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica


@pytest.fixture
async def engines(pica: "Pica") -> str:
    return await pica.key("slack", "Engines")


async def history(pica: "Pica", key: str, channel: str = "C0GENERAL", **params: str) -> list[dict[str, Any]]:
    answer = await pica.send(key, "GET", "/conversations.history", params={"channel": channel, **params})
    assert answer.json()["ok"] is True
    return answer.json()["messages"]


async def post(pica: "Pica", key: str, text: str = "Hello") -> str:
    body = {"channel": "C0GENERAL", "text": text}
    return (await pica.send(key, "POST", "/chat.postMessage", json=body)).json()["ts"]


async def test_a_posted_message_is_the_newest_of_its_channel(pica: "Pica", engines: str) -> None:
    ts = await post(pica, engines)
    newest = (await history(pica, engines, limit="1"))[0]
    assert (newest["ts"], newest["text"], newest["user"]) == (ts, "Hello", "U0ADA")
    assert all(message["ts"] != ts for message in await history(pica, engines, "C0RANDOM"))


async def test_workspaces_know_nothing_of_each_other(pica: "Pica", engines: str) -> None:
    other = pica.box.connect("slack", name="Other")
    before = await history(pica, other)
    await post(pica, engines)
    assert await history(pica, other) == before


async def test_a_message_can_be_changed_and_deleted(pica: "Pica", engines: str) -> None:
    where = {"channel": "general", "ts": await post(pica, engines)}
    changed = await pica.send(engines, "POST", "/chat.update", json={**where, "text": "Better"})
    assert changed.json()["text"] == "Better"
    assert (await history(pica, engines))[0]["text"] == "Better"
    assert (await pica.send(engines, "POST", "/chat.delete", json=where)).json()["ok"] is True
    again = await pica.send(engines, "POST", "/chat.delete", json=where)
    assert (again.status_code, again.json()) == (200, {"ok": False, "error": "message_not_found"})


async def test_a_reaction_is_added_once(pica: "Pica", engines: str) -> None:
    body = {"channel": "C0GENERAL", "timestamp": await post(pica, engines), "name": "tada"}
    assert (await pica.send(engines, "POST", "/reactions.add", json=body)).json() == {"ok": True}
    again = await pica.send(engines, "POST", "/reactions.add", json=body)
    assert again.json() == {"ok": False, "error": "already_reacted"}
    assert (await history(pica, engines))[0]["reactions"] == [{"name": "tada", "users": ["U0ADA"], "count": 1}]
    nameless = await pica.send(engines, "POST", "/reactions.add", json={**body, "name": ""})
    assert nameless.json()["error"] == "invalid_name"


async def test_an_answer_stays_in_its_thread(pica: "Pica", engines: str) -> None:
    ts = await post(pica, engines)
    body = {"channel": "#general", "text": "Below", "thread_ts": ts}
    await pica.send(engines, "POST", "/chat.postMessage", json=body)
    assert (await history(pica, engines))[0]["thread_ts"] == ts


async def test_forms_are_read_as_well(pica: "Pica", engines: str) -> None:
    body = {"channel": "C0RANDOM", "text": "From a form"}
    assert (await pica.send(engines, "POST", "/chat.postMessage", data=body)).json()["ok"] is True
    assert (await history(pica, engines, "C0RANDOM"))[0]["text"] == "From a form"


async def test_channels_come_in_pages(pica: "Pica", engines: str) -> None:
    first = (await pica.send(engines, "GET", "/conversations.list", params={"limit": "2"})).json()
    assert [channel["name"] for channel in first["channels"]] == ["general", "random"]
    params = {"limit": "2", "cursor": first["response_metadata"]["next_cursor"]}
    second = (await pica.send(engines, "GET", "/conversations.list", params=params)).json()
    assert [channel["name"] for channel in second["channels"]] == ["engines"]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_people_are_listed_and_found_by_address(pica: "Pica", engines: str) -> None:
    members = (await pica.send(engines, "GET", "/users.list")).json()["members"]
    assert [member["name"] for member in members] == ["ada", "grace", "charles"]
    found = await pica.send(engines, "GET", "/users.lookupByEmail", params={"email": "grace@acme.example"})
    assert found.json()["user"]["id"] == "U0GRACE"
    lost = await pica.send(engines, "GET", "/users.lookupByEmail", params={"email": "x@acme.example"})
    assert lost.json() == {"ok": False, "error": "users_not_found"}


async def test_the_custom_action_finds_the_channel_by_name(pica: "Pica", engines: str) -> None:
    body = {"connectionKey": engines, "channel": "#engines", "message": "Oil it."}
    sent = (await pica.send(engines, "POST", "/slack/send-message", json=body)).json()
    assert sent["success"] is True
    assert (await history(pica, engines, "C0ENGINES"))[0]["ts"] == sent["ts"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": "Hi"}, "channel_not_found"),
        ({"channel": "C0NOWHERE", "text": "Hi"}, "channel_not_found"),
        ({"channel": ["C0GENERAL"], "text": "Hi"}, "channel_not_found"),
        ({"channel": "C0GENERAL"}, "no_text"),
        ({"channel": "C0GENERAL", "text": ""}, "no_text"),
    ],
)
async def test_slack_refuses_with_200(pica: "Pica", engines: str, body: dict[str, Any], error: str) -> None:
    answer = await pica.send(engines, "POST", "/chat.postMessage", json=body)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


async def test_the_failed_workspace_has_lost_its_authority(pica: "Pica") -> None:
    answer = await pica.send(await pica.key("slack", "Old workspace"), "GET", "/users.list")
    assert (answer.status_code, answer.json()) == (401, {"ok": False, "error": "token_revoked"})
