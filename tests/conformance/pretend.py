"""A pretend Pica whose actions bear the names that the official conformance suite calls.

The suite asks for fixture tools (`test_simple_text`, ...). Here they are actions of connected platforms, each with the
answer that an honest provider would give, so that the suite travels our whole line: catalogue, names, schemas,
passthrough, results. Where MCP's wish has no counterpart at a provider (sampling, for one) there is no action.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

SECRET = "sk_live_conformance"
LABEL = "123"
"""Of every connection: what the suite wants to read back from a resource that is named by a template."""

SLOW_SECONDS = 1.0
"""How long the slow action takes: long beside the heartbeat that `serving` sets, short beside the suite's patience."""

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WAV = b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 36, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", 0)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n\x00\xff"

_NOTHING: Mapping[str, Any] = {"query": {"type": "object", "properties": {}}}
_VOCABULARY = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""The suite's own wish, word for word."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One action and what its provider answers. `tool` is the name under which the suite calls it."""

    tool: str
    answer: Response
    method: str = "GET"
    arguments: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """The documented groups: query, body, ..."""
    seconds: float = 0.0

    @property
    def platform(self) -> str:
        return self.tool.partition("_")[0]

    @property
    def id(self) -> str:
        return f"conn_mod_def::{self.tool}::x"

    @property
    def row(self) -> dict[str, Any]:
        title = self.tool.partition("_")[2].replace("_", " ").capitalize()
        return {
            "systemId": self.id,
            "title": title,
            "platform": self.platform,
            "method": self.method,
            "key": self.tool,
            "path": f"/{self.tool}",
        }

    @property
    def document(self) -> dict[str, Any]:
        row = {key: value for key, value in self.row.items() if key != "systemId"}
        schema = {"inputSchema": {"type": "object", "properties": dict(self.arguments)}}
        return {**row, "_id": self.id, "knowledge": f"# {row['title']}", "ioSchema": schema}


def _said(words: str) -> Response:
    return Response(words, media_type="text/plain")


def _parts() -> Response:
    """Three answers in one, as batch endpoints give them."""
    parts = (("text/plain", b"Text."), ("image/png", PNG), ("application/json", json.dumps({"test": "data"}).encode()))
    written = b"".join(b"--part\r\ncontent-type: %s\r\n\r\n%s\r\n" % (kind.encode(), body) for kind, body in parts)
    return Response(written + b"--part--\r\n", media_type="multipart/mixed; boundary=part")


def _one(name: str) -> dict[str, Any]:
    """The groups of an action that takes one text in its body."""
    return {"body": {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}}


_ROUTED = {"type": "string", "x-mcp-header": "Region", "description": "Where to ask."}

FIXTURES = (
    Fixture("test_simple_text", _said("This is a simple text response for testing.")),
    Fixture("test_image_content", Response(PNG, media_type="image/png")),
    Fixture("test_audio_content", Response(WAV, media_type="audio/wav")),
    # What is neither text, image nor sound: a document to download.
    Fixture("test_embedded_resource", Response(PDF, media_type="application/pdf")),
    Fixture("test_multiple_content_types", _parts()),
    Fixture("test_error_handling", JSONResponse({"error": {"message": "It fails on purpose."}}, 422)),
    Fixture("test_tool_with_progress", JSONResponse({"done": True}), seconds=SLOW_SECONDS),
    Fixture("test_tool_with_logging", JSONResponse({"done": True})),
    Fixture("test_logging_tool", JSONResponse({"done": True})),
    Fixture("test_reconnection", JSONResponse({"done": True})),
    Fixture("test_streaming_elicitation", JSONResponse({"done": True})),
    Fixture("test_trigger_tool_change", JSONResponse({"done": True}), "POST"),
    Fixture("test_x_mcp_header", JSONResponse({"done": True}), "GET", {"query": {"properties": {"region": _ROUTED}}}),
    Fixture("json_schema_2020_12_tool", JSONResponse({"done": True}), "POST", {"body": _VOCABULARY}),
    # What destroys may be worth a question to the person, the only reason for which this server would ask one.
    Fixture("test_elicitation", JSONResponse({"done": True}), "DELETE", _one("message")),
    Fixture("test_input_required_result_elicitation", JSONResponse({"done": True}), "DELETE"),
    Fixture("test_input_required_result_request_state", JSONResponse({"done": True}), "DELETE"),
    Fixture("extra_appears", JSONResponse({"done": True})),
)
"""`extra` is only connected from time to time: `test_trigger_tool_change` turns it on and off."""


class Pica:
    """Answers what `pica_mcp.api` asks, in one page each."""

    def __init__(self) -> None:
        self.extra = False
        self._by_path: dict[str, Fixture] = {f"/v1/passthrough/{fixture.tool}": fixture for fixture in FIXTURES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await (await self._response(request))(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if request.headers.get("x-pica-secret") != SECRET:
            return Response(status_code=401)
        match request.url.path.strip("/").split("/")[1:]:
            case ["vault", "connections"]:
                return _page(map(_connection, self._connected()))
            case ["available-connectors"]:
                return _page({"platform": platform, "name": platform.title()} for platform in _platforms())
            case ["available-actions", "search", platform]:
                return JSONResponse([fixture.row for fixture in FIXTURES if fixture.platform == platform])
            case ["available-actions", platform]:
                return _page(fixture.row for fixture in FIXTURES if fixture.platform == platform)
            case ["knowledge"]:
                wanted = request.query_params.get("_id"), request.query_params.get("connectionPlatform")
                return _page(f.document for f in FIXTURES if wanted in ((f.id, None), (None, f.platform)))
            case _:
                return await self._passed(request)

    async def _passed(self, request: Request) -> Response:
        fixture = self._by_path.get(request.url.path)
        if not fixture or fixture.method != request.method or request.headers["x-pica-action-id"] != fixture.id:
            return JSONResponse({"key": "err::not_found", "message": "No such action."}, 404)
        if fixture.seconds:
            await anyio.sleep(fixture.seconds)  # not a wait of a test: being slow is what this provider is for
        if fixture.tool == "test_trigger_tool_change":
            self.extra = not self.extra
        kept = fixture.answer
        kind = {"x-pica-passthrough-content-type": kept.headers["content-type"]}
        return Response(kept.body, kept.status_code, {**kept.headers, **kind})

    def _connected(self) -> list[str]:
        return [platform for platform in _platforms() if self.extra or platform != "extra"]


def _platforms() -> list[str]:
    return sorted({fixture.platform for fixture in FIXTURES})


def _connection(platform: str) -> dict[str, Any]:
    return {
        "key": f"live::{platform}::default::1",
        "name": LABEL,
        "platform": platform,
        "environment": "live",
        "state": "operational",
        "identity": "ada",
        "identityType": "user",
    }


def _page(rows: Iterable[dict[str, Any]]) -> Response:
    page = list(rows)
    return JSONResponse({"rows": page, "total": len(page), "pages": 1})
