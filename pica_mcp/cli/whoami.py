"""`pica-mcp whoami`: whose account it is, who is served of it, and where the secret comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pica_mcp import text
from pica_mcp.access import Caller, Identity, visible
from pica_mcp.app import App
from pica_mcp.cli.asking import ask
from pica_mcp.cli.options import add_format, add_settings, as_json, describe, settings_of
from pica_mcp.cli.rows import Row, print_rows
from pica_mcp.cli.streams import fail
from pica_mcp.cli.terminal import print_json
from pica_mcp.errors import PicaError
from pica_mcp.models import Whoami
from pica_mcp.settings import Settings

_FIELDS = {"user": ("name", "email", "id"), "organization": ("name", "id"), "project": ("name", "id")}
"""Whom the secret may belong to, and what Pica tells of each."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what it is about, and its arguments."""
    describe(
        parser,
        "Tell whom the secret belongs to, where it comes from, and who is served with which permission. It asks Pica, "
        "so it tells as well whether the secret is accepted. The secret itself is never shown.",
        "pica-mcp whoami",
        "pica-mcp whoami --sandbox --json",
    )
    add_format(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print it: 1 if Pica does not tell, as when it refuses the secret."""
    settings = settings_of(arguments)
    found = ask(settings, _found)
    if isinstance(found, PicaError):
        return fail(found)
    document = _document(settings, *found)
    if as_json(arguments):
        print_json(document)
    else:
        print_rows(_rows(found[0], document))
    return 0


async def _found(app: App) -> tuple[Caller, Whoami, int | None]:
    found, own = await app.pipeline.api.whoami(), None
    with suppress(PicaError):  # who it is is told all the same
        own = len(visible(app.caller, await app.catalog.connections(app.caller.identity)))
    return app.caller, found, own


def _document(settings: Settings, caller: Caller, found: Whoami, own: int | None) -> dict[str, Any]:
    return {
        **{whose: _known(getattr(found, whose), fields) for whose, fields in _FIELDS.items()},
        "environment": caller.environment(),
        "pica": "sandbox" if settings.sandbox else settings.base_url,
        "secret": _secret(settings),
        "identity": caller.identity.id,
        "identity_type": caller.identity.type,
        "connections": own,
        "permission": caller.grant.permission,
        "knowledge_only": caller.grant.knowledge_only,
    }


def _known(facts: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, str | None] | None:
    """Return what Pica tells of a person or a group, None if there is none."""
    told = {name: text.line(str(facts.get(name) or "")) or None for name in fields}
    return told if any(told.values()) else None


def _secret(settings: Settings) -> dict[str, str | None]:
    """Return where the secret comes from, never what it is."""
    if settings.sandbox:
        return {"source": "sandbox", "setting": None}
    origin = settings.origins.get("secret")
    return {"source": origin.kind if origin else "environment", "setting": settings.secret.variable}


def _rows(caller: Caller, document: Mapping[str, Any]) -> Iterator[Row]:
    sandbox = document["pica"] == "sandbox"
    secret, own = document["secret"], document["connections"]
    whom = str(caller.identity)
    told = {
        "User": _said(document["user"]),
        "Organization": _said(document["organization"]),
        "Project": _said(document["project"]),
        "Environment": document["environment"],
        "Pica": "the embedded sandbox" if sandbox else document["pica"],
        "Secret": "the sandbox's own" if sandbox else f"accepted; from {secret['setting']}",
        "Serves": whom if caller.identity == Identity() else f"{whom}, and nobody else",
        "Connected": "unknown" if own is None else text.some(own, "account") if own else "nothing",
        "Permission": "none: PICA_KNOWLEDGE_AGENT is true" if document["knowledge_only"] else document["permission"],
    }
    for name, value in told.items():
        yield Row(f"{name:<14}", text.line(str(value)))


def _said(known: Mapping[str, str | None] | None) -> str:
    return ", ".join(filter(None, (known or {}).values())) or "none"
