"""`key=value` on a command line: what is written is what is meant, and what could mean two things is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.cli.assignments import parse, whole
from pica_mcp.errors import InvalidArguments

FILES = {
    "note.txt": b"Hi\n",
    "bom.txt": b"\xef\xbb\xbfHi",
    "one.json": b'{"a": [1]}',
    "photo.png": b"\x89PNG",
    "-": b'{"from": "stdin"}',
}


def read(path: str) -> bytes:
    if path.rpartition("/")[2] not in FILES:
        raise InvalidArguments(f"'{path}' cannot be read.")
    return FILES[path.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], {}),
        (["a=1"], {"a": "1"}),
        (["a="], {"a": ""}),
        (["a=b=c"], {"a": "b=c"}),
        (["a=Hi there\nyou"], {"a": "Hi there\nyou"}),
        (["a= @x"], {"a": " @x"}),
        (["a=a@b.c"], {"a": "a@b.c"}),
        (["a=[x]"], {"a": "[x]"}),
        (["a.b-c_d:e=1"], {"a.b-c_d:e": "1"}),
        (["a:=1"], {"a": 1}),
        (["a:=null"], {"a": None}),
        (["a:= [1, 2] "], {"a": [1, 2]}),
        (['a:="@x"'], {"a": "@x"}),
        (["a=:=1"], {"a": ":=1"}),
        (["a=@note.txt"], {"a": "Hi\n"}),
        (["a=@bom.txt"], {"a": "Hi"}),
        (["a:=@one.json"], {"a": {"a": [1]}}),
        (["a:=@-"], {"a": {"from": "stdin"}}),
        (["a@photo.png"], {"a": "data:;name=photo.png;base64,iVBORw=="}),
        (["a@some/photo.png"], {"a": "data:;name=photo.png;base64,iVBORw=="}),
        (["a@-"], {"a": "data:application/octet-stream;base64,eyJmcm9tIjogInN0ZGluIn0="}),
        (["a=1", "a=2", "a=3"], {"a": ["1", "2", "3"]}),
        (["a=1", "a:=2"], {"a": ["1", 2]}),
        (["a[]=1"], {"a": ["1"]}),
        (["a[]=1", "a[]=2", "a=3"], {"a": ["1", "2", "3"]}),
        (["a:=[1]", "a=2"], {"a": [1, "2"]}),
        (["a[b]=1", "a[c]:=2", "d=3"], {"a": {"b": "1", "c": 2}, "d": "3"}),
        (["a[b][c]=1", "a[b][d]=2"], {"a": {"b": {"c": "1", "d": "2"}}}),
        (["a[0][b]=1", "a[0][c]=2", "a[1][b]=3"], {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        (["a[][b]=1", "a[][b]=2"], {"a": [{"b": "1"}, {"b": "2"}]}),
        (["a[][]=1"], {"a": [["1"]]}),
        (["a[01]=1"], {"a": {"01": "1"}}),
        (["a[b c]=1", "a[@odata.type]=x", "a[x=y]=2"], {"a": {"b c": "1", "@odata.type": "x", "x=y": "2"}}),
        (['a:={"b": 1}', "a[c]=2"], {"a": {"b": 1, "c": "2"}}),
    ],
)
def test_what_is_written_is_what_is_meant(words: list[str], meant: dict[str, Any]) -> None:
    assert parse(words, read) == meant


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a"], "'a' is no argument. Write key=text, key:=JSON or key=@file, without blanks around the sign."),
        ([""], "is no argument"),
        (["=1"], "is no argument"),
        (["[a]=1"], "is no argument"),
        (["a[b=1"], "is no argument"),
        (["a[b]c=1"], "is no argument"),
        (["a]=1"], "is no argument"),
        (["a:=x"], "There is no JSON in 'a:=x'. For text, write key=text."),
        (["a:="], "There is no JSON"),
        (["a:=NaN"], "There is no JSON"),
        (["a:=[-Infinity]"], "There is no JSON"),
        (["a:=" + "[" * 100_000], "There is no JSON"),
        (["a:=@note.txt"], "There is no JSON in what is in 'note.txt'."),
        (["a=@gone"], "'gone' cannot be read."),
        (["a=@photo.png"], "no text in UTF-8. To send it as a file, write key@file."),
        (["a=1", "a[b]=2"], "'a[b]' is given in two ways."),
        (["a[b]=1", "a=2"], "'a' is given in two ways. Give it once"),
        (["a=1", "a[]=2"], "'a[]' is given in two ways"),
        (["a[]=1", "a[b]=2"], "'a[b]' is given in two ways"),
        (["a=1", "a:=[2]"], "'a' is given in two ways"),
        (["a:={}", "a:={}"], "'a' is given in two ways"),
        (["a[1]=x"], "'a[1]' leaves places of the list out. Begin at [0], or write [] for the next one."),
        (["a" + "[b]" * 20 + "=1"], "is nested too deeply. Write the object as key:=JSON."),
        (["a\x1b[31m"], "'a[31m' is no argument"),
    ],
)
def test_what_is_unclear_is_refused_with_the_way_to_write_it(words: list[str], says: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        parse(words, read)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("written", ['{"a": [1]}', "@one.json"])
def test_all_arguments_may_be_one_object(written: str) -> None:
    assert whole(written, read) == {"a": [1]}


def test_all_arguments_may_come_from_stdin() -> None:
    assert whole("-", read) == whole("@-", read) == {"from": "stdin"}


@pytest.mark.parametrize("written", ["", "x", "[1]", '"a"', "@note.txt", "@gone"])
def test_what_is_no_object_is_not_taken_for_the_arguments(written: str) -> None:
    with pytest.raises(InvalidArguments):
        whole(written, read)


names = st.from_regex(r"[a-z_][a-z0-9_.:-]{0,8}", fullmatch=True).filter(lambda name: not name.endswith(":"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
keys = st.from_regex(r"[^\[\]]{1,8}", fullmatch=True).filter(lambda key: not key.isascii() or not key.isdecimal())
trees = st.recursive(
    st.text().filter(lambda written: not written.startswith("@")),
    lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(keys, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=4))
def test_any_json_goes_through_as_it_is(meant: dict[str, Any]) -> None:
    assert parse([f"{name}:={json.dumps(value)}" for name, value in meant.items()], read) == meant


def spelt(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from spelt(f"{key}[{inner}]", item)
    elif isinstance(value, list):
        for place, item in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield from spelt(f"{key}[{place}]", item)
    else:
        yield f"{key}={value}"


@given(st.dictionaries(names, trees, max_size=4))
def test_any_tree_of_texts_can_be_written_leaf_by_leaf(meant: dict[str, Any]) -> None:
    words = [word for name, value in meant.items() for word in spelt(name, value)]
    assert parse(words, read) == meant


@given(st.lists(st.text(alphabet="ab[]=:@0-1{}\"'\\ \x1b", max_size=12), max_size=6))
def test_nothing_that_is_written_breaks_it(words: list[str]) -> None:
    try:
        given = parse(words, read)
    except InvalidArguments:
        return
    assert json.loads(json.dumps(given)) == given
