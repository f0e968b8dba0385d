"""A sandbox, and a client that speaks plain HTTP to it."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox


class Pica:
    """What a test says to a sandbox, in the words of the wire."""

    def __init__(self, box: Sandbox, http: httpx2.AsyncClient) -> None:
        self.box = box
        self.http = http

    async def rows(self, url: str, **params: str) -> list[dict[str, Any]]:
        answer = await self.http.get(url, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    async def key(self, platform: str, name: str) -> str:
        (row,) = await self.rows("/v1/vault/connections", platform=platform, name=name)
        return row["key"]

    async def action(self, platform: str, method: str, path: str) -> str:
        rows = await self.rows("/v1/knowledge", connectionPlatform=platform, limit="100")
        (row,) = [row for row in rows if (row["method"], row["path"]) == (method, path)]
        return row["_id"]

    async def send(
        self, key: str, method: str, template: str, values: Mapping[str, object] | None = None, **request: Any
    ) -> httpx2.Response:
        """Call the action with that method and path through the connection."""
        action = await self.action(key.split("::")[1], method, template)
        path = re.sub(r"\{\{(\w+)\}\}", lambda name: quote(str((values or {})[name[1]]), safe=""), template)
        kind = {"content-type": "application/json"} if "content" in request else {}
        headers = {"x-pica-connection-key": key, "x-pica-action-id": action, **kind, **request.pop("headers", {})}
        return await self.http.request(method, f"/v1/passthrough{path}", headers=headers, **request)


def open_client(box: Sandbox, secret: str = LIVE_SECRET, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=box.app)
    return httpx2.AsyncClient(
        transport=transport, base_url="http://pica.test", headers={"x-pica-secret": secret, **headers}
    )


@pytest.fixture
def box() -> Sandbox:
    return Sandbox()


@pytest.fixture
async def pica(box: Sandbox) -> AsyncIterator[Pica]:
    async with open_client(box) as http:
        yield Pica(box, http)


@pytest.fixture
async def rehearsal(box: Sandbox) -> AsyncIterator[Pica]:
    async with open_client(box, TEST_SECRET) as http:
        yield Pica(box, http)


@pytest.fixture
async def afar(box: Sandbox) -> AsyncIterator[Pica]:
    """The sandbox over a real connection."""
    headers = {"x-pica-secret": LIVE_SECRET}
    async with box.listening() as url, httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
        yield Pica(box, http)


@pytest.fixture(params=["pica", "afar"])
def either(request: pytest.FixtureRequest) -> Pica:
    """The sandbox in this process, and over a real connection."""
    return request.getfixturevalue(request.param)
