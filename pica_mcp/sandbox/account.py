"""The sandbox's account: connections of users, teams, organizations and projects, and how a test changes them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

_OTHERS = (
    ("hub-spot", "growth", "team", "Growth CRM", "operational"),
    ("notion", "growth", "team", "Growth wiki", "operational"),
    ("linear", "growth", "team", None, "degraded"),
    ("google-drive", "acme", "organization", "Acme files", "operational"),
    ("google-sheets", "acme", "organization", "Acme stock", "operational"),
    ("google-calendar", "acme", "organization", "Acme rooms", "operational"),
    ("supabase", "acme", "organization", None, "operational"),
    ("quickbooks", "acme", "organization", "Acme books", "operational"),
    ("github", "apollo", "project", "apollo-bot", "operational"),
    ("exa", "apollo", "project", None, "operational"),
    ("openai", "apollo", "project", None, "operational"),
    ("attio", "apollo", "project", "Apollo partners", "degraded"),
    ("bazaar", "mallory", "user", "Stall", "operational"),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """One connected account at a platform; the key is what the passthrough asks for.

    `account` is what stays when the connection is authorised again: the key that it was first connected under.
    """

    id: str
    key: str
    environment: str
    platform: str
    identity: str
    identity_type: str | None
    name: str | None
    tags: tuple[str, ...] | None
    state: str
    active: bool
    created_at: str
    updated_at: str
    account: str
    deleted: bool = False

    @property
    def label(self) -> str:
        """What the account behind it is called at the provider."""
        return self.name or self.identity

    def row(self, description: str) -> dict[str, Any]:
        """The connection as the listing shows it."""
        return {
            "id": self.id,
            "platformVersion": "1.0.0",
            "name": self.name,
            "type": "api",
            "key": self.key,
            "environment": self.environment,
            "platform": self.platform,
            "identity": self.identity,
            "identityType": self.identity_type,
            "description": description,
            "state": self.state,
            "tags": None if self.tags is None else list(self.tags),
            "version": "1.0.0",
            "active": self.active,
            "createdAt": self.created_at,
        }


class Account:
    """The connections of one sandbox. Removing one and connecting it again gives a new key, as with Pica."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._made: list[str] = []
        self._changes = 0

    def connect(
        self,
        platform: str,
        *,
        identity: str | None = None,
        identity_type: str | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = (),
        environment: str = "live",
        state: str = "operational",
        active: bool = True,
    ) -> str:
        """Add a connection and return its key, which follows from the arguments and how often they were used."""
        stable = "/".join((environment, platform, identity or "", identity_type or "", name or ""))
        token = uuid5(NAMESPACE_OID, f"{stable}/{self._made.count(stable)}").hex
        key, moment = _key(environment, platform, token, identity), _moment(len(self._made))
        connection = Connection(
            id=str(uuid5(NAMESPACE_OID, f"row/{token}")),
            key=key,
            environment=environment,
            platform=platform,
            identity=identity or token,
            identity_type=identity_type,
            name=name,
            tags=None if tags is None else tuple(tags),
            state=state,
            active=active,
            created_at=moment,
            updated_at=moment,
            account=key,
        )
        self._made.append(stable)
        self._connections[key] = connection
        return key

    def reauthorize(self, key: str) -> str:
        """Authorise a connection again and return its new key; KeyError if there is none.

        The old key is gone at once. The new connection is the newest and works; what it is called, whose it is and the
        account behind it stay.
        """
        old = self.change(key, deleted=True)
        new = self.connect(
            old.platform,
            identity=old.identity if "|" in old.key else None,
            identity_type=old.identity_type,
            name=old.name,
            tags=old.tags,
            environment=old.environment,
        )
        self._connections[new] = replace(self._connections[new], identity=old.identity, account=old.account)
        return new

    def remove(self, key: str) -> None:
        """Delete a connection, which nobody sees from then on; KeyError if there is none."""
        self.change(key, deleted=True)

    def change(self, key: str, **fields: Any) -> Connection:
        """Replace fields of a connection and return it; KeyError if there is none."""
        if self.find(key) is None:
            raise KeyError(key)
        self._changes += 1
        moment = _moment(len(self._made), minutes=self._changes % 60)
        self._connections[key] = replace(self._connections[key], updated_at=moment, **fields)
        return self._connections[key]

    def find(self, key: str) -> Connection | None:
        """The connection with that key, in any environment."""
        found = self._connections.get(key)
        return None if found is None or found.deleted else found

    def within(self, environment: str) -> list[Connection]:
        """The connections of one environment, newest first."""
        return [c for c in reversed(self._connections.values()) if c.environment == environment and not c.deleted]


def furnish(account: Account) -> None:
    """Connect what every sandbox starts with."""
    _furnish_ada(account)
    account.connect("gmail", identity="growth", identity_type="team", name="Growth inbox")
    account.connect("slack", identity="growth", identity_type="team")
    account.connect("stripe", identity="acme", identity_type="organization", name="Acme billing")
    account.connect("github", identity="acme", identity_type="organization", name="acme-bot")
    account.connect("github", name="Dashboard")
    account.connect("exa", name="Old search", tags=None)  # rows may have null for tags, as for the type of identity
    for platform, identity, identity_type, name, state in _OTHERS:
        account.connect(platform, identity=identity, identity_type=identity_type, name=name, state=state)
    for platform, name in (("gmail", "Test mailbox"), ("stripe", "Test billing")):
        account.connect(platform, identity="ada", identity_type="user", name=name, environment="test")


def _furnish_ada(account: Account) -> None:
    for platform, name, tags, state in (
        ("gmail", "Work", (), "operational"),
        ("gmail", "Personal", (), "operational"),
        ("slack", "Engines", (), "operational"),
        ("slack", "Old workspace", (), "failed"),
        ("stripe", "Engines billing", (), "operational"),
        ("github", None, ("oss",), "operational"),
    ):
        account.connect(platform, identity="ada", identity_type="user", name=name, tags=tags, state=state)


def _key(environment: str, platform: str, token: str, identity: str | None) -> str:
    base = f"{environment}::{platform}::default::{token}"
    # Pica turns spaces and colons of an identity into dashes, as both would break the key's own grammar.
    return f"{base}|{identity.replace(' ', '-').replace(':', '-')}" if identity else base


def _moment(hours: int, minutes: int = 0) -> str:
    moment = datetime(2026, 1, 2, 8, 30, 0, 125_000, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
