"""HubSpot in the sandbox: searches, which are a POST that only reads, and batches."""

from functools import partial

from pica_mcp.sandbox.catalog import Action, Field, in_body, in_path
from pica_mcp.sandbox.platforms.portal import Portal
from pica_mcp.sandbox.platforms.portal_query import OPERATORS
from pica_mcp.sandbox.upstream import Json

GOTCHAS = """## Gotchas

- Filters of one group are joined by AND, groups by OR.
- `value` is text even for numbers and dates; `IN` and `NOT_IN` take `values` instead, in lower case.
- A new object needs a moment before it is found.

```bash
# Everybody at one company, newest first
# (the star stands for any number of characters)
curl -X POST "$BASE/crm/v3/objects/contacts/search" \\
  -d '{"filterGroups":[{"filters":[{"propertyName":"email","operator":"CONTAINS_TOKEN","value":"*@acme.example"}]}]}'
```

## Error Handling

| Status | Meaning |
|--------|---------|
| 400 | A property or an operator does not exist. |
| 429 | More than five searches in one second. |"""


def actions() -> tuple[Action, ...]:
    """All of them."""
    return *_searches(), *_batches()


# --- searches -------------------------------------------------------------------------------------------------------


def _searches() -> tuple[Action, ...]:
    output = {"total": 1, "results": [_record()], "paging": {"next": {"after": "10"}}}
    return (
        Action(
            "hub-spot",
            "POST",
            "/crm/v3/objects/contacts/search",
            "Search Contacts",
            "Contact",
            partial(Portal.search, kind="contacts"),
            "Finds contacts by the values of their properties. Nothing is changed.",
            _search_fields(),
            tags=("crm", "contacts", "search"),
            output=output,
            schemas={"body": _search_schema()},
            notes=GOTCHAS,
        ),
        # HubSpot published its search under a dated path as well, and named both alike.
        *(
            Action(
                "hub-spot",
                "POST",
                path,
                "Search Objects",
                "Object",
                Portal.search,
                "Finds objects of any kind by the values of their properties.",
                (in_path("objectType", "The kind of object, by name or by type id.", "deals"), *_search_fields()),
                tags=("crm", "search"),
                shape="tables",
                output=output,
            )
            for path in ("/crm/v3/objects/{{objectType}}/search", "/crm/objects/2026-03/{{objectType}}/search")
        ),
    )


def _search_fields() -> tuple[Field, ...]:
    sample = [{"filters": [{"propertyName": "city", "operator": "EQ", "value": "London"}]}]
    return (
        in_body("filterGroups", "array of objects", "Up to five groups; one has to hold.", sample),
        in_body("filterGroups[].filters", "array of objects", "Up to six filters; all have to hold.", required=True),
        in_body("filterGroups[].filters[].propertyName", "string", "The property to look at.", required=True),
        in_body(
            "filterGroups[].filters[].operator", "string", "How to compare.", required=True, values=tuple(OPERATORS)
        ),
        in_body("filterGroups[].filters[].value", "string", "What to compare with."),
        in_body("filterGroups[].filters[].values", "array of strings", "The list for `IN` and `NOT_IN`."),
        in_body("filterGroups[].filters[].highValue", "string", "The upper end for `BETWEEN`."),
        in_body("sorts", "array of objects", "At most one property to sort by."),
        in_body("sorts[].propertyName", "string", "The property.", required=True),
        in_body("sorts[].direction", "string", "Which way.", values=("ASCENDING", "DESCENDING")),
        in_body("query", "string", "Words that occur in any property."),
        in_body("properties", "string[]", "Which properties to return.", ["email", "firstname"]),
        in_body("limit", "integer", "How many to return, 1 to 200 (default: `10`).", 10),
        in_body("after", "string | integer", "The `paging.next.after` of the answer before."),
    )


def _search_schema() -> Json:
    sort = {
        "type": "object",
        "required": ["propertyName"],
        "properties": {
            "propertyName": {"type": "string"},
            "direction": {"type": "string", "enum": ["ASCENDING", "DESCENDING"], "default": "ASCENDING"},
        },
    }
    group = {
        "type": "object",
        "required": ["filters"],
        "properties": {"filters": {"type": "array", "minItems": 1, "maxItems": 6, "items": _filter_schema()}},
    }
    return {
        "type": "object",
        "required": [],
        "properties": {
            "filterGroups": {"type": "array", "description": "One has to hold.", "maxItems": 5, "items": group},
            "sorts": {"type": "array", "description": "What to sort by.", "maxItems": 1, "items": sort},
            "query": {"type": "string", "description": "Words that occur in any property.", "maxLength": 3000},
            "properties": {"type": "array", "description": "What to return.", "items": {"type": "string"}},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 10},
            "after": {"type": ["string", "integer"], "description": "Where the next page starts."},
        },
    }


def _filter_schema() -> Json:
    return {
        "type": "object",
        "required": ["propertyName", "operator"],
        "additionalProperties": False,
        "properties": {
            "propertyName": {"type": "string", "description": "The property's internal name."},
            "operator": {"type": "string", "enum": list(OPERATORS), "description": "How to compare."},
            "value": {"type": "string", "description": "What to compare with, as text."},
            "values": {"type": "array", "items": {"type": "string"}, "description": "For `IN` and `NOT_IN`."},
            "highValue": {"type": "string", "description": "The upper end for `BETWEEN`."},
        },
    }


def _record() -> Json:
    return {"id": "318204415", "properties": {"email": "zoe@acme.example", "firstname": "Zoë"}, "archived": False}


# --- batches --------------------------------------------------------------------------------------------------------


def _batches() -> tuple[Action, ...]:
    return (
        Action(
            "hub-spot",
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            "Read a Batch of Contacts",
            "Contact",
            partial(Portal.read_batch, kind="contacts"),
            "Returns up to 100 contacts by id; those that do not exist are told in `errors`, with status 207.",
            (
                in_body("inputs", "array of objects", "Which contacts.", [{"id": "318204415"}], required=True),
                in_body("inputs[].id", "string", "An id, or a value of `idProperty`.", required=True),
                in_body("properties", "array of strings", "Which properties to return.", ["email"]),
                in_body("idProperty", "string", "A unique property that the ids are values of.", values=("email",)),
            ),
            tags=("crm", "contacts"),
            output={"status": "COMPLETE", "results": [_record()]},
        ),
        Action(
            "hub-spot",
            "POST",
            "/crm/v3/objects/contacts/batch/create",
            "Create a Batch of Contacts",
            "Contact",
            partial(Portal.create_batch, kind="contacts"),
            "Creates up to 100 contacts, or none of them.",
            (
                in_body("inputs", "array of objects", "The new contacts.", required=True),
                in_body("inputs[].properties", "object", "Properties by their internal names.", required=True),
                in_body("inputs[].properties.email", "string", "The address."),
            ),
            tags=("crm", "contacts"),
            shape="tables",
            output={"status": "COMPLETE", "results": [_record()]},
        ),
        Action(
            "hub-spot",
            "POST",
            "/crm/v3/objects/contacts/gdpr-delete",
            "Permanently Delete a Contact",
            "Contact",
            partial(Portal.erase, kind="contacts"),
            "Deletes a contact and all that is known of it for good, as the GDPR asks. This cannot be undone.",
            (
                in_body(
                    "objectId", "string | integer", "An id, or a value of `idProperty`.", "318204415", required=True
                ),
                in_body("idProperty", "string", "A unique property.", values=("email",)),
            ),
            tags=("crm", "contacts", "privacy"),
        ),
    )
