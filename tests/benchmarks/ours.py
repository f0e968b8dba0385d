"""Our server in memory, and the model in front of it: it calls a listed tool that fits, else searches for one."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from mcp import Client
from mcp_types import TextContent, Tool
from meter import Meter, compact
from reader import LostError, Offer, Wish, best, filled, nested, of_schema, outlined, squeezed

from pica_mcp.app import open_app
from pica_mcp.sandbox import LIVE_SECRET
from pica_mcp.server import build
from pica_mcp.settings import load

SEARCH, EXECUTE, READ = "search_pica_platform_actions", "execute_pica_action", "read_pica_action"

Call: TypeAlias = Callable[[Offer, dict[str, Any]], Awaitable[Any]]


class Ours:
    """One conversation with our server. What it has read of platforms and tools is all it goes by."""

    def __init__(self, client: Client, meter: Meter, provider: Provider) -> None:
        self._client = client
        self._meter = meter
        self._provider = provider
        self._tools: dict[str, Tool] = {}
        self._read = ""
        self._found: list[Offer] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, pica: Any, identity: str, meter: Meter, **variables: str) -> AsyncGenerator[Ours]:
        """Serve the identity on this Pica, and read the instructions and the list of tools."""
        given = {
            "PICA_SECRET": LIVE_SECRET,
            "PICA_BASE_URL": "https://pica.test",
            "PICA_IDENTITY": identity,
            "PICA_IDENTITY_TYPE": "user",
            "PICA_AUDIT": "off",
            **variables,
        }
        provider = Provider(pica)
        async with open_app(load({}, given), provider) as app, Client(build(app)) as client:
            ours = cls(client, meter, provider)
            await ours._begin()
            yield ours

    async def _begin(self) -> None:
        tools = (await self._client.list_tools()).tools
        self._tools = {tool.name: tool for tool in tools}
        listed = {tool.name: compact(_shown(tool)) for tool in tools}
        instructions = self._client.instructions or ""
        self._meter.definitions = {name: len(shown) for name, shown in listed.items()}
        self._meter.before = {"tool list": sum(map(len, listed.values())), "instructions": len(instructions)}
        self._read = "\n".join((instructions, *listed.values()))

    async def act(self, wish: Wish) -> Any:
        """Do what is wished for, and return what the provider answered."""
        listed = [of_tool(tool) for name, tool in self._tools.items() if name.startswith(f"{squeezed(wish.brand)}_")]
        for offers, call in ((listed, self._directly), (self._found, self._executed)):
            if (called := await self._called(wish, offers, call)) is not None:
                return called
        found = await self._searched(wish)
        if (called := await self._called(wish, found, self._executed)) is not None:
            return called
        raise LostError(f"nothing found of {wish.brand} fits {wish.query!r}: {[one.name for one in found]}")

    async def _called(self, wish: Wish, offers: list[Offer], call: Call) -> Any:
        """Call the best of the offers that the wish fills; None if it fills none."""
        for offer in best(wish, offers):
            if (given := filled(wish, offer.inputs)) is not None:
                return await call(offer, nested({one.name: value for one, value in given.items()}))
        return None

    async def _directly(self, offer: Offer, arguments: dict[str, Any]) -> Any:
        return await self._provided(offer.name, arguments)

    async def _executed(self, offer: Offer, arguments: dict[str, Any]) -> Any:
        tool = self._tools[READ if offer.reads and READ in self._tools else EXECUTE]
        known = {"platform": offer.platform, "actionId": offer.name, "arguments": arguments}
        if "arguments" not in tool.input_schema["properties"]:
            raise LostError(f"{tool.name} does not say how it takes {arguments}")
        return await self._provided(tool.name, _needed(tool, known) | {"arguments": arguments})

    async def _searched(self, wish: Wish) -> list[Offer]:
        """Search for it, and once more where the answer tells that the platform is spelt otherwise."""
        tried, found = "", list[Offer]()
        while not found and (platform := self._spelt(wish)) != tried:
            tried = platform
            found = list(of_search(await self._told(SEARCH, {"query": wish.query, "platform": platform}), platform))
        self._found += found
        return found

    def _spelt(self, wish: Wish) -> str:
        """The platform as the server has called it so far, else as anyone would; what begins a tool's name is none."""
        words = re.findall(r"(?<![\w-])[a-z][a-z0-9-]+(?![\w-])", self._read)
        return next((word for word in reversed(words) if squeezed(word) == squeezed(wish.brand)), wish.platform)

    async def _provided(self, name: str, arguments: dict[str, Any]) -> Any:
        """Call what a provider answers, and return that; what we say beside it is what counts."""
        before = len(self._provider.answers)
        told, is_error = await self._call(name, arguments)
        answers = [json.loads(answer) for answer in self._provider.answers[before:]]
        if is_error or len(answers) != 1 or (own := compact(answers[0])) not in told:
            raise LostError(f"{name} with {compact(arguments)}: {told}")
        self._meter.note(name, arguments, len(told) - len(own))
        return answers[0]

    async def _told(self, name: str, arguments: dict[str, Any]) -> str:
        """Call what we answer ourselves, all of which counts."""
        told, _ = await self._call(name, arguments)
        self._meter.note(name, arguments, len(told))
        self._read += f"\n{told}"
        return told

    async def _call(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        result = await self._client.call_tool(name, arguments)
        blocks = [block.text for block in result.content if isinstance(block, TextContent)]
        if len(blocks) < len(result.content) or result.structured_content is not None:
            raise LostError(f"{name} with {compact(arguments)} answers in a way that is not counted")
        return "\n".join(blocks), result.is_error


class Provider:
    """A Pica, and what the providers behind it answered."""

    def __init__(self, pica: Any) -> None:
        self._pica = pica
        self.answers: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request as an ASGI application."""
        body: list[bytes] = []

        async def listen(message: Any) -> None:
            body.append(message.get("body", b""))
            await send(message)

        await self._pica(scope, receive, listen)
        if scope["path"].startswith("/v1/passthrough"):
            self.answers.append(b"".join(body))


def _shown(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}


def _needed(tool: Tool, known: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool requires of what is known."""
    return {name: known[name] for name in tool.input_schema.get("required", [])}


def of_tool(tool: Tool) -> Offer:
    """A tool of the list as an offer: its name is its title."""
    about = f"{tool.description}".partition(").")[2]
    return Offer(tool.name, tool.name.partition("_")[2], about, inputs=tuple(of_schema(tool.input_schema)))


def of_search(answer: str, platform: str) -> Iterator[Offer]:
    """What a search found and tells the arguments of; what only reads has no effect."""
    for found in json.loads(answer)["actions"]:
        if (inputs := outlined(found["arguments"])) is not None:
            name = found.get("tool") or found["actionId"]
            title = found.get("title") or name.partition("_")[2]  # what is left out is what the name says
            yield Offer(name, title, "", found.get("platform", platform), inputs, reads="effect" not in found)
