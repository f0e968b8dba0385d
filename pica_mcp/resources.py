"""The room of what can be read: the caller's connections, as resources.

Nothing is only here: `list_pica_integrations` tells the same, since most clients show no resources.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import mcp_types as mcp

from pica_mcp import text
from pica_mcp.access import Caller, connect_link, label_connections, visible
from pica_mcp.catalog import Catalog
from pica_mcp.errors import UnknownResource
from pica_mcp.models import Connection

ALL = "pica://connections"
ONE = "pica://connections/{platform}/{label}"
_JSON = "application/json"


class Resources:
    """The caller's connections by URI. Keys never appear."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list(self, caller: Caller) -> tuple[mcp.Resource, ...]:
        """Return one resource for all connections and one for each."""
        index = mcp.Resource(
            uri=ALL, name="connections", title="Connections", mime_type=_JSON, description="The connected accounts."
        )
        return (index, *(_resource(uri, label, c) for uri, label, c in await self._own(caller)))

    def templates(self) -> tuple[mcp.ResourceTemplate, ...]:
        """Return the shape of the URIs."""
        return (
            mcp.ResourceTemplate(
                uri_template=ONE,
                name="connection",
                title="Connection",
                mime_type=_JSON,
                description="One connected account, by platform and label.",
            ),
        )

    async def read(self, caller: Caller, uri: str) -> mcp.TextResourceContents:
        """Return the resource as JSON text. Raises `UnknownResource`, alike for another's and for none."""
        own = await self._own(caller)
        if uri == ALL:
            content: Any = {
                "identity": str(caller.identity),
                "connections": [{"uri": at, **_facts(label, c)} for at, label, c in own],
            }
        else:
            content = next((_facts(label, c) for at, label, c in own if unquote(at) == unquote(uri)), None)
        if content is None:
            raise UnknownResource(
                f"There is no resource {text.line(repr(uri), 120)}.", f"Read {ALL} for what there is."
            )
        return mcp.TextResourceContents(uri=uri, mime_type=_JSON, text=text.clean(text.compact(content)))

    async def _own(self, caller: Caller) -> Iterable[tuple[str, str, Connection]]:
        """Return URI, label and connection of everything that is the caller's, in a stable order."""
        own = visible(caller, await self._catalog.connections(caller.identity))
        return [
            (f"{ALL}/{quote(platform, safe='')}/{quote(label, safe='')}", label, connection)
            for platform in sorted({c.platform for c in own})
            for label, connection in sorted(label_connections(c for c in own if c.platform == platform).items())
        ]


def _resource(uri: str, label: str, connection: Connection) -> mcp.Resource:
    return mcp.Resource(
        uri=uri,
        name=f"{text.line(connection.platform)}: {label}",
        mime_type=_JSON,
        description=f"{text.line(connection.platform)} account, {text.line(connection.state)}.",
    )


def _facts(label: str, connection: Connection) -> dict[str, Any]:
    # Without an identity of its own, a connection's identity is the secret part of its key.
    named = connection.identity is not None and connection.identity != connection.key.split("::")[-1]
    return {
        "platform": connection.platform,
        "connection": label,
        "state": connection.state,
        "active": connection.active,
        "identity": connection.identity if named else None,
        "identityType": connection.identity_type,
        "tags": list(connection.tags),
        "connectedAt": connection.created_at,
    } | ({"reconnect": connect_link(connection.platform)} if not connection.works else {})
