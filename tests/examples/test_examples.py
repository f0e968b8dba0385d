"""The examples for agent frameworks: the README has them, and those who run them would notice if they failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from errand import CALLS, Script
from frameworks import EXAMPLES, HERE, OURS, ROOT, Example, Failed, perform

README = (ROOT / "README.md").read_text(encoding="utf-8")


def copied(name: str) -> str:
    """What people copy: the program from its first import on."""
    program = (HERE / EXAMPLES[name].copied).read_text(encoding="utf-8")
    start = re.search(r"^import ", program, re.MULTILINE)
    assert start
    return program[start.start() :].rstrip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_readme_shows_the_program_that_is_run(name: str) -> None:
    assert re.findall(rf"<!-- example: {name} -->\n+```python\n(.+?)\n```", README, re.DOTALL) == [copied(name)]


def test_the_readme_shows_no_others() -> None:
    assert sorted(re.findall(r"<!-- example: (\S+) -->", README)) == sorted(EXAMPLES)


@pytest.mark.skipif(os.name == "nt", reason="on Windows the program is .venv\\Scripts\\pica-mcp.exe")
def test_the_clients_program_runs_as_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    printed = _child(["-c", copied("sdk")], tmp_path)
    tools, sent, found = printed.stdout.splitlines()
    assert "gmail_send_email" in tools
    assert sent.startswith('sent: {"success":true')
    assert "They are in." in found


# Those who watch


@pytest.mark.parametrize(
    ("code", "verdict", "told"),
    [
        ("raise SystemExit('no such model')", "failed", "no such model"),
        ("print('The mail is there.')", "not sent", "The mail is there."),
    ],
)
async def test_an_example_that_fails_or_only_says_that_it_did_its_errand_is_found_out(
    code: str, verdict: str, told: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(code)
    with pytest.raises(Failed) as failed:
        await perform(Example("", str(program)), OURS)
    assert failed.value.verdict == verdict
    assert told in failed.value.told


def test_an_example_that_tries_to_reach_another_machine_fails_even_if_it_hides_that(tmp_path: Path) -> None:
    calls = "socket.getaddrinfo('api.openai.com', 443)", "socket.create_connection(('192.0.2.1', 443))"
    for call in calls:
        hidden = f"    async def main():\n        with suppress(OSError):\n            {call}\n"
        code = f"import socket\nfrom contextlib import suppress\nfrom errand import run\nclass E:\n{hidden}run(E)"
        failed = _child(["-c", code], HERE, check=False)
        assert failed.returncode == 1
        assert "It tried to reach" in failed.stderr


def test_the_script_goes_on_only_with_its_tools_and_the_answers_it_needs() -> None:
    offered = [call.tool for call in CALLS]
    answers = [*[call.answer for call in CALLS[:-1]], '{"emails": [{"subject": "Hello"}]}']
    for stage in range(len(CALLS)):
        assert Script().reply(offered, answers[:stage]) == CALLS[stage]
    for stage in range(1, len(CALLS) + 1):
        with pytest.raises(AssertionError):
            Script().reply(offered, [*answers[: stage - 1], "An error occurred."])
    with pytest.raises(AssertionError, match="offered"):
        Script().reply(["gmail_send_email"], [])


def _child(arguments: Sequence[str], folder: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=check, cwd=folder, capture_output=True, encoding="utf-8", timeout=60)
