"""The room that wires everything: opens in order, closes in reverse. Opening makes no request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from pica_mcp.access import Caller
from pica_mcp.api import Endpoint, open_api
from pica_mcp.audit import Audit
from pica_mcp.catalog import Catalog, Disk, catalogue_file, prepare
from pica_mcp.completions import Completions
from pica_mcp.discovery import Names, fixed_tools, naming
from pica_mcp.files import Files
from pica_mcp.front import Front, open_front
from pica_mcp.limits import Limits
from pica_mcp.pipeline import Pipeline
from pica_mcp.prompts import Prompts
from pica_mcp.resources import Resources
from pica_mcp.results import Results
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
    with open_front(settings) as front:
        async with open_rooms(front, pica) as app:
            yield app


@asynccontextmanager
async def open_rooms(front: Front, pica: Any = None) -> AsyncGenerator[App]:
    """Open the application behind its front."""
    settings, caller, audit = front.settings, front.caller, front.audit
    if settings.sandbox:
        from pica_mcp.sandbox import Sandbox

        pica = Sandbox().app
    endpoint = Endpoint(settings.base_url, front.secret, settings.family, settings.proxy, settings.ca_file)
    async with (
        AsyncExitStack() as closing,
        open_api(endpoint, pica) as api,
        anyio.create_task_group() as tasks,
    ):
        try:
            disk = _disk(front)
            closing.callback(disk.close)
            max_bytes = settings.cache_mb * 1024 * 1024
            catalog = Catalog(api, disk, tasks, naming(settings.tool_name_max), max_bytes=max_bytes)
            store = Store()
            names, files = Names(catalog, settings.tool_name_max), Files(settings.files, store)
            results = Results(store, files, settings.max_result_tokens)
            base_url, family, profile = settings.base_url, settings.family, settings.schema_profile
            fixed = fixed_tools(catalog, names, results, base_url=base_url, family=family, profile=profile)
            toolbox = Toolbox(catalog, names, fixed, _budget(settings))
            pipeline = Pipeline(toolbox, catalog, names, api, settings.consent, Limits(), audit, results, files)
            resources = Resources(catalog, names, store)
            watch = Watch(caller, catalog, toolbox, resources, settings.poll_seconds)
            tasks.start_soon(watch.run)
            completions, prompts = Completions(catalog, names), Prompts(catalog)
            yield App(caller, catalog, pipeline, resources, completions, prompts, watch, audit, tasks)
        finally:
            tasks.cancel_scope.cancel()


def _disk(front: Front) -> Disk:
    """Return where the catalogue is kept. The file is known when the secret is, and that is read when it is needed."""
    settings = front.settings

    @lru_cache(1)
    def file_of(secret: str) -> str:
        return catalogue_file(settings.base_url, secret, settings.tool_name_max)

    async def place() -> Path | None:
        return settings.cache and settings.cache / file_of(await front.secret.get())

    return Disk(place, prepare)


def _budget(settings: Settings) -> Budget:
    return Budget(
        settings.tools,
        settings.max_tools,
        settings.max_tool_tokens,
        settings.pins,
        settings.exclusions,
        settings.schema_profile,
    )
