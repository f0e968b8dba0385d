"""A GitHub account in the sandbox: repositories, issues, comments and files of one connection."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, slug, stamp, strings

_DOCUMENTATION = "https://docs.github.com/rest"
_MESSAGES: Mapping[int, str] = MappingProxyType(
    {400: "Problems parsing JSON", 401: "Bad credentials", 404: "Not Found", 422: "Validation Failed"}
)


def refuse(status: int, *complaints: tuple[str, str, str]) -> Reply:
    """GitHub's error body; a complaint is resource, field and code."""
    body: Json = {"message": _MESSAGES[status], "documentation_url": _DOCUMENTATION, "status": str(status)}
    errors = [{"resource": resource, "field": field, "code": code} for resource, field, code in complaints]
    return Reply(status, {**body, "errors": errors} if errors else body)


@dataclass(slots=True)
class Repository:
    """A repository with what it holds; issues by number, comments by id."""

    row: Json
    issues: dict[int, Json] = field(default_factory=dict[int, Json])
    comments: dict[int, Json] = field(default_factory=dict[int, Json])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


class Forge:
    """One account with two repositories, `engine` and `notes`; every method is one GitHub endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self.login = slug(label)
        self._repos: dict[str, Repository] = {}
        engine, notes = self._repo("engine", private=False), self._repo("notes", private=True)
        first = self._issue(engine, {"title": "Gear 42 squeaks", "body": "Since Monday.", "labels": ["bug"]})
        self._issue(engine, {"title": "Write the handbook", "labels": ["docs"]})
        self._issue(notes, {"title": "Translate the memoir"})
        self._comment(engine, first["number"], "Oil did not help.")
        engine.files["README.md"] = b"# Engine\n\nIt computes.\n"
        engine.files["docs/handbook.md"] = _handbook()

    # --- repositories -----------------------------------------------------------------------------------------------

    def get_user(self, call: Call) -> Reply:
        del call
        return _reply({"login": self.login, "type": "User", "public_repos": 1})

    def list_repos(self, call: Call) -> Reply:
        rows = [repo.row for repo in self._repos.values()]
        visibility = call.first("visibility", "all")
        return _reply(_page(call, [row for row in rows if visibility in {"all", row["visibility"]}]))

    def get_repo(self, call: Call) -> Reply:
        return _reply(self._open(call).row)

    def get_content(self, call: Call) -> Reply:
        path = call.path["path"]
        data = self._open(call).files.get(path)
        if data is None:
            raise ProviderError(refuse(404))
        content = {"encoding": "base64", "content": b64encode(data).decode()}
        return _reply({"type": "file", "name": path.split("/")[-1], "path": path, "size": len(data), **content})

    def compare(self, call: Call) -> Reply:
        self._open(call)
        names = {"base": call.path["base"], "head": call.path["head"]}
        return _reply({"status": "ahead", "ahead_by": 2, "behind_by": 0, "commits": [], **names})

    # --- issues -----------------------------------------------------------------------------------------------------

    def list_issues(self, call: Call) -> Reply:
        state, labels = call.first("state", "open"), {one for one in call.first("labels").split(",") if one}
        issues = reversed(self._open(call).issues.values())
        found = [one for one in issues if state in {"all", one["state"]} and labels <= _names(one)]
        return _reply(_page(call, found))

    def create_issue(self, call: Call) -> Reply:
        body = call.json(typed=False)
        if not body.get("title"):
            raise ProviderError(refuse(422, ("Issue", "title", "missing_field")))
        return _reply(self._issue(self._open(call), body), 201)

    def update_issue(self, call: Call) -> Reply:
        issue, body = self._find(call), call.json(typed=False)
        if body.get("state", "open") not in ("open", "closed"):
            raise ProviderError(refuse(422, ("Issue", "state", "invalid")))
        issue.update({name: body[name] for name in ("title", "body", "state") if name in body})
        if "labels" in body:
            issue["labels"] = _labels(body["labels"])
        if "assignees" in body:
            issue["assignees"] = _logins(body["assignees"])
        return _reply(issue)

    def lock_issue(self, call: Call) -> Reply:
        self._find(call).update(locked=True, active_lock_reason=call.json(typed=False).get("lock_reason"))
        return Reply(204)

    def search_issues(self, call: Call) -> Reply:
        words = call.first("q").lower().split()
        if not words:
            raise ProviderError(refuse(422, ("Search", "q", "missing")))
        issues = [issue for repo in self._repos.values() for issue in repo.issues.values()]
        found = [issue for issue in issues if all(_meets(issue, word) for word in words)]
        return _reply({"total_count": len(found), "incomplete_results": False, "items": _page(call, found)})

    # --- comments ---------------------------------------------------------------------------------------------------

    def create_comment(self, call: Call) -> Reply:
        issue, text = self._find(call), call.json(typed=False).get("body")
        if not text:
            raise ProviderError(refuse(422, ("IssueComment", "body", "missing_field")))
        return _reply(self._comment(self._open(call), issue["number"], text), 201)

    def list_comments(self, call: Call) -> Reply:
        url = self._find(call)["url"]
        found = [one for one in self._open(call).comments.values() if one["issue_url"] == url]
        return _reply(_page(call, found))

    def list_all_comments(self, call: Call) -> Reply:
        return _reply(_page(call, list(self._open(call).comments.values())))

    def delete_comment(self, call: Call) -> Reply:
        comments = self._open(call).comments
        del comments[_pick(comments, call.path["comment_id"])["id"]]
        return Reply(204)

    # --- what they share --------------------------------------------------------------------------------------------

    def _open(self, call: Call) -> Repository:
        repo = self._repos.get(f"{call.path['owner']}/{call.path['repo']}")
        if repo is None:
            raise ProviderError(refuse(404))
        return repo

    def _find(self, call: Call) -> Json:
        return _pick(self._open(call).issues, call.path["issue_number"])

    def _repo(self, name: str, *, private: bool) -> Repository:
        row: Json = {
            "id": self._ledger.number(),
            "name": name,
            "full_name": f"{self.login}/{name}",
            "private": private,
            "visibility": "private" if private else "public",
            "owner": {"login": self.login},
            "default_branch": "main",
        }
        self._repos[row["full_name"]] = Repository(row)
        return self._repos[row["full_name"]]

    def _issue(self, repo: Repository, body: Json) -> Json:
        number = len(repo.issues) + 1
        repo.issues[number] = {
            "id": self._ledger.number(),
            "number": number,
            "url": f"https://api.github.com/repos/{repo.row['full_name']}/issues/{number}",
            "title": str(body["title"]),
            "body": body.get("body"),
            "state": "open",
            "locked": False,
            "labels": _labels(body.get("labels")),
            "assignees": _logins(body.get("assignees")),
            "user": {"login": self.login},
            "created_at": stamp(self._ledger.moment()),
        }
        return repo.issues[number]

    def _comment(self, repo: Repository, number: int, text: str) -> Json:
        comment: Json = {
            "id": self._ledger.number(),
            "issue_url": repo.issues[number]["url"],
            "body": text,
            "user": {"login": self.login},
            "created_at": stamp(self._ledger.moment()),
        }
        repo.comments[comment["id"]] = comment
        return comment


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, body, (("x-github-media-type", "github.v3; format=json"), ("x-ratelimit-remaining", "4999")))


def _pick(shelf: Mapping[int, Json], number: str) -> Json:
    found = next((one for key, one in shelf.items() if str(key) == number), None)
    if found is None:
        raise ProviderError(refuse(404))
    return found


def _page(call: Call, rows: list[Json]) -> list[Json]:
    size = max(1, min(100, call.number("per_page", 30)))
    start = (max(1, call.number("page", 1)) - 1) * size
    return rows[start : start + size]


def _labels(names: Any) -> list[Json]:
    return [{"name": name} for name in strings(names)]


def _logins(names: Any) -> list[Json]:
    return [{"login": login} for login in strings(names)]


def _names(issue: Json) -> set[str]:
    return {label["name"] for label in issue["labels"]}


def _meets(issue: Json, word: str) -> bool:
    match word.partition(":"):
        case ("is" | "state", ":", ("open" | "closed") as state):
            return issue["state"] == state
        case ("is" | "type", ":", kind):
            return kind == "issue"
        case ("label", ":", name):
            return name in _names(issue)
        case ("repo", ":", name):
            return f"/repos/{name}/" in issue["url"]
        case _:
            return word in f"{issue['title']} {issue['body'] or ''}".lower()


def _handbook() -> bytes:
    # Long enough that nobody shows it whole.
    return b"".join(b"Chapter %d: turn the crank, read the dial, write the number down.\n" % n for n in range(1, 3001))
