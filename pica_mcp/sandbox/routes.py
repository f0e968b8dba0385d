"""The sandbox's endpoints other than the passthrough, and the table that names them all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pica_mcp.sandbox import documents, errors, search
from pica_mcp.sandbox.account import Account, Connection
from pica_mcp.sandbox.catalog import Action, Catalog, Connector
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.passthrough import PREFIX, Passthrough, pica_header
from pica_mcp.sandbox.upstream import Json, MalformedError, json_object, strings

LIVE_SECRET = "sk_live_1_sandbox-not-a-real_secret"  # noqa: S105 - published on purpose: it opens nothing
TEST_SECRET = "sk_test_1_sandbox-not-a-real_secret"  # noqa: S105 - likewise

_ENVIRONMENTS: Mapping[str | None, str] = MappingProxyType({LIVE_SECRET: "live", TEST_SECRET: "test"})
_MAX_DIGITS = 9
_EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Endpoint = Callable[[Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers the endpoints; each gets the request and the environment that the secret belongs to."""

    account: Account
    catalog: Catalog
    passthrough: Passthrough
    row_ids: bool
    bare_errors: bool

    def routes(self) -> list[Route]:
        """Every endpoint under `/v1`, and the root that needs no secret."""
        connection = "/v1/vault/connections/{id}"
        return [
            Route("/", _root),
            self._guarded("/v1/vault/connections", self.list_connections),
            self._guarded(connection, self.get_connection),
            self._guarded(connection, self.tag_connection, "PATCH"),
            self._guarded(connection, self.delete_connection, "DELETE"),
            self._guarded("/v1/available-connectors", self.list_connectors),
            self._guarded("/v1/available-actions/search/{platform}", self.search_actions),
            self._guarded("/v1/available-actions/{platform}", self.list_actions),
            self._guarded("/v1/knowledge", self.list_knowledge),
            self._guarded("/v1/users/whoami", self.whoami),
            self._guarded("/v1/authkit", self.authkit, "POST"),
            self._guarded("/v1/authkit/token", self.authkit, "POST"),
            self._guarded(PREFIX + "/{path:path}", self.passthrough.answer, *_EVERY_METHOD),
        ]

    def _guarded(self, path: str, endpoint: Endpoint, *methods: str) -> Route:
        async def guarded(request: Request) -> Response:
            environment = _ENVIRONMENTS.get(pica_header(request, "secret"))
            if environment is None:
                return errors.unauthorized(bare=self.bare_errors)
            return await endpoint(request, environment)

        return Route(path, guarded, methods=methods or ("GET",))

    async def list_connections(self, request: Request, environment: str) -> Response:
        found = [one for one in self.account.within(environment) if _wanted(one, request.query_params)]
        return JSONResponse(_page([self._row(connection) for connection in found], request))

    async def get_connection(self, request: Request, environment: str) -> Response:
        return JSONResponse(self._row(self._connection(request, environment)))

    async def tag_connection(self, request: Request, environment: str) -> Response:
        connection = self._connection(request, environment)
        body = await _object(request)
        try:
            tags = tuple(strings(body["tags"]))
        except (KeyError, MalformedError) as error:
            raise RejectionError(errors.nest(400, "tags must be an array of strings")) from error
        return JSONResponse(self._row(self.account.change(connection.key, tags=tags)))

    async def delete_connection(self, request: Request, environment: str) -> Response:
        self.account.remove(self._connection(request, environment).key)
        return Response(status_code=200)

    async def list_connectors(self, request: Request, environment: str) -> Response:
        del environment  # connectors are the same in both
        wanted = request.query_params
        rows = [
            row
            for number, connector in enumerate(self.catalog.connectors, start=1)
            if (wanted.get("authkit") != "true" or connector.authkit)
            and _equal(row := self._connector_row(number, connector), wanted, "platform", "key", "name", "category")
        ]
        return JSONResponse(_page(rows, request))

    async def list_actions(self, request: Request, environment: str) -> Response:
        del environment
        rows = [self._action_row(action) for action in self.catalog.actions(request.path_params["platform"])]
        found = [row for row in rows if _equal(row, request.query_params, "title", "key", "method")]
        return JSONResponse(_page(found, request))

    async def search_actions(self, request: Request, environment: str) -> Response:
        del environment
        wanted = request.query_params
        actions = self.catalog.actions(request.path_params["platform"])
        found = search.rank(actions, wanted.get("query", ""), executing=wanted.get("executeAgent") == "true")
        return _tagged(request, [_search_row(action) for action in found[: _number(request, "limit", 20)]])

    async def list_knowledge(self, request: Request, environment: str) -> Response:
        del environment
        wanted = request.query_params
        actions = self.catalog.actions(wanted.get("connectionPlatform"))
        found = [action for action in actions if wanted.get("_id") in {None, action.id}]
        return _tagged(request, _page([self._knowledge_row(action) for action in found], request))

    async def whoami(self, request: Request, environment: str) -> Response:
        del request, environment
        user = {"id": "usr_sandbox_ada", "name": "Ada", "email": "ada@acme.example"}
        organization = {"id": "org_sandbox_acme", "name": "Acme"}
        return JSONResponse({"user": user, "organization": organization, "project": None})

    async def authkit(self, request: Request, environment: str) -> Response:
        body = await _object(request)
        missing = [f"{name} should not be empty" for name in ("identity", "identityType") if not body.get(name)]
        if missing:
            raise RejectionError(errors.nest(400, *missing))
        offered = [connector for connector in self.catalog.connectors if connector.authkit]
        page = _page([_authkit_row(connector, environment) for connector in offered], request, default=100)
        return JSONResponse({**page, "requestId": _digest([body, environment])})

    def _connection(self, request: Request, environment: str) -> Connection:
        wanted = request.path_params["id"]
        found = next((one for one in self.account.within(environment) if one.id == wanted), None)
        if found is None:
            raise RejectionError(errors.application(404, f"Connection with id {wanted} not found"))
        return found

    def _row(self, connection: Connection) -> Json:
        return connection.row(self.catalog.describe(connection.platform))

    def _connector_row(self, number: int, connector: Connector) -> Json:
        return connector.row(number, len(self.catalog.actions(connector.platform)))

    def _action_row(self, action: Action) -> Json:
        row = {
            "title": action.title,
            "key": action.key,
            "modelName": action.model,
            "method": action.method,
            "platform": action.platform,
        }
        return {**row, "systemId": action.id, "path": action.path} if self.row_ids else row

    def _knowledge_row(self, action: Action) -> Json:
        base_url = self.catalog.base_url(action)
        schema = documents.io_schema(action)
        row = {
            "id": self.catalog.number(action),
            "_id": action.id,
            "connectionPlatform": action.platform,
            "title": action.title,
            "path": action.path,
            "method": action.method,
            "baseUrl": base_url,
            "knowledge": documents.knowledge(action, base_url),
            "tags": list(action.tags),
            "active": True,
            "modelName": action.model,
        }
        return row if schema is None else {**row, "ioSchema": schema}


async def _root(request: Request) -> Response:
    del request
    return JSONResponse({"type": "success", "success": True})


def _search_row(action: Action) -> Json:
    return {
        "systemId": action.id,
        "title": action.title,
        "key": action.key,
        "method": action.method,
        "path": action.path,
        "tags": list(action.tags),
    }


def _authkit_row(connector: Connector, environment: str) -> Json:
    return {
        "id": f"authkit-{connector.platform}",
        "connectionDefId": f"api::{connector.platform}::v1",
        "type": "api",
        "title": connector.name,
        "image": f"https://assets.pica.test/connectors/{connector.platform}.svg",
        "environment": environment,
        "tags": [],
        "active": True,
    }


def _wanted(connection: Connection, query: Mapping[str, str]) -> bool:
    if connection.active != (query.get("active", "true") != "false"):
        return False
    if "key" in query and connection.key not in query["key"].split(","):
        return False
    if "tags" in query and not set(connection.tags) & set(query["tags"].split(",")):
        return False
    return _equal(connection.row(""), query, "name", "identity", "identityType", "platform", "platformVersion")


def _equal(row: Json, query: Mapping[str, str], *names: str) -> bool:
    return all(query[name] == row[name] for name in names if name in query)


def _page(rows: list[Json], request: Request, default: int = 20) -> Json:
    limit, page = _number(request, "limit", default), _number(request, "page", 1)
    shown = rows[(page - 1) * limit : page * limit]
    return {"rows": shown, "total": len(rows), "pages": ceil(len(rows) / limit), "page": page}


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < 1:
        raise RejectionError(errors.nest(400, f"{name} must be a whole number not less than 1"))
    return int(text)


def _tagged(request: Request, content: Any) -> Response:
    response = JSONResponse(content)
    tag = f'"{sha256(response.body).hexdigest()[:32]}"'
    known = request.headers.get("if-none-match", "").replace("W/", "")
    if tag in (one.strip() for one in known.split(",")):
        response = Response(status_code=304)
    response.headers["etag"] = tag
    return response


async def _object(request: Request) -> Json:
    try:
        return json_object(await request.body())
    except MalformedError as error:
        raise RejectionError(errors.nest(400, "the body must be a JSON object")) from error


def _digest(value: Any) -> str:
    return sha256(repr(value).encode()).hexdigest()[:24]
