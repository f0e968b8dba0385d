"""An Attio workspace in the sandbox: people, companies, lists, notes and tasks of one connection."""

import re
from typing import Any

from pica_mcp.sandbox.platforms.rolodex_query import select
from pica_mcp.sandbox.platforms.rolodex_values import KINDS, data, entries, fault, group, listing, rows
from pica_mcp.sandbox.upstream import Call, Json, Ledger, Reply, slug, stamp, strings, uuid


class Rolodex:
    """One workspace with two objects and a list; every method is one Attio endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._workspace = self._token()
        self._targets: dict[str, dict[str, Json]] = {"objects": {}, "lists": {}}
        self._attributes: dict[str, dict[str, Json]] = {}
        self._records: dict[str, dict[str, Json]] = {}
        self._notes: list[Json] = []
        self._tasks: list[Json] = []
        self._furnish(f"{slug(label)}.example")

    # --- attributes -------------------------------------------------------------------------------------------------

    def list_attributes(self, call: Call) -> Reply:
        found = list(self._attributes[self._target(call)["api_slug"]].values())
        shown = [one for one in found if call.first("show_archived") == "true" or not one["is_archived"]]
        return listing(shown, call.first("limit"), call.first("offset"))

    def create_attribute(self, call: Call) -> Reply:
        target, sent = self._target(call), data(call, "title", "api_slug", "type")
        meant = call.json().get("identifier")
        if meant not in (None, call.path["identifier"]):
            raise fault(
                f"identifier: the body means {meant!r}, the path {call.path['identifier']!r}.", "value_mismatch"
            )
        name, kind = str(sent["api_slug"]), sent["type"]
        if kind not in list(KINDS) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise fault(f"data: needs a type out of {', '.join(KINDS)}, and a slug in snake case.")
        if name in self._attributes[target["api_slug"]]:
            raise fault(f"An attribute with the slug {name!r} already exists.", "slug_conflict", 409)
        flags = {flag: sent.get(flag) is True for flag in ("is_required", "is_unique", "is_multiselect")}
        made = self._attribute(target, name, kind, str(sent["title"]), **flags)
        made["description"] = sent.get("description")
        return Reply(body={"data": made})

    def get_attribute(self, call: Call) -> Reply:
        return Reply(body={"data": self._one_attribute(call)})

    def update_attribute(self, call: Call) -> Reply:
        attribute, sent = self._one_attribute(call), data(call)
        for name in ("title", "description", "is_archived"):
            attribute[name] = sent.get(name, attribute[name])
        return Reply(body={"data": attribute})

    # --- objects and lists ------------------------------------------------------------------------------------------

    def list_objects(self, call: Call) -> Reply:
        del call
        return Reply(body={"data": list(self._targets["objects"].values())})

    def get_object(self, call: Call) -> Reply:
        return Reply(body={"data": self._object(call.path["object"])})

    def list_lists(self, call: Call) -> Reply:
        found, wanted = list(self._targets["lists"].values()), call.first("$filter")
        if wanted:
            match = re.fullmatch(r"(name|api_slug) eq '([^']*)'", wanted)
            if match is None:
                raise fault("$filter: write name eq 'Sales', or api_slug eq 'sales'.", "filter_error")
            found = [one for one in found if one[match[1]] == match[2]]
        return listing(found, call.first("$top"), call.first("$skip"))

    # --- records ----------------------------------------------------------------------------------------------------

    def query_records(self, call: Call) -> Reply:
        name, body = self._object(call.path["object"])["api_slug"], call.json()
        found = select(
            list(self._records[name].values()), self._attributes[name], body.get("filter"), body.get("sorts")
        )
        # The body's word counts; the query's is what older clients send.
        limit, offset = (body.get(word, call.first(word)) for word in ("limit", "offset"))
        return listing(found, limit, offset)

    def get_record(self, call: Call) -> Reply:
        return Reply(body={"data": self._record(call.path["object"], call.path["record_id"])})

    def create_record(self, call: Call) -> Reply:
        name = self._object(call.path["object"])["api_slug"]
        values = self._values(name, group(data(call, "values")["values"], "data.values"))
        twin = self._twin(name, values)
        if twin:
            raise fault(f"{name}: the record {twin['id']['record_id']} has one of these values.", status=409)
        return Reply(body={"data": self._add(name, values)})

    def assert_record(self, call: Call) -> Reply:
        name, by = self._object(call.path["object"])["api_slug"], call.first("matching_attribute")
        values = self._values(name, group(data(call, "values")["values"], "data.values"))
        if not self._attributes[name].get(by, {}).get("is_unique") or not values.get(by):
            raise fault(f"matching_attribute: {by!r} must be unique, and have a value.", "value_not_unique")
        twin = self._twin(name, {by: values[by]})
        if twin is None:
            return Reply(body={"data": self._add(name, values)})
        twin["values"].update(values)
        return Reply(body={"data": twin})

    def delete_record(self, call: Call) -> Reply:
        record = self._record(call.path["object"], call.path["record_id"])
        del self._records[self._object(call.path["object"])["api_slug"]][record["id"]["record_id"]]
        return Reply(body={})

    # --- notes and tasks --------------------------------------------------------------------------------------------

    def list_notes(self, call: Call) -> Reply:
        wanted = {name: call.first(name) for name in ("parent_object", "parent_record_id") if call.first(name)}
        found = [one for one in self._notes if all(one[name] == value for name, value in wanted.items())]
        return listing(found, call.first("limit") or 10, call.first("offset"), 50)

    def create_note(self, call: Call) -> Reply:
        sent = data(call, "parent_object", "parent_record_id", "title", "format", "content")
        self._record(str(sent["parent_object"]), str(sent["parent_record_id"]))
        if sent["format"] not in ("plaintext", "markdown"):
            raise fault("data.format: plaintext or markdown.")
        note = {name: sent[name] for name in ("parent_object", "parent_record_id", "title")}
        self._notes.append({"id": self._id("note"), **note, "content_plaintext": sent["content"], **self._times()})
        return Reply(body={"data": self._notes[-1]})

    def list_tasks(self, call: Call) -> Reply:
        done = call.first("is_completed")
        found = [one for one in self._tasks if done in ("", str(one["is_completed"]).lower())]
        expand = {name for value in call.every("expand[]") for name in value.split(",")}
        shown = [self._expanded(one) if "linked_records" in expand else one for one in found]
        return listing(shown, call.first("limit"), call.first("offset"))

    def create_task(self, call: Call) -> Reply:
        sent = data(call, "content")
        links = rows(sent.get("linked_records"), "data.linked_records")
        for link in links:
            self._record(str(link.get("target_object")), str(link.get("target_record_id")))
        task = {"content_plaintext": str(sent["content"]), "deadline_at": sent.get("deadline_at")}
        people = [{"referenced_actor_type": "workspace-member", "id": one} for one in strings(sent.get("assignees"))]
        state = {"is_completed": sent.get("is_completed") is True, "linked_records": links, "assignees": people}
        self._tasks.append({"id": self._id("task"), **task, **state, **self._times()})
        return Reply(body={"data": self._tasks[-1]})

    # --- what they share --------------------------------------------------------------------------------------------

    def _furnish(self, domain: str) -> None:
        self._furnish_attributes()
        for name, title in (("Ada Lovelace", "Analyst"), ("Zoë Müller", "Engineer"), ("Charles Babbage", None)):
            email = f"{name.split(' ', maxsplit=1)[0].lower()}@{domain}"
            self._add("people", self._values("people", {"name": name, "email_addresses": [email], "job_title": title}))
        for name, size in (("Engine Works", 12), ("Café Zürich", 4)):
            sent = {"name": name, "domains": [f"{slug(name)}.{domain}"], "employees": size}
            self._add("companies", self._values("companies", sent))

    def _furnish_attributes(self) -> None:
        people, companies = self._open("objects", "people", "Person"), self._open("objects", "companies", "Company")
        sales = self._open("lists", "sales", "Sales — été")
        several = {"is_unique": True, "is_multiselect": True}
        self._attribute(people, "name", "personal-name", "Name")
        self._attribute(people, "email_addresses", "email-address", "Email addresses", **several)
        self._attribute(people, "job_title", "text", "Job title")
        self._attribute(companies, "name", "text", "Name", is_required=True)
        self._attribute(companies, "domains", "domain", "Domains", **several)
        self._attribute(companies, "employees", "number", "Employees")
        self._attribute(sales, "stage", "select", "Stage")

    def _token(self) -> str:
        return uuid(self._ledger.token(32))

    def _id(self, kind: str, **more: str) -> Json:
        return {"workspace_id": self._workspace, **more, f"{kind}_id": self._token()}

    def _times(self) -> Json:
        return {"created_at": stamp(self._ledger.moment())}

    def _open(self, target: str, name: str, title: str) -> Json:
        named = {"singular_noun": title, "plural_noun": name.capitalize()} if target == "objects" else {"name": title}
        made = {"id": self._id(target.removesuffix("s")), "api_slug": name, **named, **self._times()}
        self._targets[target][name] = made
        self._attributes[name], self._records[name] = {}, {}
        return made

    def _attribute(self, target: Json, name: str, kind: str, title: str, **flags: bool) -> Json:
        unset = {"is_required": False, "is_unique": False, "is_multiselect": False, "is_archived": False}
        made = {"id": self._id("attribute"), "api_slug": name, "type": kind, "title": title, "description": None}
        self._attributes[target["api_slug"]][name] = {**made, **unset, **flags, **self._times()}
        return self._attributes[target["api_slug"]][name]

    def _target(self, call: Call) -> Json:
        target, wanted = call.path["target"], call.path["identifier"]
        by_id = call.first("identifier") == "id"  # the query says how to read the path
        for name, one in self._targets.get(target, {}).items():
            if wanted == (one["id"][f"{target.removesuffix('s')}_id"] if by_id else name):
                return one
        raise fault(f"Could not find {target} with identifier {wanted!r}.", status=404)

    def _one_attribute(self, call: Call) -> Json:
        wanted = call.path["attribute"]
        for name, one in self._attributes[self._target(call)["api_slug"]].items():
            if wanted in (name, one["id"]["attribute_id"]):
                return one
        raise fault(f"Could not find an attribute {wanted!r}.", status=404)

    def _object(self, wanted: str) -> Json:
        for name, one in self._targets["objects"].items():
            if wanted in (name, one["id"]["object_id"]):
                return one
        raise fault(f"Could not find an object {wanted!r}.", status=404)

    def _record(self, object_: str, token: str) -> Json:
        record = self._records[self._object(object_)["api_slug"]].get(token)
        if record is None:
            raise fault(f"Could not find a record with the id {token!r}.", status=404)
        return record

    def _values(self, name: str, sent: Json) -> dict[str, list[Json]]:
        known = self._attributes[name]
        strangers = [one for one in sent if one not in known]
        if strangers:
            raise fault(f"Cannot find attribute with slug {strangers[0]!r}.", "unknown_attribute_slug")
        return {one: entries(known[one], value) for one, value in sent.items()}

    def _twin(self, name: str, values: dict[str, list[Json]]) -> Json | None:
        unique = [one for one in values if self._attributes[name][one]["is_unique"]]
        pairs = [(one, entry) for one in unique for entry in values[one]]
        return next(
            (
                record
                for record in self._records[name].values()
                if any(entry in record["values"].get(one, []) for one, entry in pairs)
            ),
            None,
        )

    def _add(self, name: str, values: dict[str, list[Json]]) -> Json:
        for one, attribute in self._attributes[name].items():
            if attribute["is_required"] and one not in values:
                raise fault(f"{one}: required.", "missing_value")
        ids = self._id("record", object_id=self._targets["objects"][name]["id"]["object_id"])
        record = {"id": ids, "values": values, **self._times()}
        self._records[name][ids["record_id"]] = record
        return record

    def _expanded(self, task: Json) -> Json:
        links: list[Any] = [
            {
                **link,
                "record": self._records[self._object(link["target_object"])["api_slug"]].get(link["target_record_id"]),
            }
            for link in task["linked_records"]
        ]
        return {**task, "linked_records": links}
