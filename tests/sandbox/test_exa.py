from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

VERSIONS = pytest.mark.parametrize("path", ["/v0/monitors", "/monitors"])
MONITOR = "/monitors/{{monitorId}}"


@pytest.fixture
def exa(pica: "Pica") -> str:
    return pica.box.connect("exa", name="Looms")


async def post(pica: "Pica", key: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await pica.send(key, "POST", path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def urls(rows: list[dict[str, Any]]) -> list[str]:
    return [row["url"] for row in rows]


async def test_a_search_finds_pages_by_their_words_best_first(pica: "Pica", exa: str) -> None:
    found = (await post(pica, exa, "/search", query="Which loom has cards with holes?"))["results"]
    assert urls(found) == ["https://looms.example/jacquard", "https://engines.example/analytical"]
    assert "text" not in found[0]
    few = await post(pica, exa, "/search", query="cards", numResults=1, contents={"text": True})
    assert [row["text"] for row in few["results"]] == ["A mill, a store and cards with holes."]
    only = await post(pica, exa, "/search", query="cards", includeDomains=["looms.example"])
    assert urls(only["results"]) == ["https://looms.example/jacquard"]
    assert (await post(pica, exa, "/search", query="zeppelin"))["results"] == []


async def test_searching_changes_nothing_but_the_request_id(pica: "Pica", exa: str) -> None:
    first, second = [await post(pica, exa, "/search", query="gears") for _ in range(2)]
    assert first.pop("requestId") != second.pop("requestId")
    assert first == second


async def test_contents_answer_for_each_address(pica: "Pica", exa: str) -> None:
    wanted = ["https://notes.example/bernoulli", "https://nowhere.example/"]
    found = await post(pica, exa, "/contents", urls=wanted, text=True)
    assert [row["title"] for row in found["results"]] == ["Note G"]
    assert [status["status"] for status in found["statuses"]] == ["success", "error"]


async def test_similar_pages_and_answers_are_found(pica: "Pica", exa: str) -> None:
    alike = await post(pica, exa, "/findSimilar", url="https://looms.example/jacquard")
    assert urls(alike["results"]) == ["https://engines.example/analytical"]
    said = await post(pica, exa, "/answer", query="What weaves flowers?")
    assert (said["answer"], urls(said["citations"])) == (
        "Cards with holes weave flowers and leaves.",
        ["https://looms.example/jacquard"],
    )


@pytest.mark.parametrize("title", ["List Monitors", "Create a Monitor", "Get a Monitor Run"])
async def test_twins_differ_in_path_and_id_alone(pica: "Pica", title: str) -> None:
    rows = await pica.rows("/v1/available-actions/exa", title=title)
    assert len(rows) == 2
    assert rows[0] == rows[1]
    found = (await pica.http.get("/v1/available-actions/search/exa", params={"query": title})).json()
    twins = [row for row in found if row["title"] == title]
    assert len({row["systemId"] for row in twins}) == 2
    old, new = sorted((row["path"] for row in twins), key=len, reverse=True)
    assert old == f"/v0{new}"


@VERSIONS
async def test_a_monitor_is_made_shown_and_deleted(pica: "Pica", exa: str, path: str) -> None:
    made = await post(pica, exa, path, search={"query": "loom"}, name="New looms", status="paused")
    value = {"monitorId": made["id"]}
    held = (await pica.send(exa, "GET", MONITOR, value, params={"expand[]": "runs"})).json()
    (run,) = held.pop("runs")
    assert held == made
    read = await pica.send(exa, "GET", path + "/{{monitorId}}/runs/{{runId}}", {**value, "runId": run["id"]})
    assert urls(read.json()["output"]["results"]) == ["https://looms.example/jacquard"]
    assert (await pica.send(exa, "DELETE", MONITOR, value)).json() == made
    lost = await pica.send(exa, "GET", MONITOR, value)
    assert (lost.status_code, lost.json()["tag"]) == (404, "NOT_FOUND")


@VERSIONS
async def test_query_names_are_taken_as_they_are(pica: "Pica", exa: str, path: str) -> None:
    await post(pica, exa, path, search={"query": "loom"}, name="Ada's", status="paused")

    async def names(*params: tuple[str, str]) -> list[str]:
        answer = await pica.send(exa, "GET", path, params=params)
        return [row["name"] for row in answer.json()["data"]]

    assert await names() == ["What is new at Looms", "Ada's"]
    assert await names(("filter[status]", "paused")) == ["Ada's"]
    assert await names(("$filter", "name eq 'Ada''s'")) == ["Ada's"]
    assert await names(("status", "active"), ("status", "paused")) == ["What is new at Looms", "Ada's"]
    assert await names(("status", "active")) == ["What is new at Looms"]
    params = [("expand[]", "search"), ("expand[]", "runs")]
    rows = (await pica.send(exa, "GET", path, params=params)).json()["data"]
    assert all(row["runs"] for row in rows)


async def test_monitors_come_in_pages(pica: "Pica", exa: str) -> None:
    await post(pica, exa, "/monitors", search={"query": "loom"})
    first = (await pica.send(exa, "GET", "/monitors", params={"limit": "1"})).json()
    assert (len(first["data"]), first["hasMore"]) == (1, True)
    params = {"limit": "1", "cursor": first["nextCursor"]}
    second = (await pica.send(exa, "GET", "/v0/monitors", params=params)).json()
    assert (second["data"][0]["name"], second["hasMore"], second["nextCursor"]) == ("loom", False, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/search", {}),
        ("/search", {"query": ["a"]}),
        ("/search", {"query": "a", "numResults": 0}),
        ("/search", {"query": "a", "includeDomains": "looms.example"}),
        ("/contents", {}),
        ("/findSimilar", {"url": 1}),
        ("/answer", {"query": ""}),
        ("/monitors", {"name": "x"}),
        ("/monitors", {"search": {}}),
        ("/v0/monitors", {"search": {"query": "x"}, "status": "asleep"}),
    ],
)
async def test_a_mistake_is_refused(pica: "Pica", exa: str, path: str, body: dict[str, Any]) -> None:
    answer = await pica.send(exa, "POST", path, json=body)
    assert (answer.status_code, answer.json()["tag"]) == (400, "INVALID_REQUEST_BODY")


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "many"}, {"cursor": "-1"}, {"$filter": "id gt 1"}])
async def test_a_query_that_makes_no_sense_is_refused(pica: "Pica", exa: str, params: dict[str, str]) -> None:
    assert (await pica.send(exa, "GET", "/monitors", params=params)).status_code == 400


async def test_accounts_know_nothing_of_each_other(pica: "Pica", exa: str) -> None:
    made = await post(pica, exa, "/monitors", search={"query": "loom"})
    other = pica.box.connect("exa", name="Other")
    assert (await pica.send(other, "GET", MONITOR, {"monitorId": made["id"]})).status_code == 404
