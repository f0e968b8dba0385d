"""Whom Pica knows the identity as, and how each of its connections is, with what to do about those that do not work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pica_mcp import explanation, findings, text
from pica_mcp.access import Caller, Identity, IdentityType, how_to_connect
from pica_mcp.catalog import Connections
from pica_mcp.consent import Policy
from pica_mcp.diagnosis.found import Found
from pica_mcp.diagnosis.report import Group, Result, Status
from pica_mcp.errors import Reason
from pica_mcp.explanation import Account, Link, View
from pica_mcp.settings import KEYS_PAGE

_MAX_LINKS = 200
_PLAIN = re.compile(r"\w[\w.@+-]*")
"""An identity that stands in a command as it is."""


@dataclass(frozen=True, slots=True)
class Held:
    """An account that answers, and what is connected there."""

    own: Connections
    everyone: Connections
    problem: str = ""
    """Why everybody's connections cannot be told."""


def identity(caller: Caller, held: Held, entry: Found | None) -> Result:
    """Return whether Pica knows the identity: one that is misspelt is served as one that has connected nothing.

    `entry` is the client's that sets it, None if it is set here.
    """
    group, name, whose = Group.IDENTITY, "identity", text.line(str(caller.identity), 100)
    count = sum(caller.identity.owns(connection) for connection in held.own)
    if caller.identity == Identity():
        found = "none is set: whoever uses this server acts for the whole account"
        return Result(group, name, Status.NOTE, found, "Set PICA_IDENTITY to serve one user, team or organization.")
    if count:
        return Result(group, name, Status.OK, f"{whose} has {text.some(count, 'connection')}")
    if near := findings.meant(caller.identity.id or "", held.everyone):
        found = f"{whose} has no connection, but one alike has: {' or '.join(near)}"
        return Result(group, name, Status.FAILURE, found, _correct(near, entry))
    if caller.environment() == "test":
        cure = f"A test secret sees test connections only: for live ones, take a live key from {KEYS_PAGE}."
        return Result(group, name, Status.WARNING, f"{whose} has no connection in the test environment", cure)
    where = how_to_connect(caller.identity)
    cure = f"Check PICA_IDENTITY and PICA_IDENTITY_TYPE; if they are right, connect accounts: {where}"
    return Result(group, name, Status.WARNING, f"{whose} has no connection", cure)


def _correct(near: Sequence[str], entry: Found | None) -> str:
    kind, _, whose = near[0].partition(" ")
    is_plain = kind in [*IdentityType] and _PLAIN.fullmatch(whose)
    if entry and is_plain and entry.client.takes(entry.name):  # else the command would write another entry
        return f"If {near[0]} is meant, run {entry.install('--identity', whose, '--identity-type', kind)}."
    where = f" in {entry.file}" if entry else ""
    return f"If that is meant, set PICA_IDENTITY and PICA_IDENTITY_TYPE to it{where}: {' or '.join(near)}."


def connections(caller: Caller, held: Held, listing: str) -> Iterator[Result]:
    """Yield each of the identity's connections, with what to do about one that is not used.

    `listing` is the command that lists all of them.
    """
    account = Account(held.own, held.everyone, {}, None, held.problem)
    views = explanation.explain(caller, account, Policy.AUTO).views
    pairs = [(view, link) for view in views for link in view.links]
    if not pairs and caller.identity != Identity():  # what to do about that is told of the identity
        yield Result(Group.CONNECTIONS, "connections", Status.NOTE, "nothing is connected")
    elif not pairs:
        cure = f"A person can connect accounts: {how_to_connect(caller.identity)}"
        yield Result(Group.CONNECTIONS, "connections", Status.WARNING, "nothing is connected", cure)
    for view, link in pairs[:_MAX_LINKS]:
        yield _connection(caller, view, link)
    if len(pairs) > _MAX_LINKS:
        found = f"{len(pairs) - _MAX_LINKS:,} more; {listing} lists them"
        yield Result(Group.CONNECTIONS, "connections", Status.NOTE, found)


def _connection(caller: Caller, view: View, link: Link) -> Result:
    name, state = f"{view.platform}/{link.label}", f"{link.state}{f', of {link.owner}' if link.owner else ''}"
    again = f"onnect it again: {link.reconnect}"
    told, cure = f"{state}, not used: {explanation.why(caller, link.reason, link.reconnect)}", ""
    match link.reason:
        case None if link.state == "degraded":
            status, told, cure = Status.WARNING, f"{state}: calls may fail", f"If calls through it do fail, c{again}"
        case None:
            status, told = Status.OK, state
        case Reason.FAILED | Reason.INACTIVE:
            status, cure = (Status.WARNING if view.usable else Status.FAILURE), f"C{again}"
            told = f"{state}{', switched off' if link.reason is Reason.INACTIVE else ''}; calls through it are refused"
        case Reason.ENVIRONMENT:
            status, cure = Status.WARNING, "Use a secret of its environment, or connect the account in this one."
        case _:
            status = Status.NOTE
    return Result(Group.CONNECTIONS, name, status, told, cure)
