"""The sandbox's endpoints over the catalogue: connectors, actions, search, find and knowledge."""

from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pica_mcp.sandbox import documents, errors, ioschema
from pica_mcp.sandbox.catalog import Action, Catalog, Connector
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.pages import Pages, equal, number, read_object, tagged
from pica_mcp.sandbox.search import Search
from pica_mcp.sandbox.upstream import Json

_MAX_REQUESTS = 10
_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Shelf:
    """Answers what is asked about platforms and actions, which are the same in both environments."""

    catalog: Catalog
    pages: Pages
    search: Search
    row_ids: bool
    search_rows: bool

    async def list_connectors(self, request: Request, environment: str) -> Response:
        del environment
        wanted = request.query_params
        rows = [
            row
            for number, connector in enumerate(self.catalog.connectors, start=1)
            if (wanted.get("authkit") != "true" or connector.authkit)
            and equal(row := self._connector(number, connector), wanted, "platform", "key", "name", "category")
        ]
        return JSONResponse(self.pages.cut(request, "Available Connectors", rows, dict))

    async def list_actions(self, request: Request, environment: str) -> Response:
        del environment
        wanted = request.query_params
        actions = self.catalog.actions(request.path_params["platform"], supported=True)
        if {"title", "key", "method"} & set(wanted):
            actions = [one for one in actions if equal(self._row(one), wanted, "title", "key", "method")]
        return JSONResponse(self.pages.cut(request, "Available Actions", actions, self._row))

    async def search_actions(self, request: Request, environment: str) -> Response:
        del environment
        wanted, platform = request.query_params, request.path_params["platform"]
        executing, limit = wanted.get("executeAgent") == "true", number(request, "limit", 20)
        found = self.search.rank(platform, wanted.get("query", ""), limit, executing=executing)
        rows = [_found(action) for action in found]
        return tagged(request, {"rows": rows} if self.search_rows else rows)

    async def find_actions(self, request: Request, environment: str) -> Response:
        del environment
        asked = await read_object(request)
        wanted: Any = asked.get("requests")
        if not isinstance(wanted, list) or not 1 <= len(cast("list[Any]", wanted)) <= _MAX_REQUESTS:
            raise RejectionError(errors.nest(400, f"requests must be an array of 1 to {_MAX_REQUESTS} objects"))
        everything = asked.get("knowledgeAgent") is True
        return JSONResponse([self._find(one, everything=everything) for one in cast("list[Any]", wanted)])

    async def list_knowledge(self, request: Request, environment: str) -> Response:
        del environment
        wanted = request.query_params
        supported = wanted.get("supported") == "true"
        actions = self.catalog.actions(wanted.get("connectionPlatform"), supported=supported)
        if "_id" in wanted:
            actions = self._one(wanted["_id"], wanted.get("connectionPlatform"), supported=supported)
        return tagged(request, self.pages.cut(request, "read", actions, self._knowledge, skipping=True))

    async def count_platforms(self, request: Request) -> Response:
        del request
        return JSONResponse({"count": len(self.catalog.connectors)})

    async def count_tools(self, request: Request) -> Response:
        del request
        return JSONResponse({"count": len(self.catalog.actions(supported=True))})

    def _one(self, action_id: str, platform: str | None, *, supported: bool) -> list[Action]:
        action = self.catalog.action(action_id)
        if action is None or platform not in {None, action.platform} or (supported and not action.supported):
            return []
        return [action]

    def _connector(self, number: int, connector: Connector) -> Json:
        return connector.row(number, len(self.catalog.actions(connector.platform, supported=True)))

    def _row(self, action: Action) -> Json:
        row = {
            "title": action.title,
            "key": action.key,
            "modelName": action.model,
            "method": action.method,
            "platform": action.platform,
        }
        return {**row, "systemId": action.id, "path": action.path} if self.row_ids else row

    def _find(self, wanted: Any, *, everything: bool) -> Json:
        asked = cast("Json", wanted) if isinstance(wanted, dict) else {}
        platform, intent = asked.get("platform"), asked.get("intent")
        if not isinstance(platform, str) or not isinstance(intent, str) or not platform or not intent:
            raise RejectionError(errors.nest(400, "each request must have a platform and an intent"))
        best = self.search.rank(platform, intent, _ALTERNATIVES + 1, executing=not everything)
        found = [_found(action) for action in best]
        return {
            "platform": platform,
            "intent": intent,
            "selected": found[:1],
            **({"runnerUp": found[1]} if len(found) > 1 else {}),
            "alternatives": found[1:],
            "selector": "search_order" if found else "none_fit",
        }

    def _knowledge(self, action: Action) -> Json:
        base_url = self.catalog.base_url(action)
        schema = ioschema.io_schema(action)
        row: Json = {
            "id": self.catalog.number(action),
            "_id": action.id,
            "connectionPlatform": action.platform,
            "title": action.title,
            "path": action.path,
            "method": action.method,
            "baseUrl": base_url,
            "knowledge": documents.knowledge(action, base_url),
            "active": True,
            "modelName": action.model,
        }
        if action.tags or action.shape != "none":  # nothing but a title: no key for tags either
            row["tags"] = list(action.tags)
        return row if schema is None else {**row, "ioSchema": schema}


def _found(action: Action) -> Json:
    return {
        "systemId": action.id,
        "title": action.title,
        "key": action.key,
        "method": action.method,
        "path": action.path,
        "tags": list(action.tags),
    }
