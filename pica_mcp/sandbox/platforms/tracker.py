"""A Linear workspace in the sandbox: teams, projects, issues and comments of one connection, behind one endpoint."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.platforms.graphql import GraphError, Selection, parse, select
from pica_mcp.sandbox.upstream import Call, Json, Ledger, Reply, needed, slug, stamp, uuid

STATES = ("Backlog", "Todo", "In Progress", "Done", "Canceled")

_INPUT = "INPUT_ERROR"
_PRIORITIES = (0, 1, 2, 3, 4)
_ERRORS: Mapping[int, tuple[int, str, str]] = MappingProxyType(
    {
        400: (200, "The request body is not a JSON object.", "BAD_REQUEST"),
        401: (401, "Authentication required, not authenticated.", "AUTHENTICATION_ERROR"),
        404: (404, "There is no such endpoint.", "NOT_FOUND"),
    }
)

Resolver = Callable[[Json], Any]


def refuse(status: int) -> Reply:
    """Linear's error body; a mistake in a request is still a 200."""
    code, message, kind = _ERRORS[status]
    return _refusal(message, kind, code)


def _refusal(message: str, code: str, status: int = 200) -> Reply:
    error = {"message": message, "extensions": {"code": code, "userError": code == _INPUT}}
    return Reply(status, {"errors": [error], "data": None})


class Tracker:
    """One workspace with two teams and three issues; every root field of Linear's API that it knows is a method."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._viewer: Json = {"id": self._uuid(), "name": label, "email": f"{slug(label)}@acme.example", "admin": True}
        self._issues: dict[str, Json] = {}
        self._teams = [self._team("ENG", "Engines"), self._team("OPS", "Operations")]
        self._projects = [self._project("Difference Engine", "started"), self._project("Memoir", "planned")]
        self._issue(self._teams[0], "Gear 42 squeaks", "In Progress")
        self._issue(self._teams[0], "Write the handbook", "Todo")
        self._issue(self._teams[1], "Order oil", "Backlog")

    def answer(self, call: Call) -> Reply:
        """Run the operation in the body; a mutation that is refused anywhere changes nothing."""
        body = call.json()
        document, variables = body.get("query"), cast("Any", body.get("variables") or {})
        if not isinstance(document, str) or not isinstance(variables, dict):
            return _refusal("The body needs a `query` in text and `variables` in an object.", "BAD_REQUEST")
        before = deepcopy(self._issues)
        try:
            operation = parse(document, cast("Json", variables))
            data = {field.key: self._run(operation.kind, field) for field in operation.fields}
        except GraphError as error:
            self._issues = before
            return _refusal(error.message, error.code)
        return Reply(body={"data": data})

    def _run(self, kind: str, field: Selection) -> Any:
        queries: dict[str, Resolver] = {
            "viewer": lambda _: self._viewer,
            "teams": lambda given: _connection(self._teams, given),
            "projects": lambda given: _connection(self._projects, given),
            "issues": self._list_issues,
            "searchIssues": self._search_issues,
            "issue": self._find,
        }
        mutations: dict[str, Resolver] = {
            "issueCreate": self._create_issue,
            "issueUpdate": self._update_issue,
            "issueArchive": self._archive_issue,
            "issueDelete": self._delete_issue,
            "commentCreate": self._create_comment,
        }
        run = (queries if kind == "query" else mutations).get(field.name)
        if run is None:
            raise GraphError(f'Cannot query field "{field.name}" on type "{kind.capitalize()}".')
        return select(run(field.arguments), field.fields, field.name[:1].upper() + field.name[1:])

    # --- queries ----------------------------------------------------------------------------------------------------

    def _list_issues(self, given: Json) -> Json:
        newest = reversed(self._issues.values())
        wanted = _object(given.get("filter") or {}, "filter")
        kept = [one for one in newest if given.get("includeArchived") or one["archivedAt"] is None]
        return _connection([one for one in kept if _meets(one, wanted)], given)

    def _search_issues(self, given: Json) -> Json:
        words = _text(given, "term").lower().split()
        found = [one for one in self._issues.values() if all(word in one["title"].lower() for word in words)]
        return _connection(found, given)

    def _find(self, given: Json, name: str = "id") -> Json:
        wanted = _text(given, name)
        for issue in self._issues.values():
            if wanted in (issue["id"], issue["identifier"]):
                return issue
        raise GraphError("Entity not found: Issue - Could not find referenced Issue.", _INPUT)

    # --- mutations --------------------------------------------------------------------------------------------------

    def _create_issue(self, given: Json) -> Json:
        wanted = _object(given.get("input"), "input")
        issue = self._issue(self._named_team(_text(wanted, "teamId")), _text(wanted, "title"), "Backlog")
        return self._changed(issue, {name: value for name, value in wanted.items() if name != "teamId"})

    def _update_issue(self, given: Json) -> Json:
        return self._changed(self._find(given), _object(given.get("input"), "input"))

    def _archive_issue(self, given: Json) -> Json:
        issue = self._find(given)
        issue["archivedAt"] = stamp(self._ledger.moment())
        return {"success": True, "entity": issue}

    def _delete_issue(self, given: Json) -> Json:
        issue = self._issues.pop(self._find(given)["id"])
        return {"success": True, "entity": issue}

    def _create_comment(self, given: Json) -> Json:
        wanted = _object(given.get("input"), "input")
        issue = self._find(wanted, "issueId")
        comment = {
            "id": self._uuid(),
            "body": _text(wanted, "body"),
            "user": self._viewer,
            "createdAt": stamp(self._ledger.moment()),
        }
        issue["comments"]["nodes"].append(comment)
        return {"success": True, "comment": comment}

    # --- what they share --------------------------------------------------------------------------------------------

    def _changed(self, issue: Json, wanted: Json) -> Json:
        for name, value in wanted.items():
            match name:
                case "title" | "description":
                    issue[name] = _text(wanted, name)
                case "priority" if value in _PRIORITIES:
                    issue[name] = value
                case "stateId" if value in STATES:
                    issue["state"] = {"id": value, "name": value}
                case _:
                    raise GraphError(f'Variable "$input" got an invalid value at "input.{name}".', "BAD_USER_INPUT")
        return {"success": True, "issue": issue}

    def _issue(self, team: Json, title: str, state: str) -> Json:
        team["issueCount"] += 1
        identifier = f"{team['key']}-{team['issueCount']}"
        issue: Json = {
            "id": self._uuid(),
            "identifier": identifier,
            "title": title,
            "description": None,
            "priority": 0,
            "url": f"https://linear.example/{slug(self._viewer['name'])}/issue/{identifier}",
            "team": team,
            "state": {"id": state, "name": state},
            "assignee": None,
            "comments": {"nodes": []},
            "createdAt": stamp(self._ledger.moment()),
            "archivedAt": None,
        }
        self._issues[issue["id"]] = issue
        return issue

    def _team(self, key: str, name: str) -> Json:
        return {"id": self._uuid(), "key": key, "name": name, "issueCount": 0}

    def _named_team(self, wanted: str) -> Json:
        for team in self._teams:
            if wanted in (team["id"], team["key"]):
                return team
        raise GraphError("Entity not found: Team - Could not find referenced Team.", _INPUT)

    def _project(self, name: str, state: str) -> Json:
        return {"id": self._uuid(), "name": name, "state": state, "progress": 0.25 if state == "started" else 0}

    def _uuid(self) -> str:
        return uuid(self._ledger.token(32))


def _connection(rows: list[Json], given: Json) -> Json:
    size, after = given.get("first") or 50, given.get("after")
    if not isinstance(size, int) or not 1 <= size <= 250:
        raise GraphError("Argument Validation Error: first must be between 1 and 250.", _INPUT)
    start = next((at for at, row in enumerate(rows, start=1) if row["id"] == after), 0)
    nodes = rows[start : start + size]
    end = nodes[-1]["id"] if nodes else None
    return {"nodes": nodes, "pageInfo": {"hasNextPage": start + size < len(rows), "endCursor": end}}


def _meets(row: Json, wanted: Json) -> bool:
    for name, condition in wanted.items():
        if name not in row:
            raise GraphError(f'Field "{name}" is not defined by the filter.', "BAD_USER_INPUT")
        inner = _object(condition, name)
        value = row[name]
        if not (_meets(cast("Json", value), inner) if isinstance(value, dict) else _compares(value, inner)):
            return False
    return True


def _compares(value: Any, condition: Json) -> bool:
    for comparator, other in condition.items():
        match comparator:
            case "eq":
                holds = value == other
            case "neq":
                holds = value != other
            case "in" if isinstance(other, list):
                holds = value in other
            case "containsIgnoreCase" if isinstance(other, str):
                holds = other.lower() in str(value).lower()
            case _:
                raise GraphError(f'Comparator "{comparator}" is not usable here.', "BAD_USER_INPUT")
        if not holds:
            return False
    return True


def _object(value: Any, name: str) -> Json:
    if not isinstance(value, dict):
        raise GraphError(f'Argument "{name}" must be an object.', "BAD_USER_INPUT")
    return cast("Json", value)


def _text(given: Json, name: str) -> str:
    return needed(given.get(name), GraphError(f'Argument "{name}" of type "String!" is required.', "BAD_USER_INPUT"))
