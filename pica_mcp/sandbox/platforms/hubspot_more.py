"""HubSpot in the sandbox, beyond records: what links them, notes, and the account itself."""

from functools import partial

from pica_mcp.sandbox.catalog import CUSTOM, HIDDEN, Action, Field, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.portal import Portal

OBJECT = in_path("objectType", "The kind of object, by name or by type id.", "contacts")


def actions() -> tuple[Action, ...]:
    """All of them."""
    return *_associations(), *_account()


def associations() -> tuple[Field, ...]:
    """What a new object is linked to: objects in arrays in objects in an array."""
    return (
        in_body("associations", "array of objects", "What to link it to."),
        in_body("associations[].to", "object", "The other end.", required=True),
        in_body("associations[].to.id", "string | integer", "Its id.", required=True),
        in_body("associations[].types", "array of objects", "What the link means.", required=True),
        in_body(
            "associations[].types[].associationCategory",
            "string",
            "Who defined it.",
            required=True,
            values=("HUBSPOT_DEFINED", "USER_DEFINED"),
        ),
        in_body("associations[].types[].associationTypeId", "integer", "The type's number.", required=True),
    )


# --- associations ---------------------------------------------------------------------------------------------------


def _associations() -> tuple[Action, ...]:
    mine = (OBJECT, in_path("objectId", "The object's id.", "318204415"))
    to_kind = in_path("toObjectType", "The kind at the other end.", "companies")
    both = (*mine, to_kind, in_path("toObjectId", "The id at the other end.", "290118834"))
    base = "/crm/v4/objects/{{objectType}}/{{objectId}}/associations"
    link = {"toObjectId": 290118834, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]}
    return (
        Action(
            "hub-spot",
            "GET",
            f"{base}/{{{{toObjectType}}}}",
            "List Associations",
            "Association",
            Portal.list_associations,
            "Lists what an object is linked to.",
            (*mine, to_kind),
            output={"results": [link]},
        ),
        Action(
            "hub-spot",
            "PUT",
            f"{base}/default/{{{{toObjectType}}}}/{{{{toObjectId}}}}",
            "Create a Default Association",
            "Association",
            Portal.associate,
            "Links two objects in the usual way.",
            both,
            shape="tables",
            output={"status": "COMPLETE", "results": [{"from": {"id": "318204415"}, "to": {"id": "290118834"}}]},
        ),
        Action(
            "hub-spot",
            "DELETE",
            f"{base}/{{{{toObjectType}}}}/{{{{toObjectId}}}}",
            "Remove Associations",
            "Association",
            Portal.dissociate,
            "Takes all links between two objects away.",
            both,
        ),
    )


# --- the account ----------------------------------------------------------------------------------------------------


def _account() -> tuple[Action, ...]:
    return (
        Action(
            "hub-spot",
            "POST",
            "/crm/v3/objects/notes",
            "Create a Note",
            "Note",
            partial(Portal.create_object, kind="notes"),
            "Writes a note and puts it on the timeline of what it is linked to.",
            (
                in_body("properties", "object", "The note.", required=True),
                in_body(
                    "properties.hs_timestamp", "string", "When, in ISO-8601.", "2026-01-05T09:00:00Z", required=True
                ),
                in_body("properties.hs_note_body", "string", "The text. Max length 65536.", "Prefers letters."),
                *associations(),
            ),
            tags=("crm", "notes"),
            output={"id": "318204417", "properties": {"hs_note_body": "Prefers letters."}},
        ),
        Action(
            "hub-spot",
            "GET",
            "/crm/v3/owners/",
            "List Owners",
            "Owner",
            Portal.list_owners,
            "Lists the people who can be in charge of something.",
            (
                in_query("email", "string", "Only the one with this address."),
                in_query("limit", "integer", "How many to return, 1 to 500 (default: `100`)."),
                in_query("after", "string", "The `paging.next.after` of the answer before."),
            ),
            tags=(HIDDEN, "directory"),
            output={"results": [{"id": "71001", "email": "grace@acme.example"}]},
        ),
        Action(
            "hub-spot",
            "GET",
            "/crm/v3/pipelines/{{objectType}}",
            "List Pipelines",
            "Pipeline",
            Portal.list_pipelines,
            "Lists pipelines with their stages.",
            (in_path("objectType", "The kind of object.", "deals"),),
            shape="none",
        ),
        Action(
            "hub-spot",
            "POST",
            "/hub-spot/upsert-contact",
            "Upsert HubSpot Contact",
            "Contact",
            Portal.upsert_contact,
            "Updates the contact with an email address, or creates it.",
            (
                in_body(
                    "connectionKey",
                    "string",
                    "The connection to act through.",
                    "live::hub-spot::default::your-connection-key",
                    required=True,
                ),
                in_body("email", "string", "The contact's address.", "zoe@acme.example", required=True),
                in_body("properties", "object", "Other properties by their internal names.", {"firstname": "Zoë"}),
            ),
            tags=(CUSTOM, "crm"),
            output={"success": True, "id": "318204415", "created": True},
        ),
    )
