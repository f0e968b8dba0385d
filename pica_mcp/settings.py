"""The room of settings, and the only one that reads the environment.

One rule: `PICA_X` in the environment, `--x` on the command line; a flag goes before the environment, then the
default. The secret has no flag, since command lines are visible to every process. A variable that is set but empty is
an error: to take it for "everything" would open what somebody meant to close.
"""

from __future__ import annotations

import os
import re
import shlex
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pica_mcp import text
from pica_mcp.access import Grant, Identity, IdentityType, Permission, Preferences
from pica_mcp.consent import Policy
from pica_mcp.effects import Rule, parse_rule
from pica_mcp.errors import InvalidSettings
from pica_mcp.patterns import Pattern, ToolPattern, parse, parse_tools
from pica_mcp.secret import Command, File, Fixed, Keyring, Source, is_well_formed
from pica_mcp.tools import Profile

DEFAULT_BASE_URL = "https://api.picaos.com"
_KEYS_PAGE = "https://app.picaos.com/settings/api-keys"

# Labels parted by single dots, or an IPv6 address.
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_RESTRICTING = re.compile(
    r"IDENTIT|USER|PERMISSION|READ_?ONLY|ALLOW|DENY|BLOCK|ACTION|PLATFORM|CONNECTION|KNOWLEDGE|CONSENT|APPROV|AUDIT"
)
_CODES_OWN = re.compile(r"PICA_.+_CONNECTION_KEY")
"""What Pica's documents have people call a key in code of their own."""

_PASSWORD = re.compile(r"//[^/]*@")
_KEY = re.compile(r"((?:live|test)::[\w.-]*::)[^,=\s]+")

ToolMode = Literal["auto", "all", "none"]
LogLevel = Literal["debug", "info", "warning", "error"]
Family = Literal["pica", "one"]

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that is not a secret."""

    name: str
    help: str
    metavar: str
    default: str = ""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"PICA_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--{self.name.replace('_', '-')}"


OPTIONS = (
    Option("base_url", "Where Pica's API is.", "URL", DEFAULT_BASE_URL),
    Option("header_family", "x-pica-* or x-one-* headers; by default told from the URL.", "pica|one"),
    Option("identity", "Whose connections to serve; by default the whole account's.", "ID"),
    Option("identity_type", "What the identity is; by default any type.", "user|team|organization|project"),
    Option("permissions", "read: reads only; write: no deletions; admin: all.", "read|write|admin", "admin"),
    Option("connection_keys", "The only connections that may be used, or * for all.", "KEY,...", "*"),
    Option("platforms", "The only platforms that may be used, or * for all.", "PLATFORM,...", "*"),
    Option("action_ids", "The only actions, by id or like 'gmail GET /gmail/*', or * for all.", "ACTION,...", "*"),
    Option(
        "effects", "What actions do, where you know better: 'slack POST */archive=destructive'.", "ACTION=EFFECT,..."
    ),
    Option("knowledge_agent", "Only answer questions about actions, execute none.", "true|false", "false"),
    Option("consent", "Before a destructive call, auto: ask a person if the client can; always; off.", "MODE", "auto"),
    Option("connection_names", "What to call connections: 'Work=KEY', or 'Work=gmail/label'.", "NAME=CONNECTION,..."),
    Option("default_connections", "Which account to use where a call names none: 'gmail=Work'.", "PLATFORM=NAME,..."),
    Option("audit", "Where a line for each call goes: stderr, off, or a file (rotated at 10 MB).", "WHERE", "stderr"),
    Option("audit_hash_callers", "Write identities into the audit as keyed hashes only.", "true|false", "false"),
    Option("tools", "auto: as many as the budget holds; all; none: fixed tools only.", "auto|all|none", "auto"),
    Option("max_tools", "Budget: how many tools to list, fixed ones included.", "N", "32"),
    Option("max_tool_tokens", "Budget: how many tokens of definitions to list.", "N", "7000"),
    Option("pin", "Actions to list first, by id, tool name or like 'gmail POST'.", "ACTION,..."),
    Option("exclude", "Actions never to list as tools, written likewise; they still run.", "ACTION,..."),
    Option("tool_name_max", "The longest name of a tool, from 20 to 64 characters.", "N", "40"),
    Option("schema_profile", "JSON Schema for any client, OpenAI's strict mode, or as it is.", "PROFILE", "portable"),
    Option("max_result_tokens", "How much of an answer to show at a time; the rest is kept.", "N", "6000"),
    Option("files", "A folder to send files from and to save those of answers in; none by default.", "FOLDER"),
    Option("cache", "Where the catalogue is kept: a folder, or off; by default the user's cache folder.", "FOLDER"),
    Option("cache_mb", "How much of it to keep, in megabytes, from 16 to 10000.", "N", "512"),
    # Nobody may act on connections that are older than a minute, nor believe in them.
    Option("poll_seconds", "How often to look for changed connections, at most 60.", "N", "60"),
    Option("log_level", "What to log to stderr.", "debug|info|warning|error", "warning"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, checked and frozen."""

    secret: Source = field(repr=False)
    """Where the account's secret comes from; nothing is read from there yet."""
    base_url: str = DEFAULT_BASE_URL
    family: Family = "pica"
    identity: Identity = Identity()
    grant: Grant = Grant()
    preferences: Preferences = Preferences()
    consent: Policy = Policy.AUTO
    audit: str = "stderr"
    audit_hash_callers: bool = False
    tools: ToolMode = "auto"
    max_tools: int = 32
    max_tool_tokens: int = 7_000
    pins: tuple[ToolPattern, ...] = ()
    exclusions: tuple[ToolPattern, ...] = ()
    tool_name_max: int = 40
    schema_profile: Profile = "portable"
    max_result_tokens: int = 6_000
    files: Path | None = None
    cache: Path | None = None
    """The folder of the catalogue's files, None for none."""
    cache_mb: int = 512
    poll_seconds: int = 60
    log_level: LogLevel = "warning"
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    sandbox: bool = False


def load(
    flags: Mapping[str, str | None],
    environ: Mapping[str, str] | None = None,
    *,
    sandbox: bool = False,
    keyless: bool = False,
) -> Settings:
    """Return the settings, or raise `InvalidSettings` that names the one at fault.

    `flags` maps an option's name to what was given, None for not given. With `sandbox`, the account's own settings
    (secret, base URL) are left alone, since the embedded sandbox has its own. With `keyless`, there need be no secret;
    it is empty then.
    """
    environ = os.environ if environ is None else environ
    _refuse_misspelt(environ)
    given = {option.name: _given(option, flags.get(option.name), environ) for option in OPTIONS}

    def read(name: str, parse: Callable[[str], ValueT]) -> ValueT:
        option, value = given[name]
        try:
            return parse(value)
        except _BadItem as error:
            if error.item.lower() == value.lower():
                raise InvalidSettings(f"{option.variable} is {_shown(value)}, but must be {error}.") from error
            problem = f"{option.variable} is a list with {_shown(error.item)} in it, but {error.must} be {error}."
            raise InvalidSettings(problem) from error
        except ValueError as error:
            raise InvalidSettings(f"{option.variable} is {_shown(value)}, but must be {error}.") from error

    base_url = DEFAULT_BASE_URL if sandbox else read("base_url", _url)
    return Settings(
        secret=Fixed("") if sandbox or (keyless and environ.keys().isdisjoint(_SECRETS)) else _secret(environ),
        base_url=base_url,
        family=read("header_family", lambda value: _family(value, base_url)),
        identity=Identity(
            id=read("identity", lambda value: value or None),
            type=read("identity_type", lambda value: IdentityType(_one_of(value, IdentityType)) if value else None),
        ),
        grant=Grant(
            permission=read("permissions", lambda value: Permission(_one_of(value, Permission))),
            connection_keys=read("connection_keys", _allowed_connections),
            actions=read("action_ids", _allowed_actions),
            platforms=read("platforms", _allowed_platforms),
            knowledge_only=read("knowledge_agent", _flag),
            effects=read("effects", lambda value: tuple(_each(_rule, _listed(value)))),
        ),
        preferences=Preferences(
            names=read("connection_names", _connection_names), defaults=read("default_connections", _defaults)
        ),
        consent=read("consent", lambda value: Policy(_one_of(value, Policy))),
        audit=read("audit", lambda value: value),
        audit_hash_callers=read("audit_hash_callers", _flag),
        tools=cast(ToolMode, read("tools", lambda value: _one_of(value, get_args(ToolMode)))),
        max_tools=read("max_tools", _count),
        max_tool_tokens=read("max_tool_tokens", _count),
        pins=read("pin", lambda value: tuple(_each(parse_tools, _listed(value)))),
        exclusions=read("exclude", lambda value: tuple(_each(parse_tools, _listed(value)))),
        tool_name_max=read("tool_name_max", lambda value: _within(value, 20, 64)),
        schema_profile=cast(Profile, read("schema_profile", lambda value: _one_of(value, get_args(Profile)))),
        max_result_tokens=read("max_result_tokens", lambda value: _within(value, 200, 100_000)),
        files=read("files", _folder),
        cache=None if sandbox else read("cache", lambda value: _cache(value, environ)),
        cache_mb=read("cache_mb", lambda value: _within(value, 16, 10_000)),
        poll_seconds=read("poll_seconds", lambda value: _within(value, 1, 60)),
        log_level=cast(LogLevel, read("log_level", lambda value: _one_of(value, get_args(LogLevel)))),
        proxy=None if sandbox else _proxy(base_url),
        ca_file=None if sandbox else _certificates(environ),
        sandbox=sandbox,
    )


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Raise if a variable is nearly one of ours, or sounds like a restriction: misspelt, it would restrict nothing."""
    known = (*_SECRETS, *(option.variable for option in OPTIONS))
    for name in environ:
        if not name.startswith("PICA_") or name in known or _CODES_OWN.fullmatch(name):
            continue
        from difflib import get_close_matches  # noqa: PLC0415 - few misspell a name

        if (near := get_close_matches(name, known, 1, 0.9)) or _RESTRICTING.search(name):
            hint = f"Did you mean {near[0]}?" if near else "Unset it, or use one of those that pica-mcp --help lists."
            raise InvalidSettings(f"{name} is no setting.", hint)


def _given(option: Option, flag: str | None, environ: Mapping[str, str]) -> tuple[Option, str]:
    value = environ.get(option.variable) if flag is None else flag
    if value is not None and not value.strip():
        name = option.variable if flag is None else option.flag
        raise InvalidSettings(f"{name} is set but empty.", "Unset it, or give it a value.")
    return option, (option.default if value is None else value.strip())


def _secret(environ: Mapping[str, str]) -> Source:
    """Return where the secret comes from. Only one that is told outright is looked at: starting waits for nothing."""
    given = [variable for variable in _SECRETS if variable in environ]
    if not given or (given == ["PICA_SECRET"] and not environ["PICA_SECRET"].strip()):
        raise InvalidSettings(
            "PICA_SECRET is not set.", f"Set it to a key from {_KEYS_PAGE}, or try --sandbox, which needs none."
        )
    for variable in given:
        if not environ[variable].strip():
            raise InvalidSettings(f"{variable} is set but empty.", "Unset it, or give it a value.")
    if len(given) > 1:
        raise InvalidSettings(f"{' and '.join(given)} are set.", "Unset all but one.")
    return _SECRETS[given[0]](environ[given[0]].strip())


def _fixed(value: str) -> Fixed:
    if not is_well_formed(value):
        raise InvalidSettings("PICA_SECRET is malformed.", f"Copy the key again from {_KEYS_PAGE}.")
    return Fixed(value)


def _file(value: str) -> File:
    try:
        return File(Path(value).expanduser())
    except RuntimeError:
        raise InvalidSettings(
            f"PICA_SECRET_FILE is {value!r}, but there is no such home.", "Give a full path."
        ) from None


def _command(value: str, *, windows: bool = os.name == "nt") -> Command:
    """Return the command. It may hold secrets itself, so it is not shown."""
    lexer = shlex.shlex(value, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if windows:  # where backslashes are in paths, and apostrophes in names
        lexer.escape, lexer.quotes = "", '"'
    words: list[str] = []
    with suppress(ValueError):  # a quote is left open
        words = list(lexer)
    if not words or not words[0]:
        raise InvalidSettings("PICA_SECRET_COMMAND is malformed.", "Write it as for a shell, each quote closed.")
    return Command(tuple(words))


def _keyring(value: str) -> Keyring:
    service, _, username = value.rpartition("/")
    if not (service and username):
        raise InvalidSettings(f"PICA_SECRET_KEYRING is {value!r}, but must be a service/username.", "Correct it.")
    return Keyring(service, username)


_SECRETS: Mapping[str, Callable[[str], Source]] = {
    "PICA_SECRET": _fixed,
    "PICA_SECRET_FILE": _file,
    "PICA_SECRET_COMMAND": _command,
    "PICA_SECRET_KEYRING": _keyring,
}
"""The variables that may say what the secret is, only one of them, and what each makes of its value."""


def _one_of(value: str, choices: object) -> str:
    words = [str(choice) for choice in cast(tuple[object, ...], choices)]
    if value.lower() in words:
        return value.lower()
    raise ValueError(f"one of {', '.join(words)}")


def _flag(value: str) -> bool:
    return _one_of(value, ("true", "false", "1", "0")) in ("true", "1")


def _count(value: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", value):
        raise ValueError("a whole number above 0")
    return int(value)


def _within(value: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", value) or not least <= int(value) <= most:
        raise ValueError(f"a whole number from {least} to {most}")
    return int(value)


def _folder(value: str) -> Path | None:
    """Return the folder, None for none. It has to be there: made here, a slip would make another one."""
    if not value:
        return None
    folder = _expanded(value)
    if not folder.is_absolute() or not folder.is_dir():
        raise ValueError("the full path of a folder that exists")
    return folder.resolve()


def _cache(value: str, environ: Mapping[str, str]) -> Path | None:
    """Return the folder, which is made when it is needed; None for none, and where nobody knows a user's folder."""
    if value.lower() == "off":
        return None
    if not value:
        folder = _users_cache(environ)
        return folder and folder / "pica-mcp"
    folder = _expanded(value)
    if not folder.is_absolute() or (folder.exists() and not folder.is_dir()):
        raise ValueError("off, or the full path of a folder")
    return folder


def _users_cache(environ: Mapping[str, str]) -> Path | None:
    """Return where programs of the user keep what they can make anew."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    places = {"win32": environ.get("LOCALAPPDATA"), "darwin": home and f"{home}/Library/Caches"}
    place = Path(environ.get("XDG_CACHE_HOME") or places.get(sys.platform) or (f"{home}/.cache" if home else ""))
    return place if place.is_absolute() else None


def _expanded(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a folder whose home there is") from None


def _listed(value: str) -> list[str]:
    """Return what stands between the commas; to take nothing but commas for nothing would hide a slip."""
    items = [item.strip() for item in value.split(",") if item.strip()]
    if value and not items:
        raise ValueError("parted by commas, not commas alone")
    return items


class _BadItem(ValueError):
    """One of a list is wrong: it is told by itself, since the list may be long and hold keys."""

    def __init__(self, item: str, allowed: str, must: str = "must") -> None:
        super().__init__(allowed)
        self.item = item
        self.must = must


def _each(parse: Callable[[str], ValueT], items: Iterable[str]) -> Iterator[ValueT]:
    for item in items:
        try:
            yield parse(item)
        except ValueError as error:
            raise _BadItem(item, str(error), "each item must") from error


def _shown(value: str) -> str:
    return repr(_KEY.sub(r"\1…", _PASSWORD.sub("//…@", value)))


def _rule(written: str) -> Rule:
    if written.startswith("="):
        raise ValueError("PATTERN=EFFECT like gmail POST /search=read; there is no pattern before the =")
    return parse_rule(written)


def _allowed(value: str, what: str, fits: Callable[[str], object]) -> list[str] | None:
    """Return the allowlist, None for all. What can match nothing, such as a label, is told at once."""
    names = [item.strip() for item in value.split(",") if item.strip()]
    if names == ["*"]:
        return None
    must_be = f"* alone, or {what} parted by commas"
    if not names:
        raise ValueError(must_be)
    if wrong := next((name for name in names if name == "*" or not fits(name)), None):
        raise _BadItem(wrong, must_be)
    return names


def _allowed_connections(value: str) -> frozenset[str] | None:
    keys = _allowed(value, "connection keys like live::gmail::…", lambda key: "::" in key)
    return None if keys is None else frozenset(keys)


def _allowed_platforms(value: str) -> frozenset[str] | None:
    names = _allowed(value.lower(), "names like gmail", _PLATFORM.fullmatch)
    return None if names is None else frozenset(names)


def _allowed_actions(value: str) -> tuple[Pattern, ...] | None:
    written = _allowed(value, "action ids, or patterns like 'gmail GET /gmail/*',", bool)
    return None if written is None else tuple(_each(parse, written))


def _connection_names(value: str) -> Mapping[str, str]:
    """Return connection → what it is called. A name is one clean line, and no two are alike, letter case aside."""
    called: dict[str, str] = {}
    for written in _listed(value):
        ((name, connection),) = _each(_pair, [written])
        if name != text.line(name, 60) or "::" in name or "(" in name:
            raise _BadItem(written, "names of at most 60 plain characters, without brackets or ::")
        if "::" not in connection and not re.fullmatch(r"[\w.-]+/.+", connection):
            raise _BadItem(written, "names of connections, each given by its key or as platform/label")
        if connection in called or name.casefold() in map(str.casefold, called.values()):
            raise _BadItem(written, "one name for each connection, and one connection for each name")
        called[connection] = name
    return called


def _defaults(value: str) -> Mapping[str, str]:
    defaults: dict[str, str] = {}
    for written in _listed(value):
        ((platform, name),) = _each(_pair, [written])
        if not _PLATFORM.fullmatch(platform.lower()) or platform.lower() in defaults:
            raise _BadItem(written, "platforms like gmail, each once, with the label or key of one of its connections")
        defaults[platform.lower()] = name
    return defaults


def _pair(written: str) -> tuple[str, str]:
    left, found, right = map(str.strip, written.partition("="))
    if not (left and found and right):
        raise ValueError("pairs like Work=live::gmail::… or gmail=Work, parted by commas")
    return left, right


def _url(value: str) -> str:
    """Return the URL without a trailing slash. The secret only travels encrypted, or on this machine."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a URL like https://api.picaos.com")
    if parts.scheme == "http" and not _is_local(parts.hostname or ""):
        raise ValueError("an https URL, since the secret is sent there; http is for addresses of this machine only")
    return value.rstrip("/")


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL with a host, None for what is none."""
    try:
        parts = urlsplit(url)
        whole = bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:  # a broken IPv6 address, a port that is none
        return None
    return parts if whole else None


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _family(value: str, base_url: str) -> Family:
    if value:
        return cast(Family, _one_of(value, get_args(Family)))
    return "one" if f".{urlsplit(base_url).hostname}".endswith(".withone.ai") else "pica"


def _proxy(base_url: str) -> str | None:
    """Return the proxy that the usual variables (or the system) name for this URL; never for this machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_local(host) or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    named = _split(proxy)
    if named is None or named.scheme not in ("http", "https"):
        raise InvalidSettings("The proxy variable for this URL is malformed.", "Set it like http://proxy.example:8080.")
    return proxy


def _certificates(environ: Mapping[str, str]) -> str | None:
    """Return the file of certificates to trust, None for the system's."""
    path = environ.get("SSL_CERT_FILE")
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # no such file, or nothing in it that is a certificate
            problem = f"SSL_CERT_FILE is {path!r}, but holds no certificates that can be read."
            raise InvalidSettings(problem, "Correct or unset it.") from error
    return path or None
