"""The room of ready-made requests: what a person can pick from a client's menu, with what is connected put in.

What the person types is theirs and stands as it is, bounded; what others wrote, such as labels, stands in a fence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import anyio
import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import Caller, visible
from pica_mcp.accounts import by_platform
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import LANGUAGES
from pica_mcp.errors import InvalidArguments, PicaError, UnknownPrompt

_MAX_ARGUMENT_CHARS = 4_000
_MAX_CONNECTED_CHARS = 4_000
_WAIT_SECONDS = 3.0
"""A person is waiting for a menu."""


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request. `arguments`: name → what it is; `needs` are required. `executes`: it makes calls."""

    title: str
    description: str
    arguments: Mapping[str, str]
    needs: tuple[str, ...]
    executes: bool
    write: Callable[[Mapping[str, str]], str]


_TASK, _PLATFORM = "What you want done, in your own words.", "A platform, such as gmail."


def _do(given: Mapping[str, str]) -> str:
    return (
        "Do this task with the accounts that are connected through Pica:\n\n"
        f"{given['task']}\n\n"
        "First say in a line or two which platforms and actions it takes. Use tools that are named after a platform "
        "where they fit, and search_pica_platform_actions for what they do not cover. Read before you write; ask me "
        "where several accounts or records fit, and before you change more than I asked for. If a platform is not "
        "connected, say so and how I connect it. At the end, say what you changed, where, and what failed."
    )


def _integrate(given: Mapping[str, str]) -> str:
    language = given.get("language", LANGUAGES[0])
    where = f" on {given['platform']}" if given.get("platform") else ""
    return (
        f"Write {language} code that does this{where} through Pica's passthrough API:\n\n"
        f"{given['task']}\n\n"
        "Find the actions with search_pica_platform_actions (agentType 'knowledge'), read what they need with "
        "get_pica_action_knowledge, and take each request from build_pica_request "
        f"(language '{language}'). Keep secrets in environment variables, as it does. Check HTTP statuses, follow the "
        "pages of lists, wait as Retry-After says, and never repeat a write whose outcome is unknown. Say which "
        "connections and rights the code needs."
    )


def _check(given: Mapping[str, str]) -> str:
    only = f" of {given['platform']}" if given.get("platform") else ""
    return (
        f"Check the health of my connected accounts{only}. Look at them with list_pica_integrations. For each one that "
        "works, make one harmless call that only reads (a profile, or a list of one item) with read_pica_action. Then "
        "give me a table: platform, account, state, what the call showed, and for each that does not work what I have "
        "to do. Change nothing."
    )


def _explore(given: Mapping[str, str]) -> str:
    platform = given["platform"]
    return (
        f"What can I do with {platform} here? Tell me whether it is connected and as whom (list_pica_integrations), "
        f"and look at its actions with search_pica_platform_actions (platform '{platform}', several searches). Group "
        "them by what they are about, say which only read and which change or delete, and give five examples of what I "
        "could ask you to do with it, from simple to advanced. Run nothing."
    )


_PROMPTS: Mapping[str, _Prompt] = {
    "do_task": _Prompt(
        "Do a task across my platforms", "Plan and do a task with whatever is connected.", {"task": _TASK}, ("task",),
        executes=True, write=_do,
    ),
    "write_integration": _Prompt(
        "Write integration code", "Write code for a task against Pica's passthrough API.",
        {"task": "What the code should do.", "platform": _PLATFORM, "language": f"One of {', '.join(LANGUAGES)}."},
        ("task",), executes=False, write=_integrate,
    ),
    "check_connections": _Prompt(
        "Check my connections", "Try each connected account with a harmless read, and say what needs attention.",
        {"platform": f"{_PLATFORM} Without it: all."}, (), executes=True, write=_check,
    ),
    "explore_platform": _Prompt(
        "What can I do with a platform?", "Show what a platform's actions can do, with examples.",
        {"platform": _PLATFORM}, ("platform",), executes=False, write=_explore,
    ),
}  # fmt: skip


def takes(caller: Caller, name: str) -> Iterable[str]:
    """Return the arguments of the prompt. Raises `UnknownPrompt`."""
    return _prompt(caller, name).arguments


class Prompts:
    """The requests of every caller."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def list(self, caller: Caller) -> list[mcp.Prompt]:
        """Return what there is to pick; where nothing is executed, nothing that would."""
        return [
            mcp.Prompt(
                name=name,
                title=prompt.title,
                description=prompt.description,
                arguments=[
                    mcp.PromptArgument(name=argument, description=what, required=argument in prompt.needs)
                    for argument, what in prompt.arguments.items()
                ],
            )
            for name, prompt in _offered(caller).items()
        ]

    async def get(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> mcp.GetPromptResult:
        """Return the request with these arguments. Raises `UnknownPrompt`, or `InvalidArguments` for those."""
        prompt = _prompt(caller, name)
        given = _checked(name, prompt, arguments)
        words = f"{prompt.write(given)}{await self._connected(caller, given.get('platform', ''))}"
        message = mcp.PromptMessage(role="user", content=mcp.TextContent(text=text.clean(words)))
        return mcp.GetPromptResult(description=prompt.description, messages=[message])

    async def _connected(self, caller: Caller, platform: str) -> str:
        """Return what is connected, of that platform or of all, fenced; nothing if Pica cannot tell in a moment."""
        with anyio.move_on_after(_WAIT_SECONDS), suppress(PicaError):
            own = visible(caller, (await self._catalog.known_connections(caller.identity)).value)
            told = "\n".join(
                f"{one}: {', '.join(label if c.works else f'{label} ({c.state})' for label, c in labels.items())}"
                for one, labels in by_platform(caller, own).items()
                if not platform or _bare(one) == _bare(platform)
            )
            if platform and not told:
                return f"\n\n{platform} is not connected now."
            return f"\n\nConnected now:\n{text.fence(told, 'Pica', _MAX_CONNECTED_CHARS)}" if told else ""
        return ""


def _bare(platform: str) -> str:
    return "".join(filter(str.isalnum, platform.casefold()))


def _offered(caller: Caller) -> Mapping[str, _Prompt]:
    return {name: prompt for name, prompt in _PROMPTS.items() if not (prompt.executes and caller.grant.knowledge_only)}


def _prompt(caller: Caller, name: str) -> _Prompt:
    if prompt := _offered(caller).get(name):
        return prompt
    raise UnknownPrompt(f"There is no prompt {text.line(repr(name), 80)}.", "List the prompts.")


def _checked(name: str, prompt: _Prompt, arguments: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is given, without what is empty. A menu sends empty text for what was left out."""
    given = {key: value.strip() for key, value in arguments.items() if value.strip()}
    if unknown := [key for key in given if key not in prompt.arguments]:
        takes = ", ".join(prompt.arguments)
        raise InvalidArguments(f"{name} has no argument {text.line(repr(unknown[0]), 60)}.", f"It takes: {takes}.")
    if missing := [key for key in prompt.needs if key not in given]:
        raise InvalidArguments(f"{name} needs the argument '{missing[0]}'.", prompt.arguments[missing[0]])
    if (language := given.get("language", "").lower()) and language not in LANGUAGES:
        raise InvalidArguments(f"There is no code in {text.line(repr(language), 40)}.", f"Use {', '.join(LANGUAGES)}.")
    if any(len(value) > _MAX_ARGUMENT_CHARS for value in given.values()):
        raise InvalidArguments("An argument is too long.", f"At most {_MAX_ARGUMENT_CHARS:,} characters are taken.")
    return {**given, **({"language": language} if language else {}), **_platform(given)}


def _platform(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the platform as one word, since it stands in the midst of our sentences."""
    return {"platform": text.line(given["platform"].lower(), 60)} if "platform" in given else {}
