"""Attio in the sandbox: records with their filters, notes and tasks."""

from pica_mcp.sandbox.catalog import Action, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.rolodex import Rolodex
from pica_mcp.sandbox.platforms.rolodex_query import OPERATORS
from pica_mcp.sandbox.upstream import Json

OBJECT = in_path("object", "The object's slug or id.", "people")
RECORD = in_path("record_id", "The record's id.", "7e6f5a4b-3c2d-4e1f-9a8b-7c6d5e4f3a2b")
DATA = in_body("data", "object", "The record.", required=True)
VALUES = in_body(
    "data.values",
    "object",
    "Values by the slugs of the attributes; one value, or an array of them.",
    {"name": "Zoë Müller", "email_addresses": ["zoe@acme.example"]},
    required=True,
)


def actions() -> tuple[Action, ...]:
    """All of them."""
    return _query(), *_writing(), *_single(), *_notes(), *_tasks()


def _record() -> Json:
    name = {"full_name": "Zoë Müller", "attribute_type": "personal-name"}
    return {"id": {"record_id": RECORD.sample}, "values": {"name": [name]}}


# --- records --------------------------------------------------------------------------------------------------------


def _query() -> Action:
    sample = {"email_addresses": {"$contains": "@acme.example"}}
    return Action(
        "attio",
        "POST",
        "/objects/{{object}}/records/query",
        "List Records",
        "Record",
        Rolodex.query_records,
        "Lists the records of an object that pass a filter. Nothing is changed.",
        (
            OBJECT,
            in_query("limit", "integer", "As in the body, for older clients; the body's counts."),
            in_query("offset", "integer", "As in the body, for older clients; the body's counts."),
            in_body("filter", "object", "Conditions by attribute, and `$and`, `$or`, `$not` around them.", sample),
            in_body("sorts", "array of objects", "The order."),
            in_body("sorts[].attribute", "string", "The attribute's slug.", required=True),
            in_body("sorts[].direction", "string", "Which way.", values=("asc", "desc")),
            in_body("limit", "integer", "How many to return, 1 to 500 (default: `500`).", 20),
            in_body("offset", "integer", "How many to leave out (default: `0`)."),
        ),
        tags=("records", "search"),
        output={"data": [_record()]},
        schemas={"body": _query_schema()},
    )


def _query_schema() -> Json:
    sort = {
        "type": "object",
        "required": ["attribute"],
        "properties": {"attribute": {"type": "string"}, "direction": {"type": "string", "enum": ["asc", "desc"]}},
    }
    return {
        "type": "object",
        "required": [],
        "properties": {
            "filter": {"$ref": "#/$defs/filter"},
            "sorts": {"type": "array", "description": "The order.", "items": sort},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500},
            "offset": {"type": "integer", "minimum": 0},
        },
        "$defs": {"filter": _filter(), "condition": _condition()},
    }


def _filter() -> Json:
    several = {"type": "array", "items": {"$ref": "#/$defs/filter"}}
    return {
        "type": "object",
        "description": "Conditions by attribute.",
        "properties": {"$and": several, "$or": several, "$not": {"$ref": "#/$defs/filter"}},
        "additionalProperties": {"$ref": "#/$defs/condition"},
    }


def _condition() -> Json:
    plain = {"type": ["string", "number", "boolean"]}
    operators = {
        **dict.fromkeys(OPERATORS, plain),
        "$in": {"type": "array", "items": plain},
        "$not_empty": {"type": "boolean"},
    }
    return {"anyOf": [plain, {"type": "object", "properties": operators, "additionalProperties": False}]}


def _writing() -> tuple[Action, ...]:
    by = in_query(
        "matching_attribute",
        "string",
        "The unique attribute that tells whether the record exists.",
        "email_addresses",
        required=True,
    )
    return (
        Action(
            "attio",
            "POST",
            "/objects/{{object}}/records",
            "Create a Record",
            "Record",
            Rolodex.create_record,
            "Creates a record, unless one with the same unique value exists.",
            (OBJECT, DATA, VALUES),
            tags=("records",),
            output={"data": _record()},
        ),
        Action(
            "attio",
            "PUT",
            "/objects/{{object}}/records",
            "Assert a Record",
            "Record",
            Rolodex.assert_record,
            "Updates the record that has the same value of a unique attribute, or creates one.",
            (OBJECT, by, DATA, VALUES),
            tags=("records",),
            shape="tables",
            output={"data": _record()},
        ),
    )


def _single() -> tuple[Action, ...]:
    return (
        Action(
            "attio",
            "GET",
            "/objects/{{object}}/records/{{record_id}}",
            "Get a Record",
            "Record",
            Rolodex.get_record,
            "Returns one record.",
            (OBJECT, RECORD),
            tags=("records",),
            shape="schema",
            output={"data": _record()},
        ),
        Action(
            "attio",
            "DELETE",
            "/objects/{{object}}/records/{{record_id}}",
            "Delete a Record",
            "Record",
            Rolodex.delete_record,
            "Deletes a record for good.",
            (OBJECT, RECORD),
            tags=("records",),
            output={},
        ),
    )


# --- notes and tasks ------------------------------------------------------------------------------------------------


def _notes() -> tuple[Action, ...]:
    note = {"title": "Call", "parent_object": "people", "content_plaintext": "Très bien"}
    return (
        Action(
            "attio",
            "GET",
            "/notes",
            "List Notes",
            "Note",
            Rolodex.list_notes,
            "Lists notes, of all records or of one.",
            (
                in_query("parent_object", "string", "The slug of the record's object."),
                in_query("parent_record_id", "string", "The record's id."),
                in_query("limit", "integer", "How many to return, 1 to 50 (default: `10`)."),
                in_query("offset", "integer", "How many to leave out (default: `0`)."),
            ),
            tags=("notes",),
            shape="tables",
            output={"data": [note]},
        ),
        Action(
            "attio",
            "POST",
            "/notes",
            "Create a Note",
            "Note",
            Rolodex.create_note,
            "Writes a note about a record.",
            (
                in_body("data", "object", "The note.", required=True),
                in_body("data.parent_object", "string", "The slug of the record's object.", "people", required=True),
                in_body("data.parent_record_id", "string", "The record's id.", RECORD.sample, required=True),
                in_body("data.title", "string", "What it is about.", "Call", required=True),
                in_body(
                    "data.format",
                    "string",
                    "How to read it.",
                    "plaintext",
                    required=True,
                    values=("plaintext", "markdown"),
                ),
                in_body("data.content", "string", "The text.", "Très bien", required=True),
            ),
            tags=("notes",),
            output={"data": note},
        ),
    )


def _tasks() -> tuple[Action, ...]:
    task: Json = {"content_plaintext": "Oil gear 42", "is_completed": False, "linked_records": []}
    return (
        Action(
            "attio",
            "GET",
            "/tasks",
            "List Tasks",
            "Task",
            Rolodex.list_tasks,
            "Lists tasks, oldest first.",
            (
                in_query("expand[]", "string[]", "What to show in full; may be repeated.", ["linked_records"]),
                in_query("is_completed", "boolean", "Only those that are done, or only those that are not."),
                in_query("limit", "integer", "How many to return, 1 to 500 (default: `500`)."),
                in_query("offset", "integer", "How many to leave out (default: `0`)."),
            ),
            tags=("tasks",),
            output={"data": [task]},
        ),
        Action(
            "attio",
            "POST",
            "/tasks",
            "Create a Task",
            "Task",
            Rolodex.create_task,
            "Gives somebody something to do.",
            (
                in_body("data", "object", "The task.", required=True),
                in_body("data.content", "string", "What to do. Max length 2000.", "Oil gear 42", required=True),
                in_body("data.deadline_at", "string | null", "Until when, in ISO-8601, or null."),
                in_body("data.is_completed", "boolean", "Whether it is done (default: `false`)."),
                in_body("data.linked_records", "array of objects", "The records that it is about."),
                in_body("data.linked_records[].target_object", "string", "The object's slug.", required=True),
                in_body("data.linked_records[].target_record_id", "string", "The record's id.", required=True),
                in_body("data.assignees", "array of strings", "The ids of the members who do it."),
            ),
            tags=("tasks",),
            output={"data": task},
        ),
    )
