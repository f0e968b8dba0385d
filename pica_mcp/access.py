"""The room of who may do what through which connection.

Pica looks a connection up by account, never by identity, so isolation is entirely ours. There is one question,
`admit`, and everything asks it: listing, search, resources, calling. Its checks, in order; the first that fails is
the reason:

    knowledge only   nothing is executed for this caller                    (action and connection)
    action           the action is on the caller's list, if there is one    (action)
    permission       read, write or admin covers the action's effect        (action)
    platform         the connection is of the action's platform             (action and connection)
    environment      the connection's is the secret's                       (connection)
    identity         the row's identity and type are the caller's           (connection)
    connection       the connection is on the caller's list, if there is one (connection)
    active, state    the connection works                                   (connection)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from pica_mcp import text
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Connection, Effect


class IdentityType(StrEnum):
    """What an identity is, in Pica's words."""

    USER = "user"
    TEAM = "team"
    ORGANIZATION = "organization"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose connections are served. No id and no type: the whole account's."""

    id: str | None = None
    type: IdentityType | None = None

    def owns(self, connection: Connection) -> bool:
        """Tell if the row is this identity's. A row without a type passes only where no type is configured."""
        return self.id in (None, connection.identity) and self.type in (None, connection.identity_type)

    def __str__(self) -> str:
        """Return the identity as people say it: `user ada`."""
        return f"{self.type or 'identity'} {self.id or '(any)'}" if self.id or self.type else "the whole account"


class Permission(StrEnum):
    """The level of the official server's `PICA_PERMISSIONS`; each covers the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, effect: Effect) -> bool:
        """Tell if calls of this effect are allowed."""
        order = (Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE)
        return order.index(effect) <= tuple(Permission).index(self)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the operator lets this server do. A list of None allows all; an empty list allows none."""

    permission: Permission = Permission.ADMIN
    connection_keys: frozenset[str] | None = field(default=None, repr=False)
    action_ids: frozenset[str] | None = None
    knowledge_only: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an identity, what it may do, and the secret's environment (`live` or `test`)."""

    identity: Identity
    grant: Grant
    environment: str


def admit(caller: Caller, action: Action | None = None, connection: Connection | None = None) -> Refused | None:
    """Return why not, or None for yes.

    With an action: may they know of it. With a connection: may they see it as working. With both: may they act.
    """
    grant = caller.grant
    if action and connection and grant.knowledge_only:
        return Refused(
            "This server only answers questions about actions and executes none.",
            "Write the request instead, from get_pica_action_knowledge.",
            reason=Reason.KNOWLEDGE_ONLY,
        )
    return (action and _admit_action(grant, action)) or (connection and _admit_connection(caller, action, connection))


def offered(caller: Caller, action: Action) -> bool:
    """Tell if the action is shown to the caller for running; a hidden one runs by id all the same."""
    return not action.hidden and admit(caller, action) is None


def _admit_action(grant: Grant, action: Action) -> Refused | None:
    # A big platform's rows tell no id; what is made of them is asked about again, and nothing runs without one.
    if grant.action_ids is not None and action.id and action.id not in grant.action_ids:
        return Refused(
            "This action is not among the ones that this server may use.",
            "Choose another, or ask the operator to add it to PICA_ACTION_IDS.",
            reason=Reason.ACTION_NOT_ALLOWED,
        )
    if not grant.permission.covers(action.effect):
        return Refused(
            f"The effect of this action is '{action.effect}', and this server's permission is '{grant.permission}'.",
            "Choose an action with less effect, or ask the operator to change PICA_PERMISSIONS.",
            reason=Reason.PERMISSION,
        )
    return None


def _admit_connection(caller: Caller, action: Action | None, connection: Connection) -> Refused | None:
    if action and action.platform != connection.platform:
        return Refused(
            f"That connection is of {connection.platform}, but the action is of {action.platform}.",
            f"Use a connection of {action.platform}.",
            reason=Reason.PLATFORM,
        )
    # The next three say the same as for a connection that does not exist: whose it is, is nobody's business.
    for reason, passed in (
        (Reason.ENVIRONMENT, (connection.environment or connection.key.split("::")[0]) == caller.environment),
        (Reason.IDENTITY, caller.identity.owns(connection)),
        (Reason.CONNECTION_NOT_ALLOWED, _listed(connection.key, caller.grant.connection_keys)),
    ):
        if not passed:
            return Refused("There is no such connection.", "Use one that is listed.", reason=reason)
    return _admit_state(caller.identity, connection)


def _listed(key: str, keys: frozenset[str] | None) -> bool:
    return keys is None or key in keys


def _admit_state(identity: Identity, connection: Connection) -> Refused | None:
    if connection.works:
        return None
    reason, word = (Reason.FAILED, "has failed") if connection.active else (Reason.INACTIVE, "is switched off")
    return Refused(
        f"This {connection.platform} connection {word}.",
        f"Ask the person to connect it again: {how_to_connect(identity, connection.platform)}",
        reason=reason,
    )


_DASHBOARD = "https://app.picaos.com/connections"
_AUTHKIT = "(AuthKit), not on Pica's dashboard"


def how_to_connect(identity: Identity, platform: str = "") -> str:
    """Return where a person connects the platform so that this identity has it.

    What is connected on the dashboard belongs to no identity, so only the whole account is sent there.
    """
    if identity == Identity():
        return f"{_DASHBOARD}#open={quote(platform, safe='')}" if platform else _DASHBOARD
    return f"in the application that connects accounts for {text.line(str(identity), 100)} {_AUTHKIT}"


def invites(words: str) -> bool:
    """Tell if the text sends a person to connect something."""
    return _DASHBOARD in words or _AUTHKIT in words


def visible(caller: Caller, connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return the caller's own connections, working or not."""
    broken = (Reason.INACTIVE, Reason.FAILED)
    return tuple(c for c in connections if (no := admit(caller, connection=c)) is None or no.reason in broken)


def usable(caller: Caller, connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return the caller's own connections that work."""
    return tuple(c for c in connections if admit(caller, connection=c) is None)


def label_connections(connections: Iterable[Connection]) -> Mapping[str, Connection]:
    """Name connections of one platform as a person would: by name, else tag, else platform.

    Labels are unique, whatever the order: connections that share a name all get their identity beside it, and those
    that share that as well a short suffix.
    """
    return text.tell_apart(connections, _label)


def _label(connection: Connection, hash_chars: int) -> str:
    # Round brackets are ours: or somebody could take the label of another's account by naming his own like it.
    plain = text.line(connection.name or next(iter(connection.tags), ""), 60) or connection.platform
    plain = plain.translate({ord("("): "[", ord(")"): "]"})
    if not hash_chars:
        return plain
    if hash_chars == text.MIN_HASH_CHARS and (owner := text.line(connection.owner, 60)):
        return f"{plain} ({owner})"
    return f"{plain}-{text.short_hash(connection.key, hash_chars)}"


def choose(caller: Caller, action: Action, connections: Iterable[Connection], wanted: str | None) -> Connection:
    """Return the connection that a call of `action` goes through.

    `wanted` is a label or a key, empty if the caller did not say. Raises `Refused` if there is none, if it may not be
    used, or if there are several and none was named.
    """
    own = visible(caller, connections)
    here = label_connections(c for c in own if c.platform == action.platform)
    if not wanted:
        found = _only(caller, action.platform, here, [c for c in here.values() if admit(caller, action, c) is None])
    else:
        # The key first: somebody may have named a connection like another's key.
        found = next((c for c in own if c.key == wanted), None) or _named(wanted, here)
    if found is None:
        working = {label: connection for label, connection in here.items() if connection.works}
        raise Refused(
            f"There is no {action.platform} connection {text.line(repr(wanted), 80)}.",
            _offer(working)
            or f"Ask the person to connect {action.platform}: {how_to_connect(caller.identity, action.platform)}",
            reason=Reason.UNKNOWN_CONNECTION,
        )
    if refusal := admit(caller, action, found):
        raise refusal
    return found


def _named(wanted: str, labels: Mapping[str, Connection]) -> Connection | None:
    return labels.get(wanted) or next((c for name, c in labels.items() if name.casefold() == wanted.casefold()), None)


def _only(caller: Caller, platform: str, here: Mapping[str, Connection], working: list[Connection]) -> Connection:
    if len(working) > 1:
        labels = {label: c for label, c in here.items() if c in working}
        raise Refused(f"Several {platform} accounts are connected.", _offer(labels), reason=Reason.AMBIGUOUS)
    if not here:
        raise not_connected(caller, platform)
    return working[0] if working else next(iter(here.values()))


def not_connected(caller: Caller, platform: str) -> Refused:
    """Return the refusal of a call for which there is no account."""
    return Refused(
        f"{platform} is not connected.",
        f"Ask the person to connect it: {how_to_connect(caller.identity, platform)}",
        reason=Reason.NOT_CONNECTED,
    )


def _offer(labels: Mapping[str, Connection]) -> str:
    return f"Pass one of these as the connection: {', '.join(map(repr, sorted(labels)))}." if labels else ""
