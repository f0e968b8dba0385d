"""What every test may ask for: builders of records that are fine unless told otherwise, and how hypothesis runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from pica_mcp.access import Caller, Grant, Identity
from pica_mcp.models import ActionDetails, Connection

# The same examples every time, no deadline (it would be a wall clock), no files left behind.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, database=None, max_examples=2_000)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def connection() -> Callable[..., Connection]:
    """Build a working gmail connection of ada's, by field names."""

    def build(**facts: Any) -> Connection:
        plain = {
            "key": "live::gmail::default::1",
            "platform": "gmail",
            "environment": "live",
            "identity": "ada",
            "identity_type": "user",
            "state": "operational",
        }
        return Connection.model_validate(plain | facts, by_name=True)

    return build


@pytest.fixture(scope="session")
def action() -> Callable[..., ActionDetails]:
    """Build an action of gmail that reads, by field names."""

    def build(**facts: Any) -> ActionDetails:
        plain = {
            "platform": "gmail",
            "id": "conn_mod_def::one::1",
            "title": "List Messages",
            "method": "GET",
            "path": "/gmail/v1/users/{{userId}}/messages",
        }
        return ActionDetails.model_validate(plain | facts, by_name=True)

    return build


@pytest.fixture(scope="session")
def caller() -> Callable[..., Caller]:
    """Build a caller who is the user ada and may do everything; keywords are those of `Grant`."""

    def build(identity: Identity | None = None, environment: str = "live", **grant: Any) -> Caller:
        ada = Identity("ada") if identity is None else identity
        return Caller(ada, Grant(**grant), environment)

    return build
