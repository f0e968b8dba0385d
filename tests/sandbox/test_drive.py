import json
import re
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

EVERY_BYTE = bytes(range(256)) + b"\r\n--edge\r\n\r\n" + bytes(reversed(range(256))) + b"\r\n"


@pytest.fixture
def drive(pica: "Pica") -> str:
    return pica.box.connect("google-drive", name="Ada")


async def call(pica: "Pica", key: str, title: str, file: str = "", **request: Any) -> httpx2.Response:
    # By title: metadata and download have one path and one method.
    rows = await pica.rows("/v1/knowledge", connectionPlatform="google-drive", limit="100")
    (row,) = [row for row in rows if row["title"] == title]
    headers = {"x-pica-connection-key": key, "x-pica-action-id": row["_id"], **request.pop("headers", {})}
    values = {"fileId": file, "permissionId": request.pop("permission", "")}
    path = re.sub(r"\{\{(\w+)\}\}", lambda name: quote(values[name[1]], safe=""), row["path"])
    return await pica.http.request(row["method"], f"/v1/passthrough{path}", headers=headers, **request)


async def files(pica: "Pica", key: str, q: str = "", **params: str) -> list[dict[str, Any]]:
    answer = await call(pica, key, "List Files", params={"q": q, **params} if q else params)
    assert answer.status_code == 200, answer.text
    return answer.json()["files"]


async def named(pica: "Pica", key: str, name: str) -> str:
    (found,) = await files(pica, key, f"name = '{name}'")
    return found["id"]


async def create(pica: "Pica", key: str, **body: Any) -> dict[str, Any]:
    answer = await call(pica, key, "Create a File or Folder", params={"fields": "*"}, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"] == error["errors"][0]["message"]
    return answer.status_code, error["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("", {"Engines", "gear.png", "trace.bin", "Größen 寸法.txt", "Minutes", "draft.txt"}),
        ("trashed = true", {"draft.txt"}),
        ("trashed != true and name contains 'GEAR'", {"gear.png"}),
        ("mimeType = 'application/vnd.google-apps.folder'", {"Engines"}),
        ("mimeType contains 'text/' and not trashed = true", {"Größen 寸法.txt"}),
        ("'root' in parents and trashed = false", {"Engines", "Größen 寸法.txt", "Minutes"}),
        ("name = 'gear.png' or (name = 'Minutes' and fullText contains 'oiled')", {"gear.png", "Minutes"}),
        ("name = 'gear.png' or name = 'Minutes' and trashed = true", {"gear.png"}),
        ("'me' in owners and modifiedTime > '2026-01-05T09:04:00'", {"draft.txt"}),
        ("name = 'Bob\\'s'", set[str]()),
    ],
)
async def test_queries_find_files(pica: "Pica", drive: str, q: str, names: set[str]) -> None:
    assert {one["name"] for one in await files(pica, drive, q)} == names


@pytest.mark.parametrize(
    "q",
    [
        "name",
        "name contains",
        "name contains gear",
        "name contains 'gear' and",
        "(name = 'x'",
        "name = 'x')",
        "name = 'x' name = 'y'",
        "size > '5'",
        "trashed = 'true'",
        "trashed > true",
        "'x' in",
        "'x' is parents",
        "modifiedTime > 'today'",
        "name = 'x",
        "name ; 'x'",
        "(" * 500,
        "not " * 500,
    ],
)
async def test_other_queries_are_refused(pica: "Pica", drive: str, q: str) -> None:
    assert refusal(await call(pica, drive, "List Files", params={"q": q})) == (400, "invalid")


async def test_files_come_ordered_and_in_pages(pica: "Pica", drive: str) -> None:
    params = {"orderBy": "folder,name desc", "pageSize": "4", "fields": "nextPageToken,files(name)"}
    first = (await call(pica, drive, "List Files", params=params)).json()
    second = (await call(pica, drive, "List Files", params={**params, "pageToken": first["nextPageToken"]})).json()
    names = [one["name"] for one in (*first["files"], *second["files"])]
    assert names == ["Engines", "trace.bin", "Minutes", "Größen 寸法.txt", "gear.png", "draft.txt"]
    assert set(second) == {"files"}
    assert set(second["files"][0]) == {"name"}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"orderBy": "colour"}, "invalid"),
        ({"orderBy": "name down"}, "invalid"),
        ({"pageSize": "0"}, "invalidParameter"),
        ({"pageSize": "1001"}, "invalidParameter"),
        ({"pageSize": "few"}, "badRequest"),
        ({"pageToken": "-5"}, "invalid"),
        ({"fields": "files(id"}, "invalidParameter"),
        ({"fields": "files)"}, "invalidParameter"),
        ({"fields": "files;id"}, "invalidParameter"),
    ],
)
async def test_a_listing_that_makes_no_sense_is_refused(
    pica: "Pica", drive: str, params: dict[str, str], reason: str
) -> None:
    assert refusal(await call(pica, drive, "List Files", params=params)) == (400, reason)


async def test_metadata_is_brief_unless_more_is_asked_for(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "trace.bin")
    brief = (await call(pica, drive, "Get File Metadata", file)).json()
    assert brief == {
        "kind": "drive#file",
        "id": file,
        "name": "trace.bin",
        "mimeType": "application/octet-stream",
    }
    more = (await call(pica, drive, "Get File Metadata", file, params={"fields": "size,permissions/role"})).json()
    assert more == {"size": "300000", "permissions": [{"role": "owner"}]}


async def test_downloads_are_the_bytes_in_their_media_type(pica: "Pica", drive: str) -> None:
    for name, media in (("trace.bin", "application/octet-stream"), ("gear.png", "image/png")):
        file = await named(pica, drive, name)
        row = (await call(pica, drive, "Get File Metadata", file, params={"fields": "*"})).json()
        answer = await call(pica, drive, "Download a File", file, params={"alt": "media"})
        assert answer.headers["x-pica-passthrough-content-type"] == media
        assert sha256(answer.content).hexdigest() == row["sha256Checksum"]
        assert str(len(answer.content)) == row["size"]


async def test_text_keeps_its_letters_and_its_name(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "Größen 寸法.txt")
    answer = await call(pica, drive, "Download a File", file, params={"alt": "media"})
    assert answer.content.decode().startswith("Größe des Rades: 42 ½ Zoll\r\n寸法")
    disposition = answer.headers["x-pica-passthrough-content-disposition"]
    assert disposition == f"attachment; filename*=UTF-8''{quote('Größen 寸法.txt')}"


async def test_a_range_is_a_part_of_the_bytes(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "trace.bin")
    whole = (await call(pica, drive, "Download a File", file, params={"alt": "media"})).content
    for asked, part in (("bytes=10-19", whole[10:20]), ("bytes=299990-", whole[-10:]), ("bytes=0-999999", whole)):
        answer = await call(pica, drive, "Download a File", file, params={"alt": "media"}, headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, part)
    beyond = {"range": "bytes=300000-"}
    answer = await call(pica, drive, "Download a File", file, params={"alt": "media"}, headers=beyond)
    assert refusal(answer) == (416, "requestedRangeNotSatisfiable")


async def test_two_sandboxes_hold_the_same_bytes(pica: "Pica", drive: str) -> None:
    other = pica.box.connect("google-drive", name="Other")
    sums = [
        [one["sha256Checksum"] for one in await files(pica, key, "name contains '.'", fields="files(sha256Checksum)")]
        for key in (drive, other)
    ]
    assert sums[0] == sums[1]
    assert len(sums[0]) == 4


async def test_documents_are_exported_and_not_downloaded(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "Minutes")
    text = await call(pica, drive, "Export a Document", file, params={"mimeType": "text/plain"})
    assert text.content.startswith(b"Minutes of Monday\n")
    pdf = await call(pica, drive, "Export a Document", file, params={"mimeType": "application/pdf"})
    assert pdf.headers["x-pica-passthrough-content-type"] == "application/pdf"
    assert (pdf.content[:9], pdf.content[-6:]) == (b"%PDF-1.4\n", b"%%EOF\n")
    assert b"(Present: Ada, Grace, Charles \\(late\\).) Tj" in pdf.content
    table = int(pdf.content.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf.content[table:].startswith(b"xref\n0 7\n")
    first = int(pdf.content[table:].split(b"\n")[3][:10])
    assert pdf.content[first:].startswith(b"1 0 obj\n")
    wrong = await call(pica, drive, "Export a Document", file, params={"mimeType": "image/gif"})
    assert refusal(wrong) == (400, "badRequest")
    answer = await call(pica, drive, "Download a File", file, params={"alt": "media"})
    assert refusal(answer) == (403, "fileNotDownloadable")
    picture = await named(pica, drive, "gear.png")
    answer = await call(pica, drive, "Export a Document", picture, params={"mimeType": "application/pdf"})
    assert refusal(answer) == (403, "fileNotExportable")


async def test_a_thumbnail_is_a_real_picture(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "gear.png")
    answer = await call(pica, drive, "Get a Thumbnail", file, params={"size": "32"})
    assert answer.headers["x-pica-passthrough-content-type"] == "image/png"
    assert chunks(answer.content) == {b"IHDR", b"IDAT", b"IEND"}
    assert int.from_bytes(answer.content[16:20]) == 32
    assert refusal(await call(pica, drive, "Get a Thumbnail", file, params={"size": "9"})) == (400, "invalidParameter")
    folder = await named(pica, drive, "Engines")
    assert refusal(await call(pica, drive, "Get a Thumbnail", folder)) == (404, "notFound")


def chunks(data: bytes) -> set[bytes]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, kinds = 8, set[bytes]()
    while place < len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        kind = data[place + 4 : place + 8]
        assert int.from_bytes(data[end : end + 4]) == zlib.crc32(data[place + 4 : end])
        if kind == b"IDAT":
            assert len(zlib.decompress(data[place + 8 : end])) == 32 * (1 + 3 * 32)
        kinds.add(kind)
        place = end + 4
    return kinds


async def test_a_related_upload_keeps_every_byte(pica: "Pica", drive: str) -> None:
    metadata = json.dumps({"name": "every ✓.bin", "parents": ["root"]}).encode()
    content = b"--=cut=\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + metadata
    content += b"\r\n--=cut=\r\nContent-Type: application/x-gears\r\n\r\n" + EVERY_BYTE + b"\r\n--=cut=--\r\n"
    headers = {"content-type": 'multipart/related; boundary="=cut="'}
    params = {"uploadType": "multipart"}
    made = await call(pica, drive, "Upload a File", params=params, content=content, headers=headers)
    assert (made.json()["name"], made.json()["mimeType"]) == ("every ✓.bin", "application/x-gears")
    answer = await call(pica, drive, "Download a File", made.json()["id"], params={"alt": "media"})
    assert answer.content == EVERY_BYTE


async def test_a_form_upload_keeps_every_byte(pica: "Pica", drive: str) -> None:
    parts = {"metadata": (None, json.dumps({"mimeType": "image/x-gear"})), "file": ("gear.raw", EVERY_BYTE)}
    made = await call(pica, drive, "Upload a File", params={"uploadType": "multipart"}, files=parts)
    assert (made.json()["name"], made.json()["mimeType"]) == ("gear.raw", "image/x-gear")
    answer = await call(pica, drive, "Download a File", made.json()["id"], params={"alt": "media"})
    assert answer.content == EVERY_BYTE
    assert answer.headers["x-pica-passthrough-content-type"] == "image/x-gear"


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("media", {"content": b"x"}),
        ("multipart", {"json": {"name": "x"}}),
        ("multipart", {"files": {"metadata": (None, "{}")}}),
        ("multipart", {"files": {"metadata": (None, "[]"), "file": (None, "x")}}),
        ("multipart", {"files": {"metadata": (None, '{"mimeType": "a/b\\r\\nc: d"}'), "file": (None, "x")}}),
        ("multipart", {"files": {"metadata": (None, '{"name": 5}'), "file": (None, "x")}}),
    ],
)
async def test_other_uploads_are_refused(pica: "Pica", drive: str, kind: str, request_: dict[str, Any]) -> None:
    answer = await call(pica, drive, "Upload a File", params={"uploadType": kind}, **request_)
    assert refusal(answer) == (400, "badRequest")


async def test_a_file_is_made_changed_moved_and_copied(pica: "Pica", drive: str) -> None:
    folder = await create(pica, drive, name="New", mimeType="application/vnd.google-apps.folder")
    made = await create(pica, drive, name="a.txt", mimeType="text/plain", description="About gears")
    params = {"addParents": folder["id"], "removeParents": "root", "fields": "*"}
    changed = await call(pica, drive, "Update File Metadata", made["id"], params=params, json={"starred": True})
    assert (changed.json()["parents"], changed.json()["starred"]) == ([folder["id"]], True)
    assert (changed.json()["name"], changed.json()["description"]) == ("a.txt", "About gears")
    copy = (await call(pica, drive, "Copy a File", made["id"], json={})).json()
    assert copy["name"] == "Copy of a.txt"
    assert {one["name"] for one in await files(pica, drive, f"'{folder['id']}' in parents")} == {"a.txt", copy["name"]}
    assert refusal(await call(pica, drive, "Copy a File", folder["id"])) == (403, "cannotCopyFile")


async def test_a_folder_never_gets_into_itself(pica: "Pica", drive: str) -> None:
    folder_kind = "application/vnd.google-apps.folder"
    outer = await create(pica, drive, name="Outer", mimeType=folder_kind)
    inner = await create(pica, drive, name="Inner", mimeType=folder_kind, parents=[outer["id"]])
    for target in (outer, inner):
        params = {"addParents": target["id"], "removeParents": "root"}
        answer = await call(pica, drive, "Update File Metadata", outer["id"], params=params)
        assert refusal(answer) == (403, "cannotAddParent")
    await call(pica, drive, "Delete a File", outer["id"])
    assert refusal(await call(pica, drive, "Get File Metadata", inner["id"])) == (404, "notFound")


async def test_the_trash_is_emptied(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "gear.png")
    await call(pica, drive, "Update File Metadata", file, json={"trashed": True})
    emptied = await call(pica, drive, "Empty the Trash")
    assert (emptied.status_code, emptied.content) == (204, b"")
    assert await files(pica, drive, "trashed = true") == []
    assert refusal(await call(pica, drive, "Get File Metadata", file)) == (404, "notFound")


async def test_a_file_is_shared_and_not_shared_any_more(pica: "Pica", drive: str) -> None:
    file = await named(pica, drive, "Minutes")
    grace = {"type": "user", "role": "reader", "emailAddress": "grace@mail.example"}
    first = (await call(pica, drive, "Create a Permission", file, json=grace)).json()
    again = (await call(pica, drive, "Create a Permission", file, json={**grace, "role": "writer"})).json()
    assert again == {**first, "role": "writer"}
    await call(pica, drive, "Create a Permission", file, json={"type": "anyone", "role": "reader"})
    shared = (await call(pica, drive, "List Permissions", file)).json()["permissions"]
    assert [one["role"] for one in shared] == ["owner", "writer", "reader"]
    gone = await call(pica, drive, "Delete a Permission", file, permission="anyoneWithLink")
    assert gone.status_code == 204
    lost = await call(pica, drive, "Delete a Permission", file, permission="anyoneWithLink")
    assert refusal(lost) == (404, "notFound")
    mine = await call(pica, drive, "Delete a Permission", file, permission=shared[0]["id"])
    assert refusal(mine) == (403, "insufficientFilePermissions")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "required")),
        ({"type": "user", "role": "reader"}, (400, "required")),
        ({"type": "user", "role": "king", "emailAddress": "a@b.example"}, (400, "required")),
        ({"type": "user", "role": "owner", "emailAddress": "a@b.example"}, (400, "required")),
        ({"type": "user", "role": "reader", "emailAddress": 5}, (400, "required")),
        ({"type": "user", "role": "reader", "emailAddress": "ada@mail.example"}, (403, "insufficientFilePermissions")),
    ],
)
async def test_sharing_that_makes_no_sense_is_refused(
    pica: "Pica", drive: str, body: dict[str, Any], refused: tuple[int, str]
) -> None:
    file = await named(pica, drive, "Minutes")
    assert refusal(await call(pica, drive, "Create a Permission", file, json=body)) == refused


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"parents": ["nowhere"]}, (404, "notFound")),
        ({"parents": ["root", "root"]}, (400, "multipleParentsInsert")),
        ({"id": "short"}, (400, "invalid")),
        ({"mimeType": "nonsense"}, (400, "badRequest")),
        ({"trashed": "yes"}, (400, "badRequest")),
    ],
)
async def test_files_that_make_no_sense_are_refused(
    pica: "Pica", drive: str, body: dict[str, Any], refused: tuple[int, str]
) -> None:
    assert refusal(await call(pica, drive, "Create a File or Folder", json=body)) == refused


async def test_an_id_is_taken_once(pica: "Pica", drive: str) -> None:
    made = await create(pica, drive, id="my-own-id-123")
    assert made["id"] == "my-own-id-123"
    again = await call(pica, drive, "Create a File or Folder", json={"id": made["id"]})
    assert refusal(again) == (409, "fileIdInUse")


async def test_about_wants_a_mask(pica: "Pica", drive: str) -> None:
    assert refusal(await call(pica, drive, "Get Information about the Account")) == (400, "required")
    params = {"fields": "user(displayName,emailAddress)"}
    answer = await call(pica, drive, "Get Information about the Account", params=params)
    assert answer.json() == {"user": {"displayName": "Ada", "emailAddress": "ada@mail.example"}}


async def test_accounts_know_nothing_of_each_other(pica: "Pica", drive: str) -> None:
    other = pica.box.connect("google-drive", name="Other")
    made = await create(pica, drive, name="mine")
    assert refusal(await call(pica, other, "Get File Metadata", made["id"])) == (404, "notFound")


async def test_a_failed_connection_has_lost_its_authority(pica: "Pica", drive: str) -> None:
    pica.box.set_state(drive, "failed")
    assert refusal(await call(pica, drive, "List Files")) == (401, "authError")


async def test_the_hidden_action_answers_those_who_have_its_id(pica: "Pica", drive: str) -> None:
    answer = await call(pica, drive, "Get Start Page Token")
    assert answer.json()["startPageToken"] == "1006"
