"""The room of frozen records: what Pica's rows mean, whatever the API's generation spells them like.

The vendor's spellings (`_id`, `systemId`, `connectionPlatform`) end here. Fields that some deployments leave out or
send as null have a default, unknown fields are ignored, numbers are taken where text is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

ACTION_ID_PREFIX = "conn_mod_def::"

CONNECTION_KEY = "connectionKey"
"""The argument of custom actions that is ours to fill in, whatever a model says."""


_MAX_MILLISECONDS = 4_102_444_800_000  # the year 2100
_MAX_COUNT = 1_000_000
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]{5,20}(Z|[+-]\d\d:?\d\d)?")


class Effect(StrEnum):
    """What a call does to the account behind the connection, the least first."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"

    def exceeds(self, other: Effect) -> bool:
        """Tell if this does more than the other."""
        return tuple(Effect).index(self) > tuple(Effect).index(other)


def as_object(value: Any) -> Mapping[str, Any]:
    """Return the JSON value if it is an object, else an empty one."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """Return the JSON value if it is a list, else an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else []


Object = Annotated[Mapping[str, Any], BeforeValidator(as_object)]
"""A JSON object; anything else reads as empty."""

Word = Annotated[str, AfterValidator(str.lower)]
"""A word of Pica's vocabulary; deployments differ in letter case."""

Slug = Annotated[Word, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""A platform's name."""


def _only_words(tags: Any) -> list[Any]:
    if not isinstance(tags, list | tuple):
        return []
    return [tag for tag in cast(Iterable[Any], tags) if isinstance(tag, str | int) and not isinstance(tag, bool)]


def _iso(moment: Any) -> Any:
    # The older generation counts milliseconds.
    text = str(moment)
    if text.isdecimal() and 0 < int(text) < _MAX_MILLISECONDS:
        return datetime.fromtimestamp(int(text) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text if _ISO.fullmatch(text) else ""


Moment = Annotated[str, BeforeValidator(_iso)]
"""A time in ISO-8601, empty if it is not known."""

Tags = Annotated[tuple[str, ...], BeforeValidator(_only_words)]
"""The words of a list; whatever else is in it is left out."""


def _counted(count: Any) -> int | None:
    return count if type(count) is int and 0 <= count < _MAX_COUNT else None


Count = Annotated[int | None, BeforeValidator(_counted)]
"""How many there are, None where that is not told."""


class Record(BaseModel):
    """One row of Pica's, frozen. Null means the same as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: Any) -> Any:
        return {k: v for k, v in as_object(row).items() if v is not None} if isinstance(row, Mapping) else row


RecordT = TypeVar("RecordT", bound=Record)


def read_rows(kind: type[RecordT], rows: Iterable[Any]) -> tuple[RecordT, ...]:
    """Return the rows that can be read as `kind`; a malformed row costs itself, never its neighbours."""
    read: list[RecordT] = []
    for row in rows:
        try:
            read.append(kind.model_validate(row))
        except ValidationError:
            continue
    return tuple(read)


class Connection(Record):
    """An account that somebody connected: a row of `GET /v1/vault/connections`."""

    key: str = Field(pattern=r"^[^\x00-\x20\x7f]+$", repr=False)
    platform: Slug
    environment: Word = ""
    identity: str | None = None
    identity_type: Word | None = Field(None, validation_alias=AliasChoices("identityType", "identity_type"))
    name: str = ""
    tags: Tags = ()
    state: Word = "unknown"
    active: bool = True
    created_at: Moment = Field("", validation_alias=AliasChoices("createdAt", "created_at"))
    updated_at: Moment = Field("", validation_alias=AliasChoices("updatedAt", "updated_at"))

    @property
    def owner(self) -> str:
        """Its identity, empty for one without: there the row shows the secret part of the key in its place."""
        secret = self.key.split("::")[-1]
        return "" if not self.identity or self.identity in (secret, secret.split("|")[0]) else self.identity

    def succeeds(self, other: Connection) -> bool:
        """Tell if this can be the other one's account, authorised anew: it belongs to the same."""
        mine, theirs = ((c.platform, c.owner, c.identity_type, c.environment) for c in (self, other))
        return mine == theirs

    @property
    def modified(self) -> str:
        """When it last changed, in ISO-8601, as far as Pica tells."""
        return self.updated_at or self.created_at

    @property
    def works(self) -> bool:
        """Tell if calls through it can succeed: a degraded one may recover, a failed one needs a person."""
        return self.active and self.state != "failed"


class Platform(Record):
    """A platform that can be connected: a row of `GET /v1/available-connectors`."""

    platform: Slug
    name: str = ""
    category: str = ""
    actions: Count = Field(default=None, validation_alias=AliasChoices("tools", "actions"))


class Action(Record):
    """One API action of a platform. `id` is empty where a listing does not tell it; it is the only identity."""

    platform: Word = Field("", validation_alias=AliasChoices("platform", "connectionPlatform"))
    id: str = Field("", validation_alias=AliasChoices("systemId", "_id", "actionId"))
    title: str = ""
    key: str = ""
    method: str = ""
    path: str = ""
    tags: Tags = ()
    model: str = Field("", validation_alias=AliasChoices("modelName", "model"))

    @property
    def custom(self) -> bool:
        """Tell if Pica's own code serves the action; such actions want the connection key among their arguments too."""
        return "custom" in self.tags

    @property
    def hidden(self) -> bool:
        """Tell if agents are not to be offered the action; it still runs by id."""
        return "hidden:agents" in self.tags

    @property
    def tells_request(self) -> bool:
        """Tell if this is all that there is to know of the request; without its path, a POST may only search."""
        return bool(self.path)


class ActionDetails(Action):
    """An action with what its arguments are derived from: a row of `GET /v1/knowledge`."""

    knowledge: str = ""
    io_schema: Object = Field(default_factory=dict, validation_alias=AliasChoices("ioSchema", "io_schema"))

    @property
    def groups(self) -> Mapping[str, Any]:
        """The documented arguments: `path`, `query`, `headers`, `body`, each a JSON Schema as Pica has it."""
        return as_object(as_object(self.io_schema.get("inputSchema")).get("properties"))

    @property
    def tells_request(self) -> bool:
        """Tell if this is all that there is to know of the request: of an action there is no more than this."""
        return True

    @property
    def custom(self) -> bool:
        """Tell if Pica's own code serves the action, by its tag or by what its body is documented to hold."""
        return super().custom or any(CONNECTION_KEY in self.documented(group) for group in ("body", "query"))

    def documented(self, group: str) -> Mapping[str, Any]:
        """Return the documented arguments of a group, name → JSON Schema."""
        return as_object(as_object(self.groups.get(group)).get("properties"))


class Whoami(Record):
    """Whom the secret belongs to: the answer of `GET /v1/users/whoami`."""

    user: Object = Field(default_factory=dict)
    organization: Object = Field(default_factory=dict)
    project: Object = Field(default_factory=dict)


def action_id(text: str) -> str:
    """Return the id as Pica wants it: models and documents often drop the prefix."""
    text = text.strip()
    return text if text.startswith(ACTION_ID_PREFIX) or "::" not in text else ACTION_ID_PREFIX + text
