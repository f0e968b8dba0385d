from typing import Any

import pytest

from pica_mcp.sandbox import forms


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", {}),
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"a=x%20y+z", {"a": "x y z"}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
        (b"address[city]=Kiel&address[line1]=Hafen+1", {"address": {"city": "Kiel", "line1": "Hafen 1"}}),
        (b"a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        (b"a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        (b"a[]=x&a[]=y", {"a": ["x", "y"]}),
        (b"items[0][price]=p&items[0][quantity]=2", {"items": [{"price": "p", "quantity": "2"}]}),
        (b"a[b][c][d]=deep", {"a": {"b": {"c": {"d": "deep"}}}}),
        (b"metadata[a+b]=1&metadata[%C3%A9]=2", {"metadata": {"a b": "1", "é": "2"}}),
    ],
)
def test_brackets_are_read_as_groups_and_lists(body: bytes, value: dict[str, Any]) -> None:
    assert forms.parse(body) == value


@pytest.mark.parametrize("body", [b"a=1&a[b]=2", b"a[b]=1&a=2", b"[a]=1", b"a[b=1", b"a]b=1", b"a[b]c=1", b"\xff=1"])
def test_what_is_not_bracket_notation_is_refused(body: bytes) -> None:
    with pytest.raises((forms.FormError, UnicodeDecodeError)):
        forms.parse(body)
