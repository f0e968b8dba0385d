"""Writing a request instead of sending it: what is written is what would be sent, and no key is in it."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import sys
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from pica_mcp.discovery import Names, fixed_tools
from pica_mcp.files import Files
from pica_mcp.results import Results
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.store import Store
from pica_mcp.tools import FixedTool

EXECUTE, BUILD = "execute_pica_action", "build_pica_request"
MAIL = {"to": "bob@mail.example", "subject": 'It\'s "$(here)"', "body": "```\n`id` 🙂\n"}
CODE = re.compile(r"(?s)(?P<note>.*?)\n(?P<marks>`{3,})(?P<language>\w+)\n(?P<code>.*)\n(?P=marks)")

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gmail_send_email", MAIL),
    ("gmail_list_messages", {"userId": "me", "labelIds": ["INBOX", "WORK"], "maxResults": 3}),
    ("github_create_issue", {"owner": "ada", "repo": "engine", "title": "'T'", "labels": ["a", "b"]}),
    ("stripe_create_customer", {"email": "a@b.example", "address": {"city": "Ü"}}),
    ("slack_post_message", {"channel": "C1", "text": "hi & <bye>"}),
)


def parts(words: str) -> tuple[str, str]:
    """The note and the code of an answer."""
    found = CODE.fullmatch(words)
    assert found, words
    return found["note"], found["code"]


async def _label(app: Any, platform: str) -> dict[str, str]:
    """Which account to use, where there are several."""
    return {"gmail": {"connectionKey": "Work"}, "slack": {"connectionKey": "Engines"}}.get(platform, {})


@pytest.mark.parametrize(("name", "arguments"), CALLS)
async def test_a_preview_is_the_request_that_a_call_sends(
    box: Sandbox, serve: Any, said: Any, passed: Any, name: str, arguments: dict[str, Any]
) -> None:
    async with serve() as app:
        call = {"actionId": name, "arguments": arguments}
        words = said(await app.pipeline.call(app.caller, BUILD, {**call, "mode": "preview"}))
        assert passed() == []
        await app.pipeline.call(app.caller, EXECUTE, {**call, **await _label(app, name.partition("_")[0])})
    first, shown = words.split("\n", 1)
    (sent,) = passed()
    preview = json.loads(shown)
    assert first == "The request; it was not sent."
    assert (preview["method"], urlsplit(str(preview["url"])).path) == (sent.method, sent.path)
    query: Any = preview.get("query", [])
    pairs: list[Any] = [*query.items()] if isinstance(query, dict) else [tuple(pair) for pair in query]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    assert tuple(pairs) == sent.query
    body: Any = preview.get("body")
    if isinstance(body, dict):
        real = json.loads(sent.body)
        assert body == {**real, **({"connectionKey": "$PICA_GMAIL_CONNECTION_KEY"} if "connectionKey" in real else {})}
    else:
        assert (body or "") == sent.body.decode()


@pytest.mark.parametrize("language", ["python", "curl"])
@pytest.mark.parametrize(("name", "arguments"), CALLS)
async def test_code_sends_what_a_call_sends(
    box: Sandbox, serve: Any, said: Any, passed: Any, language: str, name: str, arguments: dict[str, Any]
) -> None:
    platform = name.partition("_")[0]
    async with box.listening() as url, serve() as app:
        (build,) = [
            tool
            for tool in fixed_tools(app.catalog, Names(app.catalog), _nothing_kept(), base_url=url)
            if isinstance(tool, FixedTool) and tool.definition.name == BUILD
        ]
        call = {"actionId": name, "arguments": arguments}
        _, code = parts(said(await build.run(app.caller, {**call, "language": language})))
        await app.pipeline.call(app.caller, EXECUTE, {**call, **await _label(app, platform)})
        (ours,) = passed()
        key = next(value for header, value in ours.headers if header.lower() == "x-pica-connection-key")
        variables = {**os.environ, "PICA_SECRET": LIVE_SECRET, f"PICA_{platform.upper()}_CONNECTION_KEY": key}
        command = [sys.executable, "-c", code] if language == "python" else ["sh", "-c", code + " -s"]
        await _ran(command, variables)
        _, theirs = passed()
    assert (theirs.method, theirs.path) == (ours.method, ours.path)
    assert theirs.query == ours.query
    if "json" in dict(ours.headers).get("content-type", ""):
        assert json.loads(theirs.body) == json.loads(ours.body)
    else:
        assert theirs.body == ours.body


async def _ran(command: list[str], variables: dict[str, str]) -> None:
    done = await anyio.run_process(command, env=variables, check=False)
    assert b"Traceback" not in done.stderr or b"RuntimeError: HTTP " in done.stderr, done.stderr


def _nothing_kept() -> Results:
    store = Store()
    return Results(store, Files(None, store), 6_000)


@pytest.mark.parametrize("language", [None, "curl", "python", "typescript"])
async def test_what_is_missing_has_a_visible_place(serve: Any, said: Any, language: str | None) -> None:
    async with serve() as app:
        call = {"actionId": "gmail_send_email", "arguments": {"to": "bob@mail.example"}, "language": language}
        note, code = parts(said(await app.pipeline.call(app.caller, BUILD, call)))
    assert note == (
        f"Send Email (gmail), as {language or 'curl'}; nothing was sent. It reads PICA_SECRET and "
        "PICA_GMAIL_CONNECTION_KEY from the environment. Still to fill in: <subject>, <body>."
    )
    assert all(one in code for one in ("<subject>", "<body>", "bob@mail.example", "PICA_SECRET"))
    assert "<to>" not in code


async def test_a_preview_of_a_call_that_would_be_refused_says_why(serve: Any, said: Any) -> None:
    async with serve() as app:
        call = {"actionId": "gmail_send_email", "arguments": {"to": "a@b.example"}, "mode": "preview"}
        result = await app.pipeline.call(app.caller, BUILD, call)
        wrong = await app.pipeline.call(app.caller, BUILD, {**call, "mode": "code", "arguments": {"tow": "x"}})
    assert result.is_error
    assert "'subject'" in said(result)
    assert wrong.is_error
    assert "'tow'" in said(wrong)


async def test_the_official_servers_arguments_write_the_same(serve: Any, said: Any) -> None:
    async with serve() as app:
        flat = {"actionId": "github_create_issue", "arguments": {"owner": "ada", "repo": "engine", "title": "T"}}
        grouped = {
            "platform": "github",
            "actionId": "github_create_issue",
            "connectionKey": "live::github::default::0123456789abcdef",
            "pathVariables": {"owner": "ada", "repo": "engine"},
            "data": {"title": "T"},
        }
        one, two = [said(await app.pipeline.call(app.caller, BUILD, call)) for call in (flat, grouped)]
    assert one == two
    assert "live::" not in two


@pytest.mark.parametrize(
    ("name", "holds"),
    [("gmail_send_email", '{"success":true'), ("stripe_list_customers", '"data"'), ("hubspot_list_pipelines", None)],
)
async def test_a_mock_is_the_documented_answer_marked_as_that(
    serve: Any, said: Any, passed: Any, name: str, holds: str | None
) -> None:
    async with serve() as app:
        result = await app.pipeline.call(app.caller, BUILD, {"actionId": name, "mode": "mock"})
    words = said(result)
    assert not result.is_error
    assert passed() == []
    if holds is None:
        assert words.startswith("Pica documents no example answer of this action")
    else:
        assert words.startswith("An example answer; nothing was sent, and the data is made up.\n<data source=")
        assert holds in words


@pytest.mark.parametrize(
    "settings",
    [
        {"PICA_KNOWLEDGE_AGENT": "true"},
        {"PICA_IDENTITY": "nobody"},
        {"PICA_IDENTITY": "nobody", "PICA_KNOWLEDGE_AGENT": "true"},
    ],
)
async def test_nothing_has_to_be_connected_and_nothing_is_executed(
    serve: Any, said: Any, passed: Any, settings: dict[str, str]
) -> None:
    async with serve(**settings) as app:
        for mode in ("code", "preview", "mock"):
            call = {"actionId": "gmail_send_email", "arguments": MAIL, "mode": mode}
            assert not (await app.pipeline.call(app.caller, BUILD, call)).is_error
    assert passed() == []


@pytest.mark.parametrize(
    "settings", [{"PICA_PERMISSIONS": "read"}, {"PICA_PLATFORMS": "slack"}, {"PICA_ACTION_IDS": "conn_mod_def::a::b"}]
)
@pytest.mark.parametrize("mode", ["code", "preview", "mock"])
async def test_what_the_caller_may_not_do_is_not_written_either(
    serve: Any, said: Any, settings: dict[str, str], mode: str
) -> None:
    async with serve(**settings) as app:
        call = {"actionId": "gmail_send_email", "platform": "gmail", "arguments": MAIL, "mode": mode}
        result = await app.pipeline.call(app.caller, BUILD, call)
    assert result.is_error
    assert "PICA_" in said(result)
    assert "picaos.com" not in said(result)


async def test_a_file_is_read_where_the_code_runs(serve: Any, said: Any) -> None:
    arguments = {"file": "reports/year one.pdf"}
    async with serve() as app:
        call = {"actionId": "googledrive_upload_file", "arguments": arguments, "language": "python"}
        _, code = parts(said(await app.pipeline.call(app.caller, BUILD, call)))
        note, bare = parts(said(await app.pipeline.call(app.caller, BUILD, {**call, "arguments": {}})))
    assert '("year one.pdf", Path("year one.pdf").read_bytes(), "application/pdf")' in code
    assert 'Path("file.bin").read_bytes()' in bare
    assert note.endswith("It reads file.bin where it runs: put the file there. Still to fill in: <metadata>.")


async def test_content_that_was_given_is_named_as_a_file_to_put_there(serve: Any, said: Any) -> None:
    arguments = {"file": "data:,hello", "metadata": {"name": "x"}}
    async with serve() as app:
        call = {"actionId": "googledrive_upload_file", "arguments": arguments}
        note, code = parts(said(await app.pipeline.call(app.caller, BUILD, call)))
        plain, _ = parts(said(await app.pipeline.call(app.caller, BUILD, {"actionId": "gmail_send_email", **MAIL})))
    assert "hello" not in code
    assert note.endswith("It reads file.bin where it runs: put the file there.")
    assert "put the file" not in plain
    assert "Still to fill in" not in plain


async def test_the_renamed_service_has_headers_and_variables_of_its_own(serve: Any, said: Any) -> None:
    async with serve() as app:
        kept = _nothing_kept()
        tools = fixed_tools(app.catalog, Names(app.catalog), kept, base_url="https://api.withone.ai/", family="one")
        (build,) = [tool for tool in tools if isinstance(tool, FixedTool) and tool.definition.name == BUILD]
        _, code = parts(said(await build.run(app.caller, {"actionId": "gmail_send_email"})))
    assert "https://api.withone.ai/v1/passthrough/gmail/send-email" in code
    assert '"x-one-connection-key: $ONE_GMAIL_CONNECTION_KEY"' in code


async def test_a_request_too_long_to_show_is_not_shown_in_part(serve: Any, said: Any) -> None:
    async with serve() as app:
        call = {"actionId": "gmail_send_email", "arguments": {**MAIL, "body": "x" * 50_000}}
        for mode in ("code", "preview"):
            result = await app.pipeline.call(app.caller, BUILD, {**call, "mode": mode})
            assert result.is_error
            assert said(result).startswith("The request is too long to show.")


async def test_every_action_of_the_catalogue_can_be_written(box: Sandbox, serve: Any, said: Any) -> None:
    written, refused, languages = 0, list[str](), cycle(("python", "curl", "typescript"))
    keys = [key for identity in ("ada", "growth") for key in box.keys(identity)]
    async with serve() as app:
        for platform in await app.catalog.platforms():
            for row in (await app.catalog.actions(platform.platform)).known:
                language = next(languages)
                call = {"actionId": row.id, "platform": platform.platform, "language": language}
                result = await app.pipeline.call(app.caller, BUILD, call)
                words = said(result)
                assert not [key for key in (*keys, LIVE_SECRET) if key in words]
                if result.is_error:
                    refused.append(f"{platform.platform}: {words}")
                    continue
                _, code = parts(words)
                written += 1
                if language == "python":
                    ast.parse(code)
                elif language == "curl":
                    assert shlex.split(code)[0] == "curl"
    assert written > 150
    assert not [one for one in refused if not one.startswith("bazaar: ")], refused[:5]
