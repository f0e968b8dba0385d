from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica


@pytest.fixture
def linear(pica: "Pica") -> str:
    return pica.box.connect("linear", name="Engines")


async def documented(pica: "Pica", title: str) -> tuple[str, str]:
    """The action's id, and the GraphQL document that its example shows."""
    rows = await pica.rows("/v1/knowledge", connectionPlatform="linear", limit="100")
    (row,) = [row for row in rows if row["title"] == title]
    return row["_id"], row["ioSchema"]["ioExample"]["input"]["body"]["query"]


async def run(pica: "Pica", key: str, title: str, query: str = "", **variables: Any) -> dict[str, Any]:
    action, example = await documented(pica, title)
    headers = {"x-pica-connection-key": key, "x-pica-action-id": action}
    body = {"query": query or example, "variables": variables}
    answer = await pica.http.post("/v1/passthrough/graphql", headers=headers, json=body)
    assert answer.status_code == 200
    return answer.json()


async def data(pica: "Pica", key: str, title: str, query: str = "", **variables: Any) -> dict[str, Any]:
    answer = await run(pica, key, title, query, **variables)
    assert set(answer) == {"data"}, answer
    return answer["data"]


async def code(pica: "Pica", key: str, title: str, query: str = "", **variables: Any) -> str:
    answer = await run(pica, key, title, query, **variables)
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["message"]
    return error["extensions"]["code"]


async def identifiers(pica: "Pica", key: str, **variables: Any) -> list[str]:
    found = await data(pica, key, "List Issues", **variables)
    return [issue["identifier"] for issue in found["issues"]["nodes"]]


async def test_all_actions_share_method_and_path_and_differ_in_id(pica: "Pica") -> None:
    rows = await pica.rows("/v1/knowledge", connectionPlatform="linear", limit="100")
    assert {(row["method"], row["path"]) for row in rows} == {("POST", "/graphql")}
    assert len({row["_id"] for row in rows}) == len(rows) == 11


async def test_issues_are_listed_filtered_and_paged(pica: "Pica", linear: str) -> None:
    assert await identifiers(pica, linear) == ["OPS-1", "ENG-2", "ENG-1"]
    assert await identifiers(pica, linear, filter={"team": {"key": {"eq": "ENG"}}}) == ["ENG-2", "ENG-1"]
    assert await identifiers(pica, linear, filter={"title": {"containsIgnoreCase": "GEAR"}}) == ["ENG-1"]
    first = (await data(pica, linear, "List Issues", first=2))["issues"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert await identifiers(pica, linear, first=2, after=first["pageInfo"]["endCursor"]) == ["ENG-1"]


async def test_an_answer_holds_what_was_asked_for_and_no_more(pica: "Pica", linear: str) -> None:
    query = '{ mine: issue(id: "ENG-1") { name: title team { key } } viewer { email } }'
    assert await data(pica, linear, "Get an Issue", query) == {
        "mine": {"name": "Gear 42 squeaks", "team": {"key": "ENG"}},
        "viewer": {"email": "engines@acme.example"},
    }


async def test_an_issue_is_created_changed_commented_archived_and_deleted(pica: "Pica", linear: str) -> None:
    made = await data(pica, linear, "Create an Issue", input={"teamId": "ENG", "title": "Oil", "priority": 2})
    issue = made["issueCreate"]["issue"]
    assert (issue["identifier"], issue["priority"], issue["state"]) == ("ENG-3", 2, {"name": "Backlog"})
    changed = await data(pica, linear, "Update an Issue", id="ENG-3", input={"stateId": "Done", "title": "Oiled"})
    assert changed["issueUpdate"]["issue"]["state"] == {"name": "Done"}
    await data(pica, linear, "Create a Comment", input={"issueId": issue["id"], "body": "Smooth."})
    held = (await data(pica, linear, "Get an Issue", id="ENG-3"))["issue"]
    assert (held["title"], held["comments"]) == ("Oiled", {"nodes": [{"body": "Smooth."}]})
    await data(pica, linear, "Archive an Issue", id="ENG-3")
    assert "ENG-3" not in await identifiers(pica, linear)
    await data(pica, linear, "Delete an Issue", id="ENG-3")
    assert await code(pica, linear, "Get an Issue", id="ENG-3") == "INPUT_ERROR"


async def test_the_other_lists_answer(pica: "Pica", linear: str) -> None:
    assert [team["key"] for team in (await data(pica, linear, "List Teams"))["teams"]["nodes"]] == ["ENG", "OPS"]
    assert len((await data(pica, linear, "List Projects", first=1))["projects"]["nodes"]) == 1
    assert (await data(pica, linear, "Get the Viewer"))["viewer"]["name"] == "Engines"
    found = await data(pica, linear, "Search Issues", term="handbook write")
    assert [issue["identifier"] for issue in found["searchIssues"]["nodes"]] == ["ENG-2"]


async def test_workspaces_know_nothing_of_each_other(pica: "Pica", linear: str) -> None:
    await data(pica, linear, "Delete an Issue", id="ENG-1")
    assert "ENG-1" in await identifiers(pica, pica.box.connect("linear", name="Other"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ issues", "GRAPHQL_PARSE_FAILED"),
        ("query { viewer { id } } }", "GRAPHQL_PARSE_FAILED"),
        ("query { viewer { ...Person } }", "GRAPHQL_PARSE_FAILED"),
        ('{ issue(id: "\\x") { id } }', "GRAPHQL_PARSE_FAILED"),
        ("subscription { issues { id } }", "GRAPHQL_PARSE_FAILED"),
        ("{ ~ }", "GRAPHQL_PARSE_FAILED"),
        ("{ a" * 5000, "GRAPHQL_PARSE_FAILED"),
        ("{ users { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ issueDelete(id: 1) { success } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer { password } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer { id { id } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ issue(id: $id) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: String!) { issue(id: $id) { id } }", "BAD_USER_INPUT"),
        ("{ issue(id: 1) { id } }", "BAD_USER_INPUT"),
        ("{ issues(filter: {ghost: {eq: 1}}) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ issues(filter: {title: {like: ENG}}) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ issues(first: 1000) { nodes { id } } }", "INPUT_ERROR"),
    ],
)
async def test_a_mistake_is_a_200_with_errors(pica: "Pica", linear: str, query: str, expected: str) -> None:
    assert await code(pica, linear, "List Issues", query) == expected


async def test_a_mutation_that_is_refused_changes_nothing(pica: "Pica", linear: str) -> None:
    query = 'mutation { issueDelete(id: "ENG-1") { success } issueUpdate(id: "ENG-2", input: {ghost: 1}) { success } }'
    assert await code(pica, linear, "Delete an Issue", query) == "BAD_USER_INPUT"
    assert "ENG-1" in await identifiers(pica, linear)


async def test_defaults_and_absent_variables_are_no_nulls(pica: "Pica", linear: str) -> None:
    query = "query Q($n: Int = 1, $f: [String!]) { issues(first: $n, filter: $f) { nodes { id } } } # the end"
    assert len((await data(pica, linear, "List Issues", query))["issues"]["nodes"]) == 1


async def test_a_body_that_is_no_operation_is_refused_in_the_same_shape(pica: "Pica", linear: str) -> None:
    action, _ = await documented(pica, "List Issues")
    headers = {"x-pica-connection-key": linear, "x-pica-action-id": action, "content-type": "application/json"}
    for content in (b"[", b"{}", b'{"query": 1}', b'{"query": "{ viewer { id } }", "variables": [1]}'):
        answer = await pica.http.post("/v1/passthrough/graphql", headers=headers, content=content)
        assert (answer.status_code, answer.json()["data"]) == (200, None)
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
