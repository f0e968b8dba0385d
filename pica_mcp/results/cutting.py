"""The room that makes JSON fit: what is shown stays JSON, and what is missing has a place where it is found. Pure.

The first items of long lists, the beginning of long strings, the small members of objects before the big ones. It takes
time in proportion to what it looks at, and it looks at no more of a part than could fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from pica_mcp import text
from pica_mcp.models import as_list, as_object
from pica_mcp.results.selection import MAX_CHARS, Spot

Unit = Literal["items", "characters", "keys"]

_SMALL_CHARS = 200
_MIN_SHARE_CHARS = 24
_LONGEST = 5  # `1e15` is read as 1000000000000000.0
_MAX_DEPTH = 200
_MIN_LEVELS = 6
_MAX_MEASURED_CHARS = 360_000
_AS_IT_IS = re.compile(r"[ !#-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that is not shown whole: of `total` units those from `start` to `end` are.

    The rest is found by this JMESPath and offset; `fields` is None where no expression finds it.
    """

    unit: Unit
    start: int
    end: int
    total: int
    where: str
    fields: str | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A value that fits, and what is missing of it."""

    value: Any
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be shown: characters of JSON, parts that may be told as missing, characters to name each.

    `level` counts what it is inside of: what has too little room in something bigger is asked for by itself.
    """

    chars: int
    parts: int
    path_chars: int
    level: int = 0

    @property
    def inside(self) -> bool:
        """Tell if it is room in something bigger."""
        return self.level > 0

    def within(self, chars: int, parts: int) -> Room:
        """Return the room of a part."""
        return replace(self, chars=chars, parts=parts, level=self.level + 1)


def is_short(body: bytes, most: int) -> bool:
    """Tell at a glance that JSON in these bytes takes no more than so many characters; False where it may."""
    return len(body) * _LONGEST <= most and body.count(b"[") + body.count(b"{") < _MAX_DEPTH


def size(value: Any, most: int) -> int | None:
    """Return how many characters the value takes as clean JSON, None for more than `most` or for too deep nesting."""
    used = 0
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, str):
            used += _string_chars(part, most)
        elif isinstance(part, Mapping | list):
            if depth >= _MAX_DEPTH:
                return None
            used += max(2, 1 + len(cast(list[Any], part)))  # brackets and commas
            if used > most:
                return None
            waiting.extend((inner, depth + 1) for inner in _inner(part))
            for key in as_object(part):
                used += _string_chars(key, most) + 1
                if used > most:
                    return None
        else:
            used += len(text.compact(part))
        if used > most:
            return None
    return used


def _inner(part: Any) -> list[Any]:
    return as_list(part) if isinstance(part, list) else [*as_object(part).values()]


def _string_chars(value: str, most: int) -> int:
    """Return how many characters the text takes; one of more than `most` is not looked at, and takes more."""
    if len(value) > most:
        return most + 1
    return len(value) + 2 if _AS_IT_IS.fullmatch(value) else len(text.clean(text.compact(value)))


def cut(value: Any, room: Room, spot: Spot, *, offset: int = 0, total: int | None = None) -> Cut:
    """Return the value, from the offset on, so that it fits.

    The offset counts characters of a string, items of a list and keys of an object. `spot` is where the value is, and
    `total` the length of the list that it is a slice of. Something is always shown, or told to be out of reach.
    """
    if isinstance(value, list):
        items = as_list(value)[offset:]
        known = len(as_list(value)) if total is None else min(total, spot.stop or total)
        return _list(items, room, Spot(spot.path, spot.before, spot.start + offset, spot.stop), known)
    if isinstance(value, Mapping):
        return _object(as_object(value), room, spot, offset)
    if size(value, room.chars) is not None and not offset:
        return Cut(value)
    return _string(value if isinstance(value, str) else text.compact(value), room, spot, offset)


def _fit(value: Any, room: Room, spot: Spot) -> Cut:
    return Cut(value) if size(value, room.chars) is not None else cut(value, room, spot)


def _string(value: str, room: Room, spot: Spot, offset: int) -> Cut:
    if size(value[offset:], room.chars) is not None:
        return Cut(value[offset:])
    piece = value[offset : offset + room.chars]
    while piece and (taken := len(text.clean(text.compact(f"{piece}…")))) > room.chars:
        piece = piece[: min(len(piece) - 1, len(piece) * room.chars // taken)]
    end = offset + len(piece)
    fields = spot.expression if piece else None
    return Cut(f"{piece}…", (Missing("characters", offset, end, len(value), spot.path, fields, end),))


def _list(items: list[Any], room: Room, spot: Spot, total: int) -> Cut:
    """Return the first items that fit; if not even the first does, a part of it."""
    shown: list[Any] = []
    left = room.chars - 2
    for item in items:
        taken = size(item, left)
        if taken is None:
            break
        shown.append(item)
        left -= taken + 1
    if len(shown) == len(items):
        return Cut(shown)
    missing: tuple[Missing, ...] = ()
    several = len(items) > 1
    if not shown and _can_enter(spot.item(0), room.chars - 2, room.parts - several, room):
        first = _fit(items[0], room.within(room.chars - 2, room.parts - several), spot.item(0))
        shown, missing = [first.value], first.missing
    count = len(shown)
    if count < len(items):
        rest = spot.rest(count) if (count or room.inside) and len(spot.rest(count)) <= MAX_CHARS else None
        missing += (Missing("items", spot.start, spot.start + count, total, spot.path, rest),)
    return Cut(shown, missing)


def _can_enter(spot: Spot, chars: int, parts: int, room: Room) -> bool:
    """Tell if a part of that value can be shown, and the rest of it be named."""
    written = len(json.dumps(spot.expression))
    # Every level measures what is inside of it again.
    if room.level >= max(_MIN_LEVELS, _MAX_MEASURED_CHARS // max(1, room.chars)):
        return False
    return chars >= _MIN_SHARE_CHARS and parts >= 1 and written <= room.path_chars and written <= MAX_CHARS


# Objects


@dataclass(frozen=True, slots=True)
class _Member:
    number: int
    key: str
    value: Any
    key_chars: int


@dataclass(slots=True)
class _Plan:
    """Which members are shown whole, and which in part. From the key with the number `end` on, the rest is missing."""

    left: int
    end: int
    whole: dict[int, Any] = field(default_factory=dict[int, Any])
    big: list[_Member] = field(default_factory=list["_Member"])


def _object(value: Mapping[str, Any], room: Room, spot: Spot, offset: int) -> Cut:
    """Return the small members, then as much of the others as there is room for, in the order that they have."""
    plan = _small_ones(value, room, offset)
    _whole_ones(plan)
    crowded = len(plan.big) > room.parts - (plan.end < len(value))
    if crowded:
        _first_ones(plan)
    # One of the parts to be told is kept for all that comes after those that are shown in part.
    most = room.parts - (crowded or plan.end < len(value))
    missing: tuple[Missing, ...] = ()
    shown = plan.whole
    waiting = plan.big[:1] if crowded else plan.big
    for place, member in enumerate(waiting):
        share = (plan.left // (len(waiting) - place)) - member.key_chars
        parts = most - len(missing) - (len(waiting) - place - 1)
        inner = spot.member(member.key, member.number)
        if not _can_enter(inner, share, parts, room):
            plan.end = min(plan.end, member.number)
            break
        part = _fit(member.value, room.within(share, parts), inner)
        shown[member.number] = part.value
        missing += part.missing
        plan.left -= member.key_chars + (size(part.value, share) or share)
    else:
        if len(plan.big) > len(waiting):
            plan.end = min(plan.end, plan.big[len(waiting)].number)
    keys = list(value)
    if plan.end < len(value):
        # A key that has no room even at the top is passed over, or nobody would get beyond it.
        rest = plan.end if plan.end > offset or room.inside else offset + 1
        fields = spot.expression if len(spot.expression) <= MAX_CHARS and rest < len(value) else None
        missing += (Missing("keys", offset, plan.end, len(value), spot.path, fields, rest),)
    return Cut({keys[number]: shown[number] for number in sorted(shown)}, missing)


def _small_ones(value: Mapping[str, Any], room: Room, offset: int) -> _Plan:
    """Return a plan with the small members in their places, at most half of the room if there are others as well."""
    plan = _Plan(room.chars - 2, len(value))
    small: list[tuple[int, int]] = []
    for member in _members(value, room, offset):
        taken = size(member.value, _SMALL_CHARS)
        if taken is None:
            plan.big.append(member)
            continue
        taken += member.key_chars
        if taken > plan.left:
            plan.end = member.number
            break
        plan.whole[member.number] = member.value
        plan.left -= taken
        small.append((member.number, taken))
    while plan.big and small and plan.left < room.chars // 2:
        plan.end, taken = small.pop()
        del plan.whole[plan.end]
        plan.left += taken
    plan.big = [member for member in plan.big if member.number < plan.end]
    return plan


def _members(value: Mapping[str, Any], room: Room, offset: int) -> Iterator[_Member]:
    for number, (key, inner) in enumerate(value.items()):
        if number >= offset:
            yield _Member(number, key, inner, _string_chars(key, room.chars) + 2)  # a colon, a comma


def _whole_ones(plan: _Plan) -> None:
    """Move those of the big members that fit whole in a fair share of the room, the smallest first."""
    sizes = {member.number: size(member.value, plan.left) for member in plan.big}
    known = [(taken + m.key_chars, m) for m in plan.big if (taken := sizes[m.number]) is not None]
    count = len(plan.big)
    for taken, member in sorted(known, key=lambda pair: pair[0]):
        if taken > plan.left // count:
            break
        plan.whole[member.number] = member.value
        plan.left -= taken
        count -= 1
    plan.big = [member for member in plan.big if member.number not in plan.whole]


def _first_ones(plan: _Plan) -> None:
    """Move the first of the big members as long as they fit whole."""
    for member in tuple(plan.big):
        taken = size(member.value, plan.left)
        if taken is None or taken + member.key_chars > plan.left:
            break
        plan.whole[member.number] = member.value
        plan.left -= taken + member.key_chars
        plan.big.pop(0)
