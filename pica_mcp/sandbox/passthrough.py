"""The sandbox's passthrough: from Pica's three headers to a provider's handler, and its reply in Pica's wrapping."""

import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from pica_mcp.sandbox import errors
from pica_mcp.sandbox.account import Account, Connection
from pica_mcp.sandbox.catalog import Action, Catalog
from pica_mcp.sandbox.door import query_pairs, raw_path
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.upstream import Call, MalformedError, ProviderError, Reply

PREFIX = "/v1/passthrough"

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


class Passthrough:
    """The worlds behind the connections, one state per connected account, opened at the first call.

    Identity and `active` are not checked, because Pica does not either: whoever has the key is in.
    """

    def __init__(self, account: Account, catalog: Catalog) -> None:
        self._account = account
        self._catalog = catalog
        self._worlds: dict[str, Any] = {}

    async def answer(self, request: Request, environment: str) -> Response:
        """Serve one request whose secret belongs to the environment."""
        connection = self._connection(request, environment)
        action = self._action(request)
        path = raw_path(request.scope).removeprefix(PREFIX)
        reply = self._reply(connection, action, path, request, await request.body())
        return _wrapped(reply, family(request), action.method, request.method)

    def _connection(self, request: Request, environment: str) -> Connection:
        key = pica_header(request, "connection-key")
        if not key:
            raise RejectionError(errors.application(400, "Connection header not found"))
        if not key.startswith(f"{environment}::"):
            raise RejectionError(errors.application(404, "Invalid connection header"))
        connection = self._account.find(key)
        if connection is None:
            raise RejectionError(errors.application(404, "Connection not found"))
        return connection

    def _action(self, request: Request) -> Action:
        action_id = pica_header(request, "action-id")
        if not action_id:
            raise RejectionError(errors.application(404, "Supported Connection Model Definition not found"))
        action = self._catalog.action(action_id)
        if action is None:
            raise RejectionError(errors.masked(502))
        if not action.supported:
            raise RejectionError(errors.application(404, "Supported Connection Model Definition not found"))
        return action

    def _reply(self, connection: Connection, action: Action, path: str, request: Request, body: bytes) -> Reply:
        platform = self._catalog.platform(action.platform)
        values = placeholders(action.path, path)
        if connection.platform != action.platform or connection.state == "failed":
            return platform.refuse(401)
        if values is None:
            return platform.refuse(404)
        call = Call(values, query_pairs(request.scope), dict(request.headers), body)
        try:
            return _run(action, connection.key, self._world(connection), call)
        except ProviderError as error:
            return error.reply
        except MalformedError:
            return _bad("the body cannot be read") if action.is_custom else platform.refuse(400)

    def _world(self, connection: Connection) -> Any:
        if connection.account not in self._worlds:
            platform = self._catalog.platform(connection.platform)
            self._worlds[connection.account] = platform.open(connection.account, connection.label)
        return self._worlds[connection.account]


def placeholders(template: str, path: str) -> dict[str, str] | None:
    """The decoded values of a raw path that fits the template, or None.

    A value never spans a slash, so one that contains a slash has to arrive encoded. A path with a placeholder left in
    it, plain or encoded, fits nothing.
    """
    if "{{" in path or "%7b%7b" in path.lower():
        return None
    parts = _PLACEHOLDER.split(template)
    names = parts[1::2]
    pattern = "".join("([^/]+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    found = re.fullmatch(pattern, path)
    return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else None


def pica_header(request: Request, name: str) -> str | None:
    """One of Pica's own request headers, under its old or its new family name."""
    return request.headers.get(f"x-pica-{name}") or request.headers.get(f"x-one-{name}")


def family(request: Request) -> str:
    """The header family of the request, which the answer's headers follow."""
    return "pica" if "x-pica-secret" in request.headers else "one"


def _run(action: Action, key: str, world: Any, call: Call) -> Reply:
    if action.is_custom:
        _check_custom(action, key, call)
    return action.run(world, call)


def _check_custom(action: Action, key: str, call: Call) -> None:
    body = call.json()
    complaints = [
        f"{field.name} should not be empty"
        for field in action.of("body")
        if field.required and not field.option and body.get(field.name) in (None, "")
    ]
    if body.get("connectionKey") not in (None, "", key):
        complaints.append("connectionKey must be the key of the connection header")
    if complaints:
        raise ProviderError(_bad(*complaints))


def _bad(*complaints: str) -> Reply:
    return Reply(400, errors.nest_body(400, *complaints))


def _wrapped(reply: Reply, family: str, upstream: str, asked: str) -> Response:
    headless = asked == "HEAD" or upstream == "HEAD"
    media = (("content-type", reply.media),) if reply.content else ()
    response = Response(b"" if headless else reply.content, reply.status, media_type="application/octet-stream")
    if asked == "HEAD":  # the length of what a GET would get, the one header that Pica lets through
        response.headers["content-length"] = str(len(reply.content))
    for name, value in (*media, *reply.headers):
        response.headers.append(f"x-{family}-passthrough-{name}", value)
    return response
