"""Settings as doctor tells them: each that is malformed, and everything else in spite of that; what runs, and where."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from setups import Machine

from pica_mcp.clients.shell import spelt
from pica_mcp.diagnosis import Group, Status, program
from pica_mcp.diagnosis.program import on_path
from pica_mcp.diagnosis.settings import judge
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

KEY = "live::gmail::default::f00dfeed"


async def test_every_malformed_setting_is_told_and_the_rest_is_looked_into(machine: Machine) -> None:
    machine.environ |= {"PICA_PERMISSIONS": "all", "PICA_MAX_TOOLS": "many", "PICA_IDENTITTY": "ada"}
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False, flags={"consent": "maybe"})
    assert found.code == 2
    told = {one.name: one for one in found.of(Group.SETTINGS) if one.status is Status.FAILURE}
    assert list(told) == ["PICA_IDENTITTY", "PICA_MAX_TOOLS", "PICA_PERMISSIONS", "--consent"]
    assert (told["PICA_IDENTITTY"].found, told["PICA_IDENTITTY"].cure) == (
        "PICA_IDENTITTY is no setting.",
        "Did you mean PICA_IDENTITY?",
    )
    assert told["PICA_PERMISSIONS"].found == "PICA_PERMISSIONS is 'all', but must be one of read, write, admin."
    assert found.one(Group.SECRET, "accepted").status is Status.OK
    assert found.one(Group.IDENTITY, "identity").found == "user ada has 6 connections"


async def test_two_secrets_are_told_and_the_network_is_still_looked_at(machine: Machine) -> None:
    machine.environ["PICA_SECRET_FILE"] = "/run/secrets/pica"
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert found.failures == [(Group.SETTINGS, "secret")]
    assert found.one(Group.SETTINGS, "secret").found == "PICA_SECRET and PICA_SECRET_FILE are set."
    assert found.one(Group.NETWORK, "connection").status is Status.OK


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('permision = "read"\n', "permision"),
        ("permissions = [\n", "pica.toml"),
    ],
)
async def test_a_bad_settings_file_is_told_and_what_stands_beside_it_is_looked_into(
    machine: Machine, written: str, told: str
) -> None:
    file = machine.home / "pica.toml"
    file.write_text(written)
    machine.environ["PICA_CONFIG"] = str(file)
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([(Group.SETTINGS, "PICA_CONFIG")], 2)
    assert told in found.one(Group.SETTINGS, "PICA_CONFIG").found
    assert found.one(Group.SECRET, "accepted").status is Status.OK


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
async def test_a_settings_file_with_a_secret_that_others_may_read_is_told(machine: Machine) -> None:
    file = machine.home / "pica.toml"
    file.write_text(f'secret = "{LIVE_SECRET}"\n')
    file.chmod(0o644)
    del machine.environ["PICA_SECRET"]
    machine.environ["PICA_CONFIG"] = str(file)
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    result = found.one(Group.SETTINGS, "settings file")
    assert (result.status, result.cure) == (Status.WARNING, f"Run: chmod 600 {file}")
    assert found.failures == []


async def test_each_setting_is_told_with_where_it_comes_from(machine: Machine) -> None:
    file = machine.home / "pica.toml"
    file.write_text('tools = "none"\nplatforms = ["slack", "gmail"]\n')
    del machine.environ["PICA_TOOLS"]
    machine.environ |= {"PICA_CONFIG": str(file), "PICA_PERMISSIONS": "read", "PICA_CONNECTION_KEYS": f"{KEY},{KEY}2"}
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False, flags={"permissions": "write"})
    told = {one.name: one.found for one in found.of(Group.SETTINGS)}
    assert told.pop("base_url").endswith("by PICA_BASE_URL")
    assert told == {
        "identity": "ada, by PICA_IDENTITY",
        "identity_type": "user, by PICA_IDENTITY_TYPE",
        "permissions": "write, by --permissions",
        "connection_keys": "2 keys, by PICA_CONNECTION_KEYS",
        "platforms": f"gmail, slack, by {file}",
        "tools": f"none, by {file}",
    }


@pytest.mark.parametrize(
    ("where", "told"),
    [("{home}/none/audit.log", "its folder does not exist"), ("sdterr", "it must be stderr, off, or")],
)
async def test_a_record_that_cannot_be_written_is_a_failure_as_it_is_to_the_server(
    machine: Machine, where: str, told: str
) -> None:
    machine.environ["PICA_AUDIT"] = where.format(home=machine.home)
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([(Group.SETTINGS, "audit")], 2)
    assert told in found.one(Group.SETTINGS, "audit").found


def test_a_bad_file_of_certificates_is_told_beside_other_problems() -> None:
    judged = judge({}, {"SSL_CERT_FILE": "/gone.pem", "PICA_SECRET": LIVE_SECRET, "PICA_TOOLS": "x"}, sandbox=False)
    assert list(judged.problems) == ["SSL_CERT_FILE", "PICA_TOOLS"]
    assert judged.settings is not None
    assert judged.settings.ca_file is None


def test_a_bad_proxy_leaves_no_settings() -> None:
    judged = judge({}, {"PICA_SECRET": LIVE_SECRET, "HTTPS_PROXY": "socks5://127.0.0.1:1080"}, sandbox=False)
    assert (list(judged.problems), judged.settings) == (["proxy"], None)


async def test_without_settings_the_clients_are_told_all_the_same(machine: Machine) -> None:
    machine.environ["HTTPS_PROXY"] = "socks5://127.0.0.1:1080"
    found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([(Group.SETTINGS, "proxy")], 2)
    assert found.of(Group.CLIENTS, "others")


async def test_no_secret_key_or_password_is_in_anything_that_is_told(machine: Machine) -> None:
    machine.environ |= {
        "HTTPS_PROXY": "http://ada:hunter2secret@127.0.0.1:9",
        "PICA_CONNECTION_KEYS": f"{KEY},*",
        "PICA_CONNECTION_NAMES": f"Work={KEY}",
        "PICA_DEFAULT_CONNECTIONS": f"gmail={KEY}",
        "PICA_SECRET_FILE": LIVE_SECRET,
        "PICA_BASE_URL": "https://ada:hunter2secret@api.pica-mcp.invalid",
    }
    for gone in ((), ("PICA_SECRET",), ("PICA_BASE_URL", "PICA_CONNECTION_KEYS"), ("PICA_SECRET_FILE",)):
        for name in gone:
            machine.environ.pop(name)
        found = await machine.doctor(starts=False)
        assert not any(word in found.text for word in ("hunter2", "f00dfeed", LIVE_SECRET))
        assert "sandbox-ada" not in found.text


# This program


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder / name


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
def test_another_program_of_the_name_on_path_is_told(tmp_path: Path) -> None:
    own = script(tmp_path / "own", "pica-mcp", "#!/usr/bin/python3\n")
    npm = script(tmp_path / "npm", "pica-mcp", "#!/usr/bin/env node\n")
    other = script(tmp_path / "other", "pica-mcp", "#!/usr/bin/python2\n")
    linked = tmp_path / "node_modules" / "@picahq" / "pica-mcp"
    script(linked, "index.js", "")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "pica-mcp").symlink_to(linked / "index.js")

    def told(folder: Path) -> tuple[Status, bool, bool]:
        result = on_path({"PATH": str(folder)}, own.parent)
        return result.status, "npm" in result.cure, str(own) in result.cure

    assert told(own.parent) == (Status.OK, False, False)
    assert told(npm.parent) == (Status.WARNING, True, True)
    assert told(tmp_path / "links") == (Status.WARNING, True, True)
    assert told(other.parent) == (Status.WARNING, False, True)
    assert told(tmp_path / "nowhere") == (Status.NOTE, False, False)
    module = f"Start this one with {sys.executable} -P -m pica_mcp."
    assert on_path({"PATH": str(other.parent)}, tmp_path / "nowhere").cure == module


@pytest.mark.skipif(os.name != "posix", reason="of scripts")
def test_commands_are_told_as_they_run_in_this_shell(tmp_path: Path) -> None:
    own = script(tmp_path / ".venv" / "bin", "pica-mcp", "").parent
    strange = script(tmp_path / "my tools" / "bin", "pica-mcp", "").parent
    there = tmp_path / "elsewhere"
    assert spelt({"PATH": str(own)}, there, own) == "pica-mcp"
    assert spelt({"PATH": "/nowhere"}, there, own) == str(own / "pica-mcp")
    assert spelt({"PATH": str(strange)}, tmp_path, own) == ".venv/bin/pica-mcp"
    assert spelt({"PATH": ""}, own, own) == str(own / "pica-mcp")  # a bare name is looked for on PATH only
    assert spelt({"PATH": ""}, there, strange) == f"'{strange}/pica-mcp'"
    assert spelt({"PATH": ""}, there, there) == f"{sys.executable} -P -m pica_mcp"


async def test_every_command_that_is_told_runs_in_this_shell(machine: Machine) -> None:
    machine.environ["PATH"] = ""
    (machine.home / ".cursor").mkdir()
    (machine.home / ".cursor" / "mcp.json").touch()
    found = await machine.doctor(sandbox=True)
    assert found.one(Group.CLIENTS, "Cursor").cure.endswith("pica-mcp install cursor`.")
    assert "`pica-mcp " not in found.text


def test_versions_are_told_and_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {one.name: one for one in program.versions({"PATH": ""})}
    assert told["Python"].found.endswith(sys.executable)
    assert {told[name].status for name in ("pica-mcp", "mcp", "httpx2", "pydantic", "anyio")} == {Status.OK}

    def version(name: str) -> str:
        if name == "mcp":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(program, "version", version)
    told = {one.name: one for one in program.versions({"PATH": ""})}
    assert (told["mcp"].status, told["mcp"].cure) == (Status.FAILURE, f"Run: {sys.executable} -m pip install mcp")
