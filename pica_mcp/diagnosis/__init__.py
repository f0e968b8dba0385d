"""The room of diagnosis: what is wrong with a set-up, told by its cause, and what to do about it.

Checks yield values and print nothing. Each has a deadline, those that do not need each other run side by side, and the
whole ends in a minute with what is known by then. Nothing is changed: no file is made for the record of calls or for
the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from pica_mcp.diagnosis.account import ask
from pica_mcp.diagnosis.cached import cached
from pica_mcp.diagnosis.configured import configured, judge
from pica_mcp.diagnosis.connected import Held
from pica_mcp.diagnosis.installed import Place, examine, here
from pica_mcp.diagnosis.program import versions
from pica_mcp.diagnosis.report import Group, Report, Result, Status, counts, exit_code
from pica_mcp.diagnosis.shown import tools
from pica_mcp.settings import Settings

__all__ = ["Case", "Group", "Place", "Result", "Status", "counts", "diagnose", "exit_code"]

_WHOLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be looked into."""

    place: Place
    flags: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    sandbox: bool = False
    starts: bool = True
    """Whether entries of clients are started."""
    projects: bool = False
    """Whether those of the project's folder are, too."""


async def diagnose(case: Case, show: Callable[[Result], None], seconds: float = _WHOLE_SECONDS) -> tuple[Result, ...]:
    """Return what all checks found; `show` is told of each as soon as those before it are there."""
    report = Report(show)
    with anyio.move_on_after(seconds):
        report.add(*versions(case.place.environ))
        report.end(Group.PROGRAM)
        judged = judge(case.flags, case.place.environ, sandbox=case.sandbox)
        report.add(*configured(judged))
        report.end(Group.SETTINGS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_clients, case, report)
            if judged.settings:
                tasks.start_soon(_account, judged.settings, here(case.place), report)
            else:
                asking = (Group.NETWORK, Group.SECRET, Group.IDENTITY, Group.CONNECTIONS, Group.CACHE, Group.TOOLS)
                report.skip("the settings cannot be read", *asking)
    report.give_up(seconds)
    return report.results


async def _clients(case: Case, report: Report) -> None:
    await examine(case.place, report, starts=case.starts, projects=case.projects)
    report.end(Group.CLIENTS)


async def _account(settings: Settings, installed: frozenset[str], report: Report) -> None:
    async with anyio.create_task_group() as tasks:

        async def look(secret: str | None) -> None:
            report.add(*await anyio.to_thread.run_sync(cached, settings, secret, abandon_on_cancel=True))
            report.end(Group.CACHE)

        def learned(secret: str | None) -> None:
            tasks.start_soon(look, secret)

        async def go_on(held: Held) -> None:
            report.add(*await tools(settings, held.app, installed))
            report.end(Group.TOOLS)

        await ask(settings, report, learned, go_on)
