from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.models import Action
from pica_mcp.naming import MAX_CHARS, prefix, tool_names

Make = Callable[..., Action]

TITLES = st.sampled_from(["Send Email", "send email", "List", "", "取得", "Ünï", "a" * 60, "a" * 60 + "b"]) | st.text(
    max_size=50
)
CATALOGUES = st.lists(
    st.tuples(st.integers(0, 99), TITLES, st.sampled_from(["", "key", "another-key"])),
    max_size=12,
    unique_by=lambda row: row[0],
)
PLATFORMS = st.sampled_from(["gmail", "google-sheets", "ポスト", "x" * 50, "", f"{'x' * 30}-{'y' * 20}", "a-" * 30])
RESERVED = frozenset({"list_pica_integrations", "gmail_list", "gmail_send_email"})


def catalogue(action: Make, rows: list[tuple[int, str, str]], platform: str = "gmail") -> list[Action]:
    return [action(platform=platform, id=f"conn_mod_def::{n}", title=title, key=key) for n, title, key in rows]


def ids(names: Mapping[str, Action]) -> dict[str, str]:
    return {name: action.id for name, action in names.items()}


@given(CATALOGUES, PLATFORMS)
def test_every_action_gets_a_name_of_its_own_that_every_client_takes(
    action: Make, rows: list[tuple[int, str, str]], platform: str
) -> None:
    actions = catalogue(action, rows, platform)
    names = tool_names(actions, RESERVED)
    assert sorted(a.id for a in names.values()) == sorted(a.id for a in actions)
    for name in names:
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert len(name) <= MAX_CHARS
        assert name not in RESERVED


@given(CATALOGUES, st.randoms(use_true_random=False))
def test_names_do_not_depend_on_order(action: Make, rows: list[tuple[int, str, str]], random: Random) -> None:
    actions = catalogue(action, rows)
    shuffled = list(actions)
    random.shuffle(shuffled)
    assert ids(tool_names(actions)) == ids(tool_names(shuffled))


@given(CATALOGUES, PLATFORMS)
def test_all_names_of_a_platform_begin_with_its_prefix(
    action: Make, rows: list[tuple[int, str, str]], platform: str
) -> None:
    names = tool_names(catalogue(action, rows, platform), RESERVED)
    assert {name.split("_")[0] for name in names} <= {prefix(platform)}


def test_no_title_of_one_platform_spells_a_name_of_another(action: Make) -> None:
    """`zoho` with "CRM Records" and `zoho-crm` with "Records": one may read where the other deletes."""
    one = tool_names([action(platform="zoho", title="CRM Records")])
    other = tool_names([action(platform="zoho-crm", title="Records")])
    assert (set(one), set(other)) == ({"zoho_crm_records"}, {"zohocrm_records"})


@pytest.mark.parametrize(
    ("platform", "title", "name"),
    [
        ("gmail", "Send Email", "gmail_send_email"),
        ("gmail", "Send Gmail Email", "gmail_send_email"),
        ("gmail", "Gmail: send e-mail!", "gmail_send_e_mail"),
        ("gmail", "Gmail", "gmail_gmail"),
        ("google-sheets", "Get Google Sheets Values", "googlesheets_get_values"),
        ("google-sheets", "Get Google Values", "googlesheets_get_google_values"),
        ("gmail", "listMessages", "gmail_list_messages"),
        ("gmail", "Get the User's Labels of a Thread", "gmail_get_users_labels_of_thread"),
        ("gmail", "The A", "gmail_the_a"),
        ("gmail", "Größe ändern", "gmail_groe_andern"),
        ("gmail", "Café \U0001f44b", "gmail_cafe"),
        ("gmail", "x" * 34, "gmail_" + "x" * 34),
    ],
)
def test_a_name_is_the_platform_and_the_title(action: Make, platform: str, title: str, name: str) -> None:
    assert list(tool_names([action(platform=platform, title=title)])) == [name]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"title": "取得", "key": "getMessage"}, "gmail_get_message"),
        ({"title": "", "key": "api::gmail::list"}, "gmail_api_list"),
        ({"title": "取得", "key": "", "method": "GET", "path": "/v1/{{id}}"}, "gmail_get_v1_id"),
        ({"title": "", "key": "", "method": "", "path": ""}, "gmail_action"),
    ],
)
def test_a_title_without_letters_gives_way_to_the_key_then_the_request(
    action: Make, facts: dict[str, str], name: str
) -> None:
    assert list(tool_names([action(**facts)])) == [name]


def test_a_name_that_is_too_long_is_cut_and_told_apart(action: Make) -> None:
    first, second = tool_names(
        [
            action(title="very " * 20 + "one", id="conn_mod_def::1"),
            action(title="very " * 20 + "two", id="conn_mod_def::2"),
        ]
    )
    assert first != second
    for name in (first, second):
        assert re.fullmatch(r"gmail(_very)+_[0-9a-f]{6}|gmail(_very)+_v?e?r?_[0-9a-f]{6}", name)
        assert len(name) <= MAX_CHARS


def test_actions_that_share_a_name_all_get_a_suffix_and_the_others_none(action: Make) -> None:
    names = tool_names(
        [
            action(title="Send", id="conn_mod_def::1"),
            action(title="send!", id="conn_mod_def::2"),
            action(title="List", id="conn_mod_def::3"),
        ]
    )
    assert [bool(re.fullmatch(r"gmail_send_[0-9a-f]{6}", name)) for name in names] == [True, True, False]
    assert names["gmail_list"].id == "conn_mod_def::3"


def test_a_suffix_follows_the_id_and_not_the_company(action: Make) -> None:
    one = action(title="Send", id="conn_mod_def::1")
    few = tool_names([one, action(title="Send", id="conn_mod_def::2")])
    many = tool_names([action(title="Send", id="conn_mod_def::3"), action(title="Send", id="conn_mod_def::2"), one])
    assert [name for name, a in few.items() if a is one] == [name for name, a in many.items() if a is one]


def test_a_reserved_name_is_never_given(action: Make) -> None:
    (name,) = tool_names([action(title="List", id="conn_mod_def::1")], RESERVED)
    assert re.fullmatch(r"gmail_list_[0-9a-f]{6}", name)


def test_actions_without_an_id_are_told_apart_by_the_rest(action: Make) -> None:
    names = tool_names([action(id="", title="Send", path="/a"), action(id="", title="Send", path="/b")])
    assert sorted(a.path for a in names.values()) == ["/a", "/b"]


@pytest.mark.parametrize("first", [True, False])
def test_a_title_that_imitates_a_suffix_takes_no_other_actions_name(action: Make, first: bool) -> None:  # noqa: FBT001 - a table's column
    pair = [action(title="Send", id="conn_mod_def::1"), action(title="Send", id="conn_mod_def::2")]
    imitated = next(iter(tool_names(pair)))
    imitator = action(title=imitated.removeprefix("gmail_"), id="conn_mod_def::3")
    names = tool_names([imitator, *pair] if first else [*pair, imitator])
    assert sorted(a.id for a in names.values()) == ["conn_mod_def::1", "conn_mod_def::2", "conn_mod_def::3"]
    assert ids(names) == ids(tool_names([*pair, imitator]))


def test_a_row_that_comes_twice_has_one_name(action: Make) -> None:
    rows = [action(title="Send", id="conn_mod_def::1"), action(title="Send", id="conn_mod_def::1")]
    assert len(tool_names(rows)) == 1
