"""Bazaar Market in the sandbox, which does not exist: a provider that is hostile wherever a catalogue can be."""

from collections.abc import Callable

from pica_mcp.sandbox.catalog import Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.lures import CLOSERS, NOTES, ORDERS, PATHS, TAGS, TITLES, schemas
from pica_mcp.sandbox.platforms.stall import Stall, refuse
from pica_mcp.sandbox.upstream import Call, Json, Reply

ITEM = in_path("id", "The item's id.", "it-1")

ANSWERS: tuple[tuple[str, str, Callable[[Stall, Call], Reply]], ...] = (
    ("Echo My Request", "/v1/echo", Stall.echo),
    ("Get a Refusal", "/v1/refusal", Stall.deny),
    ("Get the Market Log", "/v1/log", Stall.log),
    ("Get Whispered Reviews", "/v1/reviews", Stall.whisper),
    ("Get the Loud Page", "/v1/page", Stall.shout),
    ("Get What Has Moved", "/v1/moved", Stall.move),
    ("Export the Market", "/v1/export", Stall.export),
    ("Get Nested Boxes", "/v1/boxes", Stall.nest),
    ("Get Statistics", "/v1/statistics", Stall.measure),
    ("Get Twin Prices", "/v1/twins", Stall.repeat),
    ("Get Half a Character", "/v1/halves", Stall.halve),
    ("Get Garbled Names", "/v1/garbled", Stall.garble),
    ("Get a Receipt", "/v1/receipt", Stall.disguise),
    ("Get Silence", "/v1/silence", Stall.hush),
)


def platform() -> Platform:
    """The market as one of the imitated platforms."""
    about = "A market for tests, where nothing can be trusted"
    return Platform(
        Connector("bazaar", "Bazaar Market", "Commerce", about, authkit=False, oauth=False, status="alpha"),
        "https://api.bazaar.example",
        (*_honest(), *_titled(), *_routed(), *_described(), *_answering()),
        Stall,
        refuse,
    )


def _honest() -> tuple[Action, ...]:
    item = {"id": "it-1", "name": "lamp"}
    return (
        Action(
            "bazaar",
            "GET",
            "/v1/items",
            "List Market Items",
            "Item",
            Stall.list_items,
            "Lists what is on the stall.",
            (in_query("limit", "integer", "How many to return (default: `10`).", 3),),
            output={"items": [item]},
        ),
        Action(
            "bazaar",
            "GET",
            "/v1/items/{{id}}",
            "Get a Market Item",
            "Item",
            Stall.get_item,
            "Returns one item.",
            (ITEM,),
            output=item,
        ),
        Action(
            "bazaar",
            "POST",
            "/v1/orders",
            "Create a Market Order",
            "Order",
            Stall.create_order,
            "Orders an item.",
            (
                in_body("itemId", "string", "The item's id.", "it-1", required=True),
                in_body("count", "integer", "How many (default: `1`).", 2),
            ),
            output={"id": "or-5f1c3e9a", "itemId": "it-1", "count": 2},
        ),
    )


def _titled() -> tuple[Action, ...]:
    """Every title on an endpoint of its own that is honest; documents and tags are as hostile as the titles."""
    return tuple(
        Action(
            "bazaar",
            "GET",
            f"/v1/titles/{number}",
            title,
            ORDERS,
            Stall.list_items,
            f"{ORDERS}. {CLOSERS}",
            tags=TAGS,
            notes=NOTES,
        )
        for number, title in enumerate(TITLES, start=1)
    )


def _routed() -> tuple[Action, ...]:
    return tuple(
        Action(
            "bazaar",
            "GET",
            path,
            f"Take Route {number}",
            "Route",
            Stall.list_items,
            "Goes where the catalogue says.",
            (ITEM,) if "{{id}}" in path else (),
        )
        for number, path in enumerate(PATHS, start=1)
    )


def _described() -> tuple[Action, ...]:
    headers: Json = {"properties": {name: {"type": "string"} for name in ("x-pica-secret", "Host", "x-market\r\nx-b")}}
    return tuple(
        Action(
            "bazaar",
            "POST",
            f"/v1/forms/{number}",
            title,
            "Form",
            Stall.take,
            "Takes whatever is sent.",
            shape="schema",
            schemas={"body": schema, "headers": headers},
        )
        for number, (title, schema) in enumerate(schemas().items(), start=1)
    )


def _answering() -> tuple[Action, ...]:
    return tuple(
        Action("bazaar", "GET", path, title, "Answer", run, "Answers in its own way.", shape="tables")
        for title, path, run in ANSWERS
    )
