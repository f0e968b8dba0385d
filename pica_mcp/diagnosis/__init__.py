"""The room of diagnosis: what is wrong with a set-up, told by its cause, and what to do about it.

Checks yield values and print nothing. Each has a deadline, those that do not need each other run side by side, and all
is told in a minute, as far as it is known by then. No file is made for the record of calls or for the catalogue; a
catalogue that is there already is brought up to date by a server that is started, as by any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio

from pica_mcp.clients import Machine
from pica_mcp.clients.shell import spelt
from pica_mcp.diagnosis.account import ask
from pica_mcp.diagnosis.found import Looked, here, look
from pica_mcp.diagnosis.installed import examine
from pica_mcp.diagnosis.program import versions
from pica_mcp.diagnosis.report import Group, Report, Result, Status, counts, exit_code
from pica_mcp.diagnosis.settings import Judged, configured, judge
from pica_mcp.diagnosis.subject import Subject, choose, given, says_nothing

__all__ = ["Case", "Group", "Result", "Status", "counts", "diagnose", "exit_code"]

_WHOLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be looked into."""

    machine: Machine
    flags: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    sandbox: bool = False
    starts: bool = True
    """Whether entries of clients are started."""
    projects: bool = False
    """Whether those of the project's folder are, too."""
    client: str = ""
    """CLIENT or CLIENT/NAME, whose settings are looked into; empty for those given here, or of any if none are."""


async def diagnose(case: Case, show: Callable[[Result], None], seconds: float = _WHOLE_SECONDS) -> tuple[Result, ...]:
    """Return what all checks found; `show` is told of each as soon as those before it are there."""
    machine = case.machine
    report = Report(show, spelt(machine.environ, machine.folder))
    with anyio.move_on_after(seconds):
        report.add(*versions(machine.environ))
        report.end(Group.PROGRAM)
        subject, looked = await _subject(case)
        judged = Judged(None, {}) if subject.why_not else judge(case.flags, subject.environ, sandbox=subject.sandbox)
        report.add(*subject.told, *configured(judged, subject.keyless, subject.origin))
        report.end(Group.SETTINGS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_clients, case, looked, report)
            if judged.settings:
                tasks.start_soon(ask, subject.located(judged.settings), subject, here(machine), report)
            else:
                asking = (Group.NETWORK, Group.SECRET, Group.IDENTITY, Group.CONNECTIONS, Group.CACHE, Group.TOOLS)
                report.skip("there are no settings to look with", *asking)
    report.give_up(seconds)
    return report.results


async def _subject(case: Case) -> tuple[Subject, Looked | None]:
    """Return what is looked into, and the clients' files if that took reading them."""
    if not case.client and not says_nothing(case.machine, case.flags, sandbox=case.sandbox):
        return given(case.machine, sandbox=case.sandbox), None
    looked = await look(case.machine, case.client.partition("/")[0])
    return choose(looked, case.machine, case.client, sandbox=case.sandbox, projects=case.projects), looked


async def _clients(case: Case, looked: Looked | None, report: Report) -> None:
    looked = looked or await look(case.machine)
    await examine(looked, case.machine, report, starts=case.starts, projects=case.projects)
    report.end(Group.CLIENTS)
