"""Notion in the sandbox: databases with their recursive filter, people and comments."""

from pica_mcp.sandbox.catalog import HIDDEN, Action, Field, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.wiki import Wiki, versioned
from pica_mcp.sandbox.platforms.wiki_query import OPERATORS, TIMES
from pica_mcp.sandbox.upstream import Json

DATABASE = in_path("database_id", "The database's id.", "c0a8d1f2-3b64-4d5e-8f90-1a2b3c4d5e6f")
CURSOR = in_query("start_cursor", "string", "The `next_cursor` of the answer before.")
SIZE = in_query("page_size", "integer", "How many to return, 1 to 100 (default: `100`).", 50)


def actions(version: Field) -> tuple[Action, ...]:
    """All of them; `version` is the header that Notion insists on."""
    return *_databases(version), *_people(version), *_comments(version)


# --- databases ------------------------------------------------------------------------------------------------------


def _databases(version: Field) -> tuple[Action, ...]:
    columns: Json = {"Name": {"id": "name", "name": "Name", "type": "title", "title": {}}}
    database: Json = {"object": "database", "id": DATABASE.sample, "properties": columns}
    return (
        _query(version),
        Action(
            "notion",
            "GET",
            "/v1/databases/{{database_id}}",
            "Retrieve a Database",
            "Database",
            versioned(Wiki.get_database),
            "Returns a database's columns; its rows come from a query.",
            (version, DATABASE),
            tags=("databases",),
            shape="schema",
            output=database,
        ),
        Action(
            "notion",
            "POST",
            "/v1/databases",
            "Create a Database",
            "Database",
            versioned(Wiki.create_database),
            "Creates a database inside a page.",
            (
                version,
                in_body("parent", "object", "The page around it.", required=True),
                in_body("parent.page_id", "string", "The page's id.", required=True),
                in_body("title", "array of objects", "A rich text."),
                in_body("title[].text.content", "string", "The text."),
                in_body("properties", "object", "Columns by name.", {"Name": {"title": {}}}, required=True),
            ),
            tags=("databases",),
            shape="tables",
            output=database,
        ),
    )


def _query(version: Field) -> Action:
    condition = {"property": "Hours", "number": {"greater_than": 2}}
    return Action(
        "notion",
        "POST",
        "/v1/databases/{{database_id}}/query",
        "Query a Database",
        "Database",
        versioned(Wiki.query_database),
        "Lists the rows of a database that pass a filter. Nothing is changed.",
        (
            version,
            DATABASE,
            in_query("filter_properties", "string[]", "Only these properties of each row; may be repeated.", ["Name"]),
            in_body("filter", "object", "A condition, or conditions under `and` or `or`, nested at will.", condition),
            in_body("filter.and", "array of objects", "All of these hold."),
            in_body("filter.or", "array of objects", "One of these holds."),
            in_body("filter.property", "string", "The property that a condition is about."),
            in_body("sorts", "array of objects", "The order, the most important property first."),
            in_body("page_size", "integer", "How many to return, 1 to 100 (default: `100`).", 10),
            in_body("start_cursor", "string", "The `next_cursor` of the answer before."),
        ),
        tags=("databases", "search"),
        output={"object": "list", "results": [], "next_cursor": None, "has_more": False},
        schemas={"body": _query_schema()},
    )


def _query_schema() -> Json:
    sort = {
        "oneOf": [
            _closed({"property": {"type": "string"}, "direction": {"$ref": "#/$defs/direction"}}, "property"),
            _closed(
                {"timestamp": {"$ref": "#/$defs/timestamp"}, "direction": {"$ref": "#/$defs/direction"}}, "timestamp"
            ),
        ]
    }
    return {
        "type": "object",
        "required": [],
        "properties": {
            "filter": {"$ref": "#/$defs/filter", "description": "Which rows."},
            "sorts": {"type": "array", "description": "The order.", "items": sort},
            "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
            "start_cursor": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
        },
        "$defs": _definitions(),
    }


def _definitions() -> Json:
    filters = {"type": "array", "items": {"$ref": "#/$defs/filter"}}
    conditions = [
        _closed({"property": {"type": "string"}, kind: {"$ref": f"#/$defs/{kind}"}}, "property", kind)
        for kind in OPERATORS
    ]
    conditions += [
        _closed({"timestamp": {"const": time}, time: {"$ref": "#/$defs/date"}}, "timestamp", time) for time in TIMES
    ]
    return {
        "filter": {
            "oneOf": [
                _closed({"and": filters}, "and"),
                _closed({"or": filters}, "or"),
                {"anyOf": conditions, "description": "A condition on one property or time."},
            ]
        },
        "direction": {"type": "string", "enum": ["ascending", "descending"]},
        "timestamp": {"type": "string", "enum": list(TIMES)},
        **{kind: _condition(kind, words) for kind, words in OPERATORS.items()},
    }


def _condition(kind: str, words: tuple[str, ...]) -> Json:
    wanted = {"number": "number", "checkbox": "boolean"}.get(kind, "string")
    properties = {word: {"const": True} if word.startswith("is_") else {"type": wanted} for word in words}
    return {**_closed(properties), "minProperties": 1, "maxProperties": 1}


def _closed(properties: Json, *required: str) -> Json:
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


# --- people and comments --------------------------------------------------------------------------------------------


def _people(version: Field) -> tuple[Action, ...]:
    person = {"object": "user", "id": "0f9e8d7c-6b5a-4c3d-9e2f-1a0b9c8d7e6f", "type": "person", "name": "Zoë"}
    return (
        Action(
            "notion",
            "GET",
            "/v1/users/",
            "List Users",
            "User",
            versioned(Wiki.list_users),
            "Lists the people and the bots of the workspace.",
            (version, SIZE, CURSOR),
            output={"object": "list", "results": [person], "next_cursor": None, "has_more": False},
        ),
        Action(
            "notion",
            "GET",
            "/v1/users/{{user_id}}",
            "Retrieve a User",
            "User",
            versioned(Wiki.get_user),
            "Returns one person.",
            (version, in_path("user_id", "The person's id.", person["id"])),
            tags=(HIDDEN, "directory"),
            output=person,
        ),
        # Nothing tells a caller about the header here, so this endpoint does without.
        Action(
            "notion",
            "GET",
            "/v1/users/me",
            "Retrieve the Bot User",
            "User",
            Wiki.get_bot,
            "Returns the bot that the connection acts as.",
            shape="none",
        ),
    )


def _comments(version: Field) -> tuple[Action, ...]:
    text = [{"type": "text", "text": {"content": "Très bien"}, "plain_text": "Très bien"}]
    comment = {"object": "comment", "id": "9d8c7b6a-5f4e-4d3c-8b2a-190807060504", "rich_text": text}
    return (
        Action(
            "notion",
            "GET",
            "/v1/comments",
            "List Comments",
            "Comment",
            versioned(Wiki.list_comments),
            "Lists the open comments on a page or a block.",
            (
                version,
                in_query("block_id", "string", "The page or block.", DATABASE.sample, required=True),
                SIZE,
                CURSOR,
            ),
            tags=("comments",),
            output={"object": "list", "results": [comment], "next_cursor": None, "has_more": False},
        ),
        Action(
            "notion",
            "POST",
            "/v1/comments",
            "Create a Comment",
            "Comment",
            versioned(Wiki.create_comment),
            "Comments on a page.",
            (
                version,
                in_body("parent", "object", "What to comment on.", required=True),
                in_body("parent.page_id", "string", "The page's id.", DATABASE.sample, required=True),
                in_body(
                    "rich_text", "array of objects", "The comment.", [{"text": {"content": "Bien"}}], required=True
                ),
                in_body("rich_text[].text", "object", "One piece.", required=True),
                in_body("rich_text[].text.content", "string", "What it says.", required=True),
            ),
            tags=("comments",),
            output=comment,
        ),
    )
