"""What becomes of calls on each connection, and why: from what Pica told, with the questions that a call asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pica_mcp import consent, text
from pica_mcp.access import (
    Caller,
    Permission,
    admit,
    admit_effect,
    effect,
    how_to_reconnect,
    promising,
    usable,
    visible,
)
from pica_mcp.accounts import by_platform, choices, with_others
from pica_mcp.catalog import Connections
from pica_mcp.consent import Policy
from pica_mcp.effects import rule_of
from pica_mcp.errors import Reason
from pica_mcp.explanation.account import Account, Offer
from pica_mcp.explanation.vain import found_in
from pica_mcp.findings import Finding, Lists, owner
from pica_mcp.models import Action, ActionDetails, Connection, Effect

Shown = Callable[[str], str | None]
"""The key of a connection → what the audit tells of it."""


def _unrecorded(key: str) -> None:
    del key


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of calls of one action."""

    tool: str
    """Its name as a tool; without one it runs by id only."""
    id: str
    title: str
    request: str
    effect: Effect
    rule: str
    """The operator's rule that says what its effect is; empty where the rules of this program say it."""
    reason: Reason | None
    """Why it is refused, None for allowed."""
    undecided: bool
    """Refused as far as Pica's list tells, and perhaps not when it is called."""
    certain: bool
    """Judged by its document, as a call is."""
    asks: bool
    """A person is asked first, where the client can."""


@dataclass(frozen=True, slots=True)
class Link:
    """A connection, without its key. `owner` is only told where the caller's identity does not tell it."""

    label: str
    owner: str
    state: str
    reason: Reason | None
    """Why it is not used, None if it is."""
    default: bool = False
    """Calls that name no connection go through it."""
    audit: str | None = None
    """What the audit tells of it."""
    reconnect: str = ""
    """Where a person connects it again, if it works no more."""


@dataclass(frozen=True, slots=True)
class View:
    """A platform: the caller's connections, and what each of the usable ones may be used for, which is the same."""

    platform: str
    links: tuple[Link, ...]
    verdicts: tuple[Verdict, ...]
    left_out: int = 0
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Tell if any of its connections is used."""
        return any(link.reason is None for link in self.links)

    @property
    def allowed(self) -> Mapping[Effect, int]:
        """Effect → how many actions may run, in the order of effects."""
        return _in_order(v.effect for v in self.verdicts if v.reason is None)

    @property
    def refused(self) -> Mapping[Reason, Mapping[Effect, int]]:
        """Reason → effect → how many actions may not run."""
        sure = [v for v in self.verdicts if v.reason and not v.undecided]
        reasons = sorted({v.reason for v in sure if v.reason})
        return {reason: _in_order(v.effect for v in sure if v.reason is reason) for reason in reasons}

    @property
    def undecided(self) -> Mapping[Effect, int]:
        """Effect → how many actions are decided only when they are called."""
        return _in_order(v.effect for v in self.verdicts if v.undecided)

    @property
    def asks(self) -> int:
        """How many actions may run only after a person was asked, where the client can."""
        return sum(v.asks for v in self.verdicts)

    @property
    def certain(self) -> bool:
        """Tell if every verdict is a call's."""
        return all(v.certain for v in self.verdicts)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the caller may do, by platform; how many connections others have, by owner; what is set in vain."""

    views: tuple[View, ...]
    others: Mapping[str, Mapping[str, int]]
    """Owner → platform → how many; the owner of what belongs to no identity is empty."""
    findings: tuple[Finding, ...]
    problem: str = ""
    """Why the others cannot be told."""


def explain(
    caller: Caller, account: Account, policy: Policy, shown: Shown = _unrecorded, lists: Lists | None = None
) -> Explanation:
    """Return the explanation; the same account in another order gives the same one. `lists`: what lists tools."""
    links = _links(caller, account, shown)
    views = tuple(_view(caller, account, policy, platform, links[platform]) for platform in sorted(links))
    return Explanation(views, _others(caller, account), found_in(caller, account, lists), account.problem)


def explain_platform(
    caller: Caller, account: Account, policy: Policy, platform: str, shown: Shown = _unrecorded
) -> View:
    """Return what the caller may do there, connected or not."""
    return _view(caller, account, policy, platform, _links(caller, account, shown).get(platform, ()))


def _links(caller: Caller, account: Account, shown: Shown) -> Mapping[str, tuple[Link, ...]]:
    """Return platform → the caller's connections, by label. Those that are seen have the labels that models see."""
    rows = {c.key: c for c in (*account.everyone, *account.own) if caller.identity.owns(c)}
    seen = by_platform(caller, visible(caller, account.own))
    defaults = {
        named[label].key for platform, named in seen.items() if (label := _default(caller, account.own, platform))
    }
    told = {c.key for c in account.own}
    links: dict[str, tuple[Link, ...]] = {}
    for platform, named in with_others(seen, rows.values()).items():
        unordered = (
            Link(
                label,
                "" if caller.identity.id else owner(c),
                text.line(c.state, 30),
                _reason(caller, c) if c.key in told else Reason.UNKNOWN_CONNECTION,
                c.key in defaults,
                shown(c.key),
                how_to_reconnect(caller.identity, c),
            )
            for label, c in named.items()
        )
        links[platform] = tuple(sorted(unordered, key=lambda link: (link.label, link.owner, link.reason or "")))
    return links


def _default(caller: Caller, own: Connections, platform: str) -> str | None:
    _, default = choices(caller, visible(caller, own), platform)
    return default


def _reason(caller: Caller, connection: Connection) -> Reason | None:
    refusal = admit(caller, connection=connection)
    return refusal and refusal.reason


def _others(caller: Caller, account: Account) -> Mapping[str, Mapping[str, int]]:
    rows = {c.key: c for c in (*account.everyone, *account.own) if not caller.identity.owns(c)}
    others: dict[str, dict[str, int]] = {}
    for (whose, platform), count in sorted(Counter((owner(c), c.platform) for c in rows.values()).items()):
        others.setdefault(whose, {})[platform] = count
    return others


def _view(caller: Caller, account: Account, policy: Policy, platform: str, links: tuple[Link, ...]) -> View:
    offer = account.offers.get(platform, Offer())
    through = next((c for c in usable(caller, account.own) if c.platform == platform), None)
    verdicts = [verdict(caller, policy, tool, action, through) for tool, action in offer.actions]
    return View(platform, links, tuple(sorted(verdicts, key=_order)), offer.left_out, offer.problem)


def verdict(caller: Caller, policy: Policy, tool: str, action: Action, connection: Connection | None) -> Verdict:
    """Return what becomes of calls of the action through the connection; without one, nothing becomes of them."""
    does, rule = effect(caller, action), rule_of(action, caller.grant.effects)
    refusal, certain = admit(caller, action, connection), isinstance(action, ActionDetails)
    reason, undecided = refusal and refusal.reason, False
    if not certain and reason is Reason.ACTION_NOT_ALLOWED and _may_be_listed(caller, action):
        excess = admit_effect(caller, does)
        reason, undecided = (excess.reason, False) if excess else (reason, True)
    elif reason is Reason.PERMISSION and not (certain or action.path):
        undecided = promising(caller, action.model_copy(update={"tags": ()}))
    if connection is None and (reason is None or undecided):
        reason, undecided = Reason.NOT_CONNECTED, False
    return Verdict(
        tool=tool,
        id=text.line(action.id),
        title=text.line(action.title),
        request=text.line(f"{action.method} {action.path}"),
        effect=does,
        rule=str(rule or ""),
        reason=reason,
        undecided=undecided,
        certain=certain,
        asks=reason is None and consent.needed(policy, does, reachable=True),
    )


def _may_be_listed(caller: Caller, row: Action) -> bool:
    """Tell if the row could turn out to be on the list of allowed actions, whatever its effect or its tags are."""
    grant = replace(caller.grant, permission=Permission.ADMIN)
    return promising(replace(caller, grant=grant), row.model_copy(update={"tags": ()}))


def _order(one: Verdict) -> tuple[int | str | bool, ...]:
    return (tuple(Effect).index(one.effect), not one.tool, one.tool, one.title, one.request, one.id)


def _in_order(effects: Iterable[Effect]) -> Mapping[Effect, int]:
    counts = Counter(effects)
    return {one: counts[one] for one in Effect if counts[one]}


_WHY = {
    Reason.KNOWLEDGE_ONLY: "PICA_KNOWLEDGE_AGENT is true",
    Reason.PLATFORM_NOT_ALLOWED: "not on PICA_PLATFORMS",
    Reason.ACTION_NOT_ALLOWED: "not on PICA_ACTION_IDS",
    Reason.CONNECTION_NOT_ALLOWED: "not on PICA_CONNECTION_KEYS",
    Reason.UNKNOWN_CONNECTION: "not in the list that Pica gives for this identity",
    Reason.NOT_CONNECTED: "no connection of it may be used",
}


def why(caller: Caller, reason: Reason | None, reconnect: str = "") -> str:
    """Return the reason as the setting to change, or what else there is to do; empty for none.

    `reconnect`: where a connection that does not work is connected again.
    """
    match reason:
        case None:
            return ""
        case Reason.PERMISSION:
            return f"PICA_PERMISSIONS is {caller.grant.permission}"
        case Reason.ENVIRONMENT:
            return f"of another environment than the secret's, which is {caller.environment()}"
        case Reason.FAILED | Reason.INACTIVE:
            off = "switched off; " if reason is Reason.INACTIVE else ""
            return f"{off}connect it again: {reconnect}"
        case _:
            return _WHY.get(reason, reason)
