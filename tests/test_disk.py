"""The catalogue's database: it works whatever becomes of its file, and with anybody who uses the same."""

# ruff: noqa: ASYNC240 - the disk is what these tests are about

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pica_mcp.catalog import disk as room
from pica_mcp.catalog.disk import Disk, Lost, looking, remove

PRAGMAS = ("auto_vacuum", "journal_mode")
WORDS = "Brandenburg, Havel und Spree. " * 40


def prepare(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA user_version").fetchone() == (7,):
        return
    if db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise sqlite3.DatabaseError("it is another's")
    db.execute("CREATE TABLE notes (what TEXT PRIMARY KEY, body TEXT NOT NULL)")
    db.execute("PRAGMA user_version=7")


def noted(what: str, body: str = WORDS) -> Callable[[sqlite3.Connection], None]:
    def job(db: sqlite3.Connection) -> None:
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (what, body))

    return job


def notes(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT what, body FROM notes"))


def whole(file: Path) -> bool:
    """Tell if any program would find the file in order."""
    with looking(file) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@asynccontextmanager
async def opened(file: Path | None) -> AsyncGenerator[Disk]:
    async def place() -> Path | None:
        return file

    disk = Disk(place, prepare)
    with anyio.fail_after(60):
        try:
            yield disk
        finally:
            disk.close()


async def patiently(disk: Disk, writing: Callable[[sqlite3.Connection], None] | None = None) -> dict[str, str]:
    """Write and read as the catalogue does: what is lost is written again."""
    for _ in range(3):
        try:
            await disk.write(writing or noted("new"))
            return await disk.read(notes)
        except Lost:
            continue
    raise AssertionError


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "a.db"


@pytest.fixture
async def filled(file: Path) -> Path:
    """A file of some hundred pages that nobody uses any more."""
    async with opened(file) as disk:
        await disk.write(lambda db: [noted(str(number), WORDS * 10)(db) for number in range(60)])
    return file


# A file that is fine


async def test_what_is_written_is_there_for_the_next_one(file: Path) -> None:
    async with opened(file) as disk:
        assert disk.file is None
        await disk.write(noted("one"))
        assert await disk.read(notes) == {"one": WORDS}
        assert disk.file == file
        told = [await disk.read(lambda db, name=name: db.execute(f"PRAGMA {name}").fetchone()) for name in PRAGMAS]
        assert dict(zip(PRAGMAS, told, strict=True)) == {"auto_vacuum": (2,), "journal_mode": ("wal",)}
    async with opened(file) as disk:
        assert await disk.read(notes) == {"one": WORDS}


async def test_without_a_file_it_is_all_in_memory(warnings: Callable[[], list[str]]) -> None:
    async with opened(None) as disk:
        assert await patiently(disk) == {"new": WORDS}
        assert disk.file is None
    assert warnings() == []


async def test_only_the_owner_can_look_into_it(file: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(file) as disk:
            await disk.write(noted("one"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert {"a.db", "a.db-wal", "a.db-shm"} <= modes.keys()
    assert {mode for name, mode in modes.items() if name != "a.lock"} == {0o600}
    assert (file.parent / "a.lock").stat().st_size == 0
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_job_that_fails_has_written_nothing_and_holds_nothing(file: Path) -> None:
    def half(db: sqlite3.Connection) -> None:
        noted("half")(db)
        raise ZeroDivisionError

    async with opened(file) as disk, opened(file) as other:
        with pytest.raises(ZeroDivisionError):
            await disk.write(half)
        await other.write(noted("other"))
        assert await disk.read(notes) == {"other": WORDS}


async def test_what_a_job_reads_is_of_one_moment(file: Path) -> None:
    async with opened(file) as disk:
        await disk.write(noted("one"))

        def twice(db: sqlite3.Connection) -> tuple[dict[str, str], dict[str, str]]:
            before = notes(db)
            with closing(sqlite3.connect(file)) as other, other:
                noted("two")(other)
            return before, notes(db)

        before, after = await disk.read(twice)
        assert before == after
        assert (await disk.read(notes)).keys() == {"one", "two"}


async def test_who_writes_keeps_no_reader_waiting(file: Path) -> None:
    async with opened(file) as disk:
        await disk.write(noted("one"))
        writing, go_on = threading.Event(), threading.Event()

        def slow(db: sqlite3.Connection) -> None:
            noted("slow")(db)
            writing.set()
            assert go_on.wait(20)

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(disk.write, slow)
            await anyio.to_thread.run_sync(writing.wait)
            assert await disk.read(notes) == {"one": WORDS}
            go_on.set()


# Many at once


async def test_many_tasks_and_disks_share_one_file(file: Path) -> None:
    async def use(disk: Disk, name: str) -> None:
        for number in range(10):
            await disk.write(noted(f"{name}-{number}", str(number)))
            assert (await disk.read(notes))[f"{name}-{number}"] == str(number)

    async with opened(file) as one, opened(file) as two, opened(file) as three, anyio.create_task_group() as tasks:
        for name in "abcd":
            for number, disk in enumerate((one, two, three)):
                tasks.start_soon(use, disk, f"{name}{number}")
    with looking(file) as db:
        assert len(notes(db)) == 120
    assert whole(file)


PROGRAM = """
import logging, sqlite3, sys
from pathlib import Path
import anyio
from pica_mcp.catalog.disk import Disk, Lost
from pica_mcp.catalog.tables import Entry, entry, keep, prepare

logging.basicConfig(stream=sys.stdout, format="%(message)s")
name = sys.argv[2]

async def place():
    return Path(sys.argv[1])

async def patiently(run, job):
    try:
        return await run(job)
    except Lost:
        return await run(job)

async def main():
    disk = Disk(place, prepare)
    sys.stdin.readline()
    for number in range(10):
        await patiently(disk.write, lambda db: keep(db, f"{name}-{number}", Entry([name, number] * 500, 1.0)))
        assert (await patiently(disk.read, entry(f"{name}-{number}"))).value == [name, number] * 500
    print("kept" if disk.file else "in memory")
    disk.close()

anyio.run(main)
"""


@pytest.fixture
def children(file: Path) -> Generator[Callable[[int], Sequence[str]]]:
    """Let so many processes begin at one moment; each writes ten notes. Returns what they say."""
    started: list[subprocess.Popen[str]] = []

    def run(count: int) -> list[str]:
        for number in range(count):
            command = [sys.executable, "-c", PROGRAM, str(file), str(number)]
            pipe = subprocess.PIPE
            started.append(subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT))
        for child in started:
            assert child.stdin
            child.stdin.write("\n")
            child.stdin.flush()
        return [child.communicate(timeout=100)[0] for child in started]

    yield run
    for child in started:
        child.kill()
        child.wait()


@pytest.mark.parametrize("count", [2, 8])
def test_processes_that_begin_at_one_moment_share_a_file(
    file: Path, children: Callable[[int], Sequence[str]], count: int
) -> None:
    assert children(count) == ["kept\n"] * count
    with looking(file) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (10 * count,)
    assert whole(file)


async def test_processes_that_find_it_damaged_at_one_moment_agree_on_a_new_one(
    filled: Path, children: Callable[[int], Sequence[str]]
) -> None:
    spoil(filled, 0, 100)
    told = children(8)
    assert sorted(len(one.splitlines()) for one in told) == [1] * 7 + [2], told
    assert sum("made anew" in one for one in told) == 1
    with looking(filled) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (80,)
    assert whole(filled)


async def test_one_that_is_opened_beside_it_takes_no_lock_away_from_it(file: Path) -> None:
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM notes').fetchall()"
    async with opened(file) as disk:
        await disk.write(noted("early"))
        async with opened(file) as other:
            await other.read(notes)
        await anyio.run_process(
            [sys.executable, "-c", look, str(file)]
        )  # the last to leave would take the journal away
        await disk.write(noted("late"))
        with looking(file) as db:
            assert notes(db).keys() == {"early", "late"}


# A file that is damaged


def rubbish(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same every time


def spoil(file: Path, start: int, length: int, seed: int = 1, *, zeros: bool = False) -> None:
    with file.open("r+b") as stream:
        stream.seek(start)
        stream.write(bytes(length) if zeros else rubbish(seed).randbytes(length))


async def still_works(file: Path, warnings: Callable[[], list[str]]) -> None:
    async with opened(file) as disk:
        assert (await patiently(disk))["new"] == WORDS
        assert disk.file == file, warnings()
    assert len(warnings()) <= 1, warnings()
    async with opened(file) as disk:
        assert (await patiently(disk, noted("newer"))).keys() >= {"new", "newer"}
    assert len(warnings()) <= 1, warnings()


@pytest.mark.parametrize("start", range(0, 100, 4))
async def test_any_bytes_of_the_head_may_be_damaged(
    filled: Path, start: int, warnings: Callable[[], list[str]]
) -> None:
    spoil(filled, start, 4, seed=start)
    await still_works(filled, warnings)


@pytest.mark.parametrize("seed", range(12))
async def test_any_pages_may_be_damaged(filled: Path, seed: int, warnings: Callable[[], list[str]]) -> None:
    chance = rubbish(seed)
    for _ in range(chance.choice([1, 20])):
        spoil(filled, chance.randrange(filled.stat().st_size), chance.choice([8, 500, 5000]), seed)
    await still_works(filled, warnings)


@pytest.mark.parametrize("size", [0, 1, 99, 100, 512, 4095, 4096, 5000, 8192, 50_000])
async def test_it_may_end_anywhere(filled: Path, size: int, warnings: Callable[[], list[str]]) -> None:
    os.truncate(filled, size)
    await still_works(filled, warnings)


async def test_it_may_hold_nothing_but_zeros(filled: Path, warnings: Callable[[], list[str]]) -> None:
    spoil(filled, 0, filled.stat().st_size, zeros=True)
    await still_works(filled, warnings)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
async def test_what_lies_beside_it_may_be_rubbish(filled: Path, suffix: str, warnings: Callable[[], list[str]]) -> None:
    filled.with_name(filled.name + suffix).write_bytes(rubbish(1).randbytes(40_000))
    await still_works(filled, warnings)


async def test_the_lock_may_be_rubbish(filled: Path, warnings: Callable[[], list[str]]) -> None:
    filled.with_suffix(".lock").write_bytes(b"rubbish" * 1000)
    await still_works(filled, warnings)
    assert warnings() == []


def put_text(file: Path) -> None:
    file.write_text("not a database\n" * 1000)


def put_link(file: Path) -> None:
    target = file.with_name("elsewhere")
    target.write_text("mine")
    file.unlink()
    file.symlink_to(target)


def put_dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def put_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def run_sql(*statements: str) -> Callable[[Path], None]:
    def put(file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    return put


@pytest.mark.parametrize(
    "put",
    [
        put_text,
        put_link,
        put_dangling_link,
        put_pipe,
        run_sql("PRAGMA user_version=8"),
        run_sql("DROP TABLE notes"),
        run_sql("DROP TABLE notes", "CREATE TABLE notes (other INTEGER)"),
        run_sql("DROP TABLE notes", "CREATE TABLE others (other INTEGER)", "PRAGMA user_version=0"),
        run_sql("INSERT INTO notes VALUES ('bad', CAST(x'ff' AS TEXT))"),
    ],
)
async def test_what_is_no_database_of_ours_is_made_one(
    filled: Path, put: Callable[[Path], None], warnings: Callable[[], list[str]]
) -> None:
    put(filled)
    await still_works(filled, warnings)
    assert len(warnings()) == 1
    assert "made anew" in warnings()[0]
    assert filled.is_file()
    assert not filled.is_symlink()
    assert not filled.with_name("nowhere").exists()
    elsewhere = filled.with_name("elsewhere")
    assert not elsewhere.exists() or elsewhere.read_text() == "mine"


async def test_a_file_that_is_damaged_while_it_is_used_is_made_anew(
    filled: Path, warnings: Callable[[], list[str]]
) -> None:
    async with opened(filled) as disk, opened(filled) as other:
        assert len(await disk.read(notes)) == 60
        await other.read(notes)
        spoil(filled, 0, filled.stat().st_size)
        assert (await patiently(disk, lambda db: db.execute("DELETE FROM notes") and noted("new")(db))) == {
            "new": WORDS
        }
        assert (await patiently(other, noted("newer"))).keys() == {"new", "newer"}
        assert disk.file == other.file == filled
    assert whole(filled)
    assert len(warnings()) == 2  # each of them says it once


async def test_many_tasks_that_lose_it_at_once_all_go_on(filled: Path, warnings: Callable[[], list[str]]) -> None:
    async def use(disk: Disk, name: str) -> None:
        assert (await patiently(disk, noted(name)))[name] == WORDS

    async with opened(filled) as disk:
        await disk.read(notes)
        spoil(filled, 0, filled.stat().st_size)
        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(use, disk, f"task-{number}")
        assert len(await disk.read(notes)) == 30
    assert len(warnings()) == 1
    assert whole(filled)


async def test_a_file_that_is_removed_while_it_is_used_is_made_anew(filled: Path) -> None:
    async with opened(filled) as disk, opened(filled) as other:
        assert len(await disk.read(notes)) == len(await other.read(notes)) == 60
        remove(filled)
        assert not filled.exists()
        assert (await patiently(disk)) == {"new": WORDS}
        assert (await patiently(other, noted("newer"))).keys() == {"new", "newer"}
        assert disk.file == filled
    with looking(filled) as db:
        assert notes(db).keys() == {"new", "newer"}


async def test_a_folder_that_is_removed_while_it_is_used_is_made_anew_or_done_without(filled: Path) -> None:
    async with opened(filled) as disk:
        await disk.read(notes)
        shutil.rmtree(filled.parent)
        assert (await patiently(disk)) == {"new": WORDS}


# No place for a file


async def does_without(file: Path, warnings: Callable[[], list[str]]) -> None:
    async with opened(file) as disk:
        assert await patiently(disk) == {"new": WORDS}
        assert await patiently(disk, noted("newer")) == {"new": WORDS, "newer": WORDS}
        assert disk.file is None
    assert len(warnings()) == 1
    assert "from memory only" in warnings()[0]
    assert str(file) in warnings()[0]


async def test_a_folder_below_a_plain_file_is_done_without(tmp_path: Path, warnings: Callable[[], list[str]]) -> None:
    (tmp_path / "plain").write_text("")
    await does_without(tmp_path / "plain" / "cache" / "a.db", warnings)


async def test_a_folder_that_is_a_file_is_done_without(tmp_path: Path, warnings: Callable[[], list[str]]) -> None:
    (tmp_path / "plain").write_text("")
    await does_without(tmp_path / "plain" / "a.db", warnings)


async def test_a_folder_where_the_file_should_be_is_left_alone(file: Path, warnings: Callable[[], list[str]]) -> None:
    file.mkdir(parents=True)
    (file / "precious").write_text("")
    async with opened(file) as disk:
        assert await patiently(disk) == {"new": WORDS}
        assert disk.file is None
    assert "from memory only" in warnings()[-1]
    assert (file / "precious").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("locked", ["folder", "file"])
async def test_what_may_only_be_read_is_done_without(
    filled: Path, locked: str, warnings: Callable[[], list[str]]
) -> None:
    target, mode = (filled.parent, 0o500) if locked == "folder" else (filled, 0o400)
    target.chmod(mode)
    try:
        await does_without(filled, warnings)
    finally:
        target.chmod(0o700)


def mounted(folder: Path, size: str) -> bool:
    """Put a small disk there; False where nobody may."""
    folder.mkdir(exist_ok=True)
    command = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    folder = tmp_path / "small"
    if not mounted(folder, "400k"):
        pytest.skip("nobody may mount a disk here")
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=True)


async def test_a_disk_that_is_full_from_the_beginning_is_done_without(
    small_disk: Path, warnings: Callable[[], list[str]]
) -> None:
    (small_disk / "others").write_bytes(bytes(400 * 1024))
    await does_without(small_disk / "a.db", warnings)


async def test_a_disk_that_becomes_full_is_done_without(small_disk: Path, warnings: Callable[[], list[str]]) -> None:
    async with opened(small_disk / "a.db") as disk:
        await disk.write(noted("small"))
        assert disk.file
        for number in range(40):
            await patiently(disk, noted(str(number), WORDS * 20))
        assert disk.file is None
        assert "39" in await disk.read(notes)
    assert len(warnings()) == 1
    assert "from memory only" in warnings()[0]


async def test_a_disk_that_may_only_be_read_any_more_is_done_without(
    small_disk: Path, warnings: Callable[[], list[str]]
) -> None:
    file = small_disk / "a.db"
    async with opened(file) as disk:
        await disk.write(noted("one"))
    await anyio.run_process(["mount", "-o", "remount,ro", str(small_disk)])
    await does_without(file, warnings)


LIMITED = """
import logging, resource, sys
from pathlib import Path
import anyio
from pica_mcp.catalog.disk import Disk, Lost
from pica_mcp.catalog.tables import Entry, entry, keep, prepare

logging.basicConfig(stream=sys.stdout, format="%(message)s")

async def place():
    return Path(sys.argv[1])

async def main():
    disk = Disk(place, prepare)
    noise = "".join(f"{number * 7919 % 104729:x}" for number in range(20_000))
    await disk.write(lambda db: keep(db, "small", Entry(1, 1.0)))
    print("kept" if disk.file else "in memory")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    lost = 0
    for number in range(20):
        job = lambda db: keep(db, str(number), Entry(noise, 1.0))
        try:
            await disk.write(job)
        except Lost:
            lost += 1
            await disk.write(job)
    print(lost, (await disk.read(entry("19"))).value == noise)
    disk.close()

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_file_that_may_not_grow_is_done_without(file: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    first, warning, last = done.stdout.splitlines()
    assert (first, last) == ("kept", "1 True")
    assert "from memory only" in warning


async def test_a_writer_that_is_kept_waiting_too_long_does_without(
    file: Path, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(room, "_BUSY_SECONDS", 0.05)
    async with opened(file) as disk:
        await disk.write(noted("one"))
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await disk.read(notes) == {"one": WORDS}
            assert await patiently(disk) == {"new": WORDS}
        assert disk.file is None
    assert len(warnings()) == 1


async def test_who_cannot_open_it_in_time_does_without(
    file: Path, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(room, "_BUSY_SECONDS", 0.05)
    file.parent.mkdir()
    with room._alone(file):
        await does_without(file, warnings)


async def test_a_disk_that_does_not_answer_is_done_without(
    file: Path, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(room, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(room, "_CLOSE_SECONDS", 0.05)
    answering = threading.Event()
    async with opened(file) as disk:
        try:
            with pytest.raises(Lost):
                await disk.read(lambda _: answering.wait(30))
            assert await patiently(disk) == {"new": WORDS}
            assert disk.file is None
        finally:
            answering.set()
    assert len(warnings()) == 1


# Giving up and going away


async def test_who_gives_up_leaves_no_transaction_and_no_lock(file: Path) -> None:
    working, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        noted("slow")(db)
        working.set()
        try:
            assert go_on.wait(20)
        finally:
            done.set()

    async with opened(file) as disk, opened(file) as other:
        for use in (disk.write, disk.read):
            for event in (working, go_on, done):
                event.clear()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(use, slow)
                await anyio.to_thread.run_sync(working.wait)
                tasks.cancel_scope.cancel()
            go_on.set()
            await anyio.to_thread.run_sync(done.wait)
            await other.write(noted("other"))
            await disk.write(noted("after"))
            assert (await disk.read(notes)).keys() >= {"slow", "other", "after"}


async def test_many_who_give_up_spoil_it_for_nobody(file: Path) -> None:
    async with opened(file) as disk:
        for number in range(50):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(disk.write, noted(f"gone-{number}"))
                for _ in range(number % 10):
                    await checkpoint()
                tasks.cancel_scope.cancel()
        await disk.write(noted("last"))
        assert (await disk.read(notes))["last"] == WORDS
        assert disk.file
    assert whole(file)


async def test_it_is_closed_by_the_thread_that_is_still_at_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_CLOSE_SECONDS", 0.01)
    working, go_on = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        noted("slow")(db)
        working.set()
        assert go_on.wait(20)

    async with anyio.create_task_group() as tasks, opened(file) as disk:
        tasks.start_soon(disk.write, slow)
        await anyio.to_thread.run_sync(working.wait)
        disk.close()
        go_on.set()
    assert not file.with_name("a.db-wal").exists()  # the last one to close it takes that away
    with looking(file) as db:
        assert notes(db) == {"slow": WORDS}


async def test_closing_ends_a_statement_that_takes_long(file: Path) -> None:
    working = threading.Event()

    def endless(db: sqlite3.Connection) -> None:
        db.create_function("working", 0, working.set)
        forever = "WITH RECURSIVE n(x) AS (SELECT working() UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n"
        db.execute(forever).fetchone()

    async def read(disk: Disk) -> None:
        with pytest.raises(Lost):
            await disk.read(endless)

    async with anyio.create_task_group() as tasks, opened(file) as disk:
        tasks.start_soon(read, disk)
        await anyio.to_thread.run_sync(working.wait)
        disk.close()
