"""What is set in vain, by what Pica tells: parts of settings that fit nothing there is, or change nothing."""

from __future__ import annotations

from pica_mcp import findings
from pica_mcp.access import Caller
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import Names
from pica_mcp.explanation.account import Account, look
from pica_mcp.findings import Finding, Lists, Seen
from pica_mcp.models import Action


async def in_vain(caller: Caller, catalog: Catalog, names: Names, lists: Lists) -> tuple[Finding, ...]:
    """Return what is set in vain. Raises why that cannot be told."""
    return found_in(caller, await look(caller, catalog, names), lists)


def found_in(caller: Caller, account: Account, lists: Lists | None) -> tuple[Finding, ...]:
    """Return what is set in vain, where this is what Pica tells."""
    actions = [
        action
        for platform, offer in account.offers.items()
        for _, action in (
            *offer.actions,
            *([("", Action.model_validate({"platform": platform}))] if offer.problem else ()),
        )
    ]
    everyone = None if account.problem else account.everyone
    names = {name: action for offer in account.offers.values() for name, action in offer.actions if name}
    return findings.find(caller, Seen(account.own, everyone, actions, account.existing, names), lists)
