"""`pica-mcp demo`: the main job on the embedded sandbox, through a real MCP client and a real child process."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent, TextResourceContents, Tool
from rich.cells import cell_len, set_cell_size
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pica_mcp.cli.options import describe, this_program
from pica_mcp.cli.rows import Row, lines
from pica_mcp.cli.streams import complain
from pica_mcp.cli.terminal import screen
from pica_mcp.sandbox import LIVE_SECRET, Sandbox

_COLUMNS = (40, 102)
_MARGIN = 8
_SUBJECT = "Lunch on Friday?"


class _Unexpected(Exception):
    """A step did not do what it should."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about."""
    about = "See the server work on the embedded sandbox, a pretend Pica, through a real MCP client."
    describe(parser, about, "pica-mcp demo")


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it has none of its own
    """Show each step as it happens. Returns 0 only if every one of them really did."""
    _filled("", "pica-mcp on its embedded sandbox: a real MCP client, and the server as its child process.")
    failures: list[str] = []
    try:
        anyio.run(_demo)
    except* _Unexpected as group:
        failures += map(str, _leaves(group))
    except* TimeoutError:
        failures.append("There was no answer within a minute.")
    except* BrokenPipeError:
        raise BrokenPipeError from None
    if failures:
        complain(f"The demo failed. {failures[0]}")
        return 1
    _say("")
    _filled("", f"Every step happened. To put it into your client: {this_program()} install", "bold green")
    return 0


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(cast(BaseExceptionGroup[BaseException], error))
        else:
            yield error


async def _demo() -> None:
    box = Sandbox()
    with TemporaryDirectory() as folder, anyio.fail_after(60):
        record = Path(folder, "audit.jsonl")
        async with box.listening() as url:
            account = {"PICA_SECRET": LIVE_SECRET, "PICA_BASE_URL": url, "PICA_IDENTITY": "ada"}
            watched = {"PICA_IDENTITY_TYPE": "user", "PICA_AUDIT": str(record), "PICA_POLL_SECONDS": "1"}
            env = {**account, **watched, "PICA_CACHE": "off"}
            server = StdioServerParameters(command=sys.executable, args=["-m", "pica_mcp"], env=env)
            async with Client(server, elicitation_callback=_person) as client:
                await _who(client)
                await _tools(client)
                await _mail(client)
                await _search(client)
                await _refusal(client, box)
                await _consent(client, box)
                await _resource(client)
                await _newcomer(client, box)
        _audit(record)


async def _who(client: Client) -> None:
    _step("Who is served, and what is connected")
    served = (client.instructions or "").splitlines()[0]
    _filled("  ", served)
    connections = _json(await client.call_tool("list_pica_integrations", {}))["connections"]
    _table((c["platform"], c["connection"], c.get("state", "operational")) for c in connections)
    _expect("user ada" in served, "the sandbox serves the user Ada")
    _expect(any(c.get("state") == "failed" for c in connections), "one of her connections has failed")


async def _tools(client: Client) -> None:
    _step("The tools that appeared for these connections")
    tools = (await client.list_tools()).tools
    actions = sorted((t for t in tools if "_pica_" not in t.name), key=_platform)
    for platform, own in groupby(actions, key=_platform):
        names = [f"{t.name.removeprefix(f'{platform}_')}{_mark(t)}" for t in own]
        _wrapped(f"  {platform:<8}", names)
    _filled("  ", f"{len(actions)} actions and {len(tools) - len(actions)} fixed tools; * writes, ! destroys")
    _expect({"gmail_send_email", "gmail_get_emails"} <= {t.name for t in tools}, "mail can be sent and read")


async def _mail(client: Client) -> None:
    _step("A mail is sent from one account and read back from it")
    mail = {"connection": "Work", "to": "grace@example.com", "subject": _SUBJECT, "body": "Noon at the usual place?"}
    sent = await _call(client, "gmail_send_email", mail)
    _expect(not sent.is_error, "the mail was sent")
    read = await _call(client, "gmail_get_emails", {"connection": "Work", "query": _SUBJECT})
    _expect(_SUBJECT in _text(read), "the mail can be read")
    other = await _call(client, "gmail_get_emails", {"connection": "Personal", "query": _SUBJECT})
    _expect(not other.is_error and _SUBJECT not in _text(other), "the other account does not have it")


async def _search(client: Client) -> None:
    _step("An action that has no tool is one search away, with what it needs to be called")
    found = await _call(client, "search_pica_platform_actions", {"query": "compare two commits"})
    commits = {"owner": "ada", "repo": "engine", "base": "main", "head": "next"}
    wanted = {"actionId": _json(found)["actions"][0]["tool"], "arguments": commits}
    compared = await _call(client, "read_pica_action", {**wanted, "result_fields": "{ahead: ahead_by}"})
    _expect(not compared.is_error and "ahead" in _json(compared), "the commits were compared")


async def _refusal(client: Client, box: Sandbox) -> None:
    _step("A call through a connection that is another's is refused, though the secret would open it")
    foreign = next(key for key in box.keys("growth") if "gmail" in key)
    refused = await _call(client, "execute_pica_action", {"actionId": "gmail_get_emails", "connectionKey": foreign})
    _expect(bool(refused.is_error) and "no gmail connection" in _text(refused), "the call was refused")


async def _person(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's
    """Show the question where a client would open a window, and decline."""
    for line in params.message.splitlines():
        _say(f"    ? {_short(line)}", "yellow")
    return ElicitResult(action="decline")


async def _consent(client: Client, box: Sandbox) -> None:
    _step("Before something is destroyed, the person is asked; this one declines")
    mailbox = {"connection": "Work", "userId": "me"}
    found = _json(await _call(client, "gmail_list_messages", {**mailbox, "q": _SUBJECT}))
    declined = await _call(client, "gmail_delete_message", {**mailbox, "id": found["messages"][0]["id"]})
    _expect(bool(declined.is_error) and "did not agree" in _text(declined), "the person could decline")
    _expect(not any(request.method == "DELETE" for request in box.requests), "nothing was deleted")


def _audit(record: Path) -> None:
    _step("Each of these calls left one line in the record")
    calls = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    told = [call for call in calls if call["tool"] != "list_pica_integrations"]
    facts = ("tool", "effect", "decision", "reason", "outcome")
    _table([facts, *([str(call[fact] or "") for fact in facts] for call in told)])
    _expect([call["decision"] for call in told].count("declined") == 1, "the record tells who declined")


async def _resource(client: Client) -> None:
    _step("The same connections as resources, without their keys")
    uris = [resource.uri for resource in (await client.list_resources()).resources]
    content = (await client.read_resource(uris[1])).contents[0]
    _say(f"  {uris[1]}")
    shown = content.text if isinstance(content, TextResourceContents) else ""
    _say(f"  {_short(shown)}")
    _expect(json.loads(shown)["platform"] in uris[1] and "::default::" not in shown, "a resource tells no key")


async def _newcomer(client: Client, box: Sandbox) -> None:
    _step("An account is connected while the server runs, and its tools appear")
    before = await _names(client)
    asked = _json(await client.call_tool("list_pica_integrations", {"query": "linear"}))
    _filled("  ", f"linear is not connected; a person connects it {asked['platforms'][0]['connect']}")
    async with client.listen(tools_list_changed=True) as notices:
        box.connect("linear", identity="ada", identity_type="user", name="Roadmap")
        _filled("  ", "... and is done. Here the server looks every second:")
        await anext(aiter(notices))
    new = sorted(name for name in await _names(client) if name.startswith("linear_"))
    _wrapped("  list_changed: ", [name.removeprefix("linear_") for name in new])
    _expect(bool(new) and not any(name.startswith("linear_") for name in before), "its tools appeared")


async def _names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


async def _call(client: Client, name: str, arguments: dict[str, Any]) -> CallToolResult:
    result = await client.call_tool(name, arguments)
    _say(f"  {_short(f'{name} {json.dumps(arguments, ensure_ascii=False)}')}", "cyan")
    if result.is_error:
        _filled("    refused: ", _text(result), "red")
    else:
        _say(f"    -> {_short(_text(result))}")
    return result


def _json(result: CallToolResult) -> Any:
    _expect(not result.is_error, _text(result))
    return json.loads(_text(result))


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def _platform(tool: Tool) -> str:
    return tool.name.split("_")[0]


def _mark(tool: Tool) -> str:
    hints = tool.annotations
    return "" if hints is None or hints.read_only_hint else "!" if hints.destructive_hint else "*"


def _step(title: str) -> None:
    _say("")
    _filled("", title, "bold")


def _columns() -> int:
    fewest, most = _COLUMNS
    return max(fewest, min(screen().width, most))


def _say(line: str, style: str = "") -> None:
    screen().print(Text(line, style), soft_wrap=True)


def _filled(head: str, words: str, style: str = "") -> None:
    for line in lines([Row(head, words)], _columns()):
        _say(line, style)


def _expect(condition: bool, what: str) -> None:  # noqa: FBT001 - the condition is what the function is about
    if not condition:
        raise _Unexpected(f"It did not happen that {what}.")


def _short(line: str) -> str:
    line, room = " ".join(line.split()), _columns() - _MARGIN
    return line if cell_len(line) <= room else f"{set_cell_size(line, room - 3).rstrip()}..."


def _table(rows: Iterable[Sequence[str]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*map(Text, row))
    screen().print(Padding.indent(grid, 2))


def _wrapped(head: str, words: list[str]) -> None:
    line = head
    for word in words:
        if cell_len(f"{line}{word}") > _columns():
            _say(line.rstrip())
            line = " " * len(head)
        line += f"{word}  "
    _say(line.rstrip())
