"""What every test may ask for: builders of records that are fine unless told otherwise, and how hypothesis runs."""

from __future__ import annotations

import shlex
import signal
import sys
import traceback
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from hypothesis import settings

from pica_mcp import text
from pica_mcp.access import Caller, Grant, Identity, Preferences
from pica_mcp.models import ActionDetails, Connection

# The same examples every time, no deadline (it would be a wall clock), no files left behind.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, database=None, max_examples=2_000)
settings.load_profile("steady")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs behind; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def connection() -> Callable[..., Connection]:
    """Build a working gmail connection of ada's, by field names."""

    def build(**facts: Any) -> Connection:
        plain = {
            "key": "live::gmail::default::1",
            "platform": "gmail",
            "environment": "live",
            "identity": "ada",
            "identity_type": "user",
            "state": "operational",
        }
        return Connection.model_validate(plain | facts, by_name=True)

    return build


@pytest.fixture(scope="session")
def action() -> Callable[..., ActionDetails]:
    """Build an action of gmail that reads, by field names."""

    def build(**facts: Any) -> ActionDetails:
        plain = {
            "platform": "gmail",
            "id": "conn_mod_def::one::1",
            "title": "List Messages",
            "method": "GET",
            "path": "/gmail/v1/users/{{userId}}/messages",
        }
        return ActionDetails.model_validate(plain | facts, by_name=True)

    return build


@pytest.fixture(scope="session")
def caller() -> Callable[..., Caller]:
    """Build a caller who is ada and may do everything; keywords are those of `Grant` and of `Preferences`."""

    def build(
        identity: Identity | None = None,
        environment: str = "live",
        names: Mapping[str, str] | None = None,
        defaults: Mapping[str, str] | None = None,
        **grant: Any,
    ) -> Caller:
        ada = Identity("ada") if identity is None else identity
        return Caller(ada, Grant(**grant), lambda: environment, Preferences(names or {}, defaults or {}))

    return build


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many characters were cleaned, time after time."""
    seen: list[int] = []
    clean = text.clean

    def watched(words: str, max_chars: int | None = None) -> str:
        seen.append(len(words))
        return clean(words, max_chars)

    monkeypatch.setattr(text, "clean", watched)
    return seen


# Commands that tell a secret


@dataclass
class Keyholder:
    """A command that prints what it was told to, and writes down that it ran."""

    folder: Path

    @property
    def command(self) -> str:
        """As the setting writes it."""
        code = "import sys; f = sys.argv[1]; open(f + '/runs', 'a').write('x'); print(open(f + '/told').read(), end='')"
        return shlex.join((sys.executable, "-I", "-S", "-c", code, str(self.folder)))

    def tells(self, words: str | None) -> None:
        """None for a command that fails."""
        path = self.folder / "told"
        path.unlink(missing_ok=True) if words is None else path.write_text(words)

    @property
    def runs(self) -> int:
        path = self.folder / "runs"
        return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def keyholder(tmp_path: Path) -> Keyholder:
    return Keyholder(tmp_path)


class Gate:
    """Where commands that hang show that they live: each holds a connection for as long as it does."""

    def __init__(self, port: int) -> None:
        self.code = f"import socket, time; gate = socket.create_connection(('127.0.0.1', {port})); time.sleep(600)"
        self.command = shlex.join((sys.executable, "-I", "-S", "-c", self.code))
        self.living, self.dead = 0, 0
        self._changed = anyio.Event()

    async def admit(self, stream: SocketStream) -> None:
        self._count(living=1)
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()
        self._count(living=-1, dead=1)

    def _count(self, living: int, dead: int = 0) -> None:
        self.living, self.dead = self.living + living, self.dead + dead
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, *, living: int, dead: int | None = None) -> None:
        while (self.living, self.dead) != (living, self.dead if dead is None else dead):
            await self._changed.wait()


@pytest.fixture(scope="session")
def gated() -> Callable[[], AbstractAsyncContextManager[Gate]]:
    """Open a gate for a while."""

    @asynccontextmanager
    async def gated() -> AsyncGenerator[Gate]:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        gate = Gate(listener.extra(SocketAttribute.local_port))  # noqa: S610 - anyio's, not Django's
        with anyio.fail_after(30):
            async with listener, anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, gate.admit)
                yield gate
                tasks.cancel_scope.cancel()

    return gated


@pytest.fixture(scope="session")
def everything_of() -> Callable[[BaseException], str]:
    """What any log of an error could show, whatever it is chained to."""

    def everything(error: BaseException) -> str:
        chain: list[BaseException] = []
        link: BaseException | None = error
        while link is not None:
            chain.append(link)
            link = link.__cause__ or link.__context__
        facts = [*map(str, chain), *map(repr, chain), *(str(vars(one)) for one in chain)]
        return "".join((*facts, *traceback.format_exception(error)))

    return everything
