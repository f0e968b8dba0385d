"""The sandbox's catalogue: what an action and a platform are, their ids, and the rows that describe them."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from typing import Any, Literal, cast

from pica_mcp.sandbox.upstream import Call, Json, Reply

Place = Literal["path", "query", "headers", "body"]
Shape = Literal["both", "tables", "schema", "none"]
Encoding = Literal["json", "form", "multipart", "graphql"]

CUSTOM = "custom"
HIDDEN = "hidden:agents"

FIRST_NUMBER = 4001
GROWN = 1_000_000
"""Numbers of rows: of written actions from the first one on, of grown ones from the other."""

_EPOCH_NANOSECONDS = 1_750_000_000_000_000_000
_PLAIN_ID = re.compile(r"conn_mod_def::([A-Za-z0-9_-]{11})::[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an action. Dots in a name open objects, `[]` opens the items of an array.

    A body that can be written in several ways has fields that belong to one `option` each, beside those of all.
    """

    place: Place
    name: str
    kind: str
    about: str
    required: bool = False
    sample: Any = None
    values: tuple[str, ...] = ()
    option: str = ""


def in_path(name: str, about: str, sample: Any = None, *, kind: str = "string") -> Field:
    """A placeholder of the path, always required."""
    return Field("path", name, kind, about, required=True, sample=sample)


def in_query(
    name: str, kind: str, about: str, sample: Any = None, *, required: bool = False, values: tuple[str, ...] = ()
) -> Field:
    """A query parameter; a kind that ends in `[]` is a key that may be repeated."""
    return Field("query", name, kind, about, required, sample, values)


def in_header(name: str, about: str, sample: Any = None, *, required: bool = False) -> Field:
    """A header that the caller sets."""
    return Field("headers", name, "string", about, required, sample)


def in_body(
    name: str,
    kind: str,
    about: str,
    sample: Any = None,
    *,
    required: bool = False,
    values: tuple[str, ...] = (),
    option: str = "",
) -> Field:
    """A field of the body."""
    return Field("body", name, kind, about, required, sample, values, option)


@dataclass(frozen=True, slots=True)
class Action:
    """One endpoint of a platform, with everything Pica would publish about it.

    `shape` says which descriptions exist: Markdown tables, an ioSchema, both or neither. `run` gets the platform's
    state for the connection, whatever type that is, and the call. `schemas` stand in the ioSchema instead of what
    `inputs` give; `operation` is the document of a GraphQL action; `notes` are Markdown that ends the document, which
    is at least `min_chars` long and with `crlf` has the line ends of Windows. One that is not `supported` is known but
    never listed nor run. `variant` tells it from an action of the same title and path; `number` is for grown ones.
    """

    platform: str
    method: str
    path: str
    title: str
    model: str
    run: Callable[[Any, Call], Reply]
    about: str
    inputs: tuple[Field, ...] = ()
    tags: tuple[str, ...] = ()
    shape: Shape = "both"
    encoding: Encoding = "json"
    output: Any = None
    schemas: Mapping[Place, Json] = field(default_factory=dict[Place, Json])
    operation: str = ""
    notes: str = ""
    min_chars: int = 0
    crlf: bool = False
    supported: bool = True
    variant: str = ""
    number: int = 0

    @property
    def id(self) -> str:
        """An id in Pica's form that follows from platform, title and path; a number, if it has one, can be read back.

        Pica's own begin with a time as well.
        """
        digest = sha256(f"{self.platform} {self.title} {self.path}{self.variant}".encode()).digest()
        first = (_EPOCH_NANOSECONDS + self.number).to_bytes(8, "big") if self.number else digest[:8]
        return f"conn_mod_def::{_base64(first)}::{_base64(digest[8:24])}"

    @property
    def key(self) -> str:
        """The title in camel case; as little unique as the title, and `action` for one without a plain word."""
        first, *rest = re.findall(r"[A-Za-z0-9]+", self.title) or ["action"]
        return first.lower() + "".join(word.capitalize() for word in rest)

    @property
    def is_custom(self) -> bool:
        """Whether Pica's own code serves it."""
        return CUSTOM in self.tags

    @property
    def is_hidden(self) -> bool:
        """Whether agents are not to find it."""
        return HIDDEN in self.tags

    def of(self, place: Place) -> list[Field]:
        """The inputs in one place."""
        return [one for one in self.inputs if one.place == place]


@dataclass(frozen=True, slots=True)
class Connector:
    """A platform as the list of connectors shows it."""

    platform: str
    name: str
    category: str
    description: str
    authkit: bool = True
    oauth: bool = True
    status: str = "generally_available"

    def row(self, number: int, tools: int) -> Json:
        """The connector's row, under its number in the list."""
        return {
            "id": number,
            "name": self.name,
            "key": f"api::{self.platform}::v1",
            "platform": self.platform,
            "platformVersion": "1.0.0",
            "status": self.status,
            "description": self.description,
            "category": self.category,
            "image": f"https://assets.pica.test/connectors/{self.platform}.svg",
            "tags": [],
            "oauth": self.oauth,
            "tools": tools,
            "version": "1.0.0",
            "active": True,
        }


@dataclass(frozen=True, slots=True)
class Platform:
    """A provider that the sandbox imitates.

    `open` makes the state of one connection from its key, which seeds the ids, and its label. `refuse` is the
    provider's own body for 400 (unreadable), 401 (no longer authorised) and 404 (no such endpoint).
    """

    connector: Connector
    base_url: str
    actions: Sequence[Action]
    open: Callable[[str, str], Any]
    refuse: Callable[[int], Reply]

    @property
    def name(self) -> str:
        """The platform's name in keys and queries."""
        return self.connector.platform


class Catalog:
    """All platforms and their actions in a fixed order; `extra` ones have numbered actions, made when asked for."""

    def __init__(
        self, platforms: Iterable[Platform], others: Iterable[Connector], extra: Sequence[Platform] = ()
    ) -> None:
        written = [replace(platform, actions=_told_apart(platform.actions)) for platform in platforms]
        self._actions = {action.id: action for one in written for action in one.actions}
        self._numbers = {action_id: number for number, action_id in enumerate(self._actions, start=FIRST_NUMBER)}
        self._extra = extra
        self._ends = list(accumulate(len(platform.actions) for platform in extra))
        self._platforms = {platform.name: platform for platform in (*written, *extra)}
        connectors = [*(platform.connector for platform in self._platforms.values()), *others]
        self.connectors = tuple(sorted(connectors, key=lambda connector: connector.name))
        self._supported = {one.name: tuple(action for action in one.actions if action.supported) for one in written}
        self._connectors = {connector.platform: connector for connector in connectors}

    def platform(self, name: str) -> Platform:
        """The imitated platform of that name; KeyError if it is not one."""
        return self._platforms[name]

    def action(self, action_id: str) -> Action | None:
        """The action with exactly that id."""
        return self._actions.get(action_id) or self._grown(action_id)

    def actions(self, platform: str | None = None, *, supported: bool = False) -> Sequence[Action]:
        """The actions of one platform, none for a platform without any, or all; nothing is made but what is read."""
        if platform is None:
            return Joined([self.actions(name, supported=supported) for name in self._platforms])
        if supported and platform in self._supported:
            return self._supported[platform]
        return self._platforms[platform].actions if platform in self._platforms else ()

    def number(self, action: Action) -> int:
        """The action's numeric row id."""
        return action.number or self._numbers[action.id]

    def base_url(self, action: Action) -> str:
        """What the action's path is appended to: the provider, or Pica for what it serves itself."""
        return "https://api.picaos.com" if action.is_custom else self._platforms[action.platform].base_url

    def connector(self, platform: str) -> Connector | None:
        """The platform as it is listed, None for one that is not."""
        return self._connectors.get(platform)

    def _grown(self, action_id: str) -> Action | None:
        place = _number(action_id) - GROWN
        if not 0 <= place < (self._ends[-1] if self._ends else 0):
            return None
        at = bisect_right(self._ends, place)
        actions = self._extra[at].actions
        action = actions[place - self._ends[at]]  # counted from the end
        return action if action.id == action_id else None


class Joined(Sequence[Action]):
    """Several sequences of actions as one, none of them copied."""

    def __init__(self, parts: Sequence[Sequence[Action]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int):
            return self._at(range(len(self))[index])
        return [self._at(place) for place in range(len(self))[cast("slice[int | None]", index)]]

    def _at(self, place: int) -> Action:
        at = bisect_right(self._ends, place)
        return self._parts[at][place - self._ends[at]]


def _told_apart(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Actions with an id each: of several with one title and path, the later ones fold in what they differ by."""
    known: dict[str, Action] = {}
    for action in actions:
        unlike = action if action.id not in known else replace(action, variant=f" {action.method} {action.operation}")
        if unlike.id in known:
            raise ValueError(f"{action.platform}: two actions are both {action.method} {action.path} {action.title}")
        known[unlike.id] = unlike
    return tuple(known.values())


def _number(action_id: str) -> int:
    match = _PLAIN_ID.fullmatch(action_id)
    if not match:
        return 0
    try:
        return int.from_bytes(urlsafe_b64decode(match[1] + "="), "big") - _EPOCH_NANOSECONDS
    except Base64Error:
        return 0


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
