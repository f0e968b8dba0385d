"""The room of settings, its network: where Pica is, through which proxy, and whose certificates are trusted."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pica_mcp.errors import InvalidSettings
from pica_mcp.settings.values import one_of

# Labels parted by single dots, or an IPv6 address.
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")

Family = Literal["pica", "one"]


def url(value: str) -> str:
    """Return the URL without a trailing slash. The secret only travels encrypted, or on this machine."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a URL like https://api.picaos.com")
    if parts.scheme == "http" and not _is_local(parts.hostname or ""):
        raise ValueError("an https URL, since the secret is sent there; http is for addresses of this machine only")
    return value.rstrip("/")


def family(value: str, base_url: str) -> Family:
    """Return whose names the headers have; not given, the URL tells."""
    if value:
        return cast(Family, one_of(value, get_args(Family)))
    return "one" if f".{urlsplit(base_url).hostname}".endswith(".withone.ai") else "pica"


def proxy(base_url: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy that the usual variables (or the system) name for this URL; never for this machine.

    The variables are those of `environ`, such as a client's entry has; where it has none, this process's own.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    given = {_served(name): value for name, value in environ.items() if _served(name)}
    is_own = environ is os.environ or not given
    proxies = getproxies() if is_own else given
    found = proxies.get(parts.scheme) or proxies.get("all")
    bypassed = proxy_bypass(host) if is_own else _is_excepted(host, given.get("no", ""))
    if not found or _is_local(host) or bypassed:
        return None
    found = found if "://" in found else f"http://{found}"
    named = _split(found)
    if named is None or named.scheme not in ("http", "https"):
        raise InvalidSettings("The proxy variable for this URL is malformed.", "Set it like http://proxy.example:8080.")
    return found


def _served(name: str) -> str:
    """Return what a variable like `HTTPS_PROXY` is for, empty if it is another one."""
    name = name.lower()
    return name.removesuffix("_proxy") if name.endswith("_proxy") else ""


def _is_excepted(host: str, written: str) -> bool:
    """Tell if `NO_PROXY` names the host, or a domain that it is in."""
    names = [name.strip().lstrip(".").lower() for name in written.split(",")]
    return "*" in names or any(f".{host.lower()}".endswith(f".{name}") for name in names if name)


def certificates(environ: Mapping[str, str]) -> str | None:
    """Return the file of certificates to trust, None for the system's."""
    path = environ.get("SSL_CERT_FILE")
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # no such file, or nothing in it that is a certificate
            problem = f"SSL_CERT_FILE is {path!r}, but holds no certificates that can be read."
            raise InvalidSettings(problem, "Correct or unset it.") from error
    return path or None


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
