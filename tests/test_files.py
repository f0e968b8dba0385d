"""What a file that a model names means, and what is never opened, whatever it is called."""

from __future__ import annotations

import base64
import os
import stat
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.access import Identity
from pica_mcp.errors import Busy, InvalidArguments, UnknownResult
from pica_mcp.files import Files, safe_name
from pica_mcp.passthrough import MAX_FILE_BYTES
from pica_mcp.store import Store, Stored
from pica_mcp.tools import File

ADA, BOB = Identity("ada"), Identity("bob")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "shared"
    (inside / "plans").mkdir(parents=True)
    (inside / "notes.txt").write_bytes(b"Oil gear 42.")
    (inside / "plans" / "gear.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.txt").write_bytes(b"nobody may read this")
    return inside


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder, Store())


# Paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("notes.txt", File("notes.txt", "text/plain", b"Oil gear 42.")),
        ("plans/gear.png", File("gear.png", "image/png", b"\x89PNG")),
        ("./plans/../notes.txt", File("notes.txt", "text/plain", b"Oil gear 42.")),
        ("{folder}/plans/gear.png", File("gear.png", "image/png", b"\x89PNG")),
        ("file://{folder}/plans/gear.png", File("gear.png", "image/png", b"\x89PNG")),
        ("file://localhost{folder}/notes.txt", File("notes.txt", "text/plain", b"Oil gear 42.")),
        ("FILE:{folder}/n%6Ftes.txt", File("notes.txt", "text/plain", b"Oil gear 42.")),
    ],
)
async def test_a_path_below_the_folder_is_read(files: Files, folder: Path, path: str, expected: File) -> None:
    assert await files.read(ADA, path.format(folder=folder.as_posix())) == expected


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.tar.gz", "application/gzip"),
        ("a.json", "application/json"),
        ("a", "application/octet-stream"),
        ("a.nobody-knows", "application/octet-stream"),
        ("Größen 寸法.txt", "text/plain"),
    ],
)
async def test_a_file_has_the_media_type_of_its_name(files: Files, folder: Path, name: str, media_type: str) -> None:
    (folder / name).write_bytes(b"x")
    assert await files.read(ADA, name) == File(name, media_type, b"x")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "plans/../../secret.txt",
        "{outside}/secret.txt",
        "{folder}/../secret.txt",
        "{folder}-too/x.txt",
        "/etc/hostname",
        "/",
        "..",
        "file:///etc/hostname",
        "file://evil.example{folder}/notes.txt",
        "file://{outside}/secret.txt",
        "file:///%2e%2e/etc/hostname",
        "file:%2e%2e/secret.txt",
        "notes.txt\0.png",
        "\ud800",
        "a/" * 5_000,
    ],
)
async def test_what_is_not_below_the_folder_is_not_opened(files: Files, folder: Path, path: str) -> None:
    (folder.parent / "shared-too").mkdir()
    (folder.parent / "shared-too" / "x.txt").write_bytes(b"a neighbour's")
    with pytest.raises(InvalidArguments, match=r"is not in the folder that files may be sent from\. Nothing was sent;"):
        await files.read(ADA, path.format(folder=folder.as_posix(), outside=folder.parent.as_posix()))


@pytest.mark.parametrize(
    "path", ["gone.txt", "plans/gone.txt", "notes.txt/x", "C:\\Users\\ada\\x.txt", "~/x", "x" * 300]
)
async def test_a_file_that_is_not_there_is_told(files: Files, path: str) -> None:
    with pytest.raises(InvalidArguments, match=r"There is no file '.*' in the folder|cannot be read"):
        await files.read(ADA, path)


@pytest.mark.parametrize("path", ["plans", ".", "", "plans/"])
async def test_a_folder_is_no_file(files: Files, path: str) -> None:
    with pytest.raises(InvalidArguments, match="is no plain file"):
        await files.read(ADA, path)


@POSIX
async def test_a_link_may_lead_anywhere_but_out_of_the_folder(files: Files, folder: Path) -> None:
    (folder / "in.png").symlink_to(folder / "plans" / "gear.png")
    (folder / "out.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    (folder / "gone").symlink_to(folder.parent / "nothing")
    assert await files.read(ADA, "in.png") == File("gear.png", "image/png", b"\x89PNG")
    for path in ("out.txt", "up/secret.txt", "gone"):
        with pytest.raises(InvalidArguments, match="is not in the folder"):
            await files.read(ADA, path)
    with pytest.raises(InvalidArguments, match="cannot be read"):
        await files.read(ADA, "loop")


@POSIX
@pytest.mark.parametrize("link", ["notes.txt", "plans"])
async def test_a_link_that_is_put_there_meanwhile_is_not_followed(
    files: Files, folder: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and opening, somebody who may write to the folder swaps a file, or a folder, for a link."""
    real, swapped = os.path.realpath, [False]
    (folder.parent / "outside").mkdir()
    (folder.parent / "outside" / "gear.png").write_bytes(b"nobody may read this")

    def looked(path: Any, *, strict: bool = False) -> Any:
        found = real(path, strict=strict)
        if str(found) != str(folder) and not swapped[0]:
            swapped[0] = True
            (folder / link).rename(folder / "away")
            (folder / link).symlink_to(folder.parent / ("secret.txt" if link == "notes.txt" else "outside"))
        return found

    monkeypatch.setattr(os.path, "realpath", looked)
    with pytest.raises(InvalidArguments):
        await files.read(ADA, {"notes.txt": "notes.txt", "plans": "plans/gear.png"}[link])
    assert swapped == [True]


@POSIX
async def test_a_folder_that_is_itself_a_link_is_the_folder_it_leads_to(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    files = Files(link, Store())
    for path in ("notes.txt", f"{link}/notes.txt", f"{folder}/notes.txt"):
        assert (await files.read(ADA, path)).content == b"Oil gear 42."


@POSIX
async def test_a_pipe_or_a_device_is_not_waited_for(files: Files, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidArguments, match="is no plain file"):
        await files.read(ADA, "pipe")
    with pytest.raises(InvalidArguments, match="is no plain file"):
        await Files(Path("/dev"), Store()).read(ADA, "zero")


@POSIX
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told(files: Files, folder: Path) -> None:
    (folder / "notes.txt").chmod(0)
    with pytest.raises(InvalidArguments, match=r"The file 'notes\.txt' cannot be read"):
        await files.read(ADA, "notes.txt")


async def test_a_file_has_a_cap(files: Files, folder: Path) -> None:
    with (folder / "big.bin").open("wb") as file:
        file.truncate(MAX_FILE_BYTES)
    assert len((await files.read(ADA, "big.bin")).content) == MAX_FILE_BYTES
    with (folder / "big.bin").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InvalidArguments, match="at most 26,214,400 bytes"):
        await files.read(ADA, "big.bin")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="a file that says it is empty")
async def test_a_file_is_read_however_many_bytes_it_says_that_it_has() -> None:
    assert (await Files(Path("/proc"), Store()).read(ADA, f"{os.getpid()}/environ")).content


@pytest.mark.parametrize("address", ["https://evil.example/x", "http://127.0.0.1/", "ftp://x/y", "pica://actions/x"])
async def test_nothing_is_fetched_from_elsewhere(files: Files, address: str) -> None:
    with pytest.raises(InvalidArguments, match="Nothing is fetched from other addresses"):
        await files.read(ADA, address)


@pytest.mark.parametrize("path", ["notes.txt", "/etc/hostname", "file:///etc/hostname"])
async def test_without_a_folder_nothing_on_disk_is_read(path: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        await Files(None, Store()).read(ADA, path)
    assert str(caught.value) == (
        "This server reads no files from disk, since no folder is allowed. "
        "Send the content as a data: URI, or ask the operator to set PICA_FILES."
    )


HOSTILE = st.lists(
    st.sampled_from(["..", ".", "/", "\\", "%2e", "notes.txt", "plans", "up", "file:", "//", "C:", "~", "\0", "\n"])
    | st.text(max_size=3),
    max_size=6,
)


@POSIX
@given(HOSTILE.map("".join) | HOSTILE.map("/".join))
async def test_no_path_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "property" / "shared"
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_bytes(b"fine")
        (folder / "up").symlink_to("..")
        (folder.parent / "notes.txt").write_bytes(b"outside")
    try:
        found = await Files(folder, Store()).read(ADA, path)
    except InvalidArguments:
        return
    assert found.content == b"fine"


# Data URIs


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("data:image/png;base64,iVBORw==", File("file.png", "image/png", b"\x89PNG")),
        ("data:image/png;name=gear.png;base64,iVBORw", File("gear.png", "image/png", b"\x89PNG")),
        ("DATA:image/png;BASE64,iVBO%0ARw%3D%3D", File("file.png", "image/png", b"\x89PNG")),
        ("data:image/png;base64, iVBO\nRw== ", File("file.png", "image/png", b"\x89PNG")),
        ("data:;base64,-_8", File("file.txt", "text/plain", b"\xfb\xff")),
        ("data:,Oil%20gear%2042.", File("file.txt", "text/plain", b"Oil gear 42.")),
        ("data:text/csv;charset=utf-8;name=a%20b.csv,a,b", File("a b.csv", "text/csv; charset=utf-8", b"a,b")),
        ("data:;name=a.json,{}", File("a.json", "application/json", b"{}")),
        ('data:text/plain;name="../../x.txt",x', File("x.txt", "text/plain", b"x")),
        ("data:text/plain;filename=x.txt,é", File("x.txt", "text/plain", "é".encode())),
        ("data:,", File("file.txt", "text/plain", b"")),
        ("data:text/plain\r\nx-evil: 1,x", File("file.bin", "application/octet-stream", b"x")),
        ('data:text/plain;charset="a\r\nb",x', File("file.txt", "text/plain", b"x")),
    ],
)
async def test_a_data_uri_is_its_content(uri: str, expected: File) -> None:
    assert await Files(None, Store()).read(ADA, uri) == expected


@pytest.mark.parametrize(
    "uri", ["data:", "data:text/plain;base64", "data:;base64,a", "data:;base64,é", "data:;base64,a!bc", "data:,\ud800",
            f"data:{'a' * 1_001},x"],
)  # fmt: skip
async def test_a_data_uri_that_is_none_is_told_with_one_that_is(uri: str) -> None:
    with pytest.raises(InvalidArguments, match=r"data:text/plain;name=note\.txt;base64,SGVsbG8="):
        await Files(None, Store()).read(ADA, uri)


@given(st.binary(max_size=200), st.booleans())
async def test_what_is_written_as_a_data_uri_arrives_as_it_was(content: bytes, in_base64: bool) -> None:  # noqa: FBT001 - drawn
    written = f"base64,{base64.b64encode(content).decode()}" if in_base64 else f"name=x,{quote(content, safe='')}"
    assert (await Files(None, Store()).read(ADA, f"data:image/png;{written}")).content == content


@pytest.mark.parametrize("written", ["{}", ";base64,{}"])
async def test_a_data_uri_has_a_cap(written: str) -> None:
    files = Files(None, Store())
    fits, more = (
        base64.b64encode(bytes(size)).decode() if "base64" in written else "," + "a" * size
        for size in (MAX_FILE_BYTES, MAX_FILE_BYTES + 1)
    )
    assert len((await files.read(ADA, "data:" + written.format(fits))).content) == MAX_FILE_BYTES
    with pytest.raises(InvalidArguments, match="at most 26,214,400 bytes"):
        await files.read(ADA, "data:" + written.format(more))


# Kept answers


async def test_a_kept_answer_is_a_file_of_whom_it_is_kept_for() -> None:
    store = Store()
    named = store.put(ADA, Stored("google-drive", "image/png", b"\x89PNG", name="gear.png"))
    plain = store.put(ADA, Stored("slack", "application/json; charset=utf-8", b"{}"))
    files = Files(None, store)
    assert await files.read(ADA, f"pica://results/{named}") == File("gear.png", "image/png", b"\x89PNG")
    assert await files.read(ADA, f"pica://results/{plain}?offset=0") == File(
        f"{plain}.json", "application/json; charset=utf-8", b"{}"
    )
    for identity, uri in (
        (BOB, f"pica://results/{named}"),
        (ADA, "pica://results/r_unknown"),
        (ADA, "pica://results/"),
    ):
        with pytest.raises(UnknownResult):
            await files.read(identity, uri)


# Arguments


async def test_arguments_that_name_files_become_files(files: Files) -> None:
    given = {"file": "notes.txt", "more": ["data:,a", "plans/gear.png"], "name": "notes.txt", "none": []}
    notes = File("notes.txt", "text/plain", b"Oil gear 42.")
    async with files.resolved(ADA, frozenset({"file", "more", "none", "absent"}), given) as found:
        pass
    assert found == {
        "file": notes,
        "more": [File("file.txt", "text/plain", b"a"), File("gear.png", "image/png", b"\x89PNG")],
        "name": "notes.txt",
        "none": [],
    }
    assert given["file"] == "notes.txt"
    async with files.resolved(ADA, frozenset({"file", "more"}), found) as again:
        assert again == found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gone.txt", "The argument 'file': There is no file 'gone.txt' in the folder for files. Nothing was sent;"),
        (["notes.txt", "../secret.txt"], "The argument 'file': '../secret.txt' is not in the folder"),
        ("pica://results/r_1", "The argument 'file': There is no result of this id; it may have expired."),
        (5, "The argument 'file': A file is given by its path or URI."),
        (None, "The argument 'file': A file is given by its path or URI."),
        ([["notes.txt"]], "The argument 'file': A file is given by its path or URI."),
        ("a\nb\u202e", "The argument 'file': There is no file 'a b' in the folder"),
    ],
)
async def test_an_argument_that_cannot_be_read_is_named(files: Files, value: object, said: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        await files.resolved(ADA, frozenset({"file"}), {"file": value}).__aenter__()
    assert str(caught.value).startswith(said)


async def test_all_files_of_a_call_together_have_a_cap(files: Files, folder: Path) -> None:
    half = MAX_FILE_BYTES // 2
    for name, size in (("a.bin", half), ("b.bin", half), ("c.bin", 1)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    names = frozenset({"one", "two"})
    async with files.resolved(ADA, names, {"one": "a.bin", "two": ["b.bin"]}) as found:
        assert len(found["one"].content) == half
    with pytest.raises(InvalidArguments, match=r"The argument 'two': Files have at most 26,214,400 bytes together"):
        await files.resolved(ADA, names, {"one": "a.bin", "two": ["b.bin", "c.bin"]}).__aenter__()


async def test_only_so_much_is_held_at_once_and_by_one_identity(folder: Path) -> None:
    files = Files(folder, Store(), max_held_bytes=8)
    names = frozenset({"file"})

    def holding(identity: Identity, size: int) -> AbstractAsyncContextManager[dict[str, Any]]:
        return files.resolved(identity, names, {"file": ["data:," + "x" * (size - 1), "data:,x"]})

    async with holding(ADA, 6), holding(BOB, 2):
        for identity in (ADA, BOB):
            with pytest.raises(Busy, match="Try again in 5 s"):
                await holding(identity, 2).__aenter__()
    with pytest.raises(Busy):
        await holding(ADA, 7).__aenter__()
    with pytest.raises(InvalidArguments):
        async with holding(ADA, 6):
            raise InvalidArguments("whatever comes of the call")
    async with holding(BOB, 6), holding(ADA, 2):
        pass


# Saving


async def test_a_file_is_saved_for_its_owner_only_and_replaces_nothing(files: Files, folder: Path) -> None:
    paths = [await files.save("notes.txt", "text/plain", f"{n}".encode()) for n in range(3)]
    assert paths == [folder / name for name in ("pica-notes.txt", "pica-notes-2.txt", "pica-notes-3.txt")]
    assert [path.read_bytes() for path in paths if path] == [b"0", b"1", b"2"]
    assert (folder / "notes.txt").read_bytes() == b"Oil gear 42."
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / "pica-notes.txt").stat().st_mode) == 0o600


@POSIX
async def test_a_link_in_the_way_is_not_written_through(files: Files, folder: Path) -> None:
    (folder / "pica-gear.png").symlink_to(folder.parent / "made")
    assert await files.save("gear.png", "image/png", b"x") == folder / "pica-gear-2.png"
    assert not (folder.parent / "made").exists()


async def test_without_a_folder_nothing_is_saved() -> None:
    assert await Files(None, Store()).save("a.txt", "text/plain", b"a") is None


async def test_what_cannot_be_saved_is_not_an_error_of_the_call(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = Files(folder / "gone", Store())
    assert await gone.save("a.txt", "text/plain", b"secret words") is None
    assert "was not saved" in caplog.text
    assert "secret words" not in caplog.text


async def test_names_that_are_all_taken_are_given_up(
    files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pica_mcp.files._MAX_COPIES", 2)
    assert await files.save("notes.txt", "text/plain", b"") == folder / "pica-notes.txt"
    assert await files.save("notes.txt", "text/plain", b"") == folder / "pica-notes-2.txt"
    assert await files.save("notes.txt", "text/plain", b"") is None


@pytest.mark.parametrize("name", ["CLAUDE.md", "AGENTS.md", "conftest.py", "package.json", ".env", "Makefile"])
async def test_no_answer_is_saved_under_a_name_that_is_obeyed(files: Files, folder: Path, name: str) -> None:
    saved = await files.save(name, "", b"x")
    assert saved
    assert saved.parent == folder
    assert saved.name == f"pica-{name.removeprefix('.')}"


@pytest.mark.parametrize(
    ("name", "media_type", "safe"),
    [
        ("gear.png", "image/png", "gear.png"),
        ("Größen 寸法.txt", "text/plain", "Größen 寸法.txt"),
        ("a.tar.gz", "application/gzip", "a.tar.gz"),
        ("gear", "image/png", "gear.png"),
        ("gear", "application/json; charset=utf-8", "gear.json"),
        ("gear", "who/knows", "gear"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Windows\\x.dll", "", "x.dll"),
        (".bashrc", "text/plain", "bashrc.txt"),
        ("..", "", "file"),
        ("", "image/png", "file.png"),
        ("-rf", "", "rf"),
        ("~ada", "", "ada"),
        ("con", "", "_con"),
        ("NUL.txt", "", "_NUL.txt"),
        ("com1.tar.gz", "", "_com1.tar.gz"),
        ("console.log", "", "console.log"),
        ('a<b>:"c|?*.txt', "", "a_b___c___.txt"),
        ("a\nb\u202egnp.exe", "", "a bgnp.exe"),
        ("a.txt. .", "", "a.txt"),
        ("x" * 300 + ".png", "", "x" * 150 + ".png"),
        ("é" * 300, "image/png", "é" * 75 + ".png"),
        ("a." + "x" * 30, "image/png", "a." + "x" * 30 + ".png"),
        ("\ud800.txt", "", "\ufffd.txt"),
    ],
)
def test_a_name_is_only_a_name(name: str, media_type: str, safe: str) -> None:
    assert safe_name(name, media_type) == safe


@given(HOSTILE.map("".join) | st.text(max_size=200), st.sampled_from(["", "image/png", "text/plain", "x/../y"]))
def test_no_name_is_more_than_a_name(name: str, media_type: str) -> None:
    safe = safe_name(name, media_type)
    assert safe == Path(safe).name
    assert 0 < len(safe.encode()) <= 255
    assert not set('/\\:*?"<>|\0\r\n') & set(safe)
    assert safe[0] not in ".-~ "
    assert safe[-1] not in ". "
