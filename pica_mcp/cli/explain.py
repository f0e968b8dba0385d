"""`pica-mcp explain`: what the configured identity may do on each connection, why not the rest, what is set in vain."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import anyio

from pica_mcp import explanation
from pica_mcp.access import Caller
from pica_mcp.app import open_app
from pica_mcp.audit import obstacle
from pica_mcp.cli.streams import log_to_stderr, print_anything
from pica_mcp.cli.told import Only, Row, all_rows, is_wanted, lines, one_rows, word
from pica_mcp.errors import CallError, PicaError
from pica_mcp.explanation import Explanation, View, why
from pica_mcp.findings import Finding
from pica_mcp.settings import Settings


def explain(settings: Settings, platform: str | None, only: Only | None, *, as_json: bool) -> int:
    """Print the explanation: 0 if it is whole, 1 if Pica does not tell all of it, 2 if there is no such platform.

    With a platform each of its actions is listed, or `only` those that may run or may not.
    """
    log_to_stderr(settings.log_level)
    print_anything()
    found = anyio.run(_found, settings, platform and platform.strip().lower())
    match found:
        case PicaError():
            print(f"pica-mcp: {found}", file=sys.stderr)
            return 2 if isinstance(found, CallError) else 1
        case caller, recorded, View() as view:
            if as_json:
                _print_json(_one_json(settings, caller, recorded, view, only))
            else:
                _print_lines(one_rows(settings, caller, recorded, view, only))
            problems = [view.problem]
        case caller, recorded, everything:
            if as_json:
                _print_json(_all_json(settings, caller, recorded, everything))
            else:
                _print_lines(all_rows(settings, caller, recorded, everything))
            problems = [everything.problem, *(view.problem for view in everything.views)]
    if missing := list(filter(None, problems)):
        print(f"pica-mcp: Pica did not tell all of it. {missing[0]}", file=sys.stderr)
    return 1 if missing else 0


async def _found(settings: Settings, platform: str | None) -> tuple[Caller, str | None, Explanation | View] | PicaError:
    """Return the caller, what the audit tells of them, and what may be done, when everything is closed.

    A failure is returned, or it would come in a group.
    """
    async with open_app(_without_file(settings)) as app:
        caller, catalog, names = app.caller, app.catalog, app.pipeline.names
        policy, shown = settings.consent, app.audit.shown_connection
        try:
            if platform is None:
                lists = {"PICA_PIN": settings.pins, "PICA_EXCLUDE": settings.exclusions}
                account = await explanation.look(caller, catalog, names)
                everything = explanation.explain(caller, account, policy, shown, lists)
                found = replace(everything, findings=(*everything.findings, *_of_audit(settings)))
            else:
                account = await explanation.look_at(caller, catalog, names, platform)
                found = explanation.explain_platform(caller, account, policy, platform, shown)
        except PicaError as error:
            return error
        return caller, app.audit.shown_caller(caller.identity), found


def _of_audit(settings: Settings) -> Iterator[Finding]:
    if problem := obstacle(settings.audit):
        yield Finding("PICA_AUDIT", settings.audit, f"not every call could be recorded there: {problem}")


def _without_file(settings: Settings) -> Settings:
    """Leave the audit's file alone: made here, it would be whoever's explains, and not the server's."""
    where = settings.audit
    return settings if Path(where).name == where else replace(settings, audit="off")


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


def _print_lines(rows: Iterable[Row]) -> None:
    print("\n".join(lines(rows, get_terminal_size().columns)))


def _print_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2))


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
        "connections": [{**asdict(link), "why": why(caller, link.reason, view.platform)} for link in view.links],
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
