"""The sandbox's endpoints over connections and the account, and the table that names all endpoints."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pica_mcp.sandbox import errors
from pica_mcp.sandbox.account import Account, Connection
from pica_mcp.sandbox.catalog import Catalog, Connector
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.older import connection_id
from pica_mcp.sandbox.pages import Pages, equal, read_object
from pica_mcp.sandbox.passthrough import PREFIX, Passthrough, pica_header
from pica_mcp.sandbox.shelf import Shelf
from pica_mcp.sandbox.upstream import Json, MalformedError, strings

LIVE_SECRET = "sk_live_1_sandbox-not-a-real_secret"  # noqa: S105 - published on purpose: it opens nothing
TEST_SECRET = "sk_test_1_sandbox-not-a-real_secret"  # noqa: S105 - likewise

_IDENTITY_TYPES = ("user", "team", "organization", "project")
_MAX_IDENTITY_CHARS = 128
_EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Endpoint = Callable[[Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers the endpoints; each gets the request and the environment that the secret belongs to.

    `secrets` says which, for each secret that is accepted.
    """

    secrets: Mapping[str, str]
    account: Account
    catalog: Catalog
    passthrough: Passthrough
    shelf: Shelf
    pages: Pages
    bare_errors: bool
    older: bool

    def routes(self) -> list[Route]:
        """Every endpoint under `/v1`, and those that need no secret."""
        return [
            Route("/", _root),
            Route("/open/count/platforms", self.shelf.count_platforms),
            Route("/open/count/tools", self.shelf.count_tools),
            *self._connections(),
            self._guarded("/v1/available-connectors", self.shelf.list_connectors),
            self._guarded("/v1/available-actions/find", self.shelf.find_actions, "POST"),
            self._guarded("/v1/available-actions/search/{platform}", self.shelf.search_actions),
            self._guarded("/v1/available-actions/{platform}", self.shelf.list_actions),
            self._guarded("/v1/knowledge", self.shelf.list_knowledge),
            self._guarded("/v1/users/whoami", self.whoami),
            self._guarded("/v1/users/flags", self.flags),
            self._guarded("/v1/connections/reachable", self.reachable),
            self._guarded("/v1/authkit", self.authkit, "POST"),
            self._guarded("/v1/authkit/token", self.authkit, "POST"),
            Route(PREFIX + "/", _nowhere, methods=_EVERY_METHOD),
            self._guarded(PREFIX + "/{path:path}", self.passthrough.answer, *_EVERY_METHOD),
        ]

    def _connections(self) -> list[Route]:
        one = "/v1/vault/connections/{id}"
        reading = [] if self.older else [self._guarded(one, self.get_connection)]
        return [
            self._guarded("/v1/vault/connections", self.list_connections),
            *reading,
            self._guarded(one, self.change_connection if self.older else self.tag_connection, "PATCH"),
            self._guarded(one, self.delete_connection, "DELETE"),
        ]

    def _guarded(self, path: str, endpoint: Endpoint, *methods: str) -> Route:
        async def guarded(request: Request) -> Response:
            environment = self.secrets.get(pica_header(request, "secret") or "")
            if environment is None:
                return errors.unauthorized(bare=self.bare_errors)
            return await endpoint(request, environment)

        return Route(path, guarded, methods=methods or ("GET",))

    async def list_connections(self, request: Request, environment: str) -> Response:
        found = [one for one in self.account.within(environment) if _wanted(one, request.query_params)]
        return JSONResponse(self.pages.cut(request, "Vault Connections", found, self._row))

    async def get_connection(self, request: Request, environment: str) -> Response:
        return JSONResponse(self._row(self._connection(request, environment)))

    async def tag_connection(self, request: Request, environment: str) -> Response:
        connection = self._connection(request, environment)
        given = await read_object(request)
        try:
            tags = tuple(strings(given["tags"]))
        except (KeyError, MalformedError) as error:
            raise RejectionError(errors.nest(400, "tags must be an array of strings")) from error
        return JSONResponse(self._row(self.account.change(connection.key, tags=tags)))

    async def change_connection(self, request: Request, environment: str) -> Response:
        """The older PATCH, whose answer is an object of its own keyed by the id."""
        connection, given = self._connection(request, environment), await read_object(request)
        names = {"active": "active", "identity": "identity", "identityType": "identity_type"}
        sent = {name: given[name] for name in names if name in given}
        for name, value in sent.items():
            _check_change(name, value)
        self.account.change(connection.key, **{names[name]: value for name, value in sent.items()})
        return JSONResponse({self._id(connection): sent})

    async def delete_connection(self, request: Request, environment: str) -> Response:
        self.account.remove(self._connection(request, environment).key)
        return Response(status_code=200)

    async def reachable(self, request: Request, environment: str) -> Response:
        found = [one for one in self.account.within(environment) if one.active and one.state != "failed"]
        return JSONResponse(self.pages.cut(request, "Reachable Connections", found, self._reachable_row))

    async def whoami(self, request: Request, environment: str) -> Response:
        del request, environment
        user = {"id": "usr_sandbox_ada", "name": "Ada", "email": "ada@acme.example"}
        organization = {"id": "org_sandbox_acme", "name": "Acme"}
        return JSONResponse({"user": user, "organization": organization, "project": None})

    async def flags(self, request: Request, environment: str) -> Response:
        del request, environment
        flags = {
            "accessList": ["passthrough"],
            "authkitWhitelist": True,
            "earlyAccess": [],
            "completedQuickstart": True,
        }
        return JSONResponse(flags)

    async def authkit(self, request: Request, environment: str) -> Response:
        body = await read_object(request)
        # Both are optional: the official clients' own first example passes neither. Other keys, the Python client's
        # identity_type among them, are ignored, so that its tokens have no type.
        identity = {name: body[name] for name in ("identity", "identityType") if body.get(name) is not None}
        if identity.get("identityType", "user") not in _IDENTITY_TYPES:
            complaint = f"identityType must be one of the following values: {', '.join(_IDENTITY_TYPES)}"
            raise RejectionError(errors.nest(400, complaint))
        offered = [connector for connector in self.catalog.connectors if connector.authkit]
        # The newer pages always: this endpoint came with them.
        page = Pages().cut(request, "AuthKit", offered, lambda one: _authkit_row(one, environment), usual=100)
        return JSONResponse({**page, "requestId": _digest([identity, environment])})

    def _connection(self, request: Request, environment: str) -> Connection:
        wanted = request.path_params["id"]
        found = next((one for one in self.account.within(environment) if self._id(one) == wanted), None)
        if found is None:
            raise RejectionError(errors.application(404, f"Connection with id {wanted} not found"))
        return found

    def _row(self, connection: Connection) -> Json:
        connector = self.catalog.connector(connection.platform)
        row = connection.row(connector.description if connector else "")
        return {**row, "id": self._id(connection), "updatedAt": connection.updated_at} if self.older else row

    def _id(self, connection: Connection) -> str:
        return connection_id(connection.id, connection.created_at) if self.older else connection.id

    def _reachable_row(self, connection: Connection) -> Json:
        connector = self.catalog.connector(connection.platform)
        return {
            "key": connection.key,
            "connector": f"api::{connection.platform}::v1",
            "platform": connection.platform,
            "name": connection.name,
            "title": connector.name if connector else connection.platform,
            "image": _image(connection.platform),
            "access": "full",
        }


async def _nowhere(request: Request) -> Response:
    del request
    return errors.unknown_route()


async def _root(request: Request) -> Response:
    del request
    return JSONResponse({"type": "success", "success": True})


def _image(platform: str) -> str:
    return f"https://assets.pica.test/connectors/{platform}.svg"


def _authkit_row(connector: Connector, environment: str) -> Json:
    return {
        "id": f"authkit-{connector.platform}",
        "connectionDefId": f"api::{connector.platform}::v1",
        "type": "api",
        "title": connector.name,
        "image": _image(connector.platform),
        "environment": environment,
        "tags": [],
        "active": True,
    }


def _check_change(name: str, value: Any) -> None:
    right = {
        "active": isinstance(value, bool),
        "identity": isinstance(value, str) and 0 < len(value) <= _MAX_IDENTITY_CHARS,
        "identityType": value in _IDENTITY_TYPES,
    }
    if not right[name]:
        raise RejectionError(errors.application(400, f"Invalid value for {name}"))


def _wanted(connection: Connection, query: Mapping[str, str]) -> bool:
    if connection.active != (query.get("active", "true") != "false"):
        return False
    if "key" in query and connection.key not in query["key"].split(","):
        return False
    if "tags" in query and not set(connection.tags or ()) & set(query["tags"].split(",")):
        return False
    return equal(connection.row(""), query, "name", "identity", "identityType", "platform", "platformVersion")


def _digest(value: Any) -> str:
    return sha256(repr(value).encode()).hexdigest()[:24]
