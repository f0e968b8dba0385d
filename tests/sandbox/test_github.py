from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

HERE = {"owner": "acme-bot", "repo": "engine"}
REPO = "/repos/{{owner}}/{{repo}}"
ISSUES, ISSUE = REPO + "/issues", REPO + "/issues/{{issue_number}}"
COMMENTS = ISSUE + "/comments"
CONTENT = REPO + "/contents/{{path}}"


@pytest.fixture
async def bot(pica: "Pica") -> str:
    return await pica.key("github", "acme-bot")


async def open_issue(pica: "Pica", key: str, **body: Any) -> dict[str, Any]:
    answer = await pica.send(key, "POST", ISSUES, HERE, json={"title": "Steam leaks", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def titles(pica: "Pica", key: str, **params: str) -> list[str]:
    return [issue["title"] for issue in (await pica.send(key, "GET", ISSUES, HERE, params=params)).json()]


async def test_a_new_issue_is_listed_first(pica: "Pica", bot: str) -> None:
    made = await open_issue(pica, bot, labels=["bug"], assignees=["ada"], body="Hiss.")
    assert (made["number"], made["state"], made["locked"]) == (3, "open", False)
    assert made["assignees"] == [{"login": "ada"}]
    assert await titles(pica, bot) == ["Steam leaks", "Write the handbook", "Gear 42 squeaks"]


async def test_accounts_know_nothing_of_each_other(pica: "Pica", bot: str) -> None:
    await open_issue(pica, bot)
    other = await pica.key("github", "Dashboard")
    assert (await pica.send(other, "GET", ISSUES, HERE)).status_code == 404
    assert len((await pica.send(other, "GET", ISSUES, {**HERE, "owner": "dashboard"})).json()) == 2


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"labels": "bug"}, 1),
        ({"labels": "bug,docs"}, 0),
        ({"state": "closed"}, 0),
        ({"state": "all"}, 2),
        ({"per_page": "1"}, 1),
        ({"per_page": "1", "page": "3"}, 0),
    ],
)
async def test_issues_are_filtered_and_paged(pica: "Pica", bot: str, params: dict[str, str], count: int) -> None:
    assert len(await titles(pica, bot, **params)) == count


async def test_an_issue_can_be_changed_and_closed(pica: "Pica", bot: str) -> None:
    where = {**HERE, "issue_number": 1}
    change = {"state": "closed", "title": "Gear 42 is quiet", "labels": ["done"], "assignees": ["ada"]}
    changed = (await pica.send(bot, "PATCH", ISSUE, where, json=change)).json()
    assert (changed["state"], changed["labels"], changed["body"]) == ("closed", [{"name": "done"}], "Since Monday.")
    assert changed["assignees"] == [{"login": "ada"}]
    untouched = (await pica.send(bot, "PATCH", ISSUE, where, json={})).json()
    assert untouched == changed
    assert await titles(pica, bot, state="closed") == ["Gear 42 is quiet"]


async def test_an_issue_can_be_locked(pica: "Pica", bot: str) -> None:
    where = {**HERE, "issue_number": 1}
    answer = await pica.send(bot, "PUT", ISSUE + "/lock", where, json={"lock_reason": "resolved"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in {name.removeprefix("x-pica-passthrough-") for name in answer.headers if "pass" in name}
    issue = (await pica.send(bot, "GET", ISSUES, HERE)).json()[-1]
    assert (issue["locked"], issue["active_lock_reason"]) == (True, "resolved")


async def test_comments_are_listed_by_issue_and_by_repository(pica: "Pica", bot: str) -> None:
    where = {**HERE, "issue_number": 2}
    made = await pica.send(bot, "POST", COMMENTS, where, json={"body": "Chapter one is done."})
    assert made.status_code == 201
    assert (await pica.send(bot, "GET", COMMENTS, where)).json() == [made.json()]
    everything = (await pica.send(bot, "GET", ISSUES + "/comments", HERE)).json()
    assert [comment["body"] for comment in everything] == ["Oil did not help.", "Chapter one is done."]


async def test_a_deleted_comment_is_gone(pica: "Pica", bot: str) -> None:
    (comment,) = (await pica.send(bot, "GET", ISSUES + "/comments", HERE)).json()
    where = {**HERE, "comment_id": comment["id"]}
    template = ISSUES + "/comments/{{comment_id}}"
    assert (await pica.send(bot, "DELETE", template, where)).status_code == 204
    assert (await pica.send(bot, "DELETE", template, where)).status_code == 404
    assert (await pica.send(bot, "GET", ISSUES + "/comments", HERE)).json() == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("gear", 1),
        ("is:open", 3),
        ("is:open is:issue gear", 1),
        ("state:closed", 0),
        ("label:docs", 1),
        ("repo:acme-bot/notes", 1),
        ("is:pr", 0),
    ],
)
async def test_issues_are_searched_in_all_repositories(pica: "Pica", bot: str, query: str, count: int) -> None:
    answer = (await pica.send(bot, "GET", "/search/issues", params={"q": query})).json()
    assert (answer["total_count"], len(answer["items"])) == (count, count)


async def test_repositories_are_listed_and_read(pica: "Pica", bot: str) -> None:
    listed = (await pica.send(bot, "GET", "/user/repos")).json()
    assert [repo["full_name"] for repo in listed] == ["acme-bot/engine", "acme-bot/notes"]
    private = (await pica.send(bot, "GET", "/user/repos", params={"visibility": "private"})).json()
    assert [repo["name"] for repo in private] == ["notes"]
    assert (await pica.send(bot, "GET", REPO, HERE)).json() == listed[0]


async def test_a_file_deep_in_a_repository_is_read_by_its_encoded_path(pica: "Pica", bot: str) -> None:
    content = (await pica.send(bot, "GET", CONTENT, {**HERE, "path": "docs/handbook.md"})).json()
    assert content["name"] == "handbook.md"
    assert len(b64decode(content["content"])) == content["size"] > 150_000


async def test_two_commits_are_compared(pica: "Pica", bot: str) -> None:
    values = {**HERE, "base": "main", "head": "topic/steam"}
    compared = (await pica.send(bot, "GET", REPO + "/compare/{{base}}...{{head}}", values)).json()
    assert (compared["base"], compared["head"]) == ("main", "topic/steam")


async def test_the_account_is_named_after_its_connection(pica: "Pica", bot: str) -> None:
    assert (await pica.send(bot, "GET", "/user")).json()["login"] == "acme-bot"


@pytest.mark.parametrize(
    ("method", "path", "values", "body", "error"),
    [
        ("POST", ISSUES, {}, {}, {"resource": "Issue", "field": "title", "code": "missing_field"}),
        (
            "PATCH",
            ISSUE,
            {"issue_number": "1"},
            {"state": "gone"},
            {"resource": "Issue", "field": "state", "code": "invalid"},
        ),
        (
            "POST",
            COMMENTS,
            {"issue_number": "1"},
            {},
            {"resource": "IssueComment", "field": "body", "code": "missing_field"},
        ),
        ("GET", "/search/issues", {}, None, {"resource": "Search", "field": "q", "code": "missing"}),
    ],
)
async def test_github_says_what_is_wrong_with_a_field(
    pica: "Pica", bot: str, method: str, path: str, values: dict[str, str], body: Any, error: dict[str, str]
) -> None:
    answer = await pica.send(bot, method, path, {**HERE, **values}, json=body)
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "Validation Failed",
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
        "errors": [error],
    }


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (REPO, {"repo": "none"}),
        (COMMENTS, {"issue_number": "99"}),
        (COMMENTS, {"issue_number": "one"}),
        (CONTENT, {"path": "none.md"}),
    ],
)
async def test_what_does_not_exist_is_not_found(pica: "Pica", bot: str, path: str, values: dict[str, str]) -> None:
    answer = await pica.send(bot, "GET", path, {**HERE, **values})
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


async def test_labels_that_are_not_a_list_cannot_be_parsed(pica: "Pica", bot: str) -> None:
    answer = await pica.send(bot, "POST", ISSUES, HERE, json={"title": "T", "labels": "bug"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")
