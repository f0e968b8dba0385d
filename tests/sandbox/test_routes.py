from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

ADA = {"identity": "ada", "identityType": "user"}


async def test_whoami_names_user_organization_and_project(pica: "Pica") -> None:
    answer = (await pica.http.get("/v1/users/whoami")).json()
    assert set(answer) == {"user", "organization", "project"}
    assert answer["user"]["email"] == "ada@acme.example"


@pytest.mark.parametrize("path", ["/v1/authkit", "/v1/authkit/token"])
async def test_authkit_offers_what_can_be_connected(pica: "Pica", path: str) -> None:
    answer = (await pica.http.post(path, json=ADA)).json()
    assert (answer["total"], answer["pages"], answer["page"]) == (11, 1, 1)
    assert answer["requestId"]
    assert {"id", "connectionDefId", "type", "title", "image", "environment", "tags", "active"} <= set(
        answer["rows"][0]
    )
    assert "Stripe" not in [row["title"] for row in answer["rows"]]


async def test_authkit_comes_in_pages_and_knows_its_environment(rehearsal: "Pica") -> None:
    answer = (await rehearsal.http.post("/v1/authkit?limit=4&page=3", json=ADA)).json()
    assert (len(answer["rows"]), answer["pages"]) == (3, 3)
    assert {row["environment"] for row in answer["rows"]} == {"test"}


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ({}, ["identity", "identityType"]),
        ({"identity": "ada"}, ["identityType"]),
        ({"identity": "ada", "identity_type": "user"}, ["identityType"]),
        ({"identityType": "user"}, ["identity"]),
    ],
)
async def test_authkit_needs_identity_and_type_in_camel_case(
    pica: "Pica", body: dict[str, str], missing: list[str]
) -> None:
    answer = await pica.http.post("/v1/authkit", json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "message": [f"{name} should not be empty" for name in missing],
        "error": "Bad Request",
    }
