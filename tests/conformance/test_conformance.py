"""The official conformance suite: our fixtures, our baselines, and where it is installed the suite itself."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp_types import TextContent
from pretend import FIXTURES, Pica
from serving import open_endpoint, open_server
from suite import REVISIONS, Check, Comparison, baseline, compare, entries, found

ERAS = pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
NAMES = {fixture.tool for fixture in FIXTURES if fixture.platform != "extra"}


@ERAS
async def test_both_eras_list_every_fixture_under_the_name_that_the_suite_calls(mode: str, revision: str) -> None:
    with anyio.fail_after(20):
        async with open_server() as server, Client(server, mode=mode) as client:
            assert client.protocol_version == revision
            listed = [tool.name for tool in (await client.list_tools()).tools]
    assert set(listed[7:]) == NAMES


@ERAS
async def test_the_endpoint_is_a_server_over_http(mode: str, revision: str) -> None:
    with anyio.fail_after(20):
        async with open_endpoint() as url, Client(url, mode=mode) as client:
            assert client.protocol_version == revision
            result = await client.call_tool("test_simple_text", {})
    assert isinstance(result.content[0], TextContent)
    assert "This is a simple text response for testing." in result.content[0].text


async def test_every_fixture_is_answered_by_its_provider_and_one_is_refused_by_it() -> None:
    taken = {"test_elicitation": {"message": "Sure?"}}
    with anyio.fail_after(20):
        async with open_server() as server, Client(server) as client:
            results = {name: await client.call_tool(name, taken.get(name, {})) for name in sorted(NAMES)}
    assert [name for name, result in results.items() if result.is_error] == ["test_error_handling"]


async def test_the_action_that_changes_the_tools_connects_and_disconnects_a_platform() -> None:
    pica = Pica()
    with anyio.fail_after(20):
        async with open_server(pica) as server, Client(server) as client:
            for connected in (True, False):
                await client.call_tool("test_trigger_tool_change", {})
                assert pica.extra is connected


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_entry_of_the_baselines_has_a_reason(revision: str) -> None:
    assert baseline(revision)


@pytest.mark.parametrize(
    "written",
    [
        "client:\n  - ping  # why",
        "server:\n  - ping",
        "server:\n  - ping  # ",
        "server:\n  - ping:pong  # why\n  - ping:pong  # why",
        "server:\n  - ping  # why\n  - ping:pong  # why",
        "server:\n- ping  # why",
    ],
)
def test_a_baseline_with_anything_else_in_it_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"stands where|is no entry"):
        entries(written)


def test_likewise_is_the_reason_before() -> None:
    assert entries("server:\n  # Part\n  - a:b  # why\n  - c  # likewise, and more") == {"a:b": "why", "c": "why"}


def test_what_fails_or_passes_against_the_baseline_is_told() -> None:
    checks = [
        Check("a", "one", "FAILURE"),
        Check("a", "two", "WARNING"),
        Check("a", "three", "SUCCESS"),
        Check("b", "one", "FAILURE"),
        Check("c", "one", "SKIPPED"),
    ]
    assert compare(checks, ["a:one", "a:two", "b"]) == Comparison((), ())
    assert compare(checks, ["a:one", "b"]) == Comparison((checks[1],), ())
    assert compare(checks, ["a", "b", "a:three", "c", "gone:one"]) == Comparison((), ("a:three", "c", "gone:one"))


@pytest.mark.parametrize("revision", REVISIONS)
async def test_the_suite_finds_what_the_baseline_says(revision: str, tmp_path: Path) -> None:
    folder = os.environ.get("MCP_CONFORMANCE")
    suite = found(Path(folder)) if folder else None
    if not suite:
        pytest.skip("needs the suite: python tests/conformance/run.py --suite DIR, then MCP_CONFORMANCE=DIR")
    async with open_endpoint() as url:
        checks = await suite.run(url, revision, tmp_path)
    assert compare(checks, baseline(revision)) == Comparison((), ())
