from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp import effects, patterns
from pica_mcp.effects import Rule, of_action, of_call, parse_rule
from pica_mcp.models import Action, ActionDetails, Effect
from pica_mcp.tools import Call, File

Make = Callable[..., ActionDetails]

READ, WRITE, DESTRUCTIVE = Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE
ORDER = (READ, WRITE, DESTRUCTIVE)
SILENT = {"title": "", "key": ""}
GRAPHQL = {"platform": "linear", "method": "POST", "path": "/graphql", "title": "Ask Anything"}


def row(**facts: Any) -> Action:
    """An action as listings have it, without documents."""
    return Action.model_validate({"platform": "gmail", **facts}, by_name=True)


def rank(effect: Effect) -> int:
    return ORDER.index(effect)


# Method and path


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("GET", READ),
        ("get", READ),
        ("HEAD", READ),  # entry_10
        ("OPTIONS", READ),
        ("POST", WRITE),
        ("PUT", WRITE),
        ("PATCH", WRITE),
        ("DELETE", DESTRUCTIVE),
        ("delete", DESTRUCTIVE),
        ("", WRITE),
        ("PURGE", WRITE),
        ("GETS", WRITE),
    ],
)
def test_the_method_decides_and_an_unknown_one_is_a_write(method: str, effect: Effect) -> None:
    assert of_action(row(method=method, path="/things/{{id}}", title="Do")) is effect
    assert of_action(row(method=method)) is effect


ASKING = [
    ("hub-spot", "/crm/v3/objects/contacts/search"),
    ("hub-spot", "/crm/v3/objects/{{objectType}}/search"),
    ("hub-spot", "/crm/v3/objects/contacts/search/"),
    ("hub-spot", "/crm/v3/objects/contacts/batch/read"),
    ("notion", "/v1/search"),
    ("notion", "/v1/databases/{{database_id}}/query"),
    ("notion", "/v1/databases/:database_id/query"),
    ("notion", "/v1/data_sources/{data_source_id}/query"),
    ("attio", "/v2/objects/{{object}}/records/query"),
    ("attio", "/v2/lists/{{list}}/entries/query"),
    ("exa", "/search"),
    ("exa", "/findSimilar"),
    ("exa", "/contents"),
    ("exa", "/answer"),
    ("jira", "/rest/api/3/search/jql"),
    ("google-calendar", "/calendar/v3/freeBusy"),
    ("google-search-console", "/sites/{{siteUrl}}/searchAnalytics/query"),
    ("google-sheets", "/v4/spreadsheets/{{spreadsheetId}}:getByDataFilter"),
    ("google-sheets", "/v4/spreadsheets/{{spreadsheetId}}/values:batchGetByDataFilter"),
    ("google-ads", "/v17/customers/{{customerId}}/googleAds:searchStream"),
    ("google-analytics", "/v1beta/properties/{{property}}:runReport"),
    ("google-logging", "/v2/entries:list"),
    ("firestore", "/v1/{{parent}}/documents:runQuery"),
    ("elasticsearch", "/{{index}}/_search"),
    ("elasticsearch", "/{{index}}/_count"),
    ("elasticsearch", "/{{index}}/_mget"),
    ("elasticsearch", "/_sql"),
    ("algolia", "/1/indexes/{{indexName}}/query"),
    ("algolia", "/1/indexes/*/queries"),
    ("pinecone", "/query"),
    ("airtable", "/v0/{{baseId}}/{{table}}/listRecords"),
    ("zoho", "/crm/v8/coql"),
    ("slack", "/admin.users.list"),
    ("slack", "/api/admin.conversations.getConversationPrefs"),
    ("slack", "/admin.teams.settings.info"),
    ("slack", "/apps.datastore.bulkGet"),
    ("slack", "/apps.datastore.count"),
    ("slack", "/apps.datastore.query"),
    ("ashby", "/candidate.listFraudChecks"),
    ("ashby", "/candidate.search"),
    ("telegram-bot", "/getChat"),
    ("telegram-bot", "/getUserProfilePhotos"),
    ("supabase", "/v1/projects/{{ref}}/network-bans/retrieve"),
    ("dropbox", "/2/files/get_metadata"),
    ("dropbox", "/2/files/list_folder"),
    ("gmail", "/gmail/get-emails"),
    ("gmail", "/gmail/read-thread"),
    ("slack", "/slack/list-channels"),
    ("slack", "/slack/search-messages"),
    ("google-sheets", "/google-sheets/find-spreadsheets"),
]


@pytest.mark.parametrize(("platform", "path"), ASKING)
def test_a_post_that_only_asks_is_a_read(platform: str, path: str) -> None:
    assert of_action(row(platform=platform, method="POST", path=path)) is READ


@pytest.mark.parametrize(("platform", "path"), [where for where in ASKING if where[1] != "/_sql"])
@pytest.mark.parametrize(("method", "effect"), [("PUT", WRITE), ("PATCH", WRITE), ("", WRITE), ("DELETE", DESTRUCTIVE)])
def test_no_other_method_only_asks(platform: str, path: str, method: str, effect: Effect) -> None:
    assert of_action(row(platform=platform, method=method, path=path)) is effect


@pytest.mark.parametrize(
    ("platform", "path"),
    [
        ("exa", "/monitors"),
        ("github", "/contents"),  # Exa's only
        ("github", "/answer"),
        ("acme", "/databases/{{id}}/query"),  # Notion's only: elsewhere it may be SQL
        ("acme", "/records/query"),
        ("acme", "/query"),
        ("acme", "/v1/research"),
        ("acme", "/search/{{id}}"),
        ("acme", "/saved-search"),
        ("acme", "/search-alerts"),
        ("acme", "/list-items"),
        ("acme", "/folder/{{folderId}}/list"),  # ClickUp creates a list so
        ("acme", "/mailing-list/{{id}}.list/{{x}}"),
        ("acme", "/projects/{{ref}}/read-replicas"),
        ("acme", "/messages/read"),
        ("acme", "/subscriptions.read"),  # Rocket.Chat marks as read so
        ("acme", "/get/{{anything}}"),
        ("acme", "/{{path}}"),
        ("telegram-bot", "/readBusinessMessage"),
        ("telegram-bot", "/answerInlineQuery"),
        ("slack", "/files.getUploadURLExternal"),
        ("slack", "/chat.postMessage"),
        ("slack", "/list-channels"),  # not Pica's own, which have the platform before
        ("slack", "/v1/slack/list-channels"),
        ("gmail", "/slack/list-channels"),
        ("gmail", "/gmail/get-or-create-label"),
        ("gmail", "/gmail/find-and-archive"),
        ("gmail", "/gmail/list-and-send"),
        ("gmail", "/gmail/gets-emails"),
        ("acme", "/findOneAndUpdate"),
        ("acme", "/records:getOrCreate"),
        ("acme", "/{{search}}"),
        ("acme", "/x?to=/search"),
        ("google-sheets", "/v4/spreadsheets/{{spreadsheetId}}:batchUpdate"),
        ("google-sheets", "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}:append"),
        ("acme", "/" + "a" * 10_000),
        ("acme", ""),
        ("acme", "/"),
        ("acme", "..."),
    ],
)
def test_a_post_that_may_do_more_than_ask_is_a_write(platform: str, path: str) -> None:
    assert of_action(row(platform=platform, method="POST", path=path)) is WRITE


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/{{ref}}/database/query",  # Supabase: SQL that the caller writes
        "/accounts/{{account_id}}/d1/database/{{database_id}}/query",
        "/bigquery/v2/projects/{{projectId}}/queries",
        "/api/v2/statements",
        "/api/2.0/sql/statements",
        "/sql",
        "/v1/execute-sql",
        "/v1/{{session}}:executeSql",
        "/runSql",
        "/crm/v3/objects/contacts/batch/archive",  # HubSpot's word for it
        "/crm/v3/objects/contacts/gdpr-delete",
        "/projects/{{ref}}/read-replicas/remove",
        "/{{index}}/_delete_by_query",
        "/indexes/{{indexName}}/deleteByQuery",
        "/tickets/bulk_delete",
        "/tickets/bulk_delete.json",
        "/tickets/batchDelete",
        "/tickets/delete/{{id}}",
        "/tickets/delete/batch",
        "/v1/things/{{thing}}:delete",
        "/v1/things/{{thing}}:purge",
        "/chat.delete",
        "/admin.conversations.bulkDelete",
        "/users/{{userId}}/messages/{{id}}/trash",
        "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}:clear",
        "/v4/spreadsheets/{{spreadsheetId}}/values:batchClear",
        "/v1/subscriptions/{{id}}/cancel",
        "/v1/invoices/{{id}}/void",
        "/oauth/revoke",
        "/branches/{{branch_id}}/reset",
        "/candidate.anonymize",
        "/invoice?operation=delete",
        "/invoice?operation=void",
        "/bigquery/v2/projects/{{projectId}}/jobs",
        "/projects/{{projectId}}/queries",
        "/v1/sql/query",
        "/cypher",
        "/presto/statement",
        "/crm/v4/associations/a/b/batch/labels/archive",
        "/deleteuser",
        "/cache/prune",
        "/jobs/{{id}}/abort",
    ],
)
def test_a_path_can_say_that_something_is_taken_away(path: str) -> None:
    for method in ("POST", "PUT", "PATCH", ""):
        assert of_action(row(method=method, path=path)) is DESTRUCTIVE


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        # RPC: what is called is a verb.
        ("/users.deletePhoto", DESTRUCTIVE),
        ("/admin.emoji.remove", DESTRUCTIVE),
        ("/auth.revoke", DESTRUCTIVE),
        ("/admin.emoji.add", WRITE),
        ("/admin.emoji.addAlias", WRITE),
        ("/admin.emoji.rename", WRITE),
        ("/admin.teams.settings.setIcon", WRITE),
        ("/admin.conversations.bulkSetExcludeFromSlackAi", WRITE),
        ("/conversations.archive", WRITE),
        ("/conversations.invite", WRITE),
        ("/conversations.inviteShared", WRITE),
        ("/conversations.declineSharedInvite", WRITE),
        ("/conversations.join", WRITE),
        ("/conversations.kick", WRITE),
        ("/conversations.leave", WRITE),
        ("/files.remote.share", WRITE),
        ("/v1/things/{{thing}}:delete", DESTRUCTIVE),
        ("/v1/things/{{thing}}:enable", WRITE),
        # Plain segments that are hardly nouns.
        ("/projects/{{ref}}/functions/{{function_slug}}/invoke", WRITE),
        ("/{{index}}/_flush", WRITE),
        ("/setClientApiKey", WRITE),
        ("/deleteUser", DESTRUCTIVE),
        ("/users/{{id}}/delete", DESTRUCTIVE),
        ("/delete/{{id}}", DESTRUCTIVE),
        ("/oauth/authorize", WRITE),
        ("/send.json", WRITE),
        ("/things?action=delete", DESTRUCTIVE),
        ("/api/v2/sql", DESTRUCTIVE),  # Carto runs anything so
        ("/v1/projects/{{ref}}/queries", READ),
        # Nouns, participles, and names.
        ("/conversations.list", READ),
        ("/conversations.history", READ),
        ("/users.lookupByEmail", READ),
        ("/users.getPresence", READ),
        ("/chat.getPermalink", READ),
        ("/search.files", READ),
        ("/team.accessLogs", READ),
        ("/v1/projects/{{ref}}/restore", READ),
        ("/v1/projects/{{ref}}/upgrade/status", READ),
        ("/add-ons", READ),
        # A segment that begins with a destroying word, glued as well.
        ("/delete-markers", DESTRUCTIVE),  # not told from the next
        ("/delete-user", DESTRUCTIVE),
        ("/api/delete_contact", DESTRUCTIVE),
        ("/delete/user/{{id}}", DESTRUCTIVE),
        ("/deleteuser", DESTRUCTIVE),
        ("/flushall", DESTRUCTIVE),
        ("/users/{{id}}/kill", DESTRUCTIVE),
        ("/send-sms", WRITE),
        ("/sms/send/json", WRITE),
        ("/logout", WRITE),
        ("/follow-ups", READ),
        ("/removable", READ),
        ("/eraser", READ),
        ("/deletedItems", READ),
        ("/?Action=TerminateInstances", DESTRUCTIVE),
        ("/?Action=DescribeInstances", READ),
        ("/admin/api.php?api_action=contact_delete", DESTRUCTIVE),
        ("/projects/{{id}}/jobs", READ),
        ("/removed", READ),
        ("/users/deleted", READ),
        ("/updates", READ),
        ("/updateHistory", READ),
        ("/posts", READ),
        ("/post", READ),
        ("/settings", READ),
        ("/archive", READ),
        ("/files/trash", READ),
        ("/files/{{fileId}}/export", READ),
        ("/values:batchGet", READ),
        ("/waitForTask", READ),
        ("/repos/{{owner}}/{{repo}}/compare/{{base}}...{{head}}", READ),
        ("/{{delete}}", READ),
        ("/{delete}", READ),
        ("/:delete", READ),
        ("/things?after={{delete}}", READ),
        ("/2010-04-01/Accounts/{{sid}}/Messages.json", READ),
        ("", READ),
    ],
)
def test_a_get_that_changes_something_is_raised(path: str, effect: Effect) -> None:
    for method in ("GET", "HEAD"):
        assert of_action(row(method=method, path=path)) is effect


# Words


@pytest.mark.parametrize(
    ("title", "effect"),
    [
        ("Delete the Authenticated User's Profile Photo (users.deletePhoto)", DESTRUCTIVE),
        ("Remove a Custom Emoji", DESTRUCTIVE),
        ("Destroy a droplet", DESTRUCTIVE),
        ("PURGE cache", DESTRUCTIVE),
        ("Permanently Delete a Page", DESTRUCTIVE),
        ("Bulk Delete Records", DESTRUCTIVE),
        ("Cancel a Subscription", DESTRUCTIVE),
        ("Void an Invoice", DESTRUCTIVE),
        ("Revoke a Token", DESTRUCTIVE),
        ("Reset a Key", DESTRUCTIVE),
        ("Get and Delete a Message", DESTRUCTIVE),
        ("Users: delete photo", DESTRUCTIVE),
        ("Add an Enterprise Emoji", WRITE),
        ("Create a Thing", WRITE),
        ("Update a Thing", WRITE),
        ("set icon", WRITE),
        ("Send a Message", WRITE),
        ("Post a Story", WRITE),
        ("Invite a User", WRITE),
        ("Kick a User", WRITE),
        ("Archive a Channel", WRITE),
        ("Join a Channel", WRITE),
        ("Leave a Channel", WRITE),
        ("Enable a Flag", WRITE),
        ("Disable a Flag", WRITE),
        ("Unsubscribe a Contact", WRITE),
        ("Refund a Charge", WRITE),
        ("Save Objects in an Index", WRITE),
        ("Bulk Exclude Channels From Slack AI", WRITE),
        ("Get or Create a Label", WRITE),
        ("Find & Add a Label", WRITE),
        ("Trigger a Function", WRITE),
        ("execute pica action", WRITE),
        ("List Created Invoices", READ),
        ("Get Add-on", READ),
        ("List Add-ons", READ),
        ("Get Deleted Users", READ),
        ("List Removed Members", READ),
        ("List Deleted Messages", READ),
        ("Get Delete Status", READ),
        ("Get the Archive", READ),
        ("List Tags and Posts", READ),
        ("List Updates and Invite Links", READ),
        ("Search for Things to Remove", READ),
        ("Retrieve a Set", READ),
        ("List Available Restore Versions for Project", READ),
        ("Undelete Preview", READ),
        ("Addresses", READ),
        ("Wait for Task Completion", READ),
        ("取得", READ),
        ("", READ),
    ],
)
def test_a_title_raises_what_reads_by_its_verb_only(title: str, effect: Effect) -> None:
    for method, path in (("GET", "/things"), ("POST", "/things/search"), ("POST", "/graphql")):
        assert of_action(row(method=method, path=path, title=title)) is effect


@pytest.mark.parametrize(
    ("path", "title", "effect"),
    [
        ("/trash", "Trash Contents", READ),
        ("/reasons", "Cancel Reasons", READ),
        ("/policy", "Reset Password Policy", READ),
        ("/shipments", "Drop Shipments", READ),
        ("/stats", "Clear Channel Stats", READ),
        ("/rooms", "Empty Rooms Report", READ),
        ("/metrics", "Post Metrics", READ),
        ("/events", "Issue Events", READ),
        ("/releases/{{id}}/assets", "Release Assets", READ),
        ("/blocks/{{id}}/children", "Block Children", READ),
        ("/projects/{{id}}/merge_requests", "Merge Requests", READ),
        ("/orders", "Cancel an Order", DESTRUCTIVE),
        ("/orders/{{id}}/cancel", "Cancel Order", DESTRUCTIVE),
        ("/pages/{{id}}", "Update Page", WRITE),
    ],
)
def test_a_noun_at_the_beginning_of_a_gets_title_is_no_verb(path: str, title: str, effect: Effect) -> None:
    assert of_action(row(method="GET", path=path, title=title, key=title)) is effect


@pytest.mark.parametrize(
    ("key", "effect"),
    [
        ("deletePhoto", DESTRUCTIVE),
        ("addEmoji", WRITE),
        ("update-thing", WRITE),
        ("api::slack::v1::emoji::create::/admin.emoji::add", WRITE),
        ("api::slack::v1::invite::getmany::/invites::list", READ),
        ("getContents", READ),
        ("listDeletedUsers", READ),
        ("api::gmail::v1::message::getone::/messages::get", READ),
    ],
)
def test_a_key_raises_what_reads_as_a_title_does(key: str, effect: Effect) -> None:
    assert of_action(row(method="GET", path="/things", title="Get Things", key=key)) is effect


@pytest.mark.parametrize(
    ("facts", "effect"),
    [
        ({"title": "Delete a Message"}, DESTRUCTIVE),
        ({"title": "REMOVE Member"}, DESTRUCTIVE),
        ({"key": "api::chat.delete"}, DESTRUCTIVE),
        ({"key": "purgeCache"}, DESTRUCTIVE),
        ({"title": "Bulk erase"}, DESTRUCTIVE),
        ({"title": "Wipe device"}, DESTRUCTIVE),
        ({"title": "Ask to Delete a Message"}, DESTRUCTIVE),  # anywhere
        ({"title": "Uninstall an App"}, DESTRUCTIVE),
        ({"title": "Cancel a Subscription"}, DESTRUCTIVE),
        ({"title": "Void a Payment"}, DESTRUCTIVE),
        ({"title": "Clear All Records"}, DESTRUCTIVE),
        ({"title": "Terminate an Instance"}, DESTRUCTIVE),
        ({"title": "Trash a Message"}, DESTRUCTIVE),
        ({"title": "Do", "method": "PUT", "key": "deleteThing"}, DESTRUCTIVE),
        ({"title": "Create an Empty Document"}, WRITE),  # as the verb only
        ({"title": "Create a Cancel Reason"}, WRITE),
        ({"title": "Create a Refund"}, WRITE),
        ({"title": "Unsubscribe a Contact"}, WRITE),
        ({"title": "Archive a Page"}, WRITE),
        ({"title": "Deactivate a User"}, WRITE),
        ({"title": "Undelete a Message"}, WRITE),
        ({"title": "List Things", "key": "getThings"}, WRITE),  # words never lower
        ({"title": "Get", "method": "DELETE"}, DESTRUCTIVE),
    ],
)
def test_a_title_or_key_raises_what_writes(facts: dict[str, str], effect: Effect) -> None:
    """Slack deletes by POST, QuickBooks by POST to where it creates."""
    assert of_action(row(**({"method": "POST", "title": "Do", "path": "/things"} | facts))) is effect


def test_tags_and_model_say_nothing() -> None:
    assert of_action(row(method="GET", path="/things", tags=["delete"], model="Delete")) is READ
    assert of_action(row(method="POST", path="/things", tags=["read", "search"], model="Search")) is WRITE


PATHS_AND_PLATFORMS = [
    *ASKING, ("slack", "/chat.delete"), ("slack", "/users.list"), ("acme", "/things"), ("linear", "/graphql"),
]  # fmt: skip
WORDS = st.lists(
    st.sampled_from(["get", "list", "search", "read", "Delete", "update", "and", ":", "query", "(GET)"])
    | st.text(max_size=8),
    max_size=5,
).map(" ".join)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", ""]),
    st.sampled_from(PATHS_AND_PLATFORMS),
    WORDS,
    WORDS,
    WORDS,
)
def test_no_text_lowers_what_the_structure_says(
    method: str, where: tuple[str, str], title: str, key: str, tag: str
) -> None:
    facts = {"method": method, "platform": where[0], "path": where[1]}
    assert rank(of_action(row(**facts, title=title, key=key, tags=[tag], model=tag))) >= rank(of_action(row(**facts)))


# Rules of the operator


@pytest.mark.parametrize(
    ("written", "pattern", "effect"),
    [
        ("slack POST */conversations.archive=destructive", "slack POST */conversations.archive", DESTRUCTIVE),
        ("gmail = READ ", "gmail", READ),
        ("conn_mod_def::one::1=write", "conn_mod_def::one::1", WRITE),
        ("quickbooks POST /invoice?operation=delete=write", "quickbooks POST /invoice?operation=delete", WRITE),
    ],
)
def test_a_rule_is_a_pattern_and_an_effect(written: str, pattern: str, effect: Effect) -> None:
    assert parse_rule(written) == Rule(patterns.parse(pattern), effect)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "PATTERN=EFFECT"),
        ("slack POST", "PATTERN=EFFECT"),
        ("read", "PATTERN=EFFECT"),
        ("slack POST=", "read, write, destructive"),
        ("slack POST=safe", "read, write, destructive"),
        ("=read", "an action id like"),
        ("gmail_send_email=read", "name of a tool"),
        ("Send Email=read", "second word is a method"),
    ],
)
def test_a_rule_that_is_none_says_what_to_write(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_rule(written)


def rules(*written: str) -> tuple[Rule, ...]:
    return tuple(map(parse_rule, written))


@pytest.mark.parametrize(
    ("given_rules", "effect"),
    [
        ((), DESTRUCTIVE),
        (("slack POST /chat.delete=read",), READ),
        (("slack POST /chat.delete=write", "slack=read"), WRITE),
        (("slack=read", "slack POST /chat.delete=write"), READ),
        (("slack GET=read", "* POST */chat.*=write"), WRITE),
        (("gmail=read",), DESTRUCTIVE),
        (("conn_mod_def::one::1=read", "slack=write"), READ),
    ],
)
def test_the_first_rule_that_means_the_action_is_final(
    action: Make, given_rules: tuple[str, ...], effect: Effect
) -> None:
    chat = action(platform="slack", method="POST", path="/chat.delete", title="Delete a Message")
    assert of_action(chat, rules(*given_rules)) is effect
    assert of_call(chat, Call(), rules(*given_rules)) is effect


def test_a_rule_can_raise_too(action: Make) -> None:
    assert of_action(action(), rules("gmail GET=destructive")) is DESTRUCTIVE


def test_a_rule_that_only_may_mean_the_action_says_nothing() -> None:
    assert of_action(row(method="POST", path="/chat.delete"), rules("conn_mod_def::one::1=read")) is DESTRUCTIVE
    assert of_action(row(method="POST", title="Delete"), rules("gmail POST /chat*=read")) is DESTRUCTIVE


@pytest.mark.parametrize("effect", Effect)
def test_a_rule_for_graphql_is_final_whatever_is_sent(action: Make, effect: Effect) -> None:
    final = rules(f"linear POST /graphql={effect}")
    for document in ("{ a }", "mutation { issueDelete }", "nonsense"):
        assert of_call(action(**GRAPHQL), Call(body={"query": document}), final) is effect
    assert of_action(action(**GRAPHQL), final) is effect


# Calls that are not GraphQL


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.sampled_from(PATHS_AND_PLATFORMS[:-1]),
    st.sampled_from(["mutation { issueDelete }", "{ a }", {"query": "{ a }"}, None]),
)
def test_a_plain_call_does_what_its_action_does(action: Make, method: str, where: tuple[str, str], body: Any) -> None:
    one = action(method=method, platform=where[0], path=where[1])
    assert of_call(one, Call(body=body, query={"query": "mutation { a }", "verb": "DELETE"})) is of_action(one)


@pytest.mark.parametrize(
    ("method", "call", "effect"),
    [
        ("GET", Call(query={"_method": "DELETE", "force": "true"}), DESTRUCTIVE),  # WordPress
        ("GET", Call(query={"_METHOD": "put"}), WRITE),
        ("GET", Call(query={"_method": ["GET", "DELETE"]}), DESTRUCTIVE),
        ("GET", Call(query={"_method": "GET"}), READ),
        ("GET", Call(query={"method": "DELETE"}), DESTRUCTIVE),  # Flickr
        ("GET", Call(query={"Action": "TerminateInstances"}), DESTRUCTIVE),  # AWS
        ("GET", Call(query={"api_action": "contact_delete"}), DESTRUCTIVE),
        ("GET", Call(path={"method": "chat.delete"}), DESTRUCTIVE),
        ("GET", Call(path={"method": "chat.list", "id": "delete-me"}), READ),
        ("GET", Call(query={"_method": 3, "operation": None}), READ),
        ("POST", Call(body={"_method": "delete"}), DESTRUCTIVE),  # Rails
        ("POST", Call(query={"operation": "delete"}), DESTRUCTIVE),  # QuickBooks
        ("POST", Call(query={"operation": "void"}), DESTRUCTIVE),
        ("POST", Call(query={"operation": "update"}), WRITE),
        ("POST", Call(query={"_method": "GET"}), WRITE),  # raises only
        ("POST", Call(path={"id": "5:cancel"}), DESTRUCTIVE),
        ("POST", Call(path={"id": "cancel:5"}), WRITE),
        ("POST", Call(path={"id": 10**5000}), WRITE),
        ("GET", Call(path={"id": "5:cancel"}), READ),
        # As a provider reads names in brackets.
        ("GET", Call(query={"[action]": "delete"}), DESTRUCTIVE),
        ("GET", Call(query={" action": "delete"}), DESTRUCTIVE),
        ("GET", Call(query={"action[]": "delete"}), DESTRUCTIVE),
        ("GET", Call(query={"action[0]": "delete"}), DESTRUCTIVE),
        ("GET", Call(query={"": {"action": "delete"}}), DESTRUCTIVE),
        ("GET", Call(query={"action": {"": ["delete"]}}), DESTRUCTIVE),
        ("GET", Call(query={"reaction[0]": "delete"}), READ),
        ("POST", Call(body={"action[]": "delete"}, encoding="form"), DESTRUCTIVE),
        ("POST", Call(body={"": {"action": "delete"}}, encoding="form"), DESTRUCTIVE),
        ("POST", Call(body={"rule": {"action": "delete"}}), WRITE),  # in JSON it is the rule's
        ("DELETE", Call(query={"_method": "GET"}), DESTRUCTIVE),
    ],
)
def test_arguments_that_choose_another_operation_raise(action: Make, method: str, call: Call, effect: Effect) -> None:
    assert of_call(action(method=method, path="/wp/v2/posts/{{id}}", **SILENT), call) is effect


def test_where_things_are_logged_an_action_is_a_filter(action: Make) -> None:
    one = action(path="/v1/audit-logs", **SILENT)
    assert of_call(one, Call(query={"action": "delete"})) is READ
    assert of_call(one, Call(query={"_method": "delete"})) is DESTRUCTIVE


@pytest.mark.parametrize(
    ("path", "body", "effect"),
    [
        ("/$batch", {"requests": [{"method": "DELETE", "url": "/me/messages/1"}]}, DESTRUCTIVE),
        ("/$batch", {"requests": [{"method": "POST", "url": "/me/messages/1/permanentDelete"}]}, DESTRUCTIVE),
        ("/$batch", {"requests": [{"method": "GET", "url": "/me/messages"}]}, WRITE),
        ("/composite", {"compositeRequest": [{"method": "DELETE"}]}, DESTRUCTIVE),
        ("/composite/batch", {"batchRequests": [{"method": "delete"}]}, DESTRUCTIVE),
        ("/composite/graph", {"graphs": [{"compositeRequest": [{"method": "DELETE"}]}]}, DESTRUCTIVE),
        ("/batch", {"data": {"actions": [{"method": "delete"}]}}, DESTRUCTIVE),
        ("/spreadsheets/{{id}}:batchUpdate", {"requests": [{"deleteSheet": {"sheetId": 1}}]}, DESTRUCTIVE),
        ("/documents/{{id}}:batchUpdate", {"requests": [{"deleteContentRange": {"range": 1}}]}, DESTRUCTIVE),
        ("/documents/{{id}}:batchUpdate", {"requests": [{"insertText": {"text": "delete this"}}]}, WRITE),
        ("/indexes/{{index}}/batch", {"requests": [{"action": "delete"}]}, DESTRUCTIVE),
        ("/indexes/{{index}}/batch", {"requests": [{"action": "clear"}]}, DESTRUCTIVE),
        ("/_bulk", '{"index": {}}\n{"a": "delete"}\n{"d\\u0065lete": {"_id": 1}}\n', DESTRUCTIVE),
        ("/_bulk", '{"index": {}}\n{"a": "delete"}\n', WRITE),
        ("/_bulk", '{"delete": {"_id": 1}', DESTRUCTIVE),
        ("/_bulk", "[" * 100_000, WRITE),
        ("/_bulk", "[\n" * 20_001, DESTRUCTIVE),  # more than is looked through
        ("/rows", "[\n" * 20_001, WRITE),
        ("/sync", {"commands": [{"type": "item_delete"}]}, DESTRUCTIVE),
        ("/sync", {"commands": '[{"type": "item_delete"}]'}, DESTRUCTIVE),
        ("/googleAds:mutate", {"operations": [{"remove": "x"}]}, DESTRUCTIVE),
        ("/googleAds:mutate", {"operations": [{"remove": None, "update": {"a": 1}}]}, WRITE),
        # Anywhere.
        ("/files/{{id}}", {"trashed": True}, DESTRUCTIVE),
        ("/files/{{id}}", {"trashed": False}, WRITE),
        ("/files/{{id}}", '{"trashed": true}', DESTRUCTIVE),
        ("/files/{{id}}", File("f", "text/json", b'\xef\xbb\xbf[{"trashed": true}]'), DESTRUCTIVE),
        ("/files/{{id}}", "trashed: true", WRITE),
        ("/files/{{id}}", {"file[trashed]": " true"}, DESTRUCTIVE),
        ("/files/{{id}}", {"file.trashed": 1}, DESTRUCTIVE),
        ("/files/{{id}}", {"trashed": {"": "true"}}, DESTRUCTIVE),
        ("/files/{{id}}", {"trashed": 0, "untrashed": "true"}, WRITE),
        ("/batch", {"requests[0][method]": "DELETE"}, DESTRUCTIVE),
        ("/batch", {"requests": {"0": {"method": {"0": "DELETE"}}}}, DESTRUCTIVE),
        ("/batch", {"requests[0][clear]": {}}, DESTRUCTIVE),
        ("/batch", {"requests[0][method]": "GET", "requests[0][url]": "/nuclear"}, WRITE),
        ("/pages/{{id}}", {"in_trash": True}, DESTRUCTIVE),
        ("/pages/{{id}}", {"archived": True}, WRITE),  # has a counterpart
        ("/messages/{{id}}/modify", {"addLabelIds": ["STARRED", "TRASH"]}, DESTRUCTIVE),
        ("/messages/{{id}}/modify", {"removeLabelIds": ["TRASH"]}, WRITE),
        ("/messages/{{id}}/move", {"destinationId": "deleteditems"}, DESTRUCTIVE),
        ("/jobs", {"target": {"httpMethod": "DELETE"}}, DESTRUCTIVE),
        ("/files/search", {"trashed": True}, READ),  # a filter
        ("/anything", {"query": "mutation { issueDelete }"}, DESTRUCTIVE),
        ("/anything/search", {"query": "mutation { issueCreate }"}, WRITE),
        ("/anything/search", {"query": "mutation delete"}, READ),
    ],
)
def test_what_a_body_chooses_raises(action: Make, path: str, body: Any, effect: Effect) -> None:
    assert of_call(action(method="POST", path=path, **SILENT), Call(body=body)) is effect


BULK = '{"delete": {"_id": 1}}\n'


@pytest.mark.parametrize("path", ["/_bulk", "/graphql"])
@pytest.mark.parametrize("shape", ["{}", "[{}]", "named", "listed"])
@pytest.mark.parametrize(
    ("content", "media_type", "effect"),
    [
        (b'{"index": {}}\n', "application/x-ndjson", WRITE),
        (b"", "", WRITE),
        (BULK.encode(), "application/x-ndjson", DESTRUCTIVE),
        (BULK.encode("utf-8-sig"), "application/x-ndjson", DESTRUCTIVE),
        (BULK.encode("utf-16"), "application/x-ndjson", DESTRUCTIVE),
        (BULK.encode("utf-16-le"), "application/x-ndjson", DESTRUCTIVE),
        (b'{"+AGQAZQBsAGUAdABl-": 1}', "application/x-ndjson; charset=utf-7", DESTRUCTIVE),
        (b'{"index": {}}\n', 'application/x-ndjson; Charset="UTF-8"', WRITE),
        (gzip.compress(b'{"index": {}}\n', mtime=0), "application/gzip", DESTRUCTIVE),
        (b" " * 262_145, "application/x-ndjson", DESTRUCTIVE),
    ],
)
def test_a_file_that_may_carry_requests_does_what_is_in_it_or_anything(
    action: Make, path: str, shape: str, content: bytes, media_type: str, effect: Effect
) -> None:
    file = File("f", media_type, content)
    body: Any = {"{}": file, "[{}]": [file], "named": {"file": file}, "listed": {"file": [file]}}[shape]
    assert of_call(action(method="POST", path=path, **SILENT), Call(body=body)) is effect


@pytest.mark.parametrize("content", [b"\x89PNG\xff\x00", b" " * 262_145])
def test_any_other_file_is_only_written(action: Make, content: bytes) -> None:
    for body in (File("f", "", content), {"file": File("f", "", content)}):
        assert of_call(action(method="POST", path="/files", **SILENT), Call(body=body)) is WRITE


# GraphQL: the row, and what is documented


@pytest.mark.parametrize(
    ("platform", "method", "path", "is_graphql"),
    [
        ("linear", "POST", "/graphql", True),
        ("linear", "GET", "/graphql", True),
        ("linear", "post", "/GraphQL/", True),
        ("shopify-admin", "POST", "/admin/api/2026-04/graphql.json", True),
        ("acme", "POST", "/api/gql", True),
        ("plain", "POST", "/graphql/v1", True),
        ("monday", "POST", "/v2", True),
        ("acme", "POST", "/v2", False),
        ("linear", "PUT", "/graphql", False),
        ("linear", "", "/graphql", False),
        ("acme", "POST", "/graphql/{{id}}", True),
        ("acme", "POST", "/notgraphql", False),
        ("acme", "POST", "/graphql-unstable", True),
        ("acme", "POST", "/graphql/v2", True),
        ("acme", "POST", "/api/graphql/space/{{s}}", True),
    ],
)
def test_graphql_is_told_by_method_and_path(
    action: Make,
    platform: str,
    method: str,
    path: str,
    is_graphql: bool,  # noqa: FBT001 - a table's column
) -> None:
    facts = {"platform": platform, "method": method, "path": path, **SILENT}
    queried = of_call(action(**facts), Call(body={"query": "{ a }"}))
    assert (queried is READ) is is_graphql
    mutated = of_call(action(**facts), Call(body={"query": "mutation { thingDelete }"}))
    assert (mutated is DESTRUCTIVE) is (is_graphql or method == "POST")  # elsewhere the body raises


@pytest.mark.parametrize(
    ("title", "effect"),
    [
        ("List Issues", READ),
        ("Get an Issue", READ),
        ("Articles", READ),
        ("Create an Issue", WRITE),
        ("Batch Update Issues", WRITE),
        ("Change Column Value", WRITE),
        ("Mark Notification (and Related) as Read", WRITE),
        ("Revoke All Sessions", DESTRUCTIVE),
        ("Delete (Trash) an Issue", DESTRUCTIVE),
    ],
)
def test_a_row_of_graphql_reads_unless_its_words_say_more(title: str, effect: Effect) -> None:
    assert of_action(row(**(GRAPHQL | {"title": title}))) is effect


def example(document: Any) -> dict[str, Any]:
    return {"io_schema": {"ioExample": {"input": {"body": {"query": document}}}}}


def operation(document: str, heading: str = "## GraphQL Operation", label: str = "graphql") -> dict[str, Any]:
    sections = ("# Title", heading, f"```{label}\n{document}\n```", "## Response", "```json\n{}\n```")
    return {"knowledge": "\n\n".join(sections).replace("\n", "\r\n")}


QUERY, MUTATION = "query A($id: ID!) { a(id: $id) { b } }", "mutation A { thingCreate { ok } }"


@pytest.mark.parametrize(
    ("facts", "effect"),
    [
        ({}, WRITE),
        ({"io_schema": {"ioExample": {"input": {"body": {}}}}}, WRITE),
        ({"io_schema": {"ioExample": "x"}}, WRITE),
        (example(QUERY), READ),
        (example(MUTATION), WRITE),
        (example("mutation { thingDelete }"), DESTRUCTIVE),
        (example(""), WRITE),
        (example(7), WRITE),
        (example("query {"), WRITE),
        (operation(QUERY), READ),
        (operation(QUERY, label=""), READ),
        (operation(QUERY, "### GraphQL Operation (query)"), READ),
        (operation(QUERY, "## Sample"), READ),
        (operation(QUERY, "## Sample", label=""), WRITE),
        (operation(MUTATION), WRITE),
        (operation("subscription { a }"), WRITE),
        (operation("mutation { thingDelete }"), DESTRUCTIVE),
        (example("") | operation(QUERY), READ),
        (example(QUERY) | operation(MUTATION), WRITE),
        (example(MUTATION) | operation(QUERY), WRITE),
        (example(QUERY) | operation(QUERY), READ),
        ({"knowledge": "## GraphQL Operation\n\n```graphql\n{ a }"}, WRITE),  # never closed
        (example(QUERY) | {"title": "Update a Thing"}, WRITE),
        (example(QUERY) | {"title": "Delete a Thing"}, DESTRUCTIVE),
        (example(MUTATION) | {"title": "Ask to Delete a Thing"}, DESTRUCTIVE),
    ],
)
def test_details_of_graphql_read_only_if_that_is_documented(
    action: Make, facts: dict[str, Any], effect: Effect
) -> None:
    assert of_action(action(**(GRAPHQL | facts))) is effect


# GraphQL: what a call sends, judged

DOCUMENTS = [
    # Queries.
    ("{ a }", READ),
    ("{a,b,c}", READ),
    ("query { a }", READ),
    ("query A { a }", READ),
    ("\ufeffquery A { a }", READ),
    ("query mutation { a }", READ),
    ("{ mutation { delete } }", READ),
    ("{ a: mutation }", READ),
    ('{ a(b: "mutation { c }") }', READ),
    ('{ a(b: """mutation { c } \\""" " "" } """) }', READ),
    ('{ a(b: "\\"} mutation { c }") }', READ),
    ('{ a(b: "") }', READ),
    ("{ a # } mutation { c }\n }", READ),
    ("# mutation\nquery A { a }", READ),
    (
        'query A($x: T = {mutation: 1}, $y: [T!]! = [1, -2.5e3]) @d(e: {f: "}"}) { a(x: $x, y: {z: [1]}) @e { b } }',
        READ,
    ),
    ("query A { a { ...F ... on T { b } ... @include(if: true) { c } } } fragment F on T { d }", READ),
    ("query A { a } query B { b }", READ),
    ("fragment F on mutation { a } { ...F }", READ),
    # Mutations.
    ("mutation { thingCreate }", WRITE),
    ("mutation A($b: C!) @d { thingCreate(b: $b) { ok } }", WRITE),
    ("query A { a } mutation B { thingCreate }", WRITE),
    ("mutation B { thingCreate } query A { a }", WRITE),
    ("{ a }mutation{b}", WRITE),
    ("{ a } # \n mutation B { b }", WRITE),
    ('{ a(b: "\\\\") } mutation B { b }', WRITE),
    ('{ a(b: """ \\""" """) } mutation B { b }', WRITE),
    ('{ a(b: "") } mutation B { b(c: "") }', WRITE),
    ("mutation { issueUpdate { issueDelete delete { remove } } }", DESTRUCTIVE),  # an answer or a namespace
    ("mutation { issueUpdate(delete: true, a: {remove: 1}) @delete }", WRITE),
    ("mutation deleteIt($delete: X) { issueUpdate }", WRITE),
    ("mutation { delete: issueUpdate }", WRITE),
    ("mutation { ...F } fragment F on M { issueUpdate { delete } }", DESTRUCTIVE),
    ("mutation { ...F issueUpdate { delete } } fragment F on M { a }", DESTRUCTIVE),
    ("mutation { issueUpdate { ... on M { delete } ... { remove } } }", DESTRUCTIVE),
    ("mutation { on { delete } }", DESTRUCTIVE),
    ("mutation { ... on delete { issueUpdate } }", WRITE),
    ("mutation { undeleteThing }", WRITE),
    ("mutation { issueUpdate } fragment F on M { issueDelete }", WRITE),  # not spread
    ("subscription { a }", WRITE),
    ("mutation { issueCreate { issue { deletedAt removedBy canDelete trashed cancelReason } } }", WRITE),
    ("mutation { issueCreate { ...F } } fragment F on I { canDelete cancelReason @include(if: true) }", WRITE),
    ("mutation { issueCreate { ... on DeletePayload { ok } } }", WRITE),
    ("mutation { bulkOperationRunMutation(mutation: $m) { ok } }", WRITE),
    # Mutations that take away.
    ("mutation{pages{delete(id:1){ok}}}", DESTRUCTIVE),
    ("mutation { a { b { x: thingCancel(id: 1) } } }", DESTRUCTIVE),
    ("mutation { a { ...F } } fragment F on T { thingDelete(id: 1) { ok } }", DESTRUCTIVE),
    ("mutation { cache { purgeAll } }", DESTRUCTIVE),
    ("mutation { deleteissue }", DESTRUCTIVE),
    ("mutation { orderBulkCancelAll }", DESTRUCTIVE),
    ("mutation { abortMigration }", DESTRUCTIVE),
    ('mutation { bulkOperationRunMutation(mutation: "mutation { productDelete }") { ok } }', DESTRUCTIVE),
    ("mutation { issueDelete(id: 1) { success } }", DESTRUCTIVE),
    ("mutation { deleteIssue }", DESTRUCTIVE),
    ("mutation { delete_item }", DESTRUCTIVE),
    ("mutation { removeAllThings }", DESTRUCTIVE),
    ("mutation { orderCancel }", DESTRUCTIVE),
    ("mutation { clear_item_updates }", DESTRUCTIVE),
    ("mutation { issueUpdate issueDelete }", DESTRUCTIVE),
    ("mutation { issueUpdate { a } issueDelete { b } }", DESTRUCTIVE),
    ("mutation { harmless: issueDelete }", DESTRUCTIVE),
    ("mutation { on: issueDelete }", DESTRUCTIVE),
    ("mutation { on issueDelete }", DESTRUCTIVE),
    ("mutation { a @on issueDelete }", DESTRUCTIVE),
    ("mutation { ... { issueDelete } }", DESTRUCTIVE),
    ("mutation { ... on M { issueDelete } }", DESTRUCTIVE),
    ("mutation { ... on M @a(b: 1) { c ... { issueDelete } } }", DESTRUCTIVE),
    ("mutation { ...F } fragment F on M { issueDelete }", DESTRUCTIVE),
    ("mutation { ...F } fragment F on M { ...G } fragment G on M { issueDelete }", DESTRUCTIVE),
    ("mutation { ...F } fragment F on M { issueDelete } fragment F on M { a }", DESTRUCTIVE),
    ("mutation { ...F }", DESTRUCTIVE),  # who knows
    ("mutation { ...F } fragment F on M { ...G }", DESTRUCTIVE),
    ("query A { a } mutation B { issueDelete }", DESTRUCTIVE),
    ("mutation A { b } mutation B { issueDelete }", DESTRUCTIVE),
    ("subscription { issueDelete }", DESTRUCTIVE),
    # What is no document.
    ("", WRITE),
    ("   ", WRITE),
    ("# only a comment", WRITE),
    ("query", WRITE),
    ("query {", WRITE),
    ("{ a } }", WRITE),
    ("{ a ) }", WRITE),
    ("{ a (b: [) ] }", WRITE),
    ("{ a", WRITE),
    ("a", WRITE),
    ('{ a(b: "x) }', WRITE),
    ('{ a(b: """x") }', WRITE),
    ('{ a(b: """x \\""") } ', WRITE),
    ("{ a ; b }", WRITE),
    ("{ a ? }", WRITE),
    ("{ a @ { b } }", WRITE),
    ("{ $a }", WRITE),
    ("{ : a }", WRITE),
    ("Query { a }", WRITE),
    ("QUERY { a }", WRITE),
    ("query A mutation B { a }", WRITE),
    ("query A B { a }", WRITE),
    ("type A { a: B }", WRITE),
    ("extend { a }", WRITE),
    ("fragment F on T { a }", WRITE),
    ("fragment F { a } { b }", WRITE),
    ("{ a } type B { c: D }", WRITE),
    ('{"query": "{ a }"}', WRITE),
    ('{ "a" }', WRITE),
    ("{ 1 }", WRITE),
    ("{ a } # \u2028 mutation B { b }", WRITE),  # older servers end a line there
    ("{ a } # \x0b mutation B { b }", WRITE),
    ("{ a } # \x00 mutation B { b }", WRITE),
    ('{ a(b: "\u2028") }', WRITE),
    ("{ ä }", WRITE),
    ("{ a \ud800 }", WRITE),
    ("{ a } " + "#" * 100_000, WRITE),
    ("{" * 50_000 + "}" * 50_000, READ),
    ('{ a(b: """' + '\\"""' * 20_000, WRITE),
    ("{ a(b: " + '"' * 90_001, WRITE),
    # Of which every name may be what it runs.
    ("mutation { issueDelete", DESTRUCTIVE),
    ("mutation { issueDelete } ;", DESTRUCTIVE),
    ('"A description" mutation { issueDelete }', DESTRUCTIVE),
    ('mutation { issueDelete(id: "\u2028") }', DESTRUCTIVE),
    ("mutation { orderCancel } ?", DESTRUCTIVE),
    ("mutation { issueDelete } " + "#" * 100_000, DESTRUCTIVE),
    ('{"query": "mutation { issue\\u0044elete }"}', DESTRUCTIVE),
]


@pytest.mark.parametrize(("document", "effect"), DOCUMENTS, ids=[repr(document[:60]) for document, _ in DOCUMENTS])
def test_a_call_is_judged_by_the_document_that_it_sends(action: Make, document: str, effect: Effect) -> None:
    one = action(**(GRAPHQL | SILENT))
    for call in (
        Call(body={"query": document}),
        Call(body={"query": document, "variables": {"query": "{ a }"}, "operationName": "A"}),
        Call(body={"query": document}, encoding="form"),
        Call(body=[{"query": document}]),
        Call(query={"query": document}),
        Call(body=document),
    ):
        assert of_call(one, call) is effect


@pytest.mark.parametrize(
    ("call", "effect"),
    [
        (Call(), WRITE),
        (Call(body={}), WRITE),
        (Call(body=[]), WRITE),
        (Call(body=""), WRITE),
        (Call(body=7), WRITE),
        (Call(body={"query": None}), WRITE),
        (Call(body={"query": ["{ a }"]}), WRITE),
        (Call(body={"query": ["mutation { issueDelete }"]}), DESTRUCTIVE),
        (Call(query={"query": ["{ a }", "mutation { issueDelete }"]}), DESTRUCTIVE),
        (Call(body={"query": {"a": "{ a }"}}), WRITE),
        (Call(body={"operationName": "A"}), WRITE),
        # Persisted documents: which one runs is not ours to know, even with a query beside.
        (Call(body={"id": "x"}), WRITE),
        (Call(body={"query": "{ a }", "id": "x"}), WRITE),
        (Call(body={"query": "{ a }", "documentId": "x"}), WRITE),
        (Call(body={"query": "{ a }", "extensions": {"persistedQuery": {"sha256Hash": "x"}}}), WRITE),
        (Call(body={"query": "{ a }", "Query": "mutation { issueCreate }"}), WRITE),
        (Call(body={"query": "{ a }", "Query": "mutation { issueDelete }"}), DESTRUCTIVE),
        (Call(body={"query": "mutation { issueDelete }", "extensions": {}}), DESTRUCTIVE),
        (Call(body={"query": "mutation { issueDelete }"}, query={"v": "1"}), DESTRUCTIVE),
        (Call(body={"operations": '{"query": "mutation { issueDelete }"}'}, encoding="multipart"), DESTRUCTIVE),
        (Call(body={"operations": '{"query": "{ a }"}', "map": "{}"}, encoding="multipart"), WRITE),
        (Call(body={"mutation { issueDelete }": ""}), DESTRUCTIVE),
        (Call(body={"query": "{ a }"}, query={"id": "x"}), WRITE),
        (Call(body={"query": "{ a }"}, query={"documentId": None}), READ),  # is not sent
        # Several documents: the worst of them.
        (Call(body=[{"query": "{ a }"}, {"query": "{ b }"}]), READ),
        (Call(body=[{"query": "{ a }"}, {"query": "mutation { b }"}]), WRITE),
        (Call(body=[{"query": "mutation { issueDelete }"}, {"query": "{ a }"}]), DESTRUCTIVE),
        (Call(body=[{"query": "{ a }"}, "{ a }"]), WRITE),
        (Call(body=[{"query": "{ a }"}, {}]), WRITE),
        (Call(body=[[{"query": "{ a }"}]]), WRITE),
        (Call(body={"query": "{ a }"}, query={"query": "mutation { b }"}), WRITE),
        (Call(body={"query": "mutation { b }"}, query={"query": "{ a }"}), WRITE),
        (Call(body={"query": "{ a }"}, query={"query": "{ b }"}), READ),
        (Call(body={"query": "{ a }"}, query={"query": ["{ b }"]}), WRITE),
        (Call(body="{ a }", query={"query": "mutation { issueDelete }"}), DESTRUCTIVE),
        (Call(body=[{"query": "{ a }" + " " * 60_000}] * 2), WRITE),  # too long together
    ],
)
def test_only_what_a_call_provably_sends_is_taken_to_read(action: Make, call: Call, effect: Effect) -> None:
    assert of_call(action(**(GRAPHQL | SILENT)), call) is effect


@pytest.mark.parametrize(("inner", "effect"), [("productDelete", DESTRUCTIVE), ("productUpdate", WRITE)])
def test_what_runs_in_bulk_is_in_a_variable(action: Make, inner: str, effect: Effect) -> None:
    document = "mutation A($m: String!) { bulkOperationRunMutation(mutation: $m) { ok } }"
    body = {"query": document, "variables": {"m": f"mutation {{ {inner} }}"}}
    assert of_call(action(**(GRAPHQL | SILENT)), Call(body=body)) is effect


@pytest.mark.parametrize("path", ["/graphql?query={{query}}", "/graphql?id=1"])
def test_a_path_that_brings_a_query_of_its_own_proves_nothing(action: Make, path: str) -> None:
    one = action(**(GRAPHQL | {"path": path}))
    assert of_call(one, Call(path={"query": "mutation { a }"}, body={"query": "{ a }"})) is WRITE


@pytest.mark.parametrize(
    "facts", [{}, {"title": "Delete an Issue", "key": "deleteIssue"}, example("mutation { issueDelete }")]
)
def test_a_pure_query_reads_whatever_its_action_is_said_to_do(action: Make, facts: dict[str, Any]) -> None:
    assert of_call(action(**(GRAPHQL | facts)), Call(body={"query": "{ issue { id } }"})) is READ


@pytest.mark.parametrize("body", [{"query": "mutation { issueUpdate }"}, {"id": "persisted"}, "nonsense", None])
@pytest.mark.parametrize(
    ("facts", "effect"),
    [
        ({"title": "List Issues"}, WRITE),
        (example(QUERY), WRITE),
        ({"title": "Delete an Issue"}, DESTRUCTIVE),
        (example("mutation { issueDelete }"), DESTRUCTIVE),
    ],
)
def test_any_other_call_does_at_least_what_its_action_does(
    action: Make, facts: dict[str, Any], effect: Effect, body: Any
) -> None:
    assert of_call(action(**(GRAPHQL | facts)), Call(body=body)) is effect


NAMES = st.sampled_from(["a", "query", "mutation", "on", "fragment", "issueDelete", "B1", "_"])
STRINGS = st.sampled_from(
    ['"mutation"', '"}"', '"{"', '"\\""', '"#"', '""', '"""\n} " \\""" mutation { a }"""', '"\\u007b"']
)
NOISE = st.sampled_from([" ", "\n", ",", "# mutation {\n", "# }\r\n", '# """\n', "\t", "\ufeff"])
VALUES = st.recursive(
    STRINGS | st.sampled_from(["1", "-2.5", "$a", "true", "ENUM"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{' '.join(items)}]")
        | st.tuples(NAMES, inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}")
    ),
    max_leaves=3,
)
ARGUMENTS = st.just("") | st.tuples(NAMES, NOISE, VALUES).map(lambda parts: f"({parts[0]}:{parts[1]}{parts[2]})")
FIELDS = st.tuples(
    st.sampled_from(["", "mutation: ", "a:"]), NAMES, ARGUMENTS, st.sampled_from(["", "@a", '@a(b: "}")'])
).map("".join)
SELECTIONS = st.recursive(
    FIELDS,
    lambda inner: (
        st.tuples(FIELDS, NOISE, st.lists(st.tuples(inner, NOISE).map("".join), min_size=1, max_size=2)).map(
            lambda parts: f"{parts[0]}{parts[1]}{{ {' '.join(parts[2])} }}"
        )
        | inner.map(lambda selected: f"... on T {{ {selected} }}")
    ),
    max_leaves=4,
)


def operations(kinds: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(NOISE, kinds, NOISE, ARGUMENTS, NOISE, SELECTIONS, NOISE).map(
        lambda p: f"{p[0]}{p[1]} Op{p[2]}{p[3] and '($a: T = ' + p[3].partition(':')[2]}{p[4]}{{ {p[5]} {p[6]}}}"
    )


QUERIES = operations(st.just("query"))


@given(st.lists(QUERIES, min_size=1, max_size=3))
def test_queries_read_whatever_is_in_their_strings_and_comments(action: Make, queries: list[str]) -> None:
    assert of_call(action(**GRAPHQL), Call(body={"query": "\n".join(queries)})) is READ


@given(
    st.lists(QUERIES, max_size=2),
    operations(st.sampled_from(["mutation", "subscription"])),
    st.lists(QUERIES, max_size=2),
)
def test_a_mutation_among_them_is_never_missed(
    action: Make, before: list[str], mutation: str, after: list[str]
) -> None:
    document = "\n".join([*before, mutation, *after])
    assert of_call(action(**GRAPHQL), Call(body={"query": document})) is not READ


@given(
    QUERIES,
    st.integers(0, 200),
    st.sampled_from(['"', "{", "}", "#", "(", "\\", "mutation", "...", '"""', "@", ":", "\n"]),
)
def test_a_query_that_something_was_thrown_into_hides_no_mutation(
    action: Make, query: str, at: int, piece: str
) -> None:
    document = f"{query[:at]}{piece}{query[at:]}\nmutation Op {{ issueCreate }}"
    # No comment and no closed string reaches into the last line.
    assert of_call(action(**GRAPHQL), Call(body={"query": document})) is not READ


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["{ a }", "mutation { a }"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["query", "variables", "_method", "id"]) | st.text(max_size=3), inner, max_size=3
        )
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["query", "_method", "operation"]) | st.text(max_size=3), JSON, max_size=3)


@given(
    JSON, OBJECTS, st.sampled_from(["GET", "POST", "DELETE"]), st.sampled_from(["/graphql", "/things/search", "/{{a}}"])
)
def test_no_call_raises(action: Make, body: Any, query: dict[str, Any], method: str, path: str) -> None:
    one = action(method=method, path=path)
    assert of_call(one, Call(body=body, query=query)) in Effect


@given(st.text(alphabet='{}()[]"\\#\n.@:on mutationquery$!=|&,1-', max_size=60))
def test_no_document_raises_and_none_without_the_shape_of_a_query_reads(action: Make, document: str) -> None:
    effect = of_call(action(**GRAPHQL), Call(body={"query": document}))
    assert effect is not READ or ("{" in document and "}" in document)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=10))
def test_no_row_raises(path: str, title: str, key: str, method: str) -> None:
    for verb in (method, "GET", "POST"):
        assert of_action(row(method=verb, path=path, title=title, key=key)) in Effect


def test_a_hostile_text_is_gone_through_once(action: Make) -> None:
    for text in (
        "{" * 200_000,
        "a" * 200_000,
        "A" * 200_000,
        "and " * 50_000,
        "{{" * 100_000,
        "." * 200_000,
        "-" * 200_000,
    ):
        assert of_action(row(method="GET", path=f"/{text}", title=text, key=text)) in Effect
        assert of_action(row(method="POST", path=f"/{text}", title=text, key=text)) in Effect
        assert of_action(action(**(GRAPHQL | {"knowledge": f"```{text}\n# {text}"}))) is WRITE


# The tables


def test_the_tables_do_not_contradict_each_other() -> None:
    assert not effects._CHANGING & (effects._DESTROYING | effects._ENDING)
    assert not effects._DESTROYING & effects._ENDING
    assert effects._CHANGING | effects._ENDING >= effects._NOUNS_TOO
    asking = effects._ASKING_CALL | effects._ASKING_WORD | effects._ASKING_SLUG
    assert not asking & effects._VERBS.keys()
    assert not effects._BEFORE_VERBS & (effects._VERBS.keys() | asking)


def test_every_end_of_a_path_can_be_one() -> None:
    ends = [
        *(end for table in (effects._ASKS, effects._GRAPHQL) for ends in table.values() for end in ends),
        *effects._TAKES,
        *effects._TAKES_UNLESS_GOT,
    ]
    for end in ends:
        assert re.fullmatch(r"[/:.][a-z0-9_{}/:.*-]*[a-z0-9_]", end)
