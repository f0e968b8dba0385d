"""What commands that ask Pica have in common: the application is opened for one question, and closed again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import anyio

from pica_mcp.app import App, open_app
from pica_mcp.cli.streams import log_to_stderr
from pica_mcp.cli.waiting import waiting
from pica_mcp.errors import PicaError
from pica_mcp.models import Action
from pica_mcp.settings import Settings

AnswerT = TypeVar("AnswerT")

_WAIT_SECONDS = 3.0


def ask(settings: Settings, question: Callable[[App], Awaitable[AnswerT]]) -> AnswerT | PicaError:
    """Return what is answered, or why nothing is. No call is made, so the record of calls is left alone."""
    log_to_stderr(settings.log_level)
    return anyio.run(_asked, settings, question)


async def _asked(settings: Settings, question: Callable[[App], Awaitable[AnswerT]]) -> AnswerT | PicaError:
    async with open_app(replace(settings, audit="off")) as app, waiting("Asking Pica"):
        try:
            return await question(app)
        except PicaError as error:  # raised, it would come in a group
            return error


async def name_of(app: App, action: Action) -> str:
    """Return what the action's tool is called; empty if it has none, or that cannot be told in a moment."""
    with anyio.move_on_after(_WAIT_SECONDS), suppress(PicaError):  # it is of use without
        return await app.pipeline.names.name_of(action) or ""
    return ""
