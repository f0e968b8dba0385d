"""The cases that Pica's official server (`@picahq/mcp` 2.1.3) gets wrong, by their numbers in our list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pica_mcp.errors import InvalidSettings
from pica_mcp.sandbox import LIVE_SECRET, Sandbox
from pica_mcp.sandbox.catalog import GROWN, Action, Connector, Platform
from pica_mcp.sandbox.upstream import Reply

pytestmark = pytest.mark.usefixtures("box")

SEARCH, KNOWLEDGE, EXECUTE = "search_pica_platform_actions", "get_pica_action_knowledge", "execute_pica_action"


@pytest.fixture
def find(told: Callable[..., Any]) -> Callable[..., Any]:
    """Find an action's id by its title, as a model would."""

    async def find(client: Any, platform: str, title: str) -> str:
        wanted = {"platform": platform, "query": title, "agentType": "knowledge"}
        found = told(await client.call_tool(SEARCH, wanted))
        return next(action["actionId"] for action in found["actions"] if action["title"] == title)

    return find


@pytest.fixture
def foreign(box: Sandbox) -> str:
    return box.connect("gmail", identity="mallory", identity_type="user", name="Mallory's")


PICA_HEADERS = ("x-pica-secret", "x-pica-connection-key", "x-pica-action-id")


@pytest.mark.parametrize("restricted", [False, True])
async def test_entry_01_headers_cannot_replace_secret_connection_or_action(
    box: Sandbox,
    converse: Any,
    find: Any,
    said: Any,
    passed: Any,
    foreign: str,
    restricted: bool,  # noqa: FBT001
) -> None:
    own = [key for key in box.keys("ada") if "::slack::" in key][-1]  # the one that works
    async with converse() as client:
        action, other = await find(client, "slack", "List Conversations"), await find(client, "gmail", "Get Emails")
    allowed = {"PICA_CONNECTION_KEYS": own, "PICA_ACTION_IDS": action} if restricted else {}
    async with converse(**allowed) as client:
        arguments = {"platform": "slack", "actionId": action, "connectionKey": own}
        for header in (*PICA_HEADERS, "Content-Type", "x-one-secret", "x-one-connection-key", "x-one-action-id"):
            for spelt in (header, header.title(), header.upper()):
                for value in (foreign, other, "sk_live_other"):
                    refused = await client.call_tool(EXECUTE, arguments | {"headers": {spelt: value}})
                    assert refused.is_error
                    assert spelt in said(refused)
                    assert value not in said(refused)
        assert passed() == []
        assert not (await client.call_tool(EXECUTE, arguments)).is_error
    (sent,) = passed()
    told = {name: [value for key, value in sent.headers if key == name] for name in PICA_HEADERS}
    assert told == dict(zip(PICA_HEADERS, ([LIVE_SECRET], [own], [action]), strict=True))
    assert [name for name, _ in sent.headers if name.startswith(("x-pica-", "x-one-")) and name not in told] == []


async def test_entry_01_not_even_where_the_catalogue_documents_them(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse(PICA_IDENTITY="mallory") as client:
        action = await find(client, "bazaar", "Order with Hostile Words")
        named = {"platform": "bazaar", "actionId": action}
        for header in ("x-pica-secret", "Host"):
            for tool, given in ((EXECUTE, named | {"headers": {header: "x"}}), (HOSTILE, {header: "x"})):
                refused = await client.call_tool(tool, given)
                assert refused.is_error
                assert f"'{header}'" in said(refused)
        assert passed() == []
        assert not (await client.call_tool(EXECUTE, named | {"data": {"item": "x"}})).is_error
    assert len(passed()) == 1


HOSTILE = "bazaar_order_with_hostile_words"


async def test_entry_02_another_identitys_key_is_refused_when_executing(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        for key in (foreign, "live::gmail::default::00000000000000000000000000000000"):
            refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, "connectionKey": key})
            assert refused.is_error
            assert "no gmail connection" in said(refused)
        named = await client.call_tool("gmail_get_emails", {"connection": foreign})
        assert named.is_error
    assert passed() == []


async def test_entry_02_not_even_if_the_key_is_on_the_list(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse(PICA_CONNECTION_KEYS=foreign) as client:
        action = await find(client, "gmail", "Get Emails")
        refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, "connectionKey": foreign})
        assert refused.is_error
        assert "Mallory" not in said(refused)
    assert passed() == []


async def test_entry_02_not_even_if_pica_ignores_the_identity_filter(
    box: Sandbox, converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    rows = [
        {"key": foreign, "platform": "gmail", "environment": "live", "identity": "mallory", "identityType": "user"},
        {"key": "live::gmail::default::1", "platform": "gmail", "environment": "live", "identity": "ada"},
        {
            "key": "test::gmail::default::2",
            "platform": "gmail",
            "environment": "test",
            "identity": "ada",
            "identityType": "user",
        },
    ]
    box.fail("/v1/vault/connections", status=200, body={"rows": rows, "total": 3, "pages": 1}, times=None)
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        for key in (row["key"] for row in rows):
            refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, "connectionKey": key})
            assert refused.is_error
        listed = said(await client.call_tool("list_pica_integrations", {}))
        assert "gmail" not in listed
    assert passed() == []


async def test_entry_03_a_platform_cannot_change_the_path_of_a_search(box: Sandbox, converse: Any, said: Any) -> None:
    by_id = {"actionId": "conn_mod_def::x::y"}
    asked = {SEARCH: {"query": "send"}, KNOWLEDGE: by_id, EXECUTE: by_id}
    async with converse() as client:
        for platform in ("../../knowledge?x=", "..", ".", "gmail/../stripe", "gmail%2f..", "gmail?x=#"):
            for tool in (SEARCH, KNOWLEDGE, EXECUTE):
                refused = await client.call_tool(tool, {"platform": platform, **asked[tool]})
                assert refused.is_error
                assert "not the name of a platform" in said(refused) or "conn_mod_def" in said(refused)
        assert {r.path for r in box.requests} <= {"/v1/vault/connections", "/v1/available-connectors"}
        for alike in ("gmail#", "\\gmail", "../gmail/"):  # what spells a platform that there is, means that one
            await client.call_tool(SEARCH, {"platform": alike, **asked[SEARCH]})
    searched = [r for r in box.requests if r.path.startswith("/v1/available-actions/search")]
    assert {r.path for r in searched} <= {"/v1/available-actions/search/gmail"}
    assert {name for r in searched for name, _ in r.query} <= {"query", "executeAgent", "limit"}


async def test_entry_04_a_path_value_cannot_leave_its_segment(converse: Any, find: Any, said: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "List Messages")

        async def both(value: str) -> list[Any]:
            by_id = {"platform": "gmail", "actionId": action, "connectionKey": "Work"}
            return [
                await client.call_tool(EXECUTE, by_id | {"pathVariables": {"userId": value}}),
                await client.call_tool("gmail_list_messages", {"connection": "Work", "userId": value}),
            ]

        for value in ("..", ".", "%2e%2e", "%252e%252e", "..;", "me/../..", "a\\..\\b", "{{secret}}", "a\nb", ""):
            for refused in await both(value):
                assert refused.is_error, value
                assert "userId" in said(refused)
        assert passed() == []
        await both("a/b?c#d")
    one, other = passed()
    assert one == other
    assert one.path == "/v1/passthrough/users/a%2Fb%3Fc%23d/messages"
    assert one.query == ()


async def test_entry_05_platform_action_and_connection_must_belong_together(
    box: Sandbox, converse: Any, find: Any, said: Any, passed: Any
) -> None:
    mail = next(key for key in box.keys("ada") if "::gmail::" in key)
    async with converse() as client:
        action = await find(client, "github", "Get a Repository")
        variables = {"pathVariables": {"owner": "a", "repo": "b"}}
        for platform, connection in (
            ("stripe", mail),  # three different ones, as the official server sent it
            ("gmail", mail),  # the connection's, but not the action's
            ("github", mail),  # the action's, but not the connection's
            ("stripe", "oss"),  # action and connection agree, but are of another one
            ("github", "Work"),
            ("github", "Engines billing"),
        ):
            arguments = {"platform": platform, "actionId": action, "connectionKey": connection, **variables}
            refused = await client.call_tool(EXECUTE, arguments)
            assert refused.is_error, platform
        assert passed() == []
        for platform in ("gmail", "stripe", "notion"):
            lied = await client.call_tool(KNOWLEDGE, {"platform": platform, "actionId": action})
            assert lied.is_error
            assert "of github" in said(lied)
        await client.call_tool(EXECUTE, {"platform": "github", "actionId": action, "connectionKey": "oss", **variables})
    assert len(passed()) == 1


@pytest.mark.parametrize(
    ("permission", "readable"), [("read", {"Get Message"}), ("write", {"Get Message", "Send Email"})]
)
async def test_entry_05_knowledge_obeys_the_permission(
    converse: Any, find: Any, said: Any, permission: str, readable: set[str]
) -> None:
    async with converse() as client:
        ids = {title: await find(client, "gmail", title) for title in ("Get Message", "Send Email", "Delete Message")}
    async with converse(PICA_PERMISSIONS=permission) as client:
        for title, action in ids.items():
            told = await client.call_tool(KNOWLEDGE, {"platform": "gmail", "actionId": action})
            assert told.is_error is (title not in readable)
            assert ("PICA_PERMISSIONS" in said(told)) is (title not in readable)


@pytest.mark.parametrize("empty", ["", " ", " , "])
@pytest.mark.parametrize("variable", ["PICA_CONNECTION_KEYS", "PICA_ACTION_IDS", "PICA_IDENTITY_TYPE", "PICA_IDENTITY"])
async def test_entry_06_an_empty_setting_is_an_error_not_everything(
    box: Sandbox, serve: Any, variable: str, empty: str
) -> None:
    if variable == "PICA_IDENTITY" and empty == " , ":
        return  # an identity may be called anything
    with pytest.raises(InvalidSettings, match=rf"{variable} is (set but empty|',', but must be)"):
        async with serve(**{variable: empty}):
            pass
    assert box.requests == []


async def test_entry_06_a_type_that_is_none_is_an_error_and_never_sent(box: Sandbox, serve: Any) -> None:
    with pytest.raises(InvalidSettings, match="PICA_IDENTITY_TYPE is 'bogus', but must be one of user, team"):
        async with serve(PICA_IDENTITY_TYPE="bogus"):
            pass
    assert box.requests == []


async def test_entry_07_the_secret_is_in_no_log_when_a_provider_refuses(
    box: Sandbox, converse: Any, said: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """That the whole program is as quiet, whatever goes wrong, is for `test_canary` to show."""
    caplog.set_level("DEBUG", "pica_mcp")
    for status in (422, 500, 401):
        box.fail("/v1/passthrough", status=status, body={"config": {"headers": {"x-pica-secret": LIVE_SECRET}}})
    async with converse(PICA_AUDIT="stderr") as client:
        for _ in range(3):
            assert (await client.call_tool("slack_post_message", {"channel": "general", "text": "Hi"})).is_error
    written = capfd.readouterr()
    assert written.err.count('"tool":"slack_post_message"') == 3  # so it is stderr that is looked at
    assert LIVE_SECRET not in written.out + written.err + caplog.text


FORM = {"data": {"email": "a@b.example"}, "isFormUrlEncoded": True}
UPLOAD = {
    "data": {"metadata": '{"name": "note.txt", "mimeType": "text/plain"}', "file": "data:text/plain,CanaryOfTheBody"},
    "queryParams": {"uploadType": "multipart"},
    "isFormData": True,
}


@pytest.mark.parametrize(
    ("whose", "platform", "title", "call", "kind"),
    [
        ("ada", "slack", "List Conversations", {}, ""),
        ("ada", "stripe", "Create a Customer", FORM, "x-www-form-urlencoded"),
        ("acme", "google-drive", "Upload a File", UPLOAD, "multipart/form-data"),
    ],
    ids=["json", "form", "multipart"],
)  # fmt: skip
async def test_entry_08_an_answer_does_not_echo_the_request(
    request: pytest.FixtureRequest, whose: str, platform: str, title: str, call: dict[str, Any], kind: str
) -> None:
    converse, find, said, passed = map(request.getfixturevalue, ("converse", "find", "said", "passed"))
    async with converse(PICA_IDENTITY=whose, PICA_IDENTITY_TYPE=None) as client:
        action = await find(client, platform, title)
        headers = {"Accept-Language": "x-CanaryOfAHeader"}
        arguments = {"platform": platform, "actionId": action, "headers": headers, **call}
        answer = await client.call_tool(EXECUTE, arguments)
        assert not answer.is_error, said(answer)
    (sent,) = passed()
    assert kind in (sent.header("content-type") or "")
    ours = ("x-pica-", "passthrough", "pica.test", "headers", "FormData", "boundary", "accept", "Canary", "multipart")
    for word in (LIVE_SECRET, sent.header("x-pica-connection-key"), action, *ours):
        assert word.lower() not in said(answer).lower()


async def test_entry_08_headers_of_the_callers_own_are_not_told_back(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse() as client:
        action = await find(client, "slack", "List Conversations")
        arguments = {"platform": "slack", "actionId": action, "headers": {"X-Pica-Secret": "OTHER-SECRET"}}
        refused = await client.call_tool(EXECUTE, arguments)
        assert refused.is_error
        assert "OTHER" not in said(refused)
    assert passed() == []


async def test_entry_09_a_failed_connection_is_shown_as_such_and_not_used(
    converse: Any, find: Any, said: Any, told: Any, passed: Any
) -> None:
    async with converse() as client:
        connections = told(await client.call_tool("list_pica_integrations", {}))["connections"]
        (broken,) = [c for c in connections if c["connection"] == "Old workspace"]
        assert (broken["state"], broken["reconnect"]) == (
            "failed",
            "in the application that connects accounts for user ada (AuthKit), not on Pica's dashboard",
        )
        action = await find(client, "slack", "List Conversations")
        arguments = {"platform": "slack", "actionId": action, "connectionKey": "Old workspace"}
        refused = await client.call_tool(EXECUTE, arguments)
        assert refused.is_error
        assert "has failed" in said(refused)
    assert passed() == []


@pytest.mark.parametrize(
    ("facts", "word"),
    [({"state": "failed"}, "has failed"), ({"active": False}, "is switched off"), ({"state": "FAILED"}, "has failed")],
)
async def test_entry_09_neither_by_its_key_nor_by_a_tool_nor_if_it_is_switched_off(
    box: Sandbox, converse: Any, find: Any, said: Any, passed: Any, facts: dict[str, Any], word: str
) -> None:
    (key, _) = (key for key in box.keys("ada") if "::gmail::" in key)
    row: dict[str, Any] = {"key": key, "platform": "gmail", "environment": "live", "name": "Work", "identity": "ada"}
    rows = [row | {"identityType": "user", "state": "operational", "active": True} | facts]
    box.fail("/v1/vault/connections", status=200, body={"rows": rows, "total": 1, "pages": 1}, times=None)
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        for wanted in ({}, {"connectionKey": key}, {"connectionKey": "Work"}):
            refused = await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, **wanted})
            assert refused.is_error
            assert word in said(refused)
        assert "gmail_get_emails" not in {tool.name for tool in (await client.list_tools()).tools}
    assert passed() == []


HEAD = {"ref": "x", "bucket": "manuals", "name": "engine/gear 42.txt"}


async def test_entry_10_a_read_may_ask_for_the_head_alone(converse: Any, find: Any, said: Any, passed: Any) -> None:
    title = "Check whether an Object exists"
    async with converse(PICA_IDENTITY="acme", PICA_IDENTITY_TYPE=None, PICA_PERMISSIONS="read") as client:
        action = await find(client, "supabase", title)
        by_id = {"platform": "supabase", "actionId": action, "pathVariables": HEAD}
        for tool, arguments in ((EXECUTE, by_id), ("supabase_check_whether_object_exists", HEAD)):
            assert "PICA_PERMISSIONS" not in said(await client.call_tool(tool, arguments))
    assert [sent.method for sent in passed()] == ["HEAD", "HEAD"]


async def test_entry_10_graphql_is_judged_by_what_it_does(converse: Any, find: Any, said: Any, passed: Any) -> None:
    growth = {"PICA_IDENTITY": "growth", "PICA_IDENTITY_TYPE": "team"}
    async with converse(**growth) as client:
        titles = ("List Teams", "Create an Issue", "Delete an Issue")
        lists, creates, deletes = [await find(client, "linear", title) for title in titles]
    teams = {"query": "query { teams { nodes { id key } } }"}
    issue: dict[str, Any] = {"query": "mutation { issueCreate(input: {}) { success } }", "variables": {"input": {}}}
    async with converse(PICA_PERMISSIONS="read", **growth) as client:
        for tool, arguments in (
            (EXECUTE, {"platform": "linear", "actionId": lists, "data": teams}),
            ("read_pica_action", {"platform": "linear", "actionId": lists, "data": teams}),
            ("linear_list_teams", {}),
        ):
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, said(answer)
            assert "ENG" in said(answer)
        assert len(passed()) == 3
        assert (
            await client.call_tool("linear_list_teams", {"query": issue["query"]})
        ).is_error  # it is not ours to choose
        for tool, arguments in (
            (EXECUTE, {"platform": "linear", "actionId": creates, "data": issue}),
            (EXECUTE, {"platform": "linear", "actionId": deletes, "data": issue}),
            (EXECUTE, {"platform": "linear", "actionId": lists, "data": issue}),  # a mutation where a query belongs
            ("read_pica_action", {"platform": "linear", "actionId": lists, "data": issue}),
            ("linear_create_issue", {"title": "T", "teamId": "1"}),
            ("linear_delete_issue", {"id": "1"}),
        ):
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error
            assert "PICA_PERMISSIONS" in said(refused)
        assert not {"linear_create_issue", "linear_delete_issue"} & {t.name for t in (await client.list_tools()).tools}
    assert len(passed()) == 3


SLIDES = (
    ("/users.deletePhoto", "Delete the Profile Photo"),
    ("/admin.emoji.add", "Add an Emoji"),
    ("/users.setPresence", "Set Presence"),
    ("/chat.delete", "Chat Delete"),
)
"""What Slack's catalogue has as GET."""


async def test_entry_10_a_get_that_changes_something_is_no_read(said: Any, converse: Any, find: Any) -> None:
    def answer(_world: Any, _call: Any) -> Reply:
        return Reply(body={"ok": True})

    ways = [*SLIDES, ("/users.list", "List Users")]
    actions = [
        Action("slides", "GET", path, title, "X", answer, "X.", number=GROWN + number)
        for number, (path, title) in enumerate(ways)
    ]
    connector = Connector("slides", "Slides", "X", "X")
    platform = Platform(connector, "https://x.example", actions, lambda _key, _label: None, lambda s: Reply(s, {}))
    box = Sandbox(extra=[platform])
    box.connect("slides", identity="ada", identity_type="user")
    async with converse(pica=box.app) as client:
        ids = [await find(client, "slides", title) for _, title in ways]
        names = [tool.name for tool in (await client.list_tools()).tools if tool.name.startswith("slides_")]
        assert len(names) == len(ways)
    async with converse(pica=box.app, PICA_PERMISSIONS="read") as client:
        for action, (path, _) in zip(ids, ways, strict=True):
            told = await client.call_tool(EXECUTE, {"platform": "slides", "actionId": action})
            assert told.is_error is (path != "/users.list")
            assert ("PICA_PERMISSIONS" in said(told)) is (path != "/users.list")
        refused = set(names) - {tool.name for tool in (await client.list_tools()).tools}
        assert len(refused) == len(SLIDES)
        for name in refused:
            assert "PICA_PERMISSIONS" in said(await client.call_tool(name, {}))
    sent = [request.path for request in box.requests if request.path.startswith("/v1/passthrough")]
    assert sent == ["/v1/passthrough/users.list"]


async def test_entry_10_who_may_write_may_read_and_still_destroys_nothing(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse(PICA_PERMISSIONS="write") as client:
        assert not (await client.call_tool("slack_list_conversations", {})).is_error
        assert not (await client.call_tool("slack_post_message", {"channel": "general", "text": "Hi"})).is_error
        delete = {"connection": "Work", "userId": "me", "id": "1"}
        assert "PICA_PERMISSIONS" in said(await client.call_tool("gmail_delete_message", delete))
    assert [sent.method for sent in passed()] == ["GET", "POST"]


async def test_entry_11_a_failed_first_load_is_told_and_the_next_one_works(
    box: Sandbox, converse: Any, said: Any, told: Any
) -> None:
    box.fail("/v1/vault/connections", status=500, times=2)  # the first try and its one repetition
    async with converse() as client:
        down = await client.call_tool("list_pica_integrations", {})
        assert down.is_error
        assert "out of order" in said(down)
        assert len(told(await client.call_tool("list_pica_integrations", {}))["connections"]) == 6


async def test_entry_11_a_new_connection_works_and_a_removed_one_does_not(
    box: Sandbox, converse: Any, said: Any, told: Any, passed: Any
) -> None:
    async with converse() as client:
        await client.list_tools()
        key = box.connect("gmail", identity="ada", identity_type="user", name="Brand new")
        assert "emails" in told(await client.call_tool("gmail_get_emails", {"connection": "Brand new"}))
        box.disconnect(key)
        gone = await client.call_tool("gmail_get_emails", {"connection": "Brand new"})
        assert gone.is_error
        assert len(passed()) == 2  # it was sent once more, to learn from Pica that the connection is gone
        assert said(gone) == (
            "There is no gmail connection 'Brand new'. Pass one of these as the connection: 'Personal', 'Work'."
        )


async def test_entry_12_an_empty_page_ends_a_listing_whatever_the_total_says(
    box: Sandbox, converse: Any, told: Any
) -> None:
    box.fail("/v1/vault/connections", status=200, body={"rows": [], "total": 3}, times=None)
    async with converse() as client:
        answer = told(await client.call_tool("list_pica_integrations", {}))
    assert answer["connections"] == []
    assert "Nothing is connected for user ada" in answer["note"]
    assert len(box.requests) == 1


async def test_entry_13_an_empty_search_is_an_answer_with_advice(converse: Any, told: Any) -> None:
    async with converse() as client:
        everywhere = told(await client.call_tool(SEARCH, {"query": "zzzz qqqq"}))
        there = told(await client.call_tool(SEARCH, {"platform": "gmail", "query": "zzzz qqqq"}))
    assert everywhere["actions"] == []
    assert "Try other words" in everywhere["note"]
    assert "No action fits these words" in there["note"]
    assert 0 < len(there["actions"]) <= 5


async def test_entry_14_no_placeholder_is_ever_sent_and_colons_stay(
    converse: Any, find: Any, said: Any, passed: Any
) -> None:
    async with converse() as client:
        action = await find(client, "github", "Get a Repository")
        arguments: dict[str, Any] = {"platform": "github", "actionId": action, "connectionKey": "oss"}
        given: list[dict[str, Any]] = [{}, {"pathVariables": {}}, {"pathVariables": {"repos": "b"}}]
        for variables in (*given, {"pathVariables": {"repo": None}}, {"pathVariables": {"owner": "a"}}):
            refused = await client.call_tool(EXECUTE, arguments | variables)
            assert refused.is_error
            assert "repo" in said(refused)
        assert passed() == []
        await client.call_tool(EXECUTE, arguments | {"pathVariables": {"owner": "urn:user:1", "repo": "b"}})
        # Whose document names a value that stands for the account itself, needs none.
        action = await find(client, "gmail", "List Messages")
        await client.call_tool(EXECUTE, {"actionId": action, "connectionKey": "Work"})
    paths = [sent.path.removeprefix("/v1/passthrough") for sent in passed()]
    assert paths == ["/repos/urn:user:1/b", "/users/me/messages"]


async def test_entry_15_query_lists_repeat_their_key(converse: Any, find: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "List Messages")
        query = {"labelIds": ["INBOX", "UNREAD"], "maxResults": 5, "q": "a&b=c#d", "pageToken": None}
        variables = {"pathVariables": {"userId": "me"}, "queryParams": query, "connectionKey": "Work"}
        await client.call_tool(EXECUTE, {"platform": "gmail", "actionId": action, **variables})
        named = {"connection": "Work", "userId": "me", "labelIds": ["INBOX", "UNREAD"], "maxResults": 5, "q": "a&b=c#d"}
        await client.call_tool("gmail_list_messages", named)
    pairs = {("labelIds", "INBOX"), ("labelIds", "UNREAD"), ("maxResults", "5"), ("q", "a&b=c#d")}
    assert [set(sent.query) for sent in passed()] == [pairs, pairs]
    assert [len(sent.query) for sent in passed()] == [4, 4]


async def test_entry_16_form_bodies_are_written_in_brackets(converse: Any, find: Any, told: Any, passed: Any) -> None:
    async with converse() as client:
        action = await find(client, "stripe", "Create a Customer")
        data = {"email": "a@b.example", "address": {"city": "Łódź"}, "metadata": {"k": "v"}}
        customer = told(await client.call_tool(EXECUTE, {"platform": "stripe", "actionId": action, "data": data}))
    (sent,) = passed()
    assert sent.header("content-type") == "application/x-www-form-urlencoded"
    assert customer["address"]["city"] == "Łódź"
    assert customer["metadata"] == {"k": "v"}


async def test_entry_19_the_key_of_a_custom_action_is_ours_and_never_the_models(
    converse: Any, find: Any, said: Any, passed: Any, foreign: str
) -> None:
    async with converse() as client:
        action = await find(client, "gmail", "Get Emails")
        arguments = {"platform": "gmail", "actionId": action, "connectionKey": "Work"}
        await client.call_tool(EXECUTE, arguments | {"data": {"connectionKey": foreign}})
        listed = await client.call_tool(EXECUTE, arguments | {"data": [1, 2]})
        assert listed.is_error
        assert "must be an object" in said(listed)
    (sent,) = passed()
    assert json.loads(sent.body) == {"connectionKey": sent.header("x-pica-connection-key")}
    assert foreign not in str(sent)


async def test_entry_22_the_providers_own_message_reaches_the_model(converse: Any, find: Any, said: Any) -> None:
    async with converse() as client:
        action = await find(client, "stripe", "Create a Payment Intent")
        failed = await client.call_tool(EXECUTE, {"platform": "stripe", "actionId": action, "data": {"amount": 5}})
        assert failed.is_error
        assert "currency" in said(failed)


async def test_entry_26_an_id_without_its_prefix_is_understood(converse: Any, find: Any, told: Any) -> None:
    async with converse() as client:
        action = (await find(client, "slack", "List Conversations")).removeprefix("conn_mod_def::")
        assert told(await client.call_tool(EXECUTE, {"platform": "slack", "actionId": action}))["ok"]


async def test_entry_27_a_warm_call_makes_one_request(box: Sandbox, converse: Any) -> None:
    async with converse() as client:
        await client.call_tool("gmail_get_emails", {"connection": "Work"})
        before = len(box.requests)
        await client.call_tool("gmail_get_emails", {"connection": "Work"})
        assert len(box.requests) == before + 1


async def test_entry_32_hidden_actions_are_not_offered_for_running(
    box: Sandbox, converse: Any, said: Any, told: Any
) -> None:
    hidden = "Find a User by Email"

    async def careless(scope: Any, receive: Any, send: Any) -> None:
        """Search like the sandbox, but find what agents should only read about for running it, too."""
        words = scope.get("query_string", b"").replace(b"executeAgent", b"knowledgeAgent")
        await box.app({**scope, "query_string": words}, receive, send)

    async with converse(pica=careless) as client:
        finds = {"platform": "slack", "query": hidden}
        read = told(await client.call_tool(SEARCH, finds | {"agentType": "knowledge"}))["actions"]
        run = told(await client.call_tool(SEARCH, finds))["actions"]
        assert hidden in [action["title"] for action in read]
        assert run
        for action in run:
            known = {"actionId": action.get("tool") or action["actionId"]}
            assert hidden not in said(await client.call_tool(KNOWLEDGE, known)).partition("\n")[0]
