"""The program as a child process, the way a client starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

PROGRAM = [sys.executable, "-m", "pica_mcp"]


@pytest.fixture
def program() -> list[str]:
    """The command that starts pica-mcp."""
    return PROGRAM


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command of the program to its end, with these variables and few others."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def connect() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Start the server with these flags and variables, and talk to it over its pipes."""

    @asynccontextmanager
    async def connect(
        *flags: str, mode: str = "auto", env: Mapping[str, str] | None = None, hear: Any = None
    ) -> AsyncGenerator[Client]:
        variables = {"PICA_CACHE": "off", **(env or {})}  # it inherits a home
        server = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], *flags], env=variables)
        with anyio.fail_after(60):
            async with Client(stdio_client(server), mode=mode, message_handler=hear) as client:  # pyright: ignore[reportArgumentType]
                yield client

    return connect
