"""The sandbox itself: one pretend Pica with an account of its own, new every time."""

from collections.abc import Iterable, Mapping
from typing import cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from pica_mcp.sandbox import errors, platforms
from pica_mcp.sandbox.account import Account, furnish
from pica_mcp.sandbox.catalog import Catalog
from pica_mcp.sandbox.door import Body, Door, Fault, Journal, Recorded
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.passthrough import Passthrough
from pica_mcp.sandbox.routes import Desk


class Sandbox:
    """A pretend Pica behind `app`; two of them share nothing, and the same calls get the same answers from both.

    With `row_ids`, rows of available actions also carry `systemId` and `path`, as some deployments send them. With
    `bare_errors`, a refused secret is answered with bare text instead of JSON.
    """

    def __init__(self, *, row_ids: bool = False, bare_errors: bool = False) -> None:
        self._account = Account()
        furnish(self._account)
        self._journal = Journal()
        catalog = Catalog(platforms.imitated(), platforms.listed_only())
        passthrough = Passthrough(self._account, catalog)
        desk = Desk(self._account, catalog, passthrough, row_ids=row_ids, bare_errors=bare_errors)
        self.app = _app(desk, self._journal)

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, oldest first, those that were refused included."""
        return self._journal.requests

    def fail(
        self,
        path_prefix: str,
        *,
        status: int = 500,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        method: str | None = None,
    ) -> None:
        """Answer the next `times` requests under the raw path prefix so instead; None means for ever.

        Without a body an error status says what Pica's own errors say. Earlier faults are used up first.
        """
        self._journal.faults.append(Fault(path_prefix, status, body, headers or {}, times, method))

    def heal(self) -> None:
        """Forget every fault that is still to come."""
        self._journal.faults.clear()

    def keys(self, identity: str, environment: str = "live") -> tuple[str, ...]:
        """Return the keys of an identity's connections, newest first."""
        return tuple(c.key for c in self._account.within(environment) if c.identity == identity)

    def connect(
        self,
        platform: str,
        *,
        identity: str | None = None,
        identity_type: str | None = None,
        name: str | None = None,
        tags: Iterable[str] = (),
        environment: str = "live",
        state: str = "operational",
        active: bool = True,
    ) -> str:
        """Add a connection with an account of its own behind it, and return its key."""
        return self._account.connect(
            platform,
            identity=identity,
            identity_type=identity_type,
            name=name,
            tags=tags,
            environment=environment,
            state=state,
            active=active,
        )

    def disconnect(self, key: str) -> None:
        """Remove a connection; KeyError if there is none with that key."""
        self._account.remove(key)

    def set_state(self, key: str, state: str) -> None:
        """Make a connection operational, degraded, failed or unknown; a failed one is refused by its provider."""
        self._account.change(key, state=state)


def _app(desk: Desk, journal: Journal) -> Starlette:
    app = Starlette(
        routes=desk.routes(),
        middleware=[Middleware(Door, journal)],
        exception_handlers={RejectionError: _rejection, 404: _unknown_route, 405: _wrong_method},
    )
    app.router.redirect_slashes = False  # Pica's router does not guess either
    return app


async def _rejection(request: Request, error: Exception) -> Response:
    del request
    return cast("RejectionError", error).response


async def _unknown_route(request: Request, error: Exception) -> Response:
    del request, error
    return errors.unknown_route()


async def _wrong_method(request: Request, error: Exception) -> Response:
    del request, error
    return errors.application(405, "Method not allowed")
