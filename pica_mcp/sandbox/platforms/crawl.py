"""An Exa account in the sandbox: a web of four pages to search, and monitors that look at it again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, needed, stamp, strings

PAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "https://engines.example/difference": ("The Difference Engine", "Gears add what a clerk would add."),
        "https://engines.example/analytical": ("The Analytical Engine", "A mill, a store and cards with holes."),
        "https://notes.example/bernoulli": ("Note G", "How an engine finds the numbers of Bernoulli."),
        "https://looms.example/jacquard": ("The Jacquard Loom", "Cards with holes weave flowers and leaves."),
    }
)
STATUSES = ("active", "paused")

_MESSAGES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("INVALID_REQUEST_BODY", "Invalid request body"),
        401: ("INVALID_API_KEY", "Invalid API key"),
        404: ("NOT_FOUND", "The requested resource was not found"),
    }
)


def refuse(status: int, message: str = "") -> Reply:
    """Exa's error body."""
    tag, usual = _MESSAGES[status]
    return Reply(status, {"requestId": "exa-sandbox", "error": message or usual, "tag": tag})


def fault(message: str = "", status: int = 400) -> ProviderError:
    """A refusal as an exception; an empty message is the usual one."""
    return ProviderError(refuse(status, message))


class Crawl:
    """One account with one monitor; every method is one Exa endpoint, or two where an older version still answers."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._monitors: dict[str, Json] = {}
        self._runs: dict[str, list[Json]] = {}
        self._monitor(f"What is new at {label}", "engine", "active")

    # --- searching --------------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Reply:
        body = call.json()
        found = _matching(_text(body, "query"), strings(body.get("includeDomains")))
        return self._answer(results=_results(found[: _count(body)], body))

    def contents(self, call: Call) -> Reply:
        body = call.json()
        urls = strings(body.get("urls") or body.get("ids"))
        if not urls:
            raise fault("urls: Required")
        statuses = [{"id": url, "status": "success" if url in PAGES else "error"} for url in urls]
        return self._answer(results=_results([url for url in urls if url in PAGES], body), statuses=statuses)

    def find_similar(self, call: Call) -> Reply:
        body = call.json()
        url = _text(body, "url")
        title, text = PAGES.get(url, ("", ""))
        alike = [other for other in _matching(f"{title} {text}") if other != url]
        return self._answer(results=_results(alike[: _count(body)], body))

    def answer(self, call: Call) -> Reply:
        body = call.json()
        found = _matching(_text(body, "query"))[:1]
        said = PAGES[found[0]][1] if found else "Nothing on the web says so."
        return self._answer(answer=said, citations=_results(found, body))

    # --- monitors ---------------------------------------------------------------------------------------------------

    def list_monitors(self, call: Call) -> Reply:
        status, wanted = call.first("filter[status]"), call.every("status")
        name = _named(call.first("$filter"))
        found = [
            one
            for one in self._monitors.values()
            if status in {"", one["status"]} and name in {"", one["name"]} and (not wanted or one["status"] in wanted)
        ]
        start, size = call.number("cursor", 0), call.number("limit", 25)
        if start < 0 or not 1 <= size <= 100:
            raise fault("limit: must be between 1 and 100")
        more = start + size < len(found)
        rows = [self._shown(one, call.every("expand[]")) for one in found[start : start + size]]
        return Reply(body={"data": rows, "hasMore": more, "nextCursor": str(start + size) if more else None})

    def create_monitor(self, call: Call) -> Reply:
        body = call.json()
        search = body.get("search")
        if not isinstance(search, dict):
            raise fault("search: Required")
        query = _text(cast("Json", search), "query")
        status = body.get("status") or "active"
        if status not in STATUSES:
            raise fault("status: must be active or paused")
        return Reply(201, self._monitor(str(body.get("name") or query), query, status))

    def get_monitor(self, call: Call) -> Reply:
        return Reply(body=self._shown(self._find(call), call.every("expand[]")))

    def delete_monitor(self, call: Call) -> Reply:
        monitor = self._find(call)
        del self._monitors[monitor["id"]], self._runs[monitor["id"]]
        return Reply(body=monitor)

    def get_run(self, call: Call) -> Reply:
        for run in self._runs[self._find(call)["id"]]:
            if run["id"] == call.path["runId"]:
                return Reply(body=run)
        raise fault(status=404)

    # --- what they share --------------------------------------------------------------------------------------------

    def _answer(self, **fields: Any) -> Reply:
        return Reply(body={"requestId": self._ledger.token(32), **fields})

    def _find(self, call: Call) -> Json:
        if call.path["monitorId"] not in self._monitors:
            raise fault(status=404)
        return self._monitors[call.path["monitorId"]]

    def _shown(self, monitor: Json, expand: list[str]) -> Json:
        return {**monitor, "runs": self._runs[monitor["id"]]} if "runs" in expand else monitor

    def _monitor(self, name: str, query: str, status: str) -> Json:
        token = f"mon_{self._ledger.token(12)}"
        created = stamp(self._ledger.moment())
        self._monitors[token] = {
            "id": token,
            "name": name,
            "status": status,
            "search": {"query": query},
            "createdAt": created,
        }
        output = {"results": _results(_matching(query), {})}
        run = {"id": f"run_{self._ledger.token(12)}", "monitorId": token, "status": "completed", "output": output}
        self._runs[token] = [run]
        return self._monitors[token]


def _matching(query: str, domains: list[str] | None = None) -> list[str]:
    words = {word.strip("?.,!").removesuffix("s") for word in query.lower().split()}
    scores = {url: _score(words, f"{title} {text}") for url, (title, text) in PAGES.items()}
    found = [url for url, score in sorted(scores.items(), key=lambda pair: -pair[1]) if score]
    return [url for url in found if not domains or url.split("/")[2] in domains]


def _score(words: set[str], text: str) -> int:
    return len(words & {word.strip(".,").removesuffix("s") for word in text.lower().split() if len(word) > 3})


def _results(urls: list[str], body: Json) -> list[Json]:
    options: Any = body.get("contents") or body
    texts = isinstance(options, dict) and bool(cast("Json", options).get("text"))
    rows: list[Json] = [{"id": url, "url": url, "title": PAGES[url][0]} for url in urls]
    return [{**row, "text": PAGES[row["url"]][1]} for row in rows] if texts else rows


def _named(expression: str) -> str:
    """The name that a filter such as `name eq 'Engines'` asks for."""
    if not expression:
        return ""
    field, _, value = expression.partition(" eq ")
    if field != "name" or len(value) < 2 or (value[0], value[-1]) != ("'", "'"):
        raise fault("$filter: must read name eq '...'")
    return value[1:-1].replace("''", "'")


def _text(body: Json, name: str) -> str:
    return needed(body.get(name), fault(f"{name}: Required"))


def _count(body: Json) -> int:
    count = body.get("numResults", 10)
    if not isinstance(count, int) or not 1 <= count <= 100:
        raise fault("numResults: must be between 1 and 100")
    return count
