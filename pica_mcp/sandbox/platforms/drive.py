"""Google Drive in the sandbox: the actions on files and permissions, with an upload, bytes and pictures."""

from pica_mcp.sandbox.catalog import HIDDEN, Action, Connector, Platform, in_body, in_header, in_path, in_query
from pica_mcp.sandbox.platforms.cabinet import FOLDER, Cabinet
from pica_mcp.sandbox.platforms.google import refuse
from pica_mcp.sandbox.upstream import Json

_ID = "1b7e0d93c5a2f8460e1d7b39c5a0f2846"
_FILE: Json = {"kind": "drive#file", "id": _ID, "name": "gear.png", "mimeType": "image/png"}
_PERMISSION: Json = {"id": "123456789", "type": "user", "role": "reader", "emailAddress": "grace@mail.example"}

FILE = in_path("fileId", "The file's id.", _ID)
MASK = in_query("fields", "string", "A mask of what to return, `*` for all.", "id,name,size")
PERMISSION = in_path("permissionId", "The permission's id.", "123456789")
SIZE = in_query("pageSize", "integer", "How many per page (default: `100`).", 10)
TOKEN = in_query("pageToken", "string", "The `nextPageToken` of the answer before.")
METADATA = (
    in_body("name", "string", "The name; it need not be unique.", "gear.png"),
    in_body("mimeType", "string", "The media type.", FOLDER),
    in_body("parents", "string[]", "The one folder it is in (default: `root`)."),
    in_body("description", "string", "A note."),
    in_body("starred", "boolean", "Whether it has a star."),
)

_QUERIES = """## Notes

### Queries

- `name contains 'gear'`, `fullText contains 'oil'`, `mimeType = 'image/png'`, `trashed = false`
- `'root' in parents`, `modifiedTime > '2026-01-05T09:00:00Z'`
- joined by `and`, `or` and `not`, with parentheses; an apostrophe in a text is written `\\'`
"""


def platform() -> Platform:
    """Google Drive as one of the imitated platforms."""
    return Platform(
        Connector("google-drive", "Google Drive", "Storage", "Files and folders"),
        "https://www.googleapis.com",
        (*_finding(), *_bytes(), *_creating(), *_changing(), *_deleting(), *_sharing()),
        Cabinet,
        refuse,
    )


def _finding() -> tuple[Action, ...]:
    return (
        Action(
            "google-drive",
            "GET",
            "/drive/v3/files",
            "List Files",
            "File",
            Cabinet.list_files,
            "Lists files and folders, those in the trash included.",
            (
                in_query("q", "string", "A query in Drive's language.", "name contains 'gear' and trashed = false"),
                in_query("orderBy", "string", "Keys joined by commas, each perhaps with `desc`.", "folder,name desc"),
                SIZE,
                TOKEN,
                in_query("fields", "string", "A mask of what to return.", "nextPageToken,files(id,name)"),
            ),
            tags=("files", "search"),
            output={"kind": "drive#fileList", "files": [_FILE]},
            notes=_QUERIES,
            min_chars=30_000,
        ),
        Action(
            "google-drive",
            "GET",
            "/drive/v3/files/{{fileId}}",
            "Get File Metadata",
            "File",
            Cabinet.get_file,
            "Returns what is known about a file, without its bytes.",
            (FILE, MASK),
            tags=("files",),
            output=_FILE,
        ),
        Action(
            "google-drive",
            "GET",
            "/about",
            "Get Information about the Account",
            "About",
            Cabinet.about,
            "Returns the user and how full the Drive is.",
            (in_query("fields", "string", "A mask of what to return.", "user,storageQuota", required=True),),
            shape="schema",
            output={"user": {"displayName": "Ada", "emailAddress": "ada@mail.example"}},
        ),
        Action(
            "google-drive",
            "GET",
            "/drive/v3/changes/startPageToken",
            "Get Start Page Token",
            "Change",
            Cabinet.start_token,
            "Returns the token from which changes can be followed.",
            tags=(HIDDEN,),
            output={"startPageToken": "1005"},
        ),
    )


def _bytes() -> tuple[Action, ...]:
    return (
        # The same path and method as the metadata: only the required query tells the two apart.
        Action(
            "google-drive",
            "GET",
            "/drive/v3/files/{{fileId}}",
            "Download a File",
            "File",
            Cabinet.get_file,
            "Returns the bytes of a file in its own media type.",
            (
                FILE,
                in_query("alt", "string", "Always `media`.", "media", required=True, values=("media",)),
                in_header("Range", "A part of the bytes.", "bytes=0-1023"),
            ),
            tags=("files", "binary"),
            output="The file's bytes.",
        ),
        Action(
            "google-drive",
            "GET",
            "/files/{{fileId}}/export",
            "Export a Document",
            "File",
            Cabinet.export,
            "Returns a Google document in another form.",
            (
                FILE,
                in_query(
                    "mimeType",
                    "string",
                    "The form.",
                    "application/pdf",
                    required=True,
                    values=("application/pdf", "text/plain"),
                ),
            ),
            tags=("files", "binary"),
            output="The file's bytes.",
        ),
        Action(
            "google-drive",
            "GET",
            "/files/{{fileId}}/thumbnail",
            "Get a Thumbnail",
            "File",
            Cabinet.thumbnail,
            "Returns a small picture of a file, in PNG.",
            (FILE, in_query("size", "integer", "Its width and height, 16 to 256 (default: `64`).", 64)),
            tags=("files", "image"),
            shape="tables",
            output="The picture's bytes.",
        ),
    )


def _creating() -> tuple[Action, ...]:
    return (
        Action(
            "google-drive",
            "POST",
            "/drive/v3/files",
            "Create a File or Folder",
            "File",
            Cabinet.create,
            "Makes a folder, or a file that is empty.",
            (*METADATA, in_body("id", "string", "An id of your own."), MASK),
            tags=("files",),
            output=_FILE,
        ),
        Action(
            "google-drive",
            "POST",
            "/upload/drive/v3/files",
            "Upload a File",
            "File",
            Cabinet.upload,
            "Makes a file from metadata and bytes.",
            (
                in_query(
                    "uploadType", "string", "Always `multipart`.", "multipart", required=True, values=("multipart",)
                ),
                MASK,
                in_body(
                    "metadata",
                    "string",
                    "A JSON object with name, mimeType and parents, as text.",
                    '{"name": "note.txt", "mimeType": "text/plain"}',
                    required=True,
                ),
                in_body("file", "string", "The file's content.", "Oil gear 42.", required=True),
            ),
            tags=("files", "upload"),
            encoding="multipart",
            output={**_FILE, "name": "note.txt", "mimeType": "text/plain"},
        ),
        Action(
            "google-drive",
            "POST",
            "/files/{{fileId}}/copy",
            "Copy a File",
            "File",
            Cabinet.copy,
            "Copies a file with its bytes, beside the first one if no folder is named.",
            (FILE, *METADATA, MASK),
            tags=("files",),
            shape="tables",
            output={**_FILE, "name": "Copy of gear.png"},
        ),
    )


def _changing() -> tuple[Action, ...]:
    return (
        Action(
            "google-drive",
            "PATCH",
            "/drive/v3/files/{{fileId}}",
            "Update File Metadata",
            "File",
            Cabinet.update,
            "Changes the fields that are sent, and moves the file if parents are.",
            (
                FILE,
                in_query("addParents", "string", "The folder to move it into."),
                in_query("removeParents", "string", "The folder to take it out of.", "root"),
                *(one for one in METADATA if one.name != "parents"),
                in_body("trashed", "boolean", "Whether it is in the trash."),
                MASK,
            ),
            tags=("files",),
            output=_FILE,
        ),
    )


def _deleting() -> tuple[Action, ...]:
    return (
        Action(
            "google-drive",
            "DELETE",
            "/drive/v3/files/{{fileId}}",
            "Delete a File",
            "File",
            Cabinet.delete,
            "Deletes a file for good, past the trash, and a folder with all that is in it.",
            (FILE,),
            tags=("files",),
        ),
        Action(
            "google-drive",
            "DELETE",
            "/drive/v3/files/trash",
            "Empty the Trash",
            "File",
            Cabinet.empty_trash,
            "Deletes everything in the trash for good.",
            tags=("files",),
            shape="tables",
        ),
    )


def _sharing() -> tuple[Action, ...]:
    return (
        Action(
            "google-drive",
            "GET",
            "/drive/v3/files/{{fileId}}/permissions",
            "List Permissions",
            "Permission",
            Cabinet.list_permissions,
            "Says who may do what with a file.",
            (FILE, SIZE, TOKEN),
            tags=("sharing",),
            output={"permissions": [_PERMISSION]},
        ),
        Action(
            "google-drive",
            "POST",
            "/drive/v3/files/{{fileId}}/permissions",
            "Create a Permission",
            "Permission",
            Cabinet.create_permission,
            "Shares a file; sharing it again with the same person changes the role.",
            (
                FILE,
                in_body("type", "string", "With whom.", "user", required=True, values=("user", "group", "anyone")),
                in_body(
                    "role",
                    "string",
                    "What they may do.",
                    "reader",
                    required=True,
                    values=("organizer", "fileOrganizer", "writer", "commenter", "reader"),
                ),
                in_body("emailAddress", "string", "Whose, for a user or a group.", "grace@mail.example"),
            ),
            tags=("sharing",),
            output=_PERMISSION,
        ),
        Action(
            "google-drive",
            "DELETE",
            "/files/{{fileId}}/permissions/{{permissionId}}",
            "Delete a Permission",
            "Permission",
            Cabinet.delete_permission,
            "Stops sharing a file.",
            (FILE, PERMISSION),
            tags=("sharing",),
        ),
    )
