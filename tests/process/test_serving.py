"""The main job end to end: a real client, a real child process, real pipes, and real HTTP to a pretend Pica."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import anyio
import pytest
from mcp_types import TextContent

from pica_mcp.sandbox import LIVE_SECRET

ERAS = pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])


@pytest.fixture(scope="module")
def pica_url(program: list[str]) -> Generator[str]:
    """The address of a pretend Pica in a process of its own."""
    process = subprocess.Popen([*program, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


async def the_main_job(client: Any) -> None:
    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {"gmail_send_email", "gmail_get_emails", "list_pica_integrations"} <= tools
    mail = {"connection": "Work", "to": "grace@example.com", "subject": "Over a pipe", "body": "Ł 日本 🎉"}
    sent = await client.call_tool("gmail_send_email", mail)
    assert not sent.is_error
    read = await client.call_tool("gmail_get_emails", {"connection": "Work"})
    (block,) = read.content
    assert isinstance(block, TextContent)
    assert json.loads(block.text)["emails"][0]["body"] == "Ł 日本 🎉"
    resources = [resource.uri for resource in (await client.list_resources()).resources]
    assert {"pica://connections/gmail/Work", "pica://platforms/slack"} <= set(resources)
    assert (await client.read_resource(resources[1])).contents


@ERAS
async def test_the_embedded_sandbox_is_served_over_stdio(connect: Any, mode: str, version: str) -> None:
    async with connect("--sandbox", mode=mode) as client:
        assert client.protocol_version == version
        await the_main_job(client)


@ERAS
async def test_the_same_is_served_over_real_http(connect: Any, pica_url: str, mode: str, version: str) -> None:
    env = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": pica_url, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user"}
    async with connect(mode=mode, env=env) as client:
        await the_main_job(client)


async def test_flags_go_before_variables(connect: Any) -> None:
    env = {"PICA_IDENTITY": "ada", "PICA_MAX_TOOLS": "20"}
    async with connect("--sandbox", "--identity", "growth", "--max-tools=9", env=env) as client:
        assert "acts for identity growth" in client.instructions
        assert len((await client.list_tools()).tools) == 9


async def test_an_unreachable_pica_leaves_the_server_up_and_saying_so(connect: Any) -> None:
    env = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": "http://127.0.0.1:1"}
    async with connect(env=env) as client:
        assert len((await client.list_tools()).tools) == 7
        result = await client.call_tool("list_pica_integrations", {})
        assert result.is_error
        assert (
            result.content[0].text == "Pica cannot be reached; nothing was sent. Try again later, or check the network."
        )


async def test_many_calls_at_once_all_get_their_own_answer(connect: Any, pica_url: str) -> None:
    env = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": pica_url, "PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user"}
    answers: dict[int, str] = {}
    async with connect(env=env) as client:
        await client.list_tools()  # or the client asks for them with each call

        async def ask(number: int) -> None:
            arguments = {"channel": "general", "text": f"message {number}!"}
            answers[number] = (await client.call_tool("slack_post_message", arguments)).content[0].text

        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(ask, number)
    assert all(f"message {number}!" in answer for number, answer in answers.items())
    assert len(answers) == 200


@pytest.mark.parametrize(
    ("flags", "env", "message"),
    [
        ([], {}, "PICA_SECRET is not set."),
        ([], {"PICA_SECRET": ""}, "PICA_SECRET is not set."),
        ([], {"PICA_SECRET": "two words"}, "PICA_SECRET is malformed."),
        ([], {"PICA_SECRET": "sk_live_secret", "PICA_IDENTITY": ""}, "PICA_IDENTITY is set but empty."),
        (
            [],
            {"PICA_SECRET": "sk_live_secret", "PICA_CONNECTION_KEYS": " , "},
            "PICA_CONNECTION_KEYS is ',', but must be",
        ),
        (
            ["--identity-type", "bogus"],
            {"PICA_SECRET": "sk_live_secret"},
            "--identity-type is 'bogus', but must be one of",
        ),
        ([], {"PICA_SECRET": "sk_live_secret", "PICA_BASE_URL": "http://pica.example"}, "an https URL"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(
    program: list[str], flags: list[str], env: dict[str, str], message: str
) -> None:
    done = subprocess.run(
        [*program, *flags],
        env={"PATH": "/usr/bin:/bin"} | env,
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert "sk_live_secret" not in done.stderr


@pytest.mark.parametrize("end", ["eof", "SIGTERM", "SIGINT"])
def test_the_server_ends_cleanly_with_a_call_in_flight(program: list[str], end: str) -> None:
    """The API never answers here, so the call is still under way when the end comes."""
    hanging = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hanging], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as api:
        assert api.stdout
        env = {
            "PATH": "/usr/bin:/bin",
            "PICA_SECRET": LIVE_SECRET,
            "PICA_BASE_URL": f"http://127.0.0.1:{int(api.stdout.readline())}",
        }
        server = subprocess.Popen(
            program, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert server.stdin
        assert server.stdout
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        messages: list[dict[str, Any]] = [
            {"id": 1, "method": "initialize", "params": client},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "list_pica_integrations", "arguments": {}}},
            {"id": 3, "method": "ping"},
        ]
        for message in messages:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()
        assert {json.loads(server.stdout.readline())["id"] for _ in range(2)} == {1, 3}
        if end == "eof":
            server.stdin.close()
        else:
            server.send_signal(getattr(signal, end))
        assert server.wait(timeout=5) == 0
        assert server.stderr
        assert "Traceback" not in server.stderr.read()
        server.stdout.close()
        server.stderr.close()
        if not server.stdin.closed:
            server.stdin.close()
        api.communicate("", timeout=10)
