"""Which action fits the words of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp.discovery import ranking
from pica_mcp.discovery.ranking import everyday, fits, is_asked_for
from pica_mcp.discovery.wording import corrected, deed, names, squeezed
from pica_mcp.models import Action
from pica_mcp.spelling import words

Test = Callable[[Action], bool]


def best(
    query: str,
    found: Mapping[str, Sequence[Action]],
    listed: Mapping[str, Sequence[Action]] | None = None,
    destroys: Test = lambda _: False,
) -> list[Action]:
    known = [(row, "") for rows in (listed or {}).values() for row in rows]
    return ranking.best(query, found, known, offered=lambda _: True, destroys=destroys)


def action(platform: str, title: str, **facts: str | list[str]) -> Action:
    row = {"platform": platform, "title": title, "id": f"{platform} {title}", "method": "POST", "path": "/x"}
    return Action.model_validate({**row, **facts}, by_name=True)


CATALOGUE: Mapping[str, list[Action]] = {
    platform: [action(platform, title) for title in titles]
    for platform, titles in {
        "gmail": ["Send Email", "Get Emails", "Send Message", "Create Draft", "Delete Message", "List Labels"],
        "github": ["Create an Issue", "Create an Issue Comment", "List Repository Issues", "Get a Repository"],
        "linear": ["Create an Issue", "Update an Issue", "List Issues"],
        "google-calendar": ["Create Event", "Delete an Event", "List Events"],
        "hub-spot": ["List Deals", "Create a Contact", "Search Contacts"],
        "slack": ["Post a Message", "Send Slack Message", "Delete a Message", "List Conversations"],
        "stripe": ["Create a Customer", "List Customers", "Delete a Customer", "Create a Refund"],
    }.items()
}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("send an email with gmail", "gmail Send Email"),
        ("send a slack message", "slack Send Slack Message"),
        ("post a message to a channel", "slack Post a Message"),
        ("fetch my emails", "gmail Get Emails"),
        ("remove a customer", "stripe Delete a Customer"),
        ("find customers", "stripe List Customers"),
        ("make a new calendar event", "google-calendar Create Event"),
        ("hubspot deals", "hub-spot List Deals"),
        ("hub spot: add a person", "hub-spot Create a Contact"),
        ("open a ticket in linear", "linear Create an Issue"),
        ("edit an issue", "linear Update an Issue"),
        ("CreateIssueComment", "github Create an Issue Comment"),
    ],
)
def test_what_people_mean_comes_first(query: str, first: str) -> None:
    assert best(query, CATALOGUE)[0].id == first


def test_a_platform_that_is_named_comes_before_all_others() -> None:
    found = [one.platform for one in best("create an issue in linear", CATALOGUE)]
    assert "linear" in found
    assert found == sorted(found, key=lambda platform: platform != "linear")
    assert best("create an issue", CATALOGUE)[0].platform == "github"


def test_what_hardly_fits_is_left_out() -> None:
    assert {one.id for one in best("list customers", CATALOGUE)} <= {one.id for one in CATALOGUE["stripe"]}


def test_where_no_word_fits_picas_order_stays() -> None:
    rows = [action("exa", title) for title in ("Zebra", "Answer", "Mirror")]
    assert best("qqq", {"exa": rows}) == rows


def test_of_equals_the_one_made_for_agents_comes_first() -> None:
    plain, made = action("gmail", "Send Email"), action("gmail", "Send Email", id="made", tags=["custom"])
    assert best("send email", {"gmail": [made, plain]})[0] == made
    assert best("send email", {"gmail": [made], "mail": [action("mail", "Send Email")]})[0] == made


@pytest.mark.parametrize(
    ("query", "called", "named"),
    [
        ("send it with Gmail", ("gmail",), True),
        ("google calendar events", ("google-calendar",), True),
        ("googlecalendar events", ("google-calendar",), True),
        ("hubspot", ("hub-spot", "HubSpot"), True),
        ("calendar events", ("google-calendar", "Google Calendar"), False),
        ("send email", ("gmail",), False),
        ("", ("gmail",), False),
    ],
)
def test_a_platform_is_named_however_it_is_spaced(query: str, called: tuple[str, ...], *, named: bool) -> None:
    assert names(query, *called) is named


def test_what_pica_did_not_find_is_shown_where_it_fits_and_only_there() -> None:
    listed = {"stripe": CATALOGUE["stripe"]}
    assert best("erase customers", {"stripe": []}, listed)[0].title == "Delete a Customer"
    assert best("zebra", {"stripe": []}, listed) == []
    assert best("zebra", {"stripe": CATALOGUE["stripe"][:1]}, listed) == CATALOGUE["stripe"][:1]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("sned emial", "gmail Send Email"),
        ("custommers", "stripe List Customers"),
        ("creat contcat", "hub-spot Create a Contact"),
        ("slack chanels", "slack List Conversations"),
        ("message the #general channel", "slack Post a Message"),
        ("open issues", "linear List Issues"),
        ("upcoming meetings", "google-calendar List Events"),
        ("cancel a meeting", "google-calendar Delete an Event"),
        ("money back", "stripe Create a Refund"),
    ],
)
def test_what_people_write_is_understood(query: str, first: str) -> None:
    assert best(query, CATALOGUE)[0].id == first


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("show my invoices", "read"),
        ("charge a customer", "make"),
        ("comment on an issue", "make"),
        ("please move a deal", "change"),
        ("i want to get rid of it: delete", "remove"),
        ("customers", ""),
        ("", ""),
    ],
)
def test_what_is_to_be_done_is_read_from_the_words(query: str, wanted: str) -> None:
    assert deed(query) == wanted


@pytest.mark.parametrize(
    ("misspelt", "read"),
    [("calender", "calendar"), ("invioce", "invoice"), ("take", "take"), ("qqqqq", "qqqqq"), ("zu", "zu"), ("", "")],
)
def test_only_what_is_nearly_a_known_word_is_read_as_it(misspelt: str, read: str) -> None:
    assert corrected([misspelt], ["calendar", "invoice", "task"]) == [read]


def destroys(row: Action) -> bool:
    return row.title.startswith(("Delete", "Clear"))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("a customer", False),
        ("event", False),
        ("schedule an event", False),
        ("erase a customer", True),
        ("cancel the event", True),
        ("clear the calendar", True),
    ],
)
def test_what_destroys_comes_first_only_where_the_words_ask_for_it(query: str, *, asked: bool) -> None:
    rows = {
        "stripe": [action("stripe", title) for title in ("Delete a Customer", "Retrieve a Customer")],
        "google-calendar": [action("google-calendar", title) for title in ("Clear a Calendar", "Delete an Event")],
    }
    listed = {"google-calendar": [action("google-calendar", "Create Event")]}
    assert destroys(best(query, rows, listed, destroys=destroys)[0]) is asked


def test_everyday_actions_are_made_for_agents_or_need_no_id_and_do_no_harm() -> None:
    rows = [
        action("x", "Delete All"),
        action("x", "Get One", path="/x/{{id}}"),
        action("x", "List"),
        action("x", "Send It", tags=["custom"]),
        action("x", " "),
    ]
    assert [row.title for row in everyday(rows, destroys)] == ["Send It", "List", "Get One"]


@pytest.mark.parametrize("written", ["hub-spot", "HubSpot", "Hub Spot", "hub_spot", " HUBSPOT "])
def test_names_are_compared_without_what_people_leave_out(written: str) -> None:
    assert squeezed(written) == "hubspot"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("List Repositories", ["list", "repository"]),
        ("createAnIssue", ["create", "an", "issue"]),
        ("/v1/payment_intents/{{id}}", ["v1", "payment", "intent", "id"]),
        ("status of an address", ["status", "of", "an", "address"]),
        ("Ünïcode Straße", ["ünïcode", "straße"]),
        ("\u202e\u200b", []),
    ],
)
def test_words_are_lower_case_singular_and_seen(written: str, read: list[str]) -> None:
    assert words(written) == read


def test_a_title_of_any_length_costs_no_more_than_a_long_one() -> None:
    assert len(words("a b " * 200_000)) <= 24
    assert len(words("aB" * 200_000)) <= 24


@settings(max_examples=100)
@given(
    st.text(max_size=60),
    st.dictionaries(
        st.sampled_from(sorted(CATALOGUE)), st.lists(st.text(max_size=30), max_size=5), min_size=1, max_size=4
    ),
)
def test_nothing_is_invented_or_doubled_and_the_order_of_platforms_does_not_count(
    query: str, titles: dict[str, list[str]]
) -> None:
    found = {
        platform: [action(platform, title, id=f"{platform} {place}") for place, title in enumerate(of_it)]
        for platform, of_it in titles.items()
    }
    ranked = best(query, found)
    ids = [one.id for one in ranked]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {one.id for rows in found.values() for one in rows}
    assert bool(ids) == any(found.values())
    assert ranked == best(query, dict(reversed(found.items())))


@pytest.mark.parametrize(
    ("query", "title", "does"),
    [
        ("send an email", "Send Email", True),
        ("sned emial", "Send Email", True),
        ("write a mail", "Send Email", True),
        ("email", "Send Email", True),
        ("gmail", "Send Email", True),
        ("delete an email", "Send Email", False),
        ("send money", "Send Email", False),
        ("weather", "Check Whether Object Exists", False),
        ("throw the mail away", "Delete Message", True),
        ("archive a channel", "Delete Message", False),
        ("", "Send Email", True),
    ],
)
def test_an_action_fits_if_it_does_what_is_wanted_to_what_is_meant(query: str, title: str, *, does: bool) -> None:
    assert fits(query, action("gmail", title)) is does


def test_a_deed_is_asked_for_in_the_titles_own_word() -> None:
    assert is_asked_for("delete the weather", action("gmail", "Delete Message"))
    assert not is_asked_for("archive a channel", action("gmail", "Delete Message"))
