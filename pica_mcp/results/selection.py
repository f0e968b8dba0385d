"""The room of which part of an answer is meant: JMESPath, bounded, and where a part of a part is found again. Pure.

An expression may come from anybody and so may the data, and a short one can ask for endless work: `[@,@]|[@,@]|...`
doubles with every step. So the steps are counted, those inside functions and comparisons included, and a long text,
which is shared as easily as a short one, counts as many as it is long.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from jmespath.exceptions import JMESPathError, JMESPathTypeError, ParseError
from jmespath.functions import Functions
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from pica_mcp import text
from pica_mcp.errors import InvalidArguments
from pica_mcp.models import as_list, as_object

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode as Node  # pyright: ignore[reportPrivateUsage]

MAX_CHARS = 500
"""The longest expression."""

_MAX_STEPS = 500_000
_CHARS_PER_STEP = 16
_STEPS_PER_CALL = 4
_BITS_PER_STEP = 64
_COMPARED_PER_STEP = 512
_EXAMPLE = "Write it like messages[].{id: id, subject: subject}."
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
# No spaces: words of an answer are not to read like ours where we name a part of it.
_QUOTED_KEY = re.compile(r"[A-Za-z0-9_$@.:/+-]{1,40}")
_SLICE = re.compile(r"\[\s*(\d{0,18})\s*:\s*(\d{0,18})\s*\]$")
_PLAIN = frozenset({"field", "subexpression", "index_expression", "index", "current", "identity"})
_ARGUMENTS = {
    **dict.fromkeys(
        ("abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "reverse", "sort", "sum", "to_array"), 1
    ),
    **dict.fromkeys(("to_number", "to_string", "type", "values"), 1),
    **dict.fromkeys(("contains", "ends_with", "join", "map", "max_by", "min_by", "sort_by", "starts_with"), 2),
}
_VARIADIC = frozenset({"merge", "not_null"})
_WITH_EXPRESSION = frozenset({"map", "max_by", "min_by", "sort_by"})
_SHALLOW = _WITH_EXPRESSION | {"keys", "length", "merge", "not_null", "reverse", "to_array", "type", "values"}
"""The functions that do not look into the parts of their arguments."""


class Inapplicable(Exception):
    """The expression cannot be applied to this answer; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a part of an answer is: `path` in what `before`, another expression with its pipe, selects.

    A slice of a list keeps the list's own numbers: `start` is that of its first item, `stop` what it ends before.
    """

    path: str = ""
    before: str = ""
    start: int = 0
    stop: int | None = None

    @property
    def expression(self) -> str:
        """The JMESPath that selects it; empty for the whole answer."""
        return self.rest(0) if self.start or self.stop is not None else self._whole

    @property
    def _whole(self) -> str:
        return f"{self.before}{self.path}".removesuffix(" | ") if not self.path else f"{self.before}{self.path}"

    def item(self, number: int) -> Spot:
        """Return where an item of this list is."""
        return Spot(f"{self.path}[{self.start + number}]", self.before)

    def rest(self, number: int) -> str:
        """Return the JMESPath of this list's items from that one on."""
        start = self.start + number
        if not start and self.stop is None:
            return self._whole
        return f"{self.before}{self.path}[{start}:{'' if self.stop is None else self.stop}]"

    def member(self, key: str, number: int) -> Spot:
        """Return where the value of this object's key is, by its number where the key is hard to write."""
        if not _QUOTED_KEY.fullmatch(key):
            return Spot(f"values({self.path or '@'})[{number}]", self.before)
        spelt = key if _PLAIN_KEY.fullmatch(key) else json.dumps(key)
        return Spot(f"{self.path}.{spelt}" if self.path else spelt, self.before)


@dataclass(frozen=True, slots=True)
class Selected:
    """What was selected and where it is; `total` is the length of the list that it is a slice of, if it is one."""

    value: Any
    spot: Spot
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """A checked expression. A slice at its end is taken apart, so that paging by it loses no item, not even nulls."""

    nodes: tuple[Node, ...]
    spot: Spot
    sliced: bool = False

    def of(self, answer: Any) -> Selected:
        """Return the part of the answer, None as the value where there is nothing. Raises `Inapplicable`."""
        try:
            value = _Interpreter().follow(self.nodes, answer)
        except JMESPathTypeError as error:
            raise Inapplicable(f"The function {error.function_name}() does not take a value of that type.") from None
        except (ValueError, TypeError, ArithmeticError):
            raise Inapplicable("Its functions or comparisons do not suit the values.") from None
        except RecursionError:
            raise Inapplicable("The answer is nested too deeply for it.") from None
        if not self.sliced:
            return Selected(value, self.spot)
        if not isinstance(value, list):
            return Selected(None, self.spot)
        items = as_list(value)
        return Selected(items[self.spot.start : self.spot.stop], self.spot, len(items))


def compiled(fields: str) -> Selection:
    """Return the expression, ready to be applied, or raise `InvalidArguments` that says where it is wrong."""
    fields = fields.strip()
    if len(fields) > MAX_CHARS:
        raise InvalidArguments(f"The argument 'result_fields' is longer than {MAX_CHARS} characters.", _EXAMPLE)
    if not fields:
        return Selection((), Spot())
    node = _parsed(fields)
    _check(node)
    return _taken_apart(fields, node)


def _parsed(fields: str) -> Node:
    problem = "nested too deeply"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about an older way to write text, which is taken all the same
            return Parser().parse(fields).parsed
    except ParseError as error:
        at = min(error.lex_position, len(fields)) + 1
        token = text.line(repr(fields[at - 1 : at + 19]), 40) if at <= len(fields) else "its end"
        problem = f"wrong at character {at}, near {token}"
    except (JMESPathError, LookupError, ValueError):
        problem = "wrong"
    except RecursionError:
        pass
    raise InvalidArguments(f"The argument 'result_fields' is not valid JMESPath: {problem}.", _EXAMPLE)


def _check(root: Node) -> None:
    """Raise `InvalidArguments` for what could not work with any answer: functions that do not exist or lack a value."""
    for node in _nodes(root):
        children = _children(node)
        name = node["value"] if node["type"] == "function_expression" else ""
        if name and (name not in _VARIADIC or not children) and _ARGUMENTS.get(name) != len(children):
            known = name in _VARIADIC or name in _ARGUMENTS
            shown = text.line(repr(name), 40)
            problem = f"does not take {len(children)} arguments" if known else "does not exist"
            raise InvalidArguments(f"The function {shown} of 'result_fields' {problem}.", _EXAMPLE)
        if name not in _WITH_EXPRESSION and any(child["type"] == "expref" for child in children):
            raise InvalidArguments("In 'result_fields', & may only be an argument of map and the like.", _EXAMPLE)
    if root["type"] == "expref":
        raise InvalidArguments("The argument 'result_fields' cannot begin with &.", _EXAMPLE)


def _nodes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _children(node)


def _children(node: Node) -> list[Node]:
    children = cast(list[Any], node.get("children", []))
    return [cast("Node", child) for child in children if isinstance(child, dict)]


# A slice at the end, and what can be appended to


def _taken_apart(fields: str, root: Node) -> Selection:
    if found := _SLICE.search(fields):
        start, stop = int(found[1] or 0), int(found[2]) if found[2] else None
        base = fields[: found.start()].rstrip()
        if base.endswith("|"):
            return Selection((root["children"][0],), Spot("", f"{base} ", start, stop), sliced=True)
        if straight := _straight(base, _parsed(base)) if base else Selection((), Spot()):
            return replace(straight, spot=replace(straight.spot, start=start, stop=stop), sliced=True)
    return _straight(fields, root) or Selection((root,), Spot("", f"{fields} | "))


def _straight(fields: str, root: Node) -> Selection | None:
    """Return the selection if the expression, or the last part of its pipe, goes straight to one value."""
    before, last = _pipe(fields, root)
    nodes = (last,) if last is root else (root["children"][0], last)
    return Selection(nodes, Spot(fields[len(before) :], before)) if _is_plain(last) else None


def _pipe(fields: str, root: Node) -> tuple[str, Node]:
    """Return what is before the last part of a pipe, with the pipe, and the last part; all of it if there is none."""
    bar = fields.rfind("|")
    # With quotes after it, that bar may be part of a text.
    if root["type"] != "pipe" or re.search("[`'\"(]", fields[bar:]):
        return "", root
    end = bar + 1
    while fields[end : end + 1].isspace():
        end += 1
    return fields[:end], root["children"][1]


def _is_plain(root: Node) -> bool:
    """Tell if it has no branches, so that the way on can simply be written behind it."""
    return all(node["type"] in _PLAIN or _is_values(node) for node in _nodes(root))


def _is_values(node: Node) -> bool:
    return node["type"] == "function_expression" and node["value"] == "values"


# Bounded work


class _Steps:
    """What work is left."""

    def __init__(self) -> None:
        self.left = _MAX_STEPS

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Inapplicable("It is too much work for this answer.")

    def weigh(self, value: Any) -> None:
        """Take as many steps as it has parts, each as often as it occurs: what is shared is written out again."""
        waiting = [value]
        while waiting:
            part = waiting.pop()
            self.take(1 + _length(part))
            waiting.extend(_parts(part))

    def compare(self, left: Any, right: Any) -> None:
        """Take what it takes to compare them: texts as far as the shorter one goes."""
        if isinstance(left, str) and isinstance(right, str):
            self.take(min(_length(left), _length(right)))
        elif isinstance(left, list | dict) and isinstance(right, list | dict):
            self.weigh([left, right])


def _parts(value: Any) -> list[Any]:
    return [*as_object(value).values()] if isinstance(value, Mapping) else as_list(value)


def _length(value: Any) -> int:
    """Return the steps for the length of one value, its keys included, but not its parts."""
    if isinstance(value, str):
        # Other letters than ASCII are the longest when they are written out: \ud83d\ude00.
        return len(value) // (_CHARS_PER_STEP if value.isascii() else _CHARS_PER_STEP // 2)
    if isinstance(value, float):
        return 1
    if isinstance(value, int):
        return value.bit_length() // _BITS_PER_STEP
    return sum(_length(key) for key in as_object(value))


class _Functions(Functions):
    """JMESPath's functions, paid for before they run."""

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        self._steps.take(_STEPS_PER_CALL)
        self._pay(function_name, as_list(resolved_args))
        result = super().call_function(function_name, resolved_args)
        if function_name == "sum":
            str(result)  # raises what `of` expects if nobody could write that number any more
        return result

    def _pay(self, name: str, arguments: list[Any]) -> None:
        first, second = [*arguments, None, None][:2]
        if name in _SHALLOW:
            self._steps.take(sum(_length(argument) + len(_parts(argument)) for argument in arguments))
        elif name == "contains" and isinstance(first, str) and isinstance(second, str):
            # Not every search is linear.
            self._steps.take(len(first) * len(second) // _COMPARED_PER_STEP)
        elif name in ("starts_with", "ends_with"):
            self._steps.compare(first, second)
        else:
            self._steps.weigh(arguments)
        if name == "join":
            self._steps.take(_length(first) * len(as_list(second)))

    def _create_key_func(self, expref: Any, allowed_types: Any, function_name: str) -> Callable[[Any], Any]:
        key_of = cast(Any, super())._create_key_func(expref, allowed_types, function_name)  # noqa: SLF001 - there is no other way in

        def key(item: Any) -> Any:
            found = key_of(item)
            self._steps.weigh(found)
            return found

        return key


class _Interpreter(TreeInterpreter):
    """JMESPath's interpreter, counting. Raises `Inapplicable` when it is too much."""

    def __init__(self) -> None:
        self._steps = _Steps()
        super().__init__(Options(custom_functions=_Functions(self._steps)))

    def follow(self, nodes: tuple[Node, ...], value: Any) -> Any:
        for node in nodes:
            value = self.visit(node, value)
        return value

    def visit(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        self._steps.take(1)
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Node, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        self._steps.take(len(as_list(base)))
        self._steps.take(sum(len(as_list(item)) for item in as_list(base)))
        here = cast("Node", {"type": "flatten", "children": [{"type": "identity", "children": []}]})
        return super().visit_flatten(here, base)

    def visit_comparator(self, node: Node, value: Any) -> Any:
        sides = [self.visit(child, value) for child in node["children"]]
        self._steps.compare(*sides)
        literals: list[Any] = [{"type": "literal", "value": side, "children": []} for side in sides]
        return super().visit_comparator(cast("Node", {**node, "children": literals}), value)
