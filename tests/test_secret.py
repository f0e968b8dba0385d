from __future__ import annotations

import codecs
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from pica_mcp import secret as room
from pica_mcp.errors import SecretUnavailable
from pica_mcp.secret import Command, File, Fixed, Keyring, Secret, Source

from .conftest import Keyholder

CANARY = "sk_live_1_canary-in_the-coal_mine"
OTHER = "sk_test_2_another-one"
PYTHON = (sys.executable, "-I", "-S", "-c")


def python(code: str, *arguments: str) -> Command:
    return Command((*PYTHON, code, *arguments))


def prints(words: str) -> Command:
    return python(f"print({words!r})")


Refuse = Callable[[Source], Awaitable[str]]


@pytest.fixture
def refusal(everything_of: Callable[[BaseException], str]) -> Refuse:
    """What is said when the source cannot be read; nothing of it may hold the canary."""

    async def refusal(source: Source) -> str:
        with anyio.fail_after(20), pytest.raises(SecretUnavailable) as caught:
            await source.read()
        assert "canary" not in everything_of(caught.value)
        assert source.variable in str(caught.value)
        return str(caught.value)

    return refusal


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def canary_told(keyholder: Keyholder) -> None:
    keyholder.tells(CANARY)


def runs(keyholder: Keyholder) -> Command:
    return Command(tuple(shlex.split(keyholder.command)))


# A file


@pytest.mark.parametrize(
    "content", [CANARY, f"{CANARY}\n", f"\r\n  {CANARY}\t\r\n", f"{codecs.BOM_UTF8.decode()}{CANARY}\r\n"]
)
async def test_a_file_is_read_without_what_editors_put_around_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    assert await File(tmp_path / "secret").read() == CANARY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty."),
        (b" \n\t", "is empty."),
        (f"{CANARY}\nsk_live_2_canary".encode(), "is malformed."),
        (f"PICA_SECRET = {CANARY}".encode(), "is malformed."),
        (f"{CANARY}é".encode(), "is malformed."),
        (f"{CANARY}é".encode("latin-1"), "is malformed."),
        (CANARY.encode("utf-16"), "is malformed."),
        (f"{CANARY}\x00".encode(), "is malformed."),
        (b"canary", "is malformed."),
        (CANARY.encode() * 300, "is longer than 8 kB."),
    ],
    ids=["empty", "blank", "lines", "assignment", "accent", "latin-1", "utf-16", "zero", "short", "long"],
)
async def test_a_file_with_anything_else_in_it_is_told_and_not_shown(
    tmp_path: Path, content: bytes, said: str, refusal: Refuse
) -> None:
    (tmp_path / "secret").write_bytes(content)
    expected = f"PICA_SECRET_FILE, {str(tmp_path / 'secret')!r}, {said} Ask the operator to put it right."
    assert await refusal(File(tmp_path / "secret")) == expected


async def test_a_file_that_is_not_there_or_is_none_is_told_with_its_path(tmp_path: Path, refusal: Refuse) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for name, said in (
        ("gone", "cannot be read: No such file or directory."),
        ("file/beneath", "cannot be read: Not a directory."),
        ("", "is not a file."),
        ("pipe", "is not a file."),
    ):
        path = tmp_path / name
        assert (
            await refusal(File(path))
            == f"PICA_SECRET_FILE is {str(path)!r}, which {said} Ask the operator to put it right."
        )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told_with_its_path(tmp_path: Path, refusal: Refuse) -> None:
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "secret").chmod(0)
    assert "which cannot be read: Permission denied." in await refusal(File(tmp_path / "secret"))


# A command


@pytest.mark.parametrize("printed", [CANARY, f"{CANARY}\nand more\n", f"  {CANARY}\r\nand more"])
async def test_a_command_says_it_in_its_first_line(printed: str) -> None:
    assert await prints(printed).read() == CANARY


async def test_a_command_may_complain_as_much_as_it_likes() -> None:
    assert await python(f"import sys; sys.stderr.write('x' * 1_000_000); print('{CANARY}')").read() == CANARY


async def test_a_command_runs_without_a_shell_and_gets_no_input() -> None:
    code = "import sys; print('sk_live_' + sys.argv[1] + repr(sys.stdin.read()))"
    assert await python(code, "$HOME;`id`*").read() == "sk_live_$HOME;`id`*''"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"print('{CANARY}'); raise SystemExit(3)", "PICA_SECRET_COMMAND failed with exit code 3."),
        (f"import sys; print('{CANARY}', file=sys.stderr)", "What PICA_SECRET_COMMAND prints is empty."),
        (f"print(); print('{CANARY}')", "What PICA_SECRET_COMMAND prints is empty."),
        (f"print('the key is {CANARY}')", "What PICA_SECRET_COMMAND prints is malformed."),
        (
            f"import sys; sys.stdout.buffer.write(b'{CANARY}\\xff')",
            "What PICA_SECRET_COMMAND prints is malformed.",
        ),
        (f"while True: print('{CANARY}' * 99)", "What PICA_SECRET_COMMAND prints is longer than 8 kB."),
        (
            f"import os, signal; print('{CANARY}', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
            "PICA_SECRET_COMMAND failed with exit code -9.",
        ),
    ],
    ids=["failed", "stderr", "second line", "words", "bytes", "endless", "killed"],
)
async def test_a_command_that_says_anything_else_is_told_and_not_shown(code: str, said: str, refusal: Refuse) -> None:
    assert await refusal(python(code)) == f"{said} Ask the operator to put it right."


async def test_a_command_that_cannot_be_run_is_told_without_its_words(tmp_path: Path, refusal: Refuse) -> None:
    (tmp_path / "text").write_text("not a program")
    (tmp_path / "text").chmod(0o755)
    for program in ("/nowhere/to/be/found", "no-such-program", str(tmp_path / "text"), str(tmp_path)):
        said = await refusal(Command((program, CANARY)))
        assert said.startswith("PICA_SECRET_COMMAND cannot be run: ")
        assert program not in said


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
async def test_a_program_without_a_path_is_found_in_full_folders_of_the_path_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refuse
) -> None:
    for folder, secret in (("here", OTHER), ("here/bin", OTHER), ("own", CANARY)):
        script = tmp_path / folder / "vault"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\necho {secret}\n")
        script.chmod(0o755)
    monkeypatch.chdir(tmp_path / "here")
    for path in (".", "bin", "", f":{os.defpath}", f"./bin:{os.defpath}"):
        assert "cannot be run: No such file" in await refusal(Command(("vault",), environment={"PATH": path}))
    assert await Command(("vault",), environment={"PATH": f".:bin::{tmp_path}/own"}).read() == CANARY
    assert await Command(("./vault",)).read() == OTHER


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
async def test_a_command_runs_in_its_own_folder_with_its_own_variables(tmp_path: Path) -> None:
    (tmp_path / "key.sh").write_text('#!/bin/sh\n. ./half\necho "$half$OTHER"\n')
    (tmp_path / "key.sh").chmod(0o755)
    (tmp_path / "half").write_text("half=sk_live_")
    for words in (("./key.sh",), ("sh", "key.sh")):
        command = Command(words, environment={"OTHER": "half", "PATH": os.defpath}, folder=tmp_path)
        assert await command.read() == "sk_live_half"


async def test_a_command_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, refusal: Refuse) -> None:
    monkeypatch.setattr(room, "_DEADLINE_SECONDS", 0.2)
    said = await refusal(python("import time; time.sleep(600)"))
    assert said == "PICA_SECRET_COMMAND took longer than 0 s. Ask the operator to put it right."


async def test_whoever_leaves_ends_the_command_and_what_it_started(gated: Any) -> None:
    code = "import subprocess, sys; subprocess.Popen([*sys.argv[1:]]); exec(sys.argv[-1])"
    async with gated() as gate:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(python(code, *PYTHON, gate.code).read)
            await gate.until(living=2, dead=0)
            tasks.cancel_scope.cancel()
        await gate.until(living=0, dead=2)


# A keyring


def keyring(monkeypatch: pytest.MonkeyPatch, get_password: Callable[[str, str], object]) -> None:
    fake: Any = ModuleType("keyring")
    fake.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", fake)


async def test_the_entry_of_a_keyring_is_read(monkeypatch: pytest.MonkeyPatch, refusal: Refuse) -> None:
    keyring(monkeypatch, lambda service, username: {("pica/work", "ada"): CANARY}.get((service, username)))
    assert await Keyring("pica/work", "ada").read() == CANARY
    assert await refusal(Keyring("pica", "ada")) == (
        "What PICA_SECRET_KEYRING names is empty. Ask the operator to put it right."
    )


async def test_a_keyring_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, refusal: Refuse
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not there
    assert await refusal(Keyring("pica", "ada")) == (
        "PICA_SECRET_KEYRING needs a package that is not installed. "
        "Ask the operator to install the package keyring beside pica-mcp."
    )


async def test_a_keyring_that_is_locked_is_told_by_the_kind_of_its_error_only(
    monkeypatch: pytest.MonkeyPatch, refusal: Refuse
) -> None:
    def locked(service: str, username: str) -> str:
        raise PermissionError(f"{service}: {CANARY}")

    keyring(monkeypatch, locked)
    assert await refusal(Keyring("pica", "ada")) == (
        "PICA_SECRET_KEYRING cannot be read from the keyring: PermissionError. Ask the operator to put it right."
    )


async def test_a_keyring_that_waits_for_a_person_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, refusal: Refuse
) -> None:
    monkeypatch.setattr(room, "_DEADLINE_SECONDS", 0.05)
    answer = threading.Event()
    keyring(monkeypatch, lambda service, username: answer.wait(20) and CANARY)
    try:
        assert "took longer than 0 s to read." in await refusal(Keyring("pica", "ada"))
    finally:
        answer.set()


def test_a_keyring_that_waits_for_ever_does_not_hold_up_the_end_of_the_program() -> None:
    program = """
import sys, threading, types, anyio
from pica_mcp.secret import Keyring
sys.modules["keyring"] = fake = types.ModuleType("keyring")
asked = threading.Event()
fake.get_password = lambda service, username: (asked.set(), threading.Event().wait())

async def main():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Keyring("pica", "ada").read)
        await anyio.to_thread.run_sync(asked.wait)
        tasks.cancel_scope.cancel()

anyio.run(main)
print("done")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False, cwd=Path.cwd()
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("done\n", "", 0)


async def test_a_real_keyring_is_read() -> None:
    real, backend = pytest.importorskip("keyring"), pytest.importorskip("keyring.backend")

    def get_password(self: object, service: str, username: str) -> str | None:
        return CANARY if (service, username) == ("pica", "ada") else None

    facts = {"priority": 1, "get_password": get_password, "set_password": None}
    before = real.get_keyring()
    real.set_keyring(type("Memory", (backend.KeyringBackend,), facts)())
    try:
        assert await Keyring("pica", "ada").read() == CANARY
    finally:
        real.set_keyring(before)


# When it is read


async def test_a_secret_that_is_told_outright_is_there_at_once() -> None:
    secret = Secret(Fixed(OTHER))
    assert (secret.environment, secret.values, secret.variable) == ("test", (OTHER,), "PICA_SECRET")
    assert await secret.get() == OTHER
    assert await secret.renew(OTHER) is False


async def test_any_other_is_not_known_before_it_is_asked_for(keyholder: Keyholder) -> None:
    secret = Secret(runs(keyholder))
    assert (secret.environment, secret.values, keyholder.runs) == ("", (), 0)
    assert await secret.get() == CANARY
    assert (secret.environment, secret.values, keyholder.runs) == ("live", (CANARY,), 1)


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("sk_live_1_x", "live"),
        ("sk_test_1_x", "test"),
        ("id_test_1_x", "test"),
        ("id_live_1_x", "live"),
        ("whatever", "live"),
    ],
)
def test_the_environment_is_the_secrets(text: str, environment: str) -> None:
    assert Secret(Fixed(text)).environment == environment


def sources(tmp_path: Path) -> list[Source]:
    return [Fixed(CANARY), prints(CANARY), File(tmp_path), Keyring("pica", "ada")]


def test_nothing_shows_what_it_holds(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        assert "canary" not in repr(source) + repr(Secret(source)) + str(Secret(source))


async def at_once(count: int, ask: Callable[[], Awaitable[object]]) -> list[object]:
    """What so many get who ask at the same time, or what they are told instead."""
    got: list[object] = []

    async def one() -> None:
        try:
            got.append(await ask())
        except SecretUnavailable as error:
            got.append(str(error))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
    return got


async def get_all(secret: Secret, count: int) -> list[object]:
    return await at_once(count, secret.get)


async def test_however_many_ask_the_command_runs_once(keyholder: Keyholder) -> None:
    assert await get_all(Secret(runs(keyholder)), 50) == [CANARY] * 50
    assert keyholder.runs == 1


async def test_a_command_that_failed_is_not_run_again_for_ten_seconds(keyholder: Keyholder) -> None:
    keyholder.tells(None)
    clock = Clock()
    secret = Secret(runs(keyholder), clock)
    failure = "PICA_SECRET_COMMAND failed with exit code 1. Ask the operator to put it right."
    assert await get_all(secret, 50) == [failure] * 50
    keyholder.tells(CANARY)
    clock.now += 9.9
    assert await get_all(secret, 1) == [failure]
    assert keyholder.runs == 1
    clock.now += 0.1
    assert await get_all(secret, 1) == [CANARY]
    assert keyholder.runs == 2


async def test_who_waits_gets_it_though_the_one_who_began_has_left(tmp_path: Path, gated: Any) -> None:
    code = (
        "import os, sys; f = sys.argv[1]; began = os.path.exists(f); open(f, 'w').close();"
        f"began or exec(sys.argv[2]); print('{CANARY}')"
    )
    got: list[str] = []
    async with gated() as gate:
        secret = Secret(python(code, str(tmp_path / "began"), gate.code))

        async def ask(scope: anyio.CancelScope) -> None:
            with scope:
                got.append(await secret.get())

        first = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, first)
            await gate.until(living=1, dead=0)
            tasks.start_soon(ask, anyio.CancelScope())
            await anyio.wait_all_tasks_blocked()
            first.cancel()
        await gate.until(living=0, dead=1)
    assert got == [CANARY]


# When it is read again


async def renew_all(secret: Secret, refused: str, count: int = 1) -> set[object]:
    return set(await at_once(count, lambda: secret.renew(refused)))


async def test_a_refused_secret_is_read_anew_once_and_both_stay_hidden(keyholder: Keyholder) -> None:
    secret = Secret(runs(keyholder))
    await secret.get()
    keyholder.tells(OTHER)
    assert await renew_all(secret, CANARY, 50) == {True}
    assert keyholder.runs == 2
    assert await secret.get() == OTHER
    assert (secret.values, secret.environment) == ((OTHER, CANARY), "test")


async def test_a_secret_that_was_refused_late_is_not_read_again(keyholder: Keyholder) -> None:
    secret = Secret(runs(keyholder))
    await secret.get()
    keyholder.tells(OTHER)
    await secret.renew(CANARY)
    assert await renew_all(secret, CANARY) == {True}
    assert keyholder.runs == 2


async def test_a_wrong_secret_does_not_run_the_command_with_each_call(keyholder: Keyholder) -> None:
    clock = Clock()
    secret = Secret(runs(keyholder), clock)
    await secret.get()
    assert await renew_all(secret, CANARY, 50) == {False}
    clock.now += 9.9
    assert await renew_all(secret, CANARY, 50) == {False}
    assert keyholder.runs == 2
    clock.now += 0.2
    keyholder.tells(OTHER)
    assert await renew_all(secret, CANARY, 50) == {True}
    assert keyholder.runs == 3


async def test_a_secret_that_cannot_be_read_anew_stays_and_that_is_logged(
    keyholder: Keyholder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = Secret(runs(keyholder))
    await secret.get()
    keyholder.tells(None)
    assert await renew_all(secret, CANARY, 50) == {False}
    assert (await secret.get(), keyholder.runs) == (CANARY, 2)
    assert caplog.text.count("it cannot be read anew: PICA_SECRET_COMMAND failed with exit code 1.") == 1
    assert "canary" not in caplog.text


async def test_two_rotations_may_follow_each_other_quickly(keyholder: Keyholder) -> None:
    secret = Secret(runs(keyholder), Clock())
    refused = await secret.get()
    for newer in ("sk_live_2_newer", "sk_live_3_newest"):
        keyholder.tells(newer)
        assert await secret.renew(refused) is True
        refused = await secret.get()
    assert secret.values == ("sk_live_3_newest", "sk_live_2_newer")


async def test_a_command_that_makes_a_new_one_each_time_is_not_run_on_and_on(tmp_path: Path) -> None:
    clock = Clock()
    code = "import os, sys; open(sys.argv[1], 'a').write('x'); print('sk_live_' + str(os.path.getsize(sys.argv[1])))"
    secret = Secret(python(code, str(tmp_path / "runs")), clock)
    for _ in range(9):
        await secret.renew(await secret.get())
    assert (tmp_path / "runs").read_text() == "xxxx"
    clock.now += 10
    assert await secret.renew(await secret.get())


async def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    """As Kubernetes does it: the name leads somewhere else."""
    for name, content in (("one", CANARY), ("two", OTHER)):
        (tmp_path / name).write_text(f"{content}\n")
    (tmp_path / "secret").symlink_to("one")
    secret = Secret(File(tmp_path / "secret"))
    assert await secret.get() == CANARY
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "secret")
    assert await renew_all(secret, CANARY) == {True}
    assert await secret.get() == OTHER
