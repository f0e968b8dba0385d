import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from starlette.responses import Response

from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.faults import Hang
from pica_mcp.sandbox.listening import listen

WHOAMI = "/v1/users/whoami"
SECRET = {"x-pica-secret": LIVE_SECRET}


async def test_two_boxes_listen_side_by_side(box: Sandbox) -> None:
    other = Sandbox()
    async with box.listening() as here, other.listening() as there, httpx2.AsyncClient(headers=SECRET) as http:
        assert here != there
        assert (await http.get(here + WHOAMI)).status_code == 200
    assert (len(box.requests), len(other.requests)) == (1, 0)


async def test_a_port_is_free_again_once_nobody_listens(box: Sandbox) -> None:
    async with box.listening() as url:
        port = urlsplit(url).port
        assert port
        with pytest.raises(OSError, match="in use"):
            async with Sandbox().listening(port):
                pass
    async with box.listening(port) as again:
        assert again == url


async def test_no_answer_waits_for_an_acknowledgement() -> None:
    options: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        connection = scope["extensions"]["pica.wire"]._transport.get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await Response("x")(scope, receive, send)

    async with listen(app, 0) as url, httpx2.AsyncClient() as http:
        await http.get(url)
    assert options == [1]


async def test_signals_stay_with_the_caller(box: Sandbox) -> None:
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with box.listening():
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


async def test_closing_waits_for_nobody(box: Sandbox) -> None:
    box.fail(WHOAMI, Hang(), skip=1)
    ends: list[type[Exception]] = []

    async def ask(http: httpx2.AsyncClient) -> None:
        try:
            await http.get(WHOAMI)
        except httpx2.TransportError as error:
            ends.append(type(error))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group, httpx2.AsyncClient(headers=SECRET) as http:
            async with box.listening() as url:
                http.base_url = url
                await http.get(WHOAMI)  # leaves a connection open
                group.start_soon(ask, http)
                group.start_soon(ask, http)
                await box.until_pending(1)
            assert box.pending == 0
    assert ends[0] in (httpx2.RemoteProtocolError, httpx2.ReadError)
    assert box.abandoned == box.requests[1:2]


def test_only_who_listens_pays_for_the_server() -> None:
    check = "import sys, pica_mcp.sandbox; sys.exit('uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
