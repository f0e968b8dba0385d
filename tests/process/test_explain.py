"""`pica-mcp explain` as an operator runs it: text and JSON, what is wrong in one line, and the right exit code."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from pica_mcp.audit import obstacle
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

README = Path(__file__).parents[2] / "README.md"

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_excerpt_of_the_readme_is_what_is_printed(run: Run) -> None:
    done = run("explain", "--sandbox", PICA_PERMISSIONS="write", PICA_ACTION_IDS="gmail, slack GET, notion")
    (shown,) = re.findall(r"```text\n(What user ada .+?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    parts = [part.strip("\n") for part in shown.split("...\n")]
    assert len(parts) > 1
    assert [part for part in parts if part not in done.stdout] == []
    assert (done.returncode, done.stderr) == (0, "")


def test_json_tells_the_same(run: Run) -> None:
    done = run("explain", "--sandbox", "--json", PICA_PERMISSIONS="write", PICA_DEFAULT_CONNECTIONS="gmail=Work")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["identity"], told["environment"], told["permission"]) == ("ada", "live", "write")
    gmail = next(one for one in told["platforms"] if one["platform"] == "gmail")
    assert gmail["allowed"] == {"read": 5, "write": 4}
    assert gmail["refused"] == [
        {"reason": "permission", "why": "PICA_PERMISSIONS is write", "actions": {"destructive": 2}}
    ]
    assert [(one["label"], one["default"]) for one in gmail["connections"]] == [("Personal", False), ("Work", True)]
    assert told["others"]["team growth"] == {"gmail": 1, "hub-spot": 1, "linear": 1, "notion": 1, "slack": 1}
    assert told["findings"] == []


def test_it_is_the_same_every_time_and_shows_no_key(run: Run) -> None:
    keys = [key for identity in ("ada", "growth") for key in Sandbox().keys(identity)]
    settings = {"PICA_CONNECTION_KEYS": ",".join([*keys, "live::gmail::gone"])}
    for arguments in ((), ("--json",), ("gmail",)):
        first, second = (run("explain", "--sandbox", *arguments, **settings) for _ in range(2))
        assert first.stdout == second.stdout
        assert not any(key in first.stdout or key.split("::")[-1] in first.stdout for key in keys)


def test_each_action_of_a_platform_is_listed_with_its_verdict(run: Run) -> None:
    settings = {"PICA_PERMISSIONS": "write", "PICA_EFFECTS": "gmail POST *trash=write"}
    done = run("explain", "gmail", "--sandbox", **settings)
    assert done.returncode == 0
    allowed, refused = done.stdout.split("May not run, PICA_PERMISSIONS is write: 1\n")
    assert "May run: 10\n" in allowed
    assert "write by PICA_EFFECTS: gmail POST *trash=write" in allowed
    assert re.search(r"destructive  gmail_delete_message +DELETE /users/", refused)
    only = run("explain", "gmail", "--sandbox", "--refused", **settings).stdout
    assert ("gmail_delete_message" in only, "gmail_send_email" in only) == (True, False)
    told = json.loads(run("explain", "gmail", "--sandbox", "--allowed", "--json", **settings).stdout)
    assert {one["verdict"] for one in told["actions"]} == {"allowed"}
    assert len(told["actions"]) == 10


@pytest.mark.parametrize("columns", ["10", "40", "80", "400"])
def test_it_fits_the_window(run: Run, columns: str) -> None:
    done = run("explain", "--sandbox", COLUMNS=columns)
    assert max(map(len, done.stdout.splitlines())) <= min(max(int(columns), 40), 100)


def test_it_runs_where_not_every_character_can_be_shown(run: Run) -> None:
    done = run(
        "explain", "--sandbox", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PICA_CONNECTION_NAMES="Büro=gmail/Work"
    )
    assert (done.returncode, done.stderr, "B?ro (operational" in done.stdout) == (0, "", True)


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ([], {}, "PICA_SECRET is not set."),
        (["--sandbox"], {"PICA_PERMISSIONS": "all"}, "PICA_PERMISSIONS is 'all', but must be one of"),
        (["--sandbox"], {"PICA_AUDIT": "sdterr"}, "PICA_AUDIT is 'sdterr', but must be"),
        (["--sandbox", "gmial"], {}, "There is no platform 'gmial'. Did you mean gmail?"),
        (["--sandbox", "--refused"], {}, "need a PLATFORM"),
        (["--sandbox", "--refused", "--allowed", "gmail"], {}, "not allowed with argument"),
    ],
)
def test_what_is_wrong_with_settings_or_arguments_is_exit_code_2(
    run: Run, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    done = run("explain", *arguments, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["explain", "tokens"])
def test_where_pica_cannot_be_asked_it_is_one_line_and_exit_code_1(run: Run, command: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = run(command, PICA_SECRET="sk_live_secret", PICA_BASE_URL=url)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith("pica-mcp: Pica cannot be reached")


def test_the_audits_file_is_left_alone(run: Run, tmp_path: Path) -> None:
    done = run("explain", "--sandbox", PICA_AUDIT=str(tmp_path / "audit.log"))
    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])
    assert "audit.log" in done.stdout.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("none/audit.log", "its folder does not exist"),
        ("file/audit.log", "its folder does not exist"),
        ("folder", "it is not a plain file"),
        ("link", "it is a link"),
        ("file", None),
        ("new", None),
    ],
)
def test_a_file_that_the_server_could_not_record_in_is_told_and_nothing_is_made(
    program: list[str], run: Run, tmp_path: Path, where: str, problem: str | None
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    before = sorted(tmp_path.rglob("*"))
    path = str(tmp_path / where)
    served = subprocess.run(
        [*program, "serve", "--sandbox"],
        env={"PATH": os.environ["PATH"], "PICA_AUDIT": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert served.returncode == (2 if problem else 0)  # what is told is what happens
    (tmp_path / "new").unlink(missing_ok=True)
    done = run("explain", "--sandbox", "--json", PICA_AUDIT=path)
    assert (done.returncode, done.stderr, sorted(tmp_path.rglob("*"))) == (0, "", before)
    told = [(one["setting"], one["part"], one["problem"]) for one in json.loads(done.stdout)["findings"]]
    assert told == ([("PICA_AUDIT", path, f"not every call could be recorded there: {problem}")] if problem else [])


def test_a_file_or_folder_of_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").touch()
    refused = {tmp_path}

    def access(path: Path, mode: int) -> bool:  # root may do everything
        del mode
        return path not in refused

    monkeypatch.setattr(os, "access", access)
    assert obstacle(str(tmp_path / "new")) == "its folder cannot be written to"
    assert obstacle(str(tmp_path / "old")).startswith("its folder cannot be written to, so it cannot be put aside")
    refused.add(tmp_path / "old")
    assert obstacle(str(tmp_path / "old")) == "it cannot be written to"
    assert [obstacle(where) for where in ("stderr", "off")] == ["", ""]
    assert "home" in obstacle("~no-such-user/audit.log")
    assert obstacle("sdterr") == "it must be stderr, off, or the path of a file with its folder"


async def test_an_account_is_found_by_what_the_audit_tells_of_it(program: list[str], run: Run, tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    settings = {"PICA_AUDIT": str(audit), "PICA_AUDIT_HASH_CALLERS": "true", "PICA_IDENTITY": "ada"}
    server = StdioServerParameters(command=program[0], args=[*program[1:], "--sandbox"], env=settings)
    with anyio.fail_after(60):
        async with Client(server) as client:
            await client.call_tool("gmail_list_messages", {"connection": "Work", "userId": "me"})
    (line,) = map(json.loads, audit.read_text().splitlines())
    done = run("explain", "--sandbox", "--json", **settings)
    told = json.loads(done.stdout)
    gmail = next(one for one in told["platforms"] if one["platform"] == "gmail")
    assert {one["audit"]: one["label"] for one in gmail["connections"]}[line["connection"]] == "Work"
    assert told["audit_caller"] == line["caller"]


def test_whoever_has_seen_enough_may_go(program: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*program, "explain", "--sandbox"], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@asynccontextmanager
async def over_http(box: Sandbox) -> AsyncGenerator[dict[str, str]]:
    with anyio.fail_after(90):
        async with box.listening() as url:
            yield {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}


async def against(program: list[str], environment: dict[str, str], *arguments: str) -> Any:
    env = {"PATH": os.environ["PATH"], **environment}
    return await anyio.run_process([*program, "explain", *arguments], env=env, check=False)


async def test_what_pica_does_not_tell_of_the_account_is_said_and_is_exit_code_1(program: list[str]) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/gmail", status=400, times=None)
    async with over_http(box) as environment:
        done = await against(program, environment)
    assert done.returncode == 1
    assert b"slack: 9 of 9 actions may run" in done.stdout
    assert b"its actions cannot be told now." in done.stdout
    assert done.stderr.startswith(b"pica-mcp: Pica did not tell all of it. ")


async def test_a_refused_secret_is_told_and_nothing_of_it(program: list[str]) -> None:
    box = Sandbox()
    async with over_http(box) as environment:
        done = await against(program, {**environment, "PICA_SECRET": "sk_live_wrong_one"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Pica refuses the secret" in done.stderr
    assert b"sk_live" not in done.stderr
