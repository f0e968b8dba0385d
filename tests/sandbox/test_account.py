from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

CONNECTIONS = "/v1/vault/connections"


async def test_live_secret_sees_the_live_connections_newest_first(pica: "Pica") -> None:
    answer = (await pica.http.get(CONNECTIONS)).json()
    assert {name: answer[name] for name in ("total", "pages", "page")} == {"total": 11, "pages": 1, "page": 1}
    assert [(row["platform"], row["name"]) for row in answer["rows"]] == [
        ("github", "Dashboard"),
        ("github", "acme-bot"),
        ("stripe", "Acme billing"),
        ("slack", None),
        ("gmail", "Growth inbox"),
        ("github", None),
        ("stripe", "Engines billing"),
        ("slack", "Old workspace"),
        ("slack", "Engines"),
        ("gmail", "Personal"),
        ("gmail", "Work"),
    ]
    created = [row["createdAt"] for row in answer["rows"]]
    assert created == sorted(created, reverse=True)


async def test_test_secret_sees_the_test_connections_only(rehearsal: "Pica") -> None:
    rows = await rehearsal.rows(CONNECTIONS)
    assert [row["name"] for row in rows] == ["Test billing", "Test mailbox"]
    assert all(row["environment"] == "test" and row["key"].startswith("test::") for row in rows)


async def test_a_row_has_every_documented_field(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, platform="github", identity="ada")
    token = row["key"].removeprefix("live::github::default::").removesuffix("|ada")
    assert len(bytes.fromhex(token)) == 16
    assert row["createdAt"].endswith("Z")
    assert "." in row["createdAt"]
    assert {name: value for name, value in row.items() if name not in {"id", "key", "createdAt"}} == {
        "platformVersion": "1.0.0",
        "name": None,
        "type": "api",
        "environment": "live",
        "platform": "github",
        "identity": "ada",
        "identityType": "user",
        "description": "Repositories, issues and reviews",
        "state": "operational",
        "tags": ["oss"],
        "version": "1.0.0",
        "active": True,
    }


async def test_a_connection_without_caller_identity_is_its_own_identity(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, name="Dashboard")
    assert row["identity"] == row["key"].split("::")[-1]
    assert row["identityType"] is None


async def test_a_failed_connection_is_still_listed_as_active(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, name="Old workspace")
    assert (row["state"], row["active"]) == ("failed", True)


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({"identity": "ada"}, 6),
        ({"identity": "ada", "identityType": "user"}, 6),
        ({"identity": "ada", "identityType": "team"}, 0),
        ({"identityType": "organization"}, 2),
        ({"platform": "gmail"}, 3),
        ({"name": "Work"}, 1),
        ({"tags": "oss,other"}, 1),
        ({"tags": "other"}, 0),
        ({"active": "false"}, 0),
        ({"platformVersion": "1.0.0"}, 11),
        ({"colour": "blue"}, 11),
    ],
)
async def test_filters_narrow_the_list_and_unknown_ones_do_not(
    pica: "Pica", filters: dict[str, str], total: int
) -> None:
    assert (await pica.http.get(CONNECTIONS, params=filters)).json()["total"] == total


async def test_keys_are_filtered_by_a_comma_list(pica: "Pica") -> None:
    keys = [await pica.key("gmail", "Work"), await pica.key("stripe", "Acme billing")]
    assert {row["key"] for row in await pica.rows(CONNECTIONS, key=",".join(keys))} == set(keys)


async def test_pages_follow_each_other_without_overlap(pica: "Pica") -> None:
    pages = [(await pica.http.get(CONNECTIONS, params={"limit": 4, "page": n})).json() for n in (1, 2, 3, 4)]
    assert [len(page["rows"]) for page in pages] == [4, 4, 3, 0]
    assert [(page["page"], page["pages"], page["total"]) for page in pages] == [(n, 3, 11) for n in (1, 2, 3, 4)]
    assert len({row["id"] for page in pages for row in page["rows"]}) == 11


async def test_twenty_rows_are_a_page_unless_asked_otherwise(pica: "Pica") -> None:
    for number in range(15):
        pica.box.connect("gmail", identity=f"user {number}", identity_type="user")
    answer = (await pica.http.get(CONNECTIONS)).json()
    assert (len(answer["rows"]), answer["total"], answer["pages"]) == (20, 26, 2)


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "many"}, {"limit": "9" * 5000}, {"page": "0"}, {"page": "-1"}]
)
async def test_a_page_that_cannot_be_is_a_bad_request(pica: "Pica", params: dict[str, str]) -> None:
    answer = await pica.http.get(CONNECTIONS, params=params)
    (name,) = params
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "message": [f"{name} must be a whole number not less than 1"],
        "error": "Bad Request",
    }


async def test_one_connection_can_be_read_tagged_and_deleted(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, name="Work")
    url = f"{CONNECTIONS}/{row['id']}"
    assert (await pica.http.get(url)).json() == row
    tagged = await pica.http.patch(url, json={"tags": ["mine", "work"]})
    assert tagged.json() == {**row, "tags": ["mine", "work"]}
    deleted = await pica.http.delete(url)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert (await pica.http.get(url)).status_code == 404


@pytest.mark.parametrize("content", [b"{}", b'{"tags": "one"}', b'{"tags": [1]}', b"[]", b"not json"])
async def test_tags_that_are_not_a_list_of_strings_are_a_bad_request(pica: "Pica", content: bytes) -> None:
    (row,) = await pica.rows(CONNECTIONS, name="Work")
    answer = await pica.http.patch(f"{CONNECTIONS}/{row['id']}", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"


async def test_a_connection_of_the_other_environment_is_not_found(pica: "Pica", rehearsal: "Pica") -> None:
    (row,) = await rehearsal.rows(CONNECTIONS, name="Test mailbox")
    answer = await pica.http.get(f"{CONNECTIONS}/{row['id']}")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "NotFound",
        "code": 2005,
        "status": 404,
        "key": "err::application::not_found",
        "message": f"Connection with id {row['id']} not found",
        "meta": None,
    }


async def test_connecting_again_mints_a_new_key(pica: "Pica") -> None:
    old = await pica.key("gmail", "Work")
    pica.box.disconnect(old)
    new = pica.box.connect("gmail", identity="ada", identity_type="user", name="Work")
    assert new != old
    assert await pica.key("gmail", "Work") == new


async def test_a_test_can_connect_whatever_it_needs(pica: "Pica", rehearsal: "Pica") -> None:
    key = pica.box.connect(
        "notion", identity="team one:two", identity_type="project", tags=["a"], environment="test", active=False
    )
    assert key.startswith("test::notion::default::")
    assert key.endswith("|team-one-two")
    (row,) = await rehearsal.rows(CONNECTIONS, active="false")
    assert (row["key"], row["identity"], row["tags"]) == (key, "team one:two", ["a"])
    assert row["description"] == "Pages and databases"


async def test_state_changes_when_a_test_says_so(pica: "Pica") -> None:
    pica.box.set_state(await pica.key("gmail", "Work"), "degraded")
    (row,) = await pica.rows(CONNECTIONS, name="Work")
    assert row["state"] == "degraded"


async def test_keys_of_an_identity_are_at_hand_newest_first(pica: "Pica") -> None:
    rows = await pica.rows(CONNECTIONS, identity="ada")
    assert pica.box.keys("ada") == tuple(row["key"] for row in rows)
    assert [key.split("::")[1] for key in pica.box.keys("ada", "test")] == ["stripe", "gmail"]
    assert pica.box.keys("nobody") == ()


async def test_what_is_not_connected_can_be_neither_removed_nor_changed(pica: "Pica") -> None:
    with pytest.raises(KeyError):
        pica.box.disconnect("live::gmail::default::nothing")
    with pytest.raises(KeyError):
        pica.box.set_state("live::gmail::default::nothing", "failed")
