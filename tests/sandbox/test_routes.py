import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx2
import pytest

from pica_mcp.sandbox import Sandbox

from .conftest import open_client

if TYPE_CHECKING:
    from .conftest import Pica

CONNECTIONS = "/v1/vault/connections"
ADA = {"identity": "ada", "identityType": "user"}


async def test_whoami_names_user_organization_and_project(pica: "Pica") -> None:
    answer = (await pica.http.get("/v1/users/whoami")).json()
    assert set(answer) == {"user", "organization", "project"}
    assert answer["user"]["email"] == "ada@acme.example"


@pytest.mark.parametrize("path", ["/v1/authkit", "/v1/authkit/token"])
async def test_authkit_offers_what_can_be_connected(pica: "Pica", path: str) -> None:
    answer = (await pica.http.post(path, json=ADA)).json()
    assert (answer["total"], answer["pages"], answer["page"]) == (17, 1, 1)
    assert answer["requestId"]
    assert {"id", "connectionDefId", "type", "title", "image", "environment", "tags", "active"} <= set(
        answer["rows"][0]
    )
    assert "Stripe" not in [row["title"] for row in answer["rows"]]


async def test_authkit_comes_in_pages_and_knows_its_environment(rehearsal: "Pica") -> None:
    answer = (await rehearsal.http.post("/v1/authkit?limit=7&page=3", json=ADA)).json()
    assert (len(answer["rows"]), answer["pages"]) == (3, 3)
    assert {row["environment"] for row in answer["rows"]} == {"test"}


@pytest.mark.parametrize("body", [{}, {"identity": "ada"}, {"identityType": "user"}, {"identityType": None}])
async def test_authkit_needs_neither_identity_nor_type(pica: "Pica", body: dict[str, str | None]) -> None:
    assert (await pica.http.post("/v1/authkit", json=body)).status_code == 200


async def test_authkit_reads_the_type_in_camel_case_only(pica: "Pica") -> None:
    async def token(**body: str) -> str:
        return (await pica.http.post("/v1/authkit", json={"identity": "ada", **body})).json()["requestId"]

    assert await token(identity_type="user") == await token()
    assert await token(identityType="user") != await token()


async def test_authkit_refuses_a_type_that_is_none(pica: "Pica") -> None:
    answer = await pica.http.post("/v1/authkit", json={"identity": "ada", "identityType": "person"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")


async def test_flags_say_what_the_account_may_try(pica: "Pica") -> None:
    flags = (await pica.http.get("/v1/users/flags")).json()
    assert set(flags) == {"accessList", "authkitWhitelist", "earlyAccess", "completedQuickstart"}


async def test_counts_are_open_to_everybody(pica: "Pica") -> None:
    platforms = await pica.http.get("/open/count/platforms", headers={"x-pica-secret": "none"})
    tools = await pica.http.get("/open/count/tools", headers={"x-pica-secret": "none"})
    asked = {"limit": 1, "supported": "true"}
    total = (await pica.http.get("/v1/knowledge", params=asked)).json()["total"]
    assert (platforms.json(), tools.json()) == ({"count": 20}, {"count": total})


# The older generation


@pytest.fixture
async def older() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(Sandbox(generation=1)) as http:
        yield http


async def test_the_older_lists_have_another_envelope_and_begin_where_they_are_told(older: httpx2.AsyncClient) -> None:
    answer = (await older.get(CONNECTIONS, params={"skip": 23, "limit": 5})).json()
    rows = answer.pop("rows")
    assert answer == {"type": "Vault Connections", "total": 25, "skip": 23, "limit": 5}
    assert [row["name"] for row in rows] == ["Personal", "Work"]


@pytest.mark.parametrize("path", [CONNECTIONS, "/v1/available-connectors", "/v1/knowledge"])
async def test_the_older_lists_take_a_page_for_a_filter_that_nothing_meets(
    older: httpx2.AsyncClient, path: str
) -> None:
    answer = (await older.get(path, params={"page": 1})).json()
    assert (answer["rows"], answer["total"]) == ([], 0)


async def test_an_older_connection_has_an_id_of_its_own_form(older: httpx2.AsyncClient) -> None:
    rows = (await older.get(CONNECTIONS, params={"limit": 100})).json()["rows"]
    ids = [row["_id"] for row in rows]
    assert all(re.fullmatch(r"conn::[\w-]{11}::[\w-]{22}", one) for one in ids)
    assert len(set(ids)) == len(rows) == 25
    assert (await older.delete(f"{CONNECTIONS}/{ids[0]}")).status_code == 200
    left = (await older.get(CONNECTIONS, params={"limit": 100})).json()["rows"]
    assert [row["_id"] for row in left] == ids[1:]


WRONG_CHANGES: tuple[dict[str, object], ...] = (
    {"identity": 5},
    {"identity": None},
    {"identity": ""},
    {"identity": "x" * 129},
    {"identityType": "person"},
    {"identityType": {}},
    {"active": "x"},
    {"active": 1},
)


@pytest.mark.parametrize("change", WRONG_CHANGES)
async def test_an_older_connection_is_not_changed_into_what_none_can_be(
    older: httpx2.AsyncClient, change: dict[str, object]
) -> None:
    (row,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    answer = await older.patch(f"{CONNECTIONS}/{row['_id']}", json={"active": True, **change})
    assert (answer.status_code, answer.json()["type"]) == (400, "BadRequest")
    assert (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"] == [row]


async def test_an_older_connection_takes_a_number_that_json_does_not_have_for_nothing(
    older: httpx2.AsyncClient,
) -> None:
    (row,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    answer = await older.patch(f"{CONNECTIONS}/{row['_id']}", content=b'{"identity": 1e999}')
    assert answer.status_code == 400


async def test_an_older_connection_moves_to_another_identity(older: httpx2.AsyncClient) -> None:
    (row,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    change = {"identity": "x" * 128, "identityType": "team"}
    assert (await older.patch(f"{CONNECTIONS}/{row['_id']}", json=change)).status_code == 200
    (again,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    assert (again["identity"], again["identityType"]) == ("x" * 128, "team")


async def test_an_older_row_has_another_id_times_in_milliseconds_and_no_state(older: httpx2.AsyncClient) -> None:
    (row,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    assert not {"id", "state", "tags"} & set(row)
    assert row["_id"]
    assert row["createdAt"] == row["updatedAt"] > 10**12
    assert (row["updated"], row["deleted"], row["deprecated"]) == (False, False, False)


async def test_an_older_connection_is_changed_otherwise_and_not_read_alone(older: httpx2.AsyncClient) -> None:
    (row,) = (await older.get(CONNECTIONS, params={"name": "Work"})).json()["rows"]
    url = f"{CONNECTIONS}/{row['_id']}"
    assert (await older.get(url)).status_code == 405
    changed = await older.patch(url, json={"active": False, "name": "Other"})
    assert changed.json() == {row["_id"]: {"active": False}}
    (again,) = (await older.get(CONNECTIONS, params={"active": "false"})).json()["rows"]
    assert again["updated"]
    assert again["updatedAt"] > again["createdAt"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/available-connectors", "Available Connectors"),
        ("/v1/available-actions/gmail", "Available Actions"),
        ("/v1/knowledge?connectionPlatform=gmail", "read"),
    ],
)
async def test_every_older_list_says_what_it_is_of(older: httpx2.AsyncClient, path: str, kind: str) -> None:
    answer = (await older.get(path)).json()
    assert (answer["type"], answer["skip"], answer["limit"]) == (kind, 0, 20)
    assert not [row for row in answer["rows"] if "id" in row]


async def test_what_cannot_be_skipped_is_a_bad_request(older: httpx2.AsyncClient) -> None:
    assert (await older.get(CONNECTIONS, params={"skip": "-1"})).status_code == 400
