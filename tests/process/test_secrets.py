"""The secret of the program as it is started: never on a pipe, whatever the level of its log; and never waited for."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

NEW = "sk_live_2_rotated"


def words(result: Any) -> str:
    return "".join(block.text for block in result.content)


async def test_a_file_is_rotated_under_a_running_program_and_no_log_tells_either_secret(
    program: list[str], tmp_path: Path
) -> None:
    box = Sandbox()
    (tmp_path / "secret").write_text(LIVE_SECRET)
    env = {"PICA_SECRET_FILE": str(tmp_path / "secret"), "PICA_LOG_LEVEL": "debug", "PICA_IDENTITY": "ada"}
    env |= {"PICA_CACHE": "off"}
    answers: list[str] = []
    with anyio.fail_after(60), (tmp_path / "log").open("w") as log:
        async with box.listening() as url:
            server = StdioServerParameters(command=program[0], args=program[1:], env={**env, "PICA_BASE_URL": url})
            async with Client(stdio_client(server, errlog=log)) as client:

                async def emails() -> None:
                    result = await client.call_tool("gmail_get_emails", {"connection": "Work"})
                    answers.append(words(result))
                    assert "emails" in json.loads(answers[-1])

                async def echo(told: str) -> None:
                    headers = {"x-pica-passthrough-x": told, "x-echo": told}
                    box.fail("/v1/passthrough", status=400, body={"error": told}, headers=headers)
                    result = await client.call_tool("slack_post_message", {"channel": "general", "text": "x"})
                    answers.append(words(result))
                    assert "[hidden]" in answers[-1]

                await emails()
                await echo(LIVE_SECRET)
                box.rotate(NEW)
                (tmp_path / "secret").write_text(NEW)
                await emails()
                await echo(f"{LIVE_SECRET} {NEW}")
                answers.append(str(await client.list_tools()))
    answers.append((tmp_path / "log").read_text())
    assert "Pica refused the secret, and there is another one now" in answers[-1]  # so it is the log that is looked at
    assert [one for one in answers if LIVE_SECRET in one or NEW in one] == []
    assert not [word for word in (url, "available-actions", "x-pica-secret") if word in answers[-1].lower()]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_program_shakes_hands_while_its_command_hangs(connect: Any, gated: Any, mode: str) -> None:
    async with gated() as gate:
        env = {"PICA_SECRET_COMMAND": gate.command, "PICA_BASE_URL": "http://127.0.0.1:1", "PICA_TOOLS": "none"}
        async with connect(mode=mode, env=env) as client, anyio.create_task_group() as calls:
            assert len((await client.list_tools()).tools) == 7
            assert gate.living == 0  # nobody has asked for anything of Pica's
            calls.start_soon(client.call_tool, "list_pica_integrations")
            await gate.until(living=1, dead=0)
            assert len((await client.list_tools()).tools) == 7
            calls.cancel_scope.cancel()
        await gate.until(living=0, dead=1)


async def test_a_command_that_reads_and_prints_does_not_touch_the_pipes(connect: Any) -> None:
    box = Sandbox()
    code = f"import sys; sys.stdin.read(); print('noise', file=sys.stderr); print({LIVE_SECRET!r}); print('more')"
    command = shlex.join((sys.executable, "-I", "-S", "-c", code))
    async with (
        box.listening() as url,
        connect(env={"PICA_SECRET_COMMAND": command, "PICA_BASE_URL": url}) as client,
    ):
        assert json.loads(words(await client.call_tool("list_pica_integrations")))["connections"]
