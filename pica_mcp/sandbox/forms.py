"""The sandbox's reading of forms: URL-encoded bodies in bracket notation, as Stripe's API takes them."""

import re
from typing import Any, cast
from urllib.parse import parse_qsl

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


class FormError(ValueError):
    """A body that is not bracket notation, or uses one name both as a value and as a group."""


def parse(body: bytes) -> dict[str, Any]:
    """`a[b]=1&c[0]=2&c[]=3` as `{"a": {"b": "1"}, "c": ["2", "3"]}`; values stay strings.

    Groups numbered throughout become lists. Raises FormError, or another ValueError for bytes that are not UTF-8.
    """
    root: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        _plant(root, _steps(name), value)
    return {name: _settle(value) for name, value in root.items()}


def _steps(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if not match:
        raise FormError(name)
    return [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]


def _plant(root: dict[str, Any], steps: list[str], value: str) -> None:
    node = root
    for step in steps[:-1]:
        inner: Any = node.setdefault(step or str(len(node)), {})
        if not isinstance(inner, dict):
            raise FormError(".".join(steps))
        node = cast("dict[str, Any]", inner)
    last = steps[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise FormError(".".join(steps))
    node[last] = value


def _settle(value: Any) -> Any:
    # Groups were grown as dictionaries; those numbered throughout are lists.
    if not isinstance(value, dict):
        return value
    group = {name: _settle(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if group and all(name.isdecimal() for name in group):
        return [group[name] for name in sorted(group, key=int)]
    return group
