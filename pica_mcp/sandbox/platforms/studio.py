"""An OpenAI account in the sandbox: models that echo, pictures and sounds that are real files, and uploads."""

import wave
import zlib
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, needed, slug, strings

PURPOSES = ("assistants", "batch", "fine-tune", "user_data", "vision")

_MESSAGES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("invalid_request_error", "We could not parse the body of your request."),
        401: ("authentication_error", "Incorrect API key provided."),
        404: ("invalid_request_error", "Invalid URL."),
    }
)
_SAMPLE_RATE = 8_000
_SIDE = 16


def refuse(status: int, message: str = "", param: str | None = None, code: str | None = None) -> Reply:
    """OpenAI's error body."""
    kind, usual = _MESSAGES[status]
    return Reply(status, {"error": {"message": message or usual, "type": kind, "param": param, "code": code}})


def fault(message: str, param: str, status: int = 400, code: str | None = None) -> ProviderError:
    """A refusal of one parameter."""
    return ProviderError(refuse(status, message, param, code))


class Studio:
    """One account with three models, one of them its own, and one file; every method is one OpenAI endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self.owner = slug(label)
        self._models = {
            name: {"id": name, "object": "model", "created": self._created(), "owned_by": owner}
            for name, owner in (("echo-large", "system"), ("echo-embed", "system"), ("ft:echo:gears", self.owner))
        }
        self._files: dict[str, tuple[Json, bytes, str]] = {}
        self._pictures: dict[str, bytes] = {"img-welcome": picture(label)}
        self._keep("gears.jsonl", "fine-tune", b'{"prompt":"Gear 42?","completion":"Oil it."}\n', "application/jsonl")

    # --- models -----------------------------------------------------------------------------------------------------

    def list_models(self, call: Call) -> Reply:
        del call
        return _reply({"object": "list", "data": list(self._models.values())})

    def get_model(self, call: Call) -> Reply:
        return _reply(self._model(call.path["model"], 404))

    def delete_model(self, call: Call) -> Reply:
        model = self._model(call.path["model"], 404)
        if model["owned_by"] != self.owner:
            raise fault("Only models that you own can be deleted.", "model")
        del self._models[model["id"]]
        return _reply({"id": model["id"], "object": "model", "deleted": True})

    # --- text -------------------------------------------------------------------------------------------------------

    def complete(self, call: Call) -> Reply:
        body = call.json()
        model, said = self._model(body.get("model")), _last(body.get("messages"))
        tools = body.get("tools")
        message: Json = {"role": "assistant", "content": f"You said: {said}"}
        if body.get("tool_choice") == "required" and isinstance(tools, list) and tools:
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [self._tool_call(cast("list[Any]", tools)[0])],
            }
        words = len(said.split())
        return _reply(
            {
                "id": f"chatcmpl-{self._ledger.token(20)}",
                "object": "chat.completion",
                "created": self._created(),
                "model": model["id"],
                "choices": [{"index": 0, "message": message, "finish_reason": _reason(message)}],
                "usage": {"prompt_tokens": words, "completion_tokens": words + 2, "total_tokens": 2 * words + 2},
            }
        )

    def embed(self, call: Call) -> Reply:
        body = call.json()
        model, given = self._model(body.get("model")), body.get("input")
        texts = strings([given] if isinstance(given, str) else given)
        if not all(texts) or not texts:
            raise fault("'input' must be text or a list of texts.", "input")
        rows = [{"object": "embedding", "index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
        return _reply({"object": "list", "model": model["id"], "data": rows})

    # --- pictures and sounds ----------------------------------------------------------------------------------------

    def create_image(self, call: Call) -> Reply:
        prompt = _text(call.json(), "prompt")
        token = f"img-{self._ledger.token(16)}"
        self._pictures[token] = picture(prompt)
        data = [{"id": token, "b64_json": b64encode(self._pictures[token]).decode(), "revised_prompt": prompt}]
        return _reply({"created": self._created(), "data": data})

    def download_image(self, call: Call) -> Reply:
        content = self._pictures.get(call.path["image_id"])
        if content is None:
            raise fault("No such image.", "image_id", 404)
        return Reply(body=content, media="image/png")

    def speak(self, call: Call) -> Reply:
        body = call.json()
        self._model(body.get("model"))
        if body.get("response_format", "wav") != "wav":
            raise fault("This voice only speaks 'wav'.", "response_format")
        return Reply(body=sound(_text(body, "input")), media="audio/wav")

    # --- files ------------------------------------------------------------------------------------------------------

    def list_files(self, call: Call) -> Reply:
        purpose = call.first("purpose")
        rows = [row for row, _, _ in self._files.values() if purpose in {"", row["purpose"]}]
        return _reply({"object": "list", "data": rows, "has_more": False})

    def upload_file(self, call: Call) -> Reply:
        parts = call.parts()
        if "file" not in parts:
            raise fault("'file' is a required property", "file")
        purpose = parts["purpose"].content.decode(errors="replace") if "purpose" in parts else ""
        if purpose not in PURPOSES:
            raise fault(f"'purpose' must be one of {', '.join(PURPOSES)}", "purpose")
        file = parts["file"]
        return _reply(self._keep(file.filename or "upload", purpose, file.content, file.media))

    def file_content(self, call: Call) -> Reply:
        _, content, media = self._file(call)
        return Reply(body=content, media=media)

    def delete_file(self, call: Call) -> Reply:
        row, _, _ = self._file(call)
        del self._files[row["id"]]
        return _reply({"id": row["id"], "object": "file", "deleted": True})

    # --- what they share --------------------------------------------------------------------------------------------

    def _model(self, name: Any, status: int = 400) -> Json:
        if not isinstance(name, str) or name not in self._models:
            raise fault(f"The model '{str(name)[:60]}' does not exist.", "model", status, "model_not_found")
        return self._models[name]

    def _file(self, call: Call) -> tuple[Json, bytes, str]:
        found = self._files.get(call.path["file_id"])
        if found is None:
            raise fault(f"No such File object: {call.path['file_id']}", "id", 404)
        return found

    def _keep(self, name: str, purpose: str, content: bytes, media: str) -> Json:
        token = f"file-{self._ledger.token(20)}"
        row: Json = {
            "id": token,
            "object": "file",
            "bytes": len(content),
            "created_at": self._created(),
            "filename": name,
            "purpose": purpose,
        }
        self._files[token] = (row, content, media)
        return row

    def _tool_call(self, tool: Any) -> Json:
        function: Any = cast("Json", tool).get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            raise fault("Each tool needs a 'function'.", "tools")
        name = _text(cast("Json", function), "name", "tools")
        call = {"name": name, "arguments": "{}"}
        return {"id": f"call_{self._ledger.token(20)}", "type": "function", "function": call}

    def _created(self) -> int:
        return int(self._ledger.moment().timestamp())


def picture(prompt: str) -> bytes:
    """A valid PNG, 16 pixels square, in the one colour that the prompt's hash says."""
    red, green, blue = sha256(prompt.encode()).digest()[:3]
    row = b"\0" + bytes((red, green, blue)) * _SIDE
    size = _SIDE.to_bytes(4, "big") * 2
    chunks = ((b"IHDR", size + b"\x08\x02\0\0\0"), (b"IDAT", zlib.compress(row * _SIDE)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def sound(text: str) -> bytes:
    """A valid WAV of one channel: a hundredth of a second for each of the first 100 letters, as high as it is late."""
    target = BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(_SAMPLE_RATE)
        out.writeframes(b"".join(_tone(ord(letter)) for letter in text[:100]))
    return target.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def _tone(letter: int) -> bytes:
    half = 4 + letter % 26
    return bytes(160 if at // half % 2 else 96 for at in range(_SAMPLE_RATE // 100))


def _vector(text: str) -> list[float]:
    return [round(byte / 127.5 - 1, 6) for byte in sha256(text.encode()).digest()[:8]]


def _last(messages: Any) -> str:
    """The text of the last message, whose content is text or a list of parts."""
    rows = cast("list[Any]", messages) if isinstance(messages, list) else []
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise fault("'messages' must be a list with at least one message.", "messages")
    content = cast("Json", rows[-1]).get("content")
    if isinstance(content, str):
        return content
    parts = cast("list[Any]", content) if isinstance(content, list) else []
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise fault("'content' must be text or a list of parts.", "messages")
    return " ".join(_part(cast("Json", part)) for part in parts)


def _part(part: Json) -> str:
    match part:
        case {"type": "text", "text": str() as text}:
            return text
        case {"type": "image_url", "image_url": {"url": str()}}:
            return "(an image)"
        case {"type": "input_audio", "input_audio": {"data": str()}}:
            return "(a sound)"
        case _:
            raise fault("A part is 'text', 'image_url' or 'input_audio' with what its type names.", "messages")


def _reason(message: Json) -> str:
    return "stop" if message["content"] is not None else "tool_calls"


def _text(body: Json, name: str, param: str = "") -> str:
    return needed(body.get(name), fault(f"'{name}' is a required property", param or name))


def _reply(body: Json) -> Reply:
    return Reply(body=body, headers=(("openai-version", "2020-10-01"), ("x-request-id", "req_sandbox")))
