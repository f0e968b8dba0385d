"""The room of the line that every call travels: toolbox, access, schemas, passthrough, api, results.

There is no second door: a named tool and `execute_pica_action` meet in `_act`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types as mcp

from pica_mcp import passthrough, results, schemas
from pica_mcp.access import Caller, choose
from pica_mcp.api import DEADLINE_SECONDS, PicaAPI
from pica_mcp.catalog import Catalog
from pica_mcp.discovery import EXECUTE, FIXED_NAMES, Names, find_action, fixed_tools, where
from pica_mcp.errors import InvalidArguments, PicaError, Reason, Refused, UnknownTool, Unreachable
from pica_mcp.models import ActionDetails, Connection
from pica_mcp.toolbox import Budget, Toolbox
from pica_mcp.tools import CONNECTION, Call, FixedTool, Parameters

_FINAL = frozenset(
    {Reason.AMBIGUOUS, Reason.PLATFORM, Reason.PERMISSION, Reason.ACTION_NOT_ALLOWED, Reason.KNOWLEDGE_ONLY}
)
"""Refusals that newer connections would not change."""


class Pipeline:
    """Answers tool calls."""

    def __init__(self, catalog: Catalog, names: Names, api: PicaAPI, budget: Budget) -> None:
        self._catalog = catalog
        self._api = api
        self._names = names
        self.toolbox = Toolbox(catalog, self._names, fixed_tools(catalog, self._names, self._execute), budget)

    async def call(self, caller: Caller, name: str, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        """Return the tool's answer; whatever a model or a person can act on is a result. Raises only `UnknownTool`."""
        with anyio.move_on_after(DEADLINE_SECONDS):
            try:
                return await self._answer(caller, name, arguments)
            except UnknownTool:
                raise
            except PicaError as error:
                return results.failed(error)
        # Sending has an earlier deadline of its own, which tells whether something may have been applied.
        reads = name in FIXED_NAMES and name != EXECUTE
        remedy = "Try again in a minute." if reads else "If this was a change, check it before you try again."
        return results.failed(Unreachable("Pica took too long.", remedy))

    async def _answer(self, caller: Caller, name: str, arguments: Mapping[str, Any]) -> mcp.CallToolResult:
        tool = await self.toolbox.find(caller, name)
        if isinstance(tool, FixedTool):
            return await tool.run(caller, arguments)
        wanted = arguments.get(CONNECTION)
        if not isinstance(wanted, str | None):
            raise InvalidArguments(f"The argument '{CONNECTION}' must be a label.", "Pass one as text.")
        flat = {key: value for key, value in arguments.items() if key != CONNECTION}
        return await self._act(caller, tool.action, tool.parameters, flat, Call(connection=wanted))

    async def _execute(self, caller: Caller, platform: str, id_or_name: str, call: Call) -> mcp.CallToolResult:
        """Run any action by id. What its schema does not document is sent as given: documents have gaps.

        Null is sent too, where a named tool takes it for "not given": some APIs clear a field by it.
        """
        action = await find_action(self._catalog, self._names, platform, id_or_name)
        parameters = schemas.derive(action)
        # A body that is left open may be a list or text here; only what is documented by name is checked.
        flat = {name: value for name, value in parameters.flat(call).items() if parameters.places[name].key is not None}
        try:
            return await self._act(caller, action, parameters, flat, call)
        except InvalidArguments as error:
            raise InvalidArguments(str(error), f"The action takes {where(parameters)}.") from None

    async def _act(
        self, caller: Caller, action: ActionDetails, parameters: Parameters, flat: Mapping[str, Any], rest: Call
    ) -> mcp.CallToolResult:
        connection = await self._connection(caller, action, rest.connection)
        call = parameters.call(schemas.check(parameters.schema, flat), rest)
        try:
            response = await self._api.send(passthrough.build(action, connection, call, parameters.headers))
        except Refused as refusal:
            # Pica's own word that it did nothing: the account may have been connected again, under a new key.
            if refusal.reason is not Reason.UNKNOWN_CONNECTION:
                raise
            renewed = choose(caller, action, await self._fresh(caller), rest.connection)
            if renewed.key == connection.key:
                raise
            response = await self._api.send(passthrough.build(action, renewed, call, parameters.headers))
        return results.answered(action, response, caller.identity)

    async def _connection(self, caller: Caller, action: ActionDetails, wanted: str | None) -> Connection:
        """Return the connection to go through; on a miss look once more, since accounts are connected meanwhile."""
        connections = await self._catalog.connections(caller.identity)
        try:
            return choose(caller, action, connections, wanted)
        except Refused as refusal:
            if refusal.reason in _FINAL:
                raise
        return choose(caller, action, await self._fresh(caller), wanted)

    async def _fresh(self, caller: Caller) -> tuple[Connection, ...]:
        return await self._catalog.connections(caller.identity, fresh=True)
