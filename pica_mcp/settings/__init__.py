"""The room of settings, and the only one that reads the environment.

One rule: `--x` on the command line goes before `PICA_X` in the environment, that before `x` in the settings file, then
the default. The file is the one that `--config` or `PICA_CONFIG` names; none is ever looked for. The secret has no
flag, since command lines are visible to every process. What is given but empty is an error: to take it for
"everything" would open what somebody meant to close.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from pica_mcp.access import Grant, Identity, IdentityType, Permission, Preferences
from pica_mcp.consent import Policy
from pica_mcp.patterns import ToolPattern
from pica_mcp.secret import Fixed, Source
from pica_mcp.settings import network, values
from pica_mcp.settings.network import Family
from pica_mcp.settings.options import (
    CONFIG,
    DEFAULT_BASE_URL,
    KEYS_PAGE,
    OPTIONS,
    SECRETS,
    Option,
    flags_in,
    in_full,
)
from pica_mcp.settings.secrets import find_secret
from pica_mcp.settings.sources import DEFAULT, Origin, Written, environment, find, refuse_misspelt
from pica_mcp.settings.values import one_of, within
from pica_mcp.tools import Profile

__all__ = [
    "CONFIG",
    "DEFAULT_BASE_URL",
    "KEYS_PAGE",
    "OPTIONS",
    "SECRETS",
    "Family",
    "LogLevel",
    "Option",
    "Origin",
    "Settings",
    "ToolMode",
    "environment",
    "flags_in",
    "in_full",
    "load",
]

ToolMode = Literal["auto", "all", "none"]
LogLevel = Literal["debug", "info", "warning", "error"]


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
    config: Path | None = field(default=None, compare=False)
    """The settings file that was read, None for none."""
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin], repr=False, compare=False)
    """Option's name, or `secret`, → where its value comes from."""
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """What whoever wrote the settings should know, though all of them hold."""

    def named(self, name: str) -> str:
        """Return what to call the option in an error: the flag, the variable, or its key in the file."""
        origin = self.origins.get(name, DEFAULT)
        return f"{name} in {origin.told}" if origin.kind == "file" else origin.told or f"PICA_{name.upper()}"


def load(
    flags: Mapping[str, str | None],
    environ: Mapping[str, str] | None = None,
    *,
    sandbox: bool = False,
    keyless: bool = False,
) -> Settings:
    """Return the settings, or raise `InvalidSettings` that names the one at fault, and where it comes from.

    `flags` maps an option's name, or `config`, to what was given, None for not given. With `sandbox`, the account's own
    settings (secret, base URL) are left alone, since the embedded sandbox has its own. With `keyless`, there need be no
    secret; it is empty then.
    """
    environ = environment() if environ is None else environ
    refuse_misspelt(environ)
    file = _written(flags, environ)
    given = {option.name: find(option, flags, environ, file) for option in OPTIONS}
    origins = {name: each.origin for name, each in given.items()}
    base_url = DEFAULT_BASE_URL if sandbox else given["base_url"].read(network.url)
    secret, origins["secret"] = (Fixed(""), DEFAULT) if sandbox else find_secret(environ, file, keyless=keyless)
    if sandbox:
        origins |= dict.fromkeys(("base_url", "cache"), DEFAULT)
    return Settings(
        secret=secret,
        base_url=base_url,
        family=given["header_family"].read(lambda value: network.family(value, base_url)),
        identity=Identity(
            id=given["identity"].read(lambda value: value or None),
            type=given["identity_type"].read(
                lambda value: IdentityType(one_of(value, IdentityType)) if value else None
            ),
        ),
        grant=Grant(
            permission=given["permissions"].read(lambda value: Permission(one_of(value, Permission))),
            connection_keys=given["connection_keys"].read_list(values.allowed_connections),
            actions=given["action_ids"].read_list(values.allowed_actions),
            platforms=given["platforms"].read_list(values.allowed_platforms),
            knowledge_only=given["knowledge_agent"].read(values.switch),
            effects=given["effects"].read_list(values.rules),
        ),
        preferences=Preferences(
            names=given["connection_names"].read_list(values.connection_names),
            defaults=given["default_connections"].read_list(values.default_connections),
        ),
        consent=given["consent"].read(lambda value: Policy(one_of(value, Policy))),
        audit=given["audit"].read(str),
        audit_hash_callers=given["audit_hash_callers"].read(values.switch),
        tools=cast(ToolMode, given["tools"].read(lambda value: one_of(value, get_args(ToolMode)))),
        max_tools=given["max_tools"].read(values.count),
        max_tool_tokens=given["max_tool_tokens"].read(values.count),
        pins=given["pin"].read_list(values.tool_patterns),
        exclusions=given["exclude"].read_list(values.tool_patterns),
        tool_name_max=given["tool_name_max"].read(lambda value: within(value, 20, 64)),
        schema_profile=cast(Profile, given["schema_profile"].read(lambda value: one_of(value, get_args(Profile)))),
        max_result_tokens=given["max_result_tokens"].read(lambda value: within(value, 200, 100_000)),
        files=given["files"].read(values.folder),
        cache=None if sandbox else given["cache"].read(lambda value: values.cache(value, environ)),
        cache_mb=given["cache_mb"].read(lambda value: within(value, 16, 10_000)),
        poll_seconds=given["poll_seconds"].read(lambda value: within(value, 1, 60)),
        log_level=cast(LogLevel, given["log_level"].read(lambda value: one_of(value, get_args(LogLevel)))),
        proxy=None if sandbox else network.proxy(base_url, environ),
        ca_file=None if sandbox else network.certificates(environ),
        sandbox=sandbox,
        config=file.path,
        origins=origins,
        warnings=file.warnings,
    )


def _written(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> Written:
    """Return what the settings file says, if one is named."""
    named = find(CONFIG, flags, environ, Written())
    if not named.raw:
        return Written()
    from pica_mcp.settings.file import read  # noqa: PLC0415 - most have no such file, and a start is not to pay for it

    return read(str(named.raw), named.name)
