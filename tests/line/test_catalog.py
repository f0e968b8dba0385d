"""What exists: loaded once for everybody, kept for a while, and joined to the ids that calls need."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pica_mcp import catalog as room
from pica_mcp.access import Identity, IdentityType
from pica_mcp.api import Endpoint, open_api
from pica_mcp.catalog import CONNECTIONS_TTL_SECONDS, Actions, Catalog, Disk, prepare
from pica_mcp.discovery import naming
from pica_mcp.errors import UnknownAction
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.secret import Fixed, Secret

from .conftest import Clock

HOUR = 3600.0
ADA = Identity("ada", IdentityType.USER)
GROWTH = Identity("growth", IdentityType.TEAM)


# A pretend Pica whose catalogue a test writes


@dataclass
class Pica:
    """Answers with the rows it holds, and writes down what it was asked, without paging."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    documents: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    found: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What a search finds, whatever the words, if the title is the words'."""
    asked: list[str] = field(default_factory=list[str])
    hold: bool = False
    go: anyio.Event = field(default_factory=anyio.Event)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/available-actions/search/{platform}", self._search),
                Route("/v1/available-actions/{platform}", self._list),
                Route("/v1/knowledge", self._knowledge),
            ]
        )

    async def _search(self, request: Request) -> JSONResponse:
        words = request.query_params["query"]
        self.asked.append(f"search {words}")
        return JSONResponse([row for row in self.found if row["title"] == words])

    async def _list(self, request: Request) -> JSONResponse:
        self.asked.append("actions")
        start = (int(request.query_params["page"]) - 1) * int(request.query_params["limit"])
        shown = self.rows[start : start + int(request.query_params["limit"])]
        return JSONResponse({"rows": shown, "total": len(self.rows)})

    async def _knowledge(self, request: Request) -> JSONResponse:
        wanted = request.query_params.get("_id")
        self.asked.append("documents" if wanted is None else f"document {wanted}")
        if self.hold:
            await self.go.wait()
        rows = [row for row in self.documents if wanted in (None, row["_id"])]
        return JSONResponse({"rows": rows, "total": len(rows)})


def row(title: str, method: str = "GET", **facts: Any) -> dict[str, Any]:
    return {"title": title, "method": method, "platform": "crm", "key": title.lower(), **facts}


def document(number: int, title: str, method: str = "GET", **facts: Any) -> dict[str, Any]:
    plain = {"_id": f"conn_mod_def::{number}::x", "connectionPlatform": "crm", "path": f"/{number}"}
    return {**plain, "title": title, "method": method, "knowledge": f"# {title}", **facts}


def found(number: int, title: str, method: str = "GET", **facts: Any) -> dict[str, Any]:
    plain = {"systemId": f"conn_mod_def::{number}::x", "path": f"/{number}", "tags": ["t"], "key": title.lower()}
    return {**plain, "title": title, "method": method, **facts}


def big() -> Pica:
    """A platform with one action more than are loaded whole."""
    pica = Pica([row(f"Action {number}") for number in range(401)])
    pica.found = [found(number, f"Action {number}") for number in range(401)]
    pica.documents = [document(number, f"Action {number}") for number in range(401)]
    return pica


@asynccontextmanager
async def cataloguing(pica: Any, clock: Clock | None = None) -> AsyncGenerator[Catalog]:
    """Open a catalogue of the pretend Pica, the sandbox or one of ours."""

    async def at_once(seconds: float) -> None:
        await checkpoint()

    endpoint = Endpoint("https://pica.test", Secret(Fixed(LIVE_SECRET)))
    with anyio.fail_after(20):
        async with (
            open_api(endpoint, pica.app, sleep=at_once, chance=lambda: 0.5) as api,
            anyio.create_task_group() as tasks,
        ):
            yield Catalog(api, Disk(in_memory, prepare), tasks, naming(), clock or Clock())
            tasks.cancel_scope.cancel()


async def in_memory() -> None:
    """Keep nothing in a file."""


async def loaded_behind() -> None:
    """Let the loads end that nobody waits for."""
    await anyio.wait_all_tasks_blocked()


def ids(actions: Actions) -> dict[str, str]:
    return {action.title: action.id for action in actions.known}


# Platforms and connections


async def test_the_catalogue_is_asked_for_once_an_hour_however_many_want_it(clock: Clock) -> None:
    box = Sandbox()
    async with cataloguing(box, clock) as catalog:
        async with anyio.create_task_group() as callers:
            for _ in range(20):
                callers.start_soon(catalog.platforms)
                callers.start_soon(catalog.actions, "gmail")
        asked = len(box.requests)
        clock.now += HOUR - 1
        await catalog.platforms()
        await catalog.actions("gmail")
        assert len(box.requests) == asked
        clock.now += 1
        await catalog.platforms()
        await catalog.actions("gmail")
        await loaded_behind()
        assert len(box.requests) == 2 * asked
    assert asked == 3  # connectors, actions, documents


async def test_opening_a_catalogue_asks_for_nothing() -> None:
    box = Sandbox()
    async with cataloguing(box):
        await anyio.wait_all_tasks_blocked()
    assert box.requests == []


async def test_two_identities_never_share_their_connections() -> None:
    box = Sandbox()
    lookalike = Identity("ada", IdentityType.TEAM)
    async with cataloguing(box) as catalog:
        for _ in range(2):
            assert {one.identity for one in await catalog.connections(ADA)} == {"ada"}
            assert {one.identity for one in await catalog.connections(GROWTH)} == {"growth"}
            assert await catalog.connections(lookalike) == ()
            assert len(await catalog.connections(Identity())) > len(await catalog.connections(ADA))
    assert len(box.requests) == 4


async def test_connections_are_kept_for_a_minute_at_most(clock: Clock) -> None:
    box = Sandbox()
    async with cataloguing(box, clock) as catalog:
        before = await catalog.connections(ADA)
        box.connect("notion", identity="ada", identity_type="user")
        clock.now += CONNECTIONS_TTL_SECONDS - 1
        assert await catalog.connections(ADA) == before
        clock.now += 1
        assert len(await catalog.connections(ADA)) == len(before) + 1
    assert CONNECTIONS_TTL_SECONDS <= 60


async def test_fresh_connections_are_asked_for_again_and_only_the_identitys_own() -> None:
    box = Sandbox()
    async with cataloguing(box) as catalog:
        before, others = await catalog.connections(ADA), await catalog.connections(GROWTH)
        box.connect("notion", identity="ada", identity_type="user")
        box.connect("notion", identity="growth", identity_type="team")
        assert len(await catalog.connections(ADA, fresh=True)) == len(before) + 1
        assert await catalog.connections(GROWTH) == others


async def test_one_failure_is_not_an_empty_account() -> None:
    """The official server takes a failed first load for zero connections, and keeps that for the whole process."""
    box = Sandbox()
    box.fail("/v1/vault/connections", status=400)
    box.fail("/v1/available-actions", status=400)
    async with cataloguing(box) as catalog:
        for ask in (lambda: catalog.connections(ADA), lambda: catalog.actions("gmail")):
            with pytest.raises(Exception, match="HTTP 400"):
                await ask()
        assert await catalog.connections(ADA)
        assert (await catalog.actions("gmail")).known


async def test_actions_whose_documents_fail_to_load_fail_whole_and_are_loaded_again() -> None:
    box = Sandbox()
    box.fail("/v1/knowledge", status=400)
    async with cataloguing(box) as catalog:
        with pytest.raises(Exception, match="HTTP 400"):
            await catalog.actions("gmail")
        assert len((await catalog.actions("gmail")).known) == 11


# From a listed action to its id


@pytest.mark.parametrize("platform", ["gmail", "slack", "stripe"])
async def test_rows_without_ids_get_those_of_their_documents(platform: str) -> None:
    plain, told = Sandbox(), Sandbox(row_ids=True)
    async with cataloguing(plain) as catalog, cataloguing(told) as informed:
        joined, truth = await catalog.actions(platform), await informed.actions(platform)
    assert joined == truth
    assert joined.listing.ambiguous == 0
    assert all(action.id and action.path and action.key for action in joined.known)


async def test_the_join_takes_what_only_documents_tell_and_keeps_what_the_row_says() -> None:
    pica = Pica(
        [row("Send", "POST", key="sendMail", modelName="Mail")],
        [document(1, "Send", "post", tags=["hidden:agents"], path="/mail", connectionPlatform="crm")],
    )
    async with cataloguing(pica) as catalog:
        (known,) = (await catalog.actions("crm")).known
    assert (known.id, known.path, known.tags) == ("conn_mod_def::1::x", "/mail", ("hidden:agents",))
    assert (known.platform, known.title, known.key, known.method, known.model) == (
        "crm",
        "Send",
        "sendMail",
        "POST",
        "Mail",
    )


async def test_methods_are_the_same_in_any_case() -> None:
    pica = Pica([row("Send", "post"), row("Get", "GET")], [document(1, "Send", "POST"), document(2, "Get", "get")])
    async with cataloguing(pica) as catalog:
        assert ids(await catalog.actions("crm")) == {"Send": "conn_mod_def::1::x", "Get": "conn_mod_def::2::x"}


async def test_rows_that_tell_their_ids_keep_them() -> None:
    pica = Pica(
        [row("Do", systemId="conn_mod_def::9::x", path="/nine"), row("Do", systemId="conn_mod_def::1::x", path="/one")],
        [document(1, "Do", path="/other")],
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert {action.id: action.path for action in actions.known} == {
        "conn_mod_def::9::x": "/nine",
        "conn_mod_def::1::x": "/one",
    }
    assert actions.listing.ambiguous == 0


async def test_a_row_that_tells_its_id_stands_though_its_neighbours_do_not() -> None:
    pica = Pica(
        [row("Told", systemId="conn_mod_def::9::x", path="/nine"), row("Untold")],
        [document(1, "Untold")],
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert ids(actions) == {"Told": "conn_mod_def::9::x", "Untold": "conn_mod_def::1::x"}


async def test_a_title_that_several_actions_have_is_counted_and_not_known() -> None:
    async with cataloguing(Sandbox()) as catalog:
        actions = await catalog.actions("github")
    assert actions.listing.ambiguous == 1
    assert "List Issue Comments" not in ids(actions)
    assert len(actions.known) == 12


async def test_methods_and_models_tell_actions_of_one_title_apart() -> None:
    pica = Pica(
        [row("Do", "GET"), row("Do", "POST", modelName="Charge"), row("Do", "POST", modelName="Refund")],
        [
            document(1, "Do", "GET"),
            document(2, "Do", "POST", modelName="Refund"),
            document(3, "Do", "POST", modelName="Charge"),
        ],
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert {(a.method, a.model): a.path for a in actions.known} == {
        ("GET", ""): "/1",
        ("POST", "Refund"): "/2",
        ("POST", "Charge"): "/3",
    }


async def test_paths_tell_actions_of_one_title_apart_where_rows_have_them() -> None:
    pica = Pica(
        [row("Do", path="/b"), row("Do", path="/a")], [document(1, "Do", path="/a"), document(2, "Do", path="/b")]
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert {a.path: a.id for a in actions.known} == {"/a": "conn_mod_def::1::x", "/b": "conn_mod_def::2::x"}


async def test_a_row_never_gets_the_document_of_another_row() -> None:
    """Called by name, it would do the other's deed."""
    pica = Pica(
        [row("Create", "POST", modelName="Refund"), row("Create", "POST", modelName="Charge")],
        [document(1, "Create", "POST", modelName="Refund", path="/refunds")],
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert [a.model for a in actions.known if a.path == "/refunds"] in ([], ["Refund"])


async def test_a_row_without_a_document_is_counted_and_not_known() -> None:
    async with cataloguing(Pica([row("Send"), row("Get")], [document(1, "Get")])) as catalog:
        actions = await catalog.actions("crm")
    assert ids(actions) == {"Get": "conn_mod_def::1::x"}
    assert actions.listing.ambiguous == 1


async def test_a_platform_without_actions_has_none() -> None:
    async with cataloguing(Sandbox()) as catalog:
        assert (await catalog.actions("discord")).known == ()


async def test_a_platform_of_four_hundred_actions_is_joined_by_its_documents() -> None:
    pica = big()
    del pica.rows[400:]
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert len({action.id for action in actions.known}) == 400
    assert set(pica.asked) == {"actions", "documents"}


async def test_the_documents_of_a_bigger_platform_are_not_loaded_until_an_action_is_wanted() -> None:
    pica = big()
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
        assert len(actions.known) == 401
        assert set(pica.asked) == {"actions"}
        pica.asked.clear()
        details = await catalog.details(actions.known[7])
    assert pica.asked == ["search Action 7", "document conn_mod_def::7::x"]
    assert (details.id, details.path, details.knowledge) == ("conn_mod_def::7::x", "/7", "# Action 7")
    assert (details.tags, details.key, details.platform) == (("t",), "action 7", "crm")


async def test_what_was_found_of_an_action_is_kept(clock: Clock) -> None:
    pica = big()
    async with cataloguing(pica, clock) as catalog:
        action = (await catalog.actions("crm")).known[7]
        first = await catalog.details(action)
        pica.asked.clear()
        assert await catalog.details(action) == first
    assert pica.asked == []


@pytest.mark.parametrize(
    "results",
    [
        [],
        [found(1, "Action 7", "POST")],
        [found(1, "Action 7", key="other")],
        [found(1, "Action 7"), found(2, "Action 7")],
        [found(1, "Action 7", systemId=None)],
    ],
    ids=["none", "method", "key", "two", "no id"],
)
async def test_an_action_that_no_single_result_fits_is_unknown(results: list[dict[str, Any]]) -> None:
    pica = big()
    pica.found = results
    async with cataloguing(pica) as catalog:
        action = (await catalog.actions("crm")).known[7]
        with pytest.raises(UnknownAction, match=r"^No single action of crm fits this name\. Search for the action"):
            await catalog.details(action)


async def test_the_details_of_a_joined_action_need_no_further_request() -> None:
    box = Sandbox()
    async with cataloguing(box) as catalog:
        actions = await catalog.actions("gmail")
        asked = len(box.requests)
        for action in actions.known:
            details = await catalog.details(action)
            assert (details.id, details.title, details.key) == (action.id, action.title, action.key)
        assert len(box.requests) == asked


# By id


async def test_an_action_is_told_by_its_id_whatever_its_platform() -> None:
    async with cataloguing(Sandbox()) as catalog:
        action = (await catalog.actions("stripe")).known[0]
        assert (await catalog.by_id("gmail", action.id)).platform == "stripe"


async def test_an_action_of_a_big_platform_is_told_by_its_document_with_one_request() -> None:
    pica = big()
    async with cataloguing(pica) as catalog:
        first = await catalog.by_id("crm", "conn_mod_def::7::x")
        assert await catalog.by_id("crm", "conn_mod_def::7::x") == first
    assert first.title == "Action 7"
    assert [asked for asked in pica.asked if asked != "actions"] == ["document conn_mod_def::7::x"]


async def test_twenty_who_ask_for_one_id_at_once_share_one_request() -> None:
    pica = big()
    pica.hold = True
    async with cataloguing(pica) as catalog, anyio.create_task_group() as callers:
        for _ in range(20):
            callers.start_soon(catalog.by_id, "crm", "conn_mod_def::7::x")
        await anyio.wait_all_tasks_blocked()
        pica.go.set()
    assert [asked for asked in pica.asked if asked != "actions"] == ["document conn_mod_def::7::x"]


async def test_a_listed_action_without_a_document_is_told_by_its_id() -> None:
    pica = Pica([row("Send", "POST", systemId="conn_mod_def::9::x", path="/nine")])
    async with cataloguing(pica) as catalog:
        details = await catalog.by_id("crm", "conn_mod_def::9::x")
    assert (details.title, details.method, details.path, details.knowledge) == ("Send", "POST", "/nine", "")


async def test_an_unknown_id_is_refused_and_not_remembered() -> None:
    pica = Pica([row("Send")], [document(1, "Send")])
    async with cataloguing(pica) as catalog:
        for number in range(100, 110):
            with pytest.raises(UnknownAction, match=f"conn_mod_def::{number}::x"):
                await catalog.by_id("crm", f"conn_mod_def::{number}::x")
        assert [kept for kept in catalog._documents if "10" in kept] == []
        pica.documents.append(document(105, "New"))
        assert (await catalog.by_id("crm", "conn_mod_def::105::x")).title == "New"


async def test_an_unknown_id_that_somebody_gave_up_on_is_forgotten_by_the_next_who_asks() -> None:
    pica = Pica([row("Send")], [document(1, "Send")], hold=True)
    async with cataloguing(pica) as catalog:
        async with anyio.create_task_group() as callers:
            callers.start_soon(catalog.by_id, "crm", "conn_mod_def::404::x")
            await anyio.wait_all_tasks_blocked()
            callers.cancel_scope.cancel()
        pica.go.set()
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(UnknownAction):
            await catalog.by_id("crm", "conn_mod_def::404::x")
        assert catalog._documents == {}


@pytest.mark.parametrize("empty", ["", " "])
async def test_an_empty_id_is_the_id_of_no_action(empty: str) -> None:
    """Rows of a big platform have empty ids, and none of them is meant."""
    async with cataloguing(big()) as catalog:
        with pytest.raises(UnknownAction):
            await catalog.by_id("crm", empty)


async def test_an_unknown_id_is_told_as_one_clean_line() -> None:
    async with cataloguing(Sandbox()) as catalog:
        with pytest.raises(UnknownAction) as caught:
            await catalog.by_id("gmail", "x\n\u202e" + "y" * 1000)
    said = str(caught.value)
    assert said.encode()
    assert len(said) < 300
    assert [char for char in "\n\u202e" if char in said] == []


async def test_only_so_many_platforms_are_remembered_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller could ask for any number of them."""
    monkeypatch.setattr(room, "_MAX_KEPT", 5)
    async with cataloguing(Sandbox()) as catalog:
        for number in range(20):
            with pytest.raises(UnknownAction):
                await catalog.by_id(f"nowhere-{number}", "conn_mod_def::1::x")
        assert list(catalog._listings) == [f"nowhere-{number}" for number in range(15, 20)]


# What changes


async def test_of_however_many_platforms_only_a_few_are_loaded_at_once() -> None:
    pica = Pica([row("Send")], [document(1, "Send")], hold=True)
    platforms = [f"platform-{number}" for number in range(20)]
    async with cataloguing(pica) as catalog:
        assert await catalog.ready(platforms) == frozenset()
        await loaded_behind()
        assert pica.asked.count("documents") == 8
        pica.go.set()
        assert [(await catalog.listing(platform)).count for platform in platforms] == [1] * 20
        assert pica.asked.count("documents") == 20


async def test_a_changed_catalogue_is_seen_after_an_hour(clock: Clock) -> None:
    pica = Pica([row("Send")], [document(1, "Send")])
    async with cataloguing(pica, clock) as catalog:
        assert ids(await catalog.actions("crm")) == {"Send": "conn_mod_def::1::x"}
        pica.rows, pica.documents = [row("Get")], [document(2, "Get")]
        assert set(ids(await catalog.actions("crm"))) == {"Send"}
        clock.now += HOUR
        assert set(ids(await catalog.actions("crm"))) == {"Send"}  # at once, and the new ones are loaded behind
        await loaded_behind()
        assert ids(await catalog.actions("crm")) == {"Get": "conn_mod_def::2::x"}
        assert (await catalog.by_id("crm", "conn_mod_def::2::x")).title == "Get"


@pytest.mark.parametrize("listed", [True, False], ids=["listed before", "never listed"])
async def test_a_changed_document_is_seen_after_an_hour_by_those_who_know_its_id(
    listed: bool,  # noqa: FBT001 - a parameter of the table
    clock: Clock,
) -> None:
    pica = Pica([row("Send")], [document(1, "Send")])
    async with cataloguing(pica, clock) as catalog:
        if listed:
            await catalog.actions("crm")
        assert (await catalog.by_id("crm", "conn_mod_def::1::x")).path == "/1"
        pica.documents = [document(1, "Send", path="/v2")]
        clock.now += HOUR
        assert (await catalog.by_id("crm", "conn_mod_def::1::x")).path == "/1"
        await loaded_behind()
        assert (await catalog.by_id("crm", "conn_mod_def::1::x")).path == "/v2"


@pytest.mark.parametrize("listed", [True, False], ids=["listed before", "never listed"])
async def test_an_action_that_pica_withdrew_is_unknown_after_an_hour(
    listed: bool,  # noqa: FBT001 - a parameter of the table
    clock: Clock,
) -> None:
    pica = Pica([row("Send")], [document(1, "Send")])
    async with cataloguing(pica, clock) as catalog:
        if listed:
            await catalog.actions("crm")
        assert (await catalog.by_id("crm", "conn_mod_def::1::x")).title == "Send"
        pica.rows, pica.documents = [], []
        clock.now += HOUR
        await catalog.by_id("crm", "conn_mod_def::1::x")
        await loaded_behind()
        with pytest.raises(UnknownAction):
            await catalog.by_id("crm", "conn_mod_def::1::x")


async def test_a_search_is_always_asked_anew_and_keeps_picas_order() -> None:
    box = Sandbox()
    async with cataloguing(box) as catalog:
        first = await catalog.search("gmail", "send", execute=True)
        assert await catalog.search("gmail", "send", execute=True) == first
    assert first[0].title in ("Send Email", "Send Message")
    assert [dict(one.query)["query"] for one in box.requests] == ["send", "send"]


# What must never be taken for another


async def test_two_rows_that_fit_one_document_are_both_left_out() -> None:
    pica = Pica(
        [row("Send", key="send", modelName="Old"), row("Send", key="send", modelName="New"), row("Get")],
        [document(1, "Send", key="send"), document(2, "Get")],
    )
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert (ids(actions), actions.listing.ambiguous) == ({"Get": "conn_mod_def::2::x"}, 2)


async def test_on_a_big_platform_the_one_that_search_finds_is_never_taken_for_its_namesake() -> None:
    """Two actions of one title and method: called by the other's name, one would do the other's deed."""
    pica = big()
    pica.rows[:2] = [row("Remove", "POST", key="one", path="/1"), row("Remove", "POST", key="two", path="/2")]
    for told in ({"key": "one", "path": "/1"}, {"key": "one", "path": ""}, {"key": "", "path": "/1"}):
        pica.found = [found(1, "Remove", "POST", **told)]
        pica.documents = [document(1, "Remove", "POST")]
        async with cataloguing(pica) as catalog:
            one, two = (await catalog.actions("crm")).known[:2]
            assert (await catalog.details(one)).id == "conn_mod_def::1::x"
            with pytest.raises(UnknownAction):
                await catalog.details(two)


async def test_on_a_big_platform_namesakes_that_nothing_tells_apart_are_all_unknown() -> None:
    pica = big()
    pica.rows[:2] = [row("Remove", "POST", key="", modelName="A"), row("Remove", "POST", key="", modelName="B")]
    pica.found = [found(1, "Remove", "POST", key="", path="/1")]
    async with cataloguing(pica) as catalog:
        for action in (await catalog.actions("crm")).known[:2]:
            with pytest.raises(UnknownAction):
                await catalog.details(action)


@pytest.mark.parametrize("told", [{"path": "/other"}, {"key": "other"}])
async def test_a_document_that_tells_another_path_or_key_than_the_row_is_not_its_document(told: Any) -> None:
    pica = Pica([row("Send", path="/1")], [document(1, "Send", **({"key": "send"} | told))])
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert actions.known == ()
    assert actions.listing.ambiguous == 1


async def test_a_row_whose_document_says_another_method_is_left_out() -> None:
    """A read in the listing that is a deletion in the document would pass for a read."""
    told = row("Do", "GET", systemId="conn_mod_def::1::x", path="/1")
    pica = Pica([told, row("Get")], [document(1, "Do", "DELETE"), document(2, "Get")])
    async with cataloguing(pica) as catalog:
        actions = await catalog.actions("crm")
    assert ids(actions) == {"Get": "conn_mod_def::2::x"}
    assert actions.listing.ambiguous == 1


async def test_tags_count_wherever_they_stand() -> None:
    pica = Pica(
        [row("Do", tags=["custom", "a"]), row("Told", tags=["hidden:agents"], systemId="conn_mod_def::2::x")],
        [document(1, "Do", tags=["hidden:agents", "a"]), document(2, "Told", tags=["custom"])],
    )
    async with cataloguing(pica) as catalog:
        do, told = (await catalog.actions("crm")).known
        assert (do.tags, do.hidden, do.custom) == (("custom", "a", "hidden:agents"), True, True)
        assert (told.tags, told.hidden, told.custom) == (("hidden:agents", "custom"), True, True)
        assert (await catalog.details(do)).tags == do.tags


async def test_tags_count_wherever_they_stand_on_a_big_platform_too() -> None:
    pica = big()
    pica.rows[7]["tags"] = ["a"]
    pica.found = [found(7, "Action 7", tags=["b"])]
    pica.documents = [document(7, "Action 7", tags=["hidden:agents"])]
    async with cataloguing(pica) as catalog:
        details = await catalog.details((await catalog.actions("crm")).known[7])
    assert set(details.tags) == {"a", "b", "hidden:agents"}


async def test_what_the_catalogue_names_but_does_not_explain_is_asked_for_once_an_hour(clock: Clock) -> None:
    pica = big()
    pica.found, pica.documents = [found(7, "Action 7")], []
    async with cataloguing(pica, clock) as catalog:
        known = (await catalog.actions("crm")).known
        pica.asked.clear()
        for _ in range(3):
            assert (await catalog.details(known[7])).knowledge == ""
            with pytest.raises(UnknownAction):
                await catalog.details(known[8])
        assert pica.asked == ["search Action 7", "document conn_mod_def::7::x", "search Action 8"]
        clock.now += HOUR
        await catalog.details(known[7])
        await loaded_behind()
        assert pica.asked[3:].count("document conn_mod_def::7::x") == 1
