"""The lists of tools as they were shown last, per caller and settings: what a start has to show before anybody answers.

They are kept on disk with the catalogue. They hold what clients were shown, so platforms and labels, and never a key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from typing import Any, cast

import mcp_types as mcp

from pica_mcp.access import Caller
from pica_mcp.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Shown:
    """A list, and the stamp of all that it was made of."""

    stamp: str
    tools: tuple[mcp.Tool, ...]


class Lists:
    """What each caller was shown last, by servers of the same settings; `settings` are those that make another list."""

    def __init__(self, catalog: Catalog, settings: Any) -> None:
        self._catalog = catalog
        self._settings = settings

    async def last(self, caller: Caller) -> Shown | None:
        """Return what the caller was shown last, by this process or another one."""
        entry = await self._catalog.remembered(self._who(caller))
        return entry and _read(entry.value)

    async def keep(self, caller: Caller, shown: Shown) -> None:
        """Remember what the caller is shown."""
        tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in shown.tools]
        await self._catalog.remember(self._who(caller), {"stamp": shown.stamp, "tools": tools})

    def _who(self, caller: Caller) -> str:
        return f"list:{stamped((caller.identity, caller.grant, caller.preferences, self._settings))}"


def _read(value: Any) -> Shown | None:
    with suppress(ValueError, LookupError, TypeError):
        return Shown(str(value["stamp"]), tuple(map(mcp.Tool.model_validate, value["tools"])))
    return None


def stamped(value: Any) -> str:
    """Return a hash of plain values, records and sets: the same in every process."""
    return blake2b(json.dumps(_plain(value)).encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        facts = cast(Mapping[Any, Any], value)
        return sorted([str(key), _plain(one)] for key, one in facts.items())
    if isinstance(value, AbstractSet):
        return sorted(map(repr, cast(AbstractSet[Any], value)))
    return [_plain(one) for one in cast(Sequence[Any], value)] if isinstance(value, tuple | list) else repr(value)
