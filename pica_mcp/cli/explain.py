"""`pica-mcp explain`: what the configured identity may do on each connection, why not the rest, what is set in vain."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pica_mcp import explanation, findings
from pica_mcp.access import Caller
from pica_mcp.app import App
from pica_mcp.audit import check, obstacle
from pica_mcp.cli.asking import ask
from pica_mcp.cli.options import add_settings, describe, settings_of
from pica_mcp.cli.rows import print_rows
from pica_mcp.cli.streams import complain, fail
from pica_mcp.cli.terminal import print_json
from pica_mcp.cli.told import Only, all_rows, is_wanted, one_rows, word
from pica_mcp.errors import InvalidSettings, PicaError
from pica_mcp.explanation import Explanation, View, why
from pica_mcp.findings import Finding
from pica_mcp.settings import Settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell what a server with these settings may do on each connection, why not the rest, and which settings do "
        "nothing. It asks Pica for the account and its catalogue, and changes nothing.",
        "pica-mcp explain",
        "pica-mcp explain gmail --refused",
        "pica-mcp explain --sandbox --permissions read --json",
    )
    parser.add_argument("platform", nargs="?", metavar="PLATFORM", help="list each action of this platform")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--allowed", dest="only", action="store_const", const="allowed", help="only those that may run")
    only.add_argument("--refused", dest="only", action="store_const", const="refused", help="only those that may not")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation: 0 if it is whole, 1 if Pica does not tell all of it, 2 if there is no such platform."""
    only: Only | None = arguments.only
    if only and not arguments.platform:
        complain("--allowed and --refused need a PLATFORM, as in: pica-mcp explain gmail --refused")
        return 2
    settings = settings_of(arguments)
    _expect_a_record(settings)
    platform = arguments.platform and arguments.platform.strip().lower()
    found = ask(settings, partial(_found, settings, platform))
    match found:
        case PicaError():
            return fail(found)
        case caller, recorded, View() as view:
            if arguments.json:
                print_json(_one_json(settings, caller, recorded, view, only))
            else:
                print_rows(one_rows(settings, caller, recorded, view, only))
            problems = [view.problem]
        case caller, recorded, everything:
            if arguments.json:
                print_json(_all_json(settings, caller, recorded, everything))
            else:
                print_rows(all_rows(settings, caller, recorded, everything))
            problems = [everything.problem, *(view.problem for view in everything.views)]
    if missing := list(filter(None, problems)):
        complain(f"Pica did not tell all of it. {missing[0]}")
    return 1 if missing else 0


async def _found(settings: Settings, platform: str | None, app: App) -> tuple[Caller, str | None, Explanation | View]:
    """Return the caller, what the audit tells of them, and what may be done."""
    caller, catalog, names = app.caller, app.catalog, app.pipeline.names
    policy, shown = settings.consent, app.audit.shown_connection
    if platform is None:
        account = await explanation.look(caller, catalog, names)
        lists = findings.lists(settings.pins, settings.exclusions)
        everything = explanation.explain(caller, account, policy, shown, lists)
        found = replace(everything, findings=(*everything.findings, *_of_audit(settings)))
    else:
        account = await explanation.look_at(caller, catalog, names, platform)
        found = explanation.explain_platform(caller, account, policy, platform, shown)
    return caller, app.audit.shown_caller(caller.identity), found


def _expect_a_record(settings: Settings) -> None:
    """Raise `InvalidSettings` where no server would start, since nobody knows where calls are to be recorded."""
    try:
        check(settings.audit)
    except ValueError as error:
        raise InvalidSettings(f"{settings.named('audit')} is {settings.audit!r}, but must be {error}.") from None


def _of_audit(settings: Settings) -> Iterator[Finding]:
    if problem := obstacle(settings.audit):
        yield Finding("PICA_AUDIT", settings.audit, f"not every call could be recorded there: {problem}")


def _all_json(settings: Settings, caller: Caller, recorded: str | None, found: Explanation) -> dict[str, Any]:
    views = [_counted(caller, view) for view in found.views]
    rest = {"findings": [asdict(one) for one in found.findings], "others": found.others, "problem": found.problem}
    return {**_headline_json(settings, caller, recorded), "platforms": views, **rest}


def _one_json(
    settings: Settings, caller: Caller, recorded: str | None, view: View, only: Only | None
) -> dict[str, Any]:
    wanted = [one for one in view.verdicts if is_wanted(one, only)]
    actions = [{**asdict(one), "verdict": word(one), "why": why(caller, one.reason)} for one in wanted]
    return {**_headline_json(settings, caller, recorded), **_counted(caller, view), "actions": actions}


def _headline_json(settings: Settings, caller: Caller, recorded: str | None) -> dict[str, Any]:
    grant = caller.grant
    return {
        "identity": caller.identity.id,
        "identity_type": caller.identity.type,
        "pica": "sandbox" if settings.sandbox else settings.base_url,
        "environment": caller.environment(),
        "permission": grant.permission,
        "consent": settings.consent,
        "knowledge_only": grant.knowledge_only,
        "connection_keys": None if grant.connection_keys is None else len(grant.connection_keys),
        "platforms_allowed": None if grant.platforms is None else sorted(grant.platforms),
        "action_ids": None if grant.actions is None else list(map(str, grant.actions)),
        "effects": list(map(str, grant.effects)),
        "audit": settings.audit,
        "audit_hash_callers": settings.audit_hash_callers,
        "audit_caller": recorded,
    }


def _counted(caller: Caller, view: View) -> dict[str, Any]:
    return {
        "platform": view.platform,
        "connections": [{**asdict(link), "why": why(caller, link.reason, link.reconnect)} for link in view.links],
        "usable": view.usable,
        "allowed": view.allowed,
        "asks_first": view.asks,
        "refused": [
            {"reason": reason, "why": why(caller, reason), "actions": counts} for reason, counts in view.refused.items()
        ],
        "undecided": view.undecided,
        "certain": view.certain,
        "left_out": view.left_out,
        "problem": view.problem,
    }
