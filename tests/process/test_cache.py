"""`pica-mcp cache` as an operator runs it: what is kept on disk, loaded ahead of a server, and removed again."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sqlite3
import stat
import subprocess
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.streams.text import TextReceiveStream
from done import Command

from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.faults import Hang
from pica_mcp.sandbox.growth import grow

DAY_SECONDS = 86_400
ANOTHER = "0123456789abcdef01234567"
"""An account that is none of ours."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Operator:
    """Runs `pica-mcp cache` against the sandbox of a test."""

    command: Command
    folder: Path
    account: Mapping[str, str]

    async def cache(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        """Return the code, what it prints for the person and what it says beside that."""
        variables = {**self.variables, **more}
        done = await anyio.to_thread.run_sync(partial(self.command, "cache", *arguments, **variables))
        return done.code, done.out, done.err

    @property
    def variables(self) -> dict[str, str]:
        return {**self.account, "PICA_CACHE": str(self.folder)}

    @property
    def env(self) -> dict[str, str]:
        """The variables of a process."""
        return {"PATH": os.environ["PATH"], **self.variables}

    async def shown(self) -> Any:
        code, printed, said = await self.cache("--json")
        assert (code, said) == (0, "")
        return json.loads(printed)

    def databases(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.db"))


@pytest.fixture
def operating(command: Command, tmp_path: Path) -> Any:
    """Let the sandbox listen, and yield the operator of an account on it, whose cache is not made yet."""

    @asynccontextmanager
    async def operating(box: Sandbox) -> AsyncGenerator[Operator]:
        with anyio.fail_after(90):
            async with box.listening() as url:
                account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}
                yield Operator(command, tmp_path / "cache", account)

    return operating


def listings(box: Sandbox) -> list[str]:
    """The platforms whose actions Pica was asked for."""
    paths = (request.path for request in box.requests)
    return [path.rpartition("/")[2] for path in paths if path.startswith("/v1/available-actions/")]


async def test_what_is_connected_is_refreshed_and_then_shown(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        code, printed, said = await operator.cache("refresh")
        assert code == 0
        assert "Loaded  4 platforms, 40 actions\nListed  32 tools" in printed
        assert sorted(said.splitlines()) == sorted(
            f"{place} of 4  {name}" for place, name in enumerate(re.findall(r"\d of 4  (\w+: \d+ actions)", said), 1)
        )
        (name,) = operator.databases()
        told = await operator.shown()
        assert (told["folder"], told["file"], told["others"]) == (str(operator.folder), name, [])
        held = told["contents"]
        assert held["platforms"] == ["github", "gmail", "slack", "stripe"]
        assert (held["actions"], held["lists"], held["documents"] >= 40) == (40, 1, True)
        assert held["oldest"] <= held["newest"]
        _, text, _ = await operator.cache()
        assert f"File       {name}," in text
        assert "of at most 512 MB" in text
        assert re.search(r"Holds +4 platforms, 40 actions, \d+ documents\n +Loaded +just now", text)


async def test_only_its_owner_may_look_into_it_and_it_holds_neither_the_secret_nor_keys(operating: Any) -> None:
    box = Sandbox()
    async with operating(box) as operator:
        assert (await operator.cache("refresh"))[0] == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in operator.folder.glob("*.db*")}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(operator.folder.stat().st_mode) == 0o700
    (name,) = operator.databases()
    with closing(sqlite3.connect(operator.folder / name)) as db:
        rows = db.execute("SELECT what, body FROM kept").fetchall()
    kept = "".join(f"{what} {zlib.decompress(body).decode()}" for what, body in rows)
    assert "gmail_send_email" in kept
    assert "Personal" in kept  # what an account is called
    hidden = [LIVE_SECRET, *box.keys("ada"), *(key.split("::")[-1] for key in box.keys("ada"))]
    assert [word for word in hidden if word in kept] == []


async def test_a_refresh_asks_pica_however_new_what_is_known_is(operating: Any) -> None:
    box = Sandbox()
    async with operating(box) as operator:
        for _ in range(2):
            assert (await operator.cache("refresh", "gmail", "slack"))[0] == 0
            assert set(listings(box)) == {"gmail", "slack"}
            box.requests.clear()
        assert (await operator.shown())["contents"]["platforms"] == ["gmail", "slack"]


async def test_with_all_every_platform_is_loaded_with_every_document(operating: Any) -> None:
    (big,) = extra = grow(450, 1)
    async with operating(Sandbox(extra=extra)) as operator:
        name = big.connector.platform
        assert (await operator.cache("refresh", name))[0] == 0
        before = (await operator.shown())["contents"]
        assert (before["platforms"], before["actions"], before["documents"]) == ([name], 412, 0)
        code, printed, _ = await operator.cache("refresh", "--all", "--json")
        assert code == 0
        loaded = {one["platform"]: one["actions"] for one in json.loads(printed)["platforms"]}
        assert len(loaded) > 15
        held = (await operator.shown())["contents"]
        assert set(held["platforms"]) == loaded.keys()
        assert held["documents"] > 412


async def test_a_platform_that_fails_is_told_and_the_others_are_kept(operating: Any) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/stripe", status=403, times=None)
    async with operating(box) as operator:
        code, printed, said = await operator.cache("refresh")
        assert (code, "Loaded  3 platforms" in printed) == (1, True)
        assert "stripe: not loaded" in said
        assert re.search(r"^pica-mcp: stripe: not kept\. \S.+\.$", said, re.MULTILINE)
        assert re.search(r"^pica-mcp: the list of tools: not kept\. ", said, re.MULTILINE)
        assert "Traceback" not in said
        code, printed, _ = await operator.cache("refresh", "stripe", "gmail", "--json")
        told = json.loads(printed)
        assert (code, [one["what"] for one in told["failed"]]) == (1, ["stripe"])
        assert [one["platform"] for one in told["platforms"]] == ["gmail"]
        assert (await operator.shown())["contents"]["platforms"] == ["github", "gmail", "slack"]


async def test_room_is_made_for_what_is_loaded(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        (name,) = operator.databases()
        with closing(sqlite3.connect(operator.folder / name)) as db, db:
            db.execute("INSERT INTO kept VALUES ('big', 'big', ?, '[]', randomblob(20000000))", (time.time(),))
        assert (await operator.cache("refresh", "slack", PICA_CACHE_MB="16"))[0] == 0
        shown = await operator.shown()
        assert "slack" in shown["contents"]["platforms"]
        assert shown["bytes"] < 16 * 1024 * 1024


async def test_a_platform_that_there_is_not_and_a_pica_that_is_away_are_one_line(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        code, printed, said = await operator.cache("refresh", "gmial")
        assert (code, printed, len(said.splitlines())) == (2, "", 1)
        assert "Pica has no platform named 'gmial'." in said
    code, printed, said = await operator.cache("refresh")
    assert (code, printed, len(said.splitlines())) == (1, "", 1)


async def test_whoever_is_interrupted_keeps_what_was_loaded(operating: Any, program: list[str]) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/stripe", Hang(), times=None)
    async with operating(box) as operator:
        async with await anyio.open_process([*program, "cache", "refresh"], env=operator.env) as process:
            assert process.stderr
            said = ""
            async for chunk in TextReceiveStream(process.stderr):
                if said.count("actions\n") < 3 <= (said + chunk).count("actions\n"):
                    process.send_signal(signal.SIGINT)
                said += chunk
            assert await process.wait() == 130
        assert said.splitlines()[-1] == "pica-mcp: Stopped. What was loaded by then is kept."
        assert "Traceback" not in said
        assert (await operator.shown())["contents"]["platforms"] == ["github", "gmail", "slack"]


async def test_there_is_a_bar_on_a_terminal_and_nothing_beside_json(operating: Any, program: list[str]) -> None:
    async with operating(Sandbox()) as operator:
        ours, its = pty.openpty()
        try:
            done = await anyio.run_process([*program, "cache", "refresh"], env=operator.env, stderr=its)
            os.close(its)
            drawn = b""
            with suppress(OSError):  # nobody holds the other end any more
                while chunk := os.read(ours, 65_536):
                    drawn += chunk
        finally:
            os.close(ours)
        frames = [frame.strip() for frame in re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", drawn.decode()))]
        assert b"Loaded  4 platforms" in done.stdout
        assert any("4 of 4 platforms, 40 actions" in frame for frame in frames)
        assert max(map(len, frames)) <= 80
        assert drawn.endswith(b"\x1b[1A\x1b[2K")  # the bar is wiped away
        code, printed, said = await operator.cache("refresh", "--json")
        assert (code, said, json.loads(printed)["tools"]) == (0, "", 32)


async def test_after_a_refresh_a_server_without_a_network_lists_the_same_tools(operating: Any, connect: Any) -> None:
    async with operating(Sandbox()) as operator:
        async with connect(env={**operator.env, "PICA_CACHE": "off"}) as client:
            expected = (await client.list_tools()).tools
        assert (await operator.cache("refresh"))[0] == 0
    (name,) = operator.databases()
    os.utime(operator.folder / name, (0, 0))
    async with connect(env=operator.env) as client:
        assert (await client.list_tools()).tools == expected
    assert (operator.folder / name).stat().st_mtime > 0  # which is how long it is kept from


# Showing


async def test_showing_makes_and_asks_nothing(operating: Any) -> None:
    box = Sandbox()
    async with operating(box) as operator:
        code, printed, said = await operator.cache()
        assert (code, said, operator.folder.exists()) == (0, "", False)
        assert "nothing is kept of this account" in printed
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        before = state(operator)
        assert {Path(name).suffix for name in before} == {".db", ".lock"}  # with a journal, reading would make none
        box.requests.clear()
        for arguments in ((), ("show",), ("--json",)):
            assert (await operator.cache(*arguments))[0] == 0
        assert state(operator) == before
        assert box.requests == []


def state(operator: Operator) -> dict[str, Any]:
    """What there is, and its content but for that by which readers and writers agree."""
    return {path.name: path.suffix == ".db-shm" or path.read_bytes() for path in operator.folder.iterdir()}


async def test_other_accounts_files_are_shown_by_name_size_and_last_use(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        (own,) = operator.databases()
        for name in (f"{ANOTHER}-1-40.db", f"{own.partition('-')[0]}-0-40.db"):
            (operator.folder / name).write_bytes(b"x" * 2048)
            os.utime(operator.folder / name, (0, 1_767_342_600))
        (operator.folder / "notes.db").write_text("mine")
        told = (await operator.shown())["others"]
        assert {one["file"]: one["bytes"] for one in told} == {
            f"{ANOTHER}-1-40.db": 2048,
            f"{own.partition('-')[0]}-0-40.db": 2048,
        }
        assert {one["last_used"] for one in told} == {"2026-01-02T08:30:00+00:00"}
        _, text, _ = await operator.cache()
        assert f"{ANOTHER}-1-40.db  2 kB, last used 2026-01-02" in text
        assert "2 kB of this account, last used" in text


async def test_a_damaged_file_is_told_and_left_alone(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        (name,) = operator.databases()
        for path in operator.folder.glob(f"{name}-*"):
            path.unlink()
        (operator.folder / name).write_bytes(b"no database" * 1000)
        code, printed, said = await operator.cache()
        assert (code, len(said.splitlines()), name in printed) == (1, 1, True)
        assert f"pica-mcp: {name} cannot be read" in said
        assert (operator.folder / name).read_bytes() == b"no database" * 1000
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        assert (await operator.shown())["contents"]["platforms"] == ["gmail"]


def test_without_the_secret_the_rest_is_shown_and_only_all_can_be_cleared(run: Run, tmp_path: Path) -> None:
    (tmp_path / f"{ANOTHER}-1-40.db").touch()
    variables = {"PICA_CACHE": str(tmp_path), "PICA_SECRET_FILE": str(tmp_path / "nowhere")}
    done = run("cache", **variables)
    assert (done.returncode, ANOTHER in done.stdout) == (1, True)
    assert "Which file is this account's cannot be told. PICA_SECRET_FILE" in done.stderr
    done = run("cache", "clear", **variables)
    assert (done.returncode, done.stdout, "pica-mcp cache clear --all" in done.stderr) == (1, "", True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{ANOTHER}-1-40.db"]


@pytest.mark.parametrize(("words", "code"), [(["show"], 0), (["clear"], 0), (["refresh"], 2)])
def test_that_nothing_is_kept_is_said_plainly(command: Command, words: list[str], code: int) -> None:
    done = command("cache", *words, PICA_CACHE="off", PICA_SECRET=LIVE_SECRET)
    assert (done.code, "Nothing is kept on disk: PICA_CACHE is off" in done.out + done.err) == (code, True)
    done = command("cache", *words, "--sandbox")
    assert (done.code, "the sandbox is new every time" in done.out + done.err) == (code, True)


@pytest.mark.parametrize("words", [["show"], ["clear"], ["refresh"]])
def test_a_folder_that_cannot_be_one_is_told_without_asking_pica(
    command: Command, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "file").touch()
    account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": "http://127.0.0.1:9"}
    done = command("cache", *words, PICA_CACHE=str(tmp_path / "file" / "cache"), PICA_LOG_LEVEL="error", **account)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert str(tmp_path / "file" / "cache") in done.err


@pytest.mark.parametrize("words", [["shw"], ["refresh", "gmail", "--all"], ["show", "gmail"], ["clear", "--json"]])
def test_what_makes_no_sense_is_exit_code_2(command: Command, words: list[str]) -> None:
    done = command("cache", *words, PICA_SECRET=LIVE_SECRET)
    assert (done.code, done.out) == (2, "")


# Clearing


async def test_clearing_removes_this_accounts_files_and_with_all_everybodys_and_nothing_else(
    operating: Any, tmp_path: Path
) -> None:
    async with operating(Sandbox()) as operator:
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        (own,) = operator.databases()
        account = own.partition("-")[0]
        mine = {f"{account}-0-40.db", f"{account}-1-64.db", f"{account}-1-64.db-wal"}
        others = {f"{ANOTHER}-1-40.db", f"{ANOTHER}-1-40.db-wal"}
        for name in mine | others:
            (operator.folder / name).write_bytes(b"x" * 1024)
        alien = {"notes.txt", f"{account}.db", f"x{account}-1-40.db", f"{account}-1-40.db.bak", f"{account}-2-40.db"}
        for name in alien:
            (operator.folder / name).write_text("mine")
        (operator.folder / f"{account}-2-40.db").unlink()
        (operator.folder / f"{account}-2-40.db").symlink_to(operator.folder / "notes.txt")
        (operator.folder / f"{account}-3-40.db").mkdir()
        alien.add(f"{account}-3-40.db")

        code, printed, _ = await operator.cache("clear")
        assert (code, bool(re.fullmatch(r"Removed 3 files, \d+ kB\.\n", printed))) == (0, True)
        assert left(operator) == alien | others
        code, printed, _ = await operator.cache("clear", "--all")
        assert (code, printed) == (0, "Removed 1 file, 2 kB.\n")
        assert left(operator) == alien
        assert (operator.folder / f"{account}-2-40.db").read_text() == "mine"
        assert (await operator.cache("clear", "--all"))[1] == "There is nothing to remove.\n"


def left(operator: Operator) -> set[str]:
    """What is in the folder, but for the empty files that keep processes apart."""
    return {path.name for path in operator.folder.iterdir() if path.suffix != ".lock"}


async def test_a_server_goes_on_when_what_it_uses_is_shown_and_cleared(operating: Any, connect: Any) -> None:
    async with operating(Sandbox()) as operator, connect(env=operator.env) as client:
        expected = (await client.list_tools()).tools
        assert "gmail" in (await operator.shown())["contents"]["platforms"]
        code, printed, _ = await operator.cache("clear")
        assert (code, printed.startswith("Removed 1 file")) == (0, True)
        assert (await client.list_tools()).tools == expected
        found = await client.call_tool("search_pica_platform_actions", {"platform": "gmail", "query": "send email"})
        assert not found.is_error


async def test_files_that_nobody_used_for_90_days_are_removed_when_one_is_opened(operating: Any) -> None:
    async with operating(Sandbox()) as operator:
        assert (await operator.cache("refresh", "gmail"))[0] == 0
        (own,) = operator.databases()
        ages = {own: 200, f"{ANOTHER}-1-40.db": 91, f"{ANOTHER}-1-64.db": 89, "notes.db": 200}
        for name, days in ages.items():
            (operator.folder / name).touch()
            os.utime(operator.folder / name, (0, time.time() - days * DAY_SECONDS))
        assert (await operator.cache("refresh", "slack"))[0] == 0
        assert operator.databases() == sorted([own, f"{ANOTHER}-1-64.db", "notes.db"])
        assert "gmail" in (await operator.shown())["contents"]["platforms"]
