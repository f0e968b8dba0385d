"""Pica's official server (`@picahq/mcp` 2.1.3) as a model meets it, played on the sandbox: its four steps and answers.

The shapes of its answers are its own, read in its source; of its wording only the length is here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import httpx2 as httpx
from meter import Meter
from reader import Input, LostError, Offer, Wish, best, filled, nested, squeezed

from pica_mcp.sandbox import LIVE_SECRET

LIST, SEARCH, KNOWLEDGE, EXECUTE = (
    "list_pica_integrations",
    "search_pica_platform_actions",
    "get_pica_action_knowledge",
    "execute_pica_action",
)
DEFINITION_CHARS: Mapping[str, int] = {LIST: 512, SEARCH: 1182, KNOWLEDGE: 1072, EXECUTE: 1633}
"""Name, description and input schema of each tool as compact JSON. The output schemas of two are left out."""

_BASE_URL = "https://api.picaos.com"
_FOUND_WORDS, _GUIDANCE_WORDS = " " * 189, " " * 585


class Official:
    """The official server and a model that uses it as its descriptions demand: list, search, read, execute."""

    def __init__(self, pica: Any, identity: str, meter: Meter, document_chars: int = 0) -> None:
        """Every document counts `document_chars` characters at least."""
        self._document_chars = document_chars
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=pica), base_url=_BASE_URL, headers={"x-pica-secret": LIVE_SECRET}
        )
        self._identity = identity
        self._meter = meter
        self._keys: dict[str, str] = {}
        self._found: list[Offer] = []
        self._documents: dict[str, str] = {}
        meter.definitions = dict(DEFINITION_CHARS)
        meter.before = {"tool list": sum(DEFINITION_CHARS.values())}

    async def act(self, wish: Wish) -> Any:
        """Do what is wished for, and return what the provider answered."""
        if not self._keys:
            await self._list()
        platform = next((one for one in self._keys if squeezed(one) == squeezed(wish.brand)), None)
        if platform is None:
            raise LostError(f"{wish.brand} is not among {', '.join(self._keys)}")
        if (answer := await self._tried(wish, self._found)) is not None:
            return answer
        for query in wish.queries:
            found = await self._search(platform, query)
            self._found += found
            if (answer := await self._tried(wish, found)) is not None:
                return answer
        raise LostError(f"nothing found of {platform} fits {wish.query!r}")

    async def _tried(self, wish: Wish, offers: list[Offer]) -> Any:
        """Read about the best offers until one can be called; None if none can."""
        for offer in best(wish, offers):
            if offer.name not in self._documents:
                self._documents[offer.name] = await self._knowledge(offer.platform, offer.name)
            document = self._documents[offer.name]
            if (given := filled(wish, tuple(of_document(document)))) is not None:
                return await self._execute(offer.platform, offer.name, given, document)
        return None

    async def _list(self) -> None:
        asked = {"identity": self._identity, "identityType": "user", "skip": 0, "limit": 100}
        rows = (await self._get("/v1/vault/connections", asked))["rows"]
        connectors = (await self._get("/v1/available-connectors", {"skip": 0, "limit": 100}))["rows"]
        told = {
            "connections": [{"platform": r["platform"], "key": r["key"], "tags": r["tags"]} for r in rows],
            "availablePlatforms": [{key: r[key] for key in ("platform", "name", "category")} for r in connectors],
            "summary": {"connectedCount": len(rows), "availableCount": len(connectors)},
        }
        self._meter.note(LIST, {}, len(_pretty(told)))
        self._keys = {row["platform"]: row["key"] for row in rows}

    async def _search(self, platform: str, query: str) -> list[Offer]:
        asked = {"platform": platform, "query": query, "agentType": "execute"}
        params = {"query": query, "limit": "5", "executeAgent": "true"}
        rows = await self._get(f"/v1/available-actions/search/{platform}", params)
        actions = [{"actionId": r["systemId"], **{k: r[k] for k in ("title", "method", "path")}} for r in rows]
        told = {"actions": actions, "metadata": {"platform": platform, "query": query, "count": len(rows)}}
        self._meter.note(SEARCH, asked, len(f"{_FOUND_WORDS}{len(rows)}{platform}{query}{_pretty(told)}"))
        return [Offer(row["actionId"], row["title"], platform=platform) for row in actions]

    async def _knowledge(self, platform: str, action_id: str) -> str:
        row = await self._row(action_id)
        document = str(row["knowledge"] or "No knowledge was found")
        told = f"{document:{self._document_chars}}{_GUIDANCE_WORDS}{_BASE_URL * 3}{row['method']}{platform}{action_id}"
        self._meter.note(KNOWLEDGE, {"actionId": action_id, "platform": platform}, len(told))
        return document

    async def _execute(self, platform: str, action_id: str, given: Mapping[Input, Any], document: str) -> Any:
        row, key = await self._row(action_id), self._keys[platform]
        groups = {group: {one.name: v for one, v in given.items() if one.group == group} for group in _ARGUMENTS}
        asked = {"platform": platform, "actionId": action_id, "connectionKey": key}
        asked |= {name: nested(groups[group]) for group, name in _ARGUMENTS.items() if groups[group]}
        is_form = "x-www-form-urlencoded" in document
        asked |= {"isFormUrlEncoded": True} if is_form else {}
        body = nested(groups["body"]) | ({"connectionKey": key} if "custom" in row["tags"] else {})
        path = re.sub(r"\{\{(\w+)\}\}", lambda found: str(groups["path"][found[1]]), row["path"])
        media = "application/x-www-form-urlencoded" if is_form else "application/json"
        headers = {"x-pica-connection-key": key, "x-pica-action-id": action_id, "Content-Type": media}
        headers |= {name: str(value) for name, value in groups["header"].items()}
        query: dict[str, Any] = groups["query"]
        sent = {} if row["method"] == "GET" else {"data": body} if is_form else {"json": body}
        answer = await self._http.request(
            row["method"], f"/v1/passthrough{path}", params=query, headers=headers, **cast("dict[str, Any]", sent)
        )
        answer.raise_for_status()
        echo = {
            "url": f"{_BASE_URL}/v1/passthrough{path}",
            "method": row["method"],
            "headers": {"Content-Type": media, "x-pica-secret": "***REDACTED***", **headers},
            **({"params": query} if query else {}),
            **({"data": {} if is_form else body} if sent else {}),
        }
        # What the provider answered is not counted, only what stands around it.
        self._meter.note(EXECUTE, asked, len(_pretty({"requestConfig": echo, "responseData": ""})))
        return answer.json()

    async def _row(self, action_id: str) -> Any:
        return (await self._get("/v1/knowledge", {"_id": action_id}))["rows"][0]

    async def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        answer = await self._http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()


_ARGUMENTS: Mapping[str, str] = {"path": "pathVariables", "query": "queryParams", "header": "headers", "body": "data"}
_GROUPS = {"Path": "path", "Query": "query", "Headers": "header"}
_TABLE = re.compile(
    r"^#+ (Required|Optional)? ?(Path|Query|Headers|Request Body|Request Variables)[^\n]*\n+((?:\|.*\n)+)", re.MULTILINE
)
_ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
_OPERATION = re.compile(r"^## GraphQL Operation\n+```graphql\n(.*?)\n```", re.MULTILINE | re.DOTALL)


def of_document(document: str) -> Iterator[Input]:
    """The arguments that a document's tables show. The connection is an argument of the tool itself."""
    operation = _OPERATION.search(document)
    if operation:
        yield Input("query", "string", required=True, group="body", only=operation[1])
    for needed, kind, rows in _TABLE.findall(document):
        group, prefix = (
            {"Path": "path", "Query": "query", "Headers": "header"}.get(kind, "body"),
            "variables." * ("Variables" in kind),
        )
        for name, type_, about in _ROW.findall(rows):
            if name != "connectionKey":
                required = "**Required**" in about or (needed == "Required" and "." not in name)
                shown = re.search(rf'"{re.escape(name)}": "([^"]*)"', document) if group == "header" else None
                yield Input(prefix + name, type_, required, group, shown[1] if shown else None)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
