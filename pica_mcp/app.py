"""The room that wires everything: opens in order, closes in reverse. Opening makes no request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import anyio
from anyio.abc import TaskGroup

from pica_mcp.access import Caller, Identity, IdentityType
from pica_mcp.api import Endpoint, open_api
from pica_mcp.audit import Audit, open_sink
from pica_mcp.catalog import Catalog
from pica_mcp.completions import Completions
from pica_mcp.discovery import Names, fixed_tools
from pica_mcp.errors import InvalidSettings
from pica_mcp.files import Files
from pica_mcp.limits import Limits
from pica_mcp.pipeline import Pipeline
from pica_mcp.prompts import Prompts
from pica_mcp.resources import Resources
from pica_mcp.results import Results
from pica_mcp.secret import Fixed, Secret
from pica_mcp.settings import Settings
from pica_mcp.store import Store
from pica_mcp.toolbox import Toolbox
from pica_mcp.toolbox.budget import Budget
from pica_mcp.watch import Watch


@dataclass(frozen=True, slots=True)
class App:
    """Everything a server needs to answer, for one caller."""

    caller: Caller
    catalog: Catalog
    pipeline: Pipeline
    resources: Resources
    completions: Completions
    prompts: Prompts
    watch: Watch
    audit: Audit
    tasks: TaskGroup
    """Runs what outlives a request; it ends with the application."""


@asynccontextmanager
async def open_app(settings: Settings, pica: Any = None) -> AsyncGenerator[App]:
    """Open the application for the configured identity; at the end, loads under way are dropped and sockets closed.

    `pica` is an ASGI application to talk to instead of the network.
    """
    if settings.sandbox:
        from pica_mcp.sandbox import LIVE_SECRET, Sandbox

        pica = Sandbox().app
        settings = replace(settings, secret=Fixed(LIVE_SECRET), identity=_sandbox_identity(settings.identity))
    secret = Secret(settings.secret)
    endpoint = Endpoint(settings.base_url, secret, settings.family, settings.proxy, settings.ca_file)
    with closing(_audit(settings, secret)) as audit:
        async with open_api(endpoint, pica) as api, anyio.create_task_group() as tasks:
            try:
                catalog, store = Catalog(api, tasks), Store()
                names, files = Names(catalog, settings.tool_name_max), Files(settings.files, store)
                results = Results(store, files, settings.max_result_tokens)
                base_url, family, profile = settings.base_url, settings.family, settings.schema_profile
                fixed = fixed_tools(catalog, names, results, base_url=base_url, family=family, profile=profile)
                toolbox = Toolbox(catalog, names, fixed, _budget(settings))
                pipeline = Pipeline(toolbox, catalog, names, api, settings.consent, Limits(), audit, results, files)
                resources = Resources(catalog, names, store)
                caller = Caller(settings.identity, settings.grant, lambda: secret.environment, settings.preferences)
                watch = Watch(caller, catalog, toolbox, resources, settings.poll_seconds)
                tasks.start_soon(watch.run)
                completions, prompts = Completions(catalog, names), Prompts(catalog)
                yield App(caller, catalog, pipeline, resources, completions, prompts, watch, audit, tasks)
            finally:
                tasks.cancel_scope.cancel()


def _budget(settings: Settings) -> Budget:
    return Budget(
        settings.tools,
        settings.max_tools,
        settings.max_tool_tokens,
        settings.pins,
        settings.exclusions,
        settings.schema_profile,
    )


def _audit(settings: Settings, secret: Secret) -> Audit:
    """Return the record of calls. Its hashes are keyed by the secret, which it never shows, so they end with it."""
    try:
        sink = open_sink(settings.audit)
    except ValueError as error:
        raise InvalidSettings(f"PICA_AUDIT is {settings.audit!r}, but must be {error}.") from None

    def key() -> bytes:
        return b"".join(sha256(f"pica-mcp audit {value}".encode()).digest() for value in secret.values[:1])

    return Audit(sink, key=key, hash_callers=settings.audit_hash_callers)


def _sandbox_identity(configured: Identity) -> Identity:
    """Return whom the sandbox serves: the user Ada, unless another identity is asked for."""
    return configured if configured.id or configured.type else Identity("ada", IdentityType.USER)
