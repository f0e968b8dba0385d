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
LENGTHS = st.integers(20, 64)
RESERVED = frozenset({"list_pica_integrations", "gmail_list", "gmail_send_email"})


def catalogue(action: Make, rows: list[tuple[int, str, str]], platform: str = "gmail") -> list[Action]:
    return [action(platform=platform, id=f"conn_mod_def::{n}", title=title, key=key) for n, title, key in rows]


def ids(names: Mapping[str, Action]) -> dict[str, str]:
    return {name: action.id for name, action in names.items()}


@given(CATALOGUES, PLATFORMS, LENGTHS)
def test_every_action_gets_a_name_of_its_own_that_every_client_takes(
    action: Make, rows: list[tuple[int, str, str]], platform: str, max_chars: int
) -> None:
    actions = catalogue(action, rows, platform)
    names = tool_names(actions, RESERVED, max_chars)
    assert sorted(a.id for a in names.values()) == sorted(a.id for a in actions)
    for name in names:
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert len(name) <= max_chars
        assert name not in RESERVED


@given(CATALOGUES, st.randoms(use_true_random=False), LENGTHS)
def test_names_do_not_depend_on_order(
    action: Make, rows: list[tuple[int, str, str]], random: Random, max_chars: int
) -> None:
    actions = catalogue(action, rows)
    shuffled = list(actions)
    random.shuffle(shuffled)
    assert ids(tool_names(actions, max_chars=max_chars)) == ids(tool_names(shuffled, max_chars=max_chars))


@given(CATALOGUES, PLATFORMS, LENGTHS)
def test_all_names_of_a_platform_begin_with_its_prefix(
    action: Make, rows: list[tuple[int, str, str]], platform: str, max_chars: int
) -> None:
    names = tool_names(catalogue(action, rows, platform), RESERVED, max_chars)
    assert {name.split("_")[0] for name in names} <= {prefix(platform, max_chars)}


SLUGS = st.text("ab-", min_size=1, max_size=6) | st.sampled_from(["microsoft-teams", "microsoft-todo", "microsoft"])


@given(st.lists(st.tuples(SLUGS, TITLES), max_size=8, unique_by=lambda row: prefix(row[0])), LENGTHS)
def test_no_two_actions_of_platforms_that_begin_apart_share_a_name(
    action: Make, rows: list[tuple[str, str]], max_chars: int
) -> None:
    named = [tool_names([action(platform=p, title=title, id="")], max_chars=max_chars) for p, title in rows]
    assert len({name for names in named for name in names}) == len(named)


@given(CATALOGUES, PLATFORMS | SLUGS, LENGTHS)
def test_a_name_of_any_length_begins_with_its_platform(
    action: Make, rows: list[tuple[int, str, str]], platform: str, max_chars: int
) -> None:
    for name in tool_names(catalogue(action, rows, platform), RESERVED, max_chars):
        assert name.partition("_")[0] == prefix(platform, max_chars)


def test_platforms_of_which_little_is_left_do_not_begin_alike() -> None:
    long = ("microsoft-teams", "microsoft-todo", "gmail")
    assert [prefix(platform) for platform in long] == ["microsoftteams", "microsofttodo", "gmail"]
    teams, todo, gmail = (prefix(platform, 20) for platform in long)
    assert teams[:6] == todo[:6] == "micros"
    assert len({teams, todo, gmail}) == 3
    assert (len(teams), len(todo), gmail) == (10, 10, "gmail")


@given(CATALOGUES)
def test_another_action_changes_no_name_but_those_it_would_share(
    action: Make, rows: list[tuple[int, str, str]]
) -> None:
    """A client's list of allowed tools is by name: what is added upstream must not rename the rest."""
    before = tool_names(catalogue(action, rows))
    new = action(id="conn_mod_def::new", title="Nobody Else's Title")
    after = tool_names([*catalogue(action, rows), new])
    assert {name: a.id for name, a in after.items() if a.id != new.id} == ids(before)


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


@pytest.mark.parametrize(
    ("platform", "title", "max_chars", "name"),
    [
        # Small words go only where there is no room for them.
        ("github", "List Repositories for a User", 40, "github_list_repositories_for_user"),
        ("github", "List Repositories for the Organization", 40, "github_list_repositories_organization"),
        # Then long words are written short.
        ("github", "List Repositories for the Authenticated User", 40, "github_list_repos_authenticated_user"),
        (
            "github",
            "List Repositories for the Authenticated User",
            64,
            "github_list_repositories_for_authenticated_user",
        ),
        ("github", "Get all Environments of an Organization's Repository", 40, "github_get_envs_orgs_repo"),
        ("gmail", "Send and Archive", 20, "gmail_send_archive"),
        ("gmail", "For All of Them in Here by and by", 20, "gmail_them_here"),
        ("gmail", "Send Email", 20, "gmail_send_email"),
        # Nothing but small words is better than nothing.
        (
            "gmail",
            "On and on and on and on and on and on and on",
            50,
            "gmail_on_and_on_and_on_and_on_and_on_and_on_and_on",
        ),
    ],
)
def test_what_is_too_long_loses_what_says_least(
    action: Make, platform: str, title: str, max_chars: int, name: str
) -> None:
    assert list(tool_names([action(platform=platform, title=title)], max_chars=max_chars)) == [name]


def test_shorter_spellings_that_two_actions_share_get_a_hash_each(action: Make) -> None:
    titles = ["List the Workflow Runs for one Environment", "List the Workflow Runs of one Environment"]
    named = tool_names([action(platform="github", title=t, id=f"conn_mod_def::{t}") for t in titles], max_chars=36)
    assert [bool(re.fullmatch(r"github_list_workflow_runs_one_[0-9a-f]{6}", name)) for name in named] == [True, True]


@pytest.mark.parametrize("max_chars", [20, 21, 30, 64])
def test_a_platform_of_any_length_leaves_half_a_name(action: Make, max_chars: int) -> None:
    (name,) = tool_names([action(platform="x" * 50, title="y" * 50)], max_chars=max_chars)
    beginning, digest = name.rsplit("_", 1)
    assert (beginning[:6], len(beginning)) == ("xxxxxx", min(20, max_chars // 2))
    assert re.fullmatch(r"[0-9a-f]{6}", digest)


def test_a_name_that_is_too_long_is_cut_and_told_apart(action: Make) -> None:
    first, second = tool_names(
        [
            action(title="very " * 20 + "one", id="conn_mod_def::1"),
            action(title="very " * 20 + "two", id="conn_mod_def::2"),
        ]
    )
    assert first != second
    for name in (first, second):
        assert re.fullmatch(r"gmail(_very){5}_[0-9a-f]{6}", name)
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
