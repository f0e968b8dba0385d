"""`pica-mcp connections`: what is connected for the identity that is served, and whether it may be used."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.text import Text

from pica_mcp import text
from pica_mcp.access import Caller, admit, how_to_connect, how_to_reconnect, visible
from pica_mcp.accounts import by_platform, choices, with_others
from pica_mcp.app import App
from pica_mcp.catalog import Connections
from pica_mcp.cli.asking import ask
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import fail
from pica_mcp.cli.terminal import cell, notes, print_json
from pica_mcp.discovery import near
from pica_mcp.discovery.connected import platforms_of
from pica_mcp.errors import InvalidArguments, PicaError, Reason
from pica_mcp.explanation import why
from pica_mcp.models import Connection

_MAX_SHOWN_TAGS = 10
_ALWAYS = ("platform", "connection", "state", "may be used")


@dataclass(frozen=True, slots=True)
class Account:
    """A connection as it is listed."""

    label: str
    connection: Connection
    default: bool
    """Calls that name no connection go through it."""
    reason: Reason | None
    why: str
    """Why it may not be used, empty if it may."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "List what is connected for the identity that is served: what each account is called, whether it works, and "
        "whether a server with these settings may use it. It changes nothing.",
        "pica-mcp connections",
        "pica-mcp connections gmail --keys",
        "pica-mcp connections --sandbox --identity growth --identity-type team --json",
    )
    parser.add_argument("platform", nargs="?", metavar="PLATFORM", help="list only what is connected of this platform")
    parser.add_argument("--keys", action="store_true", help="show the connections' keys too, which settings can name")
    add_format(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the connections: 0 also if there are none, 2 if there is no such platform."""
    settings = settings_of(arguments)
    platform = (arguments.platform or "").strip().lower()
    found = ask(settings, partial(_found, platform))
    if isinstance(found, PicaError):
        return fail(found)
    caller, accounts = found
    if as_json(arguments):
        print_json(_document(caller, accounts, keys=arguments.keys))
    elif accounts:
        _print_table(caller, accounts, keys=arguments.keys)
    if not accounts:
        notes().print(_nothing(caller, platform), soft_wrap=True)
    return 0


async def _found(platform: str, app: App) -> tuple[Caller, list[Account]]:
    caller = app.caller
    own = await app.catalog.connections(caller.identity)
    accounts = [one for one in _accounts(caller, own) if platform in ("", one.connection.platform)]
    if platform and not accounts:
        existing = [one.platform for one in await platforms_of(app.catalog, caller)]
        if platform not in existing:
            raise InvalidArguments(near(platform, existing, "Run pica-mcp platforms to see what there is."))
    return caller, accounts


def _accounts(caller: Caller, among: Connections) -> Iterator[Account]:
    """Yield the caller's connections by platform: first those that models see too, by the labels that they see."""
    own = [connection for connection in among if caller.identity.owns(connection)]
    shown = by_platform(caller, visible(caller, own))
    for platform, named in with_others(shown, own).items():
        _, default = choices(caller, shown.get(platform, {}).values(), platform)
        for label, connection in named.items():
            refusal = admit(caller, connection=connection)
            reason = refusal and refusal.reason
            is_default = reason is None and label == default
            again = how_to_reconnect(caller.identity, connection)
            yield Account(label, connection, is_default, reason, why(caller, reason, again))


def _document(caller: Caller, accounts: Sequence[Account], *, keys: bool) -> dict[str, Any]:
    return {
        "identity": caller.identity.id,
        "identity_type": caller.identity.type,
        "environment": caller.environment(),
        "connections": [_line(one, keys=keys) for one in accounts],
    }


def _line(account: Account, *, keys: bool) -> dict[str, Any]:
    connection = account.connection
    told = {
        "platform": connection.platform,
        "connection": account.label,
        "state": text.line(connection.state, 40),
        "active": connection.active,
        "environment": text.line(connection.environment, 40),
        "default": account.default,
        "usable": account.reason is None,
        "reason": account.reason,
        "why": account.why,
        "owner": text.line(connection.owner) or None,
        "owner_type": text.line(connection.identity_type or "", 40) or None,
        "tags": [text.line(tag) for tag in connection.tags],
        "created": connection.created_at or None,
        "modified": connection.modified or None,
    }
    return {**told, "key": connection.key} if keys else told


def _print_table(caller: Caller, accounts: Sequence[Account], *, keys: bool) -> None:
    usable = Counter(one.connection.platform for one in accounts if not one.reason)
    cells = [_cells(caller, one, choice=usable[one.connection.platform] > 1) for one in accounts]
    columns = [column for column in cells[0] if column in _ALWAYS or any(row[column].plain for row in cells)]
    print_listing(columns, [[row[column] for column in columns] for row in cells])
    if keys:
        print_rows(_key_rows(accounts))


def _cells(caller: Caller, account: Account, *, choice: bool) -> dict[str, Text]:
    """Return what is told of the connection by column. Empty is what goes without saying."""
    connection = account.connection
    used, style = ("yes, by default" if choice and account.default else "yes"), "green"
    if account.reason:
        used, style = f"no: {account.why}", "yellow"
    owner = f"{connection.identity_type or ''} {connection.owner}" if connection.owner else ""
    return {
        "platform": cell(connection.platform),
        "connection": cell(account.label, "bold"),
        "state": cell(connection.state, "" if connection.works else "red", 40),
        "environment": cell("" if connection.environment == caller.environment() else connection.environment),
        "may be used": cell(used, style),
        "tags": cell(", ".join(connection.tags[:_MAX_SHOWN_TAGS])),
        "owner": cell("" if caller.identity.id else owner),
    }


def _key_rows(accounts: Sequence[Account]) -> Iterator[Row]:
    yield Row("")
    yield Row("", "Keys, which nobody but you should see", style="bold")
    for one in accounts:
        yield Row(f"  {one.connection.platform} {one.label}  ", one.connection.key, whole=True)


def _nothing(caller: Caller, platform: str) -> str:
    what, who = platform or "Nothing", text.line(str(caller.identity), 100)
    where = how_to_connect(caller.identity, platform)
    other = "" if platform else " Another identity's are listed with --identity."
    return f"{what} is {'not ' if platform else ''}connected for {who}. Connect it: {where}.{other}"
