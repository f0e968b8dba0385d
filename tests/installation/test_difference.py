"""What a person is shown of a change in a client's file: where it is and what it is, and nothing that may be secret."""

from __future__ import annotations

import pytest

from pica_mcp.clients import Form
from pica_mcp.installation.difference import covered_line, difference


@pytest.mark.parametrize(
    ("form", "line", "seen"),
    [
        ("json", '  "env": {"TOKEN": "ghp_x", "N": 12, "ON": true},', '  "env": {"TOKEN": "…", "N": 12, "ON": true},'),
        ("json", '  "args": ["-y", "known"]', '  "args": ["…", "known"]'),
        ("json", '  // "TOKEN": "ghp_x", once ghp_y', '  … "TOKEN": "…", …'),
        ("json", "  ghp_x stands in the open", "  …"),
        ("json", '  "a": "with \\" a quote", "b": 12345678', '  "a": "…", "b": …'),
        ("toml", 'token = "ghp_x" # ghp_y', 'token = "…" …'),
        ("toml", "path = 'known'", "path = 'known'"),
        ("toml", '[mcp_servers."ghp_x"]', '[mcp_servers."…"]'),
        ("toml", 'env = { TOKEN = "ghp_x" }', 'env = { … = "…" }'),
        ("toml", "a line of a long text", "…"),
        ("json", '"k": "known", "c": "live::gmail::default::abc"', '"k": "known", "c": "…"'),
        ("json", '"k": "\x1b[2J", "x": 1', '"k": "…", "x": 1'),
    ],
)
def test_a_line_shows_its_keys_and_what_is_known_to_be_harmless(form: Form, line: str, seen: str) -> None:
    assert covered_line(line, form, {"known"}) == seen


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("live::gmail::default::abc", "live::gmail::…"),
        ("sk_live_1_abc", "sk_live_…"),
        ("https://me:pass@proxy.example", "https://…@proxy.example"),
    ],
)
def test_keys_and_passwords_are_never_shown(key: str, seen: str) -> None:
    assert difference("", f'"k": "{key}"\n', "json", [key]) == ["@@ line 1 @@", f'+"k": "{seen}"']


@pytest.mark.parametrize(
    ("form", "text", "seen"),
    [
        ("json", '// "sk_1": "x"\n', ["+…"]),
        ("json", '/* "sk_1":\n  "sk_2": 1 */ "k": "known"\n', ["+…", '+… "k": "known"']),
        ("json", '"a": "// known", // sk_1\n', ['+"a": "…", …']),
        ("toml", 'a = """\nsk_1 = known\nc2tfMQ==\n""" # sk_2\n', ["+a = …", "+…", "+…", "+…"]),
        ("toml", "a = '''sk_1'''\nb = '#known' # sk_1 = 1\n", ["+a = …", '+b = "…" …']),
        ("toml", "c2tfMQ==\n", ["+…=="]),
    ],
)
def test_comments_and_strings_of_several_lines_are_covered_whatever_they_look_like(
    form: Form, text: str, seen: list[str]
) -> None:
    assert difference("", text, form, ["known"])[1:] == seen


def test_a_change_in_a_long_file_is_shown_with_its_place_and_two_lines_around() -> None:
    before = [f'"{number}": 1,' for number in range(20_000)]
    after = [*before[:9_000], '"new": "known",', *before[9_000:]]
    assert difference("\n".join(before), "\n".join(after), "json", ["known"]) == [
        "@@ line 8999 @@",
        ' "8998": 1,',
        ' "8999": 1,',
        '+"new": "known",',
        ' "9000": 1,',
        ' "9001": 1,',
    ]


def test_nothing_that_changes_is_nothing_to_show_and_very_much_is_cut() -> None:
    assert difference("a\n", "a\n", "json", []) == []
    lines = difference("", '"a": 1\n' * 1_000, "json", [])
    assert (len(lines), lines[-1]) == (401, "(601 more lines)")
