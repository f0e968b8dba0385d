from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import mcp_types as mcp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp import text
from pica_mcp.access import Caller, Identity
from pica_mcp.effects import of_action
from pica_mcp.errors import InvalidArguments, RateLimited, UnknownResult
from pica_mcp.files import Files
from pica_mcp.models import ActionDetails, Effect
from pica_mcp.passthrough import Response
from pica_mcp.results import MAX_CHARS, Results, failed, failures, media, said
from pica_mcp.store import Store, Stored
from pica_mcp.tools import View

MakeAction = Callable[..., ActionDetails]
MakeCaller = Callable[..., Caller]
ResultT = TypeVar("ResultT")

ALL = View()

STATUSES = st.sampled_from([200, 204, 301, 304, 400, 401, 403, 404, 409, 422, 429, 500, 503])
WORDS = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["error", "message", "ok"]), inner),
)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(76)
NEXT = re.compile(r'get_pica_result\(id="(r_[\w-]+)"(?:, result_fields=("(?:[^"\\]|\\.)*"))?(?:, offset=(\d+))?\)')


class Desk:
    """Writes results for ada and follows what they say."""

    def __init__(self, action: ActionDetails, caller: Caller, folder: Path | None = None, **bounds: Any) -> None:
        self.store = Store(**bounds)
        self.results = Results(self.store, Files(folder, self.store), max_tokens=6_000)
        self.action, self.caller = action, caller

    def answer(self, body: Any, view: View = ALL, status: int = 200, **facts: Any) -> mcp.CallToolResult:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = Response(status, facts.pop("headers", {}), content, by_provider=True, **facts)
        answered = self.results.answered(self.caller, self.action, response, of_action(self.action), view)
        return done(answered)

    def more(self, result_id: str, view: View = ALL) -> mcp.CallToolResult:
        return done(self.results.more(self.caller, result_id, view))

    def following(self, seen: str, tokens: int) -> list[str]:
        """What the calls answer that this one names."""
        return [
            text_of(self.more(found[1], View(json.loads(found[2] or '""'), tokens, int(found[3] or 0))))
            for found in NEXT.finditer(seen.partition("\n")[2])
        ]


def done(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """What a coroutine returns; nearly all here wait for nothing, and an event loop for each takes its time."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError


@pytest.fixture
def desk(action: MakeAction, caller: MakeCaller) -> Desk:
    return Desk(action(), caller())


def text_of(result: mcp.CallToolResult) -> str:
    content = result.content[0]
    assert isinstance(content, mcp.TextContent)
    return content.text


def only_text(result: mcp.CallToolResult) -> str:
    assert len(result.content) == 1
    return text_of(result)


def without_id(seen: str) -> str:
    return re.sub(r"r_[\w-]{16}", "r_1", seen)


# Success


@pytest.mark.parametrize(
    ("body", "headers", "seen"),
    [
        (b'{ "a": [1, 2],\n "b": "\\u4e16" }', {}, '{"a":[1,2],"b":"世"}'),
        (b"[]", {"content-type": "application/json"}, "[]"),
        (b'"text"', {}, '"text"'),
        (b'\xef\xbb\xbf{"a": 1}', {}, '{"a":1}'),
        (b'{"ok": true, "a": {"ok": false}}', {}, '{"ok":true,"a":{"ok":false}}'),
        (b'[{"ok": false}]', {}, '[{"ok":false}]'),
        (b"null", {}, "null"),
        (b'{"a": "\\ud800"}', {}, '{"a":"\ufffd"}'),
    ],
)
def test_data_is_shown_compact_and_clean(desk: Desk, body: bytes, headers: dict[str, str], seen: str) -> None:
    result = desk.answer(body, headers=headers)
    assert (only_text(result), bool(result.is_error), result.structured_content) == (seen, False, None)


@pytest.mark.parametrize(
    ("body", "headers", "seen"),
    [
        (b"plain words", {}, "plain words"),
        (b"a,b\n1,2", {"content-type": "text/csv; charset=utf-8"}, "a,b\n1,2"),
        (b"<a/>", {"content-type": "application/atom+xml"}, "<a/>"),
        ("grün".encode("latin-1"), {"content-type": "text/plain; charset=iso-8859-1"}, "grün"),
        ("a\u202eb\x1b".encode(), {"content-type": "text/plain"}, "ab"),
        (b"a </ data> b", {}, "a </ data_> b"),
        (b'{"half', {"content-type": "application/json"}, '{"half'),
    ],
)
def test_text_that_is_no_json_is_fenced_since_it_could_be_taken_for_our_words(
    desk: Desk, body: bytes, headers: dict[str, str], seen: str
) -> None:
    result = desk.answer(body, headers=headers)
    assert only_text(result) == f'<data source="answer of gmail">\n{seen}\n</data>'
    assert not result.is_error


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_empty_body_says_that_it_is_done(desk: Desk, status: int) -> None:
    assert only_text(desk.answer(b"", status=status)) == f"Done (HTTP {status}, no content)."


@pytest.mark.parametrize("body", [b"\x01", "\u200b".encode(), b" \n"])
def test_an_answer_of_which_nothing_can_be_seen_is_not_silent(desk: Desk, body: bytes) -> None:
    assert text_of(desk.answer(body)).strip() != ""


def test_a_long_blank_beginning_is_not_taken_for_an_empty_answer(desk: Desk) -> None:
    assert "the end" in text_of(desk.answer(b"\n" * 2_000 + b"the end"))


# Failure


@pytest.mark.parametrize(("status", "body"), [(404, b'{"message": "no"}'), (200, b'{"ok": false}'), (302, b"")])
def test_a_failure_is_an_error_with_the_arguments_where_they_are_at_fault(desk: Desk, status: int, body: bytes) -> None:
    response = Response(status, {}, body, by_provider=True)
    effect = of_action(desk.action)
    result = done(desk.results.answered(desk.caller, desk.action, response, effect, View("a"), "id*: string"))
    told = failures.told(desk.action, response, media.read("", body), effect, desk.caller.identity, "id*: string")
    assert (only_text(result), result.is_error) == (told, True)


# Too long


MESSAGES = {"messages": [{"id": n, "text": "x" * 80} for n in range(312)], "nextPageToken": "abc", "total": 312}


def test_a_long_list_shows_its_first_items_and_the_call_for_the_rest(desk: Desk) -> None:
    shown, note = only_text(desk.answer(MESSAGES, View(max_tokens=700))).split("\n")
    count = len(json.loads(shown)["messages"])
    assert 20 < count < 30
    assert json.loads(shown) == MESSAGES | {"messages": MESSAGES["messages"][:count]}  # pyright: ignore[reportIndexIssue]
    assert without_id(note) == (
        f'[Shown: {count} of 312 of messages. The rest: get_pica_result(id="r_1", result_fields="messages[{count}:]")]'
    )


def test_the_rest_says_which_part_it_is(desk: Desk) -> None:
    result_id = desk.store.put(desk.caller.identity, Stored("gmail", "application/json", json.dumps(MESSAGES).encode()))
    assert result_id
    _, note = only_text(desk.more(result_id, View("messages[300:310]", 200))).split("\n")
    assert without_id(note) == (
        '[Shown: 301 to 306 of 310 of messages. The rest: get_pica_result(id="r_1", result_fields="messages[306:310]")]'
    )


@pytest.mark.parametrize(
    ("body", "view", "note"),
    [
        (
            {"a": {"b": "x" * 9_000}, "c": 1},
            View(),
            (
                '[Shown: 647 of 9,000 characters of a.b. The rest: get_pica_result(id="r_1", result_fields="a.b", '
                "offset=647)]"
            ),
        ),
        ("x" * 9_000, View(), '[Shown: 667 of 9,000 characters. The rest: get_pica_result(id="r_1", offset=667)]'),
        (
            {"a": "x" * 9_000},
            View("a", offset=100),
            (
                '[Shown: 101 to 767 of 9,000 characters of a. The rest: get_pica_result(id="r_1", result_fields="a", '
                "offset=767)]"
            ),
        ),
        (
            {str(n): n for n in range(9_000)},
            View(),
            '[Shown: 86 of 9,000 keys. The rest: get_pica_result(id="r_1", offset=86)]',
        ),
        (
            {"a b": ["x" * 90] * 99},
            View('"a b"[].[@]'),
            '[Shown: 7 of 99. The rest: get_pica_result(id="r_1", result_fields="\\"a b\\"[].[@] | [7:]")]',
        ),
    ],
)
def test_what_is_cut_says_how_much_and_names_the_call(desk: Desk, body: Any, view: View, note: str) -> None:
    view = View(view.fields, 200, view.offset)
    shown, told = only_text(desk.answer(body, view)).split("\n")
    json.loads(shown)
    assert without_id(told) == note


def test_text_that_is_too_long_is_cut_inside_its_fence(desk: Desk) -> None:
    words = "".join(f"line {number}\n" for number in range(9_000))
    seen = only_text(desk.answer(words.encode()))
    assert MAX_CHARS - 500 < len(seen) <= MAX_CHARS
    _, _, rest = seen.partition("\n")
    inner, _, note = rest.rpartition("\n</data>\n")
    assert words.startswith(inner)
    assert without_id(note) == (
        f"[Shown: {len(inner):,} of {len(words):,} characters. "
        f'The rest: get_pica_result(id="r_1", offset={len(inner)})]'
    )
    (more,) = desk.following(seen.replace(inner, ""), 100_000)
    assert more == text.fence(words[len(inner) :], "answer of gmail")


@pytest.mark.parametrize("unit", ["<data", "\u0958"], ids=["breaking its marks", "spelling it in one way"])
def test_what_grows_by_being_made_safe_is_still_closed_by_its_fence(desk: Desk, unit: str) -> None:
    seen = only_text(desk.answer((unit * (23_700 // len(unit))).encode()))
    assert len(seen) <= MAX_CHARS
    assert seen.partition("\n[Shown: ")[0].endswith("\n</data>")


def test_what_was_cut_on_the_way_says_so_however_short(desk: Desk) -> None:
    assert only_text(desk.answer(b'{"a": [1, 2', truncated=True)) == (
        '<data source="answer of gmail">\n{"a": [1, 2\n</data>\n[The answer is longer than 11 bytes; its end is lost. '
        "Ask for less, where the action has filter or page arguments.]"
    )


def test_what_is_too_large_to_be_kept_says_so(action: MakeAction, caller: MakeCaller) -> None:
    seen = only_text(Desk(action(), caller(), max_bytes=100).answer(MESSAGES, View(max_tokens=200)))
    assert seen.endswith(
        " of 312 of messages. The rest is too large to be kept. Ask for less, where the action has filter or page "
        "arguments.]"
    )


def test_where_there_is_no_room_to_name_the_call_it_is_said_that_something_is_missing(desk: Desk) -> None:
    fields = f"messages[].{{{', '.join(f'n{number:02}: id' for number in range(45))}}}"
    seen = only_text(desk.answer(MESSAGES, View(fields, 200)))
    json.loads(seen.partition("\n")[0])
    assert len(seen) <= 800
    assert seen.endswith("\n[Not all is shown; pass a shorter result_fields, or a larger max_result_tokens.]")


def test_what_is_too_deep_to_be_named_is_not_promised(desk: Desk) -> None:
    deep: Any = "x" * 30_000
    for _ in range(180):
        deep = [deep]
    seen = only_text(desk.answer(deep, View("[0]" * 166)))
    assert seen == (
        f"[]\n[Shown: 0 of 1 of {'[0]' * 19}[0…. The rest cannot be shown in so little room; "
        "pass a larger max_result_tokens.]"
    )


@pytest.mark.parametrize(("tokens", "most"), [(-5, 800), (1, 800), (500, 2_000), (None, 24_000), (10**9, 400_000)])
def test_the_size_is_the_callers_within_bounds(desk: Desk, tokens: int | None, most: int) -> None:
    seen = only_text(desk.answer([["x" * 10]] * 100_000, View(max_tokens=tokens)))
    assert most * 0.9 < len(seen) <= most


def test_nothing_is_kept_of_an_answer_that_is_shown_whole(desk: Desk) -> None:
    desk.answer([1])
    desk.answer(b"words")
    assert not desk.store._kept


# Parts of answers


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ("messages[1].id", "1"),
        ("messages[:2].{n: id}", '[{"n":0},{"n":1}]'),
        ("messages[?id==`7`].id", "[7]"),
        ("messages[?id==`999`]", "[]"),
        ("length(messages)", "312"),
    ],
)
def test_fields_select_what_is_shown(desk: Desk, fields: str, seen: str) -> None:
    assert only_text(desk.answer(MESSAGES, View(fields))) == seen


@pytest.mark.parametrize(
    ("body", "fields", "seen"),
    [
        (
            {"messages": [], "next page": 1, "a\u202eb": 2},
            "message[0]",
            'null\n[result_fields selects nothing. The answer has the keys ["messages","next page","ab"].',
        ),
        (
            [{"id": 1}, {"x": 2}],
            "id",
            'null\n[result_fields selects nothing. The answer is a list of 2, the first with the keys ["id"].',
        ),
        ([], "[0]", "null\n[result_fields selects nothing. The answer is a list of 0."),
        (7, "id", "null\n[result_fields selects nothing. The answer is a single value."),
        (
            {"a": 1},
            "sort_by([@], &b)",
            (
                "[result_fields could not be applied. The function sort_by() does not take a value of that type. "
                'The answer has the keys ["a"].'
            ),
        ),
        (
            {str(n): 1 for n in range(99)},
            "x",
            (
                "null\n[result_fields selects nothing. The answer has the keys "
                f"{json.dumps([str(n) for n in range(30)], separators=(',', ':'))} and 69 more."
            ),
        ),
    ],
)
def test_fields_that_select_nothing_show_what_there_is_and_need_no_second_call_of_the_action(
    desk: Desk, body: Any, fields: str, seen: str
) -> None:
    result = desk.answer(body, View(fields))
    assert without_id(only_text(result)) == f'{seen} Choose from get_pica_result(id="r_1").]'
    assert not result.is_error
    (again,) = desk.following("\n" + text_of(result), 6_000)
    assert json.loads(again) == json.loads(text.clean(json.dumps(body, ensure_ascii=False)))


def test_what_there_is_is_told_without_reading_long_keys(desk: Desk, cleaned: list[int]) -> None:
    told = only_text(desk.answer({f"{number}{'é' * 10_000}": 1 for number in range(30)}, View("nope")))
    assert f'"9{"é" * 38}…"' in told
    assert sum(cleaned) < 50_000


def test_fields_of_text_are_told_to_be_in_vain(desk: Desk) -> None:
    assert only_text(desk.answer(b"words", View("a"))) == (
        '<data source="answer of gmail">\nwords\n</data>\n[The answer is text; result_fields is for JSON.]'
    )


# What is kept


def test_another_person_finds_nothing(desk: Desk, action: MakeAction, caller: MakeCaller) -> None:
    found = NEXT.search(text_of(desk.answer(MESSAGES, View(max_tokens=200))))
    assert found
    other = Caller(Identity("eve"), caller().grant, caller().environment)
    with pytest.raises(UnknownResult) as foreign:
        done(desk.results.more(other, found[1], View()))
    with pytest.raises(UnknownResult) as unknown:
        desk.more("r_none")
    assert str(foreign.value) == str(unknown.value)


def test_a_malformed_expression_for_more_is_told(desk: Desk) -> None:
    found = NEXT.search(text_of(desk.answer(MESSAGES, View(max_tokens=200))))
    assert found
    with pytest.raises(InvalidArguments, match="character 10"):
        desk.more(found[1], View("messages["))


def test_text_that_is_kept_is_read_by_its_charset_again(desk: Desk) -> None:
    body = ("grün " * 1_000).encode("latin-1")
    seen = only_text(desk.answer(body, View(max_tokens=200), headers={"content-type": "text/plain; charset=latin-1"}))
    (more,) = desk.following(seen, 200)
    assert "grün" in more


ITEMS = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.dictionaries(WORDS, WORDS, max_size=2)


@settings(max_examples=100, deadline=None)
@given(st.lists(ITEMS.filter(lambda item: len(json.dumps(item)) < 150), max_size=60), st.integers(200, 500))
def test_a_list_is_put_together_again_from_the_calls_that_its_parts_name(
    action: MakeAction, caller: MakeCaller, items: list[Any], tokens: int
) -> None:
    desk = Desk(action(), caller())
    wanted = json.loads(text.clean(text.compact(items)))
    found: list[Any] = []
    waiting = [text_of(desk.answer({"items": items, "next": "abc"}, View("items", tokens)))]
    while waiting:
        seen = waiting.pop()
        assert len(seen) <= tokens * 4
        found += json.loads(seen.partition("\n")[0])
        waiting += desk.following(seen, tokens)
        assert len(waiting) <= 1
    assert found == wanted


KEYS = st.text('ab "\\<é\u0301', max_size=30) | st.sampled_from(["a", "b-c", "d e"])
TREES = st.recursive(
    st.integers(0, 60),
    lambda inner: st.lists(inner, min_size=1, max_size=9) | st.dictionaries(KEYS, inner, min_size=1, max_size=9),
    max_leaves=60,
)


def leaves(value: Any) -> set[str]:
    inner: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return {value} if isinstance(value, str) else set[str]().union(*map(leaves, inner))


def named(tree: Any, names: list[str]) -> Any:
    """The tree with a name of its own on every leaf, as much longer as the leaf says."""
    if isinstance(tree, list):
        return [named(inner, names) for inner in tree]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(tree, dict):
        return {key: named(inner, names) for key, inner in tree.items()}  # pyright: ignore[reportUnknownVariableType]
    names.append(f"leaf {len(names)} {'x' * tree}")
    return names[-1]


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_whatever_is_cut_is_found_by_following_the_calls(action: MakeAction, caller: MakeCaller, tree: Any) -> None:
    desk = Desk(action(), caller())
    names: list[str] = []
    answer = {"tree": named(tree, names), "total": 3}
    waiting, found = [text_of(desk.answer(answer, View(max_tokens=200)))], set[str]()
    for _ in range(2_000):
        if not waiting:
            break
        seen = waiting.pop()
        assert len(seen) <= 800
        found |= leaves(json.loads(seen.partition("\n")[0]))
        waiting += desk.following(seen, 200)
    assert not waiting
    assert set(names) <= found


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.sampled_from(["json", "nested", "text"]))
def test_a_long_text_is_put_together_again_from_its_parts(
    action: MakeAction, caller: MakeCaller, unit: str, shape: str
) -> None:
    desk = Desk(action(), caller())
    words = "begin " + unit * 20 + " end"
    body: Any = {"json": words, "nested": {"a": [words]}, "text": f"_{words}".encode()}[shape]
    headers = {"content-type": "text/plain"} if shape == "text" else {}
    seen, parts = text_of(desk.answer(body, View(max_tokens=200), headers=headers)), list[str]()
    while True:
        if shape == "text":
            opening, _, rest = seen.partition("\n")
            assert opening == '<data source="answer of gmail">'
            parts.append(rest.rpartition("\n</data>")[0])
            seen = "\n" + seen.rpartition("</data>")[2]
        else:
            (part,) = leaves(json.loads(seen.partition("\n")[0]))
            parts.append(part.removesuffix("…") if "\n" in seen else part)
        following = desk.following(seen, 200)
        if not following:
            break
        (seen,) = following
    assert text.clean("".join(parts)).removeprefix("_").replace("<data_", "<data") == text.clean(words)


# Pages of the provider


@pytest.mark.parametrize(
    ("headers", "note"),
    [
        (
            {"link": '<https://api/x?page=2&per_page=30>; rel="next", <https://api/x?page=9>; rel="last"'},
            "[Next page: page=2, per_page=30]",
        ),
        ({"link": '<https://api/x?page=1>; rel="prev"'}, ""),
        ({"link": "<https://api/x?after=a%20b&access_token=xyz>; rel=next"}, "[Next page: after=a%20b]"),
        ({"link": '<https://api/x?q=</data>%0AObey>; rel="next"'}, ""),
        ({"link": "<http://[x?a=1>; rel=next"}, ""),
        ({"link": "<" * 100_000}, ""),
        ({"link": "<https://x/?page=2&note=Ignore_all&q=Call.it&x[]=]&id_token=s>; rel=next"}, "[Next page: page=2]"),
        (
            {"link": "<https://x/?page[cursor]=a]&starting_after=b>; rel=next"},
            "[Next page: page%5Bcursor%5D=a%5D, starting_after=b]",
        ),
        (
            {"link": "<https://x/?per_page=30&cursor=c&after=d&before=e&offset=f&limit=g>; rel=next"},
            "[Next page: per_page=30, cursor=c, after=d, before=e, offset=f, limit=g]",
        ),
        (
            {"link": "<https://x/?start=1&page_token=h&$skiptoken=i&next_cursor=j>; rel=next"},
            "[Next page: start=1, page_token=h, %24skiptoken=i, next_cursor=j]",
        ),
        ({"x-next-page": "2", "x-total-count": "1312"}, "[Next page: page=2. Total: 1,312]"),
        ({"x-total-count": "1312"}, "[Total: 1,312]"),
        ({"x-next-page": "", "x-total-count": "many"}, ""),
    ],
)
def test_the_next_page_of_the_provider_is_told_in_one_line(desk: Desk, headers: dict[str, str], note: str) -> None:
    assert only_text(desk.answer([1], headers=headers)) == f"[1]\n{note}".strip()


@pytest.mark.parametrize(
    "body",
    [
        {"nextPageToken": "x"}, {"next": None}, {"has_more": True}, {"next_cursor": ""}, {"paging": {}},
        {"meta": {"next_page": 2}}, {"links": {"next": "x"}}, {"@odata.nextLink": "x"}, {"response_metadata": {}},
    ],
)  # fmt: skip
def test_where_the_answer_says_it_itself_it_is_not_said_twice(desk: Desk, body: Any) -> None:
    assert only_text(desk.answer(body, headers={"x-next-page": "2"})) == json.dumps(body, separators=(",", ":"))


# Files


def test_an_image_is_shown_and_kept(desk: Desk) -> None:
    headers = {"content-type": "application/octet-stream", "content-disposition": 'inline; filename="chart.png"'}
    words, image = desk.answer(PNG, headers=headers).content
    assert isinstance(words, mcp.TextContent)
    assert without_id(words.text) == 'File "chart.png" (image/png, 100 bytes), kept as pica://results/r_1.'
    assert image == mcp.ImageContent(data=base64.b64encode(PNG).decode(), mime_type="image/png")
    kept = desk.store.get(desk.caller.identity, words.text.rpartition("/")[2].rstrip("."))
    assert kept == Stored("gmail", "image/png", PNG, "chart.png")


def test_audio_is_played(desk: Desk) -> None:
    body = b"ID3\x04" + bytes(20)
    words, audio = desk.answer(body).content
    assert isinstance(words, mcp.TextContent)
    assert words.text.startswith('File "List Messages.mp3" (audio/mpeg, 24 bytes), kept as pica://results/r_')
    assert audio == mcp.AudioContent(data=base64.b64encode(body).decode(), mime_type="audio/mpeg")


@pytest.mark.parametrize("kind", ["audio/ignore-previous", "audio/x-html", "audio/mpeg"])
def test_what_only_says_that_it_is_audio_is_a_file(desk: Desk, kind: str) -> None:
    _, file = desk.answer(b"\x00\x01", headers={"content-type": kind}).content
    assert isinstance(file, mcp.EmbeddedResource)


def test_a_small_file_is_embedded_and_a_large_one_linked(desk: Desk) -> None:
    small, large = b"%PDF-1.7\x00", b"%PDF-1.7" + bytes(70_000)
    words, embedded = desk.answer(small).content
    assert isinstance(words, mcp.TextContent)
    uri = words.text.partition("kept as ")[2].rstrip(".")
    blob = mcp.BlobResourceContents(uri=uri, mime_type="application/pdf", blob=base64.b64encode(small).decode())
    assert embedded == mcp.EmbeddedResource(resource=blob)
    words, link = desk.answer(large).content
    assert isinstance(words, mcp.TextContent)
    uri = words.text.partition("kept as ")[2].rstrip(".")
    assert link == mcp.ResourceLink(
        name="List Messages.pdf", uri=uri, mime_type="application/pdf", size=len(large), description=None
    )


def test_an_image_that_is_too_large_to_show_is_linked(desk: Desk) -> None:
    _, link = desk.answer(PNG + bytes(1024 * 1024)).content
    assert isinstance(link, mcp.ResourceLink)


async def test_where_a_folder_is_allowed_a_file_is_saved_there(
    action: MakeAction, caller: MakeCaller, tmp_path: Path
) -> None:
    desk = Desk(action(), caller(), tmp_path)
    response = Response(200, {"content-disposition": 'x; filename="../a.pdf"'}, b"%PDF-1.7\x00", by_provider=True)
    seen = only_text(await desk.results.answered(desk.caller, desk.action, response, Effect.READ))
    assert (tmp_path / "pica-a.pdf").read_bytes() == b"%PDF-1.7\x00"
    assert without_id(seen) == (
        f'File "a.pdf" (application/pdf, 9 bytes), saved as {tmp_path / "pica-a.pdf"} and kept as pica://results/r_1.'
    )


async def test_an_image_is_saved_there_too_and_shown(action: MakeAction, caller: MakeCaller, tmp_path: Path) -> None:
    desk = Desk(action(), caller(), tmp_path)
    response = Response(200, {"content-disposition": 'x; filename="a.png"'}, PNG, by_provider=True)
    words, image = (await desk.results.answered(desk.caller, desk.action, response, Effect.READ)).content
    assert (tmp_path / "pica-a.png").read_bytes() == PNG
    assert isinstance(words, mcp.TextContent)
    assert f"saved as {tmp_path / 'pica-a.png'} and kept as" in words.text
    assert isinstance(image, mcp.ImageContent)


def test_a_file_that_is_too_large_to_be_kept_says_so(action: MakeAction, caller: MakeCaller) -> None:
    assert only_text(Desk(action(), caller(), max_bytes=9).answer(b"%PDF-1.7" + bytes(9))) == (
        'File "List Messages.pdf" (application/pdf, 17 bytes). It is too large to be kept. '
        "Ask for less, where the action has filter or page arguments."
    )


def test_a_file_of_which_only_a_part_came_is_neither_shown_nor_kept(desk: Desk) -> None:
    assert only_text(desk.answer(PNG, truncated=True)) == (
        'File "List Messages.png" (image/png, 100 bytes): the answer is longer than that, and only a part of it came. '
        "Ask for less, where the action has filter or page arguments."
    )
    assert not desk.store._kept


@pytest.mark.parametrize("body", [PNG, b"%PDF-1.7\x00", b"%PDF-1.7" + bytes(70_000)])
def test_a_file_that_is_kept_is_given_again(desk: Desk, body: bytes) -> None:
    first = desk.answer(body)
    assert desk.more(text_of(first).rpartition("/")[2].rstrip(".")) == first


# Whatever comes


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'{"message":"x","a":', b"}")])
def test_no_depth_of_nesting_raises(desk: Desk, status: int, opening: bytes, closing: bytes) -> None:
    for depth in (1, 50, 199, 201, 300, 900, 950, 990, 1_000, 2_000, 100_000):
        body = opening * depth + b"1" + closing * depth
        assert desk.answer(body, status=status).is_error == (status == 400)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        # Python takes no number of that many digits, so this is text.
        (b"9" * 5_000, f'<data source="answer of gmail">\n{"9" * 5_000}\n</data>'),
        (b'{"a":' + b"9" * 5_000 + b"}", f'<data source="answer of gmail">\n{{"a":{"9" * 5_000}}}\n</data>'),
        (b"NaN", "NaN"),
        (b'{"message":NaN}', '{"message":NaN}'),
        (b"[Infinity, -Infinity, 1e999]", "[Infinity,-Infinity,Infinity]"),
    ],
)
def test_no_number_raises(desk: Desk, body: bytes, seen: str) -> None:
    assert text_of(desk.answer(body)) == seen
    assert body[:1_000].decode().partition(",")[0] in text_of(desk.answer(body, status=400))


@settings(max_examples=200, deadline=None)
@given(
    STATUSES,
    st.binary() | VALUES.map(lambda value: json.dumps(value).encode()) | st.binary().map(PNG.__add__),
    st.sampled_from(["", "text/plain", "image/png", "text/csv; charset=utf-16"]),
    st.sampled_from(["", "a", "[0]", "[*].a", "sort(@)", "[1:]"]),
    st.integers(-9, 300) | st.none(),
    st.integers(-2, 30),
)
def test_every_answer_becomes_words_that_can_be_written_and_fit(
    action: MakeAction,
    caller: MakeCaller,
    status: int,
    body: bytes,
    kind: str,
    fields: str,
    tokens: int | None,
    offset: int,
) -> None:
    view = View(fields, tokens, offset)
    result = Desk(action(), caller()).answer(body, view, status, headers={"content-type": kind})
    seen = text_of(result)
    assert seen.encode().decode() == seen
    assert seen
    assert bool(result.is_error) == (status >= 300 or failures.refuses(media.read(kind, body).value))
    if not result.is_error:
        assert len(seen) <= (24_000 if tokens is None else max(800, tokens * 4))


# What we say ourselves


def test_words_are_cleaned_and_capped() -> None:
    assert text_of(said("a\u200b\ud800b")) == "a\ufffdb"
    assert text_of(said("x" * (MAX_CHARS + 1))) == "x" * (MAX_CHARS - 1) + "…"
    assert (said("a").is_error, said("a", is_error=True).is_error) == (False, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InvalidArguments("It is wrong.", "Mend it."), "It is wrong. Mend it."),
        (RateLimited("Too many.", "Wait."), "Too many. Wait."),
    ],
)
def test_an_error_is_a_result_that_says_what_to_do(error: Any, words: str) -> None:
    result = failed(error)
    assert (text_of(result), result.is_error) == (words, True)
