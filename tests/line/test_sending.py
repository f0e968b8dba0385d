"""What leaves for a provider is what its documentation asks for, whichever way a model calls the action."""

from __future__ import annotations

import base64
import gc
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

import anyio
import mcp_types as mcp
import pytest
from mcp import Client
from mcp_types import CallToolResult

from pica_mcp.app import App
from pica_mcp.passthrough import Part
from pica_mcp.sandbox import Sandbox, forms, platforms
from pica_mcp.sandbox.catalog import GROWN, Action, Catalog, Connector, Field, Platform, in_body, in_header, in_path
from pica_mcp.sandbox.upstream import Call as Arrived
from pica_mcp.sandbox.upstream import Reply
from pica_mcp.server import build
from pica_mcp.tools import ActionTool, Call, File

EXECUTE = "execute_pica_action"
BO = {"PICA_IDENTITY": "bo", "PICA_IDENTITY_TYPE": "user"}
CATALOG = Catalog(platforms.imitated(), ())
HONEST = [platform.name for platform in platforms.imitated() if platform.name != "bazaar"]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
NAME = "Größe 寸法.png"
DATA = f"data:image/png;name={NAME};base64,{base64.b64encode(PNG).decode()}"


# A platform of which the sandbox has no like: bodies that are files and texts, and parts that are objects


def accepted(world: Any, call: Arrived) -> Reply:
    del world
    return Reply(body={"bytes": len(call.body)})


def opened(seed: str, label: str) -> None:
    del seed, label


def refused(status: int) -> Reply:
    return Reply(status, {})


def depot() -> Platform:
    def action(number: int, method: str, path: str, title: str, *inputs: Field, notes: str = "", **more: Any) -> Action:
        about = f"{title}."
        return Action(
            "depot", method, path, title, "Crate", accepted, about, inputs, notes=notes, number=GROWN + number, **more
        )

    key = in_path("key", "The crate's name.", "gear.png")
    body = "## Required Request Body Fields\n\nThe body is {}.\n\n## Sample Request\n\n```bash\n{}\n```"
    raw = "curl -X PUT 'https://depot.example/v2/crates/gear.png/' -H 'Content-Type: image/png' --data-binary @gear.png"
    text = "curl -X POST 'https://depot.example/v2/rows' -H 'Content-Type: text/csv' -d 'name,size'"
    kind = "Of what type the body is."
    actions = (
        action(
            0, "PUT", "/v2/crates/{{key}}/", "Put a Crate", key, in_header("Content-Type", kind, "image/png"),
            notes=body.format("the crate's bytes", raw),
        ),
        action(
            1, "POST", "/v2/rows", "Import Rows", in_header("Content-Type", kind, "text/csv"),
            notes=body.format("text in CSV", text),
        ),
        action(
            2, "POST", "/v2/crates", "Attach a Crate",
            in_body("metadata", "object", "What it is.", required=True),
            in_body("metadata.title", "string", "What to call it.", "Gear", required=True),
            in_body("file", "string", "The file's bytes.", "@gear.png", required=True),
            in_body("labels", "string[]", "Words to find it by.", ["brass"]),
            encoding="multipart",
        ),
    )  # fmt: skip
    connector = Connector("depot", "Depot", "Storage", "Crates of any kind")
    return Platform(connector, "https://depot.example", actions, opened, refused)


# Calling


@dataclass(frozen=True)
class Desk:
    """A client whose calls of actions can be seen as they arrive."""

    app: App
    client: Client
    passed: Callable[[], list[Any]]
    said: Callable[[CallToolResult], str]
    defined: Callable[[App, str], Awaitable[ActionTool]]

    async def tool(self, action: Action) -> ActionTool:
        """Return the action's own tool. Hidden ones have none, nor those that share a title as listings tell no ids."""
        names = await self.app.pipeline.toolbox._names.of(action.platform)  # pyright: ignore[reportPrivateUsage]
        for name, row in names.items():
            if row.title == action.title and not action.is_hidden:
                tool = await self.defined(self.app, name)
                if tool.action.id == action.id:
                    return tool
        raise LookupError(action.title)

    async def named(self, action: Action, call: Call, **literally: Any) -> Any:
        """Call the action's own tool with these values under its flat names, and return what arrived."""
        tool = await self.tool(action)
        flat = {**tool.parameters.flat(call), **literally}
        return await self.arrival(tool.definition.name, flat)

    async def by_id(self, action: Action, call: Call) -> Any:
        groups = {"pathVariables": call.path, "queryParams": call.query, "headers": call.headers, "data": call.body}
        given = {name: value for name, value in groups.items() if value not in ({}, None)}
        return await self.arrival(EXECUTE, {"platform": action.platform, "actionId": action.id, **given})

    async def arrival(self, name: str, arguments: dict[str, Any]) -> Any:
        before = len(self.passed())
        result = await self.client.call_tool(name, arguments)
        arrived = self.passed()[before:]
        assert len(arrived) == 1, f"{name} {arguments}: {self.said(result)}"
        return arrived[0]


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk(serve: Any, said: Any, defined: Any) -> Open:
    """Open the door for Bo, who has one account of each of these platforms."""

    @asynccontextmanager
    async def desk(
        *connected: str, extra: tuple[Platform, ...] = (), mode: str = "auto", person: Any = None, **variables: str
    ) -> AsyncGenerator[Desk]:
        box = Sandbox(extra=extra)
        for platform in (*connected, *(one.name for one in extra)):
            box.connect(platform, identity="bo", identity_type="user")

        def arrived() -> list[Any]:
            return [request for request in box.requests if request.path.startswith("/v1/passthrough")]

        async with (
            serve(box.app, **BO, **variables) as app,
            Client(build(app), mode=mode, elicitation_callback=person) as client,  # pyright: ignore[reportArgumentType]
        ):
            yield Desk(app, client, arrived, said, defined)

    return desk


def found(platform: str, title: str, path: str = "", actions: tuple[Action, ...] = ()) -> Action:
    (action,) = (
        one
        for one in actions or CATALOG.actions(platform)
        if one.title == title and (not path or one.path.startswith(path))
    )
    return action


# Reading what arrived


@dataclass(frozen=True)
class Piece:
    content: bytes
    filename: str | None = None
    media_type: str | None = None


def pieces(arrived: Any) -> list[tuple[str, Piece]]:
    """The parts of a multipart body as Python's own parser of mail reads them."""
    head = f"content-type: {arrived.header('content-type')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + arrived.body)
    assert message.get_content_type() == "multipart/form-data"
    return [_piece(part) for part in message.iter_parts()]


def _piece(part: Message) -> tuple[str, Piece]:
    name = str(part.get_param("name", header="content-disposition"))
    kind = str(part["content-type"]) if part["content-type"] else None
    # The header is in UTF-8, as browsers and httpx write it, and the parser keeps such bytes apart.
    filename = part.get_filename()
    plain = None if filename is None else filename.encode(errors="surrogateescape").decode()
    return name, Piece(cast("bytes", part.get_payload(decode=True)), plain, kind)


def fields_of(arrived: Any) -> list[tuple[str, str]]:
    body: bytes = arrived.body
    return sorted(parse_qsl(body.decode(), keep_blank_values=True))


def document_of(operation: str) -> str:
    return " ".join(operation.split())


# Every action that the sandbox has


def example(action: Action) -> Call:
    """A call with a value for everything that the action documents, but what we know ourselves."""
    groups: dict[str, Any] = {"path": {}, "query": {}, "headers": {}}
    for place, group in groups.items():
        group |= {field.name: value(field) for field in action.of(cast("Any", place))}
    groups["headers"].pop("Notion-Version", None)
    return Call(**groups, body=body_of(action))


def body_of(action: Action) -> Any:
    if action.title in WHOLE:
        return WHOLE[action.title]
    fields = action.of("body")
    first = next((field.option for field in fields if field.option), "")
    body: dict[str, Any] = {}
    for field in fields:
        is_ours = field.name == "connectionKey" or (action.encoding == "graphql" and field.name == "query")
        has_more = any(other.name.startswith((f"{field.name}.", f"{field.name}[].")) for other in fields)
        if not is_ours and not has_more and field.option in ("", first):
            plant(body, field.name, value(field))
    return body or None


def plant(body: dict[str, Any], name: str, planted: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        inner: Any = body.setdefault(parent.removesuffix("[]"), [{}] if parent.endswith("[]") else {})
        body = inner[0] if parent.endswith("[]") else inner
    body[last] = planted


def value(field: Field) -> Any:
    if field.name == "file":
        return DATA
    if "trash" in field.name:  # would destroy, which the tool is not listed with
        return False
    if field.values:
        return field.values[0]
    sample = KINDS[field.kind.split("|")[0].strip()] if field.sample is None else field.sample
    return [sample] if "| array" in field.kind else sample  # one or several is shown as several


KINDS: Mapping[str, Any] = {
    "string": "some words",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "object": {"k": "v"},
    "string[]": ["a", "b"],
    "array of strings": ["a", "b"],
    "array of objects": [{"k": "v"}],
    "array of arrays": [["a", 1]],
}
WHOLE: Mapping[str, Any] = {
    "Create a Chat Completion": {"model": "echo-large", "messages": [{"role": "user", "content": "Hello"}]},
    "Batch Update a Spreadsheet": {"requests": [{"addSheet": {"properties": {"title": "Prices"}}}]},
    "Bulk Create Secrets": [{"name": "SMTP_PASSWORD", "value": "oil-can"}, {"name": "B", "value": "b"}],
    "Bulk Delete Secrets": ["SMTP_PASSWORD", "B"],
}
"""Bodies that are a schema or a list."""


def written(group: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Query parameters as they are to arrive: a list repeats its key."""
    return sorted((name, plain(item)) for name, one in group.items() for item in listed(one))


def listed(one: Any) -> list[Any]:
    return cast("list[Any]", one) if isinstance(one, list) else [one]


def plain(item: Any) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)


def as_words(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: as_words(inner) for name, inner in cast("dict[str, Any]", body).items()}
    return [as_words(inner) for inner in cast("list[Any]", body)] if isinstance(body, list) else plain(body)


def faults(action: Action, call: Call, arrived: Any) -> Iterator[str]:
    """What of the request is not as documented."""
    path = re.sub(r"\{\{(\w+)\}\}", lambda name: str(call.path[name[1]]), action.path)
    if (arrived.method, unquote(arrived.path)) != (action.method, f"/v1/passthrough{path}"):
        yield f"{arrived.method} {arrived.path}"
    if arrived.path.count("/") != action.path.count("/") + 2:
        yield f"another number of segments: {arrived.path}"
    if sorted(arrived.query) != written(call.query):
        yield f"query {arrived.query}"
    for field in action.of("headers"):
        if arrived.header(field.name) != str(call.headers.get(field.name, field.sample)):
            yield f"header {field.name}: {arrived.header(field.name)}"
    if (sent := sent_body(action, arrived)) != (wanted := wanted_body(action, call, arrived)):
        yield f"body {sent!r}, not {wanted!r}"


def sent_body(action: Action, arrived: Any) -> Any:
    kind = (arrived.header("content-type") or "").partition(";")[0]
    if not arrived.body and not kind:
        return None
    if action.encoding == "multipart":
        return pieces(arrived)
    if action.encoding == "form":
        return (kind, forms.parse(arrived.body))
    body = json.loads(arrived.body)
    return (kind, {**body, "query": document_of(body["query"])} if action.encoding == "graphql" else body)


def wanted_body(action: Action, call: Call, arrived: Any) -> Any:
    body: Any = call.body
    if action.is_custom:
        return "application/json", {**(body or {}), "connectionKey": arrived.header("x-pica-connection-key")}
    if action.encoding == "graphql":
        return "application/json", {"query": document_of(action.operation), **(body or {})}
    if body is None:
        return None
    if action.encoding == "multipart":
        return [
            (name, Piece(PNG, NAME, "image/png") if one == DATA else Piece(one.encode())) for name, one in body.items()
        ]
    if action.encoding == "form":
        return "application/x-www-form-urlencoded", as_words(body)
    return "application/json", body


@pytest.mark.parametrize("platform", HONEST)
async def test_every_action_sends_what_its_documentation_asks_for(desk: Open, platform: str) -> None:
    wrong: list[str] = []
    nameless: set[str] = set()
    async with desk(platform) as open_desk:
        for action in CATALOG.actions(platform, supported=True):
            call = example(action)
            for way in (open_desk.named, open_desk.by_id):
                told: list[str] = []
                try:
                    told = list(faults(action, call, await way(action, call)))
                except LookupError:
                    nameless.add(action.title)
                except AssertionError as error:
                    told = [str(error)]
                wrong += [f"{action.title} ({way.__name__}): {one}" for one in told]
    assert wrong == []
    titles = [action.title for action in CATALOG.actions(platform, supported=True)]
    hidden = {action.title for action in CATALOG.actions(platform) if action.is_hidden}
    assert nameless == hidden | {title for title in titles if titles.count(title) > 1}


# Shapes, each with a call as a model writes it


async def test_a_list_repeats_its_key(desk: Open) -> None:
    async with desk("exa", "google-sheets") as open_desk:
        ranges = ["A1:B2", "'Größe'!C1"]
        several = found("google-sheets", "Get Values of Several Ranges")
        arrived = await open_desk.named(several, Call(), spreadsheetId="s-1", ranges=ranges)
        assert arrived.query == (("ranges", "A1:B2"), ("ranges", "'Größe'!C1"))
        monitors = found("exa", "List Monitors", "/v0")
        query = {
            "expand[]": ["runs"],
            "status": ["active", "paused"],
            "filter[status]": "active",
            "$filter": "name eq 'a & b'",
        }
        arrived = await open_desk.by_id(monitors, Call(query=query))
    assert sorted(arrived.query) == [
        ("$filter", "name eq 'a & b'"),
        ("expand[]", "runs"),
        ("filter[status]", "active"),
        ("status", "active"),
        ("status", "paused"),
    ]


async def test_stripe_gets_brackets(desk: Open) -> None:
    async with desk("stripe") as open_desk:
        arrived = await open_desk.named(
            found("stripe", "Create a Customer"),
            Call(),
            email="ada@acme.example",
            address={"line1": "1 Café & Co", "city": "London"},
            preferred_locales=["en", "fr"],
            metadata={"order[1]": "7", "paid": True},
        )
        assert arrived.header("content-type") == "application/x-www-form-urlencoded"
        assert fields_of(arrived) == [
            ("address[city]", "London"),
            ("address[line1]", "1 Café & Co"),
            ("email", "ada@acme.example"),
            ("metadata[order[1]]", "7"),
            ("metadata[paid]", "true"),
            ("preferred_locales[0]", "en"),
            ("preferred_locales[1]", "fr"),
        ]
        intent = {"amount": 4200, "currency": "gbp", "shipping": {"name": "Ada", "address": {"city": "London"}}}
        arrived = await open_desk.by_id(found("stripe", "Create a Payment Intent"), Call(body=intent))
        assert fields_of(arrived) == [
            ("amount", "4200"),
            ("currency", "gbp"),
            ("shipping[address][city]", "London"),
            ("shipping[name]", "Ada"),
        ]


async def test_a_suffix_of_a_placeholder_and_a_slash_at_the_end_stay(desk: Open) -> None:
    async with desk("google-sheets", "hub-spot", "notion") as open_desk:
        rows = Call(
            path={"spreadsheetId": "s-1", "range": "'Data & Co'!A1:B2"},
            query={"valueInputOption": "RAW"},
            body={"values": [["a", 1]]},
        )
        arrived = await open_desk.named(found("google-sheets", "Append Values"), rows)
        assert arrived.path == "/v1/passthrough/v4/spreadsheets/s-1/values/%27Data%20%26%20Co%27%21A1:B2:append"
        assert json.loads(arrived.body) == {"values": [["a", 1]]}
        arrived = await open_desk.named(found("notion", "List Users"), Call())
        assert arrived.path == "/v1/passthrough/v1/users/"
        search = found("hub-spot", "Search Objects", "/crm/objects/2026-03/")
        body = {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ", "value": "x"}]}]}
        arrived = await open_desk.by_id(search, Call(path={"objectType": "2-1/x"}, body=body))
        assert arrived.path == "/v1/passthrough/crm/objects/2026-03/2-1%2Fx/search"


async def test_a_required_header_is_sent_without_the_model(desk: Open) -> None:
    async with desk("notion") as open_desk:
        page = found("notion", "Retrieve a Page")
        tool = await open_desk.tool(page)
        assert "version" not in json.dumps(tool.definition.input_schema).lower()
        for way in (open_desk.named, open_desk.by_id):
            arrived = await way(page, Call(path={"page_id": "p-1"}))
            assert arrived.header("notion-version") == "2022-06-28"


async def test_one_name_in_three_places_arrives_in_each(desk: Open) -> None:
    async with desk("attio") as open_desk:
        call = Call(
            path={"target": "objects", "identifier": "in-path"},
            query={"identifier": "slug"},
            body={"identifier": "in-body", "data": {"title": "T", "api_slug": "t", "type": "text"}},
        )
        arrived = await open_desk.named(found("attio", "Create an Attribute"), call)
    assert arrived.path == "/v1/passthrough/objects/in-path/attributes"
    assert arrived.query == (("identifier", "slug"),)
    assert json.loads(arrived.body) == call.body


async def test_graphql_gets_its_document_and_the_variables(desk: Open) -> None:
    async with desk("linear") as open_desk:
        create = found("linear", "Create an Issue")
        tool = await open_desk.tool(create)
        assert "mutation" not in json.dumps(tool.definition.input_schema)
        fields = {"teamId": "t-1", "title": 'Oil "gear" 42 }', "priority": 2}
        arrived = await open_desk.named(create, Call(body={"variables": {"input": fields}}))
    sent = json.loads(arrived.body)
    assert sent == {"query": sent["query"], "variables": {"input": fields}}
    assert document_of(sent["query"]) == document_of(create.operation)


async def test_a_custom_action_gets_the_key_of_the_connection(desk: Open) -> None:
    async with desk("gmail") as open_desk:
        mail = found("gmail", "Send Email")
        tool = await open_desk.tool(mail)
        assert "connectionKey" not in json.dumps(tool.definition.input_schema)
        body = {"to": "a@b.example", "subject": "S", "body": "B"}
        foreign = body | {"connectionKey": "live::gmail::default::mallory"}
        for arrived in (await open_desk.named(mail, Call(body=body)), await open_desk.by_id(mail, Call(body=foreign))):
            key = arrived.header("x-pica-connection-key")
            assert json.loads(arrived.body) == body | {"connectionKey": key}
            assert "mallory" not in key


async def test_a_list_is_a_body_of_a_delete_too(desk: Open) -> None:
    async with desk("supabase") as open_desk:
        for title in ("Bulk Create Secrets", "Bulk Delete Secrets"):
            action = found("supabase", title)
            for way in (open_desk.named, open_desk.by_id):
                arrived = await way(action, Call(path={"ref": "r-1"}, body=WHOLE[title]))
                assert (arrived.method, json.loads(arrived.body)) == (action.method, WHOLE[title])
                assert arrived.header("content-type") == "application/json"


async def test_what_has_no_body_has_no_type_either(desk: Open) -> None:
    async with desk("gmail", "supabase") as open_desk:
        check = Call(path={"ref": "r-1", "bucket": "b", "name": "a b.txt"})
        head = await open_desk.named(found("supabase", "Check whether an Object exists"), check)
        trash = await open_desk.named(found("gmail", "Trash Message"), Call(path={"userId": "me", "id": "1"}))
    assert (head.method, head.path) == ("HEAD", "/v1/passthrough/v1/projects/r-1/storage/b/a%20b.txt")
    assert (trash.method, trash.path) == ("POST", "/v1/passthrough/users/me/messages/1/trash")
    for arrived in (head, trash):
        assert (arrived.body, arrived.header("content-type")) == (b"", None)


# Files


async def test_a_data_uri_is_a_part_with_its_name(desk: Open) -> None:
    async with desk("openai") as open_desk:
        upload = found("openai", "Upload a File")
        for way in (open_desk.named, open_desk.by_id):
            arrived = await way(upload, Call(body={"file": DATA, "purpose": "user_data"}))
            assert sorted(pieces(arrived)) == [
                ("file", Piece(PNG, NAME, "image/png")),
                ("purpose", Piece(b"user_data")),
            ]


async def test_a_file_of_the_folder_is_a_part_after_what_describes_it(desk: Open, tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "note.txt").write_bytes(b"Oil gear 42.\r\n--x")
    metadata = '{"name": "note.txt", "mimeType": "text/plain"}'
    async with desk("google-drive", PICA_FILES=str(tmp_path)) as open_desk:
        upload = found("google-drive", "Upload a File")
        call = Call(query={"uploadType": "multipart"}, body={"metadata": metadata, "file": "plans/note.txt"})
        arrived = await open_desk.named(upload, call)
    assert arrived.query == (("uploadType", "multipart"),)
    (first, described), (second, file) = pieces(arrived)
    assert (first, described.content, described.filename) == ("metadata", metadata.encode(), None)
    assert (second, file) == ("file", Piece(b"Oil gear 42.\r\n--x", "note.txt", "text/plain"))


async def test_a_kept_answer_is_sent_on_as_a_file(desk: Open) -> None:
    async with desk("bazaar", "openai") as open_desk:
        tool = await open_desk.tool(found("bazaar", "Export the Market"))
        export = await open_desk.client.call_tool(tool.definition.name, {})
        (result_id, *_) = re.findall(r"\br_[\w-]{16}", export.model_dump_json())
        body = {"file": f"pica://results/{result_id}", "purpose": "user_data"}
        arrived = await open_desk.named(found("openai", "Upload a File"), Call(body=body))
    sent = dict(pieces(arrived))["file"]
    assert len(sent.content) == 1_000_000
    assert sent.content.startswith(b"pear, lamp and carpet; ")
    assert (sent.media_type or "").startswith("text/plain")
    assert sent.filename


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("../secret.txt", "'../secret.txt' is not in the folder"),
        ("/etc/hostname", "'/etc/hostname' is not in the folder"),
        ("gone.txt", "There is no file 'gone.txt'"),
        ("https://evil.example/x", "Nothing is fetched from other addresses"),
        ("pica://results/r_somebody_elses", "There is no result of this id"),
        ("data:;base64,!", "cannot be read"),
    ],
)
async def test_a_file_that_cannot_be_had_is_told_and_nothing_is_sent(
    desk: Open, tmp_path: Path, reference: str, why: str
) -> None:
    (tmp_path / "secret.txt").write_text("nobody may read this")
    (tmp_path / "shared").mkdir()
    async with desk("openai", PICA_FILES=str(tmp_path / "shared")) as open_desk:
        tool = await open_desk.tool(found("openai", "Upload a File"))
        arguments = {"file": reference, "purpose": "user_data"}
        result = await open_desk.client.call_tool(tool.definition.name, arguments)
        assert open_desk.passed() == []
    assert result.is_error
    assert open_desk.said(result).startswith("The argument 'file': ")
    assert why in open_desk.said(result)


async def test_without_a_folder_a_path_is_told_what_to_do_instead(desk: Open) -> None:
    async with desk("openai") as open_desk:
        tool = await open_desk.tool(found("openai", "Upload a File"))
        arguments = {"file": "/etc/hostname", "purpose": "user_data"}
        result = await open_desk.client.call_tool(tool.definition.name, arguments)
        assert open_desk.passed() == []
    assert result.is_error
    assert "Send the content as a data: URI, or ask the operator to set PICA_FILES." in open_desk.said(result)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_person_agrees_to_the_file_that_is_sent(desk: Open, tmp_path: Path, mode: str) -> None:
    """Whoever may write to the folder could put another file there while the person looks at the question."""
    file, heard = tmp_path / "gear.png", list[str]()
    file.write_bytes(PNG)

    async def person(context: Any, params: mcp.ElicitRequestParams) -> mcp.ElicitResult:
        del context
        heard.append(params.message)
        if len(heard) == 1:
            file.write_bytes(b"another, of another size")
        return mcp.ElicitResult(action="accept", content={})

    settings = {"PICA_FILES": str(tmp_path), "PICA_EFFECTS": "openai POST /v1/files=destructive"}
    async with desk("openai", mode=mode, person=person, **settings) as open_desk:
        tool = await open_desk.tool(found("openai", "Upload a File"))
        arguments = {"file": "gear.png", "purpose": "user_data"}
        result = await open_desk.client.call_tool(tool.definition.name, arguments)
        sent = [dict(pieces(arrived))["file"].content for arrived in open_desk.passed()]
    assert "(file 'gear.png', image/png, 264 bytes)" in heard[0]
    if len(heard) == 1:
        assert result.is_error
        assert sent == []
    else:
        assert "(file 'gear.png', image/png, 24 bytes)" in heard[1]
        assert sent == [b"another, of another size"]


async def test_no_file_is_held_while_a_person_is_asked(desk: Open, tmp_path: Path) -> None:
    content = PNG + b"of this test alone"
    (tmp_path / "gear.png").write_bytes(content)
    asked: list[dict[Any, int]] = []

    async def person(context: Any, params: mcp.ElicitRequestParams) -> mcp.ElicitResult:
        del context, params
        asked.append(counted())
        with anyio.fail_after(10):
            while any(isinstance(one, File | Part) and one.content == content for one in gc.get_objects()):
                await anyio.sleep(0.01)  # the thread that read it may not have let go of it yet
                gc.collect()
        return mcp.ElicitResult(action="accept", content={})

    def counted() -> dict[Any, int]:
        return open_desk.app.pipeline.files._held._bytes  # pyright: ignore[reportPrivateUsage]

    settings = {"PICA_FILES": str(tmp_path), "PICA_EFFECTS": "openai POST /v1/files=destructive"}
    async with desk("openai", mode="legacy", person=person, **settings) as open_desk:
        tool = await open_desk.tool(found("openai", "Upload a File"))
        arrived = await open_desk.arrival(tool.definition.name, {"file": "gear.png", "purpose": "user_data"})
    assert dict(pieces(arrived))["file"].content == content
    assert asked == [{}]
    assert counted() == {}


async def test_what_is_documented_as_a_form_comes_with_its_file(desk: Open) -> None:
    async with desk("supabase") as open_desk:
        call = Call(path={"ref": "r-1"}, query={"slug": "turn"}, body={"file": DATA})
        arrived = await open_desk.named(found("supabase", "Deploy a Function"), call)
    assert arrived.query == (("slug", "turn"),)
    assert pieces(arrived) == [("file", Piece(PNG, NAME, "image/png"))]


# Bodies that are not fields


async def test_a_whole_body_can_be_a_file(desk: Open, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(PNG)
    platform = depot()
    async with desk(extra=(platform,), PICA_FILES=str(tmp_path)) as open_desk:
        put = found("depot", "Put a Crate", actions=tuple(platform.actions))
        tool = await open_desk.tool(put)
        assert tool.parameters.encoding == "binary"
        (name,) = tool.parameters.files
        for reference in (NAME, DATA):
            named = await open_desk.arrival(tool.definition.name, {"key": "gear.png", name: reference})
            by_id = await open_desk.by_id(put, Call(path={"key": "gear.png"}, body=reference))
            for arrived in (named, by_id):
                assert (arrived.method, arrived.path) == ("PUT", "/v1/passthrough/v2/crates/gear.png/")
                assert (arrived.body, arrived.header("content-type")) == (PNG, "image/png")


async def test_a_whole_body_can_be_text_of_the_documented_type(desk: Open) -> None:
    platform = depot()
    rows = 'name,size\n"Größe",42\n'
    async with desk(extra=(platform,)) as open_desk:
        action = found("depot", "Import Rows", actions=tuple(platform.actions))
        tool = await open_desk.tool(action)
        assert tool.parameters.encoding == "text"
        for arrived in (await open_desk.named(action, Call(body=rows)), await open_desk.by_id(action, Call(body=rows))):
            assert (arrived.body, arrived.header("content-type")) == (rows.encode(), "text/csv; charset=utf-8")


async def test_what_describes_a_file_is_a_part_in_json(desk: Open) -> None:
    platform = depot()
    async with desk(extra=(platform,)) as open_desk:
        attach = found("depot", "Attach a Crate", actions=tuple(platform.actions))
        body = {"metadata": {"title": "Zahnräder"}, "file": DATA, "labels": ["a", "b"]}
        for way in (open_desk.named, open_desk.by_id):
            sent = pieces(await way(attach, Call(body=body)))
            assert sorted(name for name, _ in sent) == ["file", "labels", "labels", "metadata"]
            by_name = dict(sent)
            assert by_name["file"] == Piece(PNG, NAME, "image/png")
            assert by_name["metadata"].media_type == "application/json"
            assert json.loads(by_name["metadata"].content) == {"title": "Zahnräder"}
            assert [piece.content for name, piece in sent if name == "labels"] == [b"a", b"b"]
