"""The room of who may do what through which connection.

Pica looks a connection up by account, never by identity, so isolation is entirely ours. There is one question,
`admit`, and everything asks it: listing, search, resources, completions, calling. Its checks, in order; the first that
fails is the reason:

    knowledge only   nothing is executed for this caller                     (action and connection)
    platform allowed the platform is on the caller's list, if there is one   (action, connection)
    action           the action is on the caller's list, if there is one     (action)
    permission       read, write or admin covers the action's effect         (action)
    platform         the connection is of the action's platform              (action and connection)
    environment      the connection's is the secret's                        (connection)
    identity         the row's identity and type are the caller's            (connection)
    connection       the connection is on the caller's list, if there is one (connection)
    active, state    the connection works                                    (connection)

What a call does may be known only when it is made, as of GraphQL: `admit_effect` is asked then, besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from pica_mcp import effects, text
from pica_mcp.effects import Rule
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Connection, Effect
from pica_mcp.patterns import Pattern


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
        return self is Permission.ADMIN or tuple(Effect).index(effect) <= tuple(Permission).index(self)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the operator lets this server do. A list of None allows all; an empty list allows none.

    `effects` are the operator's own words on what actions do; the first that fits an action goes before our rules.
    """

    permission: Permission = Permission.ADMIN
    connection_keys: frozenset[str] | None = field(default=None, repr=False)
    actions: tuple[Pattern, ...] | None = None
    platforms: frozenset[str] | None = None
    knowledge_only: bool = False
    effects: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person calls their accounts, and which of them a call means that names none.

    `names`: a connection's key, or `platform/label`, → the name it has instead. `defaults`: platform → label or key.
    """

    names: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    defaults: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an identity, and what it may do. `environment()` is the secret's (`live`, `test`) as of now."""

    identity: Identity
    grant: Grant
    environment: Callable[[], str]
    preferences: Preferences = Preferences()


def admit(
    caller: Caller, action: Action | None = None, connection: Connection | None = None, told: Effect | None = None
) -> Refused | None:
    """Return why not, or None for yes.

    With an action: may they know of it. With a connection: may they see it as working. With both: may they act. `told`
    is what the action tells of its effect, if that is known already.
    """
    if action and connection and caller.grant.knowledge_only:
        return Refused(
            "This server only answers questions about actions and executes none.",
            "Write the request instead, from get_pica_action_knowledge.",
            reason=Reason.KNOWLEDGE_ONLY,
        )
    refusal = action and _admit_action(caller, action, told)
    return refusal or (connection and _admit_connection(caller, action, connection))


def admit_platform(caller: Caller, platform: str) -> Refused | None:
    """Return why the caller may not know of this platform, or None for yes."""
    if caller.grant.platforms is None or platform in caller.grant.platforms:
        return None
    return Refused(
        f"This server may not use {text.line(platform, 60)}.",
        "Use another platform, or ask the operator to add it to PICA_PLATFORMS.",
        reason=Reason.PLATFORM_NOT_ALLOWED,
    )


def admit_effect(caller: Caller, effect: Effect, what: str = "this action") -> Refused | None:
    """Return why the caller may do nothing of this effect, or None for yes."""
    if caller.grant.permission.covers(effect):
        return None
    return Refused(
        f"The effect of {what} is '{effect}', and this server's permission is '{caller.grant.permission}'.",
        "Choose an action with less effect, or ask the operator to change PICA_PERMISSIONS.",
        reason=Reason.PERMISSION,
    )


def effect(caller: Caller, action: Action) -> Effect:
    """Return what the action does, in the operator's words if they say."""
    return effects.of_action(action, caller.grant.effects)


def offered(caller: Caller, action: Action) -> bool:
    """Tell if the action is shown to the caller for running; a hidden one runs by id all the same."""
    return not action.hidden and admit(caller, action) is None


def promising(caller: Caller, row: Action) -> bool:
    """Tell if the action may turn out to be offered: a big platform's rows tell neither ids nor tags."""
    return not row.hidden and _admit_action(caller, row, undecided=True) is None


def _admit_action(
    caller: Caller, action: Action, told: Effect | None = None, *, undecided: bool = False
) -> Refused | None:
    refusal = admit_platform(caller, action.platform) or _admit_listed(caller.grant, action, undecided=undecided)
    # Who may do everything need not be told what it does; and without its path, a POST may be a search as well.
    if refusal or caller.grant.permission.covers(Effect.DESTRUCTIVE) or (undecided and not action.path):
        return refusal
    return admit_effect(caller, effect(caller, action) if undecided else _at_most(caller, action, told))


def _at_most(caller: Caller, action: Action, told: Effect | None) -> Effect:
    """Return the most that the action may do: what tells no id or path may be what the operator's rules mean.

    A row without its path may do anything at all, unless it is all that there is to be told.
    """
    possible: list[Effect] = []
    for rule in caller.grant.effects:
        if (matches := rule.pattern.matches(action)) is not False:
            possible.append(rule.effect)
        if matches:
            break
    else:
        does = effects.of_action(action, caller.grant.effects, told)
        possible.append(does if action.tells_request else Effect.DESTRUCTIVE)
    return max(possible, key=tuple(Effect).index)


def _admit_listed(grant: Grant, action: Action, *, undecided: bool) -> Refused | None:
    """`undecided` is what holds of a row that does not tell enough; whoever acts or shows has to know."""
    if grant.actions is None:
        return None
    matches = [pattern.matches(action) for pattern in grant.actions]
    if any(matches) or (undecided and None in matches):
        return None
    return Refused(
        "This action is not among the ones that this server may use.",
        "Choose another, or ask the operator to add it to PICA_ACTION_IDS.",
        reason=Reason.ACTION_NOT_ALLOWED,
    )


def _admit_connection(caller: Caller, action: Action | None, connection: Connection) -> Refused | None:
    if refusal := admit_platform(caller, connection.platform):
        return refusal
    if action and action.platform != connection.platform:
        return Refused(
            f"That connection is of {connection.platform}, but the action is of {action.platform}.",
            f"Use a connection of {action.platform}.",
            reason=Reason.PLATFORM,
        )
    # The next three say the same as for a connection that does not exist: whose it is, is nobody's business.
    for reason, passed in (
        (Reason.ENVIRONMENT, (connection.environment or connection.key.split("::")[0]) == caller.environment()),
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
        f"Ask the person to connect it again: {how_to_reconnect(identity, connection)}",
        reason=reason,
    )


def visible(caller: Caller, connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return the caller's own connections, working or not."""
    broken = (Reason.INACTIVE, Reason.FAILED)
    return tuple(c for c in connections if (no := admit(caller, connection=c)) is None or no.reason in broken)


def usable(caller: Caller, connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return the caller's own connections that work."""
    return tuple(c for c in connections if admit(caller, connection=c) is None)


_DASHBOARD = "https://app.picaos.com/connections"
_AUTHKIT = "(AuthKit), not on Pica's dashboard"


def how_to_connect(identity: Identity, platform: str = "") -> str:
    """Return where a person connects the platform so that this identity has it.

    What is connected on the dashboard belongs to no identity, so only the whole account is sent there.
    """
    if identity == Identity():
        return f"{_DASHBOARD}#open={quote(platform, safe='')}" if platform else _DASHBOARD
    return f"in the application that connects accounts for {text.line(str(identity), 100)} {_AUTHKIT}"


def how_to_reconnect(identity: Identity, connection: Connection) -> str:
    """Return where a person connects this account again: whoever is served, it stays its owner's."""
    if identity.id or not connection.owner:
        return how_to_connect(identity, connection.platform)
    kind = next((one for one in IdentityType if one == connection.identity_type), None)
    return how_to_connect(Identity(connection.owner, kind), connection.platform)


def invites(words: str) -> bool:
    """Tell if the text sends a person to connect something."""
    return _DASHBOARD in words or _AUTHKIT in words
