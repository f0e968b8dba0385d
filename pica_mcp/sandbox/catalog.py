"""The sandbox's catalogue: what an action and a platform are, their ids, and the rows that describe them."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from pica_mcp.sandbox.upstream import Call, Json, Reply

Place = Literal["path", "query", "headers", "body"]
Shape = Literal["both", "tables", "schema", "none"]
Encoding = Literal["json", "form", "multipart", "graphql"]

CUSTOM = "custom"
HIDDEN = "hidden:agents"


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an action. Dots in a name open objects, `[]` opens the items of an array."""

    place: Place
    name: str
    kind: str
    about: str
    required: bool = False
    sample: Any = None
    values: tuple[str, ...] = ()


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
    name: str, kind: str, about: str, sample: Any = None, *, required: bool = False, values: tuple[str, ...] = ()
) -> Field:
    """A field of the body."""
    return Field("body", name, kind, about, required, sample, values)


@dataclass(frozen=True, slots=True)
class Action:
    """One endpoint of a platform, with everything Pica would publish about it.

    `shape` says which descriptions exist: Markdown tables, an ioSchema, both or neither. `run` gets the platform's
    state for the connection, whatever type that is, and the call. `schemas` stand in the ioSchema instead of what
    `inputs` give; `operation` is the document of a GraphQL action; `notes` are Markdown that ends the document, which
    is at least `min_chars` long.
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

    @property
    def id(self) -> str:
        """An id in Pica's form that follows from platform, title and path."""
        digest = sha256(f"{self.platform} {self.title} {self.path}".encode()).digest()
        return f"conn_mod_def::{_base64(digest[:8])}::{_base64(digest[8:24])}"

    @property
    def key(self) -> str:
        """The title in camel case; as little unique as the title."""
        first, *rest = re.findall(r"[A-Za-z0-9]+", self.title)
        return first.lower() + "".join(word.capitalize() for word in rest)

    @property
    def is_custom(self) -> bool:
        """Whether Pica's own code serves it."""
        return CUSTOM in self.tags

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
    actions: tuple[Action, ...]
    open: Callable[[str, str], Any]
    refuse: Callable[[int], Reply]

    @property
    def name(self) -> str:
        """The platform's name in keys and queries."""
        return self.connector.platform


class Catalog:
    """All platforms and their actions in a fixed order."""

    def __init__(self, platforms: Iterable[Platform], others: Iterable[Connector]) -> None:
        self._platforms = {platform.name: platform for platform in platforms}
        self._actions = {action.id: action for one in self._platforms.values() for action in one.actions}
        self._numbers = {action_id: number for number, action_id in enumerate(self._actions, start=4001)}
        connectors = [*(platform.connector for platform in self._platforms.values()), *others]
        self.connectors = tuple(sorted(connectors, key=lambda connector: connector.name))

    def platform(self, name: str) -> Platform:
        """The imitated platform of that name; KeyError if it is not one."""
        return self._platforms[name]

    def action(self, action_id: str) -> Action | None:
        """The action with exactly that id."""
        return self._actions.get(action_id)

    def actions(self, platform: str | None = None) -> list[Action]:
        """The actions of one platform, none for a platform without any, or all."""
        return [action for action in self._actions.values() if platform in {None, action.platform}]

    def number(self, action: Action) -> int:
        """The action's numeric row id."""
        return self._numbers[action.id]

    def base_url(self, action: Action) -> str:
        """What the action's path is appended to: the provider, or Pica for what it serves itself."""
        return "https://api.picaos.com" if action.is_custom else self._platforms[action.platform].base_url

    def describe(self, platform: str) -> str:
        """A platform's one-line description, empty for one that has no connector."""
        return next((one.description for one in self.connectors if one.platform == platform), "")


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
