"""Linear in the sandbox: GraphQL, so that every action has the same method and path and differs by its operation."""

from typing import Any

from pica_mcp.sandbox.catalog import Action, Connector, Field, Platform, in_body
from pica_mcp.sandbox.platforms.tracker import STATES, Tracker, refuse

ISSUE_FIELDS = "id identifier title priority url state { name } team { id key }"
ISSUE = {"id": "1f0c3a52-7d94-4e1b-8a60-5b2c9d7e4f31", "identifier": "ENG-1", "title": "Gear 42 squeaks"}

ID = in_body("variables.id", "string", "The issue's id or identifier.", "ENG-1", required=True)
FIRST = in_body("variables.first", "integer", "How many to return, 1 to 250 (default: `50`).", 10)
AFTER = in_body("variables.after", "string", "The `endCursor` of the answer before.")


def platform() -> Platform:
    """Linear as one of the imitated platforms."""
    return Platform(
        Connector("linear", "Linear", "Project Management", "Issues and cycles", status="beta"),
        "https://api.linear.app",
        (*_queries(), *_issue_mutations(), _comment()),
        Tracker,
        refuse,
    )


def _action(
    title: str, model: str, about: str, operation: str, variables: tuple[Field, ...] = (), output: Any = None
) -> Action:
    needed = any(field.required for field in variables)
    holder = in_body("variables", "object", "The operation's variables.", required=needed)
    document = in_body("query", "string", "The GraphQL document to run.", operation, required=True)
    return Action(
        "linear",
        "POST",
        "/graphql",
        title,
        model,
        Tracker.answer,
        about,
        (document, holder, *variables) if variables else (document,),
        encoding="graphql",
        operation=operation,
        output={"data": output},
    )


def _queries() -> tuple[Action, ...]:
    page = "pageInfo { hasNextPage endCursor }"
    return (
        _action(
            "List Issues",
            "Issue",
            "Lists issues, newest first; a filter names fields and what they equal.",
            "query Issues($first: Int, $after: String, $filter: IssueFilter) "
            f"{{ issues(first: $first, after: $after, filter: $filter) {{ nodes {{ {ISSUE_FIELDS} }} {page} }} }}",
            (
                FIRST,
                AFTER,
                in_body("variables.filter", "object", "Fields and conditions such as `eq` and `in`."),
                in_body("variables.filter.team.key.eq", "string", "Only issues of the team with this key.", "ENG"),
            ),
            {"issues": {"nodes": [ISSUE], "pageInfo": {"hasNextPage": False, "endCursor": ISSUE["id"]}}},
        ),
        _action(
            "Get an Issue",
            "Issue",
            "Returns one issue with its description and its comments.",
            f"query Issue($id: String!) {{ issue(id: $id) {{ {ISSUE_FIELDS} description comments {{ nodes {{ body }} }}"
            " } }",
            (ID,),
            {"issue": ISSUE},
        ),
        _action(
            "Search Issues",
            "Issue",
            "Finds issues whose title has all the words.",
            f"query Search($term: String!) {{ searchIssues(term: $term) {{ nodes {{ {ISSUE_FIELDS} }} }} }}",
            (in_body("variables.term", "string", "Words of the title.", "gear", required=True),),
            {"searchIssues": {"nodes": [ISSUE]}},
        ),
        _action(
            "List Teams",
            "Team",
            "Lists the teams of the workspace.",
            "query Teams($first: Int, $after: String) "
            f"{{ teams(first: $first, after: $after) {{ nodes {{ id key name }} {page} }} }}",
            (FIRST, AFTER),
            {"teams": {"nodes": [{"id": "5b0e", "key": "ENG", "name": "Engines"}]}},
        ),
        _action(
            "List Projects",
            "Project",
            "Lists the projects of the workspace with their progress.",
            "query Projects($first: Int) { projects(first: $first) { nodes { id name state progress } } }",
            (FIRST,),
            {"projects": {"nodes": [{"id": "7c21", "name": "Memoir", "state": "planned", "progress": 0}]}},
        ),
        _action(
            "Get the Viewer",
            "User",
            "Returns who the connection acts as.",
            "query Viewer { viewer { id name email } }",
            output={"viewer": {"id": "9d44", "name": "Ada", "email": "ada@acme.example"}},
        ),
    )


def _issue_mutations() -> tuple[Action, ...]:
    held = f"success issue {{ {ISSUE_FIELDS} }}"
    entity = "success entity { id identifier }"
    return (
        _action(
            "Create an Issue",
            "Issue",
            "Opens an issue in a team.",
            f"mutation CreateIssue($input: IssueCreateInput!) {{ issueCreate(input: $input) {{ {held} }} }}",
            (
                in_body("variables.input", "object", "The issue to open.", required=True),
                in_body("variables.input.teamId", "string", "The team's id or key.", "ENG", required=True),
                in_body("variables.input.title", "string", "The issue's title.", "Gear 43 squeaks", required=True),
                *_details(),
            ),
            {"issueCreate": {"success": True, "issue": ISSUE}},
        ),
        _action(
            "Update an Issue",
            "Issue",
            "Changes the fields that are sent.",
            "mutation UpdateIssue($id: String!, $input: IssueUpdateInput!) "
            f"{{ issueUpdate(id: $id, input: $input) {{ {held} }} }}",
            (
                ID,
                in_body("variables.input", "object", "What to change.", required=True),
                in_body("variables.input.title", "string", "A new title."),
                *_details(),
            ),
            {"issueUpdate": {"success": True, "issue": ISSUE}},
        ),
        _action(
            "Archive an Issue",
            "Issue",
            "Takes an issue out of all lists, from where it can come back.",
            f"mutation ArchiveIssue($id: String!) {{ issueArchive(id: $id) {{ {entity} }} }}",
            (ID,),
            {"issueArchive": {"success": True, "entity": {"id": ISSUE["id"], "identifier": "ENG-1"}}},
        ),
        _action(
            "Delete an Issue",
            "Issue",
            "Deletes an issue for good.",
            f"mutation DeleteIssue($id: String!) {{ issueDelete(id: $id) {{ {entity} }} }}",
            (ID,),
            {"issueDelete": {"success": True, "entity": {"id": ISSUE["id"], "identifier": "ENG-1"}}},
        ),
    )


def _details() -> tuple[Field, ...]:
    return (
        in_body("variables.input.description", "string", "The text, in Markdown.", "Since Monday."),
        in_body("variables.input.priority", "integer", "From 1, urgent, to 4, low; 0 is none.", 2),
        in_body("variables.input.stateId", "string", "The state to put it into.", "Todo", values=STATES),
    )


def _comment() -> Action:
    return _action(
        "Create a Comment",
        "Comment",
        "Writes a comment below an issue.",
        "mutation Comment($input: CommentCreateInput!) "
        "{ commentCreate(input: $input) { success comment { id body user { name } } } }",
        (
            in_body("variables.input", "object", "The comment to write.", required=True),
            in_body("variables.input.issueId", "string", "The issue's id or identifier.", "ENG-1", required=True),
            in_body("variables.input.body", "string", "The text, in Markdown.", "Oil did not help.", required=True),
        ),
        {"commentCreate": {"success": True, "comment": {"id": "3e90", "body": "Oil did not help."}}},
    )
