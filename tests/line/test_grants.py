"""What a caller may not do, they do not meet either: over random grants, `admit` has the last word everywhere.

An action that is not admitted is not listed as a tool, not found by search, not among a platform's actions, not
readable, not completed, not written as code, and neither its id nor its name runs it; what does more than read is not
run by the tool that reads. A connection that is not admitted is neither told of, also by prompts, nor called through.
What is admitted is all of that, so that nobody passes by showing nothing. One platform has more than four hundred
actions, whose rows tell neither ids nor paths.

More of them: python -m pytest tests/line/test_grants.py --hypothesis-profile explore
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import httpx2 as httpx
import mcp_types as mcp
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from pica_mcp import schemas
from pica_mcp.access import Caller, Grant, Identity, IdentityType, Permission, admit, admit_platform, effect
from pica_mcp.app import App, open_app
from pica_mcp.discovery import Names, fixed_tools
from pica_mcp.effects import Rule
from pica_mcp.errors import PicaError, Reason, UnknownAction, UnknownResource
from pica_mcp.models import ActionDetails, Connection, Effect
from pica_mcp.patterns import Pattern
from pica_mcp.resources import ONE_ACTION, ONE_CONNECTION, ONE_PLATFORM
from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.settings import load
from pica_mcp.toolbox import Toolbox
from pica_mcp.toolbox.budget import Budget
from pica_mcp.tools import ActionTool, Tool

EXECUTE, SEARCH = "execute_pica_action", "search_pica_platform_actions"
KNOWLEDGE, LIST = "get_pica_action_knowledge", "list_pica_integrations"
READ, BUILD = "read_pica_action", "build_pica_request"
MODES = ("code", "preview", "mock")
LANGUAGES = ("curl", "python", "typescript")

BIG = "amber-anvil"
SMALL = ("gmail", "slack", "linear")
PLATFORMS = (*SMALL, BIG)
QUERIES = ("list", "delete", "message", "archive accounts", "create")
IDENTITIES = (
    Identity("iris", IdentityType.USER),
    Identity("iris", IdentityType.TEAM),
    Identity("iris"),
    Identity("noor", IdentityType.USER),
    Identity(),
)
SAMPLE = 5
"""How many of the actions or connections an example tries one by one."""

ItemT = TypeVar("ItemT")
Check: TypeAlias = "Callable[[Case], Awaitable[None]]"
Run: TypeAlias = "Callable[[Check, Drawn], None]"


# The world


@dataclass
class Door:
    """The sandbox, and how many requests went through it to a provider."""

    box: Sandbox
    passed: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed += scope["path"].startswith("/v1/passthrough")
        await self.box.app(scope, receive, send)


@dataclass(frozen=True)
class World:
    """One application for all examples, and everything that there is."""

    door: Door
    app: App
    unbounded: Toolbox
    """Lists all that it may."""
    actions: Sequence[ActionDetails]
    connections: Sequence[Connection]
    tools: Mapping[str, str]
    """Name of a tool → id of its action."""

    async def call(self, caller: Caller, name: str, arguments: Mapping[str, Any]) -> tuple[bool, str]:
        """Return if the tool answered, and its words."""
        try:
            result = await self.app.pipeline.call(caller, name, arguments)
        except PicaError as error:
            return False, str(error)
        return not result.is_error, "\n".join(b.text for b in result.content if isinstance(b, mcp.TextContent))

    async def read(self, caller: Caller, uri: str) -> str | None:
        try:
            content = await self.app.resources.read(caller, uri)
        except UnknownResource:
            return None
        assert isinstance(content, mcp.TextResourceContents)
        return content.text

    async def prompts(self, caller: Caller) -> str:
        """What the prompts say that there are for the caller, and what may be put in them."""
        given = {"task": "Do it.", "platform": SMALL[0]}
        words: list[str] = []
        for prompt in self.app.prompts.list(caller):
            taken = {argument.name for argument in prompt.arguments or ()}
            filled = {name: value for name, value in given.items() if name in taken}
            words.append((await self.app.prompts.get(caller, prompt.name, filled)).model_dump_json())
            words += [
                (await self.app.completions.complete_prompt(caller, prompt.name, name, "")).model_dump_json()
                for name in taken
            ]
        return "".join(words)

    async def complete(self, caller: Caller, template: str, variable: str, typed: str = "") -> list[str]:
        return (await self.app.completions.complete(caller, template, variable, typed, {})).values


@asynccontextmanager
async def opened() -> AsyncGenerator[World]:
    door = Door(Sandbox(extra=grow(500, 1, document_chars=200)))
    for secret in (LIVE_SECRET, TEST_SECRET):
        for row in await _rows(door, "vault/connections", secret):
            door.box.disconnect(row["key"])
    for number, (identity, kind, state) in enumerate((
        ("iris", "user", "operational"), ("iris", "user", "failed"), ("iris", "team", "operational"),
        ("noor", "user", "degraded"), ("iris", None, "operational"), (None, None, "operational"),
    )):  # fmt: skip
        for platform in PLATFORMS:
            name = f"name{number}{platform[0]}q"
            door.box.connect(platform, identity=identity, identity_type=kind, state=state, name=name)
    door.box.connect("gmail", identity="iris", identity_type="user", name="name6gq", environment="test")
    variables = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": "https://pica.test", "PICA_AUDIT": "off"}
    async with open_app(load({}, variables), door) as app:
        names, tools = Names(app.catalog), dict[str, str]()
        for platform in PLATFORMS:
            for name, row in (await names.of(platform)).items():
                with suppress(UnknownAction):  # twins
                    tools[name] = (await app.catalog.details(row)).id
        assert not all(row.id for row in (await app.catalog.actions(BIG)).known)
        documents = [await _rows(door, "knowledge", LIVE_SECRET, connectionPlatform=name) for name in PLATFORMS]
        connections = [await _rows(door, "vault/connections", secret) for secret in (LIVE_SECRET, TEST_SECRET)]
        yield World(
            door,
            app,
            Toolbox(app.catalog, names, fixed_tools(app.catalog, names, app.pipeline.results), Budget("all")),
            [ActionDetails.model_validate(row) for rows in documents for row in rows],
            [Connection.model_validate(row) for rows in connections for row in rows],
            tools,
        )


async def _rows(door: Door, path: str, secret: str, **query: str) -> list[dict[str, Any]]:
    transport = httpx.ASGITransport(door)
    async with httpx.AsyncClient(transport=transport, base_url="https://pica.test", verify=False) as pica:
        query = query | {"limit": "1000", "supported": "true"}
        found: Any = (await pica.get(f"/v1/{path}", params=query, headers={"x-pica-secret": secret})).json()
    return found["rows"]


@pytest.fixture(scope="module")
def run() -> Generator[Run]:
    """Run a check of a caller in the world, in the one event loop that all examples share."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened()) as world:

        def run(check: Check, drawn: Drawn) -> None:
            portal.call(check, Case(world, drawn))

        yield run


# What is drawn


@dataclass(frozen=True)
class Spec:
    """A pattern that means an action, and how many others by the way."""

    kind: str
    which: int

    def pattern(self, actions: Sequence[ActionDetails]) -> Pattern:
        action = actions[self.which % len(actions)]
        path = f"/{action.path.removeprefix('/')}"
        match self.kind:
            case "id":
                return Pattern(id=action.id)
            case "platform":
                return Pattern(platform=action.platform)
            case "method":
                return Pattern(platform=action.platform, method=action.method)
            case "method anywhere":
                return Pattern(method=action.method)
            case "path":
                return Pattern(platform=action.platform, method=action.method, path=path)
            case "beginning":
                return Pattern(platform=action.platform, path=f"{path.rpartition('/')[0]}/*")
            case "end":
                return Pattern(method=action.method, path=f"*/{path.rpartition('/')[2]}")
            case _:
                return Pattern()


@dataclass(frozen=True)
class Drawn:
    """A caller, and which of everything is tried one by one."""

    identity: Identity
    permission: Permission
    keys: tuple[int, ...] | None
    actions: tuple[Spec, ...] | None
    platforms: frozenset[str] | None
    effects: tuple[tuple[Spec, Effect], ...]
    knowledge_only: bool
    at: int


specs = st.builds(
    Spec,
    st.sampled_from(("id", "platform", "method", "method anywhere", "path", "beginning", "end", "any")),
    st.integers(0, 500),
)
drawns = st.builds(
    Drawn,
    identity=st.sampled_from(IDENTITIES),
    permission=st.sampled_from(list(Permission)[::-1]),
    keys=st.none() | st.lists(st.integers(0, 60), max_size=12).map(tuple),
    actions=st.none() | st.lists(specs, max_size=4).map(tuple),
    platforms=st.none() | st.frozensets(st.sampled_from(PLATFORMS)),
    effects=st.lists(st.tuples(specs, st.sampled_from(list(Effect))), max_size=3).map(tuple),
    knowledge_only=st.sampled_from((False, False, False, True)),
    at=st.integers(0, 5_000),
)


class Case:
    """A caller in the world, and what is and is not admitted for them."""

    def __init__(self, world: World, drawn: Drawn) -> None:
        self.world, self.at = world, drawn.at
        actions, connections = world.actions, world.connections
        keys = None
        if drawn.keys is not None:
            keys = frozenset(connections[which % len(connections)].key for which in drawn.keys)
        grant = Grant(
            permission=drawn.permission,
            connection_keys=keys,
            actions=None if drawn.actions is None else tuple(spec.pattern(actions) for spec in drawn.actions),
            platforms=drawn.platforms,
            knowledge_only=drawn.knowledge_only,
            effects=tuple(Rule(spec.pattern(actions), effect) for spec, effect in drawn.effects),
        )
        self.caller = Caller(drawn.identity, grant, lambda: "live")
        self.refused = {action.id: no for action in actions if (no := admit(self.caller, action))}
        self.admitted = [action for action in actions if action.id not in self.refused]
        denied = {c.key: no.reason for c in connections if (no := admit(self.caller, connection=c))}
        self.usable = [c for c in connections if c.key not in denied]
        self.visible = [c for c in connections if denied.get(c.key) in (None, Reason.FAILED, Reason.INACTIVE)]
        self.foreign = [c for c in connections if c not in self.visible]
        self.connected = {connection.platform for connection in self.usable}
        self._check_admitted(grant)

    def _check_admitted(self, grant: Grant) -> None:
        """What lists say on their face, lest `admit` be wrong everywhere alike."""
        for connection in self.visible:
            assert grant.connection_keys is None or connection.key in grant.connection_keys
            assert self.caller.identity.id in (None, connection.identity)
            assert connection.environment == "live"
        for thing in (*self.visible, *self.admitted):
            assert grant.platforms is None or thing.platform in grant.platforms
        assert grant.actions != () or not self.admitted

    def some(self, items: Sequence[ItemT]) -> Sequence[ItemT]:
        """A few of them, others in each example."""
        start = self.at % len(items) if items else 0
        return [*items[start:], *items[:start]][:: max(1, len(items) // SAMPLE)][:SAMPLE]

    def check_tools(self, tools: Sequence[Tool]) -> set[str]:
        """Return the ids of the listed tools' actions."""
        actions = [tool.action for tool in tools if isinstance(tool, ActionTool)]
        ids = {action.id for action in actions}
        assert self.refused.keys().isdisjoint(ids)
        assert {action.platform for action in actions} <= self.connected
        names = {tool.definition.name for tool in tools}
        runs = set[str]() if self.caller.grant.knowledge_only else {READ, EXECUTE}
        assert names & {READ, EXECUTE} == (runs - {EXECUTE} if self.caller.grant.permission == "read" else runs)
        assert not (ids and self.caller.grant.knowledge_only)
        return ids

    async def check_search(self, platform: str, query: str, agent: str) -> list[str]:
        """Return the ids of the actions that are found."""
        arguments = {"platform": platform, "query": query, "agentType": agent}
        answered, words = await self.world.call(self.caller, SEARCH, arguments)
        no = admit_platform(self.caller, platform)
        assert (answered, words if no else "") == (no is None, str(no or ""))
        lines = json.loads(words)["actions"] if answered else ()
        self._check_lines(platform, lines)
        return [line.get("actionId") or self.world.tools[line["tool"]] for line in lines]

    async def check_platform(self, platform: str) -> None:
        words = await self.world.read(self.caller, f"pica://platforms/{platform}")
        assert (words is None) is (admit_platform(self.caller, platform) is not None)
        self._check_lines(platform, json.loads(words)["actions"] if words else ())

    def _check_lines(self, platform: str, lines: Sequence[Mapping[str, str]]) -> None:
        """What a line says may be of several actions where it tells no id; one of them has to be admitted."""
        for line in lines:
            action_id = line.get("actionId") or self.world.tools.get(line.get("tool", ""))
            meant = [
                action.id
                for action in self.world.actions
                if action.platform == platform
                and (
                    action.id == action_id
                    or (not action_id and (action.title, action.method) == (line["title"], line["request"].split()[0]))
                )
            ]
            assert meant, line
            assert not self.refused.keys() >= set(meant), line


def _flat(action: ActionDetails) -> dict[str, Any]:
    """Arguments that the action accepts: something for each that it requires."""
    parameters = schemas.derive(action)
    properties = parameters.schema["properties"]
    return {
        name: _file(properties[name]) if name in parameters.files else _value(properties[name])
        for name in parameters.schema.get("required", ())
    }


def _file(schema: Mapping[str, Any]) -> Any:
    return ["data:,x"] if schema.get("type") == "array" else "data:,x"


def _value(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    match kind if isinstance(kind, str) else kind[0]:
        case "object":
            return {name: _value(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return [_value(schema.get("items", {}))]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return "x"


def _groups(action: ActionDetails) -> dict[str, Any]:
    """The same arguments as `execute_pica_action` takes them."""
    call = schemas.derive(action).call(_flat(action))
    groups = {"pathVariables": call.path, "queryParams": call.query, "headers": call.headers, "data": call.body}
    return {name: group for name, group in groups.items() if group}


# What must hold

half = settings(max_examples=settings().max_examples // 2)


@half
@given(drawn=drawns)
def test_what_is_not_admitted_is_not_listed(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        listing = await case.world.app.pipeline.toolbox.survey(case.caller)
        case.check_tools(listing.tools)

    run(check, drawn)


@half
@given(drawn=drawns)
def test_without_a_budget_all_that_is_admitted_is_listed_and_nothing_else(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        listing = await case.world.unbounded.survey(case.caller)
        assert listing.complete
        ids = case.check_tools(listing.tools)
        shown = case.connected if not case.caller.grant.knowledge_only else set[str]()
        expected = {a.id for a in case.admitted if a.platform in shown and not a.hidden and a.platform in SMALL}
        assert ids & {a.id for a in case.world.actions if a.platform in SMALL} == expected
        if case.caller.grant == Grant() and BIG in case.connected:
            big = {action.id for action in case.admitted if action.platform == BIG and not action.hidden}
            assert ids & big == big & set(case.world.tools.values())

    run(check, drawn)


@half
@given(drawn=drawns)
def test_what_is_not_admitted_is_not_found_by_search(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        for platform in PLATFORMS:
            for agent in ("execute", "knowledge"):
                for query in (QUERIES[case.at % len(QUERIES)], *(a.title for a in case.some(case.admitted)[:1])):
                    await case.check_search(platform, query, agent)

    run(check, drawn)


@half
@given(drawn=drawns)
@example(
    Drawn(
        identity=IDENTITIES[0],
        permission=Permission.READ,
        keys=None,
        actions=None,
        platforms=None,
        # Of the big platform, whose rows do not tell whether the rule fits.
        effects=((Spec("path", 42), Effect.DESTRUCTIVE),),
        knowledge_only=False,
        at=0,
    )
)
def test_what_is_not_admitted_is_neither_read_nor_completed(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        for platform in PLATFORMS:
            await case.check_platform(platform)
        for action in case.some([action for action in case.world.actions if action.id in case.refused]):
            assert await case.world.read(case.caller, f"pica://actions/{quote(action.id, safe='')}") is None
            assert await case.world.complete(case.caller, ONE_ACTION, "id", action.id) == []
            arguments = {"platform": action.platform, "actionId": action.id}
            said = (False, str(case.refused[action.id]))
            assert await case.world.call(case.caller, KNOWLEDGE, arguments) == said
            for mode in MODES:
                assert await case.world.call(case.caller, BUILD, arguments | {"mode": mode}) == said
        ids = await case.world.complete(case.caller, ONE_ACTION, "id")
        assert case.refused.keys().isdisjoint(ids)

    run(check, drawn)


@half
@given(drawn=drawns)
def test_what_is_not_admitted_is_not_called_and_nothing_is_sent(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        before = case.world.door.passed
        names = {action_id: name for name, action_id in case.world.tools.items()}
        executes = not case.caller.grant.knowledge_only
        for action in case.some([action for action in case.world.actions if action.id in case.refused]):
            said = (False, str(case.refused[action.id]))
            arguments = {"platform": action.platform, "actionId": action.id, **_groups(action)}
            for key in (
                {},
                *({"connectionKey": c.key} for c in case.world.connections if c.platform == action.platform),
            ):
                for tool in (EXECUTE, READ):
                    answered = await case.world.call(case.caller, tool, arguments | key)
                    assert answered == said if executes else not answered[0]
            if action.id in names:
                answered = await case.world.call(case.caller, names[action.id], _flat(action))
                visible = any(c.platform == action.platform for c in case.visible)
                assert answered == said if executes and visible and not action.hidden else not answered[0]
        assert case.world.door.passed == before

    run(check, drawn)


@half
@given(drawn=drawns)
def test_the_tool_that_reads_runs_nothing_that_does_more(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        before = case.world.door.passed
        names = {action_id: name for name, action_id in case.world.tools.items()}
        for action in case.some([a for a in case.admitted if effect(case.caller, a) is not Effect.READ]):
            keys = [c.key for c in case.usable if c.platform == action.platform]
            for wanted in (action.id, *([names[action.id]] if action.id in names else [])):
                named: dict[str, Any] = {"platform": action.platform, "actionId": wanted}
                for arguments in (named | _groups(action), named | {"arguments": _flat(action)}):
                    for key in keys[:2]:
                        answered, words = await case.world.call(case.caller, READ, arguments | {"connectionKey": key})
                        assert not answered, words
        assert case.world.door.passed == before

    run(check, drawn)


@half
@given(drawn=drawns)
def test_no_request_that_is_written_and_no_prompt_tells_a_key(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        before = case.world.door.passed
        told = [await case.world.prompts(case.caller)]
        for action in case.some(case.admitted):
            arguments = {"platform": action.platform, "actionId": action.id, "arguments": _flat(action)}
            for wanted in (*({"language": language} for language in LANGUAGES), {"mode": "preview"}, {"mode": "mock"}):
                answered, words = await case.world.call(case.caller, BUILD, arguments | wanted)
                assert answered, words
                told.append(words)
        for word in (LIVE_SECRET, TEST_SECRET, *(connection.key for connection in case.world.connections)):
            assert not [words for words in told if word in words]
        assert case.world.door.passed == before

    run(check, drawn)


@half
@given(drawn=drawns)
def test_a_connection_that_is_not_admitted_is_neither_told_of_nor_called_through(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        world, caller = case.world, case.caller
        told = [
            (await world.call(caller, LIST, {}))[1],
            "".join(one.model_dump_json() for one in await world.app.resources.list(caller)),
            str([await world.read(caller, f"pica://platforms/{platform}") for platform in PLATFORMS]),
            str(await world.read(caller, "pica://connections")),
            str(await world.complete(caller, ONE_CONNECTION, "label")),
            await world.prompts(caller),
            "".join(tool.model_dump_json() for tool in (await world.app.pipeline.toolbox.list(caller)).tools),
        ]
        for connection in case.foreign:
            assert not [words for words in told if connection.name and connection.name in words]
        for platform in await world.complete(caller, ONE_PLATFORM, "platform"):
            assert admit_platform(caller, platform) is None
        before = world.door.passed
        for connection in case.some(case.foreign):
            uri = f"pica://connections/{connection.platform}/{quote(connection.name, safe='')}"
            assert await world.read(caller, uri) is None
            for action in case.some([action for action in case.admitted if action.platform == connection.platform])[:2]:
                for wanted in (connection.key, connection.name):
                    arguments = {"platform": action.platform, "actionId": action.id, **_groups(action)}
                    answered, _ = await world.call(caller, EXECUTE, arguments | {"connectionKey": wanted})
                    assert not answered
        assert world.door.passed == before

    run(check, drawn)


@half
@given(drawn=drawns)
def test_what_is_admitted_is_found_read_and_called(run: Run, drawn: Drawn) -> None:
    async def check(case: Case) -> None:
        world, caller = case.world, case.caller
        for action in case.some(case.admitted):
            words = await world.read(caller, f"pica://actions/{quote(action.id, safe='')}")
            assert action.title in str(words)
            assert action.id in await case.check_search(action.platform, action.title, "knowledge")
            if caller.grant.knowledge_only:
                continue
            if not action.hidden:
                assert action.id in await case.check_search(action.platform, action.title, "execute")
            if action.path == "/graphql":
                continue  # what such a call does, its document says
            before = world.door.passed
            for connection in (c for c in case.usable if c.platform == action.platform):
                arguments = {"platform": action.platform, "actionId": action.id, **_groups(action)}
                words = await world.call(caller, EXECUTE, arguments | {"connectionKey": connection.key})
                assert world.door.passed == (before := before + 1), words
                if effect(caller, action) is Effect.READ:
                    words = await world.call(caller, READ, arguments | {"connectionKey": connection.key})
                    assert world.door.passed == (before := before + 1), words

    run(check, drawn)
