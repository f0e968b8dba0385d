"""The room of which account a call goes through: what people call their accounts, and how a call means one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pica_mcp import text
from pica_mcp.access import Caller, admit, how_to_connect, usable, visible
from pica_mcp.errors import Reason, Refused
from pica_mcp.models import Action, Connection, Effect

_MAX_TOLD = 8


def label_connections(caller: Caller, connections: Iterable[Connection]) -> Mapping[str, Connection]:
    """Name connections of one platform as a person would: as the settings call them, else by name, tag or platform.

    Labels are unique, whatever the order: connections that share a name all get their identity beside it, and those
    that share that as well a short suffix. What the settings call one is nobody else's, and has no suffix.
    """
    connections = tuple(connections)
    plain = text.tell_apart(connections, _label)
    called: dict[str, Connection] = {}
    for meant, name in caller.preferences.names.items():
        found = next((c for label, c in plain.items() if meant in (c.key, f"{c.platform}/{label}")), None)
        if found and found not in called.values():
            called[name] = found
    if not called:
        return plain
    return {**called, **text.tell_apart((c for c in connections if c not in called.values()), _label, called)}


def _label(connection: Connection, hash_chars: int) -> str:
    # Round brackets are ours: or somebody could take the label of another's account by naming his own like it.
    plain = text.line(connection.name or next(iter(connection.tags), ""), 60) or connection.platform
    plain = plain.translate({ord("("): "[", ord(")"): "]"})
    if not hash_chars:
        return plain
    if hash_chars == text.MIN_HASH_CHARS and (owner := text.line(connection.owner, 60)):
        return f"{plain} ({owner})"
    return f"{plain}-{text.short_hash(connection.key, hash_chars)}"


def by_platform(caller: Caller, connections: Iterable[Connection]) -> Mapping[str, Mapping[str, Connection]]:
    """Return platform → label → connection, in the order of their names."""
    grouped: dict[str, list[Connection]] = {}
    for connection in connections:
        grouped.setdefault(connection.platform, []).append(connection)
    return {name: dict(sorted(label_connections(caller, grouped[name]).items())) for name in sorted(grouped)}


def with_others(
    named: Mapping[str, Mapping[str, Connection]], connections: Iterable[Connection]
) -> Mapping[str, Mapping[str, Connection]]:
    """Return the same with those of the connections that are not in it, under labels that no other has."""
    known = {c.key for labels in named.values() for c in labels.values()}
    grouped: dict[str, list[Connection]] = {platform: [] for platform in named}
    for connection in connections:
        if connection.key not in known:
            grouped.setdefault(connection.platform, []).append(connection)
    found: dict[str, Mapping[str, Connection]] = {}
    for platform, others in sorted(grouped.items()):
        labels = named.get(platform, {})
        found[platform] = {**labels, **dict(sorted(text.tell_apart(others, _label, labels).items()))}
    return found


def choices(caller: Caller, connections: Iterable[Connection], platform: str) -> tuple[list[str], str | None]:
    """Return the labels of the platform's working accounts, and which of them a call means that names none.

    Broken ones have labels too, so they count for the others' names.
    """
    labels = label_connections(caller, (c for c in connections if c.platform == platform))
    working = usable(caller, labels.values())
    names = sorted(label for label, connection in labels.items() if connection in working)
    if wanted := caller.preferences.defaults.get(platform):
        default = _set(wanted, labels)
        return names, next((name for name in names if labels[name] is default), None)
    return names, names[0] if len(names) == 1 else None


def to_choose_from(caller: Caller, connections: Iterable[Connection], platform: str) -> tuple[str, ...]:
    """Return the first few labels of which a call has to name one; none where it need not."""
    names, default = choices(caller, visible(caller, connections), platform)
    return tuple(names[:_MAX_TOLD]) if default is None else ()


def label_of(caller: Caller, connection: Connection, among: Iterable[Connection]) -> str:
    """Return the label of one of these connections, or raise `Refused` if it is the caller's no more."""
    own = (c for c in visible(caller, among) if c.platform == connection.platform)
    label = next((label for label, c in label_connections(caller, own).items() if c.key == connection.key), None)
    if label is None:  # the secret is another environment's since
        raise Refused("There is no such connection.", "Make the call again.", reason=Reason.UNKNOWN_CONNECTION)
    return label


def choose(
    caller: Caller,
    action: Action,
    connections: Iterable[Connection],
    wanted: str | None,
    told: Effect | None = None,
) -> Connection:
    """Return the connection that a call of `action` goes through; `told` as for `admit`.

    `wanted` is a label or a key, empty if the caller did not say. Raises `Refused` if the action or the connection may
    not be used, if there is none, or if there are several, none was named and none is the default.
    """
    connections = tuple(connections)
    try:
        found = _found(caller, action, connections, wanted)
    except Refused as refusal:
        raise admit(caller, action) or refusal from None
    if refusal := admit(caller, action, found, told):
        raise refusal
    return found


def _found(caller: Caller, action: Action, connections: tuple[Connection, ...], wanted: str | None) -> Connection:
    here = label_connections(caller, visible(caller, (c for c in connections if c.platform == action.platform)))
    if not wanted:
        return _unnamed(caller, action.platform, here, connections)
    # The key first: somebody may have named a connection like another's key.
    by_key = visible(caller, (c for c in connections if c.key == wanted))
    if found := next(iter(by_key), None) or _meant(wanted, here):
        return found
    problem = f"There is no {action.platform} connection {text.line(repr(wanted), 80)}."
    raise _unknown(caller, action.platform, here, problem)


def _set(default: str, labels: Mapping[str, Connection]) -> Connection | None:
    """Return the connection that the settings name, exactly: a name that is like it may be somebody else's."""
    return next((c for c in labels.values() if c.key == default), None) or labels.get(default)


def _meant(wanted: str, labels: Mapping[str, Connection]) -> Connection | None:
    by_key = next((c for c in labels.values() if c.key == wanted), None)
    return by_key or next((c for name, c in labels.items() if name.casefold() == wanted.casefold()), None)


def _unnamed(caller: Caller, platform: str, here: Mapping[str, Connection], among: Iterable[Connection]) -> Connection:
    """Return the connection of a call that names none: the default, else the only one that works."""
    if not here:
        raise not_connected(caller, platform, among)
    if default := caller.preferences.defaults.get(platform):
        if found := _set(default, here):
            return found
        # Not simply another one: the person has said which.
        problem = f"The default account of {platform}, {text.line(repr(default), 80)}, is not connected."
        raise _unknown(caller, platform, here, problem)
    working = [connection for connection in here.values() if connection.works]
    if len(working) > 1:
        offer = _offer(here)
        raise Refused(f"Several {platform} accounts are connected.", offer, reason=Reason.AMBIGUOUS)
    return working[0] if working else next(iter(here.values()))


def _unknown(caller: Caller, platform: str, here: Mapping[str, Connection], problem: str) -> Refused:
    ask = f"Ask the person to connect {platform}: {how_to_connect(caller.identity, platform)}"
    return Refused(problem, _offer(here) or ask, reason=Reason.UNKNOWN_CONNECTION)


def not_connected(caller: Caller, platform: str, among: Iterable[Connection] = ()) -> Refused:
    """Return the refusal of a call for which there is no account, or none that may be used."""
    if withheld(caller, among, platform):
        return Refused(
            f"The {platform} accounts of {text.line(str(caller.identity), 80)} are not among those that may be used.",
            "Another one would not be either; ask the operator to add one to PICA_CONNECTION_KEYS.",
            reason=Reason.CONNECTION_NOT_ALLOWED,
        )
    return Refused(
        f"{platform} is not connected.",
        f"Ask the person to connect it: {how_to_connect(caller.identity, platform)}",
        reason=Reason.NOT_CONNECTED,
    )


def _offer(labels: Mapping[str, Connection]) -> str:
    working = sorted(label for label, connection in labels.items() if connection.works)
    return f"Pass one of these as the connection: {', '.join(map(repr, working))}." if working else ""


def withheld(caller: Caller, connections: Iterable[Connection], platform: str | None = None) -> int:
    """Return how many connections of the caller's own (on that platform) the operator's lists leave out."""
    own = (c for c in connections if platform in (None, c.platform) and caller.identity.owns(c))
    lists = (Reason.CONNECTION_NOT_ALLOWED, Reason.PLATFORM_NOT_ALLOWED)
    return sum((no := admit(caller, connection=connection)) is not None and no.reason in lists for connection in own)
