"""HubSpot in the sandbox: the platform, and the same five actions for contacts, companies and deals."""

from dataclasses import dataclass
from functools import partial

from pica_mcp.sandbox.catalog import Action, Connector, Field, Platform, Shape, in_body, in_path, in_query
from pica_mcp.sandbox.platforms import hubspot_more, hubspot_search
from pica_mcp.sandbox.platforms.portal import Portal
from pica_mcp.sandbox.platforms.portal_records import LIFECYCLE, STAGES, refuse
from pica_mcp.sandbox.upstream import Json

PROPERTIES = in_query(
    "properties", "string[]", "Which properties to return; may be repeated, or joined by commas.", ["email", "city"]
)
BY = in_query("idProperty", "string", "A unique property that the id in the path is a value of.")
OWNER = in_body("properties.hubspot_owner_id", "string | integer", "The id of the person in charge.")


@dataclass(frozen=True, slots=True)
class Family:
    """What the five actions for one kind of object differ in."""

    kind: str
    one: str
    shape: Shape
    fields: tuple[Field, ...]
    sample: Json

    @property
    def path(self) -> str:
        """The path of all of them."""
        return f"/crm/v3/objects/{self.kind}"

    @property
    def id(self) -> str:
        """The placeholder for one of them."""
        return f"{self.one.lower()}Id"

    @property
    def output(self) -> Json:
        """One of them as HubSpot sends it."""
        return {"id": "318204415", "properties": self.sample, "archived": False}


def platform() -> Platform:
    """HubSpot as one of the imitated platforms."""
    families = (_contacts(), _companies(), _deals())
    objects = tuple(action for family in families for action in (*_reading(family), *_writing(family)))
    return Platform(
        Connector("hub-spot", "HubSpot", "CRM", "Contacts, companies and deals"),
        "https://api.hubapi.com",
        (*objects, *hubspot_search.actions(), *hubspot_more.actions()),
        Portal,
        refuse,
    )


def _contacts() -> Family:
    fields = (
        in_body("properties", "object", "The contact's properties by their internal names.", required=True),
        in_body("properties.email", "string", "The address; no two contacts have the same.", "zoe@acme.example"),
        in_body("properties.firstname", "string", "Given name, e.g. `Zoë`.", "Zoë"),
        in_body("properties.lastname", "string", "Family name."),
        in_body("properties.city", "string", "City."),
        in_body("properties.lifecyclestage", "string", "How far the relation has come.", values=LIFECYCLE),
        OWNER,
    )
    return Family("contacts", "Contact", "both", fields, {"email": "zoe@acme.example", "firstname": "Zoë"})


def _companies() -> Family:
    fields = (
        in_body("properties", "object", "The company's properties by their internal names.", required=True),
        in_body("properties.name", "string", "The company's name.", "Engine Works"),
        in_body("properties.domain", "string", "Its domain, without `www`.", "works.example"),
        in_body("properties.city", "string", "City."),
        in_body("properties.numberofemployees", "string | integer", "How many people work there."),
        OWNER,
    )
    return Family("companies", "Company", "tables", fields, {"name": "Engine Works", "domain": "works.example"})


def _deals() -> Family:
    fields = (
        in_body("properties", "object", "The deal's properties by their internal names.", required=True),
        in_body("properties.dealname", "string", "What is sold.", "Difference engine"),
        in_body("properties.amount", "string | number", "What it is worth, without a currency.", "17000"),
        in_body("properties.pipeline", "string", "The pipeline's id.", "default"),
        in_body("properties.dealstage", "string", "The stage's id.", "qualifiedtobuy", values=STAGES),
        in_body("properties.closedate", "string", "When it should close, as an ISO date."),
        OWNER,
    )
    return Family("deals", "Deal", "schema", fields, {"dealname": "Difference engine", "amount": "17000"})


def _reading(family: Family) -> tuple[Action, ...]:
    kind, one = family.kind, family.one
    limit = in_query("limit", "integer", "How many to return, 1 to 100 (default: `10`).", 10)
    after = in_query("after", "string", "The `paging.next.after` of the answer before.")
    archived = in_query("archived", "boolean", "Only what was archived (default: `false`).")
    return (
        Action(
            "hub-spot",
            "GET",
            family.path,
            f"List {kind.capitalize()}",
            one,
            partial(Portal.list_objects, kind=kind),
            f"Lists {kind} in pages.",
            (limit, after, PROPERTIES, archived),
            tags=("crm", kind),
            shape=family.shape,
            output={"results": [family.output], "paging": {"next": {"after": "10"}}},
        ),
        Action(
            "hub-spot",
            "GET",
            f"{family.path}/{{{{{family.id}}}}}",
            f"Get a {one}",
            one,
            partial(Portal.get_object, kind=kind),
            f"Returns one {one.lower()}.",
            (_id(family), PROPERTIES, BY),
            tags=("crm", kind),
            shape=family.shape,
            output=family.output,
        ),
    )


def _writing(family: Family) -> tuple[Action, ...]:
    kind, one = family.kind, family.one
    return (
        Action(
            "hub-spot",
            "POST",
            family.path,
            f"Create a {one}",
            one,
            partial(Portal.create_object, kind=kind),
            f"Creates a {one.lower()}, and links it to what already exists.",
            (*family.fields, *hubspot_more.associations()),
            tags=("crm", kind),
            shape=family.shape,
            output=family.output,
        ),
        Action(
            "hub-spot",
            "PATCH",
            f"{family.path}/{{{{{family.id}}}}}",
            f"Update a {one}",
            one,
            partial(Portal.update_object, kind=kind),
            "Changes the properties that are sent and leaves the others; an empty string clears one.",
            (_id(family), BY, *family.fields),
            tags=("crm", kind),
            shape=family.shape,
            output=family.output,
        ),
        Action(
            "hub-spot",
            "DELETE",
            f"{family.path}/{{{{{family.id}}}}}",
            f"Archive a {one}",
            one,
            partial(Portal.archive_object, kind=kind),
            f"Moves a {one.lower()} to the recycling bin, from which people can restore it.",
            (_id(family),),
            tags=("crm", kind),
            shape=family.shape,
        ),
    )


def _id(family: Family) -> Field:
    return in_path(family.id, f"The {family.one.lower()}'s id.", "318204415")
