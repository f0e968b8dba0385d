"""Following the account: what a client is told when something changes, and that nothing else is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as mcp
import pytest
from anyio.lowlevel import checkpoint
from mcp import Client
from mcp.shared.exceptions import MCPError

from pica_mcp import answers as answers_room
from pica_mcp.answers import Notices
from pica_mcp.app import App
from pica_mcp.errors import PicaError
from pica_mcp.sandbox import Sandbox
from pica_mcp.server import build
from pica_mcp.toolbox import Listing, Toolbox
from pica_mcp.watch import Changes, Watch

pytestmark = pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")

INDEX, BOOKS = "pica://connections", "pica://connections/stripe/Books"
TOOLS, RESOURCES = "tools/list_changed", "resources/list_changed"
ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
ADA: Any = {"identity": "ada", "identity_type": "user"}


@dataclass
class Ear:
    """A client that writes down what it is told, and the server's account."""

    client: Client
    app: App
    box: Sandbox
    told: list[str]

    async def hears(self, *expected: str) -> None:
        """Let the server look twice; then exactly these notices have come."""
        for _ in range(2):
            with suppress(PicaError):
                await self.app.watch._look()
        await anyio.wait_all_tasks_blocked()
        assert sorted(self.told) == sorted(expected)
        self.told.clear()

    async def tools(self, platform: str) -> set[str]:
        return {tool.name for tool in (await self.client.list_tools()).tools if tool.name.startswith(f"{platform}_")}

    async def resources(self) -> set[str]:
        return {resource.uri for resource in (await self.client.list_resources()).resources}

    async def read(self, uri: str) -> str:
        content = (await self.client.read_resource(uri)).contents[0]
        assert isinstance(content, mcp.TextResourceContents)
        return content.text


@pytest.fixture
def listening(box: Sandbox, serve: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Talk to a server that looks when it is told to; hear of lists, and of the resources that are watched."""
    monkeypatch.setattr(Watch, "run", _never)

    @asynccontextmanager
    async def listening(mode: str, *uris: str, **variables: str | None) -> AsyncGenerator[Ear]:
        told: list[str] = []

        async def hear(message: Any) -> None:
            told.append(getattr(message.params, "uri", message.method.removeprefix("notifications/")))

        async with serve(**variables) as app:
            app.watch.poll_seconds = 0  # a look does not wait
            async with Client(build(app), mode=mode, message_handler=hear) as client:  # pyright: ignore[reportArgumentType]
                ear = Ear(client, app, box, told)
                await client.list_tools()
                if mode == "legacy":
                    for uri in uris:
                        await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
                    yield ear
                else:
                    async with client.listen(
                        tools_list_changed=True, resources_list_changed=True, resource_subscriptions=uris
                    ):
                        yield ear

    return listening


async def _never(_watch: Watch) -> None:
    await anyio.sleep_forever()


async def until(happened: Callable[[], Any]) -> None:
    with anyio.fail_after(10):
        while not happened():
            await checkpoint()


# What changes


@ERAS
async def test_a_connection_that_is_added_brings_its_tools_and_resources(
    box: Sandbox, listening: Any, mode: str
) -> None:
    async with listening(mode, INDEX, PICA_IDENTITY="grace") as ear:
        assert await ear.tools("slack") == set()
        box.connect("slack", identity="grace", identity_type="user", name="Ships")
        await ear.hears(TOOLS, RESOURCES, INDEX)
        assert "slack_post_message" in await ear.tools("slack")
        assert "pica://connections/slack/Ships" in await ear.resources()


@ERAS
async def test_a_second_account_becomes_a_choice_and_leaves_again(box: Sandbox, listening: Any, mode: str) -> None:
    async with listening(mode, INDEX) as ear:
        before = await ear.resources()
        key = box.connect("stripe", **ADA, name="Books")
        await ear.hears(TOOLS, RESOURCES, INDEX)
        assert await ear.resources() - before == {BOOKS}
        box.disconnect(key)
        await ear.hears(TOOLS, RESOURCES, INDEX)
        assert await ear.resources() == before


@ERAS
async def test_the_only_account_of_a_platform_takes_its_tools_along(box: Sandbox, listening: Any, mode: str) -> None:
    async with listening(mode, INDEX, "pica://platforms/stripe", "pica://platforms/gmail") as ear:
        assert await ear.tools("stripe")
        box.disconnect(next(key for key in box.keys("ada") if "stripe" in key))
        await ear.hears(TOOLS, RESOURCES, INDEX, "pica://platforms/stripe")
        assert await ear.tools("stripe") == set()
        assert not [uri for uri in await ear.resources() if "stripe" in uri]


@ERAS
async def test_an_account_that_fails_loses_its_tools_and_can_still_be_read(
    box: Sandbox, listening: Any, mode: str
) -> None:
    key = box.connect("slack", identity="grace", identity_type="user", name="Ships")
    uri = "pica://connections/slack/Ships"
    async with listening(mode, uri, PICA_IDENTITY="grace") as ear:
        assert await ear.tools("slack")
        box.set_state(key, "failed")
        await ear.hears(TOOLS, RESOURCES, uri)
        assert await ear.tools("slack") == set()
        assert '"state":"failed"' in await ear.read(uri)
        box.set_state(key, "operational")
        await ear.hears(TOOLS, RESOURCES, uri)
        assert await ear.tools("slack")


@ERAS
async def test_a_degraded_account_reads_differently_and_keeps_its_tools(
    box: Sandbox, listening: Any, mode: str
) -> None:
    key = box.connect("stripe", **ADA, name="Books")
    async with listening(mode, BOOKS) as ear:
        before = await ear.tools("stripe")
        box.set_state(key, "degraded")
        await ear.hears(RESOURCES, BOOKS)
        assert await ear.tools("stripe") == before
        assert '"state":"degraded"' in await ear.read(BOOKS)


@ERAS
async def test_an_account_that_is_authorised_anew_keeps_its_name_and_its_tools(
    box: Sandbox, listening: Any, mode: str
) -> None:
    key = box.connect("stripe", **ADA, name="Books")
    async with listening(mode, BOOKS) as ear:
        before = await ear.tools("stripe")
        assert box.reauthorize(key) != key
        await ear.hears(BOOKS)  # it is connected since another time
        assert await ear.tools("stripe") == before


# What changes nothing


@ERAS
async def test_nothing_is_told_while_nothing_changes(listening: Any, mode: str) -> None:
    async with listening(mode, INDEX) as ear:
        await ear.client.list_tools()
        await ear.client.list_resources()
        await ear.client.call_tool("list_pica_integrations", {})
        await ear.hears()


@ERAS
async def test_what_happens_to_others_is_not_told(box: Sandbox, listening: Any, mode: str) -> None:
    async with listening(mode, INDEX) as ear:
        box.connect("gmail", identity="grace", identity_type="user")
        box.connect("gmail", identity="ada", identity_type="team")
        box.connect("gmail", **ADA, environment="test")
        await ear.hears()


@ERAS
async def test_a_failed_look_changes_nothing_and_the_next_one_tells(box: Sandbox, listening: Any, mode: str) -> None:
    async with listening(mode, INDEX) as ear:
        tools, resources = await ear.tools("stripe"), await ear.resources()
        box.fail("/v1/vault/connections", status=401, times=None)
        box.connect("stripe", **ADA, name="Books")
        await ear.hears()
        assert await ear.tools("stripe") == tools
        assert await ear.resources() == resources
        box.heal()
        await ear.hears(TOOLS, RESOURCES, INDEX)


async def test_a_resource_that_is_no_longer_watched_is_not_told(box: Sandbox, listening: Any) -> None:
    async with listening("legacy", INDEX, BOOKS.replace("Books", "Engines%20billing")) as ear:
        await ear.client.unsubscribe_resource(INDEX)  # pyright: ignore[reportDeprecated]
        await ear.client.unsubscribe_resource("pica://never")  # pyright: ignore[reportDeprecated]
        box.connect("stripe", **ADA, name="Books")
        await ear.hears(TOOLS, RESOURCES)


@pytest.mark.parametrize("uri", ["pica://connections/gmail/Growth%20inbox", "pica://nothing", ""])
async def test_what_cannot_be_read_cannot_be_watched(listening: Any, uri: str) -> None:
    async with listening("legacy") as ear:
        with pytest.raises(MCPError) as caught:
            await ear.client.subscribe_resource(uri)
        assert caught.value.error.code == mcp.INVALID_PARAMS


async def test_listening_to_what_is_anothers_tells_nothing(box: Sandbox, listening: Any) -> None:
    async with listening("auto", "pica://connections/gmail/Growth%20inbox") as ear:
        box.set_state(next(key for key in box.keys("growth") if "gmail" in key), "failed")
        await ear.hears()


async def test_a_date_alone_changes_no_list(listening: Any, box: Sandbox) -> None:
    key = box.connect("stripe", **ADA, name="Books")
    async with listening("auto", BOOKS, INDEX) as ear:
        caller, resources = ear.app.caller, ear.app.resources
        before = await ear.app.catalog.connections(caller.identity)
        after = tuple(
            c.model_copy(update={"updated_at": "2030-01-01T00:00:00Z"}) if c.key == key else c for c in before
        )
        assert resources.listed(caller, before) != resources.listed(caller, after)
        ear.app.watch._hear(before, after)
        await ear.hears()


# What must not be lost


async def test_a_change_and_its_contrary_are_told_since_what_was_between_may_have_been_read(
    box: Sandbox, listening: Any
) -> None:
    key = box.connect("stripe", **ADA, name="Books")
    async with listening("auto", BOOKS) as ear:
        for state in ("degraded", "operational"):
            box.set_state(key, state)
            await ear.app.catalog.connections(ear.app.caller.identity, fresh=True)
        await ear.hears(RESOURCES, BOOKS)


async def test_what_was_heard_before_a_failure_is_told_after_it(
    box: Sandbox, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening("auto", INDEX) as ear:
        box.connect("stripe", **ADA, name="Books")
        with monkeypatch.context() as broken:
            broken.setattr(ear.app.watch, "_relisted", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await ear.app.watch._look()
        await ear.hears(TOOLS, RESOURCES, INDEX)


async def test_an_empty_account_is_told_to_those_who_could_not_be_told_of_it(box: Sandbox, listening: Any) -> None:
    box.fail("/v1/vault/connections", status=401, times=None)
    async with listening("auto", PICA_IDENTITY="nobody") as ear:
        await ear.hears()
        box.heal()
        await ear.hears(RESOURCES)


async def test_a_list_that_is_shown_while_the_watch_looks_is_not_told_twice(
    box: Sandbox, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening("auto") as ear:
        listed = Toolbox.list

        async def listing(toolbox: Toolbox, caller: Any) -> Any:
            ear.app.watch.shown(await listed(toolbox, caller))
            return await listed(toolbox, caller)

        box.connect("stripe", **ADA, name="Books")
        monkeypatch.setattr(Toolbox, "list", listing)
        await ear.hears(TOOLS, RESOURCES)


async def test_wakes_do_not_put_off_a_look(box: Sandbox, listening: Any) -> None:
    async with listening("auto") as ear:
        watch = ear.app.watch
        watch.poll_seconds = 60
        watch._looked_at = anyio.current_time() - 60
        before = len(box.requests)
        watch.begin()
        await watch._look()
        assert [request.path for request in box.requests[before:]] == ["/v1/vault/connections"]
        watch.begin()
        await watch._look()
        assert len(box.requests) == before + 1


@pytest.mark.parametrize("settings", [{"PICA_TOOLS": "none"}, {"PICA_KNOWLEDGE_AGENT": "true"}])
async def test_who_only_listens_is_followed_too(box: Sandbox, listening: Any, settings: dict[str, str]) -> None:
    async with listening("auto", INDEX, **settings) as ear:
        await ear.hears()
        box.connect("stripe", **ADA, name="Books")
        await ear.hears(RESOURCES, INDEX)


@pytest.mark.parametrize(
    "uri", ["pica://connections/slack/Old workspace", "pica://connections/slack/%4Fld%20workspace"]
)
async def test_a_client_is_told_of_a_resource_as_it_spells_it(box: Sandbox, listening: Any, uri: str) -> None:
    async with listening("legacy", uri) as ear:
        rows = await ear.app.catalog.connections(ear.app.caller.identity)
        box.set_state(next(row.key for row in rows if row.name == "Old workspace"), "operational")
        await ear.hears(TOOLS, RESOURCES, uri)


async def test_who_listens_with_another_spelling_is_told_with_ours(box: Sandbox, listening: Any) -> None:
    async with listening("auto", "pica://connections/") as ear:
        box.connect("stripe", **ADA, name="Books")
        await ear.hears(TOOLS, RESOURCES, INDEX)


async def test_each_client_is_told_what_it_watches_until_it_leaves(box: Sandbox, serve: Any) -> None:
    told: dict[str, list[str]] = {"one": [], "other": []}

    def ear(name: str) -> Any:
        async def hear(message: Any) -> None:
            told[name].append(getattr(message.params, "uri", message.method.removeprefix("notifications/")))

        return hear

    async with serve() as app:
        server = build(app)
        desk: Any = next(filter(None, (getattr(m, "__self__", None) for m in server.middleware)))
        notices: Any = (await desk.answers())._notices
        async with Client(server, mode="legacy", message_handler=ear("one")) as one:
            await one.list_tools()
            async with Client(server, mode="legacy", message_handler=ear("other")) as other:
                await other.subscribe_resource(INDEX)  # pyright: ignore[reportDeprecated]
                assert (len(notices._sessions), len(notices._watched)) == (2, 2)
                await notices.send(Changes(tools=True, updated=frozenset({INDEX, BOOKS})))
                await anyio.wait_all_tasks_blocked()
            await notices.send(Changes(resources=True, updated=frozenset({INDEX})))
            await anyio.wait_all_tasks_blocked()
            assert (len(notices._sessions), len(notices._watched)) == (1, 1)
    assert told == {"one": [TOOLS, RESOURCES], "other": [TOOLS, INDEX]}


async def test_a_client_that_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_room, "_NOTICE_SECONDS", 0.05)
    told: list[str] = []

    class Session:
        def __init__(self, how: str) -> None:
            self.how = how

        async def send_notification(self, notification: Any) -> None:
            if self.how == "stuck":
                await anyio.sleep_forever()
            if self.how == "gone":
                raise anyio.BrokenResourceError
            if self.how == "odd":
                raise ZeroDivisionError
            told.append(notification.method)

    notices: Any = Notices()
    notices._sessions = {how: Session(how) for how in ("stuck", "gone", "odd", "well")}
    with anyio.fail_after(5):
        await notices.send(Changes(tools=True))
    assert told == ["notifications/tools/list_changed"]


async def test_nobody_watches_without_end(listening: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_room, "_MAX_WATCHED", 2)
    async with listening("legacy", INDEX, "pica://platforms") as ear:
        with pytest.raises(MCPError, match="No more than"):
            await ear.client.subscribe_resource("pica://platforms/gmail")  # pyright: ignore[reportDeprecated]


# When it looks


async def test_a_server_that_nobody_asked_looks_at_nothing(box: Sandbox, serve: Any) -> None:
    async with serve() as app:
        app.watch.poll_seconds = 0
        for _ in range(3):
            await app.watch._look()
    assert box.requests == []


async def test_it_hurries_for_a_while_after_a_person_was_sent_to_connect_something(listening: Any) -> None:
    async with listening("auto") as ear:
        ear.app.watch.poll_seconds = 60
        assert ear.app.watch.pause_seconds() == 60
        await ear.client.call_tool("list_pica_integrations", {"query": "linear"})
        assert ear.app.watch.pause_seconds() == 5
        ear.app.watch._hurry_until = anyio.current_time()
        assert ear.app.watch.pause_seconds() == 60


async def test_what_a_provider_says_sends_nobody_to_connect_something(listening: Any) -> None:
    async with listening("auto") as ear:
        ear.app.watch.poll_seconds = 60
        mail = {"connection": "Work", "to": "a@b.example", "subject": "https://app.picaos.com/connections", "body": "x"}
        await ear.client.call_tool("gmail_send_email", mail)
        read = await ear.client.call_tool("gmail_get_emails", {"connection": "Work"})
        assert "app.picaos.com/connections" in str(read.content)
        assert ear.app.watch.pause_seconds() == 60


async def test_a_list_that_was_not_complete_is_told_when_it_is(box: Sandbox, serve: Any) -> None:
    box.fail("/v1/available-actions/stripe", status=400, times=1)
    told: list[str] = []

    async def hear(message: Any) -> None:
        told.append(message.method)

    async with serve() as app, Client(build(app), mode="legacy", message_handler=hear) as client:
        app.watch.poll_seconds = 0.01
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert not [name for name in names if name.startswith("stripe")]
        await until(lambda: told)
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert told == ["notifications/tools/list_changed"]
    assert "stripe_create_customer" in names


async def test_a_list_that_stays_incomplete_is_worth_one_hurry(box: Sandbox, listening: Any) -> None:
    box.fail("/v1/available-actions/stripe", status=400, times=None)
    async with listening("auto") as ear:
        ear.app.watch.poll_seconds = 60
        assert ear.app.watch.pause_seconds() == 5
        ear.app.watch._hurry_until = anyio.current_time()
        ear.app.watch.poll_seconds = 0
        await ear.hears()
        ear.app.watch.poll_seconds = 60
        assert ear.app.watch.pause_seconds() == 60


async def test_a_change_that_comes_while_another_is_told_is_told_at_once_after_it(
    box: Sandbox, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening("auto", BOOKS) as ear:
        listed = Toolbox.list
        newcomers = ["Books"]

        async def listing(toolbox: Toolbox, caller: Any) -> Any:
            if newcomers:
                box.connect("stripe", **ADA, name=newcomers.pop())
                await ear.app.resources._catalog.connections(caller.identity, fresh=True)
            return await listed(toolbox, caller)

        monkeypatch.setattr(Toolbox, "list", listing)
        await ear.app.watch._look()
        ear.app.watch.poll_seconds = 60
        with anyio.fail_after(5):
            await ear.app.watch._look()
        await anyio.wait_all_tasks_blocked()
    assert sorted(ear.told) == sorted([TOOLS, RESOURCES, BOOKS])


async def test_a_client_that_was_shown_another_list_is_told(listening: Any) -> None:
    async with listening("auto") as ear:
        ear.app.watch.shown(Listing((), complete=True))
        await ear.hears(TOOLS)


async def test_pica_being_away_at_the_start_is_made_good_by_notices(box: Sandbox, listening: Any) -> None:
    box.fail("/v1/vault/connections", status=401, times=None)
    async with listening("auto", INDEX) as ear:
        assert await ear.tools("gmail") == set()
        await ear.hears()
        box.heal()
        await ear.hears(TOOLS, RESOURCES, INDEX)
        assert await ear.tools("gmail")


async def test_an_unexpected_failure_does_not_end_the_following(
    box: Sandbox, serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Changes] = []

    async def hear(changes: Changes) -> None:
        told.append(changes)

    async with serve() as app:
        app.watch.tell(hear)
        app.watch.poll_seconds = 0.01
        with monkeypatch.context() as broken:
            broken.setattr(app.watch, "_relisted", lambda: 1 / 0)
            app.watch.begin()
            await until(lambda: caplog.text.count("following the account failed once") > 1)
        await app.resources.list(app.caller)
        box.connect("stripe", **ADA, name="Books")
        await until(lambda: told)
    assert BOOKS in told[0].updated
