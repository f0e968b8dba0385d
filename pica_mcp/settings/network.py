"""The room of settings, its network: where Pica is, through which proxy, and whose certificates are trusted."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Any, Literal, cast, get_args
from urllib import request
from urllib.parse import SplitResult, urlsplit

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
    """Return the proxy that the usual variables name for this URL, or the system without any; never for this machine.

    Variables in small letters go before those in large ones, as everywhere.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    given = {_served(name): environ[name] for name in sorted(environ) if _served(name)}
    of_variables = given, partial(_is_excepted, given.get("no", ""))
    proxies, is_excepted = of_variables if any(given.values()) else _of_system()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or _is_local(host) or is_excepted(host):
        return None
    found = found if "://" in found else f"http://{found}"
    named = _split(found)
    if named is None or named.scheme not in ("http", "https"):
        raise InvalidSettings("The proxy variable for this URL is malformed.", "Set it like http://proxy.example:8080.")
    return found


def _of_system() -> tuple[Mapping[str, str], Callable[[str], Any]]:
    """Return the proxies of the system's own settings, and what tells if a host is excepted from them.

    Python has them in `getproxies` too, but only where this process has no variables; these are of any environment.
    """
    for system in ("registry", "macosx_sysconf"):  # of Windows and macOS; others have none
        if hasattr(request, f"getproxies_{system}"):
            return getattr(request, f"getproxies_{system}")(), getattr(request, f"proxy_bypass_{system}")
    return {}, frozenset[str]().__contains__


def _served(name: str) -> str:
    """Return what a variable like `HTTPS_PROXY` is for, empty if it is another one."""
    name = name.lower()
    return name.removesuffix("_proxy") if name.endswith("_proxy") else ""


def _is_excepted(written: str, host: str) -> bool:
    """Tell if `NO_PROXY` names the host, or a domain that it is in."""
    names = [name.strip().lstrip(".").lower() for name in written.split(",")]
    return "*" in names or any(f".{host.lower()}".endswith(f".{name}") for name in names if name)


def certificates(environ: Mapping[str, str]) -> str | None:
    """Return the file of certificates to trust, None for the system's."""
    path = environ.get("SSL_CERT_FILE")
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except (OSError, ValueError) as error:  # no such file, nothing in it that is a certificate, or no name
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
