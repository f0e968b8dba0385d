"""Attio in the sandbox: the platform, its attributes, objects and lists."""

from pica_mcp.sandbox.catalog import HIDDEN, Action, Connector, Field, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms import attio_records
from pica_mcp.sandbox.platforms.rolodex import Rolodex
from pica_mcp.sandbox.platforms.rolodex_values import KINDS, refuse
from pica_mcp.sandbox.upstream import Json

TARGET = (
    in_path("target", "Whether the attributes belong to `objects` or to `lists`.", "objects"),
    in_path("identifier", "The slug of the object or the list, or its id.", "people"),
)
ATTRIBUTE = in_path("attribute", "The attribute's slug or id.", "job_title")
READ_AS = in_query("identifier", "string", "How to read the path's identifier.", values=("slug", "id"))
LIMIT = in_query("limit", "integer", "How many to return, 1 to 500 (default: `500`).", 100)
OFFSET = in_query("offset", "integer", "How many to leave out (default: `0`).")
GOTCHAS = """## Gotchas

- An attribute cannot be deleted, only archived; its slug stays taken.
- `identifier` occurs three times: in the path, in the query, and in the body.

```yaml
# What each of them means
path.identifier: people   # the object
query.identifier: slug    # how to read the path
body.identifier: people   # a safeguard; must agree with the path
```"""


def platform() -> Platform:
    """Attio as one of the imitated platforms."""
    return Platform(
        Connector("attio", "Attio", "CRM", "Relationships with people and companies"),
        "https://api.attio.com/v2",
        (*_attributes(), *_attribute(), *_objects(), *attio_records.actions()),
        Rolodex,
        refuse,
    )


def _output() -> Json:
    return {"data": {"api_slug": "job_title", "type": "text", "title": "Job title", "is_archived": False}}


def _attributes() -> tuple[Action, ...]:
    return (
        Action(
            "attio",
            "GET",
            "/{{target}}/{{identifier}}/attributes",
            "List Attributes",
            "Attribute",
            Rolodex.list_attributes,
            "Lists the attributes of an object or a list.",
            (*TARGET, READ_AS, LIMIT, OFFSET, in_query("show_archived", "boolean", "Archived ones as well.")),
            tags=("schema",),
            output={"data": [_output()["data"]]},
        ),
        Action(
            "attio",
            "POST",
            "/{{target}}/{{identifier}}/attributes",
            "Create an Attribute",
            "Attribute",
            Rolodex.create_attribute,
            "Gives an object or a list another attribute.",
            (*TARGET, READ_AS, *_creation()),
            tags=("schema",),
            output=_output(),
            notes=GOTCHAS,
        ),
    )


def _creation() -> tuple[Field, ...]:
    return (
        in_body("identifier", "string", "The object or list that is meant, as a safeguard."),
        in_body("data", "object", "The attribute.", required=True),
        in_body("data.title", "string", "What people read, e.g. `Größe`.", "Shoe size", required=True),
        in_body("data.api_slug", "string", "What programs read, in snake case.", "shoe_size", required=True),
        in_body("data.type", "string", "What it holds.", "number", required=True, values=tuple(KINDS)),
        in_body("data.description", "string", "What it is for."),
        in_body("data.is_required", "boolean", "Whether every record needs one (default: `false`)."),
        in_body("data.is_unique", "boolean", "Whether no two records have the same (default: `false`)."),
        in_body("data.is_multiselect", "boolean", "Whether it holds several values (default: `false`)."),
        in_body("data.default_value", "string | integer | boolean", "What a new record starts with."),
    )


def _attribute() -> tuple[Action, ...]:
    return (
        Action(
            "attio",
            "GET",
            "/{{target}}/{{identifier}}/attributes/{{attribute}}",
            "Get an Attribute",
            "Attribute",
            Rolodex.get_attribute,
            "Returns one attribute.",
            (*TARGET, ATTRIBUTE),
            tags=("schema",),
            shape="schema",
            output=_output(),
        ),
        Action(
            "attio",
            "PATCH",
            "/{{target}}/{{identifier}}/attributes/{{attribute}}",
            "Update an Attribute",
            "Attribute",
            Rolodex.update_attribute,
            "Changes what an attribute is called, or archives it.",
            (
                *TARGET,
                ATTRIBUTE,
                in_body("data", "object", "What to change.", {"title": "Größe"}, required=True),
                in_body("data.title", "string", "What people read."),
                in_body("data.description", "string", "What it is for."),
                in_body("data.is_archived", "boolean", "Whether it is out of use."),
            ),
            tags=(HIDDEN, "schema"),
            shape="tables",
            output=_output(),
        ),
    )


def _objects() -> tuple[Action, ...]:
    return (
        Action(
            "attio",
            "GET",
            "/objects",
            "List Objects",
            "Object",
            Rolodex.list_objects,
            "Lists the kinds of records.",
            output={"data": [{"api_slug": "people", "singular_noun": "Person", "plural_noun": "People"}]},
        ),
        Action(
            "attio",
            "GET",
            "/objects/{{object}}",
            "Get an Object",
            "Object",
            Rolodex.get_object,
            "Returns one kind of record.",
            (in_path("object", "The object's slug or id.", "people"),),
            shape="none",
        ),
        Action(
            "attio",
            "GET",
            "/lists",
            "List Lists",
            "List",
            Rolodex.list_lists,
            "Lists the lists of the workspace.",
            (
                in_query("$filter", "string", "One comparison of `name` or `api_slug`.", "name eq 'Sales'"),
                in_query("$top", "integer", "How many to return, 1 to 500.", 20),
                in_query("$skip", "integer", "How many to leave out."),
            ),
            output={"data": [{"api_slug": "sales", "name": "Sales — été"}]},
        ),
    )
