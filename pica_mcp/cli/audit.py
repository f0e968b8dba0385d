"""`pica-mcp audit`: who used what, how often, and what failed or was refused, by the record of calls."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pica_mcp import text
from pica_mcp.audit import Outcome, files_of
from pica_mcp.cli.listing import print_listing
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import complain
from pica_mcp.cli.terminal import cell, notes, print_json
from pica_mcp.errors import InvalidArguments, InvalidSettings, OperatorError
from pica_mcp.settings import Settings
from pica_mcp.usage import SIDES, Call, Share, Side, Trouble, Usage, lines_of

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,5})([mhdw])")
_MAX_SHOWN = 10
_OVERVIEW: tuple[Side, ...] = ("caller", "platform", "tool")
"""What calls are counted by unless something else is asked for."""

_NAMELESS: dict[Side, str] = {
    "caller": "(unknown)",
    "platform": "(no platform)",
    "tool": "(unknown tool)",
    "connection": "(no connection)",
}
_HASHES = "A connection is told by its hash; pica-mcp explain tells which account has which."
_SET = "Set PICA_AUDIT to a file, such as /var/log/pica-mcp.jsonl, for the server and here; or name files to read."


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell by the record of calls who used what, how often, how long it took, and what failed or was refused and "
        "why. It reads the file that PICA_AUDIT names, with those that were put aside when it was full, or the files "
        "that are given. It needs no secret and no network. Times are UTC.",
        "pica-mcp audit --audit /var/log/pica-mcp.jsonl",
        "pica-mcp audit calls.jsonl --since 7d --by caller",
        "pica-mcp audit calls.jsonl --since 2026-11-01 --failures --json",
    )
    parser.add_argument("file", nargs="*", metavar="FILE", help="read these files instead")
    parser.add_argument("--since", type=_since, metavar="TIME", help="leave out what is older: 7d, 12h or 2026-11-01")
    parser.add_argument("--by", choices=SIDES, help="list all of this kind, with their calls")
    parser.add_argument("--failures", action="store_true", help="count only calls that failed or were refused")
    add_format(parser)
    add_settings(parser)


def _since(written: str) -> datetime:
    now = datetime.now(UTC)
    try:
        if ago := _AGO.fullmatch(written):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(written)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        problem = "must be a time such as 7d, 12h, 2026-11-01 or 2026-11-01T08:30"
        raise argparse.ArgumentTypeError(problem) from None


def run(arguments: argparse.Namespace) -> int:
    """Print it: 0 also if nothing is recorded yet; 2 if there is no record or no such file."""
    given = [Path(name) for name in arguments.file]
    files = given or _recorded(settings_of(arguments, keyless=True))
    usage = Usage(arguments.since, arguments.failures)
    for path in files:
        _read(usage, path, named=bool(given))
    sides = (arguments.by,) if arguments.by else _OVERVIEW
    if as_json(arguments):
        print_json(_document(usage, files, sides))
    elif usage.calls:
        _print_report(usage, sides, alone=bool(arguments.by))
    if usage.malformed:
        complain(f"{usage.malformed:,} of {usage.lines:,} lines left out: they tell of no call.")
    if not usage.calls:
        notes().print(_nothing(usage, files), soft_wrap=True)
    return 0


# Reading


def _recorded(settings: Settings) -> list[Path]:
    """Return the file that calls are recorded in, after those that were put aside. Raises `InvalidSettings`."""
    where, name = settings.audit, settings.named("audit")
    if where in ("stderr", "off"):
        told = "so calls are not recorded" if where == "off" else "so no file holds the record of calls"
        raise InvalidSettings(f"{name} is {where}, {told}.", _SET)
    try:
        return files_of(where)
    except ValueError as error:
        raise InvalidSettings(f"{name} is {where!r}, but must be {error}.", "Correct it.") from None
    except RuntimeError:
        raise InvalidSettings(f"{name} is {where!r}, but there is no such home.", "Give a full path.") from None


def _read(usage: Usage, path: Path, *, named: bool) -> None:
    """Count the file in. One that is not there is an error only where it was named: a server may not have begun."""
    try:
        with path.open("rb") as file:
            usage.read(lines_of(file))
    except FileNotFoundError:
        if named:
            raise InvalidArguments(f"There is no file {str(path)!r}.", "Name one with lines of the record.") from None
    except OSError as error:
        told = error.strerror or type(error).__name__
        raise OperatorError(f"{str(path)!r} cannot be read: {told}.", "Correct that, or name another file.") from None


# Telling


def _document(usage: Usage, files: Sequence[Path], sides: Sequence[Side]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "since": _iso(usage.since),
        "first": _iso(usage.first),
        "last": _iso(usage.last),
        "lines": usage.lines,
        "malformed": usage.malformed,
        "older": usage.older,
        "calls": usage.calls,
        "asked": usage.asked,
        "outcomes": {one: usage.outcomes[one] for one in Outcome if one is not Outcome.ASKED},
        "failures_only": usage.troubles_only,
        "by": {side: [{side: name or None, **_facts(share)} for name, share in usage.shares(side)] for side in sides},
        "failures": [_failure(trouble, share) for trouble, share in usage.worst()],
        "slowest": [_slow(call) for call in usage.slowest],
    }


def _iso(time: datetime | None) -> str | None:
    return time and time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facts(share: Share) -> dict[str, Any]:
    return {
        "calls": share.calls,
        "failed": share.failed,
        "refused": share.refused,
        "mean_ms": round(share.ms / share.calls, 1),
        "longest_ms": share.longest_ms,
        "last": _iso(share.last),
    }


def _failure(trouble: Trouble, share: Share) -> dict[str, Any]:
    named = {name: value or None for name, value in asdict(trouble).items()}
    return {**named, "calls": share.calls, "last": _iso(share.last)}


def _slow(call: Call) -> dict[str, Any]:
    named = {side: getattr(call, side) or None for side in SIDES}
    return {"time": _iso(call.time), "ms": call.ms, **named, "outcome": call.outcome, "why": call.why or None}


def _print_report(usage: Usage, sides: Sequence[Side], *, alone: bool) -> None:
    print_rows(_heading(usage))
    for side in sides:
        _print_shares(usage, side, most=None if alone else _MAX_SHOWN)
    if "connection" in sides:
        print_rows([Row(""), Row("", _HASHES)])
    if not alone or usage.troubles_only:
        _print_troubles(usage, most=None if usage.troubles_only else _MAX_SHOWN)
    if not alone and not usage.troubles_only:
        _print_slowest(usage)


def _heading(usage: Usage) -> Iterator[Row]:
    ways = ", ".join(f"{usage.outcomes[one]:,} {one}" for one in Outcome if usage.outcomes[one])
    yield Row("Calls     ", f"{usage.calls:,}: {ways}")
    yield Row("Time      ", f"{_minute(usage.first)} to {_minute(usage.last)} UTC")
    if usage.asked:
        yield Row("Asked     ", f"{usage.asked:,} more, until a person answers; the answer is a call of its own")
    if usage.troubles_only:
        yield Row("Below     ", "only calls that failed or were refused")


def _minute(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def _print_shares(usage: Usage, side: Side, most: int | None) -> None:
    shares = usage.shares(side)
    _print_heading(f"By {side}", len(shares), most, f"--by {side} lists all")
    rows = [
        (
            cell(name or _NAMELESS[side], "bold"),
            f"{share.calls:,}",
            cell(f"{share.failed:,}" if share.failed else "", "red"),
            cell(f"{share.refused:,}" if share.refused else "", "yellow"),
            _ms(share.ms / share.calls),
            _ms(share.longest_ms),
            f"{share.last:%Y-%m-%d}",
        )
        for name, share in shares[:most]
    ]
    if rows:
        print_listing([side, "calls", "failed", "refused", "mean", "longest", "last"], rows)


def _print_troubles(usage: Usage, most: int | None) -> None:
    worst = usage.worst()
    _print_heading("Failed or refused", len(worst), most, "--failures lists all")
    rows = [
        (
            cell(trouble.platform or _NAMELESS["platform"], "bold"),
            trouble.tool or _NAMELESS["tool"],
            cell(trouble.outcome, "yellow" if trouble.outcome is Outcome.DENIED else "red"),
            trouble.why,
            f"{share.calls:,}",
        )
        for trouble, share in worst[:most]
    ]
    if rows:
        print_listing(["platform", "tool", "outcome", "why", "calls"], rows)


def _print_slowest(usage: Usage) -> None:
    _print_heading("Slowest", 0, None, "")
    rows = [
        (cell(call.tool or _NAMELESS["tool"], "bold"), _ms(call.ms), call.outcome, call.caller, _minute(call.time))
        for call in usage.slowest[:_MAX_SHOWN]
    ]
    print_listing(["tool", "took", "outcome", "caller", "time"], rows)


def _print_heading(name: str, count: int, most: int | None, how: str) -> None:
    more = count - most if most and count > most else 0
    print_rows([Row(""), Row("", f"{name} ({more:,} more; {how})" if more else name, style="bold")])


def _ms(ms: float) -> str:
    return f"{ms / 1000:,.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _nothing(usage: Usage, files: Sequence[Path]) -> str:
    where = text.line(", ".join(str(path) for path in files))
    if usage.older:
        return f"Nothing is recorded since {_minute(usage.since)} UTC; {usage.older:,} calls are older."
    return f"Nothing is recorded in {where}. A server whose PICA_AUDIT names it records each call of a tool there."
