"""Exa in the sandbox: POSTs that read, query names that no identifier can be, and twins under two versions."""

from collections.abc import Callable

from pica_mcp.sandbox.catalog import Action, Connector, Field, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.crawl import STATUSES, Crawl, refuse
from pica_mcp.sandbox.upstream import Call, Reply

MONITOR = in_path("monitorId", "The monitor's id.", "mon_5f1c3e9a7b2d")
QUERY = in_body("query", "string", "What to look for, in plain words.", "cards with holes", required=True)
COUNT = in_body("numResults", "integer", "How many results, 1 to 100 (default: `10`).", 3)
TEXTS = in_body("contents.text", "boolean", "Whether results come with their text.", True)  # noqa: FBT003 - a sample
EXPAND = in_query("expand[]", "string[]", "What to show in full; may be repeated.", ["runs"], values=("runs",))

VERSIONS = ("/v0/monitors", "/monitors")


def platform() -> Platform:
    """Exa as one of the imitated platforms."""
    return Platform(
        Connector("exa", "Exa", "Search", "Web search for agents", oauth=False),
        "https://api.exa.ai",
        (*_searching(), *(action for path in VERSIONS for action in _monitors(path)), *_one_monitor()),
        Crawl,
        refuse,
    )


def _searching() -> tuple[Action, ...]:
    found = {
        "id": "https://looms.example/jacquard",
        "url": "https://looms.example/jacquard",
        "title": "The Jacquard Loom",
    }
    return (
        _reader(
            "/search",
            "Search the Web",
            Crawl.search,
            "Finds pages that match a question or a few words.",
            (
                QUERY,
                COUNT,
                in_body("type", "string", "How to search.", "auto", values=("auto", "neural", "fast", "deep")),
                in_body("includeDomains", "string[]", "Only pages of these hosts.", ["looms.example"]),
                in_body("contents", "object", "What to return of each page."),
                TEXTS,
            ),
            {"requestId": "b5947044c4b78efa", "results": [found]},
        ),
        _reader(
            "/contents",
            "Get Contents",
            Crawl.contents,
            "Returns pages by their addresses, with their text.",
            (
                in_body("urls", "string[]", "The pages' addresses.", [found["url"]], required=True),
                in_body("text", "boolean", "Whether results come with their text.", True),  # noqa: FBT003 - a sample
            ),
            {"results": [found], "statuses": [{"id": found["id"], "status": "success"}]},
        ),
        _reader(
            "/findSimilar",
            "Find Similar Links",
            Crawl.find_similar,
            "Finds pages that are like a given one.",
            (in_body("url", "string", "The page to compare with.", found["url"], required=True), COUNT),
            {"results": [found]},
        ),
        _reader(
            "/answer",
            "Answer a Question",
            Crawl.answer,
            "Answers a question from what the web says, with citations.",
            (in_body("query", "string", "The question.", "What weaves flowers?", required=True),),
            {"answer": "Cards with holes weave flowers and leaves.", "citations": [found]},
        ),
    )


def _reader(
    path: str, title: str, run: Callable[[Crawl, Call], Reply], about: str, inputs: tuple[Field, ...], output: object
) -> Action:
    return Action("exa", "POST", path, title, "Search", run, about, inputs, tags=("search",), output=output)


def _monitors(path: str) -> tuple[Action, ...]:
    # The same three under both versions: title, key, model and method are alike, only path and id differ.
    monitor = {"id": MONITOR.sample, "name": "New looms", "status": "active", "search": {"query": "loom"}}
    return (
        Action(
            "exa",
            "GET",
            path,
            "List Monitors",
            "Monitor",
            Crawl.list_monitors,
            "Lists monitors, oldest first.",
            (
                EXPAND,
                in_query("status", "string[]", "Only monitors in one of these; may be repeated.", ["active", "paused"]),
                in_query("filter[status]", "string", "Only monitors in this status.", "active", values=STATUSES),
                in_query("$filter", "string", "An expression over the name.", "name eq 'New looms'"),
                in_query("limit", "integer", "How many to return, 1 to 100 (default: `25`).", 10),
                in_query("cursor", "string", "The `nextCursor` of the answer before."),
            ),
            output={"data": [monitor], "hasMore": False, "nextCursor": None},
        ),
        Action(
            "exa",
            "POST",
            path,
            "Create a Monitor",
            "Monitor",
            Crawl.create_monitor,
            "Sets up a search that runs again and again.",
            (
                in_body("name", "string", "What to call it.", "New looms"),
                in_body("search", "object", "What to look for.", required=True),
                in_body("search.query", "string", "The words to search with.", "loom", required=True),
                in_body("status", "string", "Whether it starts at once.", "active", values=STATUSES),
            ),
            output=monitor,
        ),
        Action(
            "exa",
            "GET",
            f"{path}/{{{{monitorId}}}}/runs/{{{{runId}}}}",
            "Get a Monitor Run",
            "Monitor Run",
            Crawl.get_run,
            "Returns what one run of a monitor found.",
            (MONITOR, in_path("runId", "The run's id.", "run_77ab0c19d3e2")),
            output={"id": "run_77ab0c19d3e2", "monitorId": MONITOR.sample, "status": "completed"},
        ),
    )


def _one_monitor() -> tuple[Action, ...]:
    path = "/monitors/{{monitorId}}"
    monitor = {"id": MONITOR.sample, "name": "New looms", "status": "active", "search": {"query": "loom"}}
    about = "Returns one monitor."
    return (
        Action(
            "exa", "GET", path, "Get a Monitor", "Monitor", Crawl.get_monitor, about, (MONITOR, EXPAND), output=monitor
        ),
        Action(
            "exa",
            "DELETE",
            path,
            "Delete a Monitor",
            "Monitor",
            Crawl.delete_monitor,
            "Deletes a monitor with all its runs.",
            (MONITOR,),
            output=monitor,
        ),
    )
