"""The sandbox itself: one pretend Pica with an account of its own, new every time."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from pica_mcp.sandbox import errors, platforms
from pica_mcp.sandbox.account import Account, furnish
from pica_mcp.sandbox.catalog import Catalog, Platform
from pica_mcp.sandbox.door import Body, Door, reply
from pica_mcp.sandbox.errors import RejectionError
from pica_mcp.sandbox.faults import Fault
from pica_mcp.sandbox.journal import Journal, Limit, Plan, Recorded
from pica_mcp.sandbox.older import OlderPages
from pica_mcp.sandbox.pages import Pages
from pica_mcp.sandbox.passthrough import Passthrough
from pica_mcp.sandbox.routes import LIVE_SECRET, TEST_SECRET, Desk
from pica_mcp.sandbox.search import Search
from pica_mcp.sandbox.shelf import Shelf


class Sandbox:
    """A pretend Pica behind `app`; two of them share nothing, and the same calls get the same answers from both.

    With `row_ids`, rows of available actions also carry `systemId` and `path`, as some deployments send them. With
    `bare_errors`, a refused secret is answered with bare text instead of JSON. With `search_rows`, a search answers
    `{rows}` instead of a bare list. `generation` 1 is the older API, its rows and its paging. `extra` platforms, such
    as `pica_mcp.sandbox.growth` makes, are listed after those that are written by hand.
    """

    def __init__(
        self,
        *,
        row_ids: bool = False,
        bare_errors: bool = False,
        search_rows: bool = False,
        generation: Literal[1, 2] = 2,
        extra: Sequence[Platform] = (),
    ) -> None:
        self._account = Account()
        furnish(self._account)
        self._journal = Journal()
        catalog = Catalog(platforms.imitated(), platforms.listed_only(), extra)
        pages = OlderPages() if generation == 1 else Pages()
        shelf = Shelf(catalog, pages, Search(catalog), row_ids=row_ids, search_rows=search_rows)
        passthrough = Passthrough(self._account, catalog)
        self._secrets = {LIVE_SECRET: "live", TEST_SECRET: "test"}
        desk = Desk(
            self._secrets,
            self._account,
            catalog,
            passthrough,
            shelf,
            pages,
            bare_errors=bare_errors,
            older=generation == 1,
        )
        self.app = _app(desk, self._journal)
        self.connect = self._account.connect
        self.reauthorize = self._account.reauthorize

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, oldest first, those that were refused included; of more than 10,000 the newest."""
        return self._journal.requests

    @property
    def pending(self) -> int:
        """How many requests are coming in or being answered right now."""
        return self._journal.pending

    @property
    def abandoned(self) -> list[Recorded]:
        """The requests whose client left, or was left, before the answer was complete; resets are complete.

        What was not uploaded whole is among them and has done nothing.
        """
        return self._journal.abandoned

    async def until_pending(self, count: int) -> None:
        """Wait until exactly so many requests are pending, be it only for a moment; `Hang` makes them stay."""
        await self._journal.until_pending(count)

    def fail(
        self,
        path_prefix: str,
        *faults: Fault,
        status: int | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        skip: int = 0,
        method: str | None = None,
    ) -> None:
        """Let something go wrong with `times` requests under the raw path prefix, the first `skip` of them excepted.

        None means for ever. Earlier calls are used up first, and what they take is not skipped by later ones. What the
        edge or a limit refuses meets no fault. ValueError if a fault would undo what stands before it, or for a number
        below zero.

        | call | what the client gets |
        |---|---|
        | `fail(path)` | Pica's own 500 |
        | `fail(path, status=, body=, headers=)` | that answer, 500 unless told; errors without a body are Pica's |
        | `fail(path, Delay(1), ...)` | the real answer bent by these faults, which `pica_mcp.sandbox.faults` lists |
        | `fail(path, Delay(1), ..., status=503)` | the told answer, bent likewise |
        """
        told = not faults or status is not None or body is not None or headers is not None
        instead = reply(500 if status is None else status, body, headers or {}) if told else None
        self._journal.plans.append(Plan(path_prefix, method, skip, times, faults, instead))

    def limit(self, requests: int, *, path_prefix: str = "/", refusals: int | None = None) -> None:
        """Let so many requests through, then refuse as Pica does, then begin again; None refuses until healed.

        A refusal is 429 without Retry-After; the rate limit headers count what is left, as they do without this, when
        500 are said and none is refused. Of several limits on a path the newest counts. What the edge refuses counts
        for none.
        """
        self._journal.limits.append(Limit(path_prefix, requests, refusals))

    def heal(self) -> None:
        """Forget every fault and limit that is still to come; those who were made to wait get their answers now."""
        self._journal.heal()

    def rotate(self, secret: str, environment: str = "live") -> None:
        """Let another secret open an environment; the one before is refused from now on."""
        for old in [old for old, opened in self._secrets.items() if opened == environment]:
            del self._secrets[old]
        self._secrets[secret] = environment

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncGenerator[str]:
        """Serve on a loopback port, 0 for a free one, in this event loop, and yield the base URL.

        OSError if the port cannot be used. Leaving drops every connection at once, those that hang included.
        """
        from pica_mcp.sandbox.listening import listen  # noqa: PLC0415 - only who listens pays for uvicorn

        async with listen(self.app, port) as base_url:
            yield base_url

    def keys(self, identity: str, environment: str = "live") -> tuple[str, ...]:
        """Return the keys of an identity's connections, newest first."""
        return tuple(c.key for c in self._account.within(environment) if c.identity == identity)

    def disconnect(self, key: str) -> None:
        """Delete a connection; KeyError if there is none with that key."""
        self._account.remove(key)

    def set_state(self, key: str, state: str) -> None:
        """Make a connection operational, degraded, failed or unknown; a failed one is refused by its provider."""
        self._account.change(key, state=state)

    def move(self, key: str, identity: str, identity_type: str | None = None) -> None:
        """Give a connection to another identity; its key stays. KeyError if there is none with that key."""
        self._account.change(key, identity=identity, identity_type=identity_type)


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
