"""The whole line on accounts that a test writes: catalogues that collide, lie, break off or never answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pica_mcp import api
from pica_mcp import pipeline as room
from pica_mcp.access import effect
from pica_mcp.errors import UnknownTool

LIST, SEARCH = "list_pica_integrations", "search_pica_platform_actions"
KNOWLEDGE, EXECUTE = "get_pica_action_knowledge", "execute_pica_action"


@dataclass
class Pica:
    """Answers with the rows it holds, in one page, and writes down what it was asked."""

    connections: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    documents: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    found: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What a search finds, whatever it is asked, of the platform."""
    answer: Callable[[Request], Response] = lambda _: JSONResponse({"done": True})
    hangs: str = "nowhere"
    """Requests of paths that begin so are never answered."""
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append(f"{request.method} {request.url.path}")
        if request.url.path.startswith(self.hangs):
            await anyio.sleep_forever()
        await self._response(request)(scope, receive, send)

    def _response(self, request: Request) -> Response:
        match request.url.path.strip("/").split("/")[1:]:
            case ["vault", "connections"]:
                return page(self.connections)
            case ["available-actions", "search", platform]:
                return JSONResponse([row for row in self.found if row["platform"] == platform])
            case ["available-actions", platform]:
                return page(self.actions.get(platform, []))
            case ["knowledge"]:
                wanted = request.query_params.get("_id"), request.query_params.get("connectionPlatform")
                return page([d for d in self.documents if wanted in ((d["_id"], None), (None, d["platform"]))])
            case ["available-connectors"]:
                return page([{"platform": platform} for platform in self.actions])
            case _:
                response = self.answer(request)
                response.headers["x-pica-passthrough-x"] = "1"
                return response

    def sent(self) -> list[str]:
        return [asked for asked in self.asked if "/v1/passthrough" in asked]


def page(rows: list[dict[str, Any]]) -> Response:
    return JSONResponse({"rows": rows, "total": len(rows), "pages": 1})


def account(platform: str, name: str = "", **facts: Any) -> dict[str, Any]:
    plain = {"key": f"live::{platform}::default::{name or 1}", "environment": "live", "state": "operational"}
    return {**plain, "platform": platform, "name": name, "identity": "ada", "identityType": "user", **facts}


def row(title: str, platform: str = "crm", method: str = "GET", **facts: Any) -> dict[str, Any]:
    return {"title": title, "platform": platform, "method": method, "key": title.lower(), **facts}


def document(number: int, title: str, platform: str = "crm", method: str = "GET", **facts: Any) -> dict[str, Any]:
    plain = {"_id": f"conn_mod_def::{number}::x", "path": f"/{number}", "key": title.lower(), "knowledge": "# It"}
    return {**plain, "title": title, "platform": platform, "method": method, **facts}


def result(number: int, title: str, method: str = "GET", **facts: Any) -> dict[str, Any]:
    plain = {"systemId": f"conn_mod_def::{number}::x", "path": f"/{number}", "key": title.lower()}
    return {**plain, "title": title, "platform": "crm", "method": method, **facts}


def big(*rows: dict[str, Any]) -> Pica:
    """A connected platform of these rows and so many others that its documents are fetched one by one."""
    return Pica([account("crm")], {"crm": [*rows, *(row(f"Other {number}") for number in range(401))]})


async def meant(app: Any, hits: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The ids of what hits mean, of those with a tool and of those without; each tells what its tool is."""
    named: list[str] = []
    for hit in hits:
        assert ("tool" in hit) is not ("actionId" in hit), hit
        if "tool" in hit:
            action = (await app.pipeline.toolbox.find(app.caller, hit["tool"])).action
            told = hit.get("title", action.title), hit.get("effect", "read")  # a name may say all of the title
            assert told == (action.title, effect(app.caller, action))
            named.append(action.id)
    return named, [hit["actionId"] for hit in hits if "tool" not in hit]


# Names that collide


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("zoho-crm", "zohocrm", "zohocrm"),
        ("zoho.crm", "zoho_crm", "zohocrm"),
        ("microsoft-dynamics-365-crm", "microsoft-dynamics-365-erp", "microsoftdynamics365"),
    ],
)
async def test_platforms_that_spell_one_name_are_neither_listed_nor_found(
    serve: Any, one: str, other: str, shared: str
) -> None:
    """One may read where the other deletes."""
    pica = Pica(
        [account(one), account(other), account("gmail")],
        {name: [row("Records", name)] for name in (one, other, "gmail")},
        [document(number, "Records", name) for number, name in enumerate((one, other, "gmail"))],
    )
    async with serve(pica) as app:
        listed = [tool.definition.name for tool in (await app.pipeline.toolbox.survey(app.caller)).tools[7:]]
        assert listed == ["gmail_records"]
        with pytest.raises(UnknownTool):
            await app.pipeline.call(app.caller, f"{shared}_records", {})
        by_id = {"platform": other, "actionId": "conn_mod_def::1::x"}
        assert not (await app.pipeline.call(app.caller, EXECUTE, by_id)).is_error
    assert pica.sent() == ["GET /v1/passthrough/1"]
    pica.connections = [account(one)]
    async with serve(pica) as app:
        assert (await app.pipeline.toolbox.find(app.caller, f"{shared}_records")).action.platform == one


async def test_search_names_no_tool_that_cannot_be_called_for_its_collisions(serve: Any, told: Any) -> None:
    pica = Pica(
        [account("c-rm"), account("crm")],
        {"c-rm": [row("Records", "c-rm")], "crm": [row("Records")]},
        [document(1, "Records", "c-rm"), document(2, "Records")],
        [result(2, "Records")],
    )
    async with serve(pica) as app:
        (found,) = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "crm", "query": "x"}))["actions"]
    assert found["actionId"] == "conn_mod_def::2::x"
    assert "tool" not in found


async def test_a_platform_named_like_anothers_beginning_takes_no_name_from_it(serve: Any) -> None:
    pica = Pica(
        [account("zoho"), account("zoho-crm")],
        {"zoho": [row("CRM Records", "zoho", "DELETE")], "zoho-crm": [row("Records", "zoho-crm")]},
        [document(1, "CRM Records", "zoho", "DELETE"), document(2, "Records", "zoho-crm")],
    )
    async with serve(pica) as app:
        for name, platform in (("zoho_crm_records", "zoho"), ("zohocrm_records", "zoho-crm")):
            assert (await app.pipeline.toolbox.find(app.caller, name)).action.platform == platform


async def test_the_broken_catalogue_of_one_platform_breaks_no_call_of_another(box: Any, serve: Any, told: Any) -> None:
    for platform in ("github", "slack", "stripe"):
        box.fail(f"/v1/available-actions/{platform}", status=400, times=None)
    async with serve() as app:
        arguments = {"connection": "Work", "userId": "me"}
        assert "labels" in told(await app.pipeline.call(app.caller, "gmail_list_labels", arguments))


# Big platforms


async def test_search_on_a_big_platform_names_the_right_tool_or_none(serve: Any, told: Any) -> None:
    pica = big(
        row("Do", key="first", path="/1"),
        row("Do", key="second", path="/2"),
        row("Send", "crm", "POST", path="/5"),
    )
    pica.found = [
        result(2, "Do", key="second"),
        result(1, "Do", key="first"),
        result(9, "Do", key="third"),
        result(5, "Send", "POST"),
        result(6, "Send", "DELETE"),
    ]
    async with serve(pica) as app:
        actions = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "crm", "query": "x"}))["actions"]
        named, unnamed = await meant(app, actions)
    assert sorted(named) == ["conn_mod_def::1::x", "conn_mod_def::2::x", "conn_mod_def::5::x"]
    assert sorted(unnamed) == ["conn_mod_def::6::x", "conn_mod_def::9::x"]


async def test_search_on_a_big_platform_names_the_right_tool_or_none_where_only_paths_differ(
    serve: Any, told: Any
) -> None:
    pica = big(row("Get", key="", path="/3"), row("Get", key="", path="/4"))
    pica.found = [result(3, "Get", key=""), result(4, "Get", key="")]
    async with serve(pica) as app:
        actions = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "crm", "query": "x"}))["actions"]
        named, unnamed = await meant(app, actions)
    assert sorted((*named, *unnamed)) == ["conn_mod_def::3::x", "conn_mod_def::4::x"]


async def test_an_action_whose_row_alone_says_that_it_is_hidden_cannot_be_called_by_name(serve: Any) -> None:
    pica = big(row("Wreck", tags=["hidden:agents"]))
    pica.found = [result(1, "Wreck")]
    pica.documents = [document(1, "Wreck")]
    async with serve(pica) as app:
        with pytest.raises(UnknownTool):
            await app.pipeline.call(app.caller, "crm_wreck", {})
    assert pica.sent() == []


# Hidden actions


async def test_hidden_actions_are_offered_nowhere_and_run_by_id(serve: Any, told: Any) -> None:
    pica = Pica(
        [account("crm")],
        {"crm": [row("Wreck", method="POST"), row("Send", method="POST")]},
        [document(1, "Wreck", method="POST", tags=["hidden:agents"]), document(2, "Send", method="POST")],
        [result(1, "Wreck", "POST", tags=["hidden:agents"]), result(2, "Send", "POST")],
    )
    async with serve(pica, PICA_TOOLS="all") as app:
        assert [t.definition.name for t in (await app.pipeline.toolbox.survey(app.caller)).tools[7:]] == ["crm_send"]
        found = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "crm", "query": "wreck"}))
        assert [action.get("tool") for action in found["actions"]] == ["crm_send"]
        with pytest.raises(UnknownTool):
            await app.pipeline.call(app.caller, "crm_wreck", {})
        assert pica.sent() == []
        by_id = {"platform": "crm", "actionId": "conn_mod_def::1::x"}
        assert told(await app.pipeline.call(app.caller, EXECUTE, by_id)) == {"done": True}
    assert pica.sent() == ["POST /v1/passthrough/1"]


@pytest.mark.parametrize("hidden", ["row", "document"])
async def test_the_name_of_a_hidden_action_runs_nothing_and_is_one_for_readers(
    serve: Any, said: Any, hidden: str
) -> None:
    tags: dict[str, Any] = {"tags": ["hidden:agents"]}
    rows = [row("Wreck", method="POST", **({**tags, "_id": "conn_mod_def::1::x"} if hidden == "row" else {}))]
    documents = [
        document(1, "Wreck", method="POST", knowledge="# How to wreck", **(tags if hidden == "document" else {}))
    ]
    for variables in ({}, {"PICA_KNOWLEDGE_AGENT": "true"}):
        pica = Pica([account("crm")], {"crm": rows}, documents, [result(1, "Wreck", "POST")])
        async with serve(pica, **variables) as app:
            for wanted in ({"actionId": "crm_wreck"}, {"actionId": "crm_wreck", "platform": "crm"}):
                with contextlib.suppress(UnknownTool):
                    assert "No action has the id" in said(await app.pipeline.call(app.caller, EXECUTE, wanted))
                read = said(await app.pipeline.call(app.caller, KNOWLEDGE, wanted))
                assert ("How to wreck" in read) is bool(variables)
        assert pica.sent() == []


# Odd rows


async def test_rows_in_any_letter_case_and_with_odd_tags_are_served(serve: Any, told: Any) -> None:
    odd = {"environment": "LIVE", "identityType": "User", "tags": [None, {"a": 1}, "team"]}
    pica = Pica(
        [account("CRM", "Mine", **odd), account("CRM", "Broken", state="Failed", **odd)],
        {"crm": [row("Records", "Crm", tags="hidden")]},
        [document(1, "Records", "crm", tags=[["custom"], None])],
    )
    async with serve(pica, PICA_IDENTITY_TYPE="user") as app:
        listed = told(await app.pipeline.call(app.caller, LIST, {}))["connections"]
        assert [(c["platform"], c["connection"], c.get("state")) for c in listed] == [
            ("crm", "Broken", "failed"),
            ("crm", "Mine", None),  # it is fine
        ]
        assert told(await app.pipeline.call(app.caller, "crm_records", {})) == {"done": True}


@pytest.mark.parametrize("state", ["operational", "failed"])
@pytest.mark.parametrize("platform", ["crm", "microsoft-dynamics-365-business-central"])
async def test_five_hundred_connections_are_told_as_json_that_says_how_many_more_there_are(
    serve: Any, told: Any, platform: str, state: str
) -> None:
    pica = Pica(
        [account(platform, f"{number:03} " + "ł" * 80, key=f"live::{number}", state=state) for number in range(500)]
    )
    async with serve(pica) as app:
        answer = told(await app.pipeline.call(app.caller, LIST, {"query": platform}))
        told(await app.pipeline.call(app.caller, LIST, {}))
    assert 0 < len(answer["connections"]) <= 100
    assert answer["note"].startswith(f"{500 - len(answer['connections'])} more are connected")


# Deadlines


@pytest.mark.parametrize(
    "hangs", ["/v1/vault", "/v1/available-actions/crm", "/v1/knowledge"], ids=["connections", "actions", "documents"]
)
async def test_a_call_whose_preparation_never_ends_is_answered_and_nothing_is_sent(
    serve: Any, said: Any, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    monkeypatch.setattr(room, "DEADLINE_SECONDS", 0.3)
    pica = Pica([account("crm")], {"crm": [row("Send", method="POST")]}, [document(1, "Send", method="POST")])
    pica.hangs = hangs
    async with serve(pica) as app:
        outcome = await app.pipeline.call(app.caller, "crm_send", {})
    assert outcome.is_error
    assert said(outcome) == "Pica took too long. Nothing was sent; try again in a minute."
    assert pica.sent() == []


async def test_a_write_that_never_ends_may_have_been_applied_and_is_told_as_such(
    serve: Any, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(api, "_SPARE_SECONDS", 0.3)
    pica = Pica([account("crm")], {"crm": [row("Send", method="POST")]}, [document(1, "Send", method="POST")])
    pica.hangs = "/v1/passthrough"
    async with serve(pica) as app:
        outcome = await app.pipeline.call(app.caller, "crm_send", {})
    assert outcome.is_error
    assert said(outcome).startswith("The request was sent, but no usable answer came: it may have been applied.")
    assert len(pica.sent()) == 1


# What a provider echoes


@pytest.mark.parametrize("status", [200, 400])
async def test_an_echoing_provider_tells_the_model_neither_secret_nor_key(serve: Any, said: Any, status: int) -> None:
    def echo(request: Request) -> Response:
        return JSONResponse({"message": dict(request.headers), "url": str(request.url)}, status)

    pica = Pica([account("crm")], {"crm": [row("Get")]}, [document(1, "Get")], answer=echo)
    async with serve(pica, PICA_SECRET="sk_live_1_canary/with+signs=") as app:
        words = said(await app.pipeline.call(app.caller, "crm_get", {}))
    assert "[hidden]" in words
    assert "canary" not in words
    assert "live::crm" not in words


# Names instead of ids


async def test_an_action_is_called_and_read_about_by_its_tools_name_too(serve: Any, told: Any, said: Any) -> None:
    pica = Pica([account("crm")], {"crm": [row("Get Contact")]}, [document(1, "Get Contact")])
    async with serve(pica) as app:
        arguments = {"platform": "crm", "actionId": "crm_get_contact"}
        assert told(await app.pipeline.call(app.caller, EXECUTE, arguments)) == {"done": True}
        words = said(await app.pipeline.call(app.caller, KNOWLEDGE, arguments))
        assert words.startswith("Get Contact (crm): GET /1, effect: read.\n")
        unknown = await app.pipeline.call(app.caller, EXECUTE, arguments | {"actionId": "crm_get_contacts"})
        assert unknown.is_error
    assert pica.sent() == ["GET /v1/passthrough/1"]


async def test_an_empty_body_for_a_read_is_no_body(serve: Any, told: Any) -> None:
    bodies: list[int] = []

    def answer(request: Request) -> Response:
        bodies.append(int(request.headers.get("content-length", "0")))
        return JSONResponse({"done": True})

    pica = Pica([account("crm")], {"crm": [row("Get")]}, [document(1, "Get")], answer=answer)
    async with serve(pica) as app:
        given: tuple[Any, ...] = ({}, "{}")
        for data in given:
            arguments: dict[str, Any] = {"platform": "crm", "actionId": "conn_mod_def::1::x", "data": data}
            assert told(await app.pipeline.call(app.caller, EXECUTE, arguments)) == {"done": True}
    assert bodies == [0, 0]


async def test_a_refused_argument_of_execute_ends_with_what_the_action_takes(serve: Any, said: Any) -> None:
    schema = {"inputSchema": {"properties": {"body": {"properties": {"to": {"type": "string"}}, "required": ["to"]}}}}
    pica = Pica(
        [account("crm")],
        {"crm": [row("Send", method="POST")]},
        [document(1, "Send", method="POST", path="/{{box}}/send", ioSchema=schema)],
    )
    async with serve(pica) as app:
        arguments: dict[str, Any] = {"platform": "crm", "actionId": "conn_mod_def::1::x", "data": {}}
        refused = await app.pipeline.call(app.caller, EXECUTE, arguments)
    assert refused.is_error
    assert said(refused).endswith(" The action takes box*, to*.")
    assert json.dumps(pica.sent()) == "[]"


# The two doors


@pytest.mark.parametrize("crowd", [0, 401])
async def test_an_id_means_what_its_name_means(serve: Any, said: Any, crowd: int) -> None:
    """Only the row tells that the action deletes, and that it is one of Pica's own."""
    told = row("Archive Message", method="POST", tags=["custom"]) | {"key": "chat.delete"}
    pica = Pica(
        [account("crm")],
        {"crm": [told, *(row(f"Other {number}") for number in range(crowd))]},
        [document(1, "Archive Message", method="POST", key="")],
        [result(1, "Archive Message", method="POST") | {"key": "chat.delete"}],
    )
    by_id = {"platform": "crm", "actionId": "conn_mod_def::1::x"}
    async with serve(pica, PICA_PERMISSIONS="write") as app:
        for name, arguments in (("crm_archive_message", {}), (EXECUTE, by_id)):
            refused = await app.pipeline.call(app.caller, name, arguments)
            assert refused.is_error
            assert "'destructive'" in said(refused)
    assert pica.sent() == []


@pytest.mark.parametrize("crowd", [0, 401])
async def test_an_action_of_which_pica_tells_two_methods_does_not_run(serve: Any, crowd: int) -> None:
    told = row("Send It", method="POST", systemId="conn_mod_def::1::x")
    pica = Pica(
        [account("crm")],
        {"crm": [told, *(row(f"Other {number}") for number in range(crowd))]},
        [document(1, "Send It", method="DELETE")],
    )
    by_id = {"platform": "crm", "actionId": "conn_mod_def::1::x"}
    async with serve(pica) as app:
        assert (await app.pipeline.call(app.caller, EXECUTE, by_id)).is_error
        if crowd:
            assert (await app.pipeline.call(app.caller, "crm_send_it", {})).is_error
        else:
            with pytest.raises(UnknownTool):
                await app.pipeline.call(app.caller, "crm_send_it", {})
    async with serve(pica, PICA_PERMISSIONS="write") as app:
        assert (await app.pipeline.call(app.caller, EXECUTE, by_id)).is_error
    assert pica.sent() == []


async def test_an_allowed_action_of_a_big_platform_is_listed(serve: Any) -> None:
    pica = big(row("Send It", method="POST"))
    pica.documents = [document(1, "Send It", method="POST")]
    pica.found = [result(1, "Send It", method="POST"), result(2, "Other 1")]
    async with serve(pica, PICA_ACTION_IDS="conn_mod_def::1::x") as app:
        listed = [tool.definition.name for tool in (await app.pipeline.toolbox.survey(app.caller)).tools[7:]]
    assert listed == ["crm_send_it"]


# What is of use without the rest


async def test_what_was_found_is_told_even_if_the_platforms_cannot_be(serve: Any, told: Any) -> None:
    pica = Pica([account("crm")], {"crm": [row("Send")]}, [document(1, "Send"), document(2, "Send", "mail")])
    pica.found = [result(2, "Send") | {"platform": "mail"}]

    async def without_connectors(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/available-connectors":
            await JSONResponse({"type": "x", "key": "err::x", "message": "no"}, 400)(scope, receive, send)
        else:
            await pica(scope, receive, send)

    async with serve(without_connectors) as app:
        found = told(await app.pipeline.call(app.caller, SEARCH, {"platform": "mail", "query": "send"}))
        assert [action["title"] for action in found["actions"]] == ["Send"]
        listed = told(await app.pipeline.call(app.caller, LIST, {"query": "CRM"}))
        assert [line["platform"] for line in listed["connections"]] == ["crm"]
        assert "Pica refused the request" in listed["note"]


async def test_an_id_that_several_rows_fit_does_not_run_by_a_guessed_path(serve: Any) -> None:
    rows = [row("Remove", method="DELETE", path=path) for path in ("/all", "/drafts")]
    pica = big(*rows)
    pica.documents = [document(2, "Remove", method="DELETE", path="")]
    by_id = {"platform": "crm", "actionId": "conn_mod_def::2::x"}
    async with serve(pica) as app:
        assert (await app.pipeline.call(app.caller, EXECUTE, by_id)).is_error
    assert pica.sent() == []


async def test_what_a_row_does_not_tell_is_not_shown_as_if_it_were_harmless(
    converse: Callable[..., Any], told: Callable[..., Any]
) -> None:
    rows = [row(f"Read {number}") for number in range(401)] + [row("Avatar")]
    pica = Pica(
        connections=[account("crm")],
        actions={"crm": rows},
        documents=[document(1, "Avatar", path="/users.deletePhoto")],
        found=[{"systemId": "conn_mod_def::a::1", **row("Avatar"), "path": "/users.deletePhoto"}],
    )
    async with converse(pica=pica, PICA_PERMISSIONS="read") as client:
        read = await client.read_resource("pica://platforms/crm")
        content = json.loads(read.contents[0].text)
    assert content["actions"] == []
    assert content["more"] == "402 more actions; the tools find them."
    async with converse(pica=pica) as client:
        read = await client.read_resource("pica://platforms/crm")
        content = json.loads(read.contents[0].text)
    assert len(content["actions"]) == 200
    assert all("effect" not in action for action in content["actions"])
