"""A Notion workspace in the sandbox: pages, blocks, one database, comments and people of one connection."""

import re
from collections.abc import Callable
from typing import Any

from pica_mcp.sandbox.platforms.wiki_bodies import blocks, columns, paragraph, some, title_of, titled
from pica_mcp.sandbox.platforms.wiki_objects import (
    dashed,
    fault,
    group,
    listing,
    lost,
    rich,
    rows,
    value,
    words,
)
from pica_mcp.sandbox.platforms.wiki_query import select
from pica_mcp.sandbox.upstream import Call, Json, Ledger, Reply, stamp


class Wiki:
    """One workspace with a handbook page and a database of tasks; every method is one Notion endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._objects: dict[str, Json] = {}  # pages and databases
        self._blocks: dict[str, Json] = {}
        self._comments: list[Json] = []
        self._people = [self._person(name, "person") for name in ("Ada", "Zoë")] + [self._person(label, "bot")]
        self._furnish(label)

    # --- search and pages -------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Reply:
        body = call.json()
        kind, text = group(body.get("filter"), "filter").get("value"), str(body.get("query") or "").lower()
        found = [one for one in self._objects.values() if not one["in_trash"] and kind in (None, one["object"])]
        found = [one for one in found if text in title_of(one).lower()]
        newest = group(body.get("sort"), "sort").get("direction") != "ascending"
        found = sorted(found, key=lambda one: one["last_edited_time"], reverse=newest)
        return listing(found, body.get("page_size"), body.get("start_cursor"), "page_or_database")

    def create_page(self, call: Call) -> Reply:
        body = call.json()
        parent = self._parent(group(body.get("parent"), "parent"))
        children = rows(body.get("children"), "children")
        properties = self._properties(parent, group(body.get("properties"), "properties"))
        inside = blocks(children)
        page = self._add("page", parent, properties=properties)
        self._append(page["id"], inside)
        return Reply(body=page)

    def get_page(self, call: Call) -> Reply:
        return Reply(body=self._find("page", call.path["page_id"]))

    def update_page(self, call: Call) -> Reply:
        page, body = self._find("page", call.path["page_id"]), call.json()
        properties = self._properties(page["parent"], group(body.get("properties"), "properties"))
        trashed = body.get("in_trash", body.get("archived", page["in_trash"])) is True
        if page["in_trash"] and trashed:
            raise fault("Can't edit page that is archived. You must unarchive the page before editing.")
        page["properties"].update(properties)
        return Reply(body=self._edited(page, in_trash=trashed, archived=trashed))

    # --- blocks -----------------------------------------------------------------------------------------------------

    def list_children(self, call: Call) -> Reply:
        parent = self._holder(call.path["block_id"])
        children = self._children(parent)
        return listing(children, call.first("page_size"), call.first("start_cursor"), "block")

    def append_children(self, call: Call) -> Reply:
        parent, body = self._holder(call.path["block_id"]), call.json()
        inside = blocks(rows(body.get("children"), "children"))
        if not inside:
            raise fault("body failed validation: body.children should be defined.")
        after = body.get("after")
        if after is not None and self._block(after)["parent"]["id"] != parent:
            raise fault("Block in `after` is not a child of the parent.")
        return listing(self._append(parent, inside, after), None, None, "block")

    def delete_block(self, call: Call) -> Reply:
        token = dashed(call.path["block_id"])
        target = self._objects.get(token) or self._block(token)
        if target["in_trash"]:
            raise fault("Can't edit block that is archived. You must unarchive the block before editing.")
        return Reply(body=self._edited(target, in_trash=True, archived=True))

    # --- databases --------------------------------------------------------------------------------------------------

    def query_database(self, call: Call) -> Reply:
        database, body = self._find("database", call.path["database_id"]), call.json()
        pages = [one for one in self._objects.values() if one["parent"].get("database_id") == database["id"]]
        found = select([one for one in pages if not one["in_trash"]], database["properties"], body)
        only = call.every("filter_properties")
        found = [{**one, "properties": some(one["properties"], only)} for one in found]
        return listing(found, body.get("page_size"), body.get("start_cursor"), "page_or_database")

    def get_database(self, call: Call) -> Reply:
        return Reply(body=self._find("database", call.path["database_id"]))

    def create_database(self, call: Call) -> Reply:
        body = call.json()
        parent = self._parent(group(body.get("parent"), "parent"))
        made = columns(group(body.get("properties"), "properties"))
        title = rich(body.get("title"), "title")
        return Reply(body=self._add("database", parent, title=title, properties=made))

    # --- people and comments ----------------------------------------------------------------------------------------

    def list_users(self, call: Call) -> Reply:
        return listing(self._people, call.first("page_size"), call.first("start_cursor"), "user")

    def get_user(self, call: Call) -> Reply:
        token = dashed(call.path["user_id"])
        for person in self._people:
            if person["id"] == token:
                return Reply(body=person)
        raise lost("user", token)

    def get_bot(self, call: Call) -> Reply:
        del call
        return Reply(body=self._people[-1])

    def list_comments(self, call: Call) -> Reply:
        target = self._holder(call.first("block_id"))
        found = [one for one in self._comments if one["parent"]["page_id"] == target]
        return listing(found, call.first("page_size"), call.first("start_cursor"), "comment")

    def create_comment(self, call: Call) -> Reply:
        body = call.json()
        parent, text = self._parent(group(body.get("parent"), "parent")), rich(body.get("rich_text"), "rich_text")
        if not text or "page_id" not in parent:
            raise fault("body failed validation: a comment needs a parent.page_id and a rich_text.")
        comment = {"object": "comment", "id": self._token(), "parent": parent, "discussion_id": self._token()}
        self._comments.append({**comment, "created_time": self._now(), "rich_text": text})
        return Reply(body=self._comments[-1])

    # --- what they share --------------------------------------------------------------------------------------------

    def _furnish(self, label: str) -> None:
        top = {"type": "workspace", "workspace": True}
        book = self._add("page", top, properties={"title": titled(f"{label} handbook")})
        self._append(
            book["id"], [paragraph("Oil the engine daily — naïve users forget."), paragraph("日本語 → English")]
        )
        kinds: Json = {
            "Name": {"title": {}},
            "Status": {"status": {}},
            "Tags": {"multi_select": {}},
            "Hours": {"number": {}},
            "Due": {"date": {}},
            "Done": {"checkbox": {}},
        }
        home = {"type": "page_id", "page_id": book["id"]}
        tasks = self._add("database", home, title=words("Tasks"), properties=columns(kinds))
        for name, status, tags, hours, due in (
            ("Oil gear 42", "Open", ("gears",), 1, "2026-01-09"),
            ("Write the memoir", "Open", ("words", "long"), 40, "2026-03-01"),
            ("Order brass", "Closed", (), None, None),
        ):
            self._task({"type": "database_id", "database_id": tasks["id"]}, name, status, tags, hours, due)

    def _task(self, parent: Json, name: str, status: str, tags: tuple[str, ...], hours: Any, due: Any) -> None:
        sent: Json = {
            "Name": {"title": words(name)},
            "Status": {"status": {"name": status}},
            "Tags": {"multi_select": [{"name": tag} for tag in tags]},
            "Hours": {"number": hours},
            "Due": {"date": due and {"start": due, "end": None}},
            "Done": {"checkbox": status == "Closed"},
        }
        self._add("page", parent, properties=self._properties(parent, sent))

    def _person(self, name: str, kind: str) -> Json:
        return {"object": "user", "id": self._token(), "type": kind, "name": name, kind: {}}

    def _token(self) -> str:
        return dashed(self._ledger.token(32))

    def _now(self) -> str:
        return stamp(self._ledger.moment()).replace("Z", ".000Z")

    def _add(self, kind: str, parent: Json, **fields: Any) -> Json:
        token, now = self._token(), self._now()
        times = {"created_time": now, "last_edited_time": now}
        state = {"archived": False, "in_trash": False, "url": f"https://www.notion.so/{token.replace('-', '')}"}
        self._objects[token] = {"object": kind, "id": token, "parent": parent, **times, **state, **fields}
        return self._objects[token]

    def _edited(self, target: Json, **fields: Any) -> Json:
        target.update(fields, last_edited_time=self._now())
        return target

    def _find(self, kind: str, token: str) -> Json:
        found = self._objects.get(dashed(token))
        if found is None or found["object"] != kind:
            raise lost(kind, token)
        return found

    def _block(self, token: Any) -> Json:
        block = self._blocks.get(dashed(str(token)))
        if block is None:
            raise lost("block", str(token))
        return block

    def _holder(self, token: str) -> str:
        """The id of a page or a block that may hold blocks."""
        page = self._objects.get(dashed(token))
        return self._find("page", token)["id"] if page else self._block(token)["id"]

    def _parent(self, sent: Json) -> Json:
        for kind in ("page", "database"):
            if f"{kind}_id" in sent:
                token = self._find(kind, str(sent[f"{kind}_id"]))["id"]
                return {"type": f"{kind}_id", f"{kind}_id": token}
        raise fault("body failed validation: body.parent should have page_id or database_id.")

    def _properties(self, parent: Json, sent: Json) -> Json:
        known: Json = {"title": {"type": "title"}}
        if "database_id" in parent:
            known = self._find("database", parent["database_id"])["properties"]
        strangers = [name for name in sent if name not in known]
        if strangers:
            raise fault(f"{strangers[0]} is not a property that exists.")
        return {name: value(name, known[name]["type"], one) for name, one in sent.items()}

    def _children(self, parent: str) -> list[Json]:
        found = [one for one in self._blocks.values() if one["parent"]["id"] == parent and not one["in_trash"]]
        return [{**one, "has_children": bool(self._children(one["id"]))} for one in found]

    def _append(self, parent: str, sent: list[Json], after: Any = None) -> list[Json]:
        made = {block["id"]: block for block in (self._make(parent, one) for one in sent)}
        rest = {token: block for token, block in self._blocks.items() if token not in made}
        place = list(rest).index(dashed(str(after))) + 1 if after is not None else len(rest)
        items = list(rest.items())
        self._blocks = dict([*items[:place], *made.items(), *items[place:]])
        return list(made.values())

    def _make(self, parent: str, sent: Json) -> Json:
        kind = sent["type"]
        body = {name: inner for name, inner in sent[kind].items() if name != "children"}
        token, now = self._token(), self._now()
        block: Json = {"object": "block", "id": token, "parent": {"type": "block_id", "id": parent}, "type": kind}
        state = {"created_time": now, "last_edited_time": now, "archived": False, "in_trash": False}
        self._append(token, sent[kind].get("children", []))
        return {**block, **state, kind: body, "has_children": bool(sent[kind].get("children"))}


def versioned(run: Callable[[Wiki, Call], Reply]) -> Callable[[Wiki, Call], Reply]:
    """The endpoint behind Notion's door: a request that does not name the version it was written for is refused."""

    def checked(wiki: Wiki, call: Call) -> Reply:
        version = call.headers.get("notion-version")
        if version is None or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", version):
            said = f"{version!r}" if version else "`undefined`"
            message = (
                f"Notion-Version header failed validation: it should be a date such as 2022-06-28, instead was {said}."
            )
            raise fault(message, "missing_version")
        return run(wiki, call)

    return checked
