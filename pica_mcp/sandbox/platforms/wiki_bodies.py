"""What Notion's bodies in the sandbox mean: blocks that nest, a database's columns, and titles."""

from pica_mcp.sandbox.platforms.wiki_objects import KINDS, content, fault, group, plain, rich, rows, words
from pica_mcp.sandbox.upstream import Json

_BLOCK_NAMES = (
    "paragraph heading_1 heading_2 heading_3 bulleted_list_item numbered_list_item to_do toggle code quote callout "
    "divider table_of_contents breadcrumb bookmark embed image video file pdf audio equation column_list column table "
    "table_row synced_block template link_to_page"
)
BLOCKS = tuple(_BLOCK_NAMES.split())

_DEPTH = 2


def blocks(sent: list[Json], depth: int = 0) -> list[Json]:
    """The blocks of a body as `type` and content, their children inside; too many or too deep is refused."""
    if depth > _DEPTH or len(sent) > 100:
        raise fault("body failed validation: body.children takes 100 blocks and nests two levels.")
    return [_block(block, depth) for block in sent]


def _block(block: Json, depth: int) -> Json:
    kind = block["type"] if "type" in block else next((name for name in block if name in BLOCKS), None)
    if not isinstance(kind, str) or kind not in BLOCKS or kind not in block:
        raise fault("body failed validation: body.children[] should have a type that exists, and its content.")
    inner = group(block[kind], f"children[].{kind}")
    text = {"rich_text": rich(inner["rich_text"], "rich_text")} if "rich_text" in inner else {}
    children = blocks(rows(inner.get("children"), "children"), depth + 1)
    return {"type": kind, kind: {**inner, **text, "children": children}}


def columns(sent: Json) -> Json:
    """The properties of a new database; exactly one of them is its title."""
    made: Json = {}
    for name, column in sent.items():
        kind = next((one for one in KINDS if one in group(column, f"properties.{name}")), None)
        if kind is None:
            raise fault(f"body failed validation: body.properties.{name} has no kind that exists.")
        made[name] = {"id": name.lower(), "name": name, "type": kind, kind: column[kind] or {}}
    if [column["type"] for column in made.values()].count("title") != 1:
        raise fault("Title is not provided: a database has exactly one property of kind title.")
    return made


def some(properties: Json, only: list[str]) -> Json:
    """The properties of those names or ids; all of them where none is named."""
    return {name: one for name, one in properties.items() if not only or name in only or one["id"] in only}


def titled(text: str) -> Json:
    """The title of a page that is in no database."""
    return {"id": "title", "type": "title", "title": words(text)}


def paragraph(text: str) -> Json:
    """A block of text."""
    return {"type": "paragraph", "paragraph": {"rich_text": words(text)}}


def title_of(one: Json) -> str:
    """What a page or a database is called."""
    if one["object"] == "database":
        return plain(one["title"])
    return next((content(held) or "" for held in one["properties"].values() if held["type"] == "title"), "")
