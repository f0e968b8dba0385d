"""What benchmarks print: figures beside their floor and their limit, and whether each limit is met."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_COLUMNS = ("", "ours", "floor", "ours to floor", "limit", "")


@dataclass(frozen=True)
class Figure:
    """One row of a table. Without a limit, `met` is None."""

    what: str
    ours: str
    floor: str = ""
    compared: str = ""
    limit: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        mark = "" if self.met is None else "met" if self.met else "MISSED"
        return self.what, self.ours, self.floor, self.compared, self.limit, mark


def ratio(what: str, ours: Sequence[float], floor: Sequence[float], unit: str, most: float | None = None) -> Figure:
    """Medians, and how many times the floor ours is; at most so many."""
    mine, bare = median(ours), median(floor)
    limit, met = ("", None) if most is None else (f"{most:.2f} x", mine <= most * bare)
    return Figure(what, shown(mine, unit), shown(bare, unit), f"{mine / bare:.2f} x", limit, met)


def above(what: str, ours: Sequence[float], floor: Sequence[float], unit: str, most: float | None = None) -> Figure:
    """Medians, and how much more than the floor ours is; at most so much."""
    mine, bare = median(ours), median(floor)
    limit, met = ("", None) if most is None else (f"+{shown(most, unit)}", mine - bare <= most)
    return Figure(what, shown(mine, unit), shown(bare, unit), f"{mine - bare:+.2f} {unit}", limit, met)


def alone(
    what: str,
    value: float,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    floor: float | None = None,
) -> Figure:
    """One value, at most or at least so much; a floor is only there to compare it with."""
    beside = ("", "") if floor is None else (shown(floor, unit), f"{value / floor:.2f} x")
    if most is not None:
        return Figure(what, shown(value, unit), *beside, f"at most {shown(most, unit)}", value <= most)
    if least is not None:
        return Figure(what, shown(value, unit), *beside, f"at least {shown(least, unit)}", value >= least)
    return Figure(what, shown(value, unit), *beside)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def shown(value: float, unit: str) -> str:
    """A value with three digits that tell something."""
    digits = 0 if value == int(value) or value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def runs(about: str | None, usual: int = 20) -> int:
    """Read `--runs` from the command line; the program's docstring is its help."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--runs", type=int, default=usual, help=f"how often to measure each (default {usual})")
    return max(1, parser.parse_args().runs)


def report(title: str, figures: Sequence[Figure], *notes: str) -> int:
    """Print the table with its notes; return the exit code, 1 if a limit is missed."""
    table([_COLUMNS, *(figure.cells() for figure in figures)], title)
    for note in notes:
        print(f"  {note}")  # noqa: T201
    return int(any(figure.met is False for figure in figures))


def table(rows: Sequence[Sequence[str]], title: str) -> None:
    """Print rows of equal length in columns, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{title}")  # noqa: T201
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join((f"  {first.ljust(widths[0])}", *cells)).rstrip())  # noqa: T201
