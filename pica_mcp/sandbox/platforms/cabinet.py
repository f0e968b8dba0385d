"""A Google Drive account in the sandbox: files, folders, their bytes and who may see them, of one connection."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote

from pica_mcp.sandbox.platforms import drive_query, specimens
from pica_mcp.sandbox.platforms.google import fault, paged, partial
from pica_mcp.sandbox.upstream import Call, Json, Ledger, MalformedError, Reply, json_object, slug, stamp, strings

FOLDER = "application/vnd.google-apps.folder"
DOCUMENT = "application/vnd.google-apps.document"

_BRIEF = "kind,id,name,mimeType"
_MEDIA = re.compile(r"[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+")
_ROLES = ("owner", "organizer", "fileOrganizer", "writer", "commenter", "reader")
_TYPES = ("user", "group", "anyone")


@dataclass(slots=True, eq=False)
class File:
    """A file: its row, its bytes unless it has none of its own, and its permissions by id."""

    row: Json
    content: bytes | None = None
    permissions: dict[str, Json] = field(default_factory=dict[str, Json])

    @property
    def is_folder(self) -> bool:
        """Whether other files can be in it."""
        return self.row["mimeType"] == FOLDER

    @property
    def media(self) -> bytes:
        """The bytes; refused for what Google keeps in a form of its own."""
        if self.content is None or self.row["mimeType"] == DOCUMENT:
            raise fault(403, "Only files with binary content can be downloaded.", "fileNotDownloadable")
        return self.content

    def describe(self) -> Json:
        """Everything that can be asked for about the file."""
        shown: Json = {**self.row, "permissions": list(self.permissions.values())}
        if self.content is not None and self.row["mimeType"] != DOCUMENT:
            shown.update(size=str(len(self.content)), sha256Checksum=sha256(self.content).hexdigest())
        return shown


class Cabinet:
    """One Drive with a folder and a few files; every method is one Drive endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self.label, self.address = label, f"{slug(label)}@mail.example"
        self._root = self._ledger.token(33)
        self._files: dict[str, File] = {}
        engines = self._new({"name": "Engines", "mimeType": FOLDER})
        inside = {"parents": [engines.row["id"]]}
        self._new({"name": "gear.png", "mimeType": "image/png", **inside}, specimens.picture(48, 48, "gear"))
        self._new({"name": "trace.bin", "mimeType": "application/octet-stream"} | inside, specimens.noise(300_000, "t"))
        self._new({"name": "Größen 寸法.txt", "mimeType": "text/plain"}, _SIZES.encode())
        self._new({"name": "Minutes", "mimeType": DOCUMENT}, _MINUTES.encode())
        self._new({"name": "draft.txt", "mimeType": "text/plain"}, b"Nobody needs this.\n").row["trashed"] = True

    # --- files ------------------------------------------------------------------------------------------------------

    def list_files(self, call: Call) -> Reply:
        if not 1 <= call.number("pageSize", 100) <= 1000:
            raise fault(400, "Invalid value for pageSize: values must be within 1 to 1000.", "invalidParameter")
        test = drive_query.parse(call.first("q"))
        found = [file.describe() for file in self._files.values() if test(self._facts(file))]
        rows, more = paged(call, drive_query.arranged(found, call.first("orderBy")), "pageSize", 100)
        answer = {"kind": "drive#fileList", "incompleteSearch": False, "files": rows, **more}
        return Reply(
            body=partial(answer, call.first("fields") or f"kind,incompleteSearch,nextPageToken,files({_BRIEF})")
        )

    def get_file(self, call: Call) -> Reply:
        file = self._file(call)
        return _download(call, file) if call.first("alt") == "media" else _shown(call, file)

    def export(self, call: Call) -> Reply:
        file, media = self._file(call), call.first("mimeType")
        if file.content is None or file.row["mimeType"] != DOCUMENT:
            raise fault(403, "Export only supports Docs Editors files.", "fileNotExportable")
        if media == "application/pdf":
            return Reply(body=specimens.document(file.content.decode("utf-8", "replace")), media=media)
        if media == "text/plain":
            return Reply(body=file.content, media=media)
        raise fault(400, "The requested conversion is not supported.", "badRequest")

    def thumbnail(self, call: Call) -> Reply:
        file, size = self._file(call), call.number("size", 64)
        if file.is_folder:
            raise fault(404, "This file has no thumbnail.")
        if not 16 <= size <= 256:
            raise fault(400, "Invalid value for size: values must be within 16 to 256.", "invalidParameter")
        return Reply(body=specimens.picture(size, size, file.row["id"]), media="image/png")

    def create(self, call: Call) -> Reply:
        return _shown(call, self._new(call.json()))

    def upload(self, call: Call) -> Reply:
        if call.first("uploadType") != "multipart":
            raise fault(400, "Only uploads of type multipart are understood.", "badRequest")
        parts = call.parts()
        # Parts of multipart/related have no names and come in this order.
        metadata, content = parts.get("metadata", parts.get("0")), parts.get("file", parts.get("1"))
        if metadata is None or content is None:
            raise fault(400, "A multipart upload has two parts: metadata, then the file.", "badRequest")
        usual = {"name": content.filename or "Untitled", "mimeType": content.media}
        return _shown(call, self._new({**usual, **json_object(metadata.content)}, content.content))

    def update(self, call: Call) -> Reply:
        file, body = self._file(call), call.json()
        details = _details({**file.row, **body})
        parents = self._moved(file, _ids(call.first("addParents")), _ids(call.first("removeParents")))
        file.row.update(details, parents=parents, modifiedTime=stamp(self._ledger.moment()))
        return _shown(call, file)

    def copy(self, call: Call) -> Reply:
        file, body = self._file(call), call.json()
        if file.is_folder:
            raise fault(403, "This file cannot be copied by the user.", "cannotCopyFile")
        usual = {"name": f"Copy of {file.row['name']}", "parents": file.row["parents"]}
        return _shown(call, self._new({**_details(file.row), **usual, **body, "trashed": False}, file.content))

    def delete(self, call: Call) -> Reply:
        self._remove(self._file(call))
        return Reply(204)

    def empty_trash(self, call: Call) -> Reply:
        del call
        for file in [one for one in self._files.values() if one.row["trashed"]]:
            self._remove(file)
        return Reply(204)

    # --- permissions and the account --------------------------------------------------------------------------------

    def list_permissions(self, call: Call) -> Reply:
        permissions, more = paged(call, list(self._file(call).permissions.values()), "pageSize", 100)
        return Reply(body={"kind": "drive#permissionList", "permissions": permissions, **more})

    def create_permission(self, call: Call) -> Reply:
        file, body = self._file(call), call.json()
        kind, role, email = body.get("type"), body.get("role"), body.get("emailAddress")
        if kind not in _TYPES or role not in _ROLES[1:]:
            raise fault(400, "The permission type and role fields are required, and have fixed values.", "required")
        if kind != "anyone" and not (isinstance(email, str) and "@" in email):
            raise fault(400, "The emailAddress field is required for this permission type.", "required")
        if email == self.address:
            raise fault(403, "The owner's permission cannot be changed.", "insufficientFilePermissions")
        return Reply(body=self._permit(file, kind, role, None if kind == "anyone" else email))

    def delete_permission(self, call: Call) -> Reply:
        file, wanted = self._file(call), call.path["permissionId"]
        if wanted not in file.permissions:
            raise fault(404, f"Permission not found: {wanted}.")
        if file.permissions[wanted]["role"] == "owner":
            raise fault(403, "The owner's permission cannot be removed.", "insufficientFilePermissions")
        del file.permissions[wanted]
        return Reply(204)

    def about(self, call: Call) -> Reply:
        if not call.first("fields"):
            raise fault(400, "The 'fields' parameter is required for this method.", "required")
        used = sum(len(file.content or b"") for file in self._files.values())
        user = {"kind": "drive#user", "displayName": self.label, "emailAddress": self.address, "me": True}
        quota = {"limit": str(15 * 2**30), "usage": str(used)}
        return Reply(body=partial({"kind": "drive#about", "user": user, "storageQuota": quota}, call.first("fields")))

    def start_token(self, call: Call) -> Reply:
        del call
        return Reply(body={"kind": "drive#startPageToken", "startPageToken": str(1000 + len(self._files))})

    # --- what they share --------------------------------------------------------------------------------------------

    def _file(self, call: Call) -> File:
        wanted = call.path["fileId"]
        if wanted not in self._files:
            raise fault(404, f"File not found: {wanted}.")
        return self._files[wanted]

    def _new(self, body: Json, content: bytes | None = None) -> File:
        token = body.get("id") or f"1{self._ledger.token(32)}"
        if not isinstance(token, str) or not re.fullmatch(r"[A-Za-z0-9_-]{10,64}", token):
            raise fault(400, "The provided file ID is not usable.", "invalid")
        if token in self._files:
            raise fault(409, "A file already exists with the provided ID.", "fileIdInUse")
        details, parents = _details(body), self._parents(strings(body.get("parents")) or ["root"])
        now = stamp(self._ledger.moment())
        times = {"createdTime": now, "modifiedTime": now, "webViewLink": f"https://drive.example/file/{token}"}
        file = File({"kind": "drive#file", "id": token, **details, "parents": parents, **times}, content)
        self._files[token] = file
        self._permit(file, "user", "owner", self.address)
        return file

    def _parents(self, wanted: list[str]) -> list[str]:
        parents = [self._root if one == "root" else one for one in wanted]
        for one in parents:
            if one != self._root and (one not in self._files or not self._files[one].is_folder):
                raise fault(404, f"File not found: {one}.")
        if len(parents) != 1:
            raise fault(400, "A file has exactly one parent.", "multipleParentsInsert")
        return parents

    def _moved(self, file: File, added: list[str], removed: list[str]) -> list[str]:
        removed = [self._root if one == "root" else one for one in removed]
        parents = self._parents([*(one for one in file.row["parents"] if one not in removed), *added])
        if any(one is file for one in self._above(parents[0])):
            raise fault(403, "A folder cannot be moved into itself.", "cannotAddParent")
        return parents

    def _above(self, folder: str) -> list[File]:
        path: list[File] = []
        while folder in self._files:
            path.append(self._files[folder])
            (folder,) = self._files[folder].row["parents"]
        return path

    def _remove(self, file: File) -> None:
        inside = [one for one in self._files.values() if file in self._above(one.row["id"])]
        for one in inside:
            del self._files[one.row["id"]]

    def _permit(self, file: File, kind: str, role: str, email: str | None) -> Json:
        known = next((one for one in file.permissions.values() if one.get("emailAddress") == email), None)
        token = known["id"] if known else str(self._ledger.number()) if email else "anyoneWithLink"
        permission: Json = {"kind": "drive#permission", "id": token, "type": kind, "role": role}
        file.permissions[token] = {**permission, "emailAddress": email} if email else permission
        return file.permissions[token]

    def _facts(self, file: File) -> Json:
        # What a query can ask about; the root goes by two names.
        parents = [*file.row["parents"], *(["root"] if self._root in file.row["parents"] else [])]
        text = (file.content or b"").decode("utf-8", "ignore") if _is_text(file) else ""
        words = f"{file.row['name']} {file.row['description']} {text}"
        return {**file.row, "parents": parents, "owners": [self.address, "me"], "fullText": words}


def _shown(call: Call, file: File) -> Reply:
    return Reply(body=partial(file.describe(), call.first("fields") or _BRIEF))


def _download(call: Call, file: File) -> Reply:
    content, media = file.media, file.row["mimeType"]
    name = quote(file.row["name"], safe="", errors="replace")
    headers = (("content-disposition", f"attachment; filename*=UTF-8''{name}"), ("accept-ranges", "bytes"))
    found = re.fullmatch(r"bytes=(\d{1,12})-(\d{0,12})", call.headers.get("range", ""))
    if not found:
        return Reply(body=content, headers=headers, media=media)
    first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
    if first > last:
        raise fault(416)
    span = ("content-range", f"bytes {first}-{last}/{len(content)}")
    return Reply(206, content[first : last + 1], (*headers, span), media)


def _details(body: Json) -> Json:
    # What a caller may set, with what stands there otherwise.
    name, media = body.get("name") or "Untitled", body.get("mimeType") or "application/octet-stream"
    description, trashed, starred = (
        body.get("description") or "",
        body.get("trashed", False),
        body.get("starred", False),
    )
    strings([name, description])
    if not isinstance(media, str) or not _MEDIA.fullmatch(media):
        raise fault(400, "Invalid MIME type provided for the file.", "badRequest")
    if not isinstance(trashed, bool) or not isinstance(starred, bool):
        raise MalformedError
    return {"name": name, "mimeType": media, "description": description, "trashed": trashed, "starred": starred}


def _ids(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def _is_text(file: File) -> bool:
    return file.row["mimeType"].startswith("text/") or file.row["mimeType"] == DOCUMENT


_SIZES = "Größe des Rades: 42 ½ Zoll\r\n寸法 四十二\r\nDvě kola 🚂⚙️\r\n"
_MINUTES = "Minutes of Monday\n\nPresent: Ada, Grace, Charles (late).\nThe engine will be oiled on Tuesday.\n"
