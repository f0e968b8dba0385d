"""Hosting, line by line: what a line from the client means, and how a message is written as one."""

import json
from contextlib import suppress
from typing import Any

import mcp_types as types
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json

_HEAD_BYTES = 64 * 1024


class Refusal(types.JSONRPCError):
    """Our answer to a line that is no message. The SDK stays silent, and whoever asked waits for ever."""


def read(line: bytes, max_bytes: int) -> types.JSONRPCMessage:
    """Return the message, or the refusal to send back: a longer line is refused unread, for its first bytes only."""
    if len(line) > max_bytes:
        return _refusal(types.INVALID_REQUEST, f"The line is longer than {max_bytes} bytes.", _head(line))
    with suppress(ValidationError):
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    try:
        seen = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return _refusal(types.PARSE_ERROR, "The line is not JSON.", None)
    return _refusal(types.INVALID_REQUEST, "The line is not a JSON-RPC message in UTF-8.", seen)


def _head(line: bytes) -> Any:
    """Return what the beginning of a line tells. It is cut at a comma, so that no number is cut in two."""
    with suppress(ValueError, RecursionError):
        return from_json(line[:_HEAD_BYTES].rpartition(b",")[0], allow_partial=True)
    return None


def _refusal(code: int, reason: str, seen: Any) -> Refusal:
    """Return the refusal, under the request's id where it can be told; the id of an answer is one of ours."""
    with suppress(LookupError, TypeError):
        if "method" in seen and type(seen["id"]) in (int, str):
            return Refusal(jsonrpc="2.0", id=seen["id"], error=types.ErrorData(code=code, message=reason))
    return Refusal(jsonrpc="2.0", id=None, error=types.ErrorData(code=code, message=reason))


def write(message: types.JSONRPCMessage) -> bytes:
    """Return the message as one line of UTF-8; lone surrogates, which UTF-8 cannot write, become U+FFFD."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except PydanticSerializationError:
        value = message.model_dump(mode="json", by_alias=True, exclude_unset=True)
        text = json.dumps(value, ensure_ascii=False) + "\n"
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
