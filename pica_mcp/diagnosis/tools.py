"""The tools that a client is shown, against what each known client can take, and the settings that mean nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import anyio

from pica_mcp import explanation, findings
from pica_mcp.app import App
from pica_mcp.clients import CLIENTS, Client
from pica_mcp.diagnosis.report import Group, Result, Status, parted
from pica_mcp.diagnosis.subject import Subject
from pica_mcp.errors import PicaError
from pica_mcp.settings import Settings
from pica_mcp.toolbox.budget import Survey

_LIST_SECONDS = 20.0
_VAIN_SECONDS = 8.0
_MANY_TOKENS = 10_000
_SERVER = "pica"
_LEAST_NAME_CHARS = 20
"""Of PICA_TOOL_NAME_MAX."""


async def shown(settings: Settings, subject: Subject, app: App, installed: Collection[str]) -> list[Result]:
    """Return how the list of tools is, for the clients that are `installed` and, in a line, for the others."""
    survey: Survey | None = None
    with anyio.move_on_after(_LIST_SECONDS):
        try:
            survey = await app.pipeline.toolbox.settled(app.caller)
        except PicaError as error:
            return [Result(Group.TOOLS, "list", Status.NOTE, *parted(error))]
    if survey is None:
        found = f"Pica has not told all actions within {_LIST_SECONDS:.0f} s"
        cure = f"Run {subject.by_hand('cache refresh')} once, and see {subject.by_hand('tokens')}."
        return [Result(Group.TOOLS, "list", Status.NOTE, found, cure)]
    explain = subject.by_hand("explain")
    listed = [_of_list(settings, survey, explain), *fitting(names_of(survey), installed)]
    return [*listed, *await _in_vain(settings, app, explain)]


def names_of(survey: Survey) -> list[str]:
    """Return what the tools are called."""
    return [tool.definition.name for tool in survey.tools]


def _of_list(settings: Settings, survey: Survey, explain: str) -> Result:
    cost = sum(choice.tokens for choice in (*survey.fixed, *survey.direct))
    found = f"{len(survey.tools):,} tools, of which {len(survey.direct):,} are actions; {cost:,} tokens of definitions"
    if not survey.complete:
        cure = f"Run doctor again in a minute; if it stays so, {explain} tells of which platform."
        return Result(Group.TOOLS, "list", Status.WARNING, f"{found}; Pica did not tell all actions", cure)
    if cost > _MANY_TOKENS:
        cure = "Let PICA_TOOLS be auto, and PICA_MAX_TOOL_TOKENS at most 7000; what is not listed is found by search."
        return Result(Group.TOOLS, "list", Status.WARNING, found, cure)
    return Result(Group.TOOLS, "list", Status.OK, f"{found} (PICA_TOOLS is {settings.tools})")


# Against the limits of clients


def fitting(names: Sequence[str], installed: Collection[str]) -> Iterator[Result]:
    """Yield for each installed client if these tools fit it, and one line for all the others."""
    others: list[str] = []
    for client in CLIENTS:
        excess = [*excesses(client, _SERVER, names)]
        if client.name in installed:
            yield of_client(Group.TOOLS, client.title, excess, f"all {len(names):,} tools fit")
        elif excess:
            others.append(f"{client.title} ({excess[0][0]})")
    rest = [client.title for client in CLIENTS if client.name not in installed]
    if rest:
        found = f"would not fit as they are: {'; '.join(others)}" if others else f"would fit: {', '.join(rest)}"
        yield Result(Group.TOOLS, "clients not installed", Status.NOTE, found)


def of_client(group: Group, name: str, excess: Sequence[tuple[str, str]], well: str) -> Result:
    """Return whether the client can take its tools."""
    if not excess:
        return Result(group, name, Status.OK, well)
    found, cures = "; ".join(wrong for wrong, _ in excess), "; ".join(cure for _, cure in excess)
    return Result(group, name, Status.WARNING, found, f"For this client, {cures}.")


def excesses(client: Client, server: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what is too much for the client, if the server has that name there, and what would be right."""
    if client.max_tools is not None and len(names) > client.max_tools:
        wrong = f"{len(names):,} tools are more than the {client.max_tools:,} that it takes of all servers together"
        yield wrong, f"set PICA_MAX_TOOLS to less than {client.max_tools:,}, with PICA_TOOLS at auto"
    room = client.room_for_name(server)
    longest = max(map(len, names), default=0)
    if room is not None and longest > room:
        count = sum(len(name) > room for name in names)
        wrong = f"{count:,} names of tools are longer than the {room} characters that it leaves them"
        shorter = room >= _LEAST_NAME_CHARS
        yield wrong, f"set PICA_TOOL_NAME_MAX to {room}" if shorter else f"give the server a shorter name than {server}"


# What is set in vain


async def _in_vain(settings: Settings, app: App, explain: str) -> list[Result]:
    """Return the settings of which a part means nothing; nothing where Pica does not tell."""
    lists = findings.lists(settings.pins, settings.exclusions)
    with anyio.move_on_after(_VAIN_SECONDS):
        try:
            found = await explanation.in_vain(app.caller, app.catalog, app.pipeline.names, lists)
        except PicaError as error:
            return [Result(Group.TOOLS, "settings", Status.NOTE, *parted(error))]
        return [
            Result(
                Group.TOOLS,
                one.setting,
                Status.WARNING,
                f"{one.part}: {one.problem}",
                f"Correct it or take it out; {explain} tells what these settings allow.",
            )
            for one in found
            if one.setting != "PICA_IDENTITY"
        ]
    return []
