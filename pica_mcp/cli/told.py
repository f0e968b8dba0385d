"""What `pica-mcp explain` tells, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pica_mcp import text
from pica_mcp.access import Caller, how_to_connect
from pica_mcp.cli.rows import Row
from pica_mcp.consent import Policy
from pica_mcp.explanation import Explanation, Link, Verdict, View, why
from pica_mcp.models import Effect
from pica_mcp.settings import Settings

Only = Literal["allowed", "refused"]
"""Which actions of a platform are listed."""

_MAX_SHOWN = 20
_MAX_TOOL_CHARS = 40
_MAX_OWNER_CHARS = 24
_BY_ID = "(by id only)"
_DOES = {Effect.READ: "reads", Effect.WRITE: "writes", Effect.DESTRUCTIVE: "destroys"}
_CONSENT = {
    Policy.AUTO: "a person is asked before anything is destroyed, where the client can ask",
    Policy.ALWAYS: "a person is asked before anything is destroyed; where the client cannot ask, it is refused",
    Policy.OFF: "nobody is asked before anything is destroyed",
}
_ASKS = {
    Policy.AUTO: "a person is asked first where the client can ask",
    Policy.ALWAYS: "a person is asked first, or it is refused",
}
_BY_LIST = (
    "judged by Pica's list alone, as this platform's documents are too many to fetch: rows that are alike count as "
    "one, and a call is judged by the document of its action, which may say otherwise"
)
_LISTS_TELL_LITTLE = (
    "Pica's list does not tell their ids or requests, so PICA_ACTION_IDS is applied when they are called"
)
_FOOT = (
    "Each call is judged once more when it is made, by what it sends. An action that Pica does not list is no tool; it "
    "runs by its id, under the same rules."
)


def word(one: Verdict) -> str:
    """Return the verdict as a word."""
    return "undecided" if one.undecided else "refused" if one.reason else "allowed"


def is_wanted(one: Verdict, only: Only | None) -> bool:
    """Tell if it is listed. What is decided only when it is called may run, as far as anybody can tell."""
    return only is None or (word(one) == "refused") == (only == "refused")


def all_rows(settings: Settings, caller: Caller, recorded: str | None, found: Explanation) -> Iterator[Row]:
    """Yield what there is to say of the whole account. `recorded` is what the audit tells of the caller."""
    who = text.line(str(caller.identity), 100)
    yield Row("", f"What {who} may do through pica-mcp")
    yield Row("")
    yield from _headline_rows(settings, caller, recorded)
    if found.findings:
        yield Row("")
        yield Row("", "Settings to check")
    for finding in found.findings:
        yield Row(f"  {finding.setting}  ", f"{finding.part}: {finding.problem}")
    for view in found.views:
        yield Row("")
        yield Row("", f"{view.platform}{_share(view)}")
        yield from _view_rows(settings, caller, view)
    if not found.views:
        yield Row("")
        yield Row(
            "", f"Nothing is connected for {who}. A person can connect accounts: {how_to_connect(caller.identity)}"
        )
    yield from _other_rows(found)
    yield Row("")
    yield Row("", _FOOT)


def _headline_rows(settings: Settings, caller: Caller, recorded: str | None) -> Iterator[Row]:
    grant = caller.grant
    covered = ", ".join(_DOES[one] for one in Effect if grant.permission.covers(one))
    keys, patterns, platforms = grant.connection_keys, grant.actions, grant.platforms
    execution = "none: PICA_KNOWLEDGE_AGENT is true" if grant.knowledge_only else "yes"
    hashed = f", with identities hashed{f'; {caller.identity} is {recorded}' if recorded else ''}"
    told = {
        "Pica": "the embedded sandbox" if settings.sandbox else settings.base_url,
        "Environment": caller.environment(),
        "Execution": execution,
        "Permission": f"{grant.permission}: what {covered}",
        "Consent": f"{settings.consent}: {_CONSENT[settings.consent]}",
        "Platforms": "any" if platforms is None else f"of PICA_PLATFORMS: {_some(sorted(platforms))}",
        "Connections": "any of theirs" if keys is None else f"only the {len(keys):,} of PICA_CONNECTION_KEYS",
        "Actions": "any" if patterns is None else f"of PICA_ACTION_IDS: {_some(map(str, patterns))}",
        "Effects": f"by PICA_EFFECTS first: {_some(map(str, grant.effects))}" if grant.effects else "no rules of yours",
        "Audit": f"{settings.audit}{hashed if settings.audit_hash_callers else ''}",
    }
    for name, value in told.items():
        yield Row(f"  {name:<13}", value)


def _some(parts: Iterable[str]) -> str:
    parts = list(parts)
    more = f" and {len(parts) - _MAX_SHOWN:,} more" if len(parts) > _MAX_SHOWN else ""
    return f"{', '.join(parts[:_MAX_SHOWN])}{more}"


def _share(view: View) -> str:
    if view.problem or not view.usable:
        return ""
    return f": {sum(view.allowed.values()):,} of {len(view.verdicts):,} actions may run"


def _view_rows(settings: Settings, caller: Caller, view: View) -> Iterator[Row]:
    count = sum(link.reason is None for link in view.links)
    used = [_called(settings, link, choice=count > 1) for link in view.links if link.reason is None]
    if used:
        yield Row("  through    ", _some(used))
    unused = [(link, link.reason) for link in view.links if link.reason]
    for link, reason in unused[:_MAX_SHOWN]:
        yield Row("  not used   ", f"{_called(settings, link)}: {why(caller, reason, link.reconnect)}")
    if more := unused[_MAX_SHOWN:]:
        yield Row("  not used   ", f"{len(more):,} more")
    if view.problem:
        yield Row("  unknown    ", f"its actions cannot be told now. {view.problem}")
        return
    if not used:
        yield Row("  may run    ", "nothing")
        return
    asks = f" ({_ASKS[settings.consent]})" if view.asks else ""
    yield Row("  may run    ", f"{_counts(view.allowed)}{asks}" if view.allowed else "nothing")
    yield from _withheld_rows(caller, view)


def _withheld_rows(caller: Caller, view: View) -> Iterator[Row]:
    for reason, counts in view.refused.items():
        yield Row("  may not    ", f"{_counts(counts)}: {why(caller, reason)}")
    if view.undecided:
        yield Row("  undecided  ", f"{_counts(view.undecided)}: {_LISTS_TELL_LITTLE}")
    if not view.certain:
        yield Row("  note       ", _BY_LIST)
    if view.left_out:
        yield Row("  note       ", f"of Pica's list, {view.left_out:,} cannot be told from another, so it is no tool")


def _called(settings: Settings, link: Link, *, choice: bool = False) -> str:
    """Return what tells the connection. Which one is the default matters only where there is a choice."""
    default = "default, " if link.default and choice else ""
    recorded = f"; in the audit {link.audit}" if link.audit and settings.audit != "off" else ""
    return f"{link.label}{f' of {link.owner}' if link.owner else ''} ({default}{link.state}{recorded})"


def _counts(counts: Mapping[Effect, int]) -> str:
    return ", ".join(f"{count:,} {effect}" for effect, count in counts.items())


def _other_rows(found: Explanation) -> Iterator[Row]:
    if found.problem:
        yield Row("")
        yield Row("", f"What others have connected cannot be told. {found.problem}")
    if not found.others:
        return
    yield Row("")
    yield Row("", "Connections of others, which are not used")
    owners = list(found.others.items())
    width = min(_MAX_OWNER_CHARS, max(len(whose or "no identity") for whose, _ in owners[:_MAX_SHOWN]))
    for whose, platforms in owners[:_MAX_SHOWN]:
        each = (f"{platform} ({count:,})" if count > 1 else platform for platform, count in platforms.items())
        yield Row(f"  {whose or 'no identity':<{width}}  ", f"{sum(platforms.values()):,}: {_some(each)}")
    if more := owners[_MAX_SHOWN:]:
        count = sum(sum(platforms.values()) for _, platforms in more)
        yield Row("  ", f"{count:,} of {len(more):,} more identities; --json tells all")


def one_rows(settings: Settings, caller: Caller, recorded: str | None, view: View, only: Only | None) -> Iterator[Row]:
    """Yield what there is to say of one platform, and each of its actions, or `only` some."""
    who = text.line(str(caller.identity), 100)
    yield Row("", f"What {who} may do on {view.platform} through pica-mcp")
    yield Row("")
    yield from _headline_rows(settings, caller, recorded)
    yield Row("")
    yield Row("", f"{view.platform}{_share(view)}")
    if not view.links:
        yield Row(
            "  not used   ", f"no connection; a person can connect it: {how_to_connect(caller.identity, view.platform)}"
        )
    yield from _view_rows(settings, caller, view)
    groups: dict[str, list[Verdict]] = {}
    for one in view.verdicts:
        if is_wanted(one, only):
            groups.setdefault(_group(settings, caller, one), []).append(one)
    if not groups and not view.problem:
        yield Row("")
        yield Row(f"No action of it {'may run' if only == 'allowed' else 'is refused' if only else 'is known'}.")
    for heading in sorted(groups):
        yield Row("")
        yield Row("", f"{heading[1:]}: {len(groups[heading]):,}")
        width = min(_MAX_TOOL_CHARS, max(len(one.tool or _BY_ID) for one in groups[heading]))
        for one in groups[heading]:
            yield from _verdict_rows(one, width)
    yield Row("")
    yield Row("", _FOOT)


def _group(settings: Settings, caller: Caller, one: Verdict) -> str:
    """Return the heading of those that share the verdict, after a digit that puts headings in order."""
    match word(one):
        case "allowed":
            return f"1May run; {_ASKS[settings.consent]}" if one.asks else "0May run"
        case "undecided":
            return "2Decided when they are called"
        case _:
            return f"3May not run, {why(caller, one.reason)}"


def _verdict_rows(one: Verdict, width: int) -> Iterator[Row]:
    yield Row(f"  {one.effect:<11}  {one.tool or _BY_ID:<{width}}  ", one.request, whole=True)
    if not one.tool:
        yield Row("      ", f"{one.title or '(untitled)'}, {one.id or 'whose id Pica does not list'}")
    if one.rule:
        yield Row("      ", f"{one.effect} by PICA_EFFECTS: {one.rule}")
