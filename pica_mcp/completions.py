"""The room of completions: what variables of resources and arguments of prompts may be, of what the caller may see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import anyio
import mcp_types as mcp

from pica_mcp import prompts, text
from pica_mcp.access import Caller, admit_platform, offered, visible
from pica_mcp.accounts import by_platform
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import LANGUAGES, Names
from pica_mcp.errors import PicaError, UnknownResource
from pica_mcp.models import Action
from pica_mcp.resources import ONE_ACTION, ONE_CONNECTION, ONE_PLATFORM

_MAX_VALUES = 100
"""The protocol's limit."""

_WAIT_SECONDS = 3.0
"""A person is typing."""


class Completions:
    """Values for the variables of resource templates and the arguments of prompts."""

    def __init__(self, catalog: Catalog, names: Names) -> None:
        self._catalog = catalog
        self._names = names

    async def complete(
        self, caller: Caller, template: str, variable: str, typed: str, given: Mapping[str, str]
    ) -> mcp.Completion:
        """Return the values that fit what is typed, those that begin with it first; `given` are the other variables.

        What Pica cannot tell is left out, and all that would come after the time is over. Raises `UnknownResource`
        if there is no such template.
        """
        if template not in (ONE_CONNECTION, ONE_PLATFORM, ONE_ACTION):
            raise UnknownResource(f"There is no resource template {text.line(repr(template), 120)}.")
        everywhere = template == ONE_PLATFORM
        candidates = self._candidates(caller, variable, given, typed, everywhere=everywhere)
        return await _fitting(typed, candidates, ends=variable == "id")

    async def complete_prompt(self, caller: Caller, name: str, argument: str, typed: str) -> mcp.Completion:
        """Return the values of a prompt's argument that fit what is typed, alike. Raises `UnknownPrompt`."""
        variable = argument if argument in prompts.takes(caller, name) else ""
        if variable == "language":
            return await _fitting(typed, _languages())
        return await _fitting(typed, self._candidates(caller, variable, {}, typed, everywhere=True))

    async def _candidates(
        self, caller: Caller, variable: str, given: Mapping[str, str], typed: str, *, everywhere: bool
    ) -> AsyncIterator[tuple[str, str]]:
        """Yield each value with the words by which people may look for it; if `everywhere`, of all platforms."""
        known = await self._catalog.known_connections(caller.identity)
        own = by_platform(caller, visible(caller, known.value))
        if variable == "platform":
            for platform in own:
                yield platform, ""
            others = await self._catalog.platforms() if everywhere else ()
            for other in (other for other in others if not admit_platform(caller, other.platform)):
                yield other.platform, other.name
        elif variable == "label":
            for platform in [given["platform"]] if given.get("platform") else own:
                for label in own.get(platform, ()):
                    yield label, ""
        elif variable == "id":
            for platform in own:
                async for candidate in self._actions(caller, platform, typed):
                    yield candidate

    async def _actions(self, caller: Caller, platform: str, typed: str) -> AsyncIterator[tuple[str, str]]:
        named: Mapping[str, Action] = {}
        with suppress(PicaError):  # the other platforms can still be told
            named = await self._names.of(platform)
        for name, action in named.items():
            words = f"{name} {action.title}"
            # An id that is not shown as it is could not be used either.
            if _fits(typed, action.id, words) and action.id == text.line(action.id) and offered(caller, action):
                yield action.id, words


async def _languages() -> AsyncIterator[tuple[str, str]]:
    for language in LANGUAGES:
        yield language, ""


def _fits(typed: str, value: str, words: str) -> bool:
    return bool(value) and typed.casefold() in f"{value} {words}".casefold()


async def _fitting(typed: str, candidates: AsyncIterator[tuple[str, str]], *, ends: bool = False) -> mcp.Completion:
    """Return the values that have what is typed in them or their words, as far as they come in time.

    If it `ends`, no more are looked for than can be shown, and nobody is told how many there are.
    """
    values: dict[str, bool] = {}
    with anyio.move_on_after(_WAIT_SECONDS), suppress(PicaError):
        async for value, words in candidates:
            if _fits(typed, value, words):
                values.setdefault(value, value.casefold().startswith(typed.casefold()))
            if ends and len(values) > _MAX_VALUES:
                break
    ranked = sorted(values, key=lambda value: not values[value])
    more = len(ranked) > _MAX_VALUES
    return mcp.Completion(values=ranked[:_MAX_VALUES], total=None if ends and more else len(ranked), has_more=more)
