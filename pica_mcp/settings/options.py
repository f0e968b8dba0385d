"""The room of settings, its table: what can be set, how it is called in each place, and what holds by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_BASE_URL = "https://api.picaos.com"
KEYS_PAGE = "https://app.picaos.com/settings/api-keys"
"""Where a person finds the secret."""

Form = Literal["text", "path", "number", "switch", "list", "pairs"]

_BY_METAVAR: Mapping[str, Form] = {
    "N": "number",
    "true|false": "switch",
    "FILE": "path",
    "FOLDER": "path",
    "WHERE": "path",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that is not a secret. `example` shows how to write it where there is no default."""

    name: str
    help: str
    metavar: str
    default: str = ""
    example: str = ""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"PICA_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def form(self) -> Form:
        """How it is written in a file, which the metavar tells people."""
        if self.metavar.endswith(",..."):
            return "pairs" if "=" in self.metavar else "list"
        return _BY_METAVAR.get(self.metavar, "text")

    @property
    def takes_words(self) -> bool:
        """Whether words such as `off` may stand where a path may."""
        return self.metavar == "WHERE"


OPTIONS = (
    Option("base_url", "Where Pica's API is.", "URL", DEFAULT_BASE_URL),
    Option("header_family", "x-pica-* or x-one-* headers; by default told from the URL.", "pica|one", example="pica"),
    Option("identity", "Whose connections to serve; by default the whole account's.", "ID", example="ada"),
    Option(
        "identity_type",
        "What the identity is; by default any type.",
        "user|team|organization|project",
        example="user",
    ),
    Option("permissions", "read: reads only; write: no deletions; admin: all.", "read|write|admin", "admin"),
    Option("connection_keys", "The only connections that may be used, or * for all.", "KEY,...", "*"),
    Option("platforms", "The only platforms that may be used, or * for all.", "PLATFORM,...", "*"),
    Option("action_ids", "The only actions, by id or like 'gmail GET /gmail/*', or * for all.", "ACTION,...", "*"),
    Option(
        "effects",
        "What actions do, where you know better: 'slack POST */archive=destructive'.",
        "ACTION=EFFECT,...",
        example="slack POST */archive=destructive",
    ),
    Option("knowledge_agent", "Only answer questions about actions, execute none.", "true|false", "false"),
    Option(
        "consent",
        "Before a destructive call, auto: ask a person if the client can; always; off.",
        "auto|always|off",
        "auto",
    ),
    Option(
        "connection_names",
        "What to call connections: 'Work=KEY', or 'Work=gmail/label'.",
        "NAME=CONNECTION,...",
        example="Work=gmail/ada@work.example",
    ),
    Option(
        "default_connections",
        "Which account to use where a call names none: 'gmail=Work'.",
        "PLATFORM=NAME,...",
        example="gmail=Work",
    ),
    Option("audit", "Where a line for each call goes: stderr, off, or a file (rotated at 10 MB).", "WHERE", "stderr"),
    Option("audit_hash_callers", "Write identities into the audit as keyed hashes only.", "true|false", "false"),
    Option("tools", "auto: as many as the budget holds; all; none: fixed tools only.", "auto|all|none", "auto"),
    Option("max_tools", "Budget: how many tools to list, fixed ones included.", "N", "32"),
    Option("max_tool_tokens", "Budget: how many tokens of definitions to list.", "N", "7000"),
    Option(
        "pin",
        "Actions to list first, by id, tool name or like 'gmail POST'.",
        "ACTION,...",
        example="stripe_create_refund,gmail POST",
    ),
    Option(
        "exclude",
        "Actions never to list as tools, written likewise; they still run.",
        "ACTION,...",
        example="github_*",
    ),
    Option("tool_name_max", "The longest name of a tool, from 20 to 64 characters.", "N", "40"),
    Option(
        "schema_profile",
        "JSON Schema for any client, OpenAI's strict mode, or as it is.",
        "portable|openai-strict|raw",
        "portable",
    ),
    Option("max_result_tokens", "How much of an answer to show at a time; the rest is kept.", "N", "6000"),
    Option(
        "files",
        "A folder to send files from and to save those of answers in; none by default.",
        "FOLDER",
        example="attachments",
    ),
    Option(
        "cache",
        "Where the catalogue is kept: a folder, or off; by default the user's cache folder.",
        "WHERE",
        example="off",
    ),
    Option("cache_mb", "How much of it to keep, in megabytes, from 16 to 10000.", "N", "512"),
    # Nobody may act on connections that are older than a minute, nor believe in them.
    Option("poll_seconds", "How often to look for changed connections, at most 60.", "N", "60"),
    Option("log_level", "What to log to stderr.", "debug|info|warning|error", "warning"),
)

CONFIG = Option("config", "A file with settings (TOML); variables and flags go before what it says.", "FILE")
"""Where the settings file is. It stands apart, since no file can say that."""

SECRETS: Mapping[str, str] = {
    "PICA_SECRET": "The API key itself.",
    "PICA_SECRET_FILE": "A file with the API key in it.",
    "PICA_SECRET_COMMAND": "A command that prints the API key.",
    "PICA_SECRET_KEYRING": "service/username of the API key in the system's keyring.",
}
"""The variables that say what the secret is, only one of them, each with its one sentence."""


def key_of(variable: str) -> str:
    """Return what a variable is called in a settings file."""
    return variable.removeprefix("PICA_").lower()


FORMS: Mapping[str, Form] = {
    **{key_of(variable): "text" for variable in SECRETS},
    "secret_file": "path",
    "secret_command": "list",
    **{option.name: option.form for option in OPTIONS},
}
"""Every key of a settings file, and how it is written there."""

_PATHS = {CONFIG.name, *(key for key, form in FORMS.items() if form == "path")}
_MAY_BE_WORDS = {option.name for option in OPTIONS if option.takes_words}


def in_full(name: str, value: str, folder: Path) -> str:
    """Return the setting's value as it holds anywhere: a path is meant from this folder. Other values stay.

    `name` is the setting's variable, or its key in a file. Where words may stand, a bare one is no path, since a
    misspelt `off` or `stderr` would become one. A home that nobody has stays too: whoever reads the value tells that.
    """
    key = key_of(name)
    if value and key in _PATHS and not (key in _MAY_BE_WORDS and Path(value).name == value):
        with suppress(RuntimeError, ValueError):  # nobody's home, a name that no file can have
            return str(folder / Path(value).expanduser())
    return value


def flags_in(words: Iterable[str]) -> Mapping[str, str]:
    """Return the settings that a command line gives as flags: variable → value, the last one given."""
    by_flag = {option.flag: option.variable for option in (CONFIG, *OPTIONS)}
    rest, found = iter(words), dict[str, str]()
    for word in rest:
        flag, has_value, value = word.partition("=")
        if variable := by_flag.get(flag):
            found[variable] = value if has_value else next(rest, "")
    return found
