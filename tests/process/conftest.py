"""The program as a client starts it, in a process of its own, and its commands as a person runs them, in this one."""

from __future__ import annotations

import gc
import io
import logging
import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from pica_mcp import retries
from pica_mcp.cli.main import main
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

sys.path.append(str(Path(__file__).parent))

from done import Command, Done

SCRIPTS = sysconfig.get_path("scripts")
"""Where the program is; on the PATH, it goes by its name."""
PROGRAM = [sys.executable, "-m", "pica_mcp"]
_LOOKED_AT = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What commands take from the environment beside their settings and proxies."""


@pytest.fixture(scope="session")
def program() -> list[str]:
    """The command that starts pica-mcp."""
    return PROGRAM


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command of the program to its end as a process of its own, with these variables and few others."""

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


class Stream(io.TextIOWrapper):
    """A pipe, or what looks like a terminal to whoever writes to it."""

    def __init__(self, content: bytes = b"", *, terminal: bool = False) -> None:
        self.content = io.BytesIO(content)
        super().__init__(self.content, encoding="utf-8", newline="\n")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def written(self) -> str:
        self.flush()
        return self.content.getvalue().decode()


@contextmanager
def log_of_its_own() -> Generator[None]:
    """Let the program set up its log as in a process of its own, and leave none of that behind."""
    log, *others = (logging.getLogger(name) for name in ("", "pica_mcp", "mcp"))
    levels = [(one, one.level) for one in (log, *others)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "handlers", [])
        yield
    for one, level in levels:
        one.setLevel(level)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in this process, with these streams and variables and none of whoever runs the tests.

    What failed is tried again without a pause.
    """

    def ended(*words: str, variables: Mapping[str, str], **streams: Any) -> int:
        with monkeypatch.context() as patch, log_of_its_own():
            for name in [*os.environ]:
                if name.startswith("PICA_") or name.lower().endswith("_proxy") or name in _LOOKED_AT:
                    patch.delenv(name)
            usual = {
                "TERM": "xterm-256color",
                "PICA_CACHE": "off",
                "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            }
            for name, value in {**usual, **variables}.items():
                patch.setenv(name, value)
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            patch.setattr(retries, "_BASE_SECONDS", 0.0)
            with pytest.raises(SystemExit) as end:
                main(words)
        gc.enable()  # which a server leaves off until it serves
        assert isinstance(end.value.code, int)
        return end.value.code

    return ended


@pytest.fixture
def command(ended: Callable[..., int]) -> Command:
    """Run a command in this process; `terminal` for one that a person looks at, `typed` is what it may read."""

    def command(*words: str, terminal: bool = False, typed: str | bytes = "", **variables: str) -> Done:
        given = Stream(typed.encode() if isinstance(typed, str) else typed)
        printed, said = Stream(terminal=terminal), Stream()
        code = ended(*words, variables=variables, stdin=given, stdout=printed, stderr=said)
        done = Done(code, printed.written(), said.written())
        assert "Traceback" not in done.err
        assert "Something went wrong" not in done.err
        return done

    return command


@pytest.fixture
def serving(command: Command) -> Callable[[Sandbox], AbstractContextManager[Command]]:
    """Let a sandbox of the test's listen, and yield what runs a command on it, for the whole account."""

    @contextmanager
    def serving(box: Sandbox) -> Generator[Command]:
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(box.listening()) as url:
            account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url}
            yield lambda *words, **options: command(*words, **(account | options))

    return serving


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
