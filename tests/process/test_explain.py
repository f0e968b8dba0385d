"""`pica-mcp explain` as an operator runs it: text and JSON, what is wrong in one line, and the right exit code."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from done import Command

from pica_mcp.audit import obstacle
from pica_mcp.sandbox import Sandbox

README = Path(__file__).parents[2] / "README.md"

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_excerpt_of_the_readme_is_what_is_printed(command: Command) -> None:
    done = command("explain", "--sandbox", PICA_PERMISSIONS="write", PICA_ACTION_IDS="gmail, slack GET, notion")
    (shown,) = re.findall(r"```text\n(What user ada .+?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    parts = [part.strip("\n") for part in shown.split("...\n")]
    assert len(parts) > 1
    assert [part for part in parts if part not in done.out] == []
    assert (done.code, done.err) == (0, "")


def test_json_tells_the_same(command: Command) -> None:
    settings = {"PICA_PERMISSIONS": "write", "PICA_DEFAULT_CONNECTIONS": "gmail=Work"}
    told = command("explain", "--sandbox", "--json", **settings).json
    assert (told["identity"], told["environment"], told["permission"]) == ("ada", "live", "write")
    gmail = next(one for one in told["platforms"] if one["platform"] == "gmail")
    assert gmail["allowed"] == {"read": 5, "write": 4}
    assert gmail["refused"] == [
        {"reason": "permission", "why": "PICA_PERMISSIONS is write", "actions": {"destructive": 2}}
    ]
    assert [(one["label"], one["default"]) for one in gmail["connections"]] == [("Personal", False), ("Work", True)]
    assert told["others"]["team growth"] == {"gmail": 1, "hub-spot": 1, "linear": 1, "notion": 1, "slack": 1}
    assert told["findings"] == []


def test_it_is_the_same_every_time_and_shows_no_key(command: Command) -> None:
    keys = [key for identity in ("ada", "growth") for key in Sandbox().keys(identity)]
    settings = {"PICA_CONNECTION_KEYS": ",".join([*keys, "live::gmail::gone"])}
    for arguments in ((), ("--json",), ("gmail",)):
        first, second = (command("explain", "--sandbox", *arguments, **settings) for _ in range(2))
        assert first.out == second.out
        assert not any(key in first.out or key.split("::")[-1] in first.out for key in keys)


def test_each_action_of_a_platform_is_listed_with_its_verdict(command: Command) -> None:
    settings = {"PICA_PERMISSIONS": "write", "PICA_EFFECTS": "gmail POST *trash=write"}
    done = command("explain", "gmail", "--sandbox", **settings)
    assert done.code == 0
    allowed, refused = done.out.split("May not run, PICA_PERMISSIONS is write: 1\n")
    assert "May run: 10\n" in allowed
    assert "write by PICA_EFFECTS: gmail POST *trash=write" in allowed
    assert re.search(r"destructive  gmail_delete_message +DELETE /users/", refused)
    only = command("explain", "gmail", "--sandbox", "--refused", **settings).out
    assert ("gmail_delete_message" in only, "gmail_send_email" in only) == (True, False)
    told = command("explain", "gmail", "--sandbox", "--allowed", "--json", **settings).json
    assert {one["verdict"] for one in told["actions"]} == {"allowed"}
    assert len(told["actions"]) == 10


@pytest.mark.parametrize("columns", ["10", "40", "80", "400"])
def test_it_fits_the_window(command: Command, columns: str) -> None:
    done = command("explain", "--sandbox", COLUMNS=columns)
    assert max(map(len, done.out.splitlines())) <= min(max(int(columns), 40), 100)


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
    command: Command, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    done = command("explain", *arguments, **variables)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("name", ["explain", "tokens"])
def test_where_pica_cannot_be_asked_it_is_one_line_and_exit_code_1(command: Command, name: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = command(name, PICA_SECRET="sk_live_secret", PICA_BASE_URL=url)
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert done.err.startswith("pica-mcp: Pica cannot be reached")


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
    command: Command, tmp_path: Path, where: str, problem: str | None
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    before = sorted(tmp_path.rglob("*"))
    path = str(tmp_path / where)
    recorded = command("call", "list_pica_integrations", "--sandbox", PICA_AUDIT=path)
    assert recorded.code == (2 if problem else 0)  # what is told is what happens
    assert problem or (tmp_path / where).read_text()
    for name in ("file", "new"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "file").touch()
    findings = command("explain", "--sandbox", "--json", PICA_AUDIT=path).json["findings"]
    assert sorted(tmp_path.rglob("*")) == before
    told = [(one["setting"], one["part"], one["problem"]) for one in findings]
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


def test_an_account_is_found_by_what_the_audit_tells_of_it(command: Command, tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    settings = {"PICA_AUDIT": str(audit), "PICA_AUDIT_HASH_CALLERS": "true", "PICA_IDENTITY": "ada"}
    listed = ("call", "gmail_list_messages", "--connection", "Work", "userId=me", "--sandbox")
    assert command(*listed, **settings).code == 0
    (line,) = map(json.loads, audit.read_text().splitlines())
    told = command("explain", "--sandbox", "--json", **settings).json
    gmail = next(one for one in told["platforms"] if one["platform"] == "gmail")
    assert {one["audit"]: one["label"] for one in gmail["connections"]}[line["connection"]] == "Work"
    assert told["audit_caller"] == line["caller"]


def test_what_pica_does_not_tell_of_the_account_is_said_and_is_exit_code_1(serving: Any) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/gmail", status=400, times=None)
    with serving(box) as command:
        done = command("explain", PICA_IDENTITY="ada")
    assert done.code == 1
    assert "slack: 9 of 9 actions may run" in done.out
    assert "its actions cannot be told now." in done.out
    assert done.err.startswith("pica-mcp: Pica did not tell all of it. ")


def test_a_refused_secret_is_told_and_nothing_of_it(serving: Any) -> None:
    with serving(Sandbox()) as command:
        done = command("explain", PICA_SECRET="sk_live_wrong_one")
    assert (done.code, done.out) == (1, "")
    assert "Pica refuses the secret" in done.err
    assert "sk_live" not in done.err
