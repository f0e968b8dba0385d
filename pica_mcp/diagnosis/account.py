"""What Pica tells: whether it can be reached and takes the secret, whom it knows, what is connected.

Each question waits for the one before it, since what fails there would only fail again. The application is opened as a
server opens it, except that nothing is kept on disk and no call recorded.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import anyio
import anyio.to_thread

from pica_mcp import text
from pica_mcp.access import Caller, Identity
from pica_mcp.app import App, open_app
from pica_mcp.diagnosis.cache import cached
from pica_mcp.diagnosis.connections import Held, connections, identity
from pica_mcp.diagnosis.found import others_read
from pica_mcp.diagnosis.network import Way, probe
from pica_mcp.diagnosis.report import Group, Report, Result, Status, parted
from pica_mcp.diagnosis.settings import is_keyless
from pica_mcp.diagnosis.subject import Subject
from pica_mcp.diagnosis.tools import shown
from pica_mcp.errors import PicaError, SecretRefused, SecretUnavailable, TimedOut, Unreachable
from pica_mcp.models import Whoami
from pica_mcp.secret import File, Fixed
from pica_mcp.settings import KEYS_PAGE, Settings

_ANSWER_SECONDS = 14.0
_AGAIN = "Check PICA_BASE_URL; if it is right, run doctor again in a minute."
_NOT_FOUND = 404
_AFTER_SECRET = (Group.IDENTITY, Group.CONNECTIONS, Group.TOOLS)

AnswerT = TypeVar("AnswerT")


async def ask(settings: Settings, subject: Subject, installed: Collection[str], report: Report) -> None:
    """Ask Pica one thing after the other, and look at the disk meanwhile, which holds nothing else up.

    The list of tools is held against the clients that are `installed`.
    """
    report.add(*subject.unshared)
    way: list[Result] = []
    secret: str | None = None

    async def look() -> None:
        way.extend([] if settings.sandbox else await probe(_way(settings, subject)))

    async with anyio.create_task_group() as aside:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            secret = await _read(settings, report)
            aside.start_soon(_look_at_disk, settings, secret, subject, report)
        if secret is None:
            report.add(*way)
            report.end(Group.NETWORK, Group.SECRET)
            report.skip("without a secret, Pica tells nothing", *_AFTER_SECRET)
            return
        known = settings if settings.sandbox else replace(settings, secret=Fixed(secret, settings.secret.variable))
        async with open_app(replace(known, audit="off", cache=None)) as app:
            if await _asked(settings, subject, app, report, way):
                report.add(*await shown(settings, subject, app, installed))
                report.end(Group.TOOLS)


async def _look_at_disk(settings: Settings, secret: str | None, subject: Subject, report: Report) -> None:
    clear = subject.by_hand("cache clear")
    report.add(await anyio.to_thread.run_sync(cached, settings, secret, clear, abandon_on_cancel=True))
    report.end(Group.CACHE)


def _way(settings: Settings, subject: Subject) -> Way:
    where = f" in the env of {subject.origin}" if subject.origin else ""
    return Way(settings.base_url, settings.proxy, settings.ca_file, where)


async def _asked(settings: Settings, subject: Subject, app: App, report: Report, way: Sequence[Result]) -> bool:
    """Tell of everything but the tools, and return if Pica answers so far."""
    answer = await answered(_ANSWER_SECONDS, app.pipeline.api.whoami())
    report.add(*_network(settings, way, answer))
    report.end(Group.NETWORK)
    report.add(*_accepted(settings, app.caller, answer, subject.another_key))
    report.end(Group.SECRET)
    if isinstance(answer, PicaError):
        refused = isinstance(answer, SecretRefused)
        report.skip("Pica does not take the secret" if refused else "Pica cannot be asked", *_AFTER_SECRET)
        return False
    own = await answered(_ANSWER_SECONDS, app.catalog.connections(app.caller.identity))
    if isinstance(own, PicaError):
        report.add(Result(Group.IDENTITY, "identity", Status.FAILURE, *parted(own)))
        report.end(Group.IDENTITY)
        report.skip("Pica does not tell what is connected", Group.CONNECTIONS, Group.TOOLS)
        return False
    everyone = await answered(_ANSWER_SECONDS, app.catalog.connections(Identity()))
    problem = str(everyone) if isinstance(everyone, PicaError) else ""
    held = Held(own, own if isinstance(everyone, PicaError) else everyone, problem)
    in_entry = settings.origins["identity"].kind == "environment"
    report.add(identity(app.caller, held, subject.entry if in_entry else None))
    report.end(Group.IDENTITY)
    report.add(*connections(app.caller, held, subject.by_hand("connections")))
    report.end(Group.CONNECTIONS)
    return True


async def answered(seconds: float, answer: Awaitable[AnswerT]) -> AnswerT | PicaError:
    """Return the answer, or why there is none: raised, it would come in a group."""
    with anyio.move_on_after(seconds):
        try:
            return await answer
        except PicaError as error:
            return error
    return TimedOut(f"Pica did not answer within {seconds:.0f} s.", "Run doctor again in a minute.")


# The secret and the network


async def _read(settings: Settings, report: Report) -> str | None:
    """Return the secret, None if it cannot be had, and tell of that."""
    group, source = Group.SECRET, settings.secret
    if settings.sandbox:
        report.add(Result(group, "source", Status.OK, "the sandbox's own"))
        return ""
    if is_keyless(settings):
        report.add(Result(group, "source", Status.SKIPPED, "no key is set"))
        return None
    try:
        value = await source.read()
    except SecretUnavailable as error:
        found, cure = parted(error)
        cure = cure.replace("Put it right", f"Put {source.variable} right, or say otherwise where the secret is")
        report.add(Result(group, "source", Status.FAILURE, found, cure))
        return None
    report.add(Result(group, "source", Status.OK, f"read as {source.variable} says"), *_exposed(source))
    return value


def _exposed(source: object) -> Iterator[Result]:
    with suppress(OSError):
        if isinstance(source, File) and others_read(source.path):
            found = f"others on this machine may read {source.path}"
            yield Result(Group.SECRET, "file", Status.WARNING, found, f"Run: chmod 600 {shlex.quote(str(source.path))}")


def _network(settings: Settings, way: Sequence[Result], answer: Whoami | PicaError) -> Iterator[Result]:
    """Yield the steps of the way and what answers at its end, which counts for more than they do."""
    where = "the embedded sandbox" if settings.sandbox else settings.base_url
    if isinstance(answer, Whoami | SecretRefused):
        yield from map(_as_note, way)
        yield Result(Group.NETWORK, "Pica", Status.OK, f"{where} answers")
    elif answer.status is not None:
        yield from map(_as_note, way)
        cure = "Check the path in PICA_BASE_URL." if answer.status == _NOT_FOUND else _AGAIN
        yield Result(Group.NETWORK, "Pica", Status.FAILURE, *parted(answer, cure))
    else:
        yield from way
        if all(result.status is not Status.FAILURE for result in way):
            yield Result(Group.NETWORK, "Pica", Status.FAILURE, *_garbled(settings, answer))


def _as_note(result: Result) -> Result:
    """Requests do get through, so what the probe met does not matter."""
    return replace(result, status=Status.NOTE, cure="") if result.status is Status.FAILURE else result


def _garbled(settings: Settings, error: PicaError) -> tuple[str, str]:
    """Return what is wrong where something answers, and it is not what Pica answers."""
    found, cure = parted(error)
    if isinstance(error, Unreachable):  # time alone will not help
        page = f"Open {settings.base_url} in a browser"
        cure = f"{page}: a sign-in page, a proxy or a filter may answer in its place; else check PICA_BASE_URL."
    return found, cure


def _accepted(settings: Settings, caller: Caller, answer: Whoami | PicaError, another_key: str) -> Iterator[Result]:
    group = Group.SECRET
    if isinstance(answer, SecretRefused):
        cure = another_key or f"Copy a key anew from {KEYS_PAGE} to where {settings.secret.variable} says."
        yield Result(group, "accepted", Status.FAILURE, "Pica refuses it: it is wrong, or was rotated", cure)
    elif isinstance(answer, PicaError):
        yield Result(group, "accepted", Status.SKIPPED, "Pica cannot be asked")
    else:
        yield Result(group, "accepted", Status.OK, f"by Pica, as {_whose(answer)}")
        sees = "sees live connections only" if caller.environment() == "live" else "sees test connections only"
        status = Status.OK if caller.environment() == "live" else Status.NOTE
        yield Result(group, "environment", status, f"{caller.environment()}: {sees}")


def _whose(answer: Whoami) -> str:
    facts = (answer.user, answer.organization, answer.project)
    named = [text.line(str(one.get("name") or one.get("email") or one.get("id") or ""), 60) for one in facts]
    return ", ".join(filter(None, named)) or "whom it does not tell"
