"""GitHub in the sandbox: the actions of repositories, issues and comments."""

from pica_mcp.sandbox.catalog import Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.forge import Forge, refuse
from pica_mcp.sandbox.upstream import Json

REPO = (
    in_path("owner", "Whose repository it is.", "ada"),
    in_path("repo", "The repository's name.", "engine"),
)
ISSUE = (*REPO, in_path("issue_number", "The issue's number.", "1", kind="integer"))
COMMENT = (*REPO, in_path("comment_id", "The comment's id.", "123456789", kind="integer"))
PER_PAGE = in_query("per_page", "integer", "How many per page, at most 100 (default: `30`).", 10)
PAGE = in_query("page", "integer", "Which page (default: `1`).")
BODY = in_body("body", "string", "The text, in Markdown.", "Seen again on Tuesday.")


def platform() -> Platform:
    """GitHub as one of the imitated platforms."""
    return Platform(
        Connector("github", "GitHub", "Developer Tools", "Repositories, issues and reviews"),
        "https://api.github.com",
        (*_repositories(), *_issues(), *_comments()),
        Forge,
        refuse,
    )


def _repositories() -> tuple[Action, ...]:
    return (
        Action(
            "github",
            "GET",
            "/user",
            "Get the Authenticated User",
            "User",
            Forge.get_user,
            "Returns the connected account.",
            shape="none",
        ),
        Action(
            "github",
            "GET",
            "/user/repos",
            "List Repositories for the Authenticated User",
            "Repository",
            Forge.list_repos,
            "Lists the repositories the connected account can reach.",
            (
                in_query("visibility", "string", "Which ones.", "all", values=("all", "public", "private")),
                PER_PAGE,
                PAGE,
            ),
            output=[{"id": 123456789, "full_name": "ada/engine", "private": False}],
        ),
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}",
            "Get a Repository",
            "Repository",
            Forge.get_repo,
            "Returns one repository.",
            REPO,
            output={"id": 123456789, "full_name": "ada/engine", "private": False},
        ),
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}/contents/{{path}}",
            "Get Repository Content",
            "Content",
            Forge.get_content,
            "Returns one file, encoded in base64.",
            (*REPO, in_path("path", "The file's path; its slashes are encoded.", "docs/handbook.md")),
            output={"type": "file", "path": "docs/handbook.md", "encoding": "base64", "content": "SGVsbG8="},
        ),
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}/compare/{{base}}...{{head}}",
            "Compare Two Commits",
            "Commit",
            Forge.compare,
            "Says how far two branches or commits are apart.",
            (*REPO, in_path("base", "Where to start.", "main"), in_path("head", "Where to end.", "next")),
            shape="tables",
            output={"status": "ahead", "ahead_by": 2, "behind_by": 0, "commits": []},
        ),
    )


def _issues() -> tuple[Action, ...]:
    issue: Json = {"id": 123456789, "number": 1, "title": "Gear 42 squeaks", "state": "open", "labels": []}
    return (
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}/issues",
            "List Repository Issues",
            "Issue",
            Forge.list_issues,
            "Lists the issues of a repository, newest first.",
            (
                *REPO,
                in_query("state", "string", "Which ones (default: `open`).", "open", values=("open", "closed", "all")),
                in_query("labels", "string", "Names of labels, joined by commas; an issue has all of them.", "bug"),
                PER_PAGE,
                PAGE,
            ),
            tags=("issues",),
            output=[issue],
        ),
        Action(
            "github",
            "POST",
            "/repos/{{owner}}/{{repo}}/issues",
            "Create an Issue",
            "Issue",
            Forge.create_issue,
            "Opens an issue.",
            (
                *REPO,
                in_body("title", "string | integer", "The issue's title.", "Gear 42 squeaks", required=True),
                BODY,
                in_body("labels", "string[]", "Names of labels.", ["bug"]),
                in_body("assignees", "string[]", "Logins of the people to assign."),
            ),
            tags=("issues",),
            output=issue,
        ),
        Action(
            "github",
            "PATCH",
            "/repos/{{owner}}/{{repo}}/issues/{{issue_number}}",
            "Update an Issue",
            "Issue",
            Forge.update_issue,
            "Changes the fields that are sent.",
            (
                *ISSUE,
                in_body("title", "string", "A new title."),
                BODY,
                in_body("state", "string", "Open or close it.", "closed", values=("open", "closed")),
                in_body("labels", "string[]", "Names of labels, replacing all there are."),
                in_body("assignees", "array of strings", "Logins, replacing all there are."),
            ),
            tags=("issues",),
            output={**issue, "state": "closed"},
        ),
        Action(
            "github",
            "PUT",
            "/repos/{{owner}}/{{repo}}/issues/{{issue_number}}/lock",
            "Lock an Issue",
            "Issue",
            Forge.lock_issue,
            "Stops further comments by outsiders.",
            (
                *ISSUE,
                in_body(
                    "lock_reason",
                    "string",
                    "Why.",
                    "resolved",
                    values=("off-topic", "too heated", "resolved", "spam"),
                ),
            ),
            tags=("issues",),
        ),
        Action(
            "github",
            "GET",
            "/search/issues",
            "Search Issues and Pull Requests",
            "Issue",
            Forge.search_issues,
            "Finds issues in every repository the account can reach.",
            (
                in_query("q", "string", "Words and qualifiers such as `is:open`.", "gear is:open", required=True),
                PER_PAGE,
                PAGE,
            ),
            tags=("issues", "search"),
            output={"total_count": 1, "incomplete_results": False, "items": [issue]},
        ),
    )


def _comments() -> tuple[Action, ...]:
    comment = {"id": 123456789, "body": "Seen again on Tuesday.", "user": {"login": "ada"}}
    return (
        Action(
            "github",
            "POST",
            "/repos/{{owner}}/{{repo}}/issues/{{issue_number}}/comments",
            "Create an Issue Comment",
            "Comment",
            Forge.create_comment,
            "Writes a comment below an issue.",
            (*ISSUE, in_body("body", "string", "The text, in Markdown.", "Seen again on Tuesday.", required=True)),
            output=comment,
        ),
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}/issues/{{issue_number}}/comments",
            "List Issue Comments",
            "Comment",
            Forge.list_comments,
            "Lists the comments of one issue, oldest first.",
            (*ISSUE, PER_PAGE, PAGE),
            output=[comment],
        ),
        # The very same title, key, model and method on another path: only the id tells the two apart.
        Action(
            "github",
            "GET",
            "/repos/{{owner}}/{{repo}}/issues/comments",
            "List Issue Comments",
            "Comment",
            Forge.list_all_comments,
            "Lists the comments of all issues of a repository, oldest first.",
            (*REPO, PER_PAGE, PAGE),
            shape="tables",
            output=[comment],
        ),
        Action(
            "github",
            "DELETE",
            "/repos/{{owner}}/{{repo}}/issues/comments/{{comment_id}}",
            "Delete an Issue Comment",
            "Comment",
            Forge.delete_comment,
            "Deletes a comment for good.",
            COMMENT,
            shape="tables",
        ),
    )
