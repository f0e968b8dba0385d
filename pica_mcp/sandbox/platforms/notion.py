"""Notion in the sandbox: the platform, its search, pages and blocks. Every request names the API's version."""

from pica_mcp.sandbox.catalog import Action, Connector, Platform, in_body, in_header, in_path, in_query
from pica_mcp.sandbox.platforms import notion_databases
from pica_mcp.sandbox.platforms.wiki import Wiki, versioned
from pica_mcp.sandbox.platforms.wiki_objects import refuse
from pica_mcp.sandbox.upstream import Json

VERSION = in_header("Notion-Version", "The version of the API, as a date.", "2022-06-28", required=True)
PAGE = in_path("page_id", "The page's id, with or without dashes.", "5b2f9c1e-77a0-4f0e-9c55-0d3b8f6a1e24")
BLOCK = in_path("block_id", "The id of a block, or of a page.", "5b2f9c1e-77a0-4f0e-9c55-0d3b8f6a1e24")
BLOCKS = """## Gotchas

- At most 100 blocks in one request, and two levels below them.
- `after` puts the blocks behind a child; without it they go to the end.

```json
# A heading and a paragraph below it
{
  "children": [
    {"type": "heading_2", "heading_2": {"rich_text": [{"text": {"content": "Überblick"}}]}},
    {"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "# not a heading, only text"}}]}}
  ]
}
```

```markdown
# This heading is part of an example
## and so is this one
```"""


def platform() -> Platform:
    """Notion as one of the imitated platforms."""
    return Platform(
        Connector("notion", "Notion", "Documents", "Pages and databases"),
        "https://api.notion.com",
        (_search(), *_pages(), *_page_changes(), *_blocks(), *notion_databases.actions(VERSION)),
        Wiki,
        refuse,
    )


def page_output() -> Json:
    """A page as Notion sends it."""
    title = [{"type": "text", "text": {"content": "Handbook"}, "plain_text": "Handbook"}]
    properties = {"title": {"id": "title", "type": "title", "title": title}}
    return {"object": "page", "id": PAGE.sample, "in_trash": False, "properties": properties}


def _search() -> Action:
    return Action(
        "notion",
        "POST",
        "/v1/search",
        "Search by Title",
        "Search",
        versioned(Wiki.search),
        "Finds pages and databases by their titles. Nothing is changed.",
        (
            VERSION,
            in_body("query", "string", "What occurs in the title; empty finds everything.", "Handbook"),
            in_body("filter", "object", "What kind of object."),
            in_body("filter.property", "string", "Always the same.", required=True, values=("object",)),
            in_body("filter.value", "string", "The kind.", required=True, values=("page", "database")),
            in_body("sort", "object", "The order (default: last edited first)."),
            in_body("sort.timestamp", "string", "Always the same.", values=("last_edited_time",)),
            in_body("sort.direction", "string", "Which way.", values=("ascending", "descending")),
            in_body("page_size", "integer", "How many to return, 1 to 100 (default: `100`).", 10),
            in_body("start_cursor", "string", "The `next_cursor` of the answer before."),
        ),
        tags=("search",),
        output={"object": "list", "results": [page_output()], "next_cursor": None, "has_more": False},
    )


def _pages() -> tuple[Action, ...]:
    return (
        Action(
            "notion",
            "POST",
            "/v1/pages",
            "Create a Page",
            "Page",
            versioned(Wiki.create_page),
            "Creates a page below another page, or as a row of a database.",
            (
                VERSION,
                in_body("parent", "object", "Where it goes.", {"page_id": PAGE.sample}, required=True),
                in_body("parent.page_id", "string", "The page above it."),
                in_body("parent.database_id", "string", "The database that it is a row of."),
                in_body("properties", "object", "Values by the names of the properties.", required=True),
                in_body("properties.title", "object", "The title, where the parent is a page."),
                in_body("properties.title.title", "array of objects", "A rich text."),
                in_body("properties.title.title[].text.content", "string", "The text, e.g. `Übersicht`."),
                in_body("children", "array of objects", "The blocks that it starts with."),
                in_body("icon", "object | null", "An emoji such as 🦉, or null."),
            ),
            tags=("pages",),
            output=page_output(),
        ),
        Action(
            "notion",
            "GET",
            "/v1/pages/{{page_id}}",
            "Retrieve a Page",
            "Page",
            versioned(Wiki.get_page),
            "Returns a page's properties; its text is in its blocks.",
            (VERSION, PAGE),
            tags=("pages",),
            output=page_output(),
        ),
    )


def _page_changes() -> tuple[Action, ...]:
    # Notion has one endpoint for both; the catalogue of its actions has two entries with one method and path.
    return (
        Action(
            "notion",
            "PATCH",
            "/v1/pages/{{page_id}}",
            "Update Page Properties",
            "Page",
            versioned(Wiki.update_page),
            "Changes the properties that are sent and leaves the others.",
            (
                VERSION,
                PAGE,
                in_body("properties", "object", "Values by the names of the properties."),
                in_body("in_trash", "boolean", "Whether the page is in the trash."),
            ),
            tags=("pages",),
            shape="tables",
            output=page_output(),
        ),
        Action(
            "notion",
            "PATCH",
            "/v1/pages/{{page_id}}",
            "Archive a Page",
            "Page",
            versioned(Wiki.update_page),
            "Moves a page to the trash, or takes it out again.",
            (
                VERSION,
                PAGE,
                in_body("archived", "boolean", "True to archive, false to restore.", sample=True, required=True),
            ),
            tags=("pages",),
            shape="schema",
            output={**page_output(), "in_trash": True},
        ),
    )


def _blocks() -> tuple[Action, ...]:
    text = [{"type": "text", "text": {"content": "Hello"}, "plain_text": "Hello"}]
    block = {"object": "block", "id": BLOCK.sample, "type": "paragraph", "paragraph": {"rich_text": text}}
    output = {"object": "list", "results": [block], "next_cursor": None, "has_more": False}
    sample = [{"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "Hello"}}]}}]
    return (
        Action(
            "notion",
            "GET",
            "/v1/blocks/{{block_id}}/children",
            "Retrieve Block Children",
            "Block",
            versioned(Wiki.list_children),
            "Lists the blocks directly inside a page or a block.",
            (
                VERSION,
                BLOCK,
                in_query("page_size", "integer", "How many to return, 1 to 100 (default: `100`).", 50),
                in_query("start_cursor", "string", "The `next_cursor` of the answer before."),
            ),
            tags=("blocks",),
            output=output,
        ),
        Action(
            "notion",
            "PATCH",
            "/v1/blocks/{{block_id}}/children",
            "Append Block Children",
            "Block",
            versioned(Wiki.append_children),
            "Adds blocks to the end of a page or a block, or behind one of its children.",
            (
                VERSION,
                BLOCK,
                in_body("children", "array of objects", "The blocks.", sample, required=True),
                in_body("children[].type", "string", "The kind of block, e.g. `paragraph`.", required=True),
                in_body("children[].paragraph", "object", "The content, under the name of the kind."),
                in_body("children[].paragraph.rich_text", "array of objects", "A rich text.", required=True),
                in_body("children[].paragraph.rich_text[].text.content", "string", "The text.", required=True),
                in_body("after", "string", "The child to put them behind."),
            ),
            tags=("blocks",),
            output=output,
            notes=BLOCKS,
        ),
        Action(
            "notion",
            "DELETE",
            "/v1/blocks/{{block_id}}",
            "Delete a Block",
            "Block",
            versioned(Wiki.delete_block),
            "Moves a block or a page to the trash.",
            (VERSION, BLOCK),
            tags=("blocks",),
            shape="tables",
            output={**block, "in_trash": True},
        ),
    )
