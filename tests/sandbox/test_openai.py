import wave
import zlib
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

CHAT, EMBEDDINGS, IMAGES = "/v1/chat/completions", "/v1/embeddings", "/v1/images/generations"
FILES, FILE, CONTENT = "/v1/files", "/v1/files/{{file_id}}", "/v1/files/{{file_id}}/content"
MODEL, IMAGE, SPEECH = "/v1/models/{{model}}", "/v1/images/{{image_id}}/content", "/v1/audio/speech"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def openai(pica: "Pica") -> str:
    return pica.box.connect("openai", name="Engines")


async def post(pica: "Pica", key: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await pica.send(key, "POST", path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels(png: bytes) -> bytes:
    """The raw rows of a PNG, every checksum verified on the way."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    kinds: list[bytes] = []
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        chunk = png[at + 8 : at + 8 + size]
        assert int.from_bytes(png[at + 8 + size : at + 12 + size], "big") == zlib.crc32(kind + chunk)
        kinds.append(kind)
        data += chunk if kind == b"IDAT" else b""
        at += 12 + size
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    return zlib.decompress(data)


async def test_the_model_answers_what_it_was_told(pica: "Pica", openai: str) -> None:
    answer = await post(pica, openai, CHAT, model="echo-large", messages=HELLO)
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You said: Hello", "stop")
    again = await post(pica, openai, CHAT, model="echo-large", messages=HELLO)
    assert (again["choices"], again["id"] == answer["id"]) == (answer["choices"], False)


async def test_parts_of_a_message_are_read_in_order(pica: "Pica", openai: str) -> None:
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/gear.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    messages = [*HELLO, {"role": "user", "content": parts}]
    answer = await post(pica, openai, CHAT, model="echo-large", messages=messages)
    assert answer["choices"][0]["message"]["content"] == "You said: Look: (an image) (a sound)"


async def test_a_tool_is_called_where_one_is_required(pica: "Pica", openai: str) -> None:
    tools = [{"type": "function", "function": {"name": "turn", "parameters": {"type": "object"}}}]
    answer = await post(pica, openai, CHAT, model="echo-large", messages=HELLO, tools=tools, tool_choice="required")
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "turn", "arguments": "{}"}


async def test_embeddings_follow_from_the_text(pica: "Pica", openai: str) -> None:
    answer = await post(pica, openai, EMBEDDINGS, model="echo-embed", input=["gear", "oil", "gear"])
    first, second, third = [row["embedding"] for row in answer["data"]]
    assert first == third != second
    assert all(-1 <= number <= 1 for number in first)


async def test_a_picture_is_a_real_png_by_json_and_by_download(pica: "Pica", openai: str) -> None:
    (drawn,) = (await post(pica, openai, IMAGES, prompt="A brass gear"))["data"]
    picture = b64decode(drawn["b64_json"])
    assert len(pixels(picture)) == 16 * (1 + 16 * 3)
    answer = await pica.send(openai, "GET", IMAGE, {"image_id": drawn["id"]})
    assert answer.content == picture
    assert answer.headers["x-pica-passthrough-content-type"] == "image/png"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (await pica.send(openai, "GET", IMAGE, {"image_id": "img-0"})).status_code == 404


async def test_speech_is_a_real_wav(pica: "Pica", openai: str) -> None:
    answer = await pica.send(openai, "POST", SPEECH, json={"model": "echo-large", "input": "Turn the crank."})
    assert answer.headers["x-pica-passthrough-content-type"] == "audio/wav"
    with wave.open(BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (8000, 1, 15 * 80)


async def test_a_file_comes_back_as_it_was_uploaded(pica: "Pica", openai: str) -> None:
    content = bytes(range(256))
    files = {"file": ("all bytes.bin", content, "application/x-bytes")}
    made = (await pica.send(openai, "POST", FILES, data={"purpose": "user_data"}, files=files)).json()
    assert (made["filename"], made["bytes"], made["purpose"]) == ("all bytes.bin", 256, "user_data")
    value = {"file_id": made["id"]}
    back = await pica.send(openai, "GET", CONTENT, value)
    assert back.content == content
    assert back.headers["x-pica-passthrough-content-type"] == "application/x-bytes"
    listed = (await pica.send(openai, "GET", FILES, params={"purpose": "user_data"})).json()["data"]
    assert listed == [made]
    assert (await pica.send(openai, "DELETE", FILE, value)).json()["deleted"] is True
    assert (await pica.send(openai, "GET", CONTENT, value)).status_code == 404


async def test_only_models_of_ones_own_can_be_deleted(pica: "Pica", openai: str) -> None:
    models = (await pica.send(openai, "GET", "/v1/models")).json()["data"]
    assert [model["owned_by"] for model in models] == ["system", "system", "engines"]
    assert (await pica.send(openai, "DELETE", MODEL, {"model": "echo-large"})).status_code == 400
    own = {"model": "ft:echo:gears"}
    assert (await pica.send(openai, "GET", MODEL, own)).json() == models[2]
    assert (await pica.send(openai, "DELETE", MODEL, own)).json()["deleted"] is True
    assert (await pica.send(openai, "GET", MODEL, own)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {"messages": HELLO}, "model"),
        (CHAT, {"model": "echo-huge", "messages": HELLO}, "model"),
        (CHAT, {"model": "echo-large"}, "messages"),
        (CHAT, {"model": "echo-large", "messages": []}, "messages"),
        (CHAT, {"model": "echo-large", "messages": ["Hello"]}, "messages"),
        (CHAT, {"model": "echo-large", "messages": [{"role": "user", "content": 7}]}, "messages"),
        (CHAT, {"model": "echo-large", "messages": [{"content": [{"type": "text"}]}]}, "messages"),
        (CHAT, {"model": "echo-large", "messages": HELLO, "tools": [7], "tool_choice": "required"}, "tools"),
        (EMBEDDINGS, {"model": "echo-embed", "input": []}, "input"),
        (IMAGES, {}, "prompt"),
        (SPEECH, {"model": "echo-large", "input": "a", "response_format": "opus"}, "response_format"),
    ],
)
async def test_a_mistake_names_its_parameter(
    pica: "Pica", openai: str, path: str, body: dict[str, Any], param: str
) -> None:
    answer = await pica.send(openai, "POST", path, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"json": {"file": "x"}}, None),
        ({"files": {"purpose": (None, "batch")}}, "file"),
        ({"files": {"file": ("a", b"b")}, "data": {"purpose": "fun"}}, "purpose"),
    ],
)
async def test_an_upload_needs_its_parts(
    pica: "Pica", openai: str, request_: dict[str, Any], param: str | None
) -> None:
    answer = await pica.send(openai, "POST", FILES, **request_)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_documents_are_as_long_as_real_ones_can_be_and_a_schema_as_deep(pica: "Pica") -> None:
    rows = {row["title"]: row for row in await pica.rows("/v1/knowledge", connectionPlatform="openai", limit="100")}
    assert len(rows["Create a Chat Completion"]["knowledge"]) >= 100_000
    assert 10_000 <= len(rows["Create Embeddings"]["knowledge"]) < 12_000
    body = rows["Create a Chat Completion"]["ioSchema"]["inputSchema"]["properties"]["body"]
    content = body["properties"]["messages"]["items"]["properties"]["content"]
    assert len(content["oneOf"][1]["items"]["oneOf"]) == 3
