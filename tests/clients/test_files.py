from __future__ import annotations

import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.clients import files, jsonc, toml
from pica_mcp.clients.edits import Item, Unparsable
from pica_mcp.clients.files import (
    Change,
    Unusable,
    carry_out,
    copies_of,
    copy_of,
    load,
    load_copy,
    plan_install,
    plan_removal,
    write,
)

PATH = ("mcpServers", "pica")
ENTRY: dict[str, Any] = {"command": "/opt/pica-mcp", "args": ["serve"]}
INPUT = ("inputs", Item("pica_secret"))
OTHERS = '{\n  // mine\n  "mcpServers": {\n    "git": {"command": "uvx"}\n  }\n}\n'

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
is_root = sys.platform != "win32" and os.geteuid() == 0


def install(path: Path, entry: dict[str, Any] = ENTRY, form: files.Form = jsonc) -> Change:
    change = plan_install(form, {PATH: entry}, load(path), load(copy_of(path)))
    carry_out(path, change)
    return change


def uninstall(path: Path, form: files.Form = jsonc) -> Change:
    change = plan_removal(form, [PATH], load(path), load(copy_of(path)))
    carry_out(path, change)
    return change


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


# Putting in and taking out


@pytest.mark.parametrize(
    "text", [OTHERS, "", "{}", "{}\n", OTHERS.replace("\n", "\r\n"), "\ufeff" + OTHERS, "// none yet", '{"a":1}\n\n']
)
def test_a_file_is_given_back_byte_for_byte(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    install(path)
    assert jsonc.read(load(path) or "")["mcpServers"]["pica"] == ENTRY
    assert copy_of(path).read_bytes() == text.encode()
    install(path, {"command": "another"})
    uninstall(path)
    assert everything_in(path.parent) == {"mcp.json": text.encode()}


def test_a_file_of_codex_is_given_back_byte_for_byte(path: Path) -> None:
    path.write_bytes(b"model = 'a' # mine\r\n\r\nmcpServers.git.command = 'uvx'")
    before = everything_in(path.parent)
    install(path, form=toml)
    install(path, {**ENTRY, "env": {"PICA_IDENTITY": "ada"}}, form=toml)
    uninstall(path, form=toml)
    assert everything_in(path.parent) == before


def test_where_there_was_no_file_there_is_none_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mcp.json"
    install(path)
    install(path, {"command": "another"})
    assert list(everything_in(tmp_path)) == ["new/mcp.json"]
    uninstall(path)
    assert everything_in(tmp_path) == {}


def test_all_parts_of_an_entry_come_and_go_together() -> None:
    parts: files.Parts = {PATH: ENTRY, INPUT: {"id": "pica_secret", "password": True}}
    for text in (None, OTHERS, '{"inputs": [{"id": "a"}]}'):
        put = plan_install(jsonc, parts, text, None)
        assert jsonc.read(put.after or "")["inputs"][-1] == parts[INPUT]
        assert plan_install(jsonc, parts, put.after, put.copy_after).is_none
        assert plan_removal(jsonc, list(parts), put.after, put.copy_after) == Change(put.after, text, text, None)


def test_a_second_install_of_the_same_changes_nothing(path: Path) -> None:
    path.write_text(OTHERS)
    assert not install(path).is_none
    before = everything_in(path.parent)
    assert install(path).is_none
    assert everything_in(path.parent) == before
    copy_of(path).unlink()
    assert install(path).is_none


def test_a_file_that_was_changed_since_loses_the_entry_only_and_keeps_its_copy(path: Path) -> None:
    path.write_text(OTHERS)
    install(path)
    path.write_text(path.read_text().replace("uvx", "npx"))
    change = uninstall(path)
    assert path.read_text() == OTHERS.replace("uvx", "npx")
    assert copy_of(path).read_text() == change.copy_after == OTHERS


def test_a_copy_goes_with_the_entry_when_the_file_is_again_what_it_holds(path: Path) -> None:
    """As it may be that somebody has written the file anew, in another form."""
    path.write_text(OTHERS)
    install(path)
    path.write_text(OTHERS.replace("\n  }", ',\n    "pica": {"command": "else"}\n  }'))
    uninstall(path)
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}


def test_a_copy_is_never_written_over_since_clients_lose_files_too(path: Path) -> None:
    path.write_text(OTHERS)
    install(path)
    path.write_text("{}")  # the client has lost it all
    assert install(path).copy_after == OTHERS
    assert copy_of(path).read_text() == OTHERS
    uninstall(path)
    copies = {copy_of(path).name: OTHERS.encode(), f"{copy_of(path).name}.2": b"{}"}
    assert everything_in(path.parent) == {"mcp.json": b'{\n  "mcpServers": {}\n}', **copies}


def test_an_entry_that_somebody_wrote_is_in_the_copy_but_does_not_come_back(path: Path) -> None:
    own = OTHERS.replace("git", "pica")
    path.write_text(own)
    install(path)
    assert copy_of(path).read_text() == own
    uninstall(path)
    assert jsonc.read(path.read_text()) == {"mcpServers": {}}
    assert copy_of(path).read_text() == own


def test_what_the_first_copy_does_not_hold_is_kept_once_and_not_without_end(path: Path) -> None:
    copy_of(path).write_text("shipped by somebody")
    for text in ('{"a": 1}', '{"a": 2}', '{"a": 1}'):
        path.write_text(text)
        install(path)
        path.write_text(path.read_text().replace("/opt", "/usr"))
        install(path)
    kept = [copy.read_text() for copy in copies_of(path)]
    assert kept == ["shipped by somebody", '{"a": 1}', '{"a": 2}']
    for number in range(4, 10):
        copy_of(path).with_name(f"{copy_of(path).name}.{number}").write_bytes(b"\xff")
    path.write_text('{"a": 3}')
    with pytest.raises(Unusable, match="too many copies beside"):
        install(path)
    assert path.read_text() == '{"a": 3}'


@needs_posix
def test_a_link_in_the_place_of_a_copy_is_never_followed(path: Path) -> None:
    path.write_text(OTHERS)
    change = plan_install(jsonc, {PATH: ENTRY}, load(path), None)
    copy_of(path).symlink_to(path.parent / "victim")
    for use in (lambda: load_copy(path), lambda: carry_out(path, change)):
        with pytest.raises(Unusable, match="is a link, and no copy that was made here"):
            use()
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}


@pytest.mark.parametrize("copy", ["{", "[]", '{"mcpServers": []}', "{}"])
def test_a_copy_that_is_not_from_before_the_entry_is_left_alone(path: Path, copy: str) -> None:
    path.write_text(OTHERS)
    install(path)
    copy_of(path).write_text(copy)
    uninstall(path)
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode(), copy_of(path).name: copy.encode()}


@pytest.mark.parametrize("text", [None, "", OTHERS])
def test_taking_out_what_is_not_there_changes_nothing(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    copy_of(path).write_text("{}")
    before = everything_in(path.parent)
    assert uninstall(path).is_none
    assert everything_in(path.parent) == before


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [(jsonc, '{"mcpServers": {"pica": 1}}', '{"mcpServers": {}}'), (toml, "mcpServers.pica = 1", "")],
)
def test_something_in_the_place_of_an_entry_goes_as_well(form: files.Form, before: str, after: str) -> None:
    assert plan_removal(form, [PATH], before, None) == Change(before, after, None, None)


def test_a_file_that_cannot_be_read_is_left_as_it_is(path: Path) -> None:
    path.write_text('{\n  "mcpServers": {,}\n}')
    for edit in (install, uninstall):
        with pytest.raises(Unparsable, match="Line 2, column 18"):
            edit(path)
    assert everything_in(path.parent) == {"mcp.json": b'{\n  "mcpServers": {,}\n}'}


# Reading


def test_a_text_is_read_as_it_is_and_nothing_where_there_is_nothing(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf{}\r\n\xc3\xa9")
    assert load(path) == "\ufeff{}\r\né"
    assert load(path.parent / "else" / "mcp.json") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{}\n\xff", "is not UTF-8, in line 2. Save it as UTF-8, then try again."),
        (b"\xff\xfe{\0}\0", "is not UTF-8, in line 1."),
        (b"\xed\xa0\x80", "is not UTF-8, in line 1."),
        (b" " * (files.MAX_BYTES + 1), "is larger than 10 MB. Edit it by hand."),
    ],
    ids=["latin-1", "UTF-16", "half a character", "too long"],
)
def test_what_is_no_text_is_refused(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    with pytest.raises(Unusable) as refused:
        load(path)
    assert str(refused.value).startswith(f"{str(path)!r} {told}")


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="is a folder, not a file"):
        load(tmp_path)


def test_a_file_in_the_place_of_its_folder_is_refused(path: Path) -> None:
    path.write_text("")
    for use in (load, install):
        with pytest.raises(Unusable):
            use(path / "mcp.json")


@needs_posix
def test_a_pipe_or_a_device_is_refused_without_reading(path: Path) -> None:
    os.mkfifo(path)
    for one in (path, Path("/dev/null")):
        with pytest.raises(Unusable, match="is a device or a pipe, not a file"):
            load(one)


@needs_posix
def test_links_that_lead_in_a_circle_are_refused(path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(Unusable, match="cannot be read"):
        load(path)


@needs_posix
@pytest.mark.skipif(is_root, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(Unusable, match="cannot be read: Permission denied"):
        load(path)


# Writing


@needs_posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_file_and_its_copy_keep_the_mode(path: Path, mode: int) -> None:
    path.write_text(OTHERS)
    path.chmod(mode)
    install(path)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, copy_of(path))] == [mode, mode]
    uninstall(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@needs_posix
def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    install(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_posix
@pytest.mark.skipif(not is_root, reason="only root gives files away")
def test_a_file_stays_its_owners_when_root_writes_it(path: Path) -> None:
    path.write_text(OTHERS)
    os.chown(path, 1234, 1234)
    install(path)
    assert {(one.stat().st_uid, one.stat().st_gid) for one in (path, copy_of(path))} == {(1234, 1234)}


@needs_posix
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "mcp.json", tmp_path / "mcp.json"
    real.parent.mkdir()
    real.write_text(OTHERS)
    link.symlink_to(real)
    install(link)
    assert link.is_symlink()
    assert copy_of(link) == copy_of(real) == real.with_name("mcp.json.before-pica-mcp")
    uninstall(link)
    assert everything_in(real.parent) == {"mcp.json": OTHERS.encode()}


@needs_posix
def test_a_link_to_nothing_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "mcp.json", tmp_path / "mcp.json"
    link.symlink_to(real)
    install(link)
    assert link.is_symlink()
    assert real.is_file()


@pytest.mark.parametrize(("before", "now"), [(None, "{}"), ("{}", "{ }"), ("{}", None)])
def test_a_file_that_somebody_else_has_changed_is_not_written_over(
    path: Path, before: str | None, now: str | None
) -> None:
    if now is not None:
        path.write_text(now)
    with pytest.raises(Unusable, match="has changed in the meantime"):
        write(path, "new", before=before)
    assert everything_in(path.parent) == ({} if now is None else {"mcp.json": now.encode()})


def test_a_file_that_somebody_else_has_changed_is_not_removed(path: Path) -> None:
    install(path)
    change = plan_removal(jsonc, [PATH], load(path), None)
    assert change.after is None
    path.write_text(OTHERS)
    with pytest.raises(Unusable, match="has changed in the meantime"):
        carry_out(path, change)
    assert path.read_text() == OTHERS


@needs_posix
@pytest.mark.skipif(is_root, reason="root may write everything")
def test_a_file_that_is_read_only_stays_as_it_is(path: Path) -> None:
    path.write_text(OTHERS)
    path.chmod(0o400)
    with pytest.raises(Unusable, match="cannot be written: it is read-only"):
        install(path)
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, target: object, name: str, times: int = 0) -> Generator[None]:
    """Let a function of the system fail, after so many times that it does not."""
    real, calls = getattr(target, name), iter(range(times))

    def fail(*args: object, **kwargs: object) -> object:
        if next(calls, None) is not None:
            return real(*args, **kwargs)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(target, name, fail)
        yield


@pytest.mark.parametrize("name", ["fsync", "fdopen", "fchmod", "replace", "mkdir"])
def test_whatever_fails_the_file_is_as_it_was_and_nothing_is_left_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path.write_text(OTHERS)
    target = Path if name in ("replace", "mkdir") else os
    with (
        failing(monkeypatch, target, name),
        pytest.raises(Unusable, match="cannot be written: No space left on device"),
    ):
        write(path, "new", before=OTHERS)
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}


@pytest.mark.parametrize("times", [0, 1])
def test_an_install_that_fails_half_way_can_be_done_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path.write_text(OTHERS)
    with failing(monkeypatch, Path, "replace", times), pytest.raises(Unusable):
        install(path)
    assert path.read_text() == OTHERS
    install(path)
    uninstall(path)
    assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}


@needs_posix
@pytest.mark.skipif(is_root, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(path: Path) -> None:
    path.write_text(OTHERS)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(Unusable, match="cannot be written: Permission denied"):
            install(path)
        assert everything_in(path.parent) == {"mcp.json": OTHERS.encode()}
    finally:
        path.parent.chmod(0o700)
