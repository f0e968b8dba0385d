from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

ATTRIBUTES, ATTRIBUTE = "/{{target}}/{{identifier}}/attributes", "/{{target}}/{{identifier}}/attributes/{{attribute}}"
RECORDS, QUERY = "/objects/{{object}}/records", "/objects/{{object}}/records/query"
RECORD = "/objects/{{object}}/records/{{record_id}}"
OBJECT = "/objects/{{object}}"
PEOPLE, COMPANIES = {"object": "people"}, {"object": "companies"}
OF_PEOPLE = {"target": "objects", "identifier": "people"}


@pytest.fixture
def crm(pica: "Pica") -> str:
    return pica.box.connect("attio", name="Acme")


async def create(pica: "Pica", key: str, **values: Any) -> dict[str, Any]:
    answer = await pica.send(key, "POST", RECORDS, PEOPLE, json={"data": {"values": values}})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def query(pica: "Pica", key: str, where: dict[str, str] = PEOPLE, **request: Any) -> list[str]:
    answer = await pica.send(key, "POST", QUERY, where, **request)
    assert answer.status_code == 200, answer.text
    names = [one["values"]["name"][0] for one in answer.json()["data"]]
    return [str(name.get("full_name") or name.get("value")).split()[0] for name in names]


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()
    assert set(error) == {"status_code", "type", "code", "message"}
    assert error["status_code"] == answer.status_code
    return answer.status_code, error["code"]


# --- attributes -----------------------------------------------------------------------------------------------------


async def test_attributes_are_listed_by_target(pica: "Pica", crm: str) -> None:
    listed = (await pica.send(crm, "GET", ATTRIBUTES, OF_PEOPLE)).json()["data"]
    assert [one["api_slug"] for one in listed] == ["name", "email_addresses", "job_title"]
    where = {"target": "lists", "identifier": "sales"}
    assert [one["api_slug"] for one in (await pica.send(crm, "GET", ATTRIBUTES, where)).json()["data"]] == ["stage"]
    some = await pica.send(crm, "GET", ATTRIBUTES, OF_PEOPLE, params={"limit": "1", "offset": "1"})
    assert [one["api_slug"] for one in some.json()["data"]] == ["email_addresses"]
    lost = await pica.send(crm, "GET", ATTRIBUTES, {"target": "planets", "identifier": "people"})
    assert refusal(lost) == (404, "not_found")


async def test_the_query_says_how_the_path_is_read(pica: "Pica", crm: str) -> None:
    token = (await pica.send(crm, "GET", OBJECT, PEOPLE)).json()["data"]["id"]["object_id"]
    where = {"target": "objects", "identifier": token}
    assert refusal(await pica.send(crm, "GET", ATTRIBUTES, where)) == (404, "not_found")
    assert len((await pica.send(crm, "GET", ATTRIBUTES, where, params={"identifier": "id"})).json()["data"]) == 3


async def test_a_new_attribute_can_be_written_and_archived(pica: "Pica", crm: str) -> None:
    data = {"title": "Größe", "api_slug": "size", "type": "number"}
    made = await pica.send(crm, "POST", ATTRIBUTES, OF_PEOPLE, json={"data": data, "identifier": "people"})
    assert made.json()["data"]["title"] == "Größe"
    assert (await create(pica, crm, name="Mary", size=42))["values"]["size"][0]["value"] == 42
    where = {**OF_PEOPLE, "attribute": "size"}
    assert (await pica.send(crm, "GET", ATTRIBUTE, where)).json() == made.json()
    await pica.send(crm, "PATCH", ATTRIBUTE, where, json={"data": {"is_archived": True}})
    assert len((await pica.send(crm, "GET", ATTRIBUTES, OF_PEOPLE)).json()["data"]) == 3
    every = await pica.send(crm, "GET", ATTRIBUTES, OF_PEOPLE, params={"show_archived": "true"})
    assert len(every.json()["data"]) == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"data": {"title": "A", "api_slug": "a", "type": "text"}, "identifier": "companies"}, 400, "value_mismatch"),
        ({"data": {"title": "A", "api_slug": "a"}}, 400, "missing_value"),
        ({"data": {"title": "A", "api_slug": "a", "type": "magic"}}, 400, "validation_type"),
        ({"data": {"title": "A", "api_slug": "A b", "type": "text"}}, 400, "validation_type"),
        ({"data": {"title": "A", "api_slug": "name", "type": "text"}}, 409, "slug_conflict"),
        ({"data": "A"}, 400, "validation_type"),
    ],
)
async def test_an_attribute_that_does_not_fit_is_refused(
    pica: "Pica", crm: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(await pica.send(crm, "POST", ATTRIBUTES, OF_PEOPLE, json=body)) == (status, code)


# --- records --------------------------------------------------------------------------------------------------------


async def test_a_record_is_created_read_and_deleted(pica: "Pica", crm: str) -> None:
    made = await create(
        pica, crm, name={"full_name": "Mary Somerville"}, email_addresses=["m@a.example", "m@b.example"]
    )
    assert made["values"]["name"][0]["last_name"] == "Somerville"
    assert [one["email_address"] for one in made["values"]["email_addresses"]] == ["m@a.example", "m@b.example"]
    where = {"object": "people", "record_id": made["id"]["record_id"]}
    assert (await pica.send(crm, "GET", RECORD, where)).json()["data"] == made
    gone = await pica.send(crm, "DELETE", RECORD, where)
    assert (gone.status_code, gone.json()) == (200, {})
    assert refusal(await pica.send(crm, "GET", RECORD, where)) == (404, "not_found")


async def test_asserting_creates_once_and_then_updates(pica: "Pica", crm: str) -> None:
    async def put(by: str = "email_addresses", **values: Any) -> httpx2.Response:
        body = {"data": {"values": values}}
        return await pica.send(crm, "PUT", RECORDS, PEOPLE, params={"matching_attribute": by}, json=body)

    first = (await put(name="Mary", email_addresses="m@a.example")).json()["data"]
    second = (await put(email_addresses="m@a.example", job_title="Writer")).json()["data"]
    assert second["id"] == first["id"]
    assert (second["values"]["name"], second["values"]["job_title"][0]["value"]) == (first["values"]["name"], "Writer")
    assert refusal(await put("name", name="Mary")) == (400, "value_not_unique")
    assert refusal(await put(name="Mary")) == (400, "value_not_unique")


async def test_workspaces_know_nothing_of_each_other(pica: "Pica", crm: str) -> None:
    other = pica.box.connect("attio", name="Other")
    made = await create(pica, crm, name="Mary")
    where = {"object": "people", "record_id": made["id"]["record_id"]}
    assert refusal(await pica.send(other, "GET", RECORD, where)) == (404, "not_found")
    assert await query(pica, other) == ["Ada", "Zoë", "Charles"]


@pytest.mark.parametrize(
    ("where", "sent", "found"),
    [
        (PEOPLE, {"name": "ada lovelace"}, ["Ada"]),
        (PEOPLE, {"name": {"$starts_with": "Z"}}, ["Zoë"]),
        (PEOPLE, {"email_addresses": {"$contains": "@acme"}, "name": {"$ends_with": "babbage"}}, ["Charles"]),
        (PEOPLE, {"job_title": {"$not_empty": False}}, ["Charles"]),
        (PEOPLE, {"job_title": {"$in": ["Analyst", "Engineer"]}}, ["Ada", "Zoë"]),
        (PEOPLE, {"$not": {"job_title": "Analyst"}}, ["Zoë", "Charles"]),
        (PEOPLE, {"$or": [{"name": "Ada Lovelace"}, {"$and": [{"job_title": {"$eq": "Engineer"}}]}]}, ["Ada", "Zoë"]),
        (COMPANIES, {"employees": {"$gt": 4}}, ["Engine"]),
        (COMPANIES, {"employees": {"$gte": 4, "$lt": 12}}, ["Café"]),
        (COMPANIES, {"employees": {"$lte": 12}}, ["Engine", "Café"]),
    ],
)
async def test_a_query_filters(
    pica: "Pica", crm: str, where: dict[str, str], sent: dict[str, Any], found: list[str]
) -> None:
    assert await query(pica, crm, where, json={"filter": sent}) == found


async def test_a_query_sorts(pica: "Pica", crm: str) -> None:
    down = {"sorts": [{"attribute": "name", "direction": "desc"}]}
    assert await query(pica, crm, json=down) == ["Zoë", "Charles", "Ada"]
    assert await query(pica, crm, json={"sorts": [{"attribute": "job_title"}]}) == ["Charles", "Ada", "Zoë"]


async def test_the_limit_of_the_body_goes_before_that_of_the_query(pica: "Pica", crm: str) -> None:
    assert await query(pica, crm, params={"limit": "1"}, json={}) == ["Ada"]
    assert await query(pica, crm, params={"limit": "1"}, json={"limit": 2, "offset": 1}) == ["Zoë", "Charles"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"filter": "all"}, "filter_error"),
        ({"filter": {"colour": "blue"}}, "unknown_filter_attribute_slug"),
        ({"filter": {"name": {"$like": "A"}}}, "filter_error"),
        ({"filter": {"name": 5}}, "filter_error"),
        ({"filter": {"name": {"$in": "A"}}}, "filter_error"),
        ({"filter": {"name": {"$contains": ["A"]}}}, "filter_error"),
        ({"filter": {"$and": "both"}}, "validation_type"),
        ({"sorts": [{"attribute": "colour"}]}, "unknown_filter_attribute_slug"),
        ({"limit": 501}, "validation_type"),
        ({"offset": "many"}, "validation_type"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(pica: "Pica", crm: str, body: dict[str, Any], code: str) -> None:
    assert refusal(await pica.send(crm, "POST", QUERY, PEOPLE, json=body)) == (400, code)


@pytest.mark.parametrize(
    ("where", "values", "status", "code"),
    [
        (PEOPLE, {"colour": "blue"}, 400, "unknown_attribute_slug"),
        (PEOPLE, {"email_addresses": "nobody"}, 400, "validation_email"),
        (PEOPLE, {"email_addresses": "ada@acme.example"}, 409, "uniqueness_conflict"),
        (PEOPLE, {"job_title": ["a", "b"]}, 400, "value_not_multiselect"),
        (PEOPLE, {"job_title": 5}, 400, "validation_type"),
        (PEOPLE, {}, 400, "missing_value"),
        (COMPANIES, {"employees": 5}, 400, "missing_value"),
        (COMPANIES, {"name": None}, 400, "missing_value"),
        (COMPANIES, {"name": "A", "employees": "many"}, 400, "validation_type"),
        (COMPANIES, {"name": "A", "employees": True}, 400, "validation_type"),
        ({"object": "planets"}, {"name": "A"}, 404, "not_found"),
    ],
)
async def test_attio_refuses_in_its_own_shape(
    pica: "Pica", crm: str, where: dict[str, str], values: dict[str, Any], status: int, code: str
) -> None:
    body = {"data": {"values": values or None}}
    assert refusal(await pica.send(crm, "POST", RECORDS, where, json=body)) == (status, code)


# --- objects, lists, notes and tasks --------------------------------------------------------------------------------


async def test_objects_and_lists_are_listed(pica: "Pica", crm: str) -> None:
    objects = (await pica.send(crm, "GET", "/objects")).json()["data"]
    assert [one["api_slug"] for one in objects] == ["people", "companies"]
    found = await pica.send(crm, "GET", "/lists", params={"$filter": "api_slug eq 'sales'", "$top": "5"})
    assert [one["name"] for one in found.json()["data"]] == ["Sales — été"]
    assert (await pica.send(crm, "GET", "/lists", params={"$filter": "name eq 'None'"})).json() == {"data": []}
    wrong = await pica.send(crm, "GET", "/lists", params={"$filter": "size gt 5"})
    assert refusal(wrong) == (400, "filter_error")


async def test_a_note_is_found_by_its_record(pica: "Pica", crm: str) -> None:
    record = (await create(pica, crm, name="Mary"))["id"]["record_id"]
    data = {"parent_object": "people", "parent_record_id": record, "title": "Call", "format": "plaintext"}
    made = await pica.send(crm, "POST", "/notes", json={"data": {**data, "content": "Très bien"}})
    assert made.json()["data"]["content_plaintext"] == "Très bien"
    found = await pica.send(crm, "GET", "/notes", params={"parent_record_id": record})
    assert found.json()["data"] == [made.json()["data"]]
    assert (await pica.send(crm, "GET", "/notes", params={"parent_object": "companies"})).json()["data"] == []
    assert refusal(await pica.send(crm, "POST", "/notes", json={"data": data})) == (400, "missing_value")
    odd = {"data": {**data, "content": "x", "format": "stone"}}
    assert refusal(await pica.send(crm, "POST", "/notes", json=odd)) == (400, "validation_type")


async def test_tasks_show_their_records_when_asked(pica: "Pica", crm: str) -> None:
    record = await create(pica, crm, name="Mary")
    link = {"target_object": "people", "target_record_id": record["id"]["record_id"]}
    for done in (False, True):
        data = {"content": "Oil gear 42", "is_completed": done, "linked_records": [link]}
        assert (await pica.send(crm, "POST", "/tasks", json={"data": data})).status_code == 200
    (task,) = (await pica.send(crm, "GET", "/tasks", params={"is_completed": "true"})).json()["data"]
    assert task["linked_records"] == [link]
    params = {"expand[]": ["assignees", "linked_records"]}
    shown = (await pica.send(crm, "GET", "/tasks", params=params)).json()["data"]
    assert [one["linked_records"][0]["record"] for one in shown] == [record, record]
    lost = {"content": "x", "linked_records": [{**link, "target_record_id": "0"}]}
    assert refusal(await pica.send(crm, "POST", "/tasks", json={"data": lost})) == (404, "not_found")


async def test_a_body_that_is_not_json_is_refused(pica: "Pica", crm: str) -> None:
    assert refusal(await pica.send(crm, "POST", "/tasks", content=b"{")) == (400, "validation_type")


async def test_a_failed_workspace_has_lost_its_authority(pica: "Pica") -> None:
    failed = pica.box.connect("attio", state="failed")
    assert refusal(await pica.send(failed, "GET", "/objects")) == (401, "unauthorized")
