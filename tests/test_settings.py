from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pica_mcp.access import Caller, Identity, IdentityType, Permission, admit
from pica_mcp.consent import Policy
from pica_mcp.errors import InvalidSettings
from pica_mcp.models import Action
from pica_mcp.patterns import ToolPattern, parse, parse_tools
from pica_mcp.secret import Command, File, Fixed, Keyring
from pica_mcp.settings import DEFAULT_BASE_URL, OPTIONS, SECRETS, Origin, Settings, environment, flags_in, in_full, load
from pica_mcp.settings.secrets import _command

SECRET = "sk_live_1_hush"
ENVIRON = {"PICA_SECRET": SECRET}
FOLDER = str(Path(__file__).parent.resolve())
# Option → a value in the environment, another as a flag, and what each means.
VALUES: dict[str, tuple[str, str, Callable[[Settings], Any], Any, Any]] = {
    "base_url": (
        "https://a.example",
        "https://b.example/",
        lambda s: s.base_url,
        "https://a.example",
        "https://b.example",
    ),
    "header_family": ("one", "PICA", lambda s: s.family, "one", "pica"),
    "identity": ("ada", " bob ", lambda s: s.identity.id, "ada", "bob"),
    "identity_type": ("user", "Team", lambda s: s.identity.type, IdentityType.USER, IdentityType.TEAM),
    "permissions": ("read", "WRITE", lambda s: s.grant.permission, Permission.READ, Permission.WRITE),
    "connection_keys": ("a::1, b::2", "c::3,,", lambda s: s.grant.connection_keys, {"a::1", "b::2"}, {"c::3"}),
    "platforms": ("gmail, Google-Drive", "*", lambda s: s.grant.platforms, {"gmail", "google-drive"}, None),
    "action_ids": ("a::1, gmail GET", "*", lambda s: s.grant.actions, (parse("a::1"), parse("gmail GET")), None),
    "effects": (
        "slack POST /a=b*=read,a::1=destructive",
        "gmail=write",
        lambda s: [(str(rule.pattern), rule.effect) for rule in s.grant.effects],
        [("slack POST /a=b*", "read"), ("conn_mod_def::a::1", "destructive")],
        [("gmail", "write")],
    ),
    "consent": ("always", "OFF", lambda s: s.consent, Policy.ALWAYS, Policy.OFF),
    "connection_names": (
        "Work=live::gmail::1, Home = gmail/ada@home.example",
        "Tom's=live::gmail::1",
        lambda s: s.preferences.names,
        {"live::gmail::1": "Work", "gmail/ada@home.example": "Home"},
        {"live::gmail::1": "Tom's"},
    ),
    "default_connections": (
        "Gmail=Work,slack=live::slack::1",
        "gmail=Home",
        lambda s: s.preferences.defaults,
        {"gmail": "Work", "slack": "live::slack::1"},
        {"gmail": "Home"},
    ),
    "audit": ("/var/log/pica.jsonl", "off", lambda s: s.audit, "/var/log/pica.jsonl", "off"),
    "audit_hash_callers": ("true", "false", lambda s: s.audit_hash_callers, True, False),
    "knowledge_agent": ("true", "0", lambda s: s.grant.knowledge_only, True, False),
    "tools": ("all", "None", lambda s: s.tools, "all", "none"),
    "max_tools": ("5", "9999999", lambda s: s.max_tools, 5, 9_999_999),
    "max_tool_tokens": ("1", "100", lambda s: s.max_tool_tokens, 1, 100),
    "pin": (
        "GMail_Send*, stripe POST, a::1",
        "slack",
        lambda s: s.pins,
        (ToolPattern("gmail_send*", None), ToolPattern("stripe POST", parse("stripe POST")), parse_tools("a::1")),
        (parse_tools("slack"),),
    ),
    "exclude": (
        "bazaar,*_delete_*",
        "* DELETE",
        lambda s: s.exclusions,
        (ToolPattern("bazaar", parse("bazaar")), ToolPattern("*_delete_*", None)),
        (parse_tools("* DELETE"),),
    ),
    "tool_name_max": ("20", "64", lambda s: s.tool_name_max, 20, 64),
    "schema_profile": ("raw", "OpenAI-Strict", lambda s: s.schema_profile, "raw", "openai-strict"),
    "max_result_tokens": ("200", "100000", lambda s: s.max_result_tokens, 200, 100_000),
    "cache": ("off", "/made/when/needed", lambda s: s.cache, None, Path("/made/when/needed")),
    "cache_mb": ("16", "10000", lambda s: s.cache_mb, 16, 10_000),
    "files": (FOLDER, f" {FOLDER}/ ", lambda s: s.files, Path(FOLDER), Path(FOLDER)),
    "poll_seconds": ("1", "60", lambda s: s.poll_seconds, 1, 60),
    "log_level": ("debug", "ERROR", lambda s: s.log_level, "debug", "error"),
}
BAD: dict[str, tuple[list[str], str]] = {
    "base_url": (
        [
            "api.picaos.com", "ftp://api.picaos.com", "https://", "https://a?b=c", "https://a#b", "https://user:pass@a",
            "https://:pass@a", "https://[::1", "https://a:port", "https://a:99999",
        ],
        "a URL like https://api.picaos.com",
    ),
    "header_family": (["both"], "one of pica, one"),
    "identity_type": (["bogus"], "one of user, team, organization, project"),  # entry_06
    "permissions": (["root", "r"], "one of read, write, admin"),
    "connection_keys": (  # entry_06
        [",", " , ", "a::1,*", "*,a::1", "**", "Work", "live::gmail::1, Work"],
        "* alone, or connection keys like live::gmail::… parted by commas",
    ),
    "action_ids": (
        [",", "conn_mod_def::a::1,*"],
        "* alone, or action ids, or patterns like 'gmail GET /gmail/*', parted by commas",
    ),
    "platforms": ([",", "gmail,*", "gmail slack", "live::gmail::1"], "* alone, or names like gmail parted by commas"),
    "consent": (["sometimes"], "one of auto, always, off"),
    "connection_names": (["Work", "=a::1", "Work="], "pairs like Work=live::gmail::… or gmail=Work, parted by commas"),
    "default_connections": (
        ["a b=Work", "gmail=Work,GMAIL=Home"],
        "platforms like gmail, each once, with the label or key of one of its connections",
    ),
    "effects": ([",", "gmail", "gmail=delete", "gmail_send_email=read"], ""),
    "audit_hash_callers": (["maybe"], "one of true, false, 1, 0"),
    "knowledge_agent": (["maybe", "yes"], "one of true, false, 1, 0"),
    "tools": (["some"], "one of auto, all, none"),
    "max_tools": (["0", "-1", "1.5", "many", "1_0", "99999999"], "a whole number above 0"),
    "max_tool_tokens": (["0", "1e3"], "a whole number above 0"),
    "pin": (["Send Email", "gmail GETS", "conn_mod_def::*"], "an action id like conn_mod_def::…::…, or"),
    "exclude": ([" , ", "gmail_send email", "live::gmail::1"], ""),
    "tool_name_max": (["19", "65", "0", "40.0", "forty"], "a whole number from 20 to 64"),
    "schema_profile": (["strict", "openai", "json"], "one of portable, openai-strict, raw"),
    "max_result_tokens": (["199", "100001", "6,000", "-200"], "a whole number from 200 to 100000"),
    "cache": (["/" + "x" * 5000, "cache", ".", __file__], "off, or the full path of a folder"),
    "cache_mb": (["15", "10001", "1e3"], "a whole number from 16 to 10000"),
    "files": (["/" + "x" * 5000, "/nowhere/at/all", "files", ".", __file__], "the full path of a folder that exists"),
    "poll_seconds": (["0", "61", "100", "1.5", "x"], "a whole number from 1 to 60"),
    "log_level": (["loud"], "one of debug, info, warning, error"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no proxy of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def load_with(environ: dict[str, str] | None = None, flags: dict[str, str | None] | None = None) -> Settings:
    return load(flags or {}, ENVIRON | (environ or {}))


# The cache


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "/home/ada"}, "/home/ada/.cache/pica-mcp"),
        ("linux", {"HOME": "/home/ada", "XDG_CACHE_HOME": "/var/ada"}, "/var/ada/pica-mcp"),
        ("linux", {"HOME": "/home/ada", "XDG_CACHE_HOME": "var"}, None),
        ("linux", {}, None),
        ("linux", {"HOME": "ada"}, None),
        ("darwin", {"HOME": "/Users/ada"}, "/Users/ada/Library/Caches/pica-mcp"),
        ("win32", {"LOCALAPPDATA": "/c/ada/Local", "USERPROFILE": "/c/ada"}, "/c/ada/Local/pica-mcp"),
        ("win32", {"USERPROFILE": "/c/ada"}, "/c/ada/.cache/pica-mcp"),
    ],
)
def test_the_catalogue_is_kept_where_programs_of_the_user_keep_what_they_can_make_anew(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: str | None
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert load_with(environ).cache == (folder and Path(folder))


def test_the_sandbox_keeps_nothing() -> None:
    assert load({}, {"HOME": "/home/ada", "PICA_CACHE": "/somewhere"}, sandbox=True).cache is None


# Precedence


def test_every_option_is_tried_here() -> None:
    assert {option.name for option in OPTIONS} == set(VALUES) == set(BAD) | {"identity", "audit"}


@pytest.mark.parametrize("name", VALUES)
def test_a_flag_goes_before_the_environment_and_that_before_the_default(name: str) -> None:
    variable, flag, read, from_variable, from_flag = VALUES[name]
    environ = {f"PICA_{name.upper()}": variable}
    assert read(load_with(environ)) == from_variable
    assert read(load_with(environ, {name: None})) == from_variable
    assert read(load_with(environ, {name: flag})) == from_flag
    assert read(load_with(flags={name: flag})) == from_flag


def test_the_defaults_serve_the_whole_account_like_the_official_server() -> None:
    loaded = load_with()
    assert (loaded.base_url, loaded.family, loaded.identity) == (DEFAULT_BASE_URL, "pica", Identity())
    assert (loaded.grant.permission, loaded.grant.connection_keys, loaded.grant.actions) == (
        Permission.ADMIN,
        None,
        None,
    )
    assert (loaded.grant.knowledge_only, loaded.tools, loaded.max_tools, loaded.max_tool_tokens) == (
        False,
        "auto",
        32,
        7000,
    )
    assert (loaded.pins, loaded.exclusions, loaded.tool_name_max, loaded.schema_profile) == ((), (), 40, "portable")
    assert (loaded.max_result_tokens, loaded.files) == (6_000, None)
    assert (loaded.log_level, loaded.proxy, loaded.ca_file, loaded.sandbox) == ("warning", None, None, False)


def test_the_environment_is_the_process_ones_if_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICA_SECRET", SECRET)
    monkeypatch.setenv("PICA_IDENTITY", "ada")
    assert load({}).identity == Identity("ada")


@pytest.mark.parametrize(
    ("name", "variable", "flag"),
    [("base_url", "PICA_BASE_URL", "--base-url"), ("permissions", "PICA_PERMISSIONS", "--permissions")],
)
def test_a_setting_has_one_name_in_two_spellings(name: str, variable: str, flag: str) -> None:
    (option,) = (option for option in OPTIONS if option.name == name)
    assert (option.variable, option.flag) == (variable, flag)


def test_settings_know_where_each_of_them_comes_from() -> None:
    origins = load_with({"PICA_IDENTITY": "ada", "PICA_TOOLS": "all"}, {"tools": "none"}).origins
    assert set(origins) == {"secret", *(option.name for option in OPTIONS)}
    assert origins["secret"] == Origin("environment", "PICA_SECRET")
    assert origins["identity"] == Origin("environment", "PICA_IDENTITY")
    assert origins["tools"] == Origin("flag", "--tools")
    assert origins["max_tools"] == Origin("default")


def test_settings_that_say_the_same_are_the_same_wherever_it_was_said() -> None:
    assert load_with({"PICA_TOOLS": "all"}) == load_with(flags={"tools": "all"})


def test_the_environment_is_there_for_those_who_have_to_look_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICA_TRIED_HERE", "yes")
    assert environment()["PICA_TRIED_HERE"] == "yes"


def test_the_secret_has_no_flag() -> None:
    assert not [option for option in OPTIONS if "secret" in option.name]
    assert load({"secret": "sk_live_2_other"}, ENVIRON).secret == Fixed(SECRET)


# Faults


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("variable", [*(option.variable for option in OPTIONS), "PICA_SECRET"])
def test_a_variable_that_is_set_but_empty_is_an_error_that_names_it(variable: str, empty: str) -> None:  # entry_06
    with pytest.raises(InvalidSettings, match=rf"^{variable} is "):
        load_with({variable: empty})


@pytest.mark.parametrize("option", OPTIONS)
def test_a_flag_that_is_empty_is_an_error(option: Any) -> None:
    with pytest.raises(InvalidSettings, match=f"{option.variable}|{option.flag}"):
        load_with({option.variable: VALUES[option.name][0]}, {option.name: ""})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (values, _) in BAD.items() for value in values])
def test_a_bad_value_names_the_setting_and_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_with({f"PICA_{name.upper()}": value})
    assert str(caught.value).startswith(f"PICA_{name.upper()} is ")
    assert f"but must be {BAD[name][1]}" in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [(name, values[0]) for name, (values, _) in BAD.items()])
def test_a_bad_value_of_a_flag_names_the_flag(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_with({f"PICA_{name.upper()}": VALUES[name][0]}, {name: value})
    assert str(caught.value).startswith(f"--{name.replace('_', '-')} is ")
    assert f"but must be {BAD[name][1]}" in str(caught.value)


def test_an_error_found_later_calls_a_setting_by_where_it_comes_from() -> None:
    loaded = load_with({"PICA_AUDIT": "stderr"}, {"cache": "off"})
    assert [loaded.named(name) for name in ("audit", "cache", "files")] == ["PICA_AUDIT", "--cache", "PICA_FILES"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ACTION_IDS", "gmail GET, gmail_send, slack", "is a list with 'gmail_send' in it, but each item must be an "),
        ("ACTION_IDS", "gmail_send", "is 'gmail_send', but must be an action id"),
        (
            "PIN",
            "gmail_send_email, Send Email",
            "is a list with 'Send Email' in it, but each item must be an action id",
        ),
        ("PIN", "gmail, work@example.com", "is a list with 'work@example.com' in it, but each item must be an action"),
        ("EXCLUDE", "live::gmail::hush", "is 'live::gmail::…', but must be an action id"),
        ("EFFECTS", "=read", "is '=read', but must be PATTERN=EFFECT"),
        ("EFFECTS", "gmail=read,slack", "is a list with 'slack' in it, but each item must be PATTERN=EFFECT"),
        ("CONNECTION_KEYS", "live::gmail::hush,Work", "is a list with 'Work' in it, but must be * alone, or"),
        ("PLATFORMS", "gmail,*", "is a list with '*' in it, but must be * alone, or"),
        ("PLATFORMS", "Two Words", "is 'Two Words', but must be * alone, or"),
        ("CONNECTION_NAMES", "A=b/c,a::b=live::x::hush", "is a list with 'a::b=live::x::…' in it, but must be names"),
        ("DEFAULT_CONNECTIONS", "gmail=live::x::hush,a", "is a list with 'a' in it, but each item must be pairs"),
        ("DEFAULT_CONNECTIONS", "gmail=a,gmail=b", "is a list with 'gmail=b' in it, but must be platforms like"),
    ],
)
def test_of_a_list_only_the_item_at_fault_is_told_and_no_key(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_with({f"PICA_{name}": value})
    assert str(caught.value).startswith(f"PICA_{name} {said}")
    assert "hush" not in str(caught.value)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_with({"PICA_BASE_URL": "https://user:pass-phrase@a.example"})
    assert "pass-phrase" not in str(caught.value)


# The secret


@pytest.mark.parametrize("environ", [{}, {"PICA_SECRET": ""}, {"PICA_SECRET": "  "}])
def test_a_missing_secret_says_where_to_get_one(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load({}, environ)
    assert str(caught.value) == (
        "PICA_SECRET is not set. "
        "Set it to a key from https://app.picaos.com/settings/api-keys, or try --sandbox, which needs none."
    )


@pytest.mark.parametrize("reference", ["${PICA_SECRET}", "$PICA_SECRET", "${env:PICA_SECRET}", "${input:pica_secret}"])
def test_a_reference_that_a_client_did_not_fill_in_is_told_as_such(reference: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^PICA_SECRET is a reference, .* that the client did not fill in\."):
        load({}, {"PICA_SECRET": reference})


@pytest.mark.parametrize(
    "secret", ["short", "two words here", "line\nbreak-1234", "sk_live_é_1234", "sk_live_\x00_1234"]
)
def test_a_malformed_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^PICA_SECRET is malformed") as caught:
        load({}, {"PICA_SECRET": secret})
    assert secret not in str(caught.value)


def test_a_secret_may_be_elsewhere_which_is_not_looked_at_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for variable, value, source in (
        ("FILE", "/nowhere/secret", File(Path("/nowhere/secret"))),
        ("FILE", "~/secret", File(Path("/home/ada/secret"))),
        ("COMMAND", "/nowhere/op read 'op://vault/my key'", Command(("/nowhere/op", "read", "op://vault/my key"))),
        ("KEYRING", "pica/ada", Keyring("pica", "ada")),
        ("KEYRING", "https://api.picaos.com/ada@example.com", Keyring("https://api.picaos.com", "ada@example.com")),
    ):
        loaded = load({}, {f"PICA_SECRET_{variable}": f" {value} "})
        assert loaded.secret == source
        assert value not in repr(loaded)


@pytest.mark.parametrize(
    ("written", "on_windows", "elsewhere"),
    [
        (r'"C:\Program Files\op.exe" read x', ("C:\\Program Files\\op.exe", "read", "x"), None),
        (r"C:\bin\op.exe o'clock", ("C:\\bin\\op.exe", "o'clock"), None),
        ("op 'a b' #c", ("op", "'a", "b'", "#c"), ("op", "a b", "#c")),
        (r"op a\ b \"c\" ''", ("op", "a\\", "b", "\\c\\", "''"), ("op", "a b", '"c"', "")),
    ],
)
def test_a_command_is_split_as_people_write_it_there(
    written: str, on_windows: tuple[str, ...], elsewhere: tuple[str, ...] | None
) -> None:
    assert _command(written, "PICA_SECRET_COMMAND", windows=True) == Command(on_windows)
    if elsewhere:
        assert _command(written, "PICA_SECRET_COMMAND", windows=False) == Command(elsewhere)


SOURCES = {
    "PICA_SECRET": SECRET,
    "PICA_SECRET_FILE": "/nowhere/hush",
    "PICA_SECRET_COMMAND": "echo hush",
    "PICA_SECRET_KEYRING": "pica/hush",
}


@pytest.mark.parametrize(("one", "other"), list(combinations(SOURCES, 2)))
def test_the_secret_comes_from_one_place_only(one: str, other: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load({}, {name: SOURCES[name] for name in (other, one)})
    assert str(caught.value) == f"{one} and {other} are set. Unset all but one."


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("variable", SOURCES)
def test_a_place_that_is_set_but_empty_is_an_error_beside_others_too(variable: str, empty: str) -> None:
    for others in ({}, {name: value for name, value in SOURCES.items() if name != variable}):
        with pytest.raises(InvalidSettings, match=f"^{variable} is (set but empty|not set)"):
            load({}, {**others, variable: empty})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "PICA_SECRET_COMMAND",
            "echo 'hush",
            "PICA_SECRET_COMMAND is malformed. Write it as for a shell, each quote closed.",
        ),
        (
            "PICA_SECRET_COMMAND",
            "'' hush",
            "PICA_SECRET_COMMAND is malformed. Write it as for a shell, each quote closed.",
        ),
        ("PICA_SECRET_KEYRING", "pica", "PICA_SECRET_KEYRING is 'pica', but must be a service/username. Correct it."),
        ("PICA_SECRET_KEYRING", "/ada", "PICA_SECRET_KEYRING is '/ada', but must be a service/username. Correct it."),
        ("PICA_SECRET_KEYRING", "pica/", "PICA_SECRET_KEYRING is 'pica/', but must be a service/username. Correct it."),
        (
            "PICA_SECRET_FILE",
            "~no-such-user/x",
            "PICA_SECRET_FILE is '~no-such-user/x', but there is no such home. Give a full path.",
        ),
    ],
)
def test_a_place_that_can_be_none_is_told_at_once(variable: str, value: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load({}, {variable: value})
    assert str(caught.value) == said


def test_each_place_has_a_sentence() -> None:
    assert set(SECRETS) == set(SOURCES)
    assert all(re.fullmatch(r"[A-Zs].+\.", sentence) for sentence in SECRETS.values())


@pytest.mark.parametrize("written", ["PICA_SECRET_FLIE", "PICA_SECRETS_FILE", "PICA_SECRET_COMAND", "PICA_SECRETS"])
def test_a_misspelt_place_is_an_error(written: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{written} is no setting. Did you mean PICA_SECRET"):
        load_with({written: "x"})


def test_a_secret_is_taken_without_the_spaces_around_it() -> None:
    assert load_with({"PICA_SECRET": f" {SECRET}\n"}).secret == Fixed(SECRET)


def test_settings_do_not_show_what_is_secret() -> None:  # entry_07
    proxy = "http://user:pass-phrase@proxy.example:3128"
    shown = repr(load_with({"PICA_CONNECTION_KEYS": "live::gmail::default::0123", "HTTPS_PROXY": proxy}))
    for hidden in ("hush", "0123", "pass-phrase"):
        assert hidden not in shown


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.9.9.9",
        "http://[::1]:8000",
        "HTTP://LOCALHOST",
        "https://a.example:8443/base",
    ],
)
def test_the_secret_travels_encrypted_or_on_this_machine(url: str) -> None:
    assert load_with({"PICA_BASE_URL": url}).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.picaos.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://[2001:db8::1]",
    ],
)
def test_the_secret_does_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"PICA_BASE_URL .* must be an https URL"):
        load_with({"PICA_BASE_URL": url})


def test_slashes_at_the_end_of_the_address_are_dropped() -> None:
    assert load_with({"PICA_BASE_URL": "https://a.example/base//"}).base_url == "https://a.example/base"


@pytest.mark.parametrize(
    ("url", "family"),
    [
        ("https://api.picaos.com", "pica"),
        ("https://api.withone.ai", "one"),
        ("https://API.WITHONE.AI/x", "one"),
        ("https://withone.ai", "one"),
        ("https://withone.ai.example", "pica"),
        ("https://notwithone.ai", "pica"),
    ],
)
def test_the_header_family_is_told_from_the_host(url: str, family: str) -> None:
    assert load_with({"PICA_BASE_URL": url}).family == family
    assert load_with({"PICA_BASE_URL": url, "PICA_HEADER_FAMILY": "one"}).family == "one"


# Allowlists


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("*", None),
        ("*,", None),
        ("conn_mod_def::a::1", {"conn_mod_def::a::1"}),
        (" conn_mod_def::a::1 ,conn_mod_def::b::2, ", {"conn_mod_def::a::1", "conn_mod_def::b::2"}),
    ],
)
def test_an_allowlist_is_names_or_a_star(value: str, keys: set[str] | None) -> None:
    loaded = load_with({"PICA_CONNECTION_KEYS": value, "PICA_ACTION_IDS": value})
    assert (loaded.grant.connection_keys, loaded.grant.actions and {*map(str, loaded.grant.actions)}) == (keys, keys)


@pytest.mark.parametrize("written", ["conn_mod_def::GE::x", "GE::x"])
def test_an_allowed_action_may_be_written_without_its_prefix(  # entry_26
    action: Callable[..., Action], written: str
) -> None:
    who = Caller(Identity(), load_with({"PICA_ACTION_IDS": written}).grant, lambda: "live")
    assert admit(who, action(id="conn_mod_def::GE::x")) is None
    assert admit(who, action(id="conn_mod_def::GE::y")) is not None


# What others ask of settings


@pytest.mark.parametrize(
    ("name", "value", "full"),
    [
        ("PICA_AUDIT", "logs/x.jsonl", "/here/logs/x.jsonl"),
        ("audit", "./x.jsonl", "/here/x.jsonl"),
        ("PICA_AUDIT", "sdterr", "sdterr"),
        ("PICA_AUDIT", "/var/x.jsonl", "/var/x.jsonl"),
        ("cache", "OFF", "OFF"),
        ("cache", "../kept", "/here/../kept"),
        ("PICA_CONFIG", "pica.toml", "/here/pica.toml"),
        ("files", "out", "/here/out"),
        ("PICA_SECRET_FILE", "key", "/here/key"),
        ("secret_file", "~/key", "/home/ada/key"),
        ("PICA_FILES", "~no-such-user/x", "~no-such-user/x"),
        ("PICA_FILES", "", ""),
        ("PICA_SECRET", "a/b", "a/b"),
        ("PICA_SECRET_KEYRING", "pica/ada", "pica/ada"),
        ("identity", "a/b", "a/b"),
        ("HTTPS_PROXY", "a/b", "a/b"),
    ],
)
def test_a_path_is_told_in_full_and_what_may_be_a_word_is_not(
    name: str, value: str, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert in_full(name, value, Path("/here")) == full


def test_flags_are_found_in_a_command_line_among_other_words() -> None:
    words = "-m pica_mcp --permissions read --sandbox --identity=a=b --max-tools=5 --permissions write --json --files"
    assert flags_in(words.split()) == {
        "PICA_PERMISSIONS": "write",
        "PICA_IDENTITY": "a=b",
        "PICA_MAX_TOOLS": "5",
        "PICA_FILES": "",
    }
    assert flags_in([]) == {}
    assert flags_in(["--config", "--identity", "ada"]) == {"PICA_CONFIG": "--identity"}


# The sandbox


def test_the_sandbox_needs_neither_secret_nor_address() -> None:
    environ = {**ENVIRON, "HTTPS_PROXY": "http://proxy.example:3128"}
    loaded = load({"base_url": "https://a.example", "identity": "ada"}, environ, sandbox=True)
    assert (loaded.secret, loaded.base_url, loaded.proxy, loaded.sandbox) == (Fixed(""), DEFAULT_BASE_URL, None, True)
    assert loaded.identity == Identity("ada")
    assert load({}, {"PICA_BASE_URL": "nonsense"}, sandbox=True).sandbox


# Proxy and certificates


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, DEFAULT_BASE_URL, None),
        ({"HTTPS_PROXY": "http://p.example:3128"}, DEFAULT_BASE_URL, "http://p.example:3128"),
        ({"https_proxy": "p.example:3128"}, DEFAULT_BASE_URL, "http://p.example:3128"),
        ({"ALL_PROXY": "https://p.example:3128"}, DEFAULT_BASE_URL, "https://p.example:3128"),
        ({"HTTP_PROXY": "http://p.example"}, DEFAULT_BASE_URL, None),
        ({"HTTPS_PROXY": "http://p.example", "NO_PROXY": "picaos.com"}, DEFAULT_BASE_URL, None),
        ({"HTTPS_PROXY": "http://p.example", "NO_PROXY": "*"}, DEFAULT_BASE_URL, None),
        ({"HTTPS_PROXY": "http://p.example", "NO_PROXY": ".picaos.com"}, DEFAULT_BASE_URL, None),
        ({"https_proxy": "http://small.example", "HTTPS_PROXY": "http://p"}, DEFAULT_BASE_URL, "http://small.example"),
        ({"HTTPS_PROXY": "http://p.example", "NO_PROXY": "other.example"}, DEFAULT_BASE_URL, "http://p.example"),
        ({"HTTP_PROXY": "http://p.example"}, "http://127.0.0.1:8000", None),
        ({"HTTP_PROXY": "http://p.example"}, "http://localhost:8000", None),
        ({"HTTPS_PROXY": "http://p.example"}, "https://[::1]", None),
    ],
)
def test_the_proxy_is_the_usual_variables_and_never_for_this_machine(
    environ: dict[str, str], url: str, proxy: str | None
) -> None:
    assert load_with({**environ, "PICA_BASE_URL": url}).proxy == proxy


@pytest.mark.parametrize("proxy", ["socks5://p.example", "ftp://p.example", "http://:3128", "http://p.example:port"])
def test_a_proxy_that_cannot_be_spoken_to_is_an_error_that_does_not_show_it(proxy: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^The proxy variable for this URL is malformed\.") as caught:
        load_with({"HTTPS_PROXY": proxy})
    assert proxy not in str(caught.value)


def test_certificates_of_the_operator_are_taken(tmp_path: Path) -> None:
    file = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    assert load_with({"SSL_CERT_FILE": str(file)}).ca_file == str(file)
    assert load_with({"SSL_CERT_FILE": ""}).ca_file is None
    (tmp_path / "empty.pem").touch()
    for wrong in (tmp_path, tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(InvalidSettings, match=r"^SSL_CERT_FILE is '.*', but holds no certificates that can be"):
            load_with({"SSL_CERT_FILE": str(wrong)})
