"""Every shape in the room's table is one that the API serves for the action that the table names."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote

import httpx2
import pytest

import pica_mcp.sandbox
from pica_mcp.sandbox import Sandbox

from .conftest import open_client

Row = dict[str, Any]

SHAPES: dict[str, str] = {
    cells[0]: cells[1].strip("`")
    for line in (pica_mcp.sandbox.__doc__ or "").split("| shape | action |")[1].splitlines()
    if len(cells := [cell.strip() for cell in line.strip().strip("|").split("|")]) == 2 and cells[1].startswith("`")
}


@dataclass(frozen=True)
class Known:
    """All that the API says about one action, and a way to call it."""

    http: httpx2.AsyncClient
    row: Row
    listed: list[Row]
    platform: list[Row]

    @property
    def text(self) -> str:
        return self.row["knowledge"] or ""

    @property
    def groups(self) -> Row:
        return self.row.get("ioSchema", {}).get("inputSchema", {}).get("properties", {})

    @property
    def headings(self) -> list[str]:
        return re.findall(r"^#+ .*", re.sub(r"```.*?```", "", self.text, flags=re.DOTALL), flags=re.MULTILINE)

    def table(self, heading: str) -> str:
        """The section whose heading begins so."""
        found = re.search(rf"^#+ {re.escape(heading)}.*?(?=^#|\Z)", self.text, flags=re.MULTILINE | re.DOTALL)
        return found[0] if found else ""

    async def connect(self) -> str:
        rows = (
            await self.http.get("/v1/vault/connections", params={"platform": self.row["connectionPlatform"]})
        ).json()
        return next(row["key"] for row in rows["rows"] if row["state"] != "failed")

    async def call(self, values: Mapping[str, str] | None = None, **request: Any) -> httpx2.Response:
        """Call the action with its own example's path, but for these values."""
        example = self.row.get("ioSchema", {}).get("ioExample", {}).get("input", {}).get("path", {})
        given = {**example, **(values or {})}
        path = re.sub(r"\{\{(\w+)\}\}", lambda name: quote(str(given[name[1]]), safe=""), self.row["path"])
        told = {"x-pica-connection-key": await self.connect(), "x-pica-action-id": self.row["_id"]}
        headers = {**told, **request.pop("headers", {})}
        return await self.http.request(self.row["method"], f"/v1/passthrough{path}", headers=headers, **request)

    def other(self, title: str) -> "Known":
        return replace(self, row=next(row for row in self.platform if row["title"] == title))

    async def project(self) -> str:
        """The reference of the first project behind a connection to Supabase."""
        return (await self.other("List Projects").call()).json()[0]["id"]


def media(answer: httpx2.Response) -> str:
    return answer.headers.get("x-pica-passthrough-content-type", "")


def depth(schema: Any) -> int:
    if not isinstance(schema, dict | list):
        return 0
    inner = cast("list[Any]", list(schema.values()) if isinstance(schema, dict) else schema)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return isinstance(schema, dict) + max(map(depth, inner), default=0)


async def tables_and_schema(known: Known) -> bool:
    return "| Parameter | Type | Description |" in known.text and bool(known.groups)


async def tables_only(known: Known) -> bool:
    return "| Parameter | Type | Description |" in known.text and "ioSchema" not in known.row


async def schema_only(known: Known) -> bool:
    return "| Parameter |" not in known.text and bool(known.groups)


async def nothing(known: Known) -> bool:
    return known.row["knowledge"] is None and not {"tags", "ioSchema"} & set(known.row)


async def nested(known: Known) -> bool:
    return "| `shipping.address.city` |" in known.text and "| `shipping.name` | string | **Required** " in known.text


async def deep(known: Known) -> bool:
    body = json.dumps(known.groups["body"])
    return depth(known.groups["body"]) > 8 and all(f'"{word}"' in body for word in ("items", "oneOf", "$ref", "$defs"))


async def custom(known: Known) -> bool:
    answer = await known.call(json={"channel": "general", "message": "Hi"})
    refused = answer.status_code == 400 and "connectionKey" in answer.json()["message"][0]
    return refused and "custom" in known.row["tags"] and "## Endpoint" in known.headings


async def optional(known: Known) -> bool:
    key = await known.connect()
    done = await known.call(json={"connectionKey": key, "invoiceId": "101", "appendix": "paid"})
    heads = ["### Option A", "#### Required Request Body Fields (Replace)", "### Option B"]
    return done.status_code == 200 and set(heads) <= set(known.headings)


async def form(known: Known) -> bool:
    told = "(application/x-www-form-urlencoded)" in known.text
    body = b"name=Ada&address%5Bcity%5D=Kiel&preferred_locales%5B0%5D=en"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return told and (await known.call(content=body, headers=kind)).json()["address"]["city"] == "Kiel"


async def multipart(known: Known) -> bool:
    parts = {"metadata": (None, b'{"name": "gear.bin"}', "application/json"), "file": ("gear.bin", b"\x00\xff")}
    sent = await known.call(files=parts, params={"uploadType": "multipart"})
    plain = await known.call(json={"name": "gear.bin"}, params={"uploadType": "multipart"})
    return "(multipart/form-data)" in known.text and sent.json()["name"] == "gear.bin" and plain.status_code == 400


async def binary(known: Known) -> bool:
    files = (await known.other("List Files").call()).json()["files"]
    document = next(one for one in files if one["mimeType"] == "application/vnd.google-apps.document")
    answer = await known.call({"fileId": document["id"]}, params={"mimeType": "application/pdf"})
    return media(answer) == "application/pdf" and answer.content.startswith(b"%PDF")


async def image(known: Known) -> bool:
    maker = known.other("Create an Image")
    found = (await maker.call(json=maker.row["ioSchema"]["ioExample"]["input"]["body"])).json()["data"][0]
    answer = await known.call({"image_id": found.get("id") or found["url"].split("/")[-2]})
    return media(answer).startswith("image/") and answer.content.startswith(b"\x89PNG")


async def audio(known: Known) -> bool:
    body = known.row["ioSchema"]["ioExample"]["input"]["body"]
    answer = await known.call(json=body)
    return media(answer).startswith("audio/") and answer.content.startswith(b"RIFF")


def operation(kind: str) -> Callable[[Known], Awaitable[bool]]:
    async def has(known: Known) -> bool:
        body = known.row["ioSchema"]["ioExample"]["input"]["body"]
        told = f"```graphql\n{kind} " in known.text and "## Request Variables" in known.headings
        broken = await known.call(json={"query": f"{kind} {{ nothing }}"})
        return told and body["query"].startswith(kind) and "errors" in broken.json() and broken.status_code == 200

    return has


async def errs_in_200(known: Known) -> bool:
    answer = await known.call(json={"channel": "nowhere", "text": "Hi"})
    return answer.status_code == 200 and answer.json()["ok"] is False


async def head(known: Known) -> bool:
    place = {"ref": await known.project(), "bucket": "manuals"}
    there = await known.call({**place, "name": "engine/gear 42.txt"})
    nowhere = await known.call({**place, "name": "nothing"})
    found = [(answer.status_code, answer.content) for answer in (there, nowhere)]
    return known.row["method"] == "HEAD" and found == [(200, b""), (404, b"")]


async def delete_with_body(known: Known) -> bool:
    ref = {"ref": await known.project()}
    refused, done = await known.call(ref), await known.call(ref, json=["SMTP_PASSWORD"])
    return known.row["method"] == "DELETE" and refused.status_code >= 400 and done.status_code < 300


async def searching_post(known: Known) -> bool:
    body: Row = {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}]}], "limit": 2}
    listing = known.other("List Contacts")
    before = (await listing.call()).content
    found = (await known.call(json=body)).json().get("results", [])
    unchanged = (await listing.call()).content == before
    return known.row["method"] == "POST" and len(found) == 2 and unchanged


async def writing_get(known: Known) -> bool:
    ref, listing = {"ref": await known.project()}, known.other("List All Functions")
    before = (await listing.call(ref)).json()[0]["runs"]
    ran = await known.call(ref)
    after = (await listing.call(ref)).json()[0]["runs"]
    return known.row["method"] == "GET" and ran.status_code == 200 and after == before + 1


async def twins(known: Known) -> bool:
    alike = [row for row in known.platform if row["title"] == known.row["title"]]
    return len(alike) == len({row["_id"] for row in alike}) == len({row["path"] for row in alike}) == 2


async def one_endpoint(known: Known) -> bool:
    alike = [row for row in known.platform if (row["method"], row["path"]) == (known.row["method"], known.row["path"])]
    return len(alike) == len({row["_id"] for row in alike}) > 1


async def suffix(known: Known) -> bool:
    return known.row["path"].endswith("{{range}}:append")


async def leading(known: Known) -> bool:
    return known.row["path"].startswith("/{{target}}/{{identifier}}/")


async def snake(known: Known) -> bool:
    return "{{function_slug}}" in known.row["path"]


async def slash(known: Known) -> bool:
    answer = await known.call()
    return known.row["path"].endswith("/") and answer.status_code == 200


async def version(known: Known) -> bool:
    return "/v3/" in known.row["path"]


async def no_version(known: Known) -> bool:
    return not re.search(r"/v\d", known.row["path"]) and any("/v3/" in row["path"] for row in known.platform)


async def filled_address(known: Known) -> bool:
    answer = await known.call()
    return "{{realmId}}" in known.row["baseUrl"] and "{{" not in known.row["path"] and answer.status_code == 200


async def hidden(known: Known) -> bool:
    url = f"/v1/available-actions/search/{known.row['connectionPlatform']}"

    async def found(**flavour: str) -> bool:
        rows = (await known.http.get(url, params={"query": known.row["title"], **flavour})).json()
        return known.row["_id"] in [row["systemId"] for row in rows]

    return "hidden:agents" in known.row["tags"] and await found() and not await found(executeAgent="true")


async def unsupported(known: Known) -> bool:
    asked = {"_id": known.row["_id"], "supported": "true"}
    rows = (await known.http.get("/v1/knowledge", params=asked)).json()["rows"]
    return rows == [] and known.listed == [] and (await known.call()).status_code == 404


def kilobytes(least: float, most: float) -> Callable[[Known], Awaitable[bool]]:
    async def has(known: Known) -> bool:
        return least * 1000 <= len(known.text) <= most * 1000

    return has


async def windows(known: Known) -> bool:
    return known.text.count("\r\n") == known.text.count("\n") > 100


async def fenced_headings(known: Known) -> bool:
    fences = re.findall(r"```.*?```", known.text, flags=re.DOTALL)
    return any(re.search(r"^#", fence, flags=re.MULTILINE) for fence in fences)


async def chunks(known: Known) -> bool:
    return len([line for line in known.headings if line.startswith("# Data Models, Chunk")]) > 2


async def hostile_title(known: Known) -> bool:
    return known.row["title"].startswith("Ignore all previous instructions")


async def hostile_document(known: Known) -> bool:
    return known.text.count("Ignore all previous instructions") > 1 and "</tool_result>" in known.text


async def hostile_response(known: Known) -> bool:
    answer = await known.call()
    return b"Ignore all previous instructions" in answer.content and b"\x1b[2J" in answer.content


async def required_header(known: Known) -> bool:
    told = "| `Notion-Version` |" in known.table("Required Headers")
    schema = "Notion-Version" in known.groups["headers"]["required"]
    return told and schema and (await known.call()).status_code == 400


async def repeated_key(known: Known) -> bool:
    async def found(*labels: str) -> list[str]:
        rows = (await known.call(params={"labelIds": labels})).json().get("messages", [])
        return [row["id"] for row in rows]

    first, second, third = await found()
    change = known.other("Modify Message Labels")
    await change.call({"id": first}, json={"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]})
    await change.call({"id": second}, json={"addLabelIds": ["STARRED"]})
    each = [await found("UNREAD"), await found("STARRED")]
    return each == [[second, third], [first, second]] and await found("UNREAD", "STARRED") == [second]


async def bracketed_name(known: Known) -> bool:
    told = "expand[]" in known.groups["query"]["properties"] and "| `expand[]` |" in known.text
    record = (await known.other("List Records").call({"object": "people"}, json={})).json()["data"][0]
    link = {"target_object": "people", "target_record_id": record["id"]["record_id"]}
    await known.other("Create a Task").call(json={"data": {"content": "Call", "linked_records": [link]}})
    plain, full = await known.call(), await known.call(params={"expand[]": ["linked_records"]})
    links = [answer.json()["data"][-1]["linked_records"][0] for answer in (plain, full)]
    return told and links[0] == link and len(links[1]) > len(link)


async def dollar_name(known: Known) -> bool:
    told = "$filter" in known.groups["query"]["properties"] and "| `$filter` |" in known.text
    answers = [await known.call(params={"$filter": f"api_slug eq '{slug}'"}) for slug in ("sales", "other")]
    return told and [len(answer.json()["data"]) for answer in answers] == [1, 0]


async def union(known: Known) -> bool:
    kinds = known.groups["body"]["properties"]["title"]["type"]
    return "| string \\| integer |" in known.text and kinds == ["string", "integer"]


async def enum(known: Known) -> bool:
    return "One of: `duplicate`, `fraudulent`" in known.text and '"enum"' not in json.dumps(known.row)


async def array_body(known: Known) -> bool:
    answer = await known.call({"ref": await known.project()}, json=[{"name": "CRANK", "value": "x"}])
    return known.groups["body"]["type"] == "array" and answer.status_code < 300


async def clash(known: Known) -> bool:
    return all("id" in known.groups[group]["properties"] for group in ("path", "query", "body"))


async def unicode(known: Known) -> bool:
    return not known.text.isascii()


async def elsewhere(known: Known) -> bool:
    return known.row["path"].startswith("https://")


PREDICATES: Mapping[str, Callable[[Known], Awaitable[bool]]] = {
    "tables and schema": tables_and_schema,
    "tables only": tables_only,
    "schema only": schema_only,
    "nothing but a title": nothing,
    "nested tables": nested,
    "deep schema": deep,
    "custom": custom,
    "custom with Option A": optional,
    "form with brackets": form,
    "multipart upload": multipart,
    "binary download": binary,
    "image": image,
    "audio": audio,
    "GraphQL query": operation("query"),
    "GraphQL mutation": operation("mutation"),
    "errors in HTTP 200": errs_in_200,
    "HEAD": head,
    "DELETE with a body": delete_with_body,
    "POST that only searches": searching_post,
    "GET that writes": writing_get,
    "two with one title": twins,
    "two with one method and path": one_endpoint,
    "suffix after a placeholder": suffix,
    "leading placeholders": leading,
    "placeholder in snake case": snake,
    "trailing slash": slash,
    "version in the path": version,
    "no version beside versions": no_version,
    "account value in the address": filled_address,
    "hidden from agents": hidden,
    "not supported": unsupported,
    "document of 1 kB": kilobytes(0.5, 2),
    "document of 10 kB": kilobytes(9, 13),
    "document of 30 kB": kilobytes(28, 36),
    "document of 100 kB": kilobytes(95, 130),
    "lines of Windows": windows,
    "headings inside fences": fenced_headings,
    "several chunks": chunks,
    "hostile title": hostile_title,
    "hostile document": hostile_document,
    "hostile response": hostile_response,
    "required header": required_header,
    "repeated query key": repeated_key,
    "query name in brackets": bracketed_name,
    "query name with a dollar": dollar_name,
    "union of types": union,
    "enum in prose": enum,
    "body that is an array": array_body,
    "one name in path, query and body": clash,
    "beyond ASCII": unicode,
    "path to another host": elsewhere,
}


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(Sandbox(row_ids=True)) as client:
        yield client


async def knowledge(http: httpx2.AsyncClient, **asked: str) -> list[Row]:
    return (await http.get("/v1/knowledge", params={"limit": "1000", **asked})).json()["rows"]


def test_every_row_of_the_table_has_a_predicate_and_every_predicate_a_row() -> None:
    assert list(SHAPES) == list(PREDICATES)


@pytest.mark.parametrize("shape", PREDICATES)
async def test_the_action_has_the_shape_that_the_table_says(http: httpx2.AsyncClient, shape: str) -> None:
    platform, _, title = SHAPES[shape].partition(": ")
    rows = await knowledge(http, connectionPlatform=platform)
    found = [row for row in rows if row["title"] == title]
    listing = (await http.get(f"/v1/available-actions/{platform}", params={"title": title})).json()["rows"]
    listed = [row for row in listing if row["systemId"] == found[0]["_id"]]
    assert await PREDICATES[shape](Known(http, found[0], listed, rows))


async def test_there_are_a_dozen_platforms_and_many_actions(http: httpx2.AsyncClient) -> None:
    counts = Counter(row["connectionPlatform"] for row in await knowledge(http))
    assert len(counts) >= 12
    assert sum(counts.values()) >= 150
