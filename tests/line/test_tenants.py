"""Three tenants of one process, who share everything but their accounts: whatever happens, none meets another's.

About 2,000 steps. 50,000, and others each time:

    TENANTS_STEPS=50000 python -m pytest tests/line/test_tenants.py --hypothesis-profile explore

A user and a team of one name are served, another user besides, and beside them live some whom nobody serves; one is
spelt like the user but for a capital letter. People name their connections as they like, also like another's
connection, its label, its tag or its key. Connections come, move, fail, are authorised again and go, also in the
middle of a call. Pica fails, forgets to filter, repeats itself, tells old rows. Each account has words of its own in
its name, its tag and its content, so that a look at the bytes tells whose they are. After every step:

    sent       Each passthrough request carries a key that was its caller's. That means: the last list of connections
               that Pica gave for just this identity before the call, if that was asked for less than sixty seconds
               before it by the catalogue's clock, or a list given since, has a row of the key: of this identity and
               type, of the secret's environment and the action's platform, and working. The caller's grant allows it.
               Where a person was asked, or Pica said that it does not know the connection, "before the call" means
               before the answer. What Pica lists is true at that moment, but for old rows, which nobody can tell.
    shown      No answer, list, resource, completion, question, error or notice has a word of an account that is not
               the caller's in these lists, the last one of any age: who only looks is shown what is known. What an
               account holds is shown by calls that were sent through it, and by what was kept of their answers, to
               who made them: by tool, as a resource and as a file to send. No prompt and no request that is written
               tells it. Keys are shown to nobody. A caller may read
               what they wrote themselves, and what their own accounts are called.
    alike      A call that names somebody's key or label is refused as one that names what nobody has, and so is who
               asks for somebody's answer. Whose it is, finds it for an hour.
    written    The audit has one line for each call, of its caller, and the hash in it is of one of the caller's keys.
               Neither it nor the log has any of the words.
    served     While Pica is well, a call by one's own key is sent with it, and one's connections are all listed.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, quote, urlencode

import anyio
import httpx2 as httpx
import mcp_types as mcp
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from starlette.types import Message, Receive, Scope, Send

from pica_mcp.access import Caller, Grant, Identity, IdentityType, Preferences
from pica_mcp.api import Endpoint, open_api
from pica_mcp.audit import Audit, Stream
from pica_mcp.catalog import Catalog, Connections, Disk, prepare
from pica_mcp.completions import Completions
from pica_mcp.consent import Nobody, Policy, Question
from pica_mcp.discovery import Names, fixed_tools, naming
from pica_mcp.errors import PicaError
from pica_mcp.files import Files
from pica_mcp.limits import Limits
from pica_mcp.pipeline import Pipeline
from pica_mcp.prompts import Prompts
from pica_mcp.resources import ONE_ACTION, ONE_CONNECTION, ONE_PLATFORM, Resources
from pica_mcp.results import Results
from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox
from pica_mcp.sandbox.growth import grow
from pica_mcp.secret import Fixed, Secret
from pica_mcp.store import Store
from pica_mcp.toolbox import Toolbox
from pica_mcp.toolbox.budget import Budget

from .conftest import Clock

STEPS = int(os.environ.get("TENANTS_STEPS", "2000"))
STEPS_OF_A_STORY = 50
MAX_AGE_SECONDS = 60.0
KEPT_SECONDS = 3600.0
RESULT_TOKENS = 200
"""So few that answers are cut, and kept."""

LISTING, PASSTHROUGH = "/v1/vault/connections", "/v1/passthrough"
AUDIT_KEY = b"key of the record"
RESULT_ID = r"\br_[\w-]{16}"
UNKNOWN = {"type": "NotFound", "key": "err::x", "status": 404, "message": "Connection not found"}

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
Owner = tuple[str | None, str | None]

TENANTS = (
    Identity("iris", IdentityType.USER),
    Identity("iris", IdentityType.TEAM),
    Identity("noor", IdentityType.USER),
)
OWNERS: tuple[Owner, ...] = (
    *((tenant.id, tenant.type) for tenant in TENANTS),
    ("mallory", "user"), ("Iris", "user"), ("iris", "project"), ("iris", None), (None, None),
)  # fmt: skip

GMAIL, SLACK, GROWN = PLATFORMS = ("gmail", "slack", "amber-anvil")

Arguments = Mapping[str, Any]
READS: Mapping[str, tuple[str, Arguments]] = {
    GMAIL: ("gmail_get_emails", {"numberOfEmails": 100}),
    SLACK: ("slack_fetch_conversation_history", {"channel": "C0GENERAL", "limit": 100}),
    GROWN: ("amberanvil_list_accounts", {}),
}
WRITES: Mapping[str, tuple[str, Arguments]] = {
    GMAIL: ("gmail_send_email", {"to": "a@b.example", "subject": "S", "body": "B"}),
    SLACK: ("slack_send_message", {"channel": "general", "message": "B"}),
    GROWN: ("amberanvil_sync_accounts", {"name": "N"}),
}
DESTROYS: Mapping[str, tuple[str, Arguments]] = {
    GMAIL: ("gmail_delete_message", {"userId": "me", "id": "19b8"}),
    SLACK: ("slack_delete_message", {"channel": "C0GENERAL", "ts": "1.0"}),
    GROWN: ("amberanvil_delete_account", {"id": "4f1c"}),
}
BY_ID: Mapping[str, tuple[str, Arguments]] = {
    GMAIL: ("Get Emails", {"data": {"numberOfEmails": 100}}),
    SLACK: ("Fetch Conversation History", {"queryParams": {"channel": "C0GENERAL", "limit": 100}}),
    GROWN: ("List Accounts", {}),
}
FILLS: Mapping[str, tuple[str, str, Callable[[str], Arguments]]] = {
    GMAIL: ("Send Email", "/gmail/send-email", lambda word: {"to": "a@b.example", "subject": word, "body": "B"}),
    SLACK: ("Send Slack Message", "/slack/send-message", lambda word: {"channel": "#general", "message": word}),
}
"""What puts a word into an account; the grown platform says the account's name whatever it is asked."""


# What there is, and what happens to it


@dataclass
class Account:
    """An account at a provider as it truly is, and the words that are of no other."""

    number: int
    platform: str
    owner: Owner
    environment: str
    name: str | None
    keys: list[str] = field(default_factory=list[str])
    alive: bool = True
    state: str = "operational"

    @property
    def key(self) -> str:
        return self.keys[-1]

    def word(self, of: str) -> str:
        return f"{of}q{self.number:03}zq"

    def is_of(self, tenant: Identity) -> bool:
        return self.alive and self.environment == "live" and self.owner == (tenant.id, tenant.type)


@dataclass(frozen=True)
class Change:
    """Something happens to a connection, or there is a new one; `named` says how, `which` picks whatever there is."""

    what: str
    which: int
    to: int
    platform: str
    named: str


@dataclass(frozen=True)
class Passing:
    """Time passes for the catalogue, after which Pica may not list connections for a while."""

    seconds: float
    lists_fail: bool


@dataclass(frozen=True)
class Lying:
    """Pica tells the next lists of connections otherwise than they are."""

    lie: str
    times: int


@dataclass(frozen=True)
class Failing:
    """Pica fails at something, or nothing is wrong with it any more."""

    at: str


@dataclass(frozen=True)
class Act:
    """What a tenant does. `by` says which kind of word names the connection, `which` picks one of that kind."""

    tenant: int
    what: str
    platform: str
    by: str
    which: int
    setting: str


@dataclass(frozen=True)
class Meanwhile:
    """What happens once the first call has come so far."""

    at: str
    change: Change
    seconds: float
    gives_up: bool


CALLS = ("read", "read", "read by id", "read by id", "write", "destroy")
KEPT = ("more", "more", "resource", "file")
"""Ways to what was kept of an answer."""
LOOKS = (
    "tools", "integrations", "integrations", "listed", "all", "one", "completed", "found", "known", "prompts", "built",
    *KEPT,
)  # fmt: skip
MOMENTS = ("listing asked", "listing told", "call asked", "call told", "question")

indices = st.integers(0, 30)
changes = st.builds(
    Change,
    what=st.sampled_from(("new", "new", "move", "move", "disconnect", "reauthorize", "state", "elsewhere")),
    which=indices,
    to=st.sampled_from((0, 0, 1, 1, 2, 2, *range(len(OWNERS)))),
    platform=st.sampled_from(PLATFORMS),
    named=st.sampled_from(("plainly", "not", "as another", "as a label", "as a key", "as a tag", "as of its owner")),
)
passings = st.builds(
    Passing,
    seconds=st.sampled_from((1.0, 30.0, 59.9, 60.0, 60.0, 61.0, 4000.0)),
    lists_fail=st.sampled_from((False, False, True)),
)
lyings = st.builds(
    Lying,
    lie=st.sampled_from(("unfiltered", "untyped filter", "twice", "backwards", "untyped", "old")),
    times=st.integers(1, 3),
)
failings = st.builds(
    Failing,
    at=st.sampled_from((
        "nothing", "nothing", "unknown connection", "unknown connection", "one list", "a list's end",
        "a call", "a call's answer", "a call's place", "the catalogue",
    )),
)  # fmt: skip
meanwhiles = st.builds(
    Meanwhile,
    at=st.sampled_from(MOMENTS),
    change=changes,
    seconds=st.sampled_from((0.0, 30.0, 61.0)),
    gives_up=st.sampled_from((False, False, False, True)),
)


def acts(*kinds: str) -> st.SearchStrategy[Act]:
    return st.builds(
        Act,
        tenant=st.integers(0, len(TENANTS) - 1),
        what=st.sampled_from(kinds),
        platform=st.sampled_from(PLATFORMS),
        by=st.sampled_from((
            "own key", "own key", "own label", "own elsewhere", "foreign key", "foreign label", "gone key",
            "name", "tag", "nothing",
        )),
        which=indices,
        setting=st.sampled_from(("", "", "", "default", "names", "connection keys")),
    )  # fmt: skip


# The world, and what is written down of it


@dataclass(frozen=True)
class Sent:
    """One request to a provider: the lists that count for it are those from `first` to before `last`."""

    key: str
    action: str
    began: float
    first: int
    last: int


@dataclass
class Turn:
    """One act under way: when it began, and how many lists Pica had given for this identity by then."""

    caller: Caller
    began: float
    lists: int
    typed: tuple[str, ...] = ()
    sent: list[Sent] = field(default_factory=list[Sent])
    through: frozenset[str] = frozenset()
    """The keys through which came what was kept and is asked for now."""

    def renew(self, now: float, lists: int) -> None:
        """From here on, what was known before is known to be old."""
        self.began, self.lists = now, lists


@dataclass(frozen=True)
class Kept:
    """An answer that was too long to be shown whole: whose, since when, and through which keys it came."""

    identity: Identity
    result_id: str
    at: float
    keys: frozenset[str]


@dataclass(frozen=True)
class Told:
    """One list of connections, asked for `at` a time of the catalogue's clock."""

    at: float
    rows: tuple[Row, ...]


TURN: ContextVar[Turn] = ContextVar("turn")
"""Whose call it is: requests to a provider are made in the caller's own task."""


@dataclass
class Gate:
    """Holds the first who comes to this moment."""

    at: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def passes(self, at: str) -> None:
        if at == self.at and not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()


class Pica:
    """The sandbox behind a door at which connections are lied about, and requests are held and written down."""

    def __init__(self, clock: Clock) -> None:
        self.box = Sandbox(extra=grow(13, 1, document_chars=200))
        for connection in [*self.box._account.within("live"), *self.box._account.within("test")]:
            self.box.disconnect(connection.key)
        self.clock = clock
        self.told: defaultdict[Identity, list[Told]] = defaultdict(list)
        self.habit = ""
        self.lies: list[str] = []
        self.breaks = 0
        self.gate: Gate | None = None
        self.inside = 0

    @property
    def well(self) -> bool:
        return not (self.lies or self.breaks or any(plan.times for plan in self.box._journal.plans))

    def fail(self, at: str) -> None:
        match at:
            case "unknown connection":
                self.box.fail(PASSTHROUGH, status=404, body=UNKNOWN)
            case "lists":
                self.box.fail(LISTING, times=4)
            case "one list":
                self.box.fail(LISTING, status=503)
            case "a list's end":
                self.box.fail(LISTING, status=200, body="<p>")
            case "a call":
                self.box.fail(PASSTHROUGH, status=503)
            case "a call's place":
                self.box.fail(PASSTHROUGH, status=429)
            case "a call's answer":
                self.breaks += 1
            case "the catalogue":
                self.box.fail("/v1/available-", times=2)
            case _:
                self.box.heal()
                self.lies, self.breaks = [], 0

    async def passes(self, at: str) -> None:
        if self.gate:
            await self.gate.passes(at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        try:
            if scope["path"] == LISTING:
                await self._list(scope, receive, send)
            elif scope["path"].startswith(PASSTHROUGH):
                await self._pass(scope, receive, send)
            else:
                await self.box.app(scope, receive, send)
        finally:
            self.inside -= 1

    async def _list(self, scope: Scope, receive: Receive, send: Send) -> None:
        at, query = self.clock.now, dict(parse_qsl(scope["query_string"].decode()))
        asker = Identity(query.get("identity"), IdentityType(query["identityType"]))
        await self.passes("listing asked")
        lie = self.lies.pop(0) if self.lies else self.habit
        head, body = await answer(self.box.app, _asked_so(lie, scope, query), receive)
        if head["status"] == 200 and body.startswith(b"{"):
            rows = json.loads(body)["rows"]
            if lie == "unfiltered":
                _, other = await answer(self.box.app, _asked_so(lie, scope, query, TEST_SECRET), _no_body)
                rows += json.loads(other).get("rows", ())
            rows = self._told_so(lie, asker, rows)
            self.told[asker].append(Told(at, tuple(rows)))
            body = json.dumps({"rows": rows, "total": len(rows), "pages": 1, "page": 1}).encode()
            head["headers"] = [(b"content-type", b"application/json")]
        await self.passes("listing told")
        await send(head)
        await send({"type": "http.response.body", "body": body})

    def _told_so(self, lie: str, asker: Identity, rows: list[Row]) -> list[Row]:
        match lie:
            case "twice":
                return rows + rows
            case "backwards":
                return rows[::-1]
            case "untyped":
                return [{**row, "identityType": None} for row in rows]
            case "old" if self.told[asker]:
                return list(self.told[asker][0].rows)
            case _:
                return rows

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key, action = (headers[name].decode() for name in (b"x-pica-connection-key", b"x-pica-action-id"))
        turn = TURN.get()
        lists = self.told[turn.caller.identity]
        turn.sent.append(Sent(key, action, turn.began, turn.lists, len(lists)))
        await self.passes("call asked")
        head, body = await answer(self.box.app, scope, receive)
        if head["status"] == 404 and b"Connection not found" in body:
            turn.renew(self.clock.now, len(lists))
        await self.passes("call told")
        if self.breaks:
            self.breaks -= 1
            raise httpx.ReadError("reset by peer")
        await send(head)
        await send({"type": "http.response.body", "body": body})


def _asked_so(lie: str, scope: Scope, query: Mapping[str, str], secret: str = LIVE_SECRET) -> Scope:
    """The question as a Pica with that fault takes it."""
    ignored = {"unfiltered": ("identity", "identityType"), "untyped filter": ("identityType",)}.get(lie, ())
    kept = {"limit": "999", **{name: value for name, value in query.items() if name not in (*ignored, "limit")}}
    headers = [(name, secret.encode() if name == b"x-pica-secret" else value) for name, value in scope["headers"]]
    return {**scope, "query_string": urlencode(kept).encode(), "headers": headers}


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def answer(app: Any, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


class Record(Stream):
    """The audit's lines, kept in memory."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def close(self) -> None:
        pass


class Log(logging.Handler):
    """All that the program logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @contextmanager
    def listening(self) -> Generator[None]:
        logging.getLogger("pica_mcp").addHandler(self)
        try:
            yield
        finally:
            logging.getLogger("pica_mcp").removeHandler(self)


@dataclass(frozen=True)
class Line:
    """The application, but for what belongs to one caller."""

    catalog: Catalog
    pipeline: Pipeline
    resources: Resources
    completions: Completions
    prompts: Prompts


@asynccontextmanager
async def opened(pica: Pica, record: Record) -> AsyncGenerator[Line]:
    """Open it as `app` does, with a clock of the story's own, and without pauses between attempts."""

    async def at_once(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    async def in_memory() -> None: ...

    endpoint = Endpoint("https://pica.test", Secret(Fixed(LIVE_SECRET)))
    api_ = open_api(endpoint, pica, sleep=at_once, chance=lambda: 0.0)
    async with api_ as api, anyio.create_task_group() as tasks:
        catalog = Catalog(api, Disk(in_memory, prepare), tasks, naming(), pica.clock)
        names = Names(catalog)
        audit = Audit(record, key=lambda: AUDIT_KEY)
        store = Store(pica.clock)
        files = Files(None, store)
        results = Results(store, files, RESULT_TOKENS)
        toolbox = Toolbox(catalog, names, fixed_tools(catalog, names, results), Budget())
        pipeline = Pipeline(toolbox, catalog, names, api, Policy.AUTO, Limits(), audit, results, files)
        resources, completions = Resources(catalog, names, store), Completions(catalog, names)
        yield Line(catalog, pipeline, resources, completions, Prompts(catalog))
        tasks.cancel_scope.cancel()


class Agreeing:
    """A person who agrees, though not at once."""

    reachable = True

    def __init__(self, first: Callable[[Question], Awaitable[None]]) -> None:
        self._first = first

    async def agrees(self, question: Question) -> bool:
        await self._first(question)
        return True


# The story


class Tenants(RuleBasedStateMachine):
    """What happens, step by step, and what must hold after each."""

    count: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.pica = Pica(self.clock)
        self.record = Record()
        self.accounts: list[Account] = []
        self.labels: defaultdict[int, list[str]] = defaultdict(list)
        self.lists: dict[Identity, int] = dict.fromkeys(TENANTS, 0)
        """How many lists Pica had given for each when the step began."""
        self.kept: list[Kept] = []
        self.shown: list[tuple[Turn, str]] = []
        self.calls: dict[str, Turn] = {}
        self.well = True
        self.open = ExitStack()
        self.log = Log()
        self.open.enter_context(self.log.listening())
        self.portal = self.open.enter_context(start_blocking_portal())
        self.line = self.open.enter_context(self.portal.wrap_async_context_manager(opened(self.pica, self.record)))
        behind = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.pica.box.app), base_url="https://pica.test", verify=False
        )
        self.behind = self.open.enter_context(self.portal.wrap_async_context_manager(behind))
        self.ids = {platform: self.portal.call(self._ids, platform) for platform in PLATFORMS}
        for tenant in TENANTS:
            self.line.catalog.follow(tenant, self._notices(Caller(tenant, Grant(), lambda: "live")))

    async def _ids(self, platform: str) -> Mapping[str, str]:
        return {action.title: action.id for action in (await self.line.catalog.actions(platform)).known}

    def teardown(self) -> None:
        self.open.close()

    @initialize(habit=st.sampled_from(("", "unfiltered", "untyped filter")))
    def everybody_has_something(self, habit: str) -> None:
        self.pica.habit = habit
        for owner in range(len(OWNERS)):
            for platform in PLATFORMS if owner < len(TENANTS) else PLATFORMS[owner % 3 :][:1]:
                self.portal.call(self._change, Change("new", 0, owner, platform, "plainly"))
            if owner < len(TENANTS):
                self.portal.call(self._change, Change("elsewhere", 0, owner, PLATFORMS[owner % 3], "plainly"))

    @rule(event=st.one_of(changes, changes, passings, failings, lyings))
    def something_happens(self, event: Change | Passing | Failing | Lying) -> None:
        match event:
            case Change():
                self.portal.call(self._change, event)
            case Passing():
                self.clock.now += event.seconds
                if event.lists_fail:
                    self.pica.fail("lists")
            case Failing():
                self.pica.fail(event.at)
            case Lying():
                self.pica.lies += [event.lie] * event.times
        self.count["steps"] += 1

    @rule(act=acts(*CALLS))
    def somebody_calls(self, act: Act) -> None:
        self._step([act])

    @rule(act=acts(*LOOKS))
    def somebody_looks(self, act: Act) -> None:
        self._step([act])

    @rule(crowd=st.lists(acts(*CALLS, *LOOKS), min_size=2, max_size=4))
    def several_act_at_once(self, crowd: list[Act]) -> None:
        self._step(crowd)

    @rule(act=acts(*CALLS), crowd=st.lists(acts(*CALLS), max_size=2), meanwhile=meanwhiles)
    def something_happens_in_the_middle(self, act: Act, crowd: list[Act], meanwhile: Meanwhile) -> None:
        if meanwhile.at.startswith("listing"):
            self.clock.now += MAX_AGE_SECONDS
        elif act.by not in ("own key", "own label"):
            act = replace(act, by="own key")
        if meanwhile.at == "question":
            act = replace(act, what="destroy")
        self._step([act, *crowd], meanwhile)

    # What happens to connections

    async def _change(self, change: Change, near: Act | None = None) -> None:
        """Change one of the connections, one that the act could go through if there is one."""
        living = [account for account in self.accounts if account.alive]
        close = [a for a in living if near and a.is_of(TENANTS[near.tenant]) and a.platform == near.platform]
        if change.what in ("new", "elsewhere") or not living:
            await self._connect(change)
            return
        box, account = self.pica.box, (close or living)[change.which % len(close or living)]
        match change.what:
            case "move":
                identity, type_ = account.owner = OWNERS[change.to % (len(OWNERS) - 1)]  # somebody, at least
                box.move(account.key, str(identity), type_)
            case "disconnect":
                account.alive = False
                box.disconnect(account.key)
            case "reauthorize":
                account.keys.append(box.reauthorize(account.key))
                account.state = "operational"
            case _:
                account.state = ("failed", "degraded", "operational")[change.to % 3]
                box.set_state(account.key, account.state)

    async def _connect(self, change: Change) -> None:
        environment = "test" if change.what == "elsewhere" else "live"
        account = Account(len(self.accounts), change.platform, OWNERS[change.to], environment, None)
        account.name = self._name(account, change)
        identity, type_ = account.owner
        account.keys.append(
            self.pica.box.connect(
                account.platform,
                identity=identity,
                identity_type=type_,
                name=account.name,
                tags=[account.word("tag")],
                environment=environment,
            )
        )
        self.accounts.append(account)
        if account.platform in FILLS:
            await self._fill(account)

    def _name(self, account: Account, change: Change) -> str | None:
        other = self.accounts[change.which % len(self.accounts)] if self.accounts else account
        labels = sorted(label for labels in self.labels.values() for label in labels)
        match change.named:
            case "not":
                return None
            case "as another":
                return other.name
            case "as a label" if labels:
                return labels[change.which % len(labels)]
            case "as a key" if other.keys:
                return other.key
            case "as a tag":
                return other.word("tag")
            case "as of its owner":
                return f"{other.name} ({other.owner[0]})"
            case _:
                return f"Work {account.word('name')}"

    async def _fill(self, account: Account) -> None:
        """Put the account's own word into it, past the door and whatever was to go wrong next."""
        title, path, content = FILLS[account.platform]
        headers = {
            "x-pica-secret": LIVE_SECRET if account.environment == "live" else TEST_SECRET,
            "x-pica-connection-key": account.key,
            "x-pica-action-id": self.ids[account.platform][title],
        }
        plans, self.pica.box._journal.plans = self.pica.box._journal.plans, []
        body = {**content(account.word("content")), "connectionKey": account.key}
        filled = await self.behind.post(f"{PASSTHROUGH}{path}", headers=headers, json=body)
        self.pica.box._journal.plans = plans
        assert filled.status_code == 200, filled.text

    # One step

    def _step(self, crowd: Sequence[Act], meanwhile: Meanwhile | None = None) -> None:
        self.shown, self.calls = [], {}
        self.record.lines, self.log.lines = [], []
        self.lists = {tenant: len(self.pica.told[tenant]) for tenant in TENANTS}
        self.well = self.pica.well and not meanwhile
        self.portal.call(self._play, crowd, meanwhile)
        self._check()
        self.count["steps"] += 1

    async def _play(self, crowd: Sequence[Act], meanwhile: Meanwhile | None) -> None:
        gate = self.pica.gate = Gate(meanwhile.at) if meanwhile else None
        async with asyncio.timeout(20):
            tasks = [asyncio.create_task(self._act(act)) for act in crowd]
            ended = asyncio.gather(*tasks, return_exceptions=True)
            if meanwhile and gate:
                reached = asyncio.create_task(gate.reached.wait())
                await asyncio.wait((reached, ended), return_when=asyncio.FIRST_COMPLETED)
                reached.cancel()
                await self._change(meanwhile.change, crowd[0])
                self.clock.now += meanwhile.seconds
                if meanwhile.gives_up:
                    tasks[0].cancel()
                gate.opened.set()
                self.count[meanwhile.at] += gate.reached.is_set()
            for error in await ended:
                if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
                    raise error
            await self._quiet()

    async def _quiet(self) -> None:
        """Wait until what goes on behind has ended."""
        turns = 0
        while turns < 50:
            turns = 0 if self.pica.inside else turns + 1
            await asyncio.sleep(0)

    # What tenants do

    async def _act(self, act: Act) -> None:
        pool = self._words(act)
        word = pool[act.which % len(pool)] if pool else None
        grant, preferences, typed = self._settings(act)
        caller = Caller(TENANTS[act.tenant], grant, lambda: "live", preferences)
        turn = self._turn(caller, *([word] if word else []), *typed)
        if act.what in CALLS:
            await self._call(turn, act, word)
        elif act.what in ("integrations", "found", "known", "built"):
            await self._ask(turn, act)
        elif act.what in KEPT:
            await self._look_up(turn, act)
        else:
            await self._look(turn, act, word or "nothing")

    def _turn(self, caller: Caller, *typed: str) -> Turn:
        turn = Turn(caller, self.clock.now, self.lists[caller.identity], typed)
        TURN.set(turn)
        return turn

    def _words(self, act: Act) -> list[str]:
        tenant, accounts = TENANTS[act.tenant], self.accounts
        match act.by:
            case "own key":
                return [a.key for a in accounts if a.is_of(tenant) and a.platform == act.platform]
            case "own elsewhere":
                return [a.key for a in accounts if a.is_of(tenant) and a.platform != act.platform]
            case "own label":
                return self.labels[act.tenant]
            case "foreign key":
                return [a.key for a in accounts if a.alive and not a.is_of(tenant)]
            case "foreign label":
                return [label for number, ls in sorted(self.labels.items()) if number != act.tenant for label in ls]
            case "gone key":
                return [key for a in accounts for key in (a.keys[:-1] if a.alive else a.keys)]
            case "name":
                return [a.name for a in accounts if a.name]
            case "tag":
                return [a.word("tag") for a in accounts]
            case _:
                return []

    def _settings(self, act: Act) -> tuple[Grant, Preferences, tuple[str, ...]]:
        """What operator and person have set, and the words that the person wrote there: anybody's keys and labels."""
        words = [account.key for account in self.accounts]
        words += [label for _, labels in sorted(self.labels.items()) for label in labels]
        one, other = words[(act.which * 7 + 3) % len(words)], words[(act.which * 5 + 1) % len(words)]
        match act.setting:
            case "default":
                return Grant(), Preferences(defaults={act.platform: one}), (one,)
            case "names":
                return Grant(), Preferences(names={one: other, other: one}), (one, other)
            case "connection keys":
                some = self.accounts[act.which % 2 :: 2]
                return Grant(connection_keys=frozenset(a.key for a in some)), Preferences(), ()
            case _:
                return Grant(), Preferences(), ()

    async def _call(self, turn: Turn, act: Act, word: str | None) -> None:
        words = await self._answer(turn, act, word)
        keys = turn.caller.grant.connection_keys
        if not word or not self.well:
            return
        if act.by == "own key" and (keys is None or word in keys):
            failed = next(account for account in self.accounts if account.key == word).state == "failed"
            keys_sent = [sent.key for sent in turn.sent]
            assert keys_sent == [word] or (failed and not keys_sent), words
            self.count["served"] += 1
        elif act.by in ("foreign key", "foreign label", "gone key") and not turn.sent:
            await self._compare(turn, act, word, words)

    async def _compare(self, turn: Turn, act: Act, word: str, words: str) -> None:
        own = [said for row in self._own_rows(turn.caller) for said in (row["key"], row["name"] or "", *row["tags"])]
        if any(word in said for said in (*own, *self.labels[act.tenant])):
            return  # something of the caller's own is called so
        twin = _nonsense(word)
        other = self._turn(turn.caller, *turn.typed, twin)
        said = await self._answer(other, act, twin)
        if said != words.replace(word, twin):  # the first call brought news; now both know
            words = await self._answer(other, act, word)
        assert said == words.replace(word, twin)
        assert not other.sent
        self.count["alike"] += 1

    async def _answer(self, turn: Turn, act: Act, word: str | None) -> str:
        if act.what == "read by id":
            title, arguments = BY_ID[act.platform]
            by_id = {"platform": act.platform, "actionId": self.ids[act.platform][title], **arguments}
            name = ("execute_pica_action", "read_pica_action")[act.which % 2]
            return await self._tool(turn, name, by_id | ({"connectionKey": word} if word else {}))
        name, arguments = {"write": WRITES, "destroy": DESTROYS}.get(act.what, READS)[act.platform]
        return await self._tool(turn, name, {**arguments, **({"connection": word} if word else {})})

    async def _tool(self, turn: Turn, name: str, arguments: Arguments) -> str:
        async def before_agreeing(question: Question) -> None:
            self._show(turn, question.message)
            await self.pica.passes("question")
            turn.renew(self.clock.now, len(self.pica.told[turn.caller.identity]))

        number = f"call-{len(self.calls)}"
        self.calls[number] = turn
        person = Agreeing(before_agreeing) if "delete" in name else Nobody()
        try:
            result = await self.line.pipeline.call(turn.caller, name, arguments, person, number)
        except PicaError as error:
            return self._show(turn, str(error))
        words = "".join(block.model_dump_json() for block in result.content)
        known = {one.result_id for one in self.kept}
        for result_id in dict.fromkeys(one for one in re.findall(RESULT_ID, words) if one not in known):
            keys = frozenset(sent.key for sent in turn.sent)
            self.kept.append(Kept(turn.caller.identity, result_id, self.clock.now, keys))
        self._show(turn, words)
        return "\n".join(b.text for b in result.content if isinstance(b, mcp.TextContent))

    async def _look_up(self, turn: Turn, act: Act) -> None:
        """Ask for what was kept of an answer, of one's own or of another's."""
        identity = turn.caller.identity
        own = [one for one in self.kept if one.identity == identity]
        others = [one for one in self.kept if one.identity != identity]
        pool = own if act.by.startswith("own") else others
        if not pool:
            return
        wanted = pool[-1 - act.which % len(pool)]
        turn.through = wanted.keys if wanted in own else frozenset()
        words = await self._kept_words(turn, act, wanted.result_id)
        nobodys = "r_" + "0" * len(wanted.result_id.removeprefix("r_"))
        nothing = (await self._kept_words(self._turn(turn.caller, nobodys), act, nobodys)).replace(
            nobodys, wanted.result_id
        )
        if wanted in others:
            assert words == nothing
            self.count["withheld"] += 1
        elif self.clock.now - wanted.at < KEPT_SECONDS:
            assert words != nothing
            self.count["kept"] += 1

    async def _kept_words(self, turn: Turn, act: Act, result_id: str) -> str:
        """What there is to read of it."""
        uri = f"pica://results/{result_id}"
        turn.typed = (*turn.typed, result_id)
        match act.what:
            case "more":
                asked = {"id": uri if act.which % 2 else result_id, "max_result_tokens": 50_000}
                return await self._tool(turn, "get_pica_result", asked)
            case "resource":
                return await self._read(turn, uri)
            case _:
                try:
                    file = await self.line.pipeline.files.read(turn.caller.identity, uri)
                except PicaError as error:
                    return self._show(turn, str(error))
                return self._show(turn, f"{file.name} {file.content.decode(errors='replace')}")

    async def _ask(self, turn: Turn, act: Act) -> None:
        match act.what:
            case "found":
                await self._tool(turn, "search_pica_platform_actions", {"platform": act.platform, "query": "list"})
            case "known":
                name = READS[act.platform][0]
                await self._tool(turn, "get_pica_action_knowledge", {"platform": act.platform, "actionId": name})
            case "built":
                name, arguments = (READS, WRITES, DESTROYS)[act.which % 3][act.platform]
                mode = ("code", "preview", "mock")[act.which // 3 % 3]
                asked = {"actionId": name, "platform": act.platform, "arguments": arguments, "mode": mode}
                await self._tool(turn, "build_pica_request", asked)
            case _:
                listed = self._remember(act, await self._tool(turn, "list_pica_integrations", {}))
                if self.well and act.setting != "connection keys":
                    own = [account for account in self.accounts if account.is_of(turn.caller.identity)]
                    assert len(listed) == len(own), (listed, own)
                    self.count["listed"] += 1

    async def _look(self, turn: Turn, act: Act, word: str) -> None:
        caller, resources = turn.caller, self.line.resources
        match act.what:
            case "tools":
                tools = (await self.line.pipeline.toolbox.list(caller)).tools
                self._show(turn, "".join(tool.model_dump_json() for tool in tools))
                lists = len(self.pica.told[caller.identity])
                told = self._remember(act, await self._read(turn, "pica://connections"))
                if told and lists == self.lists[caller.identity]:  # no news in between
                    choices = {label for tool in tools for label in _choices(tool)}
                    assert choices <= {one["connection"] for one in told}
            case "listed":
                self._show(turn, "".join(one.model_dump_json() for one in await resources.list(caller)))
            case "all":
                self._remember(act, await self._read(turn, "pica://connections"))
                for one in (await resources.list(caller))[1:7]:
                    await self._read(turn, one.uri)
            case "one":
                at, twin = f"pica://connections/{act.platform}/{{}}", _nonsense(word)
                words = await self._read(turn, at.format(quote(word, safe="")))
                if words.startswith("There is no resource"):
                    said = await self._read(self._turn(caller, twin), at.format(quote(twin, safe="")))
                    assert said == words.replace(quote(word, safe=""), quote(twin, safe=""))
            case "prompts":
                await self._prompts(turn, act)
            case _:
                await self._complete(turn, act, word)

    async def _prompts(self, turn: Turn, act: Act) -> None:
        prompts, given = self.line.prompts, {"task": "Do it.", "platform": act.platform, "language": "python"}
        for prompt in prompts.list(turn.caller):
            filled = {one.name: given[one.name] for one in prompt.arguments or ()}
            self._show(turn, (await prompts.get(turn.caller, prompt.name, filled)).model_dump_json())
            for name in filled:
                found = await self.line.completions.complete_prompt(turn.caller, prompt.name, name, "")
                self._show(turn, found.model_dump_json())

    async def _complete(self, turn: Turn, act: Act, word: str) -> None:
        for template, variable in (
            (ONE_CONNECTION, "label"), (ONE_CONNECTION, "platform"), (ONE_PLATFORM, "platform"), (ONE_ACTION, "id"),
        ):  # fmt: skip
            given = {"platform": act.platform} if act.which % 2 else {}
            found = await self.line.completions.complete(turn.caller, template, variable, word[: act.which % 4], given)
            self._show(turn, "\n".join(found.values))

    async def _read(self, turn: Turn, uri: str) -> str:
        try:
            content = await self.line.resources.read(turn.caller, uri)
        except PicaError as error:
            return self._show(turn, str(error))
        assert isinstance(content, mcp.TextResourceContents)
        return self._show(turn, content.text)

    def _remember(self, act: Act, words: str) -> Sequence[Any]:
        """Keep the labels that the tenant was shown, for everybody to use."""
        if not words.startswith("{"):  # Pica failed
            return ()
        listed = cast(list[dict[str, str]], json.loads(words)["connections"])
        self.labels[act.tenant] = [connection["connection"] for connection in listed]
        return listed

    def _notices(self, caller: Caller) -> Callable[[Connections | None, Connections], None]:
        """What a client is told when a load brings other connections than were known."""

        def heard(before: Connections | None, after: Connections) -> None:
            resources = self.line.resources
            uris = sorted(resources.differing(caller, before or (), after))
            turn = Turn(caller, self.clock.now, self.lists[caller.identity])
            self._show(turn, f"{uris} {resources.names(caller, after)}")

        return heard

    def _show(self, turn: Turn, words: str) -> str:
        self.shown.append((turn, words))
        return words

    # What must hold

    def _check(self) -> None:
        for turn in self.calls.values():
            for sent in turn.sent:
                assert self._was_own(turn.caller, sent), f"{turn.caller.identity} used {sent.key}"
                self.count["sent"] += 1
        for turn, words in self.shown:
            foreign = [word for word in self._not_for(turn) if word in words]
            foreign += [one.result_id for one in self.kept if not self._may_know(turn, one) and one.result_id in words]
            assert not foreign, f"{turn.caller.identity} reads {foreign} in {words}"
            self.count["shown"] += 1
        self._check_record()

    def _may_know(self, turn: Turn, kept: Kept) -> bool:
        return kept.identity == turn.caller.identity or kept.result_id in turn.typed

    def _was_own(self, caller: Caller, sent: Sent) -> bool:
        told = self.pica.told[caller.identity]
        last = [one for one in told[: sent.first][-1:] if one.at > sent.began - MAX_AGE_SECONDS]
        platform = next(platform for platform, ids in self.ids.items() if sent.action in ids.values())
        return (caller.grant.connection_keys is None or sent.key in caller.grant.connection_keys) and any(
            row["key"] == sent.key
            and row["platform"] == platform
            and row["active"]
            and row["state"] != "failed"
            and _is_of(caller.identity, row)
            for one in (*last, *told[sent.first : sent.last])
            for row in one.rows
        )

    def _own_rows(self, caller: Caller) -> Iterator[Row]:
        """The caller's own in the last list before this step, however old, and in those since."""
        told = self.pica.told[caller.identity]
        for one in told[max(0, self.lists[caller.identity] - 1) :]:
            yield from (row for row in one.rows if _is_of(caller.identity, row))

    def _not_for(self, turn: Turn) -> Iterator[str]:
        """The words that must not be shown in this turn."""
        allowed, used = turn.caller.grant.connection_keys, {*turn.through, *(sent.key for sent in turn.sent)}
        rows = [row for row in self._own_rows(turn.caller) if allowed is None or row["key"] in allowed]
        own = {row["key"] for row in rows}
        excused = " ".join((*turn.typed, *(row["name"] or "" for row in rows)))
        for account in self.accounts:
            words = [_secret(key) for key in account.keys]
            # What came from an account may have said its name, whoever has the account by now.
            if own.isdisjoint(account.keys) and turn.through.isdisjoint(account.keys):
                words += [account.word("name"), account.word("tag")]
            if used.isdisjoint(account.keys):
                words.append(account.word("content"))
            yield from (word for word in words if word not in excused)

    def _check_record(self) -> None:
        written = "".join((*self.log.lines, *(line.decode() for line in self.record.lines)))
        for account in self.accounts:
            for word in (*map(account.word, ("name", "tag", "content")), *map(_secret, account.keys)):
                assert word not in written
        lines = {line["request"]: line for line in map(json.loads, self.record.lines)}
        assert lines.keys() == self.calls.keys()
        assert len(lines) == len(self.record.lines)
        for number, turn in self.calls.items():
            identity = turn.caller.identity
            assert (lines[number]["caller"], lines[number]["identity_type"]) == (identity.id, identity.type)
            own = {_digest(row["key"]) for row in self._own_rows(turn.caller)}
            assert lines[number]["connection"] in {None, *own}


def _is_of(identity: Identity, row: Row) -> bool:
    return (row["identity"], row["identityType"], row["environment"]) == (identity.id, identity.type, "live")


def _secret(key: str) -> str:
    """The part of a key that cannot be guessed."""
    return key.rpartition("::")[2].partition("|")[0]


def _digest(key: str) -> str:
    return hmac.digest(AUDIT_KEY, f"connection\0{key}".encode(), "sha256").hex()[:16]


def _choices(tool: mcp.Tool) -> Sequence[str]:
    return tool.input_schema["properties"].get("connection", {}).get("enum", ())


def _nonsense(word: str) -> str:
    """A word of the same shape that nobody has."""
    if "::" in word:
        secret = _secret(word)
        return word.replace(secret, secret.translate(str.maketrans("0123456789abcdef", "89abcdef01234567")))
    return word.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm"))


def test_nobody_meets_anything_of_anothers() -> None:
    Tenants.count.clear()
    stories = settings(
        max_examples=max(1, STEPS // (STEPS_OF_A_STORY - 5)),  # some end early
        stateful_step_count=STEPS_OF_A_STORY,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow,),  # a story takes its time on a busy machine
    )
    run_state_machine_as_test(Tenants, settings=stories)
    logger.info("%s", Tenants.count)
    # Nobody meets anything where nothing happens.
    count = Tenants.count
    assert count["steps"] > 0.8 * STEPS
    enough = {
        "shown": 1.0,
        "sent": 0.2,
        "served": 0.02,
        "alike": 0.02,
        "listed": 0.02,
        "kept": 0.005,
        "withheld": 0.005,
    }
    for what, least in enough.items():
        assert count[what] > least * count["steps"], count
