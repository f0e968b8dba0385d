"""Secret, identity, connections, the catalogue on disk, the list of tools: what is wrong, and what to do about it."""

from __future__ import annotations

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from setups import Machine

from pica_mcp.catalog import catalogue_file, prepare
from pica_mcp.diagnosis import Group, Result, Status, tools
from pica_mcp.diagnosis.report import Report
from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")


async def asked(machine: Machine, box: Sandbox | None = None) -> tuple[Machine, Result, list[Result]]:
    """Return the machine, what is told of its identity, and of its connections."""
    async with machine.over_http(box or Sandbox()):
        found = await machine.doctor(starts=False)
    return machine, found.one(Group.IDENTITY, "identity"), found.of(Group.CONNECTIONS)


# A set-up that is well


async def test_where_all_is_well_nothing_fails_and_every_group_is_told_in_its_order(machine: Machine) -> None:
    box = Sandbox()
    del machine.environ["PICA_TOOLS"]
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([], 0)
    groups = list(dict.fromkeys(result.group for result in found.results))
    assert groups == list(Group)
    assert found.one(Group.SECRET, "accepted").found == "by Pica, as Ada, Acme"
    assert found.one(Group.SECRET, "environment").found == "live: sees live connections only"
    assert found.one(Group.IDENTITY, "identity").found == "user ada has 6 connections"
    assert {request.method for request in box.requests} == {"GET"}


async def test_nothing_is_made_on_disk(machine: Machine) -> None:
    machine.environ["PICA_AUDIT"] = str(machine.home / "audit.log")
    async with machine.over_http(Sandbox()):
        found = await machine.doctor()
    assert found.failures == []
    assert [*machine.home.rglob("*"), *machine.project.rglob("*")] == []


async def test_the_sandbox_is_well_too(machine: Machine) -> None:
    machine.environ = {}
    found = await machine.doctor(sandbox=True)
    assert (found.failures, found.code) == ([], 0)
    assert found.one(Group.NETWORK, "Pica").found == "the embedded sandbox answers"


async def test_what_is_not_told_in_time_is_a_failure_and_the_rest_is_told(machine: Machine) -> None:
    del machine.environ["PICA_SECRET"]
    async with machine.over_http(Sandbox()):
        machine.environ["PICA_SECRET_COMMAND"] = "/bin/sleep 60"
        found = await machine.doctor(starts=False, seconds=0.5)
    late = [one for one in found.results if one.name == "time"]
    assert {one.group for one in late} == set(Group) - {Group.PROGRAM, Group.SETTINGS, Group.CLIENTS}
    assert {(one.status, one.found) for one in late} == {(Status.FAILURE, "not all of it could be told within 0.5 s")}
    assert (found.of(Group.CLIENTS, "others") != [], found.code) == (True, 1)


def test_results_are_shown_in_the_order_of_their_groups_as_soon_as_those_before_have_ended() -> None:
    told: list[str] = []
    report = Report(lambda result: told.append(result.name))

    def add(group: Group, name: str) -> None:
        report.add(Result(group, name, Status.OK, ""))

    add(Group.SETTINGS, "third")
    add(Group.PROGRAM, "first")
    assert told == ["first"]
    add(Group.PROGRAM, "second")
    assert told == ["first", "second"]
    report.end(Group.PROGRAM)
    assert told == ["first", "second", "third"]
    add(Group.PROGRAM, "late")
    report.end(*Group)
    assert told == ["first", "second", "third"]


# The secret


@pytest.mark.parametrize("blank", [{}, {"PICA_SECRET": " "}])
async def test_no_secret_is_told_as_the_setting_to_set_and_the_network_is_still_told(
    machine: Machine, blank: dict[str, str]
) -> None:
    del machine.environ["PICA_SECRET"]
    machine.environ |= blank
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([(Group.SETTINGS, "secret")], 2)
    assert found.one(Group.SETTINGS, "secret").found == "PICA_SECRET is not set."
    assert "https://app.picaos.com/settings/api-keys" in found.one(Group.SETTINGS, "secret").cure
    assert found.one(Group.NETWORK, "connection").status is Status.OK
    assert found.one(Group.IDENTITY, "identity").status is Status.SKIPPED
    assert found.one(Group.SECRET, "source").found == "no key is set"
    assert found.one(Group.CACHE, "catalogue").found.endswith(": nothing is kept yet")


async def test_a_wrong_path_is_told_to_be_checked(machine: Machine) -> None:
    async with machine.over_http(Sandbox()):
        machine.environ["PICA_BASE_URL"] += "/v9"
        found = await machine.doctor(starts=False)
    result = found.one(Group.NETWORK, "Pica")
    assert (result.status, "HTTP 404" in result.found) == (Status.FAILURE, True)
    assert result.cure == "Check the path in PICA_BASE_URL."


async def test_a_refused_secret_is_told_with_where_to_put_another(machine: Machine) -> None:
    machine.environ["PICA_SECRET"] = "sk_live_of_yesterday"
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert (found.failures, found.code) == ([(Group.SECRET, "accepted")], 1)
    result = found.one(Group.SECRET, "accepted")
    assert "Pica refuses it" in result.found
    assert "PICA_SECRET" in result.cure
    assert found.one(Group.NETWORK, "Pica").status is Status.OK
    assert "yesterday" not in found.text


async def test_a_secret_that_cannot_be_read_is_told_and_pica_is_not_asked(machine: Machine) -> None:
    del machine.environ["PICA_SECRET"]
    machine.environ["PICA_SECRET_FILE"] = str(machine.home / "gone")
    box = Sandbox()
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    assert (found.failures, box.requests) == ([(Group.SECRET, "source")], [])
    result = found.one(Group.SECRET, "source")
    assert "gone', which cannot be read: No such file or directory" in result.found
    assert result.cure == "Put PICA_SECRET_FILE right, or say otherwise where the secret is."


@POSIX
@pytest.mark.parametrize(("mode", "status"), [(0o644, Status.WARNING), (0o600, None)])
async def test_a_secrets_file_that_others_may_read_is_told(machine: Machine, mode: int, status: Status | None) -> None:
    del machine.environ["PICA_SECRET"]
    file = machine.home / "it's a key"
    file.write_text(LIVE_SECRET)
    file.chmod(mode)
    machine.environ["PICA_SECRET_FILE"] = str(file)
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert [(one.status, one.cure) for one in found.of(Group.SECRET, "file")] == (
        [(status, f"Run: chmod 600 {shlex.quote(str(file))}")] if status else []
    )
    assert found.one(Group.SECRET, "accepted").status is Status.OK


async def test_a_secret_is_read_once(machine: Machine, tmp_path: Path) -> None:
    del machine.environ["PICA_SECRET"]
    runs = tmp_path / "runs"
    machine.environ |= {"PICA_SECRET_COMMAND": f"/bin/sh -c 'echo x >> {runs}; echo {LIVE_SECRET}'"}
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    assert (found.failures, runs.read_text()) == ([], "x\n")


# Identity and connections


async def test_a_test_secret_with_an_identity_of_live_is_told_as_such(machine: Machine) -> None:
    machine.environ["PICA_SECRET"] = TEST_SECRET
    machine.environ["PICA_IDENTITY"] = "growth"
    machine.environ["PICA_IDENTITY_TYPE"] = "team"
    _, identity, connections = await asked(machine)
    assert (identity.status, "in the test environment" in identity.found) == (Status.WARNING, True)
    assert "take a live key" in identity.cure
    assert [(one.status, one.found) for one in connections] == [(Status.NOTE, "nothing is connected")]


@pytest.mark.parametrize(
    ("identity", "identity_type", "near"),
    [("adda", "user", "user ada"), ("ada", "team", "user ada"), ("growht", "team", "team growth")],
)
async def test_an_identity_that_nobody_knows_is_told_with_whom_it_may_mean(
    machine: Machine, identity: str, identity_type: str, near: str
) -> None:
    machine.environ |= {"PICA_IDENTITY": identity, "PICA_IDENTITY_TYPE": identity_type}
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    result = found.one(Group.IDENTITY, "identity")
    assert found.of(Group.TOOLS, "PICA_IDENTITY") == []  # it is told already
    assert [(one.status, one.cure) for one in found.of(Group.CONNECTIONS)] == [(Status.NOTE, "")]  # likewise
    assert (result.status, f"one alike has: {near}" in result.found) == (Status.FAILURE, True)
    assert result.cure == f"If that is meant, set PICA_IDENTITY and PICA_IDENTITY_TYPE to it: {near}."


async def test_an_identity_that_is_like_nobodys_may_be_new(machine: Machine) -> None:
    machine.environ["PICA_IDENTITY"] = "zebra-7731"
    _, result, (nothing,) = await asked(machine)
    assert (result.status, result.found) == (Status.WARNING, "user zebra-7731 has no connection")
    assert ("AuthKit" in result.cure, nothing.status, nothing.cure) == (True, Status.NOTE, "")


async def test_the_whole_account_is_told_to_be_served(machine: Machine) -> None:
    del machine.environ["PICA_IDENTITY"], machine.environ["PICA_IDENTITY_TYPE"]
    _, result, connections = await asked(machine)
    assert (result.status, "whole account" in result.found) == (Status.NOTE, True)
    assert any("of team growth" in one.found for one in connections)


async def test_each_connection_is_told_with_what_to_do_about_it(machine: Machine) -> None:
    box = Sandbox()
    states = {"stripe": "failed", "github": "degraded"}
    for key in box.keys("ada"):
        if (platform := key.split("::")[1]) in states:
            box.set_state(key, states[platform])
    machine.environ["PICA_PLATFORMS"] = "gmail,slack,stripe,github"
    _, _, connections = await asked(machine, box)
    told = {one.name: one for one in connections}
    assert told["gmail/Work"].status is Status.OK
    assert (told["stripe/Engines billing"].status, told["slack/Old workspace"].status) == (
        Status.FAILURE,  # nothing else of its platform works
        Status.WARNING,
    )
    assert told["stripe/Engines billing"].cure.startswith("Connect it again: in the application that connects accounts")
    assert (told["github/oss"].status, told["github/oss"].found) == (Status.WARNING, "degraded: calls may fail")


async def test_an_account_of_somebodys_is_connected_again_where_theirs_are_made(machine: Machine) -> None:
    for name in ("PICA_IDENTITY", "PICA_IDENTITY_TYPE"):
        del machine.environ[name]
    _, _, connections = await asked(machine)
    (failed,) = [one for one in connections if one.name == "slack/Old workspace"]
    where = "in the application that connects accounts for user ada"
    assert (failed.status, failed.cure.startswith(f"Connect it again: {where}")) == (Status.WARNING, True)


async def test_what_a_setting_keeps_from_being_used_is_a_note(machine: Machine) -> None:
    machine.environ["PICA_PLATFORMS"] = "gmail"
    _, _, connections = await asked(machine)
    told = {one.name: one for one in connections}
    assert (told["github/oss"].status, told["github/oss"].found) == (
        Status.NOTE,
        "operational, not used: not on PICA_PLATFORMS",
    )


# The catalogue on disk


async def cache(machine: Machine, folder: Path) -> Result:
    machine.environ["PICA_CACHE"] = str(folder)
    async with machine.over_http(Sandbox()):
        return (await machine.doctor(starts=False)).one(Group.CACHE, "catalogue")


async def test_a_cache_where_nobody_can_write_is_told(machine: Machine) -> None:
    (machine.home / "file").touch()
    result = await cache(machine, machine.home / "file" / "cache")
    assert (result.status, f"{machine.home / 'file'} is not a folder" in result.found) == (Status.WARNING, True)
    assert "PICA_CACHE" in result.cure


async def test_a_cache_of_another_user_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != machine.home and access(path, mode))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    result = await cache(machine, machine.home / "cache")
    assert (result.status, f"{machine.home} cannot be written to" in result.found) == (Status.WARNING, True)


async def test_a_damaged_cache_is_told_and_left_alone(machine: Machine) -> None:
    folder = machine.home / "cache"
    folder.mkdir()
    async with Sandbox().listening() as url:
        machine.environ |= {"PICA_BASE_URL": url, "PICA_CACHE": str(folder)}
        file = folder / catalogue_file(url, LIVE_SECRET, 40)
        file.write_bytes(b"no database at all" * 100)
        found = await machine.doctor(starts=False)
    result = found.one(Group.CACHE, "catalogue")
    assert (result.status, "is damaged" in result.found) == (Status.WARNING, True)
    assert "pica-mcp cache clear" in result.cure
    assert file.read_bytes() == b"no database at all" * 100


async def test_a_cache_is_told_with_what_it_holds_and_whether_it_can_be_written_to(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = machine.home / "cache"
    folder.mkdir()
    async with Sandbox().listening() as url:
        machine.environ |= {"PICA_BASE_URL": url, "PICA_CACHE": str(folder)}
        file = folder / catalogue_file(url, LIVE_SECRET, 40)
        with closing(sqlite3.connect(file)) as database:
            prepare(database)
            database.commit()
        well = (await machine.doctor(starts=False)).one(Group.CACHE, "catalogue")
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: path != file and access(path, mode))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        ill = (await machine.doctor(starts=False)).one(Group.CACHE, "catalogue")
    assert (well.status, "kB of at most 512 MB, 0 actions of 0 platforms" in well.found) == (Status.OK, True)
    assert (ill.status, ill.found) == (Status.WARNING, f"{file} cannot be written to")


async def test_a_cache_that_is_off_is_a_note(machine: Machine) -> None:
    machine.environ["PICA_CACHE"] = "off"
    async with machine.over_http(Sandbox()):
        result = (await machine.doctor(starts=False)).one(Group.CACHE, "catalogue")
    assert (result.status, "PICA_CACHE is off" in result.found) == (Status.NOTE, True)


# The list of tools


async def test_a_list_that_is_too_long_is_told_for_the_client_that_is_here(machine: Machine) -> None:
    (machine.home / ".codeium" / "windsurf").mkdir(parents=True)
    (machine.home / ".codeium" / "windsurf" / "mcp_config.json").write_text('{"mcpServers": {}}')
    machine.environ |= {"PICA_TOOLS": "all", "PICA_IDENTITY": "growth", "PICA_IDENTITY_TYPE": "team"}
    machine.environ["PICA_TOOL_NAME_MAX"] = "64"
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    cursor = found.one(Group.TOOLS, "clients not installed")
    assert "Cursor (" in cursor.found
    assert "more than the 40 that it takes of all servers together" in cursor.found
    assert cursor.status is Status.NOTE
    assert found.one(Group.TOOLS, "Windsurf").status in (Status.OK, Status.WARNING)


async def test_a_list_that_pica_does_not_tell_all_of_is_told(machine: Machine) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/gmail", status=400, times=None)
    machine.environ["PICA_TOOLS"] = "auto"
    async with machine.over_http(box):
        found = await machine.doctor(starts=False)
    result = found.one(Group.TOOLS, "list")
    assert (result.status, "Pica did not tell all actions" in result.found) == (Status.WARNING, True)


async def test_a_list_that_takes_much_of_a_models_context_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "_MANY_TOKENS", 1_000)
    machine.environ["PICA_TOOLS"] = "auto"
    async with machine.over_http(Sandbox()):
        result = (await machine.doctor(starts=False)).one(Group.TOOLS, "list")
    assert (result.status, "PICA_MAX_TOOL_TOKENS" in result.cure) == (Status.WARNING, True)


async def test_settings_that_mean_nothing_are_told(machine: Machine) -> None:
    machine.environ |= {"PICA_ACTION_IDS": "gmail, notion", "PICA_PIN": "gmail_send_emial"}
    async with machine.over_http(Sandbox()):
        found = await machine.doctor(starts=False)
    told = {one.name: one for one in found.of(Group.TOOLS) if one.status is Status.WARNING}
    assert told["PICA_ACTION_IDS"].found == "notion: fits nothing: notion is not connected"
    assert told["PICA_PIN"].cure == "Correct it or take it out; `pica-mcp explain` tells what these settings allow."
    assert "did you mean gmail_send_email" in told["PICA_PIN"].found
    assert found.code == 0
