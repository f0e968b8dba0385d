import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.catalog import Action, Catalog, Connector, Platform
from pica_mcp.sandbox.upstream import Reply

from .conftest import open_client

if TYPE_CHECKING:
    from .conftest import Pica

PLATFORMS = ("gmail", "slack", "stripe", "github")


async def documents(pica: "Pica", platform: str) -> list[dict[str, Any]]:
    return await pica.rows("/v1/knowledge", connectionPlatform=platform, supported="true", limit="100")


async def document(pica: "Pica", platform: str, title: str) -> dict[str, Any]:
    return next(row for row in await documents(pica, platform) if row["title"] == title)


async def test_connectors_have_every_documented_field(pica: "Pica") -> None:
    (row,) = await pica.rows("/v1/available-connectors", platform="gmail")
    assert isinstance(row.pop("id"), int)
    assert row == {
        "name": "Gmail",
        "key": "api::gmail::v1",
        "platform": "gmail",
        "platformVersion": "1.0.0",
        "status": "generally_available",
        "description": "Email by Google",
        "category": "Communication",
        "image": "https://assets.pica.test/connectors/gmail.svg",
        "tags": [],
        "oauth": True,
        "tools": 11,
        "version": "1.0.0",
        "active": True,
    }


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({}, 20),
        ({"authkit": "true"}, 17),
        ({"authkit": "false"}, 20),
        ({"key": "api::notion::v1"}, 1),
        ({"name": "Linear"}, 1),
        ({"category": "Databases"}, 3),
        ({"platform": "nothing"}, 0),
    ],
)
async def test_connectors_are_filtered(pica: "Pica", filters: dict[str, str], total: int) -> None:
    assert (await pica.http.get("/v1/available-connectors", params=filters)).json()["total"] == total


async def test_connectors_come_in_pages(pica: "Pica") -> None:
    pages = [await pica.rows("/v1/available-connectors", limit="8", page=str(page)) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [8, 8, 4]
    assert len({row["platform"] for page in pages for row in page}) == 20


async def test_an_action_row_has_the_documented_fields_and_no_id(pica: "Pica") -> None:
    (row,) = await pica.rows("/v1/available-actions/gmail", key="sendEmail")
    assert row == {
        "title": "Send Email",
        "key": "sendEmail",
        "modelName": "Email",
        "method": "POST",
        "platform": "gmail",
    }


async def test_row_ids_add_id_and_path() -> None:
    transport = httpx2.ASGITransport(app=Sandbox(row_ids=True).app)
    headers = {"x-pica-secret": LIVE_SECRET}
    async with httpx2.AsyncClient(transport=transport, base_url="http://pica.test", headers=headers) as http:
        (row,) = (await http.get("/v1/available-actions/gmail?key=sendEmail")).json()["rows"]
    assert row["path"] == "/gmail/send-email"
    assert row["systemId"].startswith("conn_mod_def::")


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({}, 11),
        ({"title": "Send Email"}, 1),
        ({"key": "listMessages"}, 1),
        ({"method": "DELETE"}, 1),
        ({"title": "Send"}, 0),
        ({"supported": "true"}, 11),
    ],
)
async def test_actions_are_filtered(pica: "Pica", filters: dict[str, str], total: int) -> None:
    assert (await pica.http.get("/v1/available-actions/gmail", params=filters)).json()["total"] == total


async def test_actions_come_in_pages(pica: "Pica") -> None:
    answer = (await pica.http.get("/v1/available-actions/github?limit=5&page=3")).json()
    assert (len(answer["rows"]), answer["total"], answer["pages"], answer["page"]) == (4, 14, 3, 3)


async def test_a_platform_without_actions_has_an_empty_page(pica: "Pica") -> None:
    assert (await pica.http.get("/v1/available-actions/airtable")).json() == {
        "rows": [],
        "total": 0,
        "pages": 0,
        "page": 1,
    }


async def test_two_actions_share_title_key_model_and_method(pica: "Pica") -> None:
    rows = await pica.rows("/v1/available-actions/github", title="List Issue Comments")
    assert len(rows) == 2
    assert rows[0] == rows[1]
    ids = {row["_id"] for row in await documents(pica, "github") if row["title"] == "List Issue Comments"}
    assert len(ids) == 2


async def test_search_answers_a_bare_list_with_the_best_first(pica: "Pica") -> None:
    found = (await pica.http.get("/v1/available-actions/search/github", params={"query": "create issue"})).json()
    assert set(found[0]) == {"systemId", "title", "key", "method", "path", "tags"}
    assert found[0]["title"] == "Create an Issue"


@pytest.mark.parametrize(
    ("platform", "query", "title"),
    [
        ("gmail", "Send Message", "Send Message"),
        ("gmail", "label", "List Labels"),
        ("slack", "reactions", "Add a Reaction"),
        ("stripe", "refund", "Create a Refund"),
        ("github", "search", "Search Issues and Pull Requests"),
    ],
)
async def test_search_finds_by_words(pica: "Pica", platform: str, query: str, title: str) -> None:
    found = (await pica.http.get(f"/v1/available-actions/search/{platform}", params={"query": query})).json()
    assert found[0]["title"] == title


async def test_search_keeps_to_the_limit_and_finds_nothing_for_nonsense(pica: "Pica") -> None:
    url = "/v1/available-actions/search/github"
    assert len((await pica.http.get(url, params={"query": "issue", "limit": 3})).json()) == 3
    assert (await pica.http.get(url, params={"query": "zeppelin"})).json() == []
    assert len((await pica.http.get(url)).json()) == 14


async def test_search_for_executing_hides_what_is_hidden_from_agents(pica: "Pica") -> None:
    async def titles(**flavour: str) -> list[str]:
        params = {"query": "user email", **flavour}
        answer = await pica.http.get("/v1/available-actions/search/slack", params=params)
        return [row["title"] for row in answer.json()]

    assert "Find a User by Email" in await titles()
    assert "Find a User by Email" in await titles(knowledgeAgent="true")
    assert "Find a User by Email" not in await titles(executeAgent="true")


@pytest.mark.parametrize(
    "url", ["/v1/available-actions/search/gmail?query=send", "/v1/knowledge?connectionPlatform=gmail"]
)
async def test_an_etag_saves_the_body(pica: "Pica", url: str) -> None:
    first = await pica.http.get(url)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await pica.http.get(url, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await pica.http.get(url, headers={"if-none-match": '"other"'})).status_code == 200


async def test_knowledge_of_one_action_has_the_documented_fields(pica: "Pica") -> None:
    action = await pica.action("gmail", "POST", "/gmail/send-email")
    (row,) = await pica.rows("/v1/knowledge", _id=action)
    assert isinstance(row["id"], int)
    assert row["_id"] == action
    assert row["baseUrl"] == "https://api.picaos.com"
    assert row["tags"] == ["custom", "email"]
    assert set(row) == {
        "id",
        "_id",
        "connectionPlatform",
        "title",
        "path",
        "method",
        "baseUrl",
        "knowledge",
        "tags",
        "active",
        "ioSchema",
        "modelName",
    }


async def test_knowledge_of_an_unknown_action_is_an_empty_page(pica: "Pica") -> None:
    answer = await pica.http.get("/v1/knowledge", params={"_id": "conn_mod_def::AAAAAAAAAAA::AAAAAAAAAAAAAAAAAAAAAA"})
    assert (answer.status_code, answer.json()) == (200, {"rows": [], "total": 0, "pages": 0, "page": 1})


async def test_knowledge_of_a_platform_comes_in_pages(pica: "Pica") -> None:
    first = await pica.rows("/v1/knowledge", connectionPlatform="github", limit="10")
    second = await pica.rows("/v1/knowledge", connectionPlatform="github", limit="10", page="2")
    assert (len(first), len(second)) == (10, 4)


async def test_knowledge_also_begins_after_what_is_skipped(pica: "Pica") -> None:
    asked = {"connectionPlatform": "github", "limit": "5"}
    everything = await documents(pica, "github")
    for skip, page in (("0", 1), ("3", 1), ("10", 3), ("99", 20)):
        answer = (await pica.http.get("/v1/knowledge", params={**asked, "skip": skip})).json()
        assert answer["rows"] == everything[int(skip) : int(skip) + 5]
        assert (answer["total"], answer["pages"], answer["page"]) == (14, 3, page)
    assert (await pica.http.get("/v1/knowledge", params={"skip": "-1"})).status_code == 400


async def test_connectors_count_the_actions_that_are_listed(pica: "Pica") -> None:
    for connector in await pica.rows("/v1/available-connectors", limit="100"):
        url = f"/v1/available-actions/{connector['platform']}"
        assert connector["tools"] == (await pica.http.get(url)).json()["total"]


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_ids_have_the_form_of_pica_and_differ(pica: "Pica", platform: str) -> None:
    rows = await documents(pica, platform)
    form = re.compile(r"conn_mod_def::[A-Za-z0-9_-]{11}::[A-Za-z0-9_-]{22}")
    assert all(form.fullmatch(row["_id"]) for row in rows)
    assert len({row["_id"] for row in rows}) == len({row["id"] for row in rows}) == len(rows)


async def test_an_ordinary_document_has_tables_by_place_and_need(pica: "Pica") -> None:
    text = (await document(pica, "github", "List Repository Issues"))["knowledge"]
    headings = re.findall(r"^#+ .*", text, flags=re.MULTILINE)
    assert headings == [
        "# List Repository Issues",
        "## Method",
        "## URL",
        "## Headers",
        "## Description",
        "## Required Path Parameters",
        "## Optional Query Parameters",
        "## Response",
        "### Success Response (200 OK)",
        "## Sample Request",
    ]
    assert "`https://api.github.com/repos/{{owner}}/{{repo}}/issues`" in text
    assert "| `state` | string | Which ones (default: `open`). One of: `open`, `closed`, `all`. |" in text


async def test_a_form_document_says_so_and_has_no_schema(pica: "Pica") -> None:
    row = await document(pica, "stripe", "Create a Customer")
    assert "## Optional Request Body Fields (application/x-www-form-urlencoded)" in row["knowledge"]
    assert '| `address` | object \\| "" | The postal address. |' in row["knowledge"]
    assert "ioSchema" not in row


async def test_nested_requirements_are_marked_in_the_table_and_in_the_schema(pica: "Pica") -> None:
    row = await document(pica, "stripe", "Create a Payment Intent")
    assert "| `shipping.name` | string | **Required** Who receives them. |" in row["knowledge"]
    body = row["ioSchema"]["inputSchema"]["properties"]["body"]
    assert body["required"] == ["amount", "currency"]
    assert body["properties"]["shipping"]["required"] == ["name"]
    assert body["properties"]["shipping"]["properties"]["address"]["properties"]["city"]["type"] == "string"


async def test_a_custom_document_has_the_custom_layout(pica: "Pica") -> None:
    text = (await document(pica, "gmail", "Get Emails"))["knowledge"]
    assert "## Endpoint\n\n`POST /gmail/get-emails`" in text
    required, optional = text.split("### Required Request Body Fields")[1].split("### Optional Request Body Fields")
    assert "`connectionKey`" in required
    assert "`numberOfEmails`" in optional


async def test_an_action_may_have_no_description_at_all(pica: "Pica") -> None:
    row = await document(pica, "github", "Get the Authenticated User")
    assert row["knowledge"] is None
    assert "ioSchema" not in row


async def test_an_action_may_have_a_schema_and_no_tables(pica: "Pica") -> None:
    row = await document(pica, "gmail", "Get Profile")
    assert "| Parameter |" not in row["knowledge"]
    assert row["ioSchema"]["inputSchema"]["properties"]["path"]["required"] == ["userId"]


async def test_a_schema_groups_fields_and_carries_an_example(pica: "Pica") -> None:
    row = await document(pica, "gmail", "List Messages")
    groups = row["ioSchema"]["inputSchema"]
    assert groups["required"] == ["path"]
    assert set(groups["properties"]) == {"path", "query"}
    labels = groups["properties"]["query"]["properties"]["labelIds"]
    assert (labels["type"], labels["items"]) == ("array", {"type": "string"})
    example = row["ioSchema"]["ioExample"]["input"]
    assert example["query"] == {"q": "is:unread", "maxResults": "10", "labelIds": ["INBOX"]}
    assert example["headers"]["x-pica-action-id"] == row["_id"]


async def test_a_custom_schema_asks_for_the_connection_key(pica: "Pica") -> None:
    schema = (await document(pica, "slack", "Send Slack Message"))["ioSchema"]
    assert "connectionKey" in schema["inputSchema"]["properties"]["body"]["required"]
    example = schema["ioExample"]["input"]["body"]["connectionKey"]
    assert example == "live::slack::default::your-connection-key"


async def test_a_kind_in_prose_has_no_type(pica: "Pica") -> None:
    schema = (await document(pica, "github", "Update an Issue"))["ioSchema"]
    assignees = schema["inputSchema"]["properties"]["body"]["properties"]["assignees"]
    assert assignees == {"description": "Logins, replacing all there are."}


async def test_a_union_of_types_is_a_list_of_types(pica: "Pica") -> None:
    schema = (await document(pica, "github", "Create an Issue"))["ioSchema"]
    body = schema["inputSchema"]["properties"]["body"]
    assert body["properties"]["title"]["type"] == ["string", "integer"]


# Find, variants, and what is not supported

FIND = "/v1/available-actions/find"


async def test_find_chooses_one_action_for_each_intent(pica: "Pica") -> None:
    intents = [{"platform": "gmail", "intent": "send email"}, {"platform": "slack", "intent": "zeppelin"}]
    chosen, nothing = (await pica.http.post(FIND, json={"requests": intents})).json()
    assert [action["title"] for action in chosen["selected"]] == ["Send Email"]
    assert chosen["runnerUp"] == chosen["alternatives"][0]
    assert set(chosen["selected"][0]) == {"systemId", "title", "key", "method", "path", "tags"}
    assert (chosen["platform"], chosen["intent"], chosen["selector"]) == ("gmail", "send email", "search_order")
    assert nothing == {
        "platform": "slack",
        "intent": "zeppelin",
        "selected": [],
        "alternatives": [],
        "selector": "none_fit",
    }


async def test_find_hides_what_is_hidden_from_agents_unless_it_is_for_knowledge(pica: "Pica") -> None:
    asked = {"requests": [{"platform": "slack", "intent": "find a user by email"}]}
    (hidden,) = (await pica.http.post(FIND, json=asked)).json()
    (shown,) = (await pica.http.post(FIND, json={**asked, "knowledgeAgent": True})).json()
    assert shown["selected"][0]["title"] == "Find a User by Email"
    assert "Find a User by Email" not in [one["title"] for one in (*hidden["selected"], *hidden["alternatives"])]


UNREADABLE: tuple[Any, ...] = (
    {},
    {"requests": []},
    {"requests": "one"},
    {"requests": [{"platform": "gmail", "intent": "send"}] * 11},
    {"requests": [{"platform": "gmail"}]},
    [],
)


@pytest.mark.parametrize("body", UNREADABLE)
async def test_find_refuses_what_it_cannot_read(pica: "Pica", body: Any) -> None:
    answer = await pica.http.post(FIND, json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
    assert answer.json()["message"]


async def test_a_search_may_answer_rows() -> None:
    async with open_client(Sandbox(search_rows=True)) as http:
        answer = (await http.get("/v1/available-actions/search/gmail?query=send+email&limit=1")).json()
    assert [row["title"] for row in answer["rows"]] == ["Send Email"]


async def test_search_for_executing_puts_the_custom_of_equals_first(pica: "Pica") -> None:
    async def first(**flavour: str) -> str:
        asked = {"query": "an", **flavour}
        return (await pica.http.get("/v1/available-actions/search/quickbooks", params=asked)).json()[0]["title"]

    assert await first() == "Create an Invoice"  # by title, as both have one word of the query
    assert await first(executeAgent="true") == "Write a Note on an Invoice"


async def test_an_unsupported_action_is_known_but_neither_listed_nor_found(pica: "Pica") -> None:
    def titles(rows: list[dict[str, Any]]) -> list[str]:
        return [row["title"] for row in rows]

    known = await pica.rows("/v1/knowledge", connectionPlatform="quickbooks", limit="100")
    supported = await pica.rows("/v1/knowledge", connectionPlatform="quickbooks", limit="100", supported="true")
    listed = await pica.rows("/v1/available-actions/quickbooks", limit="100")
    withdrawn = "Get a Balance Sheet"
    assert withdrawn in titles(known)
    assert titles(supported) == titles(listed)
    assert withdrawn not in titles(listed)
    (action,) = [row["_id"] for row in known if row["title"] == withdrawn]
    assert await pica.rows("/v1/knowledge", _id=action)
    assert not await pica.rows("/v1/knowledge", _id=action, supported="true")
    assert not await pica.rows("/v1/knowledge", _id=action, connectionPlatform="gmail")


async def test_actions_that_share_title_and_path_have_ids_of_their_own_and_the_first_keeps_its() -> None:
    def action(method: str, operation: str = "") -> Action:
        return Action("p", method, "/x", "Same", "M", lambda _state, _call: Reply(), "About.", operation=operation)

    def catalog(*actions: Action) -> Catalog:
        connector = Connector("p", "P", "C", "D")
        return Catalog([Platform(connector, "https://p.example", actions, lambda _key, _label: None, Reply)], [])

    known = catalog(action("GET"), action("POST"), action("POST", "query { a }"))
    ids = [one.id for one in known.actions("p")]
    assert ids[0] == action("GET").id
    assert len(set(ids)) == 3
    assert [known.action(one) for one in ids] == list(known.actions("p"))
    with pytest.raises(ValueError, match="both POST /x Same"):
        catalog(action("GET"), action("POST"), action("POST"))
