"""The room of effects: what a call does to the account. It reads, it writes, or it destroys.

Three sources, in this order:

    override    the operator's rules: the first that surely means the action is the answer, lower or higher
    structure   method, path, GraphQL operation: may lower what the method says (a search by POST reads)
    words       title and key: text from outside, so they only raise (`GET /users.deletePhoto`)

Unknown means write. Destructive is what takes away what was there, so that the same person cannot bring it back with
the same tools: deleting, but also cancelling, voiding, revoking, clearing, resetting. What only adds is a write, even
if it cannot be recalled (sending, paying, refunding), and so is what has a counterpart (archive, disable, unsubscribe).

GraphQL has one path for everything, so each call is judged by the document that it sends; what the action is said to do
holds for the listing. Elsewhere too the arguments may choose what is done, and raise it. The tables come first; below
them are the functions that apply them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from pica_mcp import brackets, graphql, patterns
from pica_mcp.models import Action, ActionDetails, Effect, as_list, as_object
from pica_mcp.patterns import Pattern
from pica_mcp.tools import Call, File

_READ, _WRITE, _DESTRUCTIVE = Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE

# Tables. Ends of paths are lower case, `{}` is a placeholder; under a platform's name they hold only there.

_METHODS = {
    "GET": _READ, "HEAD": _READ, "OPTIONS": _READ,
    "DELETE": _DESTRUCTIVE,
}  # fmt: skip

_GRAPHQL: Mapping[str, tuple[str, ...]] = {
    "*": ("/graphql", "/graphql.json", "/graphql/v1", "/gql"),  # and for POST any segment that begins so
    "monday": ("/v2",),
}

# A POST that only asks. A bare `/query` is not here, since it runs SQL as often as not.
_ASKS: Mapping[str, tuple[str, ...]] = {
    "*": (
        "/search", "/_search", "/_msearch", "/_count", "/_mget", "/batch/read", "/search/jql",
        "/freebusy", "/searchanalytics/query", "/coql",
        ":runquery", ":runaggregationquery", ":runreport", ":batchrunreports", ":runpivotreport", ":runrealtimereport",
    ),
    "airtable": ("/listrecords",),
    "algolia": ("/indexes/{}/query", "/indexes/*/queries", "/indexes/{}/browse", "/indexes/*/objects"),
    "attio": ("/records/query", "/entries/query"),
    "dropbox": ("/files/list_folder", "/files/list_folder/continue", "/files/search_v2"),
    "elasticsearch": ("/_sql",),  # knows SELECT only
    "exa": ("/answer", "/contents", "/findsimilar"),
    "notion": ("/databases/{}/query", "/data_sources/{}/query"),
    "pinecone": ("/query",),
    "slack": (".datastore.query",),
}  # fmt: skip

# What takes away without a word for it, whatever the method: SQL that the caller writes, HubSpot's name for deleting.
_TAKES = (
    "/batch/archive", "/batch/labels/archive",
    "/sql", "/sql/query", "/sql/statements", "/cypher", "/database/query",
    "/d1/database/{}/query", "/d1/database/{}/raw", "/bigquery/v2/projects/{}/queries", "/api/v2/statements",
)  # fmt: skip
# The same where a GET lists what ran: BigQuery, Presto, Neo4j.
_TAKES_UNLESS_GOT = ("/projects/{}/queries", "/projects/{}/jobs", "/statement", "/tx", "/tx/commit", "/query/v2")

# What carries other requests in its body: there each key and each value that chooses an operation tells what it does.
_CARRIES = (
    "/$batch", "/batch", "/batches", "/bulk", "/_bulk", "/composite", "/composite/graph", "/sync",
    ":batchupdate", ":batchwrite", ":commit", ":mutate",
)  # fmt: skip
_CHOOSING = frozenset({
    "action", "command", "httpmethod", "method", "op", "operation", "path", "relative_path", "relative_url", "type",
    "uri", "url", "verb",
})  # fmt: skip
# What takes away in any body that writes, lower case. Notion's `archived` has a counterpart, so it is a write.
_TAKEN_BY: Mapping[str, frozenset[str]] = {
    "method": frozenset({"delete"}),
    "httpmethod": frozenset({"delete"}),
    "trashed": frozenset({"true", "1"}),
    "in_trash": frozenset({"true", "1"}),
    "addlabelids": frozenset({"trash"}),  # Gmail
    "destinationid": frozenset({"deleteditems"}),  # Outlook
}

# What a POST's last segment begins with if it only asks: by RPC (`conversations.list`, `values:batchGet`), as a plain
# word (`/getChat`), and in Pica's own actions (`/gmail/list-emails`). Elsewhere `list`, `read` and `search` are nouns
# or do something: `/list-items`, `/read-replicas`, `/readBusinessMessage` (marks it), `/search-alerts`.
_ASKING_CALL = frozenset({"count", "describe", "find", "get", "info", "list", "lookup", "retrieve", "search"})
_ASKING_WORD = frozenset({"find", "get", "lookup", "retrieve"})
_ASKING_SLUG = frozenset({"find", "get", "list", "read", "search"})

# These words anywhere, as they hardly mean anything else.
_DESTROYING = frozenset({
    "delete", "destroy", "erase", "expunge", "flushall", "flushdb", "purge", "remove", "truncate", "uninstall", "wipe",
})  # fmt: skip
# Also as the beginning of a word (`deleteuser`), but no participle or noun (`deleted`, `removable`, `eraser`).
_IS_DESTROYING = re.compile(rf"(?:{'|'.join(sorted(_DESTROYING))})(?!(?:e?[dr]s?|s|able|ment)$)")
# These as the verb only: "Create an Empty Document", "Void Reason".
_ENDING = frozenset({
    "abort", "anonymize", "cancel", "clear", "deprovision", "discard", "drop", "empty", "evict", "expire", "forget",
    "invalidate", "kill", "prune", "redact", "reset", "revoke", "terminate", "unset", "withdraw",
    "trash",  # can be undone, but empties itself when nobody has noticed for a month
    "void",
})  # fmt: skip
# Among these `flush`: it writes out, or empties a cache that fills itself again.
_CHANGING = frozenset({
    "accept", "acknowledge", "activate", "add", "append", "apply", "approve", "archive", "assign", "associate",
    "attach", "authorize", "ban", "begin", "bind", "block", "capture", "change", "charge", "claim", "clone", "close",
    "complete", "configure", "confirm", "connect", "convert", "copy", "create", "deactivate", "decline", "demote",
    "deploy", "deregister", "detach", "disable", "disassociate", "disconnect", "dismiss", "dispatch", "duplicate",
    "edit", "enable", "enqueue", "enroll", "escalate", "exclude", "execute", "finalize", "flush", "follow", "fork",
    "forward", "grant", "hide", "import", "insert", "install", "invite", "invoke", "issue", "join", "kick", "launch",
    "leave", "like", "link", "lock", "logout", "mark", "merge", "migrate", "modify", "move", "mute", "open",
    "overwrite", "patch", "pause", "pay", "pin", "post", "promote", "provision", "publish", "push", "put", "react",
    "reactivate", "reassign", "rebuild", "refresh", "refund", "regenerate", "register", "reindex", "reject", "release",
    "rename", "reopen", "reorder", "replace", "reply", "reschedule", "resend", "resolve", "restart", "restore",
    "restrict", "resume", "retry", "revert", "rollback", "rotate", "run", "save", "schedule", "send", "set", "share",
    "snooze", "start", "stop", "store", "submit", "subscribe", "suspend", "sync", "tag", "transfer", "trigger",
    "unarchive", "unassign", "unban", "unblock", "unfollow", "unhide", "uninvite", "unlink", "unlock", "unmute",
    "unpin", "unpublish", "unregister", "unsubscribe", "unsuspend", "update", "upgrade", "upload", "upsert", "write",
})  # fmt: skip
# Of these, what is a noun as well: `GET /projects/{}/restore` lists restores, "Get Copy and Share Links".
_NOUNS_TOO = frozenset({
    "apply", "archive", "ban", "block", "cancel", "capture", "change", "charge", "claim", "clear", "clone", "close",
    "complete", "copy", "drop", "empty", "fork", "grant", "import", "invite", "issue", "join", "launch", "leave",
    "like", "link", "lock", "mark", "merge", "move", "open", "patch", "pause", "pay", "pin", "post", "push", "refresh",
    "refund", "register", "release", "reply", "reset", "restore", "resume", "retry", "rollback", "run",
    "schedule", "share", "start", "stop", "store", "sync", "tag", "transfer", "trash", "trigger", "update",
    "upgrade", "upload", "void",
})  # fmt: skip
_VERBS = {
    **dict.fromkeys(_CHANGING, _WRITE),
    **dict.fromkeys(_DESTROYING | _ENDING, _DESTRUCTIVE),
}
_BEFORE_VERBS = frozenset({
    "async", "batch", "bulk", "force", "full", "fully", "hard", "mass", "multi", "partial", "partially", "permanently",
    "quick", "quickly", "soft", "sparse", "temporarily",
})  # fmt: skip
_BETWEEN_VERBS = frozenset({":", "&", "and", "or", "then"})
# What tells the verb from the noun: "Cancel a Subscription", "Cancel Reasons".
_AFTER_VERBS = frozenset({"a", "all", "an", "any", "as", "it", "my", "one", "the", "these", "this", "to", "your"})
# What makes it a noun: `/add-ons`, `/follow-ups`, `/write-offs`.
_AFTER_NOUNS = frozenset({"in", "ins", "off", "offs", "on", "ons", "out", "outs", "up", "ups"})

# Arguments by which a provider lets a request be another one than its method or path says, wherever they stand.
_SELECTORS = frozenset({
    "_method", "action", "api_action", "cmd", "command", "endpoint", "function", "function_name", "method", "operation",
})  # fmt: skip
# Where these only filter, as long as it reads: `GET /audit-logs?action=delete`.
_LOGS = frozenset({"activities", "activity", "audit", "audits", "event", "events", "history", "log", "logs"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORD_OR_MARK = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[:&]")
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}|\{[^{}/]*\}|(?<=/):\w+(?=/|$)")
_GRAPHQL_SEGMENT = re.compile(r"/(?:graphql|gql)")
_FORMATS = ("json", "xml")
_MAX_VALUES = 20_000
_MAX_REQUESTS = 1_000
_MAX_READ_BYTES = 256 * 1024
_OTHER_CHARSET = re.compile(r"charset\s*=(?!\s*\"?(?:utf-?8|us-ascii|ascii)\b)", re.IGNORECASE)
_ANYTHING: Final = {"delete": True}  # a body that carries other requests, or a document, destroys by this word
_EXTENSION = re.compile(r"\.(?:json|xml|csv|php)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """An operator's own word on what some actions do."""

    pattern: Pattern
    effect: Effect

    def __str__(self) -> str:
        """Return the rule as it can be written again."""
        return f"{self.pattern}={self.effect}"


def parse_rule(written: str) -> Rule:
    """Return the rule, or raise `ValueError` that completes "PICA_X is '...', but must be ..."."""
    pattern, equals, effect = written.rpartition("=")
    words = [str(word) for word in Effect]
    if not equals or effect.strip().lower() not in words:
        raise ValueError(f"PATTERN=EFFECT like slack POST */conversations.archive=destructive; {', '.join(words)}")
    return Rule(patterns.parse(pattern), Effect(effect.strip().lower()))


def of_action(action: Action, overrides: Sequence[Rule] = (), known: Effect | None = None) -> Effect:
    """Return what the action does as far as its row tells; for details of GraphQL, what they document."""
    return rule.effect if (rule := rule_of(action, overrides)) else known or told(action)


def of_call(action: ActionDetails, call: Call, overrides: Sequence[Rule] = (), known: Effect | None = None) -> Effect:
    """Return what this very call does. Never raises, whatever the arguments are. `known`: what `told` says, if it is.

    A GraphQL call that provably only queries reads, even if the action's title says otherwise: it is what is sent that
    acts. Any other call does at least what the action does.
    """
    if rule := rule_of(action, overrides):
        return rule.effect
    call = call if call.body is None else replace(call, body=_read_through(call.body))
    if not _is_graphql(action):
        return _by_arguments(action, call, known or told(action))
    documents = _sent(action, call)
    sent = _by_documents(documents)
    # Shopify runs in bulk what is in a string or a variable.
    if not documents or (sent is _WRITE and any("RunMutation" in document for document in documents)):
        sent = _by_names(_texts([call.query, call.body]))
    return sent if sent is _READ else _higher(sent, known or told(action))


def _read_through(body: Any) -> Any:
    """Return the body with each file as the text that a provider may read it as: a bulk request can be a file too."""
    if isinstance(body, File):
        return _read(body)
    if isinstance(body, Mapping):
        return {name: _read_through(one) if _may_be_file(one) else one for name, one in as_object(body).items()}
    return [_read_through(one) if isinstance(one, File) else one for one in as_list(body)] or body


def _read(file: File) -> Any:
    """Return the file's text. What is packed, or not in UTF-8, may do anything, as may what takes too long to read."""
    if len(file.content) > _MAX_READ_BYTES or b"\0" in file.content or _OTHER_CHARSET.search(file.media_type):
        return _ANYTHING
    try:
        return file.content.decode("utf-8-sig")
    except ValueError:
        return _ANYTHING


def _may_be_file(value: Any) -> bool:
    return isinstance(value, File) or any(isinstance(one, File) for one in as_list(value))


def rule_of(action: Action, overrides: Sequence[Rule]) -> Rule | None:
    """Return the operator's rule that says what the action does; None if it is ours to say."""
    return next((rule for rule in overrides if rule.pattern.matches(action)), None)


def told(action: Action) -> Effect:
    """Return what the action does by all but the operator's rules."""
    if not _is_graphql(action):
        plain = _by_path(action)
    elif isinstance(action, ActionDetails):
        # Told to be read-only it would be approved unseen, so that has to be documented.
        plain = _by_documents(_documented(action))
    else:
        plain = _READ
    return _by_words(action, plain)


def _higher(one: Effect, other: Effect) -> Effect:
    return one if one is other or one.exceeds(other) else other


# Path


def _by_path(action: Action) -> Effect:
    method = action.method.upper()
    plain = _METHODS.get(method, _WRITE)
    path, _, fixed_query = _PLACEHOLDER.sub("{}", action.path).partition("?")
    segments = [segment for segment in path.split("/") if segment]
    takes = _TAKES if plain is _READ else _TAKES + _TAKES_UNLESS_GOT
    if plain is _DESTRUCTIVE or _end(action).endswith(takes) or _destroys(fixed_query):
        return _DESTRUCTIVE
    chosen = _by_selectors((brackets.last(key), value) for key, value in parse_qsl(fixed_query))
    if method == "POST" and _ends(_end(action), _ASKS, action):
        return chosen
    return _higher(chosen, _by_called(segments) if plain is _READ else _by_named(action, segments))


def _end(action: Action) -> str:
    """Return the path as the tables have it."""
    path = _PLACEHOLDER.sub("{}", action.path.partition("?")[0])
    return f"/{'/'.join(filter(None, path.split('/')))}".lower()


def _ends(path: str, table: Mapping[str, tuple[str, ...]], action: Action) -> bool:
    return path.endswith(table["*"] + table.get(action.platform, ()))


def _called(segments: list[str]) -> tuple[str, bool]:
    """Return the last name that the path spells, and whether it is called on something: `users.list`, `x:get`."""
    named = segments[:-1] if segments[-1:] and segments[-1].lower() in _FORMATS else segments
    written = (segment.replace("{}", "") for segment in reversed(named))
    last = _EXTENSION.sub("", next(filter(None, written), ""))
    name = re.split(r"[.:]", last)[-1]
    return name, name != last


def _by_called(segments: list[str]) -> Effect:
    """What a GET does: it reads, unless a verb is called in its path, or a segment begins with a destroying word."""
    if any(map(_IS_DESTROYING.match, (word for segment in segments for word in _without_bulk(_words(segment))[:1]))):
        return _DESTRUCTIVE
    name, is_call = _called(segments)
    words = _without_bulk(_words(name))
    # Of plain segments, `/add-ons` and `/restore` are nouns, `/invoke` and `/send-sms` are not.
    if not words or (not is_call and (words[0] in _NOUNS_TOO or not _AFTER_NOUNS.isdisjoint(words[1:2]))):
        return _READ
    return _verb(words[0])


def _by_named(action: Action, segments: list[str]) -> Effect:
    """What any other method does: it writes, unless the path says more, or that a POST only asks."""
    name, is_call = _called(segments)
    words = _without_bulk(_words(name))
    ends = bool(words) and words[0] in _ENDING
    begins = (word for segment in segments for word in _without_bulk(_words(segment))[:1])
    if ends or "sql" in words or any(map(_IS_DESTROYING.match, [*words, *begins])):
        return _DESTRUCTIVE
    # `get-or-create`, `findOneAndUpdate`, `getUploadUrl`: asks, and then does.
    if action.method.upper() != "POST" or not words or segments[-1] == "{}" or not _VERBS.keys().isdisjoint(words):
        return _WRITE
    is_own = segments == [action.platform, name]
    asking = _ASKING_CALL if is_call else _ASKING_SLUG if is_own else _ASKING_WORD
    return _READ if words[0] in asking else _WRITE


def _without_bulk(words: list[str]) -> list[str]:
    return words[1:] if words and words[0] in _BEFORE_VERBS else words


def _destroys(text: str) -> bool:
    return any(map(_IS_DESTROYING.match, _words(text)))


def _verb(word: str) -> Effect:
    return _DESTRUCTIVE if _IS_DESTROYING.match(word) else _VERBS.get(word, _READ)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


# Words


def _by_words(action: Action, plain: Effect) -> Effect:
    """Raise the effect by title and key: of what reads, by their verbs; of the rest, by destructive words anywhere."""
    raised = plain
    # Of a GET, "Cancel Reasons" is no verb unless its path says so too: `/orders/{}/cancel`.
    is_got = action.method.upper() in ("GET", "HEAD")
    surely = frozenset({"update", _end(action).rpartition("/{}/")[2]}) if is_got else _NOUNS_TOO
    for text in (action.title, action.key):
        if plain is not _READ and _destroys(text):
            return _DESTRUCTIVE
        for verb in _verbs(text, surely):
            raised = _higher(raised, _verb(verb))
    return raised


def _verbs(text: str, surely: frozenset[str]) -> Iterator[str]:
    """Yield the words that stand where a verb does: first, and after "and", "or" or a colon if it is not a noun too.

    The first one may be a noun too if it is `surely` a verb, or what follows tells it.
    """
    is_first = is_expected = True
    found = [word.lower() for word in _WORD_OR_MARK.findall(text)]
    for word, following in zip(found, [*found[1:], ""], strict=False):
        if word in _BETWEEN_VERBS:
            is_expected = True
        elif is_expected and word not in _BEFORE_VERBS:
            if word not in _NOUNS_TOO or (is_first and (word in surely or following in _AFTER_VERBS)):
                yield word
            is_first = is_expected = False


# Arguments


def _by_arguments(action: Action, call: Call, told: Effect) -> Effect:
    """What the arguments make of a request that is told to do less: they raise only."""
    top = [*call.path.items(), *(as_object(call.body).items() if call.encoding != "form" else ())]
    given = [(brackets.last(key), value) for key, value in top]
    given += [*brackets.leaves(call.query), *(brackets.leaves(call.body) if call.encoding == "form" else ())]
    if told is _READ and not _LOGS.isdisjoint(_words(action.path)):
        given = [(name, value) for name, value in given if name == "_method"]
    does = _higher(told, _by_selectors(given))
    if action.method.upper() == "POST":
        # A value at the end of the path may call something on what it names: `orders/5:cancel`.
        called = [value.rpartition(":")[2] for value in call.path.values() if isinstance(value, str) and ":" in value]
        does = _higher(does, _by_selectors(("method", verb) for verb in called if action.path.endswith("}")))
        for request in as_list(call.body)[:_MAX_REQUESTS] or [call.body]:
            does = _higher(does, _by_query(as_object(request).get("query")))
    return _higher(does, _by_body(call.body, carries=_end(action).endswith(_CARRIES))) if told is not _READ else does


def _by_selectors(given: Iterable[tuple[str, Any]]) -> Effect:
    raised = _READ
    for value in (value for name, value in given if name in _SELECTORS):
        for item in as_list(value) or [value]:
            for word in _words(item) if isinstance(item, str) else ():
                raised = _higher(raised, _verb(word))
    return raised


def _by_query(query: Any) -> Effect:
    """What is surely a mutation does, whatever the path is called; anything else says nothing."""
    try:
        is_mutation = isinstance(query, str) and "mutation" in query and graphql.mutated(query) is not None
    except ValueError:
        return _READ
    return _by_documents([query]) if is_mutation else _READ


def _by_body(body: Any, *, carries: bool) -> Effect:
    """Destructive if the body says so in a word of `_TAKEN_BY`, or names what it carries by one that takes away."""
    is_read = isinstance(body, str) and (carries or body.lstrip()[:1] in ("{", "["))
    left = [("", one) for one in (_decoded(body) if is_read else [body])]
    seen = 0
    while left:
        seen += 1
        if seen > _MAX_VALUES:  # more than one can look through while others wait: what is not seen may do anything
            return _DESTRUCTIVE if carries else _READ
        around, one = left.pop()
        if carries and isinstance(one, str) and one.lstrip()[:1] in ("{", "["):
            left += [("", inner) for inner in _decoded(one)]
        left += [(around, item) for item in as_list(one)]
        for key, value in as_object(one).items():
            name = brackets.last(key) or around
            taken_by = _TAKEN_BY.get(name, ())
            if any(word.strip().lower() in taken_by for word in _chosen(value)) or (
                carries and _carries_away(key, name, value)
            ):
                return _DESTRUCTIVE
            left.append((name, value))
    return _READ


def _carries_away(key: str, name: str, value: Any) -> bool:
    """Keys begin with their verb: `deleteSheet`, `clear`; what is chosen has it anywhere: `item_delete`."""
    begins = (_words(piece)[:1] for piece in (key, *brackets.pieces(key)))
    if value not in (None, False) and (_destroys(key) or not all(map(_ENDING.isdisjoint, begins))):
        return True
    return name in _CHOOSING and any(map(_ends_it, _chosen(value)))


def _chosen(value: Any) -> list[str]:
    """Return the words that a value is, or has in its list. Of numbers 1 is one, as it often is for "yes"."""
    items = as_list(value) or [value]
    return [str(item) for item in items if isinstance(item, str | bool) or (isinstance(item, int) and item == 1)]


def _decoded(text: str) -> list[Any]:
    """Return the JSON that a text is, or that its lines are; a line that is none stands for a name."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return [_decoded_line(line) for line in text.splitlines()[: _MAX_VALUES + 1]]


def _decoded_line(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return {line: True}


# GraphQL

_MAX_DOCUMENT_CHARS = 100_000
_REQUEST = frozenset({"query", "variables", "operationName"})
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


def _is_graphql(action: Action) -> bool:
    path = action.path.partition("?")[0].rstrip("/").lower()
    method = action.method.upper()
    return (method in ("POST", "GET") and _ends(path, _GRAPHQL, action)) or (
        method == "POST" and bool(_GRAPHQL_SEGMENT.search(f"/{path}"))
    )


def _sent(action: Action, call: Call) -> list[str]:
    """Return the documents that the call sends; none if it may send others, or choose another one than it shows.

    Only what is known is taken to be harmless: an `id`, a hash or a key in another case may name another document.
    """
    requests = [{key: value for key, value in call.query.items() if value is not None}]
    if isinstance(call.body, str):
        requests.append({"query": call.body})
    elif call.body is not None:
        requests += [{"query": None, **as_object(request)} for request in as_list(call.body) or [call.body]]
    documents = [request["query"] for request in requests if "query" in request]
    is_plain = "?" not in action.path and all(request.keys() <= _REQUEST for request in requests)
    return documents if is_plain and all(isinstance(document, str) for document in documents) else []


def _documented(action: ActionDetails) -> list[str]:
    """Return the documents that an action documents: its example's, and those in its text."""
    example = as_object(as_object(as_object(action.io_schema.get("ioExample")).get("input")).get("body")).get("query")
    return [*([example] if isinstance(example, str) and example else []), *graphql.documents(action.knowledge)]


def _by_documents(documents: list[str]) -> Effect:
    """What they do together; without any, it writes."""
    if sum(map(len, documents)) > _MAX_DOCUMENT_CHARS:
        return _by_names(documents)
    effect = _READ if documents else _WRITE
    for document in documents:
        effect = _higher(effect, _by_document(document))
    return effect


def _by_names(texts: Iterable[str]) -> Effect:
    """What is not understood does: it writes, and whatever name is in it may be what it runs.

    Or a deletion would pass for less with something else beside it. An escape may spell any name.
    """
    ends = any("\\u" in text or any(map(_ends_it, _NAME.findall(text))) for text in texts)
    return _DESTRUCTIVE if ends else _WRITE


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a JSON value, keys as well."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        left += [*as_object(one).keys(), *as_object(one).values(), *as_list(one)]


def _by_document(document: str) -> Effect:
    """Read if it holds queries only, destructive if what it mutates is named so, else write."""
    try:
        mutated = graphql.mutated(document)
    except ValueError:
        return _by_names([document])
    if mutated is None:
        return _READ
    return _DESTRUCTIVE if any(map(_field_ends, mutated)) else _WRITE


def _field_ends(field: str) -> bool:
    """Tell by a mutation's name; `...name` may hide it, and `.name` is more often an answer: `canDelete`."""
    if field.startswith("."):
        return field.startswith("...") or any(map(_IS_DESTROYING.match, _words(field)[:1]))
    return _ends_it(field)


def _ends_it(name: str) -> bool:
    """Tell by a name, in any order: `issueDelete`, `delete_item`, `orderBulkCancelAll`."""
    return _destroys(name) or not _ENDING.isdisjoint(_words(name))
