"""A HubSpot account in the sandbox: contacts, companies, deals and notes of one connection, and what links them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.platforms.portal_query import select
from pica_mcp.sandbox.platforms.portal_records import (
    KINDS,
    STAGES,
    Kind,
    fault,
    instant,
    kind_of,
    named,
    page,
    properties,
    rows,
    shown,
)
from pica_mcp.sandbox.upstream import Call, Json, Ledger, Reply, slug, strings

OWNERS = (("71001", "Grace", "Hopper"), ("71002", "Zoë", "Müller"))
LINKS: Mapping[tuple[str, str], int] = MappingProxyType(
    {
        ("contacts", "companies"): 279,
        ("companies", "contacts"): 280,
        ("contacts", "deals"): 4,
        ("deals", "contacts"): 3,
        ("companies", "deals"): 342,
        ("deals", "companies"): 341,
        ("notes", "contacts"): 202,
        ("contacts", "notes"): 201,
        ("notes", "companies"): 190,
        ("companies", "notes"): 189,
        ("notes", "deals"): 214,
        ("deals", "notes"): 213,
    }
)


class Portal:
    """One account with three contacts, two companies and two deals; every method is one HubSpot endpoint or more.

    Those that take a `kind` serve every kind of object; where it is empty the path names it.
    """

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self.domain = f"{slug(label)}.example"
        self._records: dict[str, dict[str, Json]] = {kind.name: {} for kind in KINDS}
        self._links: dict[frozenset[tuple[str, str]], None] = {}
        self._furnish()

    # --- objects ----------------------------------------------------------------------------------------------------

    def list_objects(self, call: Call, kind: str = "") -> Reply:
        of = _kind(call, kind)
        archived = call.first("archived") == "true"
        found = [one for one in self._records[of.name].values() if one["archived"] is archived]
        some, paging = page(found, call.first("limit") or 10, call.first("after"), 100)
        return Reply(body={"results": [shown(of, one, named(call)) for one in some], **paging})

    def get_object(self, call: Call, kind: str = "") -> Reply:
        of = _kind(call, kind)
        record = self._find(of, _id(call), call.first("idProperty"))
        return Reply(body=shown(of, record, named(call)))

    def create_object(self, call: Call, kind: str = "") -> Reply:
        of, body = _kind(call, kind), call.json()
        values, targets = self._fresh(of, body.get("properties")), self._targets(of, body)
        record = self._add(of, values)
        for target in targets:
            self._link((of.name, record["id"]), target)
        return Reply(201, shown(of, record, values))

    def update_object(self, call: Call, kind: str = "") -> Reply:
        of = _kind(call, kind)
        record = self._find(of, _id(call), call.first("idProperty"))
        values = properties(of, call.json().get("properties"))
        self._change(of, record, values)
        return Reply(body=shown(of, record, values))

    def archive_object(self, call: Call, kind: str = "") -> Reply:
        of = _kind(call, kind)
        record = self._records[of.name].get(_id(call))
        if record:  # HubSpot says 204 to an id that it never gave as well
            record.update(archived=True, archivedAt=instant(self._ledger.moment()))
        return Reply(204)

    def search(self, call: Call, kind: str = "") -> Reply:
        of, body = _kind(call, kind), call.json()
        found = select(of, [one for one in self._records[of.name].values() if not one["archived"]], body)
        some, paging = page(found, body.get("limit", 10), body.get("after"), 200)
        results = [shown(of, one, strings(body.get("properties"))) for one in some]
        return Reply(body={"total": len(found), "results": results, **paging})

    def read_batch(self, call: Call, kind: str = "") -> Reply:
        of, body = _kind(call, kind), call.json()
        ids = [str(one.get("id")) for one in rows(body.get("inputs"), "inputs")]
        by = str(body.get("idProperty") or "")
        found = [
            shown(of, one, strings(body.get("properties"))) for wanted in ids for one in self._seek(of, wanted, by)
        ]
        lost = [wanted for wanted in ids if not self._seek(of, wanted, by)]
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": lost}}]
        answer = {"status": "COMPLETE", "results": found}
        return Reply(207, {**answer, "numErrors": 1, "errors": errors}) if lost else Reply(body=answer)

    def create_batch(self, call: Call, kind: str = "") -> Reply:
        of = _kind(call, kind)
        batch = [self._fresh(of, one.get("properties")) for one in rows(call.json().get("inputs"), "inputs")]
        emails = [values["email"] for values in batch if values.get("email")]
        if not batch or len(set(emails)) < len(emails):
            raise fault("inputs must hold at least one object, and no email twice.")
        made = [shown(of, self._add(of, values), values) for values in batch]
        return Reply(201, {"status": "COMPLETE", "results": made})

    def erase(self, call: Call, kind: str = "") -> Reply:
        of, body = _kind(call, kind), call.json()
        record = self._find(of, str(body.get("objectId")), str(body.get("idProperty") or ""))
        me = (of.name, record["id"])
        del self._records[of.name][record["id"]]
        self._links = {link: None for link in self._links if me not in link}
        return Reply(204)

    # --- associations -----------------------------------------------------------------------------------------------

    def list_associations(self, call: Call) -> Reply:
        me, other = self._end(call), kind_of(call.path["toObjectType"]).name
        ids = [one for link in self._links if me in link for kind, one in link - {me} if kind == other]
        types = [{"category": "HUBSPOT_DEFINED", "typeId": LINKS.get((me[0], other), 0), "label": None}]
        return Reply(body={"results": [{"toObjectId": int(one), "associationTypes": types} for one in ids]})

    def associate(self, call: Call) -> Reply:
        me, other = self._end(call), self._end(call, "to")
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": self._link(me, other)}
        ends = {"from": {"id": me[1]}, "to": {"id": other[1]}}
        return Reply(body={"status": "COMPLETE", "results": [{**ends, "associationSpec": spec}]})

    def dissociate(self, call: Call) -> Reply:
        self._links.pop(frozenset((self._end(call), self._end(call, "to"))), None)
        return Reply(204)

    # --- the account ------------------------------------------------------------------------------------------------

    def list_owners(self, call: Call) -> Reply:
        people = [self._owner(number, first, last) for number, first, last in OWNERS]
        found = [one for one in people if call.first("email") in ("", one["email"])]
        some, paging = page(found, call.first("limit") or 100, call.first("after"), 500)
        return Reply(body={"results": some, **paging})

    def list_pipelines(self, call: Call) -> Reply:
        if _kind(call, "").name != "deals":
            return Reply(body={"results": []})
        stages = [{"id": stage, "label": stage, "displayOrder": index} for index, stage in enumerate(STAGES)]
        return Reply(
            body={"results": [{"id": "default", "label": "Sales — 営業", "stages": stages, "archived": False}]}
        )

    # --- Pica's own -------------------------------------------------------------------------------------------------

    def upsert_contact(self, call: Call) -> Reply:
        body, of = call.json(), KINDS[0]
        values = properties(of, body.get("properties") or {}) | properties(of, {"email": body["email"]})
        known = self._seek(of, values["email"], "email")
        record = known[0] if known else self._add(of, values)
        if known:
            self._change(of, record, values)
        return Reply(body={"success": True, "id": record["id"], "created": not known})

    # --- what they share --------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        contacts, companies, deals, notes = KINDS
        ada, _, _ = (
            self._add(
                contacts, {"email": f"{first.lower()}@{self.domain}", "firstname": first, "lastname": last, **more}
            )
            for first, last, more in (
                ("Ada", "Lovelace", {"lifecyclestage": "customer", "jobtitle": "Analyst", "city": "London"}),
                ("Charles", "Babbage", {"lifecyclestage": "lead", "city": "London"}),
                ("Mary", "Somerville", {"lifecyclestage": "lead", "city": "Jedburgh"}),
            )
        )
        works = self._add(companies, {"name": "Engine Works", "domain": "works.example", "numberofemployees": "12"})
        self._add(companies, {"name": "Café Zürich", "domain": "cafe.example", "city": "Zürich"})
        terms = {"pipeline": "default", "dealstage": "qualifiedtobuy"}
        engine = self._add(deals, {"dealname": "Difference engine", "amount": "17000", **terms})
        self._add(deals, {"dealname": "Spare gears", "amount": "950.50", **terms})
        note = self._add(notes, {"hs_note_body": "Prefers letters → no calls.", "hs_timestamp": "2026-01-05T09:00:00Z"})
        for kind, record in (("companies", works), ("deals", engine), ("notes", note)):
            self._link(("contacts", ada["id"]), (kind, record["id"]))

    def _fresh(self, of: Kind, sent: Any) -> dict[str, str]:
        values = properties(of, sent)
        twins = self._seek(of, values["email"], "email") if values.get("email") else []
        if twins:
            raise fault(f"Contact already exists. Existing ID: {twins[0]['id']}", "CONFLICT", 409)
        return values

    def _add(self, of: Kind, values: dict[str, str]) -> Json:
        number, now = str(self._ledger.number()), instant(self._ledger.moment())
        kept = {**values, "hs_object_id": number, "createdate": now, of.modified: now}
        record = {"id": number, "properties": kept, "createdAt": now, "updatedAt": now, "archived": False}
        self._records[of.name][number] = record
        return record

    def _change(self, of: Kind, record: Json, values: dict[str, str]) -> None:
        now = instant(self._ledger.moment())
        record["properties"].update(values, **{of.modified: now})
        record["updatedAt"] = now

    def _seek(self, of: Kind, wanted: str, by: str = "") -> list[Json]:
        name = by or "hs_object_id"
        records = [one for one in self._records[of.name].values() if not one["archived"]]
        return [one for one in records if one["properties"].get(name, "").lower() == wanted.lower()][:1]

    def _find(self, of: Kind, wanted: str, by: str = "") -> Json:
        for record in self._seek(of, wanted, by):
            return record
        raise fault("Object not found. objectId are usually numeric.", "OBJECT_NOT_FOUND", 404)

    def _end(self, call: Call, side: str = "") -> tuple[str, str]:
        names = ("toObjectType", "toObjectId") if side else ("objectType", "objectId")
        of = kind_of(call.path[names[0]])
        return of.name, self._find(of, call.path[names[1]])["id"]

    def _targets(self, of: Kind, body: Json) -> list[tuple[str, str]]:
        return [self._target(of, one) for one in rows(body.get("associations"), "associations")]

    def _target(self, of: Kind, sent: Json) -> tuple[str, str]:
        types = {str(one.get("associationTypeId")) for one in rows(sent.get("types"), "types")}
        kinds = [kind_of(other) for (mine, other), number in LINKS.items() if mine == of.name and str(number) in types]
        if not kinds or not isinstance(sent.get("to"), dict):
            raise fault("One or more associations are not valid: name `to.id` and a type that starts here.")
        return kinds[0].name, self._find(kinds[0], str(sent["to"].get("id")))["id"]

    def _link(self, me: tuple[str, str], other: tuple[str, str]) -> int:
        if (me[0], other[0]) not in LINKS:
            raise fault(f"No association type exists from {me[0]} to {other[0]}.")
        self._links[frozenset((me, other))] = None
        return LINKS[me[0], other[0]]

    def _owner(self, number: str, first: str, last: str) -> Json:
        email = f"{first.lower()}@{self.domain}"
        return {"id": number, "email": email, "firstName": first, "lastName": last, "archived": False}


def _kind(call: Call, name: str) -> Kind:
    return kind_of(name or call.path["objectType"])


def _id(call: Call) -> str:
    # The object's placeholder is the last one, whatever it is called.
    return [*call.path.values()][-1]
