"""The room of settings, and the only one that reads the environment.

One rule: `PICA_X` in the environment, `--x` on the command line; a flag goes before the environment, then the
default. The secret has no flag, since command lines are visible to every process. A variable that is set but empty is
an error: to take it for "everything" would open what somebody meant to close.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pica_mcp.access import Grant, Identity, IdentityType, Permission
from pica_mcp.errors import InvalidSettings
from pica_mcp.models import action_id

DEFAULT_BASE_URL = "https://api.picaos.com"
_KEYS_PAGE = "https://app.picaos.com/settings/api-keys"

# Labels parted by single dots, or an IPv6 address.
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_PASSWORD = re.compile(r"//[^/]*@")

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
    Option("action_ids", "The only actions that may be used, or * for all.", "ID,...", "*"),
    Option("knowledge_agent", "Only answer questions about actions, execute none.", "true|false", "false"),
    Option("tools", "auto: as many as the budget holds; all; none: fixed tools only.", "auto|all|none", "auto"),
    Option("max_tools", "Budget: how many tools to list, fixed ones included.", "N", "32"),
    Option("max_tool_tokens", "Budget: how many tokens of definitions to list.", "N", "7000"),
    Option("poll_seconds", "How often to look for changed connections, at most 60.", "N", "60"),
    Option("log_level", "What to log to stderr.", "debug|info|warning|error", "warning"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, checked and frozen."""

    secret: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    family: Family = "pica"
    identity: Identity = Identity()
    grant: Grant = Grant()
    tools: ToolMode = "auto"
    max_tools: int = 32
    max_tool_tokens: int = 7_000
    poll_seconds: int = 60
    log_level: LogLevel = "warning"
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    sandbox: bool = False

    @property
    def environment(self) -> str:
        """The secret's environment, which must be the connection's too."""
        return "test" if self.secret.startswith(("sk_test_", "id_test_")) else "live"


def load(
    flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None, *, sandbox: bool = False
) -> Settings:
    """Return the settings, or raise `InvalidSettings` that names the one at fault.

    `flags` maps an option's name to what was given, None for not given. With `sandbox`, the account's own settings
    (secret, base URL) are left alone, since the embedded sandbox has its own.
    """
    environ = os.environ if environ is None else environ
    _refuse_misspelt(environ)
    given = {option.name: _given(option, flags.get(option.name), environ) for option in OPTIONS}

    def read(name: str, parse: Callable[[str], ValueT]) -> ValueT:
        option, value = given[name]
        try:
            return parse(value)
        except ValueError as error:
            shown = _PASSWORD.sub("//…@", value)
            raise InvalidSettings(f"{option.variable} is {shown!r}, but must be {error}.") from error

    base_url = DEFAULT_BASE_URL if sandbox else read("base_url", _url)
    return Settings(
        secret="" if sandbox else _secret(environ),
        base_url=base_url,
        family=read("header_family", lambda value: _family(value, base_url)),
        identity=Identity(
            id=read("identity", lambda value: value or None),
            type=read("identity_type", lambda value: IdentityType(_one_of(value, IdentityType)) if value else None),
        ),
        grant=Grant(
            permission=read("permissions", lambda value: Permission(_one_of(value, Permission))),
            connection_keys=read("connection_keys", _allowed_connections),
            action_ids=read("action_ids", _allowed_actions),
            knowledge_only=read("knowledge_agent", _flag),
        ),
        tools=cast(ToolMode, read("tools", lambda value: _one_of(value, get_args(ToolMode)))),
        max_tools=read("max_tools", _count),
        max_tool_tokens=read("max_tool_tokens", _count),
        poll_seconds=read("poll_seconds", _poll_seconds),
        log_level=cast(LogLevel, read("log_level", lambda value: _one_of(value, get_args(LogLevel)))),
        proxy=None if sandbox else _proxy(base_url),
        ca_file=None if sandbox else _certificates(environ),
        sandbox=sandbox,
    )


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Raise if a variable is nearly one of ours: a misspelt restriction would restrict nothing."""
    known = ("PICA_SECRET", *(option.variable for option in OPTIONS))
    for name in environ:
        if name.startswith("PICA_") and name not in known and (near := get_close_matches(name, known, 1, 0.9)):
            raise InvalidSettings(f"{name} is no setting.", f"Did you mean {near[0]}?")


def _given(option: Option, flag: str | None, environ: Mapping[str, str]) -> tuple[Option, str]:
    value = environ.get(option.variable) if flag is None else flag
    if value is not None and not value.strip():
        name = option.variable if flag is None else option.flag
        raise InvalidSettings(f"{name} is set but empty.", "Unset it, or give it a value.")
    return option, (option.default if value is None else value.strip())


def _secret(environ: Mapping[str, str]) -> str:
    secret = environ.get("PICA_SECRET", "").strip()
    if not secret:
        raise InvalidSettings(
            "PICA_SECRET is not set.", f"Set it to a key from {_KEYS_PAGE}, or try --sandbox, which needs none."
        )
    if not re.fullmatch(r"[\x21-\x7e]{8,}", secret):
        raise InvalidSettings("PICA_SECRET is malformed.", f"Copy the key again from {_KEYS_PAGE}.")
    return secret


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


def _poll_seconds(value: str) -> int:
    # Nobody may act on connections that are older than a minute, nor believe in them.
    if not re.fullmatch(r"[1-9]\d?", value) or int(value) > 60:
        raise ValueError("a whole number from 1 to 60")
    return int(value)


def _allowed(value: str, what: str) -> frozenset[str] | None:
    """Return the allowlist, None for all. What can match nothing, such as a label, is told at once."""
    names = frozenset(name.strip() for name in value.split(",") if name.strip())
    if names == frozenset("*"):
        return None
    if not names or not all("::" in name for name in names):
        raise ValueError(f"* alone, or {what} parted by commas")
    return names


def _allowed_connections(value: str) -> frozenset[str] | None:
    return _allowed(value, "connection keys like live::gmail::…")


def _allowed_actions(value: str) -> frozenset[str] | None:
    ids = _allowed(value, "action ids like conn_mod_def::…")
    return None if ids is None else frozenset(map(action_id, ids))


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
