from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp.clients import toml
from pica_mcp.clients.edits import MAX_DEPTH, MISSING, Uneditable, Unparsable, at, same

PATH = ("mcp_servers", "pica")
ENTRY: dict[str, Any] = {
    "command": "C:\\Users\\Jörg\\pica-mcp.exe",
    "args": ["serve"],
    "startup_timeout_sec": 60,
    "env": {"PICA_IDENTITY": "ada"},
}
OTHER: dict[str, Any] = {"command": "/opt/it's/\\pica", "required": True, "tools": {"a b": {"approval_mode": "prompt"}}}


def without(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the document without what is at the path, and without parents that are empty then."""
    key, *rest = path
    inner = without(data.get(key, {}), tuple(rest)) if rest else {}
    others = {name: value for name, value in data.items() if name != key}
    return {**others, key: inner} if inner else others


# Documents, put together from pieces

VALUES = st.sampled_from(
    [
        *("1", "-0.0", "nan", "1e3", "true", "0xff", "1979-05-27T07:32:00Z", "07:32:00", "'C:\\x'", '"\\"]"', "''"),
        *("[]", "[ 1, [2], ]", "[ # one ]\n  '[mcp_servers.pica]',\n]", "{ a = { b = 1 }, 'c d' = ']' }", '"# none"'),
        *('"""\n[mcp_servers.pica]\ncommand = "x"\n"""', "'''\n# '' [[x]]\n'''", '"""a""b\\""""', '"""""x"""""'),
        *("'''''x'''''", '"""\\\n  one\\\\"""', '"é\\u00e9\\\\"'),
    ]
)  # fmt: skip
NOISE = st.sampled_from(["", "", "\n", "# mine\n", "  # [mcp_servers.pica]\n", "\n\n", "\t\n"])
ENDS = st.sampled_from(["\n", "\n", " # mine\n", "  \n"])
HEADERS = ["[alpha]", "[[beta]]", "[mcp_servers.'other']", "[mcp_servers.pica2]", '["mcp_servers.pica"]', "[[beta]]"]
OURS: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", []),
    "sections": ("", ["[mcp_servers.pica]\na = 1\n", "[mcp_servers.pica.env]\nA = 'b'\n"]),
    "sections with more in them": (
        "",
        [
            "[mcp_servers.pica]\n  a = [\n 1,\n]\n# inside\n\nb.c = 2 # inside\n",
            "[[mcp_servers.pica.d]]\n",
            "[[ mcp_servers . pica . d ]]\nx = 1\n",
        ],
    ),
    "a section with quoted keys": ("", ["['mcp_servers'.\"pic\\u0061\"] # pica\na = 1\n"]),
    "a section below it": ("", ["[mcp_servers.pica.env]\nA = 'b'\n"]),
    "a list of sections": ("", ["[[mcp_servers.pica]]\na = 1\n"]),
    "dotted keys": ("mcp_servers.'pica'.a = [\n1 ]\nmcp_servers . pica.b = 'x'\n", []),
    "an inline table": ("mcp_servers.pica = { a = 1 } # inline\n", []),
}
Pieces = list[tuple[str, bool]]
"""Of a document, and whether each is of our entry."""


@st.composite
def statements(draw: st.DrawFn, name: str) -> Pieces:
    count = draw(st.integers(0, 2))
    return [(f"{draw(NOISE)}{name}{number} = {draw(VALUES)}{draw(ENDS)}", False) for number in range(count)]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a document, and what of it is not ours; it may be that a blank line is."""
    first, sections = draw(st.sampled_from(list(OURS.values())))
    pieces: Pieces = [*draw(statements("r")), (first, True), *draw(statements("s"))]
    theirs = draw(st.permutations(HEADERS))[: draw(st.integers(0, len(HEADERS)))]
    places = sorted(draw(st.integers(0, len(theirs))) for _ in sections)
    for number, header in enumerate([*theirs, None]):
        pieces += [(draw(NOISE), False)]
        for place, section in zip(places, sections, strict=True):
            pieces += [(section, True), (draw(NOISE), False)] if place == number else []
        if header:
            pieces += [(header + draw(ENDS), False), *draw(statements("k"))]
    mark, ending, is_ended = (
        draw(st.sampled_from(["", "\ufeff"])),
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.booleans()),
    )
    texts = ["".join(text for text, is_ours in pieces if not (is_ours and only)) for only in (False, True)]
    whole, kept = (mark + text.replace("\n", ending) for text in texts)
    return whole if is_ended else whole.removesuffix(ending), kept


def lines_of(text: str) -> list[str]:
    return [line for line in text.removeprefix("\ufeff").split("\n") if line.strip()]


@given(documents())
def test_a_document_is_read_as_the_standard_library_reads_it(document: tuple[str, str]) -> None:
    text, _ = document
    assert same(toml.read(text), tomllib.loads(text.removeprefix("\ufeff")))


@given(documents())
@settings(max_examples=150)
def test_an_entry_is_put_in_and_nothing_else_changes(document: tuple[str, str]) -> None:
    text, kept = document
    data = toml.read(text)
    put = toml.put(text, PATH, ENTRY)
    assert same(at(toml.read(put), PATH), ENTRY)
    assert same(without(toml.read(put), PATH), without(data, PATH))
    assert toml.put(put, PATH, ENTRY) == put
    assert toml.put(put, PATH, OTHER) == toml.put(text, PATH, OTHER)
    ours = WRITTEN.rstrip("\n").replace("\n", "\r\n" if "\r\n" in put else "\n")
    start, end = put.split(ours)
    assert [line.rstrip() for line in lines_of(start + end)] == [line.rstrip() for line in lines_of(kept)]
    if at(data, PATH) is MISSING:
        assert put.startswith(text)
        assert toml.remove(put, PATH) == text


@given(documents())
@settings(max_examples=150)
def test_an_entry_is_taken_out_of_wherever_it_is_and_nothing_else_changes(document: tuple[str, str]) -> None:
    text, kept = document
    removed = toml.remove(text, PATH)
    assert same(without(toml.read(removed), PATH), without(toml.read(text), PATH))
    assert at(toml.read(removed), PATH) is MISSING
    assert [line.rstrip() for line in lines_of(removed)] == [line.rstrip() for line in lines_of(kept)]
    assert text.endswith("\n") or not removed.endswith("\n\n")
    assert toml.remove(removed, PATH) == removed


@given(
    st.lists(
        st.sampled_from([*"[]{}=.,#'\"\\\n\r \ufeff1é", "a", "b", "mcp_servers", "pica", '"""', "'''"]), max_size=14
    )
)
@settings(max_examples=200)
def test_whatever_the_text_it_is_edited_rightly_or_refused(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        data = toml.read(text)
        put = toml.put(text, PATH, ENTRY)
    except (Unparsable, Uneditable):
        return
    assert same(without(toml.read(put), PATH), without(data, PATH))
    assert at(data, PATH) is not MISSING or toml.remove(put, PATH) == text


# As people write it

CODEX = """\
model = "gpt-5.2"   # the good one
notify = ["python3", "/Users/ada/notify.py"]

[features]
web_search = true

[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]
env = { "API_KEY" = "..." }

# [mcp_servers.old]
# command = "old"

[projects."/Users/ada/work"]
trust_level = "trusted"
"""
WRITTEN = """\
[mcp_servers.pica]
command = 'C:\\Users\\Jörg\\pica-mcp.exe'
args = ["serve"]
startup_timeout_sec = 60

[mcp_servers.pica.env]
PICA_IDENTITY = "ada"
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_entry_comes_last_after_a_blank_line(ending: str) -> None:
    text = CODEX.replace("\n", ending)
    assert toml.put(text, PATH, ENTRY) == text + ending + WRITTEN.replace("\n", ending)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_new_file_holds_nothing_else(mark: str) -> None:
    assert toml.put(mark, PATH, ENTRY) == mark + WRITTEN


def test_a_file_without_an_end_to_its_last_line_gets_none() -> None:
    assert toml.put("a = 1", PATH, ENTRY) == "a = 1\n\n" + WRITTEN.removesuffix("\n")


def test_an_entry_is_replaced_where_it_stands() -> None:
    text = "[mcp_servers.pica]\ncommand = 'old' # mine\n\n# about b\n[b]\n\n[mcp_servers.pica.env]\nA = 'a'\n\n[c]\n"
    assert toml.put(text, PATH, ENTRY) == WRITTEN + "\n# about b\n[b]\n\n[c]\n"


def test_an_entry_that_is_the_same_but_for_its_looks_is_left_alone() -> None:
    text = "mcp_servers = { pica = { command = 'x', n = 0x10 } } # mine"
    assert toml.put(text, PATH, {"n": 16, "command": "x"}) == text


@pytest.mark.parametrize("text", ["", "# none", "[mcp_servers]\n", "mcp_servers = 1", "[[mcp_servers]]\npica = 1"])
def test_what_is_not_there_is_not_removed(text: str) -> None:
    assert toml.remove(text, PATH) == text


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["\x7f\\", "'\\", '"', "\r\n", "'''"]
)


@given(
    st.dictionaries(
        TEXTS,
        st.recursive(
            TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_value_is_written_so_that_it_is_read_as_the_same(value: dict[str, Any]) -> None:
    put = toml.put(CODEX, PATH, value)
    assert same(at(tomllib.loads(put), PATH), value)
    assert toml.remove(put, PATH) == CODEX


# What is refused


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a = 1\nb", 2, 2, "= is missing here."),
        ("a = 1\n\n[b", 3, 3, "] is missing here."),
        ("[[b]\n", 1, 4, "]] is missing here."),
        ("= 1", 1, 1, "a key is missing here."),
        ("a. = 1", 1, 4, "a key is missing here."),
        ('"a\\q" = 1', 1, 1, "this key is malformed."),
        ("[a] b = 1", 1, 4, "this line should end here."),
        ("a = 1 2", 1, 7, "Expected newline or end of document after a statement."),
        ("a = ", 1, 5, "Invalid value."),
        ("a = 'b", 1, 5, "this string has no end."),
        ('\n\na = ["", """\n', 3, 10, "this string has no end."),
        ("a = 1\na = 2", 2, 6, "Cannot overwrite a value."),
        ("{}", 1, 1, "a key is missing here."),
        ("a = " + "[" * (MAX_DEPTH + 1), 1, 5 + MAX_DEPTH, "this is nested too deeply."),
        ("b = 1\n" + ".".join("a" * (MAX_DEPTH + 1)) + " = 1", 2, 1, "this key has too many parts."),
        ("a = " + "9" * 5_000, 1, 1, "a number or a date in it is out of bounds."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_the_place(text: str, line: int, column: int, problem: str) -> None:
    for edit in (lambda: toml.read(text), lambda: toml.put(text, PATH, ENTRY), lambda: toml.remove(text, PATH)):
        with pytest.raises(Unparsable) as refused:
            edit()
        assert (refused.value.line, refused.value.column, refused.value.problem) == (line, column, problem)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\nmcp_servers = {}", "mcp_servers is an inline table, in line 2. Write it as sections, such as [mcp_"),
        ("mcp_servers = { pica = { a = 1 } }", "mcp_servers is an inline table, in line 1."),
        ("[[mcp_servers]]\npica = {}", "mcp_servers is no table."),
        ("mcp_servers = 'x'", "mcp_servers is no table."),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_safely_is_refused_with_what_to_do(text: str, told: str) -> None:
    with pytest.raises(Uneditable) as refused:
        toml.put(text, PATH, ENTRY)
    assert str(refused.value).startswith(told)


def test_an_entry_in_an_inline_table_is_not_taken_out() -> None:
    with pytest.raises(Uneditable, match="mcp_servers is an inline table, in line 1"):
        toml.remove("mcp_servers = { pica = { a = 1 } }", PATH)


@pytest.mark.parametrize(
    "value", [{"a": None}, {"a": "\ud800"}, {"a": b"x"}, {"a": (1,)}, {"a": {1}}, {"a": 1 << 20_000}]
)
def test_a_value_that_toml_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(Uneditable):
        toml.put("", PATH, value)


def test_a_dotted_key_in_an_inline_table_cannot_be_nested_without_bounds() -> None:
    for name in ("a", "mcp_servers.pica"):
        with pytest.raises(Unparsable, match="a key in it has too many parts"):
            toml.put(f"{name} = {{ {'.'.join('a' * 5_000)} = 1 }}", PATH, ENTRY)
