from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pica_mcp.clients import jsonc
from pica_mcp.clients.edits import MAX_DEPTH, MISSING, Item, Uneditable, Unparsable, at, checked, same

PATH = ("mcpServers", "pica")
ENTRY: dict[str, Any] = {"command": "/opt/pica-mcp", "args": ["serve"], "env": {"PICA_IDENTITY": "ada"}}
OTHER: dict[str, Any] = {"command": 'C:\\Users\\Jörg "J"\\pica-mcp.exe', "args": []}


def lines(*written: str) -> str:
    return "".join(f"{line}\n" for line in written)


# Documents, drawn together with what they say

GAPS = st.sampled_from(
    [
        *("", "", "", " ", "\n", "\r\n", "\t", "\n    ", "\r\n\t", "\n\n  ", "/* one */", " /* } , */ ", "// two\n"),
        *(' // {"pica": 1},\r\n  ', "\n  // three\n  ", "\n/*\n*/\n", "//\n//\n"),
    ]
)
KEYS = st.sampled_from(["mcpServers", "pica", "inputs", "a", "é", 'q"\\/', "\u2028", "a b", ""])
STRINGS = st.sampled_from(["", "// no comment", "/*", "*/", "},", '\\"', "é\n", "\ud800", "x" * 90])
SCALARS = st.one_of(STRINGS, st.sampled_from([None, True, False, 0, -1, 1.5, 1e300, -2.5e-7, 12345678901234567890]))


def spelt(value: Any, *, plain: bool) -> str:
    return json.dumps(value, ensure_ascii=plain or "\ud800" in str(value))


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> tuple[str, Any]:
    kind = draw(st.sampled_from("{{[s" if depth else "s"))
    if kind == "s":
        scalar = draw(SCALARS)
        return spelt(scalar, plain=draw(st.booleans())), scalar
    return draw(objects(depth)) if kind == "{" else draw(lists(depth))


@st.composite
def objects(draw: st.DrawFn, depth: int = 3, *, root: bool = False) -> tuple[str, dict[str, Any]]:
    data: dict[str, Any] = {}
    written: list[str] = []
    for key in draw(st.lists(KEYS, max_size=4, unique=True)):
        deep = root and key == "mcpServers"
        text, data[key] = draw(objects(2)) if deep else draw(values(depth - 1))
        name = spelt(key, plain=draw(st.booleans()))
        written.append(f"{draw(GAPS)}{name}{draw(GAPS)}:{draw(GAPS)}{text}{draw(GAPS)}")
    return joined(draw, "{}", written), data


@st.composite
def lists(draw: st.DrawFn, depth: int = 3) -> tuple[str, list[Any]]:
    found = draw(st.lists(values(depth - 1), max_size=3))
    written = [f"{draw(GAPS)}{text}{draw(GAPS)}" for text, _ in found]
    return joined(draw, "[]", written), [value for _, value in found]


def joined(draw: st.DrawFn, brackets: str, written: list[str]) -> str:
    comma = "," if written and draw(st.booleans()) else ""
    return brackets[0] + ",".join(written) + comma + draw(GAPS) + brackets[1]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    text, data = draw(objects(root=True))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return f"{mark}{draw(GAPS)}{text}{draw(GAPS)}", data


def without(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    key, *rest = path
    if not rest:
        return {name: value for name, value in data.items() if name != key}
    return {name: without(value, tuple(rest)) if name == key else value for name, value in data.items()}


def alike(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))


def is_cut_out_of(text: str, less: str, spare: str = "") -> bool:
    """Tell if `less` is the text without one stretch, and perhaps without one `spare` character before it."""
    start, end = alike(text, less), alike(text[::-1], less[::-1])
    if start + end >= len(less):
        return True
    return bool(spare) and text[start] == spare and is_cut_out_of(text[:start] + text[start + 1 :], less)


@given(documents())
def test_a_document_is_read_with_comments_and_commas_wherever_they_are(document: tuple[str, dict[str, Any]]) -> None:
    text, data = document
    assert same(jsonc.read(text), data)


@given(documents(), st.sampled_from([PATH, ("pica",), ("inputs",)]))
@settings(max_examples=150)
@example(("{}", {}), ("pica",))
@example(("{ }", {}), ("pica",))
@example(("{\r\n}", {}), ("pica",))
@example(('{"mcpServers": { \t }}', {"mcpServers": {}}), PATH)
@example(("{ // none yet\n}", {}), ("pica",))
@example(("{ /* none yet */ }", {}), ("pica",))
@example(("{\n  /* none yet */\n}", {}), ("pica",))
def test_what_put_adds_is_all_that_changes_and_remove_takes_it_away_byte_for_byte(
    document: tuple[str, dict[str, Any]], path: tuple[str, ...]
) -> None:
    text, data = document
    assume(at(data, path) is MISSING and isinstance(at(data, path[:-1]), dict))
    put = jsonc.put(text, path, ENTRY)
    assert at(jsonc.read(put), path) == ENTRY
    assert same(without(jsonc.read(put), path), data)
    assert is_cut_out_of(put, text, ",")
    assert jsonc.put(put, path, ENTRY) == put
    assert jsonc.put(put, path, OTHER) == jsonc.put(text, path, OTHER)
    assert jsonc.remove(put, path) == text


@given(documents())
def test_missing_parents_are_made_unless_something_else_is_in_their_place(
    document: tuple[str, dict[str, Any]],
) -> None:
    text, data = document
    parents = [at(data, PATH[:1]), at(data, ("a",))]
    for path, parent in zip([PATH, ("a", "b", "pica")], parents, strict=True):
        if parent is MISSING or isinstance(parent, dict):
            put = jsonc.put(text, path, ENTRY)
            assert at(jsonc.read(put), path) == ENTRY
            assert is_cut_out_of(put, text, ",") or at(data, path) is not MISSING
        else:
            with pytest.raises(Uneditable, match="where an object is needed"):
                jsonc.put(text, path, ENTRY)


@given(documents())
def test_what_is_there_is_replaced_or_removed_and_nothing_else_changes(
    document: tuple[str, dict[str, Any]],
) -> None:
    text, data = document
    paths = [(key,) for key in data] + [("mcpServers", key) for key in data.get("mcpServers", ())]
    for path in paths:
        put = jsonc.put(text, path, ENTRY)
        assert at(jsonc.read(put), path) == ENTRY
        assert same(without(jsonc.read(put), path), without(data, path))
        removed = jsonc.remove(text, path)
        assert same(jsonc.read(removed), without(data, path))
        assert is_cut_out_of(text, removed, ",")
        assert jsonc.remove(removed, path) == removed


@given(
    st.lists(st.sampled_from([*'{}[]",:/*\\\n\ufeff e1-.', "//", "/*", '"a"', "true", "NaN"]), max_size=12).map("".join)
)
@settings(max_examples=200)
def test_whatever_the_text_it_is_edited_rightly_or_refused(text: str) -> None:
    try:
        data = jsonc.read(text)
        put = jsonc.put(text, ("a",), ENTRY)
    except (Unparsable, Uneditable):
        return
    assert jsonc.read(put) == {**data, "a": ENTRY}
    assert "a" in data or "}" not in text or jsonc.remove(put, ("a",)) in (text, "{}\n", f"{text}\n{{}}\n")


# As clients write their files, and as people do

SHAPES = {
    "an empty file": (
        "",
        lines("{", '  "mcpServers": {', '    "pica": {', '      "command": "x"', "    }", "  }", "}"),
    ),
    "nothing but a comment": (
        "// my servers",
        lines("// my servers", "{", '  "mcpServers": {', '    "pica": {', '      "command": "x"', "    }", "  }", "}"),
    ),
    "Claude Desktop, new": (
        "{}",
        '{\n  "mcpServers": {\n    "pica": {\n      "command": "x"\n    }\n  }\n}',
    ),
    "Claude Desktop, with settings of its own": (
        lines("{", '  "globalShortcut": "",', '  "preferences": {"quickEntry": true}', "}"),
        lines(
            *("{", '  "globalShortcut": "",', '  "preferences": {"quickEntry": true},', '  "mcpServers": {'),
            *('    "pica": {', '      "command": "x"', "    }", "  }", "}"),
        ),
    ),
    "Cursor, with another server": (
        lines("{", '  "mcpServers": {', '    "git": {"command": "uvx", "args": ["git"]}', "  }", "}"),
        lines(
            *("{", '  "mcpServers": {', '    "git": {"command": "uvx", "args": ["git"]},', '    "pica": {'),
            *('      "command": "x"', "    }", "  }", "}"),
        ),
    ),
    "tabs, and lines of Windows": (
        '{\r\n\t"mcpServers": {}\r\n}\r\n',
        '{\r\n\t"mcpServers": {\r\n\t\t"pica": {\r\n\t\t\t"command": "x"\r\n\t\t}\r\n\t}\r\n}\r\n',
    ),
    "four spaces, a trailing comma, comments about servers that are switched off": (
        lines(
            *("{", '    "mcpServers": {', '        "git": {}, // for work', '        // "old": {},', "    },", "}"),
        ),
        lines(
            *(
                "{",
                '    "mcpServers": {',
                '        "git": {}, // for work',
                '        // "old": {},',
                '        "pica": {',
            ),
            *('            "command": "x"', "        },", "    },", "}"),
        ),
    ),
    "a comment right after the last server": (
        lines("{", '  "mcpServers": {', '    "git": {} // for work', "  }", "}"),
        lines(
            *("{", '  "mcpServers": {', '    "git": {}, // for work', '    "pica": {', '      "command": "x"'),
            *("    }", "  }", "}"),
        ),
    ),
    "a comment and no server": (
        lines("{", '  "mcpServers": {', "    // none yet", "  }", "}"),
        lines(
            "{", '  "mcpServers": {', "    // none yet", '    "pica": {', '      "command": "x"', "    }", "  }", "}"
        ),
    ),
    "a comment between key and value": (
        lines("{", '  "mcpServers": /* all of them */ {}', "}"),
        lines(
            *("{", '  "mcpServers": /* all of them */ {', '    "pica": {', '      "command": "x"', "    }", "  }", "}"),
        ),
    ),
    "one line": ('{"mcpServers": {}}', '{"mcpServers": {"pica": {"command": "x"}}}'),
    "one line without spaces": (
        '{"numStartups":3,"mcpServers":{"a":{}}}\n',
        '{"numStartups":3,"mcpServers":{"a":{},"pica":{"command":"x"}}}\n',
    ),
    "servers on one line each": (
        lines("{", '  "mcpServers": { "a": {} }', "}"),
        lines("{", '  "mcpServers": { "a": {}, "pica": {"command": "x"} }', "}"),
    ),
    "an entry of several lines that begins in another's": (
        '{"mcpServers": {"pica": {\n  "command": "old"\n}}}',
        '{"mcpServers": {"pica": {\n  "command": "x"\n}}}',
    ),
    "an entry that is there": (
        lines("{", '  "mcpServers": {', '    "pica": {"command": "old"}, // mine', '    "z": {}', "  }", "}"),
        lines(
            *("{", '  "mcpServers": {', '    "pica": {', '      "command": "x"', "    }, // mine", '    "z": {}'),
            *("  }", "}"),
        ),
    ),
}


@pytest.mark.parametrize(("before", "after"), SHAPES.values(), ids=SHAPES)
def test_an_entry_is_written_as_the_file_is(before: str, after: str) -> None:
    assert jsonc.put(before, PATH, {"command": "x"}) == after


def test_an_entry_that_is_the_same_but_for_its_looks_is_left_alone() -> None:
    text = '{"mcpServers": {"pica": { "args": [/* none */], "command": "x" }}}'
    assert jsonc.put(text, PATH, {"command": "x", "args": []}) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n  "pica": {},\n  "z": 1\n}', '{\n  "z": 1\n}'),
        ('{\n  "a": 1,\n  "pica": {}\n}', '{\n  "a": 1\n}'),
        ('{\n  "a": 1,\n  "pica": {},\n}', '{\n  "a": 1,\n}'),
        ('{"pica": {}, "z": 1}', '{"z": 1}'),
        ('{"a": 1, "pica": {}, "z": 1}', '{"a": 1, "z": 1}'),
        ('{\n  "pica": {}, "z": 1\n}', '{\n  "z": 1\n}'),
        ('{\n  "pica": {}\n  // three\n}', "{\n  // three\n}"),
        ('{\n  "pica": {}\n}', "{}"),
        ('{\n  // two\n  "pica": {}, // three\n  "z": 1\n}', '{\n  // two\n  // three\n  "z": 1\n}'),
        ('{// two\n"pica": {}}', "{// two\n}"),
        ('{"a": 1 /* one */ , "pica": /* two */ {} /* three */}', '{"a": 1 /* one */  /* three */}'),
        ('{"pica": {}, // three\n}', "{// three\n}"),
    ],
)  # fmt: skip
def test_comments_stay_when_an_entry_goes_but_for_those_inside(before: str, after: str) -> None:
    assert jsonc.remove(before, ("pica",)) == after


@pytest.mark.parametrize("text", ["", " \n", "// none", "{}", '{"mcpServers": null}', '{"mcpServers": {"Pica": {}}}'])
def test_what_is_not_there_is_not_removed(text: str) -> None:
    assert jsonc.remove(text, PATH) == text


# Items of a list


ASKED = {"type": "promptString", "id": "pica_secret", "password": True}
INPUT = ("inputs", Item("pica_secret"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"inputs":[]}', '{"inputs":[{"type":"promptString","id":"pica_secret","password":true}]}'),
        (
            lines("{", '  "inputs": [', '    {"id": "a"} // mine', "  ]", "}"),
            lines(
                *("{", '  "inputs": [', '    {"id": "a"}, // mine', "    {", '      "type": "promptString",'),
                *('      "id": "pica_secret",', '      "password": true', "    }", "  ]", "}"),
            ),
        ),
        ('{"inputs": ["x", {"id": 1}, 2]}', f'{{"inputs": ["x", {{"id": 1}}, 2, {json.dumps(ASKED)}]}}'),
    ],
)  # fmt: skip
def test_an_item_of_a_list_comes_and_goes_by_its_id(before: str, after: str) -> None:
    assert jsonc.put(before, INPUT, ASKED) == after
    assert jsonc.put(after, INPUT, ASKED) == after
    assert jsonc.remove(after, INPUT) == before


def test_a_list_is_made_for_its_first_item() -> None:
    assert jsonc.read(jsonc.put("{}", INPUT, ASKED)) == {"inputs": [ASKED]}


def test_an_item_is_replaced_where_it_stands() -> None:
    text = '{"inputs": [{"id": "pica_secret"}, {"id": "z"}]}'
    assert jsonc.put(text, INPUT, ASKED) == f'{{"inputs": [{json.dumps(ASKED)}, {{"id": "z"}}]}}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"inputs": {}}', '"inputs" in line 1 is an object, where a list is needed.'),
        ('{"inputs": [{"id": "pica_secret"},\n{"id": "pica_secret"}]}', '"pica_secret" is there more than once'),
    ],
)  # fmt: skip
def test_a_list_that_is_none_or_is_ambiguous_is_refused(text: str, told: str) -> None:
    with pytest.raises(Uneditable) as refused:
        jsonc.put(text, INPUT, ASKED)
    assert str(refused.value).startswith(told)


# What is refused


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("[]", 1, 1, "the file holds a list, where an object is needed."),
        ("\ufeff\n null", 2, 2, "the file holds null, where an object is needed."),
        ("{", 1, 2, "the text ends where a } is missing."),
        ('{"a": [1,\n', 2, 1, "the text ends where a ] is missing."),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "a comma is missing before this."),
        ('{"a": [1 2]}', 1, 10, "a comma is missing before this."),
        ("{a: 1}", 1, 2, "a key in double quotes is missing here."),
        ("{,}", 1, 2, "a key in double quotes is missing here."),
        ("{'a': 1}", 1, 2, "a key in double quotes is missing here."),
        ('{"a" 1}', 1, 6, "a colon is missing after the key."),
        ('{"a": }', 1, 7, "a value is missing here."),
        ('{"a": NaN}', 1, 7, "a value is missing here."),
        ('{"a": -Infinity}', 1, 7, "a value is missing here."),
        ('{"a": 01}', 1, 7, "a value is missing here."),
        ('{"a": 1.}', 1, 7, "a value is missing here."),
        ('{"a": +1}', 1, 7, "a value is missing here."),
        ('{"a": truely}', 1, 7, "a value is missing here."),
        ('{"a": [1,,2]}', 1, 10, "a value is missing here."),
        ('{"a": "b}', 1, 7, "this string has no end, or holds what a string cannot."),
        ('{"a": "\t"}', 1, 7, "this string has no end, or holds what a string cannot."),
        ('{"a": "\\x41"}', 1, 7, "this string has no end, or holds what a string cannot."),
        ('{"a": 1 /* b', 1, 9, "this comment has no end."),
        ('{"a": 1 / 2}', 1, 9, "this comment has no end."),
        ("{} {}", 1, 4, "something follows after the end of the object."),
        ("# comment\n{}", 1, 1, "a value is missing here."),
        ('{"a":' * (MAX_DEPTH + 5) + "}" * (MAX_DEPTH + 5), 1, 5 * (MAX_DEPTH + 1) + 1, "this is nested too deeply."),
        ('{"a":' + "[" * 100_000, 1, 6 + MAX_DEPTH, "this is nested too deeply."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_the_place(text: str, line: int, column: int, problem: str) -> None:
    for edit in (lambda: jsonc.read(text), lambda: jsonc.put(text, PATH, ENTRY), lambda: jsonc.remove(text, PATH)):
        with pytest.raises(Unparsable) as refused:
            edit()
        assert (refused.value.line, refused.value.column, refused.value.problem) == (line, column, problem)


@pytest.mark.parametrize("held", ["null", "true", '"x"', "[]", "1"])
def test_a_parent_that_is_no_object_is_refused_and_told(held: str) -> None:
    kinds = {"null": "null", "true": "true or false", '"x"': "a string", "[]": "a list", "1": "a number"}
    with pytest.raises(Uneditable, match=f'"mcpServers" in line 2 is {kinds[held]}, where an object is needed'):
        jsonc.put(f'{{\n"mcpServers": {held}}}', PATH, ENTRY)


def test_equal_keys_are_refused_on_the_path_and_read_as_clients_do_elsewhere() -> None:
    twice = '{"mcpServers": {"pica": {}},\n "mcpServers": {"pica": {}}}'
    for edit in (lambda: jsonc.put(twice, PATH, ENTRY), lambda: jsonc.remove(twice, PATH)):
        with pytest.raises(Uneditable, match='"mcpServers" is there more than once, in lines 1 and 2'):
            edit()
    elsewhere = '{"a": 1, "mcpServers": {"b": 1, "b": 2}, "a": 3}'
    put = jsonc.put(elsewhere, PATH, {})
    assert put == '{"a": 1, "mcpServers": {"b": 1, "b": 2, "pica": {}}, "a": 3}'
    assert jsonc.read(put) == {"a": 3, "mcpServers": {"b": 2, "pica": {}}}


@pytest.mark.parametrize("value", [{"a": float("nan")}, {1: "a"}, {"a": (1,)}, {"a": "\ud83d\ude00"}])
def test_a_value_that_would_be_read_as_another_is_refused(value: Any) -> None:
    with pytest.raises(Uneditable):
        jsonc.put("{}", PATH, value)


@pytest.mark.parametrize("text", ['{"a": 1, "pica": {}}', '{"a": true, "pica": {}}', '{"pica": {}}', '{"a": 2}', "{"])
def test_an_edit_with_another_outcome_than_it_should_have_is_refused(text: str) -> None:
    with pytest.raises(Uneditable, match="nothing was changed"):
        checked(text, jsonc.read, {"a": 2}, ("pica",), {})


def test_numbers_that_nobody_can_hold_stay_as_they_are_written() -> None:
    text = f'{{"a": {"9" * 5_000}, "b": 1e999, "c": -0.0}}'
    assert jsonc.put(text, ("pica",), {}) == f'{text[:-1]}, "pica": {{}}}}'


def test_half_a_character_is_written_as_an_escape() -> None:
    put = jsonc.put("{}", PATH, {"command": "\ud800é"})
    assert put.encode() == put.encode()
    assert '"\\ud800é"' in put


def test_a_large_file_is_edited() -> None:
    projects = {f"/home/ada/{number}": {"history": ["x" * 50] * 10} for number in range(500)}
    text = json.dumps({"projects": projects, "mcpServers": {}}, indent=2)
    assert jsonc.remove(jsonc.put(text, PATH, ENTRY), PATH) == text
