"""What comes back from the providers of the sandbox, as a model and its person see it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp_types import AudioContent, ImageContent

from pica_mcp.sandbox import LIVE_SECRET

DO, READ = "execute_pica_action", "read_pica_action"
PICTURE = {"actionId": "openai_create_image", "arguments": {"prompt": "a red square"}}
REFERENCE = re.compile(r"\(image/png, ([\d,]+) bytes: (pica://results/r_[\w-]+)(?:, saved as ([^()]+))?\)")


@pytest.fixture(autouse=True)
def connected(box: Any) -> None:
    for platform in ("openai", "google-drive"):
        box.connect(platform, identity="ada", identity_type="user")


def reference(drawn: Any) -> re.Match[str]:
    found = REFERENCE.fullmatch(drawn["data"][0]["b64_json"])
    assert found
    return found


async def test_a_picture_that_is_drawn_is_seen_and_can_be_sent_on(converse: Any, told: Any, said: Any) -> None:
    async with converse() as client:
        drawn = await client.call_tool(DO, PICTURE)
        found = reference(told(drawn))
        sent = await client.call_tool(
            DO, {"actionId": "openai_upload_file", "arguments": {"purpose": "vision", "file": found[2]}}
        )
        again = await client.call_tool("get_pica_result", {"id": found[2].rpartition("/")[2]})
    (image,) = drawn.content[1:]
    assert isinstance(image, ImageContent)
    assert again.content[1:] == [image]
    assert told(sent)["bytes"] == int(found[1].replace(",", ""))
    assert len(said(drawn)) < 300


async def test_a_picture_is_saved_where_files_are(converse: Any, told: Any, tmp_path: Path) -> None:
    async with converse(PICA_FILES=str(tmp_path)) as client:
        drawn = await client.call_tool(DO, PICTURE)
    found = reference(told(drawn))
    name = found[3].removeprefix(f"{tmp_path}/")
    assert len((tmp_path / name).read_bytes()) == int(found[1].replace(",", ""))


async def test_a_file_of_a_repository_is_read_as_text(converse: Any, told: Any) -> None:
    wanted = {"owner": "ada", "repo": "engine", "path": "README.md"}
    async with converse() as client:
        file = told(await client.call_tool(READ, {"actionId": "github_get_repository_content", "arguments": wanted}))
    assert file["content"].startswith("#")
    assert file["encoding"] == "utf-8"
    assert file["size"] == len(file["content"].encode())


async def test_a_long_file_of_a_repository_is_read_on_as_text(converse: Any, said: Any) -> None:
    wanted = {"owner": "ada", "repo": "engine", "path": "docs/handbook.md"}
    async with converse() as client:
        first = said(await client.call_tool(READ, {"actionId": "github_get_repository_content", "arguments": wanted}))
        shown, _, note = first.partition("\n")
        call = re.search(r'get_pica_result\(id="(\S+)", result_fields="content", offset=(\d+)\)', note)
        assert call
        rest = {"id": call[1], "result_fields": "content", "offset": int(call[2])}
        second = json.loads(said(await client.call_tool("get_pica_result", rest)).partition("\n")[0])
    beginning = json.loads(shown)["content"].removesuffix("…")
    assert len(beginning) == int(call[2])
    assert " " in second
    assert set(second) <= set(beginning) | set("…0123456789")


async def test_a_mail_is_read_as_text(converse: Any, told: Any) -> None:
    async with converse() as client:
        call: dict[str, Any] = {"actionId": "gmail_list_messages", "connectionKey": "Work", "arguments": {}}
        listed = told(await client.call_tool(READ, call))["messages"]
        call |= {"actionId": "gmail_get_message", "arguments": {"id": listed[0]["id"]}}
        body = told(await client.call_tool(READ, call))["payload"]["body"]
    assert len(body["data"].encode()) == body["size"]
    assert " " in body["data"]


async def test_sound_is_saved_and_heard(converse: Any, said: Any, tmp_path: Path) -> None:
    call = {"actionId": "openai_create_speech", "arguments": {"input": "hello", "model": "echo-large"}}
    async with converse(PICA_FILES=str(tmp_path)) as client:
        spoken = await client.call_tool(DO, call)
    assert len(spoken.content) == 2, said(spoken)
    assert isinstance(spoken.content[1], AudioContent)
    name = said(spoken).partition(f"saved as {tmp_path}/")[2].partition(" and ")[0]
    assert (tmp_path / name).read_bytes()[:4] == b"RIFF"


async def test_a_picture_on_a_drive_is_seen_and_saved(converse: Any, told: Any, said: Any, tmp_path: Path) -> None:
    wanted = {"q": "name='gear.png'", "result_fields": "files[0].id"}
    async with converse(PICA_FILES=str(tmp_path)) as client:
        file_id = told(await client.call_tool("googledrive_list_files", wanted))
        call = {"actionId": "googledrive_download_file", "arguments": {"fileId": file_id}}
        got = await client.call_tool(READ, call)
    assert isinstance(got.content[1], ImageContent)
    name = said(got).partition(f"saved as {tmp_path}/")[2].partition(" and ")[0]
    assert (tmp_path / name).read_bytes() == base64.b64decode(got.content[1].data)


async def test_a_secret_that_only_decoding_shows_is_hidden(converse: Any, box: Any, said: Any) -> None:
    text = f"# Notes\n\n{'x' * 130}\nThe key is {LIVE_SECRET}, of course.\n{'y' * 150}\n"
    lines = base64.encodebytes(text.encode()).decode()
    body = json.dumps({"content": lines, "encoding": "base64", "size": len(text)})
    box.fail("/v1/passthrough/repos/ada/engine/contents", status=200, body=body, times=None)
    wanted = {"owner": "ada", "repo": "engine", "path": "README.md"}
    async with converse() as client:
        answer = await client.call_tool(READ, {"actionId": "github_get_repository_content", "arguments": wanted})
    assert "The key is [hidden], of course." in said(answer)
