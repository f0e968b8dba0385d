from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp.access import Identity
from pica_mcp.errors import InvalidSettings
from pica_mcp.secret import Command, File, Fixed, Keyring
from pica_mcp.settings import CONFIG, DEFAULT_BASE_URL, OPTIONS, SECRETS, Option, Origin, Settings, load
from pica_mcp.settings.options import FORMS, key_of

from .test_settings import BAD, SECRET, VALUES

ROOT = Path(__file__).parents[1]
ENVIRON = {"PICA_SECRET": SECRET}
LISTS = [option for option in OPTIONS if option.form in ("list", "pairs")]
PAIRS = [option for option in OPTIONS if option.form == "pairs"]

LoadFile = Callable[..., Settings]
Refusal = Callable[..., str]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no proxy of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings file of this test is, once it is written."""
    return tmp_path / "pica.toml"


@pytest.fixture
def load_file(file: Path) -> LoadFile:
    """Load a settings file with this content, beside the secret in the environment."""

    def load_file(content: str | bytes, environ: Mapping[str, str] = ENVIRON, **options: bool) -> Settings:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(0o600)
        return load({"config": str(file)}, environ, **options)

    return load_file


@pytest.fixture
def refusal(load_file: LoadFile, file: Path, everything_of: Callable[[BaseException], str]) -> Refusal:
    """What is said of a file with this content, with FILE for its path; nothing of the error holds the secret."""

    def refusal(content: str | bytes, environ: Mapping[str, str] = ENVIRON) -> str:
        with pytest.raises(InvalidSettings) as caught:
            load_file(content, environ)
        assert SECRET not in everything_of(caught.value)
        return str(caught.value).replace(str(file), "FILE")

    return refusal


def toml(name: str, value: str) -> str:
    """Write what a variable would hold as a line of a file."""
    form = FORMS[name]
    written = value if form == "number" else json.dumps(value)
    return f"{name} = {json.dumps(value in ('true', '1')) if form == 'switch' else written}\n"


# What it means


@pytest.mark.parametrize("name", VALUES)
def test_a_key_of_the_file_means_what_the_variable_of_its_name_means(name: str, load_file: LoadFile) -> None:
    for value in VALUES[name][:2]:
        told = load_file(toml(name, value))
        assert told == load({}, ENVIRON | {f"PICA_{name.upper()}": value})
        assert told.origins[name].kind == "file"


@pytest.mark.parametrize("option", LISTS, ids=lambda option: option.name)
def test_a_list_may_be_a_list(option: Option, load_file: LoadFile) -> None:
    for value in VALUES[option.name][:2]:
        items = [item for item in value.split(",") if item]
        assert load_file(f"{option.name} = {json.dumps(items)}") == load_file(toml(option.name, value))


@pytest.mark.parametrize("option", PAIRS, ids=lambda option: option.name)
def test_a_list_of_pairs_may_be_a_table(option: Option, load_file: LoadFile) -> None:
    for value in VALUES[option.name][:2]:
        pairs = [item.rpartition("=") for item in value.split(",")]
        lines = [f"{json.dumps(left)} = {json.dumps(right)}" for left, _, right in pairs]
        assert load_file("\n".join([f"[{option.name}]", *lines])) == load_file(toml(option.name, value))


def test_a_comma_in_an_item_of_a_list_or_a_table_parts_nothing(load_file: LoadFile) -> None:
    for written in (
        '[connection_names]\n"Work" = "gmail/Lovelace, Ada"',
        'connection_names = ["Work=gmail/Lovelace, Ada"]',
    ):
        assert load_file(written).preferences.names == {"gmail/Lovelace, Ada": "Work"}


def test_of_a_table_of_effects_the_first_that_fits_goes_first_as_in_a_list(load_file: LoadFile) -> None:
    loaded = load_file('[effects]\n"slack POST /a=b" = "read"\n"slack" = "destructive"')
    assert [str(rule) for rule in loaded.grant.effects] == [
        str(rule)
        for rule in load({}, ENVIRON | {"PICA_EFFECTS": "slack POST /a=b=read,slack=destructive"}).grant.effects
    ]


@pytest.mark.parametrize(
    "written", ["\ufeffidentity = 'ada'", "identity = ' ada '\r\n", '# nothing\nidentity="""\nada"""']
)
def test_a_file_is_read_as_editors_write_it(written: str, load_file: LoadFile) -> None:
    assert load_file(written).identity == Identity("ada")


def test_an_empty_file_changes_nothing_but_is_told(load_file: LoadFile, file: Path) -> None:
    loaded = load_file("")
    assert loaded == load({}, ENVIRON)
    assert (loaded.config, load({}, ENVIRON).config) == (file, None)


# Where it is


def test_the_file_is_the_one_that_the_flag_or_else_the_variable_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("identity = 'ada'")
    (tmp_path / "b").write_text("identity = 'bob'")
    environ = ENVIRON | {"PICA_CONFIG": str(tmp_path / "b")}
    assert load({"config": str(tmp_path / "a")}, environ).identity == Identity("ada")
    assert load({"config": None}, environ).identity == Identity("bob")


@pytest.mark.parametrize("name", ["pica.toml", "pica-mcp.toml", ".pica-mcp.toml", "pica-mcp/config.toml"])
def test_no_file_is_looked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("identity = 'ada'")
    monkeypatch.chdir(tmp_path)
    environ = ENVIRON | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    assert load({}, environ).identity == Identity()


def test_a_relative_path_or_one_from_home_is_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pica.toml").write_text("identity = 'ada'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for named in ("pica.toml", "~/pica.toml"):
        loaded = load({"config": named}, ENVIRON)
        assert loaded.origins["identity"] == Origin("file", str(tmp_path / "pica.toml"))


def test_paths_in_the_file_are_meant_from_its_folder(load_file: LoadFile, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    loaded = load_file('files = "out"\naudit = "logs/calls.jsonl"\ncache = "./kept"\nsecret_file = "key"', {})
    assert (loaded.files, loaded.audit) == ((tmp_path / "out").resolve(), str(tmp_path / "logs/calls.jsonl"))
    assert (loaded.cache, loaded.secret) == (tmp_path / "kept", File(tmp_path / "key"))


def test_a_full_path_and_one_from_home_are_what_they_are_anywhere(
    load_file: LoadFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    loaded = load_file(f"files = '{tmp_path}'\naudit = '~/calls.jsonl'\nsecret_file = '~/key'", {})
    assert (loaded.files, loaded.audit) == (tmp_path.resolve(), "/home/ada/calls.jsonl")
    assert loaded.secret == File(Path("/home/ada/key"))


@pytest.mark.parametrize("written", ['cache = "of"', 'cache = "kept"'])
def test_a_misspelt_word_is_no_path(written: str, refusal: Refusal) -> None:
    assert ", but must be off, or the full path of a folder." in refusal(written)


def test_a_word_for_the_audit_is_no_path(load_file: LoadFile) -> None:
    assert load_file('audit = "off"').audit == "off"
    assert load_file('audit = "sdterr"').audit == "sdterr"  # which is refused where it is opened


# Which goes first


Level = Literal["flag", "environment", "file"]
LEVELS: tuple[Level, ...] = get_args(Level)


def in_order(levels: set[Level]) -> list[Level]:
    return [level for level in LEVELS if level in levels]


SAID = st.fixed_dictionaries(dict.fromkeys(VALUES, st.sets(st.sampled_from(LEVELS)).map(in_order)))
"""Option → which of the three say it, in the order in which they go before each other."""


@given(SAID, st.sampled_from([None, *SECRETS]), st.sampled_from(list(SECRETS)))
@settings(max_examples=60)
def test_whatever_says_what_flags_go_before_the_environment_and_that_before_the_file(
    said: dict[str, list[Level]], variable: str | None, secret: str
) -> None:
    flags: dict[str, str | None] = {}
    environ = {variable: SOURCES[variable]} if variable else {}
    lines = [toml(key_of(secret), SOURCES[secret])]
    for name, levels in said.items():
        top, below, *_ = VALUES[name]
        for level, value in zip(levels, (top, below, below), strict=False):
            match level:
                case "flag":
                    flags[name] = value
                case "environment":
                    environ[f"PICA_{name.upper()}"] = value
                case "file":
                    lines.append(toml(name, value))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pica.toml"
        file.write_text("".join(lines), encoding="utf-8")
        file.chmod(0o600)
        loaded = load({**flags, "config": str(file)}, environ)
    plain = load({}, ENVIRON)
    in_file = Origin("file", str(file))
    for option in OPTIONS:
        _, _, read, meaning, _ = VALUES[option.name]
        origins = {
            "flag": Origin("flag", option.flag),
            "environment": Origin("environment", option.variable),
            "file": in_file,
        }
        levels = said[option.name]
        assert loaded.origins[option.name] == (origins[levels[0]] if levels else Origin("default"))
        if levels or option.name != "header_family":  # which else follows from the base URL
            assert read(loaded) == (meaning if levels else read(plain))
    assert loaded.origins["secret"] == (Origin("environment", variable) if variable else in_file)


SOURCES = {
    "PICA_SECRET": SECRET,
    "PICA_SECRET_FILE": "/nowhere/hush",
    "PICA_SECRET_COMMAND": "echo hush",
    "PICA_SECRET_KEYRING": "pica/hush",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name, (values, _) in BAD.items()
        for value in values
        if FORMS[name] not in ("number", "switch") or re.fullmatch(r"0|-?[1-9]\d*", value)
        if value != "."  # the file's folder
    ],
)
def test_a_bad_value_is_told_by_its_key_and_file(name: str, value: str, refusal: Refusal) -> None:
    said = refusal(toml(name, value))
    assert said.startswith(f"{name} in FILE is ")
    assert f"but must be {BAD[name][1]}" in said


def test_what_something_else_goes_before_is_not_looked_at(load_file: LoadFile) -> None:
    assert load_file('identity_type = "bogus"', ENVIRON | {"PICA_IDENTITY_TYPE": "user"}).identity.type == "user"
    assert load_file('secret = "short"').secret == Fixed(SECRET)


def test_an_error_found_later_names_the_key_and_the_file(load_file: LoadFile, file: Path) -> None:
    assert load_file('audit = "off"').named("audit") == f"audit in {file}"


# The secret


@pytest.mark.parametrize(
    ("written", "source"),
    [
        (f'secret = " {SECRET} "', Fixed(SECRET)),
        ('secret_file = "/nowhere/secret"', File(Path("/nowhere/secret"))),
        ("secret_command = \"op read 'op://vault/my key'\"", Command(("op", "read", "op://vault/my key"))),
        ('secret_command = ["op", "read", "op://vault/my key"]', Command(("op", "read", "op://vault/my key"))),
        ('secret_keyring = "pica/ada"', Keyring("pica", "ada")),
    ],
)
def test_the_file_may_say_where_the_secret_is(written: str, source: Any, load_file: LoadFile, file: Path) -> None:
    loaded = load_file(written, {})
    assert loaded.secret == source
    assert loaded.secret.variable == f"{written.partition(' ')[0]} in {file}"
    assert loaded.origins["secret"] == Origin("file", str(file))
    assert "hush" not in repr(loaded)
    assert load_file(written, {"PICA_SECRET": "sk_live_2_other"}).secret == Fixed("sk_live_2_other")
    assert load_file(written, {"PICA_SECRET_KEYRING": "pica/bob"}).secret == Keyring("pica", "bob")


@pytest.mark.parametrize(
    ("written", "environ", "said"),
    [
        ('secret = "short"', {}, "secret in FILE is malformed. Copy the key again from https://app.picaos.com/"),
        ('secret = ""', {}, "secret in FILE is set but empty. Remove it, or give it a value."),
        ('secret_file = " "', {}, "secret_file in FILE is set but empty. Remove it, or give it a value."),
        ("secret_command = []", {}, "secret_command in FILE is set but empty. Remove it, or give it a value."),
        ('secret_command = "echo \'hush"', {}, "secret_command in FILE is malformed. Write it as for a shell, each"),
        ('secret_keyring = "pica"', {}, "secret_keyring in FILE is 'pica', but must be a service/username. Correct it"),
        (
            f'secret = "{SECRET}"\nsecret_file = "x"',
            {},
            "secret and secret_file in FILE are set. Remove all but one.",
        ),
        (f'secret = "{SECRET}"', {"PICA_SECRET": ""}, "PICA_SECRET is set but empty. Unset it, or give it a value."),
        ("", {}, "PICA_SECRET is not set. Set it to a key from https://app.picaos.com/"),
        ("", {"PICA_SECRET": " "}, "PICA_SECRET is not set. Set it to a key from https://app.picaos.com/"),
    ],
)
def test_a_secret_of_the_file_that_cannot_be_one_is_told(
    written: str, environ: dict[str, str], said: str, refusal: Refusal
) -> None:
    assert refusal(written, environ).startswith(said)


def test_without_need_of_a_secret_the_files_is_taken_all_the_same(load_file: LoadFile) -> None:
    assert load_file('secret_keyring = "pica/ada"', {}, keyless=True).secret == Keyring("pica", "ada")
    for environ in ({}, {"PICA_SECRET": ""}):
        loaded = load_file("", environ, keyless=True)
        assert (loaded.secret, loaded.origins["secret"]) == (Fixed(""), Origin("default"))


def test_the_sandbox_leaves_the_accounts_own_settings_of_the_file_alone(load_file: LoadFile) -> None:
    written = 'secret = "short"\nsecret_file = "x"\nbase_url = "nonsense"\ncache = "of"\nidentity = "bob"'
    loaded = load_file(written, {}, sandbox=True)
    assert (loaded.secret, loaded.base_url, loaded.cache) == (Fixed(""), DEFAULT_BASE_URL, None)
    assert loaded.identity == Identity("bob")
    assert {loaded.origins[name] for name in ("secret", "base_url", "cache")} == {Origin("default")}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_may_read_is_taken_and_warned_of(mode: int, file: Path) -> None:
    file.write_text(f'secret = "{SECRET}"')
    file.chmod(mode)
    loaded = load({"config": str(file)}, {})
    assert loaded.secret == Fixed(SECRET)
    assert loaded.warnings == (f"{file} holds the secret, and others may read it. Run: chmod 600 {file}",)


@pytest.mark.parametrize(("written", "mode"), [(f'secret = "{SECRET}"', 0o600), ('secret_command = "op read"', 0o644)])
def test_a_file_that_others_may_not_read_or_that_holds_no_secret_is_not_warned_of(
    written: str, mode: int, file: Path
) -> None:
    file.write_text(written)
    file.chmod(mode)
    assert load({"config": str(file)}, {}).warnings == ()


# Faults


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('identty = "ada"', "identty in FILE is no setting. Did you mean identity?"),
        ('PICA_IDENTITY = "ada"', "PICA_IDENTITY in FILE is no setting. Did you mean identity?"),
        ("max-tools = 3", "max-tools in FILE is no setting. Did you mean max_tools?"),
        ('"--max-tools" = 3', "--max-tools in FILE is no setting. Did you mean max_tools?"),
        ('secrets = "sk_live_1_hush"', "secrets in FILE is no setting. Did you mean secret?"),
        ('config = "other.toml"', "config in FILE is no setting."),
        ("sandbox = true", "sandbox in FILE is no setting."),
        ("debug = true", "debug in FILE is no setting."),
        ('read_only = "yes"', "read_only in FILE is no setting. Remove it, or use one of those that pica-mcp serve"),
        ('"a\\nb\\u202e" = 1', "a b in FILE is no setting."),
        ('[settings]\nidentity = "ada"', "settings in FILE is no setting."),
        ("identity = 7", "identity in FILE is a number, but must be text in quotes. Write it like this: identity = "),
        ("identity = 2026-01-01", "identity in FILE is a date or a time, but must be text in quotes."),
        ("identity = 10:30:00", "identity in FILE is a date or a time, but must be text in quotes."),
        ('identity = ["ada"]', "identity in FILE is a list, but must be text in quotes."),
        ('[identity]\nid = "ada"', "identity in FILE is a table, but must be text in quotes."),
        ('identity.id = "ada"', "identity in FILE is a table, but must be text in quotes."),
        ('identity = ""', "identity in FILE is set but empty. Remove it, or give it a value."),
        ('identity = " "', "identity in FILE is set but empty. Remove it, or give it a value."),
        ('identity = "a\\u0000b"', "identity in FILE is text with a NUL in it, but must be text in quotes."),
        ("secret = 12345678", "secret in FILE is a number, but must be text in quotes. Write it like this: secret = "),
        ('secret_command = ["op", 1]', "secret_command in FILE is a list with a number in it, but must be a list of"),
        (
            'max_tools = "40"',
            "max_tools in FILE is text in quotes, but must be a whole number without quotes. Write it ",
        ),
        ("max_tools = 4.0", "max_tools in FILE is a number, but must be a whole number without quotes."),
        ("max_tools = nan", "max_tools in FILE is a number, but must be a whole number without quotes."),
        ("max_tools = true", "max_tools in FILE is true or false, but must be a whole number without quotes."),
        (f"max_tools = 0x{'f' * 9_000}", "max_tools in FILE is a number, but must be a whole number without quotes."),
        ("max_tools = 0", "max_tools in FILE is '0', but must be a whole number above 0."),
        ('knowledge_agent = "true"', "knowledge_agent in FILE is text in quotes, but must be true or false without"),
        ("knowledge_agent = 1", "knowledge_agent in FILE is a number, but must be true or false without quotes."),
        ("platforms = []", "platforms in FILE is set but empty. Remove it, or give it a value."),
        ('platforms = ["gmail", " "]', "platforms in FILE is a list with an empty text in it, but must be a list of "),
        ('platforms = ["gmail", ["slack"]]', "platforms in FILE is a list with a list in it, but must be a list of"),
        (
            '[[platforms]]\nname = "gmail"',
            "platforms in FILE is a list with a table in it, but must be a list of texts",
        ),
        ('[platforms]\ngmail = "yes"', "platforms in FILE is a table, but must be a list of texts in quotes, or one "),
        ('platforms = ["gmail,slack"]', "platforms in FILE is 'gmail,slack', but must be * alone, or names like gmail"),
        (
            'platforms = ["gmail", "*"]',
            "platforms in FILE is a list with '*' in it, but must be * alone, or names like",
        ),
        ("[effects]", "effects in FILE is set but empty. Remove it, or give it a value."),
        ("[effects]\nslack = 1", "effects in FILE is a table with a number in it, but must be a table or a list of "),
        ('[effects]\nslack = "reed"', "effects in FILE is 'slack=reed', but must be PATTERN=EFFECT like slack POST"),
        ('[effects]\n"" = "read"', "effects in FILE is a table with an empty text in it, but must be a table or a "),
        ('[effects]\nslack.post = "read"', "effects in FILE is a table with a table in it, but must be a table or a "),
        (
            '[connection_names]\n"A=B" = "gmail/x"',
            "A=B in connection_names of FILE has a = in it. Choose another name.",
        ),
        (
            '[connection_names]\nA = "live::gmail::hush,x"\nB = "C"',
            "connection_names in FILE is a list with 'B=C' in it",
        ),
    ],
)
def test_what_no_setting_is_or_can_be_is_told_with_its_key_and_the_file(
    written: str, said: str, refusal: Refusal
) -> None:
    told = refusal(written)
    assert told.startswith(said)
    assert "hush" not in told


@pytest.mark.parametrize("key", ["permissions", "permisions", "PICA_PERMISSIONS", "secret", "max_tools"])
@pytest.mark.parametrize("table", [option.name for option in PAIRS])
def test_a_setting_that_slipped_into_a_table_is_told_since_it_would_do_nothing_there(
    table: str, key: str, refusal: Refusal
) -> None:
    said = refusal(f'[{table}]\nslack = "slack/x"\n{key} = "read"')
    meant = key.lower().removeprefix("pica_").replace("permisions", "permissions")
    assert said == (
        f"{key} stands in the table {table} of FILE. Put {meant} before the table, or write {table} as a list."
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("identity = ada", "is no TOML at line 1, column 12: invalid value. Correct it; texts stand in quotes."),
        ('\nidentity = "ada\n', "is no TOML at line 2, column 16: illegal character '\\n'. Correct it; texts stand in"),
        ('\nidentity = "ada', "is no TOML at its end: unterminated string. Correct it; texts stand in quotes."),
        (
            "identity\n",
            "is no TOML at line 1, column 9: expected '=' after a key in a key/value pair. Correct it; texts",
        ),
        ('pin = ["a"]\npin = ["b"]\n', "is no TOML at line 2, column 12: the same is said twice. Remove one of them."),
        (
            r'files = "C:\Users\ada"',
            ": invalid hex value. In double quotes a backslash is written twice; single quotes",
        ),
        (r'files = "C:\keys"', ": unescaped '\\' in a string. In double quotes a backslash is written twice; single"),
        (b'\n\nidentity = "\xe9"', "is not UTF-8 text: see line 3. Save it as UTF-8."),
        ('identity = "ada"'.encode("utf-16"), "is not UTF-8 text: see line 1. Save it as UTF-8."),
        ('identity = "ada"'.encode("utf-16-le"), "is no TOML at line 1, column 2: "),
        (f"max_tools = {'9' * 9_000}", "has a number that is too long, or brackets nested too deeply. Correct it."),
        (f"pin = {'[' * 100_000}", "has a number that is too long, or brackets nested too deeply. Correct it."),
        ("\x1b[2J", "is no TOML at line 1, column 1: "),
    ],
)
def test_what_is_no_toml_is_told_with_its_place_and_nothing_of_it_is_shown(
    written: str | bytes, said: str, refusal: Refusal
) -> None:
    content = written if isinstance(written, bytes) else written.encode()
    told = refusal(content)
    assert told.startswith("FILE ")
    assert said in told
    assert told.isprintable()
    assert refusal(f'secret = "{SECRET}"\n'.encode() + content)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("none.toml", "PICA_CONFIG is 'FOLDER/none.toml', but there is no such file. Correct the path."),
        ("none/pica.toml", "PICA_CONFIG is 'FOLDER/none/pica.toml', but there is no such file. Correct the path."),
        (".", "PICA_CONFIG is 'FOLDER', but that is a folder. Name the file in it."),
        ("big.toml", "PICA_CONFIG is 'FOLDER/big.toml', but it is longer than 256 kB. Name a settings file."),
        (
            "big.toml/x",
            "PICA_CONFIG is 'FOLDER/big.toml/x', but it cannot be read: Not a directory. Correct the path, or",
        ),
        ("x" * 300, "but it cannot be read: File name too long. Correct the path, or the file's mode."),
    ],
)
def test_a_file_that_cannot_be_read_is_told(named: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "big.toml").write_text("#" * (256 * 1024 + 1))
    with pytest.raises(InvalidSettings) as caught:
        load({}, ENVIRON | {"PICA_CONFIG": str(tmp_path / named)})
    assert said in str(caught.value).replace(str(tmp_path), "FOLDER")


def test_a_file_of_the_greatest_length_is_read(load_file: LoadFile) -> None:
    line = 'identity = "ada"\n'
    assert load_file(line + "#" * (256 * 1024 - len(line))).identity == Identity("ada")


@pytest.mark.skipif(os.name != "posix", reason="devices are no files elsewhere")
def test_what_is_no_plain_file_is_not_opened_since_it_might_never_end() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load({"config": os.devnull}, ENVIRON)
    assert str(caught.value) == f"--config is '{os.devnull}', but that is no plain file. Name one that is."


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(file: Path) -> None:
    file.write_text("")
    file.chmod(0)
    with pytest.raises(
        InvalidSettings, match=r"it cannot be read: Permission denied\. Correct the path, or the file's"
    ):
        load({"config": str(file)}, ENVIRON)


@pytest.mark.parametrize(
    ("flags", "environ", "said"),
    [
        ({"config": ""}, {}, "--config is set but empty. Unset it, or give it a value."),
        ({}, {"PICA_CONFIG": " "}, "PICA_CONFIG is set but empty. Unset it, or give it a value."),
        ({}, {"PICA_CONFIGS": "x"}, "PICA_CONFIGS is no setting. Did you mean PICA_CONFIG?"),
        (
            {"config": "~no-such-user/x"},
            {},
            "--config is '~no-such-user/x', but there is no such home. Give a full path.",
        ),
    ],
)
def test_where_the_file_is_has_to_be_said_rightly(
    flags: dict[str, str | None], environ: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(flags, ENVIRON | environ)
    assert str(caught.value) == said


# A start


def test_a_start_without_a_file_does_not_pay_for_one() -> None:
    code = (
        "import sys; from pica_mcp.settings import load; load({}, {'PICA_SECRET': 'sk_live_1_told'});"
        "print({'tomllib', 'difflib', 'pica_mcp.settings.file'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_the_file_is_no_setting_like_the_others() -> None:
    assert (CONFIG.variable, CONFIG.flag) == ("PICA_CONFIG", "--config")
    assert CONFIG not in OPTIONS
    assert CONFIG.name not in FORMS
