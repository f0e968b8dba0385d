from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pica_mcp.models import Action
from pica_mcp.patterns import Pattern, ToolPattern, parse, parse_tools

Make = Callable[..., Action]

ID = "conn_mod_def::one::1"
SEND = {"platform": "gmail", "method": "POST", "path": "/gmail/v1/users/{{userId}}/messages/send", "id": ID}


@pytest.mark.parametrize(
    ("written", "facts", "matches"),
    [
        # Ids: exactly, with or without their prefix.
        (ID, {}, True),
        ("one::1", {}, True),
        (f"  {ID} ", {}, True),
        ("conn_mod_def::one::2", {}, False),
        ("conn_mod_def::one::1x", {}, False),
        (ID.upper(), {}, False),
        (ID, {"id": "one::1"}, True),
        (ID, {"id": ""}, None),
        # A platform.
        ("gmail", {}, True),
        ("GMail", {}, True),
        ("gmail", {"platform": "Gmail"}, True),
        ("gmai", {}, False),
        ("gmaill", {}, False),
        ("mail", {}, False),
        ("gm*", {}, True),
        ("*", {}, True),
        ("**", {}, True),
        ("google-*", {}, False),
        ("a_b GET", {"platform": "a_b", "method": "GET"}, True),  # with a method it is no tool's name
        ("a" * 500, {}, False),
        ("gmail", {"platform": ""}, None),
        # A method.
        ("gmail POST", {}, True),
        ("gmail post", {}, True),
        ("gmail POST", {"method": "post"}, True),
        ("gmail GET", {}, False),
        ("slack POST", {}, False),
        ("* POST", {}, True),
        ("gmail P*", {}, True),
        ("gmail P*T", {"method": "PATCH"}, False),
        ("gmail POST", {"method": ""}, None),
        ("slack POST", {"method": ""}, False),
        # A path: exactly, but for the stars.
        ("gmail POST /gmail/v1/users/{{userId}}/messages/send", {}, True),
        ("gmail POST /gmail/v1/users/*/messages/send", {}, True),
        ("gmail POST /gmail/v1/users/*/messages*", {}, True),
        ("gmail POST /gmail/v1/users/*/messages", {}, False),
        ("gmail * /gmail/*send", {}, True),
        ("gmail * *", {}, True),
        ("gmail * *", {"path": ""}, True),
        ("* POST */send", {}, True),
        ("* POST */SEND", {}, False),
        ("* POST /Gmail/*", {}, False),
        ("* * */messages/*", {}, True),
        ("* * */search", {}, False),
        ("* * */send", {"path": ""}, None),
        ("slack * */send", {"path": ""}, False),
        ("* GET */send", {"path": ""}, False),
        ("* POST */send", {"method": ""}, None),
        ("* POST */search", {"method": ""}, False),
        ("* * /{{a b}}/x", {"path": "/{{a b}}/x"}, True),
        ("* * /chat.delete", {"path": "chat.delete"}, True),
        # Pieces between stars do not overlap, and come in their order.
        ("* * /ab*ba", {"path": "/aba"}, False),
        ("* * /ab*ba", {"path": "/abba"}, True),
        ("* * /*a*b*", {"path": "/ba"}, False),
        ("* * /*ab*ab", {"path": "/ab"}, False),
        ("* * /*b*b", {"path": "/abb"}, True),
        # What is behind a question mark makes another action.
        ("* * /invoice", {"path": "/invoice?operation=delete"}, False),
        ("* * /invoice?operation=delete", {"path": "/invoice?operation=delete"}, True),
        ("* * /invoice*", {"path": "/invoice?operation=delete"}, True),
        # Nothing but a star is special.
        ("* * /v1.0/x", {"path": "/v1a0/x"}, False),
        ("* * /[a]?", {"path": "/a"}, False),
        ("* * /a/*\\b", {"path": "/a/x\\b"}, True),
    ],
)
def test_a_pattern_matches(action: Make, written: str, facts: dict[str, str], matches: bool | None) -> None:  # noqa: FBT001 - a table's column
    assert parse(written).matches(action(**(SEND | facts))) is matches


@pytest.mark.parametrize("text", ["gmail", "POST", "/gmail/v1/users/{{userId}}/messages/send", ID, "*"])
def test_titles_keys_and_tags_decide_nothing(action: Make, text: str) -> None:
    other = action(
        platform="slack", method="GET", path="/x", id="conn_mod_def::two::2", title=text, key=text, tags=[text]
    )
    for pattern in ("gmail", "* POST", "* * */send", ID):
        assert parse(pattern).matches(other) is False


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "at most"),
        ("   ", "at most"),
        ("a" * 501, "at most"),
        ("gmail_send_email", "name of a tool"),
        ("slack_*", "name of a tool"),
        ("Send Email", "second word is a method"),
        ("Send Email to a Person", "second word is a method"),
        ("gmail /users/*", "second word is a method"),
        ("gmail GETS", "second word is a method"),
        ("gmail PURGE", "second word is a method"),
        ("POST /gmail/v1/users", "second word is a method"),
        ("gmail GET users", "begins with /"),
        ("gmail GET /users /messages", "begins with /"),
        ("work@example.com", "google-calendar"),
        ("/users/*", "google-calendar"),
        ("Größe", "google-calendar"),
        ("conn_mod_def::*", "stands alone and whole"),
        ("conn_mod_def::a::1 GET", "stands alone and whole"),
        ("conn_mod_def::a::1,conn_mod_def::b::2 ", None),  # parted by the settings, before
        ("live::gmail::default::1", "key of a connection"),
        ("test::gmail::default::1", "key of a connection"),
    ],
)
def test_what_can_match_nothing_is_told_at_once(written: str, told: str | None) -> None:
    if told is None:
        parse(written)
        return
    with pytest.raises(ValueError, match=re.escape(told)) as raised:
        parse(written)
    assert str(raised.value).startswith("an action id like ")  # "PICA_X is '...', but must be an action id like ..."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("one::1", ID),
        ("GMAIL", "gmail"),
        ("gmail *", "gmail"),
        ("gmail * *", "gmail"),
        ("*", "*"),
        ("** ** **", "*"),
        ("  slack   get  ", "slack GET"),
        ("* * /A/**", "* * /A/*"),
        ("gmail get /a/{{user id}}", "gmail GET /a/{{user id}}"),
    ],
)
def test_a_pattern_is_shown_as_it_can_be_written(written: str, shown: str) -> None:
    assert str(parse(written)) == shown


GLOBS = st.text(alphabet="ab/*", max_size=12).map(lambda glob: f"/{glob}")
PATHS = st.text(alphabet="ab/", max_size=12).map(lambda path: f"/{path}")


@given(st.sampled_from(["gmail", "*", "g*l"]), st.sampled_from(["*", "GET", "P*"]), GLOBS)
def test_what_is_shown_means_the_same(platform: str, method: str, path: str) -> None:
    pattern = parse(f"{platform} {method} {path}")
    assert parse(str(pattern)) == pattern


@given(GLOBS, PATHS)
def test_stars_mean_what_they_mean_in_a_regex(action: Make, glob: str, path: str) -> None:
    regex = ".*".join(map(re.escape, glob.split("*")))
    assert parse(f"* * {glob}").matches(action(path=path)) is bool(re.fullmatch(regex, path))


@given(st.text(max_size=40))
def test_nothing_but_a_value_error_comes_of_any_text(text: str) -> None:
    try:
        pattern = parse(text)
    except ValueError:
        return
    assert parse(str(pattern)) == pattern


def test_a_hostile_path_is_gone_through_once(action: Make) -> None:
    """To try what every star could stand for would not end before the test run does."""
    pattern = parse("* * /" + "*a" * 200 + "*b")
    assert pattern.matches(action(path="/" + "a" * 200_000)) is False


def test_a_pattern_is_frozen() -> None:
    with pytest.raises(AttributeError):
        parse("gmail").platform = "*"  # type: ignore[misc]
    assert {parse("gmail"), parse("GMAIL *")} == {Pattern(platform="gmail")}


# Tools


@pytest.mark.parametrize(
    ("written", "name", "facts", "matches"),
    [
        # By name: the whole of it, but for the stars, and whatever the row tells.
        ("gmail_send_email", "gmail_send_email", {}, True),
        (" GMail_Send_Email ", "gmail_send_email", {}, True),
        ("gmail_send_email", "gmail_send_email_now", {}, False),
        ("gmail_send", "gmail_send_email", {}, False),
        ("gmail_*", "gmail_send_email", {}, True),
        ("gmail_*", "slack_send_message", {}, False),
        ("gmail_*", "gmailer_send", {}, False),
        ("*_delete_*", "gmail_delete_message", {"id": "", "path": ""}, True),
        ("*_delete_*", "gmail_delete", {}, False),
        ("*_*", "gmail_delete", {}, True),
        ("gmail_", "gmail_send_email", {}, False),
        # By action, as elsewhere: the name has no say.
        (ID, "slack_send_message", {}, True),
        ("one::1", "slack_send_message", {}, True),
        (ID, "gmail_send_email", {"id": ""}, None),
        ("gmail", "slack_send_message", {}, True),
        ("gmail", "gmail_send_email", {"platform": "slack"}, False),
        ("*", "gmail_send_email", {}, True),
        ("* POST */send", "gmail_send_email", {}, True),
        ("* POST */send", "gmail_send_email", {"path": ""}, None),
        ("a_b POST", "a_b", {}, False),
    ],
)
def test_a_tool_is_meant_by_its_name_or_by_its_action(
    action: Make, written: str, name: str, facts: dict[str, str], matches: object
) -> None:
    assert parse_tools(written).matches(name, action(**(SEND | facts))) is matches


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "at most"),
        ("Send Email", "second word is a method"),
        ("gmail_send email", "second word is a method"),
        ("gmail_send-email", "name of a tool"),
        ("größe_send", "name of a tool"),
        ("conn_mod_def::*", "stands alone and whole"),
        ("live::gmail::default::1", "key of a connection"),
    ],
)
def test_what_can_be_no_tool_is_told_at_once(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_tools(written)


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9*]+_[A-Za-z0-9_*]*", fullmatch=True))
def test_a_pattern_of_tools_is_shown_as_it_can_be_written(written: str) -> None:
    try:
        pattern = parse_tools(written)
    except ValueError:
        return
    assert parse_tools(str(pattern)) == pattern
    assert isinstance(hash(pattern), int)


def test_a_star_in_a_name_is_gone_through_once(action: Make) -> None:
    pattern = parse_tools("a_" + "*a" * 200 + "*b")
    assert pattern == ToolPattern("a_" + "*a" * 200 + "*b", None)
    assert pattern.matches("a_" + "a" * 200_000, action()) is False
