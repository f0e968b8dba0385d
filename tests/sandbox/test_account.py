from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

CONNECTIONS = "/v1/vault/connections"


async def test_live_secret_sees_the_live_connections_newest_first(pica: "Pica") -> None:
    answer = (await pica.http.get(CONNECTIONS, params={"limit": 100})).json()
    assert {name: answer[name] for name in ("total", "pages", "page")} == {"total": 25, "pages": 1, "page": 1}
    assert [(row["platform"], row["name"]) for row in answer["rows"]] == [
        ("bazaar", "Stall"),
        ("attio", "Apollo partners"),
        ("openai", None),
        ("exa", None),
        ("github", "apollo-bot"),
        ("quickbooks", "Acme books"),
        ("supabase", None),
        ("google-calendar", "Acme rooms"),
        ("google-sheets", "Acme stock"),
        ("google-drive", "Acme files"),
        ("linear", None),
        ("notion", "Growth wiki"),
        ("hub-spot", "Growth CRM"),
        ("exa", "Old search"),
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


async def test_a_row_may_have_neither_type_of_identity_nor_tags(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, platform="exa", name="Old search")
    assert (row["identityType"], row["tags"]) == (None, None)
    assert not await pica.rows(CONNECTIONS, platform="exa", tags="other")
    pica.box.reauthorize(row["key"])
    (row,) = await pica.rows(CONNECTIONS, platform="exa", name="Old search")
    assert row["tags"] is None


async def test_a_failed_connection_is_still_listed_as_active(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, name="Old workspace")
    assert (row["state"], row["active"]) == ("failed", True)


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({"identity": "ada"}, 6),
        ({"identity": "ada", "identityType": "user"}, 6),
        ({"identity": "ada", "identityType": "team"}, 0),
        ({"identityType": "organization"}, 7),
        ({"identityType": "project"}, 4),
        ({"identity": "growth", "platform": "hub-spot"}, 1),
        ({"platform": "gmail"}, 3),
        ({"name": "Work"}, 1),
        ({"tags": "oss,other"}, 1),
        ({"tags": "other"}, 0),
        ({"active": "false"}, 0),
        ({"platformVersion": "1.0.0"}, 25),
        ({"platformVersion": "2.0.0"}, 0),
        ({"colour": "blue"}, 25),
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
    pages = [(await pica.http.get(CONNECTIONS, params={"limit": 10, "page": n})).json() for n in (1, 2, 3, 4)]
    assert [len(page["rows"]) for page in pages] == [10, 10, 5, 0]
    assert [(page["page"], page["pages"], page["total"]) for page in pages] == [(n, 3, 25) for n in (1, 2, 3, 4)]
    assert len({row["id"] for page in pages for row in page["rows"]}) == 25


async def test_twenty_rows_are_a_page_unless_asked_otherwise(pica: "Pica") -> None:
    answer = (await pica.http.get(CONNECTIONS)).json()
    assert (len(answer["rows"]), answer["total"], answer["pages"]) == (20, 25, 2)


@pytest.mark.parametrize(
    "params",
    [{"limit": "0"}, {"limit": "many"}, {"limit": "9" * 5000}, {"limit": "\u0663"}, {"page": "0"}, {"page": "-1"}],
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


@pytest.mark.parametrize(
    "content", [b"{}", b'{"tags": ["a"], "x": NaN}', b'{"tags": "one"}', b'{"tags": [1]}', b"[]", b"not json"]
)
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


@pytest.mark.parametrize("kind", ["user", "team", "organization", "project"])
async def test_every_type_of_identity_has_a_connection(pica: "Pica", kind: str) -> None:
    assert await pica.rows(CONNECTIONS, identityType=kind)


async def test_a_degraded_connection_still_works(pica: "Pica") -> None:
    (row,) = await pica.rows(CONNECTIONS, platform="attio")
    assert row["state"] == "degraded"
    assert (await pica.send(row["key"], "GET", "/objects")).status_code == 200


async def test_authorising_again_replaces_the_key_and_keeps_the_account(pica: "Pica") -> None:
    old = await pica.key("gmail", "Work")
    sent = {"to": "a@b.example", "subject": "Kept", "body": "B"}
    assert (await pica.send(old, "POST", "/gmail/send-email", json={**sent, "connectionKey": old})).status_code == 200
    pica.box.set_state(old, "failed")
    new = pica.box.reauthorize(old)
    (row,) = await pica.rows(CONNECTIONS, name="Work")
    assert (row["key"], row["state"], row["identity"], row["identityType"]) == (new, "operational", "ada", "user")
    assert (await pica.send(old, "GET", "/users/{{userId}}/profile", {"userId": "me"})).status_code == 404
    found = await pica.send(new, "POST", "/gmail/get-emails", json={"connectionKey": new, "query": "subject:kept"})
    assert [mail["subject"] for mail in found.json()["emails"]] == ["Kept"]
    assert (await pica.rows(CONNECTIONS))[0]["key"] == new


async def test_authorising_again_keeps_an_identity_that_nobody_gave(pica: "Pica") -> None:
    old = await pica.key("github", "Dashboard")
    newer = pica.box.reauthorize(pica.box.reauthorize(old))
    (row,) = await pica.rows(CONNECTIONS, name="Dashboard")
    assert (row["key"], row["identity"]) == (newer, old.split("::")[-1])
    with pytest.raises(KeyError):
        pica.box.reauthorize(old)


async def test_a_connection_moves_to_another_identity_under_its_key(pica: "Pica") -> None:
    key = await pica.key("gmail", "Work")
    pica.box.move(key, "growth", "team")
    (row,) = await pica.rows(CONNECTIONS, key=key)
    assert (row["identity"], row["identityType"]) == ("growth", "team")
    assert key not in pica.box.keys("ada")


async def test_what_is_deleted_is_gone_for_every_endpoint(pica: "Pica") -> None:
    key = await pica.key("gmail", "Work")
    pica.box.disconnect(key)
    assert not await pica.rows(CONNECTIONS, key=key)
    assert key not in [row["key"] for row in await pica.rows("/v1/connections/reachable", limit="100")]
    with pytest.raises(KeyError):
        pica.box.set_state(key, "operational")


async def test_what_can_be_reached_is_neither_failed_nor_inactive(pica: "Pica") -> None:
    pica.box.connect("gmail", name="Sleeping", active=False)
    rows = await pica.rows("/v1/connections/reachable", limit="100")
    names = [row["name"] for row in rows]
    assert "Work" in names
    assert not {"Old workspace", "Sleeping"} & set(names)
    assert set(rows[0]) == {"key", "connector", "platform", "name", "title", "image", "access"}
