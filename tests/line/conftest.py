"""What conversations need: a pretend Pica of their own, and a client that talks to a server in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from pica_mcp import retries
from pica_mcp.access import visible
from pica_mcp.app import App, open_app
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.server import build
from pica_mcp.settings import load
from pica_mcp.toolbox.definitions import action_tool
from pica_mcp.tools import ActionTool, Runnable

Converse = Callable[..., AbstractAsyncContextManager[Client]]
Serve = Callable[..., AbstractAsyncContextManager[App]]

ADA = {"PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user"}


@pytest.fixture(autouse=True)
def unpaused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be tried again without a pause."""
    monkeypatch.setattr(retries, "_BASE_SECONDS", 0.0)
    monkeypatch.setattr(retries, "_THROTTLED_BASE_SECONDS", 0.0)


@pytest.fixture
def box() -> Sandbox:
    return Sandbox()


@pytest.fixture
def serve(box: Sandbox) -> Serve:
    """Open the application on the sandbox, for Ada unless settings say otherwise; `pica` may be another pretend one."""

    @asynccontextmanager
    async def serve(pica: Any = None, **variables: str | None) -> AsyncGenerator[App]:
        given = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": "https://pica.test", **ADA, **variables}
        settings = load({}, {name: value for name, value in given.items() if value is not None})
        with anyio.fail_after(20):
            async with open_app(settings, pica or box.app) as app:
                yield app

    return serve


@pytest.fixture
def defined() -> Callable[[App, str], Awaitable[ActionTool]]:
    """Return the tool of this name as it would be listed."""

    async def defined(app: App, name: str) -> ActionTool:
        toolbox, connections = app.pipeline.toolbox, await app.catalog.connections(app.caller.identity)
        found = await toolbox.find(app.caller, name)
        assert isinstance(found, Runnable)
        parameters = toolbox.derived.parameters(found.action)
        return action_tool(app.caller, visible(app.caller, connections), name, found.action, parameters)

    return defined


@pytest.fixture
def converse(serve: Serve) -> Converse:
    """Talk to a server in memory through the SDK's client, in the era that `mode` names; `person` answers questions."""

    @asynccontextmanager
    async def converse(
        mode: str = "auto", pica: Any = None, person: Any = None, **variables: str | None
    ) -> AsyncGenerator[Client]:
        async with (
            serve(pica, **variables) as app,
            Client(build(app), mode=mode, elicitation_callback=person) as client,  # pyright: ignore[reportArgumentType]
        ):
            yield client

    return converse


@pytest.fixture
def over_http(box: Sandbox) -> Converse:
    """Talk to a server in memory that reaches its Pica over a socket, for Ada; it knows its tools already."""

    @asynccontextmanager
    async def over_http(mode: str = "auto") -> AsyncGenerator[Client]:
        async with box.listening() as url:
            settings = load({}, {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, **ADA})
            with anyio.fail_after(30):
                async with open_app(settings) as app, Client(build(app), mode=mode) as client:  # pyright: ignore[reportArgumentType]
                    await client.list_tools()
                    yield client

    return over_http


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> Callable[[CallToolResult], str]:
    """What the model reads."""

    def said(result: CallToolResult) -> str:
        return "\n".join(block.text for block in result.content if isinstance(block, TextContent))

    return said


@pytest.fixture
def told(said: Callable[[CallToolResult], str]) -> Callable[[CallToolResult], Any]:
    """The JSON of a result that is no error."""

    def told(result: CallToolResult) -> Any:
        assert not result.is_error, said(result)
        return json.loads(said(result))

    return told


@pytest.fixture
def passed(box: Sandbox) -> Callable[[], list[Any]]:
    """The passthrough requests that reached the sandbox."""
    return lambda: [request for request in box.requests if request.path.startswith("/v1/passthrough")]
