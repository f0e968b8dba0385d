"""What makes the sandbox's catalogue as large as Pica's: platforms whose actions are made when they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from pica_mcp.sandbox.catalog import (
    CUSTOM,
    GROWN,
    HIDDEN,
    Action,
    Connector,
    Field,
    Platform,
    Shape,
    in_body,
    in_path,
    in_query,
)
from pica_mcp.sandbox.upstream import Call, Json, Reply

_FLATNESS = 8
"""How far the largest platform stands out; with 8 it has about a thirtieth of 100,000 actions in 300 platforms."""

_COLOR_NAMES = "amber azure bronze cobalt copper coral crimson ebony hazel indigo ivory jade lilac olive pearl russet"
_TRADE_NAMES = (
    "anvil beacon canal depot easel ferry grove harbor island jetty kiln ledger meadow needle orchard pier quarry "
    "rampart saddle timber"
)
_NOUN_NAMES = (
    "Account Address Agreement Alert Article Asset Attachment Audience Badge Batch Board Booking Branch Budget Bundle "
    "Campaign Card Cart Category Channel Charge Claim Comment Contact Contract Credit Customer Dashboard Deal Delivery "
    "Device Document Domain Event Expense Export Feed Field File Filter Folder Form Goal Group Guide Import Invoice "
    "Item Job Label Lead Ledger List Location Member Message Milestone Note Offer Order Page Payment Pipeline Plan"
)
_COLORS, _TRADES, _NOUNS = (tuple(names.split()) for names in (_COLOR_NAMES, _TRADE_NAMES, _NOUN_NAMES))
_CATEGORIES = ("CRM", "Developer Tools", "Finance", "Communication", "Storage", "Marketing")
_QUALIFIERS = ("", "Archived", "Shared", "Draft", "Team", "Linked", "Recurring", "Regional", "Trial", "External")
_VERSIONS = ("/v1", "", "/api/v2", "/2024-10")
_SHAPES: tuple[Shape, ...] = ("both", "tables", "both", "both", "tables", "schema", "both", "tables", "both", "none")
_CHARS = (1_000, 8_000, 2_000, 12_000, 3_000, 5_000, 9_000, 17_000, 1_500, 10_000)
_LONGEST_CHARS = 370_000
_ONE_IN = 2_003

_WINDOW = (
    in_query("limit", "integer", "How many to return (default: `50`).", 10),
    in_query("cursor", "string", "Where the answer before ended."),
    in_query("status", "string", "Only those in this state.", "open", values=("open", "closed", "all")),
    in_query("fields[]", "string[]", "What to return of each; may be repeated.", ["id", "name"]),
)
_CONTENT = (
    in_body("name", "string", "What it is called.", "Spring", required=True),
    in_body("description", "string", "What it is for."),
    in_body("amount", "number", "How much, if that can be said.", 12.5),
    in_body("tags", "string[]", "Words to find it by.", ["new"]),
    in_body("owner", "object", "Who is in charge."),
    in_body("owner.id", "string", "Their id.", "u-204", required=True),
    in_body("settings.notify", "boolean", "Whether to tell its members (default: `true`)."),
)
_CHANGES = (in_body("name", "string", "A new name."), *_CONTENT[1:4])
_QUERY = (
    in_body("query", "string", "Words to look for.", "spring", required=True),
    in_body("filters", "array of objects", "Conditions that all have to be met."),
    in_body("filters[].field", "string", "Which field.", "status"),
    in_body("filters[].value", "string | number", "What it equals.", "open"),
)
_FILE = (
    in_body("file", "string", "The file's bytes.", "@spring.csv", required=True),
    in_body("title", "string", "What to call it."),
)
_KEY = in_body(
    "connectionKey", "string", "The connection to act through.", "live::platform::default::your-key", required=True
)


@dataclass(frozen=True, slots=True)
class Deed:
    """What can be done with a resource: how it is called, written and sent."""

    method: str
    suffix: str
    title: str
    inputs: tuple[Field, ...] = ()

    def said_of(self, name: str) -> str:
        """The title for a resource of that name."""
        return self.title.format(a=_a(name), many=_plural(name))


_DEEDS = (
    Deed("GET", "", "List {many}", _WINDOW),
    Deed("GET", "/{{id}}", "Get {a}"),
    Deed("POST", "", "Create {a}", _CONTENT),
    Deed("PATCH", "/{{id}}", "Update {a}", _CHANGES),
    Deed("PUT", "/{{id}}", "Replace {a}", _CONTENT),
    Deed("DELETE", "/{{id}}", "Delete {a}"),
    Deed("POST", "/search", "Search {many}", _QUERY),
    Deed("GET", "/{{id}}/history", "List Changes of {a}", _WINDOW[:2]),
    Deed("POST", "/{{id}}:archive", "Archive {a}"),
    Deed("POST", "/{{id}}/files", "Upload a File to {a}", _FILE),
    Deed("GET", "/{{id}}/members/{{memberId}}", "Get a Member of {a}"),
    Deed("HEAD", "/{{id}}", "Check {a}"),
    Deed("POST", "/batch", "Create Many {many}", _CONTENT),
)


def grow(actions: int = 100_000, platforms: int = 300, *, document_chars: int | None = None) -> tuple[Platform, ...]:
    """Platforms with so many actions in all, large ones first; the same numbers give the same catalogue.

    No action is made before it is read, nor kept afterwards. Documents are of all lengths unless one is told. Calls
    are answered with what arrived.
    """
    if not 1 <= platforms <= actions:
        raise ValueError("each platform needs an action")
    sizes = _sizes(actions, platforms)
    starts = accumulate(sizes, initial=GROWN)
    return tuple(
        Platform(
            (connector := _connector(number)),
            f"https://api.{connector.platform}.example",
            Actions(connector.platform, number, start, size, document_chars),
            _World,
            _refuse,
        )
        for number, (start, size) in enumerate(zip(starts, sizes, strict=False))
    )


class Actions(Sequence[Action]):
    """The actions of one grown platform, made anew whenever they are looked at; their ids follow from `start`."""

    def __init__(self, platform: str, number: int, start: int, size: int, document_chars: int | None) -> None:
        self._platform = platform
        self._number = number
        self._start = start
        self._size = size
        self._chars = document_chars

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int):
            return self._make(range(self._size)[index])
        return [self._make(place) for place in range(self._size)[cast("slice[int | None]", index)]]

    def _make(self, place: int) -> Action:
        row, column = divmod(place, len(_DEEDS))
        # Every ninth resource is the one before it under another version: same titles, other paths.
        twin = row % 9 == 8
        deed, name, path = _DEEDS[column], _resource(row - twin), self._path(row - twin, twin=twin)
        if column == len(_DEEDS) - 1 and row % 5 == 0:
            return self._custom(place, name)
        return Action(
            self._platform,
            deed.method,
            self._spelled(path + deed.suffix),
            deed.said_of(name),
            name.replace(" ", ""),
            _World.echo,
            f"{deed.said_of(name)}, as far as the connected account may.",
            (*self._placeholders(deed.suffix), *deed.inputs),
            tags=(HIDDEN,) if place % 31 == 30 else (name.split()[-1].lower(),),
            shape=_SHAPES[(place * 7 + self._number) % len(_SHAPES)],
            encoding="multipart" if deed.inputs is _FILE else "form" if self._number % 11 == 3 else "json",
            output=_output(deed),
            min_chars=self._length(place),
            crlf=place % 53 == 7,
            number=self._start + place,
        )

    def _custom(self, place: int, name: str) -> Action:
        return Action(
            self._platform,
            "POST",
            f"/{self._platform}/sync-{_slug(_plural(name))}",
            f"Sync {_plural(name)}",
            name.replace(" ", ""),
            _World.echo,
            f"Brings all {_plural(name)} up to date in one call.",
            (_KEY, *_CONTENT[:3]),
            tags=(CUSTOM,),
            output={"success": True},
            min_chars=self._length(place),
            number=self._start + place,
        )

    def _path(self, row: int, *, twin: bool) -> str:
        cycle = row // (len(_NOUNS) * len(_QUALIFIERS))
        version = "/v0" if twin else f"/v{cycle + 2}" if cycle else _VERSIONS[self._number % len(_VERSIONS)]
        return f"{version}/{_slug(_plural(_resource(row)))}"

    def _spelled(self, path: str) -> str:
        return path.replace("{{memberId}}", "{{member_id}}") if self._number % 3 == 0 else path

    def _placeholders(self, suffix: str) -> tuple[Field, ...]:
        member = "member_id" if self._number % 3 == 0 else "memberId"
        both = (in_path("id", "Its id.", "4f1c"), in_path(member, "The member's id.", "u-204"))
        return both[: suffix.count("{{")]

    def _length(self, place: int) -> int:
        if self._chars is not None:
            return self._chars
        number = self._start + place
        return _LONGEST_CHARS if number % _ONE_IN == 0 else _CHARS[number * 3 % len(_CHARS)]


class _World:
    """An account at a provider that says back what reached it."""

    def __init__(self, seed: str, label: str) -> None:
        self._seed = seed
        self._label = label

    def echo(self, call: Call) -> Reply:
        body: Json = {
            "account": self._label,
            "path": dict(call.path),
            "query": [list(pair) for pair in call.query],
            "contentType": call.headers.get("content-type"),
            "body": call.body.decode(errors="replace"),
        }
        return Reply(body=body)


def _refuse(status: int) -> Reply:
    return Reply(status, {"error": {"status": status, "message": "This cannot be answered."}})


def _sizes(actions: int, platforms: int) -> list[int]:
    weights = [1 / (rank + _FLATNESS) for rank in range(platforms)]
    spare, whole = actions - platforms, sum(weights)
    sizes = [1 + int(spare * weight / whole) for weight in weights]
    sizes[0] += actions - sum(sizes)
    return sizes


def _connector(number: int) -> Connector:
    cycle, rest = divmod(number, len(_COLORS) * len(_TRADES))
    trade, color = divmod(rest, len(_COLORS))
    words = [_COLORS[color], _TRADES[trade], *([str(cycle + 1)] if cycle else [])]
    name = " ".join(words).title()
    return Connector(
        "-".join(words), name, _CATEGORIES[number % len(_CATEGORIES)], f"{name} for teams", oauth=number % 3 > 0
    )


def _resource(row: int) -> str:
    cycle, noun = divmod(row, len(_NOUNS))
    return f"{_QUALIFIERS[cycle % len(_QUALIFIERS)]} {_NOUNS[noun]}".strip()


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "AEIO" else f"a {name}"


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("ry") else f"{name}es" if name.endswith(("ss", "ch")) else f"{name}s"


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _output(deed: Deed) -> Any:
    if deed.method in {"DELETE", "HEAD"}:
        return None
    return {"data": {"id": "4f1c", "name": "Spring"}} if deed.suffix else {"data": [{"id": "4f1c", "name": "Spring"}]}
