import ast
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx2

import pica_mcp.sandbox
from pica_mcp.sandbox import LIVE_SECRET, TEST_SECRET, Sandbox

MAIL = "/v1/passthrough/gmail/send-email"


async def conversation(box: Sandbox) -> list[str]:
    """The same few requests, for comparing what two sandboxes answer."""
    transport = httpx2.ASGITransport(app=box.app)
    headers = {"x-pica-secret": LIVE_SECRET}
    async with httpx2.AsyncClient(transport=transport, base_url="http://pica.test", headers=headers) as http:
        connections = await http.get("/v1/vault/connections?name=Work")
        actions = await http.get("/v1/available-actions/search/gmail?query=send+email")
        key, action = connections.json()["rows"][0]["key"], actions.json()[0]["systemId"]
        body = {"connectionKey": key, "to": "a@b.example", "subject": "S", "body": "B"}
        told = {"x-pica-connection-key": key, "x-pica-action-id": action}
        sent = await http.post(MAIL, json=body, headers=told)
        knowledge = await http.get("/v1/knowledge?connectionPlatform=gmail&limit=100")
        return [answer.text for answer in (connections, actions, sent, knowledge)]


async def test_two_sandboxes_say_the_same_and_share_nothing() -> None:
    first, second = Sandbox(), Sandbox()
    assert await conversation(first) == await conversation(second)
    again = await conversation(first)
    assert again[2] != (await conversation(Sandbox()))[2]


async def test_connecting_the_same_in_two_sandboxes_gives_the_same_key() -> None:
    keys = [Sandbox().connect("gmail", identity="bo", identity_type="user", name="New") for _ in range(2)]
    assert keys[0] == keys[1]


async def test_the_app_starts_and_stops_like_any_other() -> None:
    told: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(asked)}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    box = Sandbox()
    await box.app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert box.requests == []


def test_secrets_hold_the_characters_that_must_not_be_split_at() -> None:
    for secret, prefix in ((LIVE_SECRET, "sk_live_1_"), (TEST_SECRET, "sk_test_1_")):
        tail = secret.removeprefix(prefix)
        assert tail != secret
        assert "_" in tail
        assert "-" in tail


async def test_a_rotated_secret_opens_what_the_one_before_did_which_is_refused_from_then_on() -> None:
    box = Sandbox()
    box.rotate("sk_live_2_new")
    box.rotate("sk_live_3_newer")
    statuses: dict[str, int] = {}
    connections: dict[str, int] = {}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=box.app), base_url="http://pica.test") as http:
        for secret in (LIVE_SECRET, "sk_live_2_new", "sk_live_3_newer", TEST_SECRET, ""):
            answer = await http.get("/v1/vault/connections", headers={"x-pica-secret": secret})
            statuses[secret] = answer.status_code
            connections[secret] = answer.json().get("total")
    assert list(statuses.values()) == [401, 401, 200, 200, 401]
    assert connections["sk_live_3_newer"] > connections[TEST_SECRET] == 2
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=Sandbox().app), base_url="http://pica.test"
    ) as http:
        answer = await http.get("/v1/vault/connections", headers={"x-pica-secret": LIVE_SECRET})
    assert answer.status_code == 200  # in another sandbox nothing was rotated


def test_the_room_imports_nothing_else_of_ours() -> None:
    for file in Path(pica_mcp.sandbox.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [module for module in modules if module.split(".")[0] == "pica_mcp"]
            assert all(module.startswith("pica_mcp.sandbox") for module in ours), file
