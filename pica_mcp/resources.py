"""The room of what can be read: connections, platforms and actions, as resources.

    pica://connections                       what is connected                   JSON
    pica://connections/{platform}/{label}    one connection                      JSON
    pica://platforms                         what can be connected               JSON
    pica://platforms/{platform}              a platform, and what it can do      JSON
    pica://actions/{id or tool name}         how an action works                 Markdown
    pica://results/{id}                      an answer that was kept, whole      as it came

Nothing is only here: the fixed tools tell the same, since most clients show no resources. What the caller may not see
is unknown here as well, and completions do not offer it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import (
    Caller,
    admit,
    admit_platform,
    effect,
    how_to_connect,
    how_to_reconnect,
    offered,
    promising,
    usable,
    visible,
)
from pica_mcp.accounts import by_platform
from pica_mcp.catalog import Catalog, Connections
from pica_mcp.discovery import Names, find_action, knowledge, nothing, outdated
from pica_mcp.errors import InvalidArguments, PicaError, UnknownAction, UnknownResource, UnknownResult
from pica_mcp.kept import Known
from pica_mcp.models import Action, Connection
from pica_mcp.store import Store, Stored

CONNECTIONS, PLATFORMS, ACTIONS = "pica://connections", "pica://platforms", "pica://actions"
RESULTS = "pica://results"
ONE_CONNECTION = f"{CONNECTIONS}/{{platform}}/{{label}}"
ONE_PLATFORM = f"{PLATFORMS}/{{platform}}"
ONE_ACTION = f"{ACTIONS}/{{id}}"
ONE_RESULT = f"{RESULTS}/{{id}}"

_JSON, _MARKDOWN = "application/json", "text/markdown"
_TEXT = re.compile(r"text/|.*[/+](json|xml)\b")
_SCHEME = "pica://"
_MAX_URI_CHARS = 2_000
_MAX_CONNECTIONS = 500
_MAX_TAGS = 20
_MAX_ACTIONS = 200
_MAX_PLATFORMS = 1_000


class Resources:
    """What the caller may read, by URI. Keys never appear."""

    def __init__(self, catalog: Catalog, names: Names, store: Store) -> None:
        self._catalog = catalog
        self._names = names
        self._store = store

    async def list(self, caller: Caller) -> tuple[mcp.Resource, ...]:
        """Return what is connected, all and one by one, and the platforms of that; bare if Pica cannot tell."""
        connections: Connections = ()
        with suppress(PicaError):  # reading them tells why
            connections = (await self._catalog.known_connections(caller.identity)).value
        return self.listed(caller, connections)

    def listed(self, caller: Caller, connections: Connections) -> tuple[mcp.Resource, ...]:
        """Return the list as it is if these are the connections."""
        own = visible(caller, connections)
        platforms = sorted({connection.platform for connection in own})
        each = islice(_by_uri(caller, own).items(), _MAX_CONNECTIONS)
        return (
            _resource(CONNECTIONS, "connections", "The connected accounts.", 1.0, own),
            *(_listed(at, label, connection) for at, (label, connection) in each),
            _resource(PLATFORMS, "platforms", "The platforms that can be connected.", 0.2),
            *(_resource(_uri(PLATFORMS, p), p, f"What {text.line(p)} can do.", 0.4) for p in platforms),
        )

    def names(self, caller: Caller, connections: Connections) -> list[tuple[str | None, ...]]:
        """Return what the list says of each resource, but for when it changed last."""
        return [(one.uri, one.name, one.description) for one in self.listed(caller, connections)]

    def differing(self, caller: Caller, before: Connections, after: Connections) -> frozenset[str]:
        """Return the URIs whose content is another now, or no longer there, or new."""
        old, new = (_contents(caller, visible(caller, connections)) for connections in (before, after))
        return frozenset(uri for uri in old.keys() | new.keys() if old.get(uri) != new.get(uri))

    def templates(self) -> tuple[mcp.ResourceTemplate, ...]:
        """Return the shapes of the URIs."""
        return (
            _template(ONE_CONNECTION, "connection", "A connected account, by platform and label.", _JSON, 0.8),
            _template(ONE_PLATFORM, "platform", "A platform: what is connected, and what it can do.", _JSON, 0.4),
            _template(ONE_ACTION, "action", "How an action works: arguments, request, response.", _MARKDOWN, 0.4),
            _template(ONE_RESULT, "result", "An answer that was too long or no text, as a tool named it.", None, 0.2),
        )

    async def read(self, caller: Caller, uri: str) -> mcp.TextResourceContents | mcp.BlobResourceContents:
        """Return what the resource holds. Raises `UnknownResource`, alike for another's and for none."""
        match _parts(uri):
            case "results", wanted if kept := self._result(caller, wanted):
                return _content(uri, kept)
            case "connections", *one if len(one) in (0, 2):
                content = await self._connections(caller, *one)
            case ["platforms"]:
                content = await self._platforms(caller)
            case "platforms", platform:
                content = await self._platform(caller, platform)
            case "actions", wanted:
                content = await self._action(caller, wanted)
            case _:
                content = None
        if content is None:
            problem = f"There is no resource {text.line(repr(uri), 120)}."
            raise UnknownResource(problem, f"Read {CONNECTIONS} or {PLATFORMS} for what there is.")
        if isinstance(content, str):
            return mcp.TextResourceContents(uri=uri, mime_type=_MARKDOWN, text=content)
        return mcp.TextResourceContents(uri=uri, mime_type=_JSON, text=text.clean(text.compact(content)))

    async def _connections(self, caller: Caller, *one: str) -> Any:
        """Return all connections, or the one of that platform and label, or None."""
        known = await self._catalog.known_connections(caller.identity)
        facts = _told(caller, visible(caller, known.value))
        if not one:
            shown = {"identity": text.line(str(caller.identity)), "connections": facts[:_MAX_CONNECTIONS]}
            return (
                shown
                | _more(connections=facts[_MAX_CONNECTIONS:])
                | (_as_of(known) or ({} if facts else {"note": nothing(caller, known.value)}))
            )
        return next((fact | _as_of(known) for fact in facts if (fact["platform"], fact["connection"]) == one), None)

    async def _platforms(self, caller: Caller) -> Any:
        told = await self._catalog.platforms()
        known = await self._catalog.known_connections(caller.identity)
        connected = {connection.platform for connection in usable(caller, known.value)}
        platforms = [
            {"platform": p.platform, "name": text.line(p.name), "category": text.line(p.category)}
            | {"connected": p.platform in connected}
            for p in islice((p for p in told if not admit_platform(caller, p.platform)), _MAX_PLATFORMS)
        ]
        return {"platforms": platforms} | _as_of(known)

    async def _platform(self, caller: Caller, platform: str) -> Any:
        """Return what is connected there and the actions offered to the caller, or None for no such platform."""
        if admit_platform(caller, platform):
            return None
        problem, told = None, ()
        try:
            told = await self._catalog.platforms()
        except PicaError as error:
            problem = error
        known = await self._catalog.known_connections(caller.identity)
        own = by_platform(caller, visible(caller, known.value)).get(platform, {})
        kind = next((p for p in told if p.platform == platform), None)
        if kind is None and not own:
            if problem:
                raise problem
            return None
        named = await self._names.of(platform)
        by_name = self._names.mean_tools(caller, known.value, platform)
        actions = [
            _line(caller, a, name if by_name else None) for name, a in sorted(named.items()) if offered(caller, a)
        ]
        untold = [a for a in named.values() if promising(caller, a) and not offered(caller, a)]
        connections = _told(caller, own.values())
        return (
            {
                "platform": platform,
                "name": text.line(kind.name) if kind else platform,
                "connections": connections[:_MAX_CONNECTIONS],
                **({} if own else {"connect": how_to_connect(caller.identity, platform)}),
                "actions": actions[:_MAX_ACTIONS],
            }
            | _more(connections=connections[_MAX_CONNECTIONS:], actions=[*actions[_MAX_ACTIONS:], *untold])
            | _as_of(known)
        )

    def _result(self, caller: Caller, wanted: str) -> Stored | None:
        with suppress(UnknownResult):
            return self._store.get(caller.identity, wanted)
        return None

    async def _action(self, caller: Caller, wanted: str) -> str | None:
        """Return the action's document, or None if there is none that the caller may know of."""
        try:
            action = await find_action(self._catalog, self._names, None, wanted, caller)
        except (UnknownAction, InvalidArguments):
            return None
        if admit(caller, action):
            return None
        return text.clean(await knowledge(self._catalog, self._names, caller, action, "full"))


def _content(uri: str, kept: Stored) -> mcp.TextResourceContents | mcp.BlobResourceContents:
    """Return the answer as text where it is that, else as it came."""
    if _TEXT.match(kept.media_type):
        with suppress(UnicodeDecodeError):
            return mcp.TextResourceContents(uri=uri, mime_type=kept.media_type, text=text.clean(kept.body.decode()))
    return mcp.BlobResourceContents(uri=uri, mime_type=kept.media_type, blob=base64.b64encode(kept.body).decode())


def _parts(uri: str) -> list[str]:
    """Return what the URI names, decoded part by part, or nothing for one that cannot be ours."""
    if not uri.startswith(_SCHEME) or len(uri) > _MAX_URI_CHARS:
        return []
    return [unquote(part) for part in uri.removeprefix(_SCHEME).removesuffix("/").split("/")]


def canonical(uri: str) -> str:
    """Return the URI as it is listed: other clients' ways to encode it read the same."""
    return _uri(_SCHEME.removesuffix("/") + "/" + parts[0], *parts[1:]) if (parts := _parts(uri)) else uri


def _uri(head: str, *parts: str) -> str:
    return "/".join((head, *(quote(part, safe="", errors="replace") for part in parts)))


def _more(**left_out: Sequence[Any]) -> dict[str, str]:
    parts = [f"{len(rest)} more {what}" for what, rest in left_out.items() if rest]
    return {"more": f"{' and '.join(parts)}; the tools find them."} if parts else {}


def _by_uri(caller: Caller, own: Iterable[Connection]) -> Mapping[str, tuple[str, Connection]]:
    """Return URI → label and connection, in a stable order."""
    return {
        _uri(CONNECTIONS, platform, label): (label, connection)
        for platform, labels in by_platform(caller, own).items()
        for label, connection in labels.items()
    }


def _contents(caller: Caller, own: Sequence[Connection]) -> Mapping[str, Any]:
    """Return what the content of each resource depends on, as far as it depends on connections."""
    each = {at: _facts(caller, label, connection) for at, (label, connection) in _by_uri(caller, own).items()}
    platforms: dict[str, list[Any]] = {}
    for facts in each.values():
        platforms.setdefault(_uri(PLATFORMS, facts["platform"]), []).append(facts)
    connected = {connection.platform for connection in own if connection.works}
    return {CONNECTIONS: list(each.values()), PLATFORMS: connected, **platforms, **each}


def _told(caller: Caller, own: Iterable[Connection]) -> list[dict[str, Any]]:
    return [
        {"uri": at, **_facts(caller, label, connection)} for at, (label, connection) in _by_uri(caller, own).items()
    ]


def _facts(caller: Caller, label: str, connection: Connection) -> dict[str, Any]:
    return {
        "platform": connection.platform,
        "connection": label,
        "state": text.line(connection.state, 40),
        "active": connection.active,
        "identity": text.line(connection.owner) or None,
        "identityType": text.line(connection.identity_type or "", 40) or None,
        "tags": [text.line(tag, 60) for tag in connection.tags[:_MAX_TAGS]],
        "connectedAt": connection.created_at,
    } | ({} if connection.works else {"reconnect": how_to_reconnect(caller.identity, connection)})


def _line(caller: Caller, action: Action, tool_name: str | None) -> dict[str, str]:
    """Return an action as a line of a list."""
    return {
        **({"tool": tool_name} if tool_name else {}),
        "title": text.line(action.title) or "(untitled)",
        **({"actionId": text.line(action.id)} if action.id else {}),
        "request": text.line(f"{action.method} {action.path}"),
        **({"effect": effect(caller, action)} if action.tells_request else {}),
    }


def _as_of(known: Known[Connections]) -> dict[str, str]:
    return {"asOf": known.as_of.isoformat(timespec="seconds"), "note": note} if (note := outdated(known)) else {}


def _listed(uri: str, label: str, connection: Connection) -> mcp.Resource:
    platform = text.line(connection.platform)
    description = f"{platform} account, {text.line(connection.state)}."
    return _resource(uri, f"{platform}: {label}", description, 0.8, (connection,))


def _resource(
    uri: str, name: str, description: str, priority: float, connections: Iterable[Connection] = ()
) -> mcp.Resource:
    modified = max((connection.modified for connection in connections), default="")
    return mcp.Resource(
        uri=uri,
        name=name,
        mime_type=_JSON,
        description=description,
        annotations=mcp.Annotations(priority=priority, last_modified=modified or None),
    )


def _template(uri: str, name: str, description: str, mime_type: str | None, priority: float) -> mcp.ResourceTemplate:
    return mcp.ResourceTemplate(
        uri_template=uri,
        name=name,
        description=description,
        mime_type=mime_type,
        annotations=mcp.Annotations(priority=priority),
    )
