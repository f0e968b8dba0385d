from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

PAGES, PAGE = "/v1/pages", "/v1/pages/{{page_id}}"
CHILDREN, BLOCK = "/v1/blocks/{{block_id}}/children", "/v1/blocks/{{block_id}}"
DATABASES, DATABASE = "/v1/databases", "/v1/databases/{{database_id}}"
QUERY = "/v1/databases/{{database_id}}/query"
VERSION = {"notion-version": "2022-06-28"}


class Wiki:
    """One connection, and a client that names the version."""

    def __init__(self, pica: "Pica", key: str) -> None:
        self.pica = pica
        self.key = key

    async def send(self, method: str, path: str, values: dict[str, str] | None = None, **rest: Any) -> httpx2.Response:
        return await self.pica.send(self.key, method, path, values, headers=VERSION, **rest)

    async def search(self, **body: Any) -> list[dict[str, Any]]:
        return (await self.send("POST", "/v1/search", json=body)).json()["results"]

    async def find(self, text: str) -> str:
        (one,) = await self.search(query=text)
        return one["id"]

    async def change(self, page: str, title: str, body: dict[str, Any]) -> httpx2.Response:
        """The two actions on one method and path, told apart by their titles."""
        rows = await self.pica.rows("/v1/knowledge", connectionPlatform="notion", limit="100")
        (action,) = [row["_id"] for row in rows if row["title"] == title]
        headers = {"x-pica-connection-key": self.key, "x-pica-action-id": action, **VERSION}
        return await self.pica.http.patch(f"/v1/passthrough/v1/pages/{page}", headers=headers, json=body)

    async def query(self, **body: Any) -> list[str]:
        answer = await self.send("POST", QUERY, {"database_id": await self.find("tasks")}, json=body)
        assert answer.status_code == 200, answer.text
        return [one["properties"]["Name"]["title"][0]["plain_text"] for one in answer.json()["results"]]


@pytest.fixture
def wiki(pica: "Pica") -> Wiki:
    return Wiki(pica, pica.box.connect("notion", name="Acme"))


def words(text: str) -> list[dict[str, Any]]:
    return [{"text": {"content": text}}]


def paragraph(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "paragraph", "paragraph": {"rich_text": words(text), **more}}


def texts(answer: httpx2.Response) -> list[str]:
    return [one["paragraph"]["rich_text"][0]["plain_text"] for one in answer.json()["results"]]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()
    assert set(error) == {"object", "status", "code", "message"}
    assert (error["object"], error["status"]) == ("error", answer.status_code)
    return answer.status_code, error["code"]


# --- the header -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Notion-Version": "latest"}])
async def test_a_request_without_a_version_is_refused(wiki: Wiki, headers: dict[str, str]) -> None:
    answer = await wiki.pica.send(wiki.key, "GET", "/v1/users/", headers=headers)
    assert refusal(answer) == (400, "missing_version")
    assert "Notion-Version" in answer.json()["message"]


async def test_the_action_that_nothing_describes_does_without(wiki: Wiki) -> None:
    bot = (await wiki.pica.send(wiki.key, "GET", "/v1/users/me")).json()
    assert (bot["type"], bot["name"]) == ("bot", "Acme")


# --- search and pages -----------------------------------------------------------------------------------------------


async def test_search_finds_by_title_and_kind(wiki: Wiki) -> None:
    assert len(await wiki.search()) == 5
    (found,) = await wiki.search(query="HANDBOOK")
    assert (found["object"], found["parent"]["type"]) == ("page", "workspace")
    filtered = await wiki.search(filter={"property": "object", "value": "database"})
    assert [one["title"][0]["plain_text"] for one in filtered] == ["Tasks"]
    newest = [one["id"] for one in await wiki.search()]
    assert [one["id"] for one in await wiki.search(sort={"direction": "ascending"})] == newest[::-1]


async def test_a_page_is_created_with_its_blocks_and_read_back(wiki: Wiki) -> None:
    book = await wiki.find("handbook")
    body = {"parent": {"page_id": book}, "properties": {"title": {"title": words("Übersicht")}}}
    made = (await wiki.send("POST", PAGES, json={**body, "children": [paragraph("Zoë")]})).json()
    assert made["parent"] == {"type": "page_id", "page_id": book}
    assert (await wiki.send("GET", PAGE, {"page_id": made["id"].replace("-", "")})).json() == made
    assert texts(await wiki.send("GET", CHILDREN, {"block_id": made["id"]})) == ["Zoë"]


async def test_a_page_is_updated_archived_and_restored(wiki: Wiki) -> None:
    page = await wiki.find("brass")
    changed = await wiki.change(page, "Update Page Properties", {"properties": {"Hours": {"number": 3}}})
    assert changed.json()["properties"]["Hours"]["number"] == 3
    assert changed.json()["properties"]["Name"]["title"][0]["plain_text"] == "Order brass"
    archived = await wiki.change(page, "Archive a Page", {"archived": True})
    assert archived.json()["in_trash"] is True
    assert "Order brass" not in await wiki.query()
    assert refusal(await wiki.change(page, "Update Page Properties", {})) == (400, "validation_error")
    await wiki.change(page, "Archive a Page", {"archived": False})
    assert "Order brass" in await wiki.query()


async def test_workspaces_know_nothing_of_each_other(wiki: Wiki) -> None:
    other = Wiki(wiki.pica, wiki.pica.box.connect("notion", name="Other"))
    answer = await other.send("GET", PAGE, {"page_id": await wiki.find("handbook")})
    assert refusal(answer) == (404, "object_not_found")


# --- blocks ---------------------------------------------------------------------------------------------------------


async def test_blocks_are_appended_placed_and_deleted(wiki: Wiki) -> None:
    where = {"block_id": await wiki.find("handbook")}
    before = (await wiki.send("GET", CHILDREN, where)).json()["results"]
    body = {"children": [paragraph("Between")], "after": before[0]["id"]}
    made = await wiki.send("PATCH", CHILDREN, where, json=body)
    assert texts(made) == ["Between"]
    assert texts(await wiki.send("GET", CHILDREN, where))[1] == "Between"
    gone = await wiki.send("DELETE", BLOCK, {"block_id": made.json()["results"][0]["id"]})
    assert gone.json()["in_trash"] is True
    assert (await wiki.send("GET", CHILDREN, where)).json()["results"] == before
    assert refusal(await wiki.send("DELETE", BLOCK, {"block_id": gone.json()["id"]}))[1] == "validation_error"


async def test_blocks_nest(wiki: Wiki) -> None:
    where = {"block_id": await wiki.find("handbook")}
    deep = paragraph("Outer", children=[paragraph("Inner")])
    (outer,) = (await wiki.send("PATCH", CHILDREN, where, json={"children": [deep]})).json()["results"]
    assert outer["has_children"] is True
    assert texts(await wiki.send("GET", CHILDREN, {"block_id": outer["id"]})) == ["Inner"]


async def test_blocks_come_in_pages(wiki: Wiki) -> None:
    where = {"block_id": await wiki.find("handbook")}
    first = await wiki.send("GET", CHILDREN, where, params={"page_size": "1"})
    assert first.json()["has_more"] is True
    params = {"page_size": "1", "start_cursor": first.json()["next_cursor"]}
    second = await wiki.send("GET", CHILDREN, where, params=params)
    assert (texts(second), second.json()["next_cursor"]) == (["日本語 → English"], None)


# --- databases ------------------------------------------------------------------------------------------------------

GEAR, MEMOIR, BRASS = "Oil gear 42", "Write the memoir", "Order brass"


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"property": "Name", "title": {"contains": "GEAR"}}, [GEAR]),
        ({"property": "name", "title": {"starts_with": "w"}}, [MEMOIR]),
        ({"property": "Name", "title": {"ends_with": "brass"}}, [BRASS]),
        ({"property": "Name", "title": {"does_not_contain": "the"}}, [GEAR, BRASS]),
        ({"property": "Hours", "number": {"greater_than": 1}}, [MEMOIR]),
        ({"property": "Hours", "number": {"less_than_or_equal_to": 1}}, [GEAR]),
        ({"property": "Hours", "number": {"is_empty": True}}, [BRASS]),
        ({"property": "Hours", "number": {"is_not_empty": True}}, [GEAR, MEMOIR]),
        ({"property": "Done", "checkbox": {"equals": True}}, [BRASS]),
        ({"property": "Status", "status": {"does_not_equal": "Open"}}, [BRASS]),
        ({"property": "Tags", "multi_select": {"contains": "long"}}, [MEMOIR]),
        ({"property": "Tags", "multi_select": {"does_not_contain": "long"}}, [GEAR, BRASS]),
        ({"property": "Due", "date": {"on_or_before": "2026-01-09"}}, [GEAR]),
        ({"property": "Due", "date": {"after": "2026-01-09"}}, [MEMOIR]),
        ({"timestamp": "created_time", "created_time": {"before": "2027-01-01"}}, [GEAR, MEMOIR, BRASS]),
    ],
)
async def test_a_query_filters_by_kind(wiki: Wiki, sent: dict[str, Any], found: list[str]) -> None:
    assert await wiki.query(filter=sent) == found


async def test_filters_nest(wiki: Wiki) -> None:
    open_, long = {"property": "Status", "status": {"equals": "Open"}}, {"property": "Hours", "number": {"equals": 40}}
    done = {"property": "Done", "checkbox": {"equals": True}}
    assert await wiki.query(filter={"or": [{"and": [open_, long]}, done]}) == [MEMOIR, BRASS]
    answer = await wiki.send(
        "POST",
        QUERY,
        {"database_id": await wiki.find("tasks")},
        json={"filter": {"or": [{"and": [{"or": [done]}]}]}},
    )
    assert refusal(answer) == (400, "validation_error")


async def test_a_query_sorts_pages_and_shows_only_some_properties(wiki: Wiki) -> None:
    assert await wiki.query(sorts=[{"property": "Hours", "direction": "descending"}]) == [MEMOIR, GEAR, BRASS]
    assert await wiki.query(sorts=[{"timestamp": "created_time", "direction": "descending"}]) == [BRASS, MEMOIR, GEAR]
    where, params = {"database_id": await wiki.find("tasks")}, {"filter_properties": ["Name", "Due"]}
    first = (await wiki.send("POST", QUERY, where, params=params, json={"page_size": 2})).json()
    assert set(first["results"][0]["properties"]) == {"Name", "Due"}
    rest = await wiki.query(page_size=2, start_cursor=first["next_cursor"])
    assert rest == [BRASS]


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "all"},
        {"filter": {"property": "Colour", "title": {"equals": "x"}}},
        {"filter": {"property": "Name", "number": {"equals": 1}}},
        {"filter": {"property": "Name", "title": {"greater_than": "a"}}},
        {"filter": {"property": "Name", "title": {"equals": 1}}},
        {"filter": {"property": "Name", "title": {"equals": "a", "contains": "b"}}},
        {"filter": {"timestamp": "next_time", "next_time": {"after": "2026"}}},
        {"filter": {"and": "both"}},
        {"sorts": [{"property": "Colour"}]},
        {"page_size": 101},
        {"start_cursor": "nowhere"},
    ],
)
async def test_a_query_that_means_nothing_is_refused(wiki: Wiki, body: dict[str, Any]) -> None:
    answer = await wiki.send("POST", QUERY, {"database_id": await wiki.find("tasks")}, json=body)
    assert refusal(answer) == (400, "validation_error")


async def test_a_database_is_created_and_takes_rows(wiki: Wiki) -> None:
    columns: dict[str, Any] = {"Name": {"title": {}}, "Link": {"url": {}}}
    body: dict[str, Any] = {
        "parent": {"page_id": await wiki.find("handbook")},
        "title": words("Shelf"),
        "properties": columns,
    }
    made = (await wiki.send("POST", DATABASES, json=body)).json()
    assert made["properties"]["Link"] == {"id": "link", "name": "Link", "type": "url", "url": {}}
    assert (await wiki.send("GET", DATABASE, {"database_id": made["id"]})).json() == made
    row = {"Name": {"title": words("Notes")}, "Link": {"url": "https://books.example"}}
    page = await wiki.send("POST", PAGES, json={"parent": {"database_id": made["id"]}, "properties": row})
    assert page.json()["properties"]["Link"]["url"] == "https://books.example"
    (found,) = (await wiki.send("POST", QUERY, {"database_id": made["id"]}, json={})).json()["results"]
    assert found["id"] == page.json()["id"]


# --- people and comments --------------------------------------------------------------------------------------------


async def test_people_are_listed_under_a_path_that_ends_in_a_slash(wiki: Wiki) -> None:
    people = (await wiki.send("GET", "/v1/users/")).json()["results"]
    assert [one["name"] for one in people] == ["Ada", "Zoë", "Acme"]
    assert (await wiki.send("GET", "/v1/users/{{user_id}}", {"user_id": people[1]["id"]})).json() == people[1]
    assert refusal(await wiki.send("GET", "/v1/users/{{user_id}}", {"user_id": "0"})) == (404, "object_not_found")


async def test_a_comment_is_listed_on_its_page(wiki: Wiki) -> None:
    book = await wiki.find("handbook")
    body = {"parent": {"page_id": book}, "rich_text": words("Très bien")}
    made = (await wiki.send("POST", "/v1/comments", json=body)).json()
    found = await wiki.send("GET", "/v1/comments", params={"block_id": book})
    assert found.json()["results"] == [made]


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "more", "code"),
    [
        (PAGES, {"parent": {}}, "validation_error"),
        (PAGES, {"parent": "top"}, "validation_error"),
        (PAGES, {"parent": {"page_id": "0"}}, "object_not_found"),
        (PAGES, {"properties": {"Colour": {"title": words("Blue")}}}, "validation_error"),
        (PAGES, {"properties": {"title": {"number": 1}}}, "validation_error"),
        (PAGES, {"properties": {"title": {"title": [{"text": "Blue"}]}}}, "validation_error"),
        (PAGES, {"children": [{"type": "paragraph"}]}, "validation_error"),
        (PAGES, {"children": [paragraph("x")] * 101}, "validation_error"),
        (DATABASES, {"properties": {"Link": {"url": {}}}}, "validation_error"),
        (DATABASES, {"properties": {"Name": {"magic": {}}}}, "validation_error"),
        ("/v1/comments", {}, "validation_error"),
    ],
)
async def test_notion_refuses_in_its_own_shape(wiki: Wiki, path: str, more: dict[str, Any], code: str) -> None:
    body = {"parent": {"page_id": await wiki.find("handbook")}, **more}
    answer = await wiki.send("POST", path, json=body)
    assert refusal(answer) == (404 if code == "object_not_found" else 400, code)


NO_BLOCKS: tuple[Any, ...] = ({}, {"type": None}, {"type": {}}, {"type": "id", "id": {}}, {"parent": {}})


@pytest.mark.parametrize("block", NO_BLOCKS)
async def test_a_block_has_a_type_that_exists(wiki: Wiki, block: Any) -> None:
    body = {"parent": {"page_id": await wiki.find("handbook")}, "children": [block]}
    assert refusal(await wiki.send("POST", PAGES, json=body)) == (400, "validation_error")


@pytest.mark.parametrize(
    "row",
    [
        {"Hours": {"number": "many"}},
        {"Hours": {"number": True}},
        {"Done": {"checkbox": None}},
        {"Due": {"date": {"start": 5}}},
        {"Status": {"status": {"name": 5}}},
        {"Tags": {"multi_select": ["gears"]}},
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused(wiki: Wiki, row: dict[str, Any]) -> None:
    body = {"parent": {"database_id": await wiki.find("tasks")}, "properties": row}
    assert refusal(await wiki.send("POST", PAGES, json=body)) == (400, "validation_error")


async def test_a_body_that_is_not_json_is_refused(wiki: Wiki) -> None:
    assert refusal(await wiki.send("POST", PAGES, content=b"{")) == (400, "invalid_json")


async def test_a_failed_workspace_has_lost_its_authority(pica: "Pica") -> None:
    failed = Wiki(pica, pica.box.connect("notion", state="failed"))
    assert refusal(await failed.send("GET", "/v1/users/")) == (401, "unauthorized")
