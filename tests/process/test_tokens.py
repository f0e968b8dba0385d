"""`pica-mcp tokens` as an operator runs it: what a client is shown, what it costs, and what is left to search."""

from __future__ import annotations

import json
import re
from typing import Any

import anyio
import pytest
from done import Command
from mcp import Client, StdioServerParameters

from pica_mcp.sandbox import Sandbox


def told(command: Command, *arguments: str, **environment: str) -> Any:
    return command("tokens", "--sandbox", "--json", *arguments, **environment).json


def test_the_table_has_each_tool_with_its_cost_and_the_totals_fit_it(command: Command) -> None:
    done = command("tokens", "--sandbox")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "What a client of user ada is shown"
    rows = [(row[1], int(row[2]), row[3]) for line in lines if (row := re.match(r"  (\w+) +(\d+)  (\S.*)", line))]
    (listed,) = re.findall(r"  Listed   (\d+) tools, ([\d,]+) tokens", done.out)
    assert (len(rows), sum(cost for _, cost, _ in rows)) == (int(listed[0]), int(listed[1].replace(",", "")))
    assert {why for _, _, why in rows} == {"fixed", "made for agents", "everyday verb", "short path"}
    assert re.search(r"^  gmail +\d+ over the budget$", done.out, re.MULTILINE)


async def test_it_is_what_a_client_is_shown(program: list[str]) -> None:
    server = StdioServerParameters(command=program[0], args=[*program[1:], "--sandbox"], env={})
    with anyio.fail_after(60):
        async with Client(server) as client:
            shown = (await client.list_tools()).tools
    done = await anyio.run_process([*program, "tokens", "--sandbox", "--json"], env={})
    found = json.loads(done.stdout)
    assert [tool.name for tool in shown] == [one["tool"] for one in (*found["fixed"], *found["direct"])]
    for tool, line in zip(shown, (*found["fixed"], *found["direct"]), strict=True):
        parts = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        assert line["tokens"] == len(json.dumps(parts, ensure_ascii=False, separators=(",", ":"))) // 4


def test_json_tells_the_same_and_more(command: Command) -> None:
    found = told(command, PICA_PERMISSIONS="read", PICA_MAX_TOOLS="12")
    assert (found["identity"], found["mode"], found["profile"], found["complete"]) == ("ada", "auto", "portable", True)
    assert found["budget"] == {"tools": 12, "tokens": 7_000}
    assert found["listed"]["tools"] == len(found["fixed"]) + len(found["direct"]) == 12
    assert found["listed"]["tokens"] == sum(one["tokens"] for one in (*found["fixed"], *found["direct"]))
    assert {tuple(one) for one in found["direct"]} == {("tool", "platform", "action", "tokens", "why")}
    left = {one["platform"]: one["actions"] for one in found["left"]}
    assert sorted(left) == ["github", "gmail", "slack", "stripe"]
    assert left["gmail"]["not allowed"] > 2
    assert left["slack"]["not offered to agents"] == 1


def test_pins_exclusions_and_the_length_of_names_are_told(command: Command) -> None:
    found = told(
        command,
        "--pin=slack POST */chat.postMessage, linear, gmail_none",
        PICA_EXCLUDE="github",
        PICA_TOOL_NAME_MAX="24",
        PICA_SCHEMA_PROFILE="raw",
    )
    first, *rest = found["direct"]
    assert (first["tool"], first["why"]) == ("slack_post_message", "pinned")
    assert {one["why"] for one in rest} == {"made for agents", "everyday verb", "short path"}
    assert "github" not in {one["platform"] for one in rest}
    assert max(len(one["tool"]) for one in found["direct"]) <= 24
    assert found["idle_pins"] == ["linear", "gmail_none"]
    assert found["profile"] == "raw"
    excluded = next(one["actions"] for one in found["left"] if one["platform"] == "github")
    assert excluded["excluded"] > 10
    text = command("tokens", "--sandbox", PICA_PIN="linear").out
    assert "Pins that list nothing" in text


def test_settings_that_mean_no_tool_are_told(command: Command) -> None:
    settings = {"PICA_PIN": "gmail_snd_email,gmail_send_email", "PICA_EXCLUDE": "githb_*"}
    found = told(command, "--sandbox", **settings)["findings"]
    assert [(one["setting"], one["part"]) for one in found] == [
        ("PICA_PIN", "gmail_snd_email"),
        ("PICA_EXCLUDE", "githb_*"),
    ]
    text = command("tokens", "--sandbox", **settings).out
    assert "PICA_EXCLUDE: githb_*: no tool of a connected platform" in text
    assert "Settings that mean nothing" not in command("tokens", "--sandbox").out


def test_a_budget_that_the_fixed_tools_exceed_is_told(command: Command) -> None:
    said = "The fixed tools alone take more than the budget"
    assert said in command("tokens", "--sandbox", PICA_MAX_TOOL_TOKENS="100").out
    assert said in command("tokens", "--sandbox", PICA_MAX_TOOLS="2").out
    assert said not in command("tokens", "--sandbox").out


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PICA_TOOLS": "none"}, "No action is a tool: PICA_TOOLS is none"),
        ({"PICA_KNOWLEDGE_AGENT": "true"}, "No action is a tool: PICA_KNOWLEDGE_AGENT is true"),
        ({"PICA_IDENTITY": "nobody"}, "No platform is connected that works"),
    ],
)
def test_where_no_action_is_a_tool_it_says_why(command: Command, variables: dict[str, str], said: str) -> None:
    done = command("tokens", "--sandbox", **variables)
    assert (done.code, said in done.out) == (0, True)


def test_all_has_no_budget(command: Command) -> None:
    done = command("tokens", "--sandbox", PICA_TOOLS="all", PICA_MAX_TOOLS="1")
    assert "Budget   none: PICA_TOOLS is all" in done.out
    assert "over the budget" not in done.out


def test_it_is_the_same_every_time_and_shows_no_key(command: Command) -> None:
    keys = [key for identity in ("ada", "growth") for key in Sandbox().keys(identity)]
    for arguments in ((), ("--json",)):
        first, second = (command("tokens", "--sandbox", *arguments) for _ in range(2))
        assert first.out == second.out
        assert not any(key.split("::")[-1] in first.out for key in keys)


@pytest.mark.parametrize("columns", ["10", "40", "80", "400"])
def test_it_fits_the_window(command: Command, columns: str) -> None:
    done = command("tokens", "--sandbox", COLUMNS=columns)
    assert max(map(len, done.out.splitlines())) <= min(max(int(columns), 40), 100)


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ([], {}, "PICA_SECRET is not set."),
        (["--sandbox"], {"PICA_TOOL_NAME_MAX": "80"}, "PICA_TOOL_NAME_MAX is '80', but must be a whole number from 20"),
        (["--sandbox"], {"PICA_PIN": "Send Email"}, "PICA_PIN is 'Send Email', but must be an action id"),
        (["--sandbox", "gmail"], {}, "gmail"),
    ],
)
def test_what_is_wrong_with_settings_or_arguments_is_exit_code_2(
    command: Command, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    done = command("tokens", *arguments, **variables)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_what_pica_does_not_tell_is_said_and_is_exit_code_1(serving: Any) -> None:
    box = Sandbox()
    box.fail("/v1/available-actions/gmail", status=400, times=None)
    with serving(box) as command:
        done = command("tokens", PICA_IDENTITY="ada")
    assert done.code == 1
    assert "slack_send_message" in done.out
    assert "Pica does not tell its actions now" in done.out
    assert done.err.splitlines()[-1].startswith("pica-mcp: Pica did not tell all of it.")
