"""The commands as a person uses them: one line for what is wrong, a quiet end, and the right exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from done import Command

ROOT = Path(__file__).parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_version_is_told_whatever_else_is_asked(command: Command) -> None:
    for arguments in (["--version"], ["--sandbox", "--version"], ["serve", "--version"]):
        done = command(*arguments)
        assert (done.code, bool(re.fullmatch(r"pica-mcp \d+\.\d+\.\d+\n", done.out))) == (0, True)


@pytest.mark.parametrize("flag", ["--secret=x", "--nonsense", "--permission=read", "foo", "--max-tools"])
def test_a_word_that_is_none_of_ours_is_exit_code_2(command: Command, flag: str) -> None:
    done = command(flag, PICA_SECRET="sk_live_secret")
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PICA_PERMISSION": "read"}, "PICA_PERMISSION is no setting. Did you mean PICA_PERMISSIONS?"),
        ({"PICA_CONNECTION_KEYS": "Work"}, "but must be * alone, or connection keys like live::gmail::"),
        ({"PICA_ACTION_IDS": "gmail_send_email"}, "but must be an action id like conn_mod_def::"),
        ({"SSL_CERT_FILE": "/nowhere"}, "SSL_CERT_FILE is '/nowhere', but holds no certificates"),
        ({"HTTPS_PROXY": "socks5://proxy.example"}, "The proxy variable for this URL is malformed."),
    ],
)
def test_what_would_restrict_nothing_or_break_later_is_told_at_once(
    command: Command, variables: dict[str, str], message: str
) -> None:
    done = command(PICA_SECRET="sk_live_secret", **variables)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert message in done.err


def test_variables_of_others_that_merely_look_like_ours_are_left_alone(run: Run) -> None:
    assert run("--sandbox", PICA_SECRET_KEY="x", PICASSO="y").returncode == 0


def test_a_port_that_is_taken_is_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("sandbox", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert re.fullmatch(r"pica-mcp: port \d+ cannot be used \(.+\)\. Try --port 0\.\n", done.stderr)
    assert run("sandbox", "--port", "99999").returncode == 2


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_ends_quietly(program: list[str], end: signal.Signals) -> None:
    process = subprocess.Popen(
        [*program, "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline()
    process.send_signal(end)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0 if end is signal.SIGINT else -signal.SIGTERM, "")


def test_a_person_at_a_terminal_is_told_what_it_waits_for(program: list[str]) -> None:
    ours, its = pty.openpty()
    with subprocess.Popen(
        [*program, "--sandbox"], stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(its)
        assert process.stderr
        assert b"waiting for an MCP client" in process.stderr.readline()
        os.close(ours)  # the person closes the window
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "words", ["actions send mail", "connections", "knowledge gmail_send_email", "tools gmail_send_email", "whoami"]
)
def test_commands_that_other_tests_run_in_their_own_process_are_programs_as_well(run: Run, words: str) -> None:
    done = run(*words.split(), "--sandbox")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)


def test_whoever_has_seen_enough_of_the_demo_may_go(program: list[str]) -> None:
    with subprocess.Popen([*program, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 1
