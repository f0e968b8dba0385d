from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

CONTACTS, CONTACT = "/crm/v3/objects/contacts", "/crm/v3/objects/contacts/{{contactId}}"
COMPANIES, COMPANY = "/crm/v3/objects/companies", "/crm/v3/objects/companies/{{companyId}}"
DEALS, DEAL = "/crm/v3/objects/deals", "/crm/v3/objects/deals/{{dealId}}"
SEARCH, READ, CREATE, ERASE = (f"{CONTACTS}/{end}" for end in ("search", "batch/read", "batch/create", "gdpr-delete"))
ANY, DATED = "/crm/v3/objects/{{objectType}}/search", "/crm/objects/2026-03/{{objectType}}/search"
LINKS = "/crm/v4/objects/{{objectType}}/{{objectId}}/associations/{{toObjectType}}"
LINK, DEFAULT = f"{LINKS}/{{{{toObjectId}}}}", LINKS.replace("/{{to", "/default/{{to") + "/{{toObjectId}}"
UPSERT = "/hub-spot/upsert-contact"


@pytest.fixture
def crm(pica: "Pica") -> str:
    return pica.box.connect("hub-spot", name="Acme")


async def create(pica: "Pica", key: str, path: str = CONTACTS, **properties: object) -> dict[str, Any]:
    answer = await pica.send(key, "POST", path, json={"properties": properties})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def search(pica: "Pica", key: str, *filters: dict[str, Any], **body: Any) -> dict[str, Any]:
    groups = {"filterGroups": [{"filters": list(filters)}]} if filters else {}
    answer = await pica.send(key, "POST", SEARCH, json={**groups, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(found: dict[str, Any]) -> list[str]:
    return [one["properties"]["firstname"] for one in found["results"]]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()
    assert set(error) == {"status", "message", "correlationId", "category"}
    assert error["status"] == "error"
    return answer.status_code, error["category"]


# --- objects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "one", "name"),
    [(CONTACTS, CONTACT, "firstname"), (COMPANIES, COMPANY, "name"), (DEALS, DEAL, "dealname")],
)
async def test_an_object_is_created_changed_and_archived(
    pica: "Pica", crm: str, kind: str, one: str, name: str
) -> None:
    made = await create(pica, crm, kind, **{name: "Zoë"})
    where = {one.split("{{")[1].removesuffix("}}"): made["id"]}
    read = (await pica.send(crm, "GET", one, where)).json()
    assert (read["id"], read["properties"][name], read["archived"]) == (made["id"], "Zoë", False)
    changed = await pica.send(crm, "PATCH", one, where, json={"properties": {name: "Ines"}})
    assert changed.json()["properties"][name] == "Ines"
    assert changed.json()["updatedAt"] > made["updatedAt"]
    gone = await pica.send(crm, "DELETE", one, where)
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(await pica.send(crm, "GET", one, where)) == (404, "OBJECT_NOT_FOUND")
    bin_ = (await pica.send(crm, "GET", kind, params={"archived": "true"})).json()
    assert [one["id"] for one in bin_["results"]] == [made["id"]]


async def test_an_update_keeps_what_it_does_not_name(pica: "Pica", crm: str) -> None:
    made = await create(pica, crm, email="zoe@acme.example", city="Zürich")
    body = {"properties": {"firstname": "Zoë"}}
    params = {"idProperty": "email"}
    await pica.send(crm, "PATCH", CONTACT, {"contactId": "zoe@acme.example"}, params=params, json=body)
    params = {"properties": "city,firstname"}
    read = (await pica.send(crm, "GET", CONTACT, {"contactId": made["id"]}, params=params)).json()
    assert (read["properties"]["city"], read["properties"]["firstname"]) == ("Zürich", "Zoë")
    assert "email" not in read["properties"]


async def test_numbers_and_flags_are_kept_as_text(pica: "Pica", crm: str) -> None:
    made = await create(pica, crm, DEALS, dealname="Gears", amount=12.5)
    assert made["properties"]["amount"] == "12.5"


@pytest.mark.parametrize("params", [{"properties": ["city", "email"]}, {"properties": "city, email"}])
async def test_properties_are_repeated_or_joined(pica: "Pica", crm: str, params: dict[str, Any]) -> None:
    (first, *_) = (await pica.send(crm, "GET", CONTACTS, params=params)).json()["results"]
    assert set(first["properties"]) == {"city", "email", "hs_object_id", "createdate", "lastmodifieddate"}


async def test_contacts_come_in_pages(pica: "Pica", crm: str) -> None:
    first = (await pica.send(crm, "GET", CONTACTS, params={"limit": "2"})).json()
    after = first["paging"]["next"]["after"]
    second = (await pica.send(crm, "GET", CONTACTS, params={"limit": "2", "after": after})).json()
    assert names(first) + names(second) == ["Ada", "Charles", "Mary"]
    assert "paging" not in second


async def test_accounts_know_nothing_of_each_other(pica: "Pica", crm: str) -> None:
    other = pica.box.connect("hub-spot", name="Other")
    made = await create(pica, crm, firstname="Zoë")
    assert (await pica.send(other, "GET", CONTACT, {"contactId": made["id"]})).status_code == 404
    assert names((await pica.send(other, "GET", CONTACTS)).json()) == ["Ada", "Charles", "Mary"]


# --- search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "operator", "rest", "found"),
    [
        ("firstname", "EQ", {"value": "ada"}, ["Ada"]),
        ("city", "NEQ", {"value": "London"}, ["Mary"]),
        ("email", "CONTAINS_TOKEN", {"value": "*@acme.example"}, ["Ada", "Charles", "Mary"]),
        ("email", "CONTAINS_TOKEN", {"value": "charles"}, ["Charles"]),
        ("email", "CONTAINS_TOKEN", {"value": "*ch*s@*.exa**le"}, ["Charles"]),
        ("email", "CONTAINS_TOKEN", {"value": "c*c"}, []),
        ("email", "CONTAINS_TOKEN", {"value": "*h*h*"}, []),
        ("email", "CONTAINS_TOKEN", {"value": "*" * 40 + "?"}, []),
        ("email", "NOT_CONTAINS_TOKEN", {"value": "charles"}, ["Ada", "Mary"]),
        ("jobtitle", "HAS_PROPERTY", {}, ["Ada"]),
        ("jobtitle", "NOT_HAS_PROPERTY", {}, ["Charles", "Mary"]),
        ("lastname", "IN", {"values": ["lovelace", "somerville"]}, ["Ada", "Mary"]),
        ("lastname", "NOT_IN", {"values": ["lovelace"]}, ["Charles", "Mary"]),
        ("lastname", "GT", {"value": "Lovelace"}, ["Mary"]),
        ("lastname", "GTE", {"value": "Lovelace"}, ["Ada", "Mary"]),
        ("lastname", "LT", {"value": "Lovelace"}, ["Charles"]),
        ("lastname", "LTE", {"value": "Lovelace"}, ["Ada", "Charles"]),
        ("lastname", "BETWEEN", {"value": "B", "highValue": "M"}, ["Ada", "Charles"]),
    ],
)
async def test_search_compares(
    pica: "Pica", crm: str, name: str, operator: str, rest: dict[str, Any], found: list[str]
) -> None:
    answer = await search(pica, crm, {"propertyName": name, "operator": operator, **rest})
    assert (names(answer), answer["total"]) == (found, len(found))


async def test_filters_are_joined_by_and_and_groups_by_or(pica: "Pica", crm: str) -> None:
    london = {"propertyName": "city", "operator": "EQ", "value": "London"}
    lead = {"propertyName": "lifecyclestage", "operator": "EQ", "value": "lead"}
    mary = {"propertyName": "firstname", "operator": "EQ", "value": "Mary"}
    assert names(await search(pica, crm, london, lead)) == ["Charles"]
    groups = [{"filters": [london, lead]}, {"filters": [mary]}]
    assert names(await search(pica, crm, filterGroups=groups)) == ["Charles", "Mary"]


async def test_search_sorts_and_pages_and_looks_for_words(pica: "Pica", crm: str) -> None:
    sorts = [{"propertyName": "firstname", "direction": "DESCENDING"}]
    first = await search(pica, crm, sorts=sorts, limit=2)
    assert (names(first), first["total"]) == (["Mary", "Charles"], 3)
    assert names(await search(pica, crm, sorts=sorts, limit=2, after=first["paging"]["next"]["after"])) == ["Ada"]
    found = await search(pica, crm, query="jedburgh", properties=["firstname"])
    assert names(found) == ["Mary"]
    assert "email" not in found["results"][0]["properties"]


@pytest.mark.parametrize("path", [ANY, DATED])
async def test_amounts_are_compared_as_numbers_under_both_paths(pica: "Pica", crm: str, path: str) -> None:
    body = {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "GT", "value": "2000"}]}]}
    answer = await pica.send(crm, "POST", path, {"objectType": "0-3"}, json=body)
    assert [one["properties"]["dealname"] for one in answer.json()["results"]] == ["Difference engine"]


async def test_two_actions_have_one_title_and_differ_in_their_paths(pica: "Pica") -> None:
    rows = await pica.rows("/v1/knowledge", connectionPlatform="hub-spot", limit="100")
    same = [row for row in rows if row["title"] == "Search Objects"]
    assert [row["path"] for row in same] == [ANY, DATED]
    assert len({row["_id"] for row in same}) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": "all"},
        {"filterGroups": [{"filters": ["city"]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "LIKE", "value": "L"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "colour", "operator": "EQ", "value": "L"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "IN", "value": "L"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "BETWEEN", "value": "L"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "HAS_PROPERTY"}]}] * 6},
        {"sorts": [{"propertyName": "colour"}]},
        {"limit": 201},
        {"limit": "many"},
        {"properties": [1]},
    ],
)
async def test_a_search_that_means_nothing_is_refused(pica: "Pica", crm: str, body: dict[str, Any]) -> None:
    assert refusal(await pica.send(crm, "POST", SEARCH, json=body)) == (400, "VALIDATION_ERROR")


# --- batches --------------------------------------------------------------------------------------------------------


async def test_a_batch_is_created_as_a_whole_and_read_by_id_or_address(pica: "Pica", crm: str) -> None:
    inputs = [{"properties": {"email": f"{name}@new.example"}} for name in ("a", "b")]
    made = await pica.send(crm, "POST", CREATE, json={"inputs": inputs})
    assert (made.status_code, len(made.json()["results"])) == (201, 2)
    wanted = {"idProperty": "email", "inputs": [{"id": "b@new.example"}, {"id": "c@new.example"}]}
    read = await pica.send(crm, "POST", READ, json=wanted)
    assert read.status_code == 207
    assert [one["id"] for one in read.json()["results"]] == [made.json()["results"][1]["id"]]
    assert read.json()["errors"][0]["context"] == {"ids": ["c@new.example"]}
    whole = await pica.send(crm, "POST", READ, json={"inputs": [{"id": made.json()["results"][0]["id"]}]})
    assert (whole.status_code, whole.json()["status"]) == (200, "COMPLETE")


async def test_a_batch_with_one_fault_creates_nothing(pica: "Pica", crm: str) -> None:
    inputs = [{"properties": {"email": "a@new.example"}}, {"properties": {"colour": "blue"}}]
    assert (await pica.send(crm, "POST", CREATE, json={"inputs": inputs})).status_code == 400
    twice = await pica.send(crm, "POST", CREATE, json={"inputs": inputs[:1] * 2})
    assert refusal(twice) == (400, "VALIDATION_ERROR")
    assert len((await pica.send(crm, "GET", CONTACTS)).json()["results"]) == 3


async def test_erasing_leaves_nothing_in_the_bin(pica: "Pica", crm: str) -> None:
    erased = await pica.send(crm, "POST", ERASE, json={"objectId": "ada@acme.example", "idProperty": "email"})
    assert (erased.status_code, erased.content) == (204, b"")
    assert names(await search(pica, crm)) == ["Charles", "Mary"]
    assert (await pica.send(crm, "GET", CONTACTS, params={"archived": "true"})).json()["results"] == []
    assert refusal(await pica.send(crm, "POST", ERASE, json={"objectId": 1})) == (404, "OBJECT_NOT_FOUND")


# --- associations and the account -----------------------------------------------------------------------------------


async def test_a_link_is_seen_from_both_ends_until_it_is_removed(pica: "Pica", crm: str) -> None:
    contact, deal = await create(pica, crm, firstname="Zoë"), await create(pica, crm, DEALS, dealname="Gears")
    there = {"objectType": "contacts", "objectId": contact["id"], "toObjectType": "deals", "toObjectId": deal["id"]}
    back = {"objectType": "deals", "objectId": deal["id"], "toObjectType": "contact"}
    made = (await pica.send(crm, "PUT", DEFAULT, there)).json()
    assert made["results"][0]["associationSpec"]["associationTypeId"] == 4
    (seen,) = (await pica.send(crm, "GET", LINKS, back)).json()["results"]
    assert (seen["toObjectId"], seen["associationTypes"][0]["typeId"]) == (int(contact["id"]), 3)
    assert (await pica.send(crm, "DELETE", LINK, there)).status_code == 204
    assert (await pica.send(crm, "GET", LINKS, back)).json() == {"results": []}


async def test_a_note_is_written_onto_a_contact(pica: "Pica", crm: str) -> None:
    contact = await create(pica, crm, firstname="Zoë")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]
    link = {"to": {"id": contact["id"]}, "types": types}
    body = {"properties": {"hs_note_body": "Called → no answer."}, "associations": [link]}
    note = (await pica.send(crm, "POST", "/crm/v3/objects/notes", json=body)).json()
    where = {"objectType": "contacts", "objectId": contact["id"], "toObjectType": "notes"}
    (seen,) = (await pica.send(crm, "GET", LINKS, where)).json()["results"]
    assert str(seen["toObjectId"]) == note["id"]
    wrong = {**body, "associations": [{"to": {"id": contact["id"]}, "types": [{"associationTypeId": 279}]}]}
    assert refusal(await pica.send(crm, "POST", "/crm/v3/objects/notes", json=wrong))[0] == 400


async def test_owners_and_pipelines_are_listed(pica: "Pica", crm: str) -> None:
    owners = (await pica.send(crm, "GET", "/crm/v3/owners/", params={"email": "grace@acme.example"})).json()
    assert [one["id"] for one in owners["results"]] == ["71001"]
    path = "/crm/v3/pipelines/{{objectType}}"
    (pipeline,) = (await pica.send(crm, "GET", path, {"objectType": "deals"})).json()["results"]
    assert pipeline["stages"][0]["id"] == "appointmentscheduled"


async def test_the_custom_action_creates_once_and_then_updates(pica: "Pica", crm: str) -> None:
    body = {"connectionKey": crm, "email": "zoe@acme.example", "properties": {"firstname": "Zoë"}}
    first = (await pica.send(crm, "POST", UPSERT, json=body)).json()
    second = (await pica.send(crm, "POST", UPSERT, json={**body, "properties": {"city": "Bern"}})).json()
    assert (first["created"], second) == (True, {"success": True, "id": first["id"], "created": False})
    assert names(await search(pica, crm, query="bern")) == ["Zoë"]
    keyless = await pica.send(crm, "POST", UPSERT, json={"email": "zoe@acme.example"})
    assert keyless.json()["message"] == ["connectionKey should not be empty"]


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status", "category"),
    [
        (CONTACTS, {}, 400, "VALIDATION_ERROR"),
        (CONTACTS, {"properties": {"colour": "blue"}}, 400, "VALIDATION_ERROR"),
        (CONTACTS, {"properties": {"email": "nobody"}}, 400, "VALIDATION_ERROR"),
        (CONTACTS, {"properties": {"city": ["London"]}}, 400, "VALIDATION_ERROR"),
        (CONTACTS, {"properties": {"email": "ada@acme.example"}}, 409, "CONFLICT"),
        (CONTACTS, {"properties": {}, "associations": [{"to": "1"}]}, 400, "VALIDATION_ERROR"),
        (DEALS, {"properties": {"dealstage": "dreaming"}}, 400, "VALIDATION_ERROR"),
        (CREATE, {"inputs": []}, 400, "VALIDATION_ERROR"),
        (CREATE, {"inputs": [1]}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_hubspot_refuses_in_its_own_shape(
    pica: "Pica", crm: str, path: str, body: dict[str, Any], status: int, category: str
) -> None:
    assert refusal(await pica.send(crm, "POST", path, json=body)) == (status, category)


async def test_a_kind_that_does_not_exist_is_refused(pica: "Pica", crm: str) -> None:
    answer = await pica.send(crm, "POST", ANY, {"objectType": "ghosts"}, json={})
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    where = {"objectType": "deals", "objectId": "1", "toObjectType": "contacts", "toObjectId": "2"}
    assert refusal(await pica.send(crm, "PUT", DEFAULT, where)) == (404, "OBJECT_NOT_FOUND")


async def test_a_failed_account_has_lost_its_authority(pica: "Pica") -> None:
    failed = pica.box.connect("hub-spot", state="failed")
    assert refusal(await pica.send(failed, "GET", CONTACTS)) == (401, "INVALID_AUTHENTICATION")


async def test_a_body_that_is_not_json_is_refused(pica: "Pica", crm: str) -> None:
    assert refusal(await pica.send(crm, "POST", CONTACTS, content=b"{")) == (400, "VALIDATION_ERROR")
