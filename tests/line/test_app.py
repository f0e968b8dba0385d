"""What wires everything: opening asks nothing of Pica, and closing leaves nothing behind."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from pica_mcp.access import Identity, IdentityType
from pica_mcp.app import open_app
from pica_mcp.errors import Unreachable
from pica_mcp.sandbox import TEST_SECRET, Sandbox
from pica_mcp.settings import load


async def test_opening_and_closing_make_no_request(box: Sandbox, serve: Any) -> None:
    async with serve():
        pass
    assert box.requests == []


async def test_the_embedded_sandbox_serves_ada_unless_another_is_asked_for() -> None:
    served: list[Identity] = []
    for variables in ({}, {"PICA_IDENTITY": "growth"}, {"PICA_IDENTITY_TYPE": "team"}):
        async with open_app(load({}, variables, sandbox=True)) as app:
            served.append(app.caller.identity)
    assert served == [Identity("ada", IdentityType.USER), Identity("growth"), Identity(None, IdentityType.TEAM)]


async def test_two_applications_on_the_embedded_sandbox_share_nothing() -> None:
    settings = load({}, {}, sandbox=True)
    async with open_app(settings) as one, open_app(settings) as other:
        mail = {"connection": "Work", "to": "a@b.example", "subject": "Only here", "body": "B"}
        await one.pipeline.call(one.caller, "gmail_send_email", mail)
        seen = await other.pipeline.call(other.caller, "gmail_get_emails", {"connection": "Work"})
    assert "Only here" not in str(seen.content)


async def test_the_callers_environment_is_the_secrets(serve: Any) -> None:
    environments: list[str] = []
    for secret in (TEST_SECRET, "id_test_1_x", "sk_live_1_x", "anything-else"):
        async with serve(PICA_SECRET=secret) as app:
            environments.append(app.caller.environment())
    assert environments == ["test", "test", "live", "live"]


async def test_closing_drops_what_is_still_loading(serve: Any) -> None:
    asked, never = anyio.Event(), anyio.Event()

    async def hanging(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await never.wait()

    outcomes: list[object] = []

    async def ask(app: Any) -> None:
        try:
            outcomes.append(await app.resources.read(app.caller, "pica://connections"))
        except Unreachable as error:
            outcomes.append(str(error))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks, serve(pica=hanging) as app:
            tasks.start_soon(ask, app)
            await asked.wait()
    assert outcomes == ["The server is closing."]


async def test_what_fails_inside_is_not_swallowed(serve: Any) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with serve():
            raise LookupError("inside")
    assert caught.group_contains(LookupError, match="inside")
