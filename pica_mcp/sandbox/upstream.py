"""The sandbox's side of a provider: the call that reaches it, its reply, and ids and times that repeat exactly."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from itertools import count
from typing import Any, cast

from pica_mcp.sandbox import forms

Json = dict[str, Any]

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")


class MalformedError(Exception):
    """A body that the provider cannot read in the encoding it was sent in."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    content: bytes
    media: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the provider sees it: placeholders resolved and decoded, everything else as the caller sent it."""

    path: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    def first(self, name: str, default: str = "") -> str:
        """The first query value of that name."""
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        """All query values of that name, in order; a repeated key is a list."""
        return [value for key, value in self.query if key == name]

    def number(self, name: str, default: int) -> int:
        """A query value as a whole number; anything else is malformed."""
        return whole(self.first(name) or default)

    def json(self, *, typed: bool = True) -> Json:
        """The body as a JSON object; an empty body is an empty object.

        One that is not declared as JSON is malformed, unless the provider is content with what is not `typed`.
        """
        return json_object(self.json_bytes(typed=typed) or b"{}")

    def json_bytes(self, *, typed: bool = True) -> bytes:
        """The body's bytes, yet to be read as JSON; malformed if they are declared as something else."""
        if typed and self.body and not _JSON_TYPE.fullmatch(self.headers.get("content-type", "")):
            raise MalformedError
        return self.body

    def form(self) -> Json:
        """The body as a form in bracket notation; any other content type with a body is malformed."""
        if self.body and not self.is_form:
            raise MalformedError
        try:
            return forms.parse(self.body)
        except (ValueError, RecursionError) as error:
            raise MalformedError from error

    def parts(self) -> dict[str, Part]:
        """The parts of a multipart body by their names, or by position where they have none; else malformed."""
        kind = self.headers.get("content-type", "")
        message = BytesParser(policy=HTTP).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + self.body)
        if not kind.startswith("multipart/") or not message.is_multipart():
            raise MalformedError
        return dict(_part(number, part) for number, part in enumerate(message.iter_parts()))

    @property
    def is_form(self) -> bool:
        """Whether the caller declared a URL-encoded form."""
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider sends back, before Pica renames its headers: JSON, or bytes of the given media type.

    Without a `body` it is empty.
    """

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = "application/json; charset=utf-8"

    @property
    def content(self) -> bytes:
        """The bytes on the wire."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return json.dumps(self.body, allow_nan=False).encode()


class ProviderError(Exception):
    """A provider's refusal, raised by a handler and sent as the reply it carries."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"provider answered {reply.status}")
        self.reply = reply


class Ledger:
    """Ids and times of one account, counted instead of drawn or read, so that two sandboxes write the same."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._ids = count(1)
        self._minutes = count()

    def token(self, length: int) -> str:
        """A fresh id of lower-case hexadecimal digits, at most 64."""
        return sha256(f"{self._seed}/{next(self._ids)}".encode()).hexdigest()[:length]

    def number(self) -> int:
        """A fresh id in nine digits."""
        return 100_000_000 + int(self.token(7), 16)

    def moment(self) -> datetime:
        """One minute after the moment before."""
        return datetime(2026, 1, 5, 9, 0, tzinfo=UTC) + timedelta(minutes=next(self._minutes))


def _part(number: int, part: MIMEPart) -> tuple[str, Part]:
    name = part.get_param("name", header="content-disposition")
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    return str(name or number), Part(content, part.get_content_type(), part.get_filename())


def json_value(data: bytes) -> Any:
    """The JSON value in the bytes; text that has no UTF-8 form, and numbers that JSON does not have, are malformed."""
    try:
        value = json.loads(data)
        # What could not be sent back is not let in: NaN, and 1e999, which Python reads as infinite.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError from error
    return value


def json_object(data: bytes) -> Json:
    """The JSON object in the bytes; anything else is malformed."""
    value = json_value(data)
    if not isinstance(value, dict):
        raise MalformedError
    return cast("Json", value)


def whole(value: Any) -> int:
    """A whole number, as a number or in plain digits; anything else is malformed."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedError
    return value


def string(value: Any) -> str:
    """A string, empty for None; anything else is malformed."""
    if not isinstance(value, str | None):
        raise MalformedError
    return value or ""


def strings(value: Any) -> list[str]:
    """A list of strings, empty for None; anything else is malformed."""
    items = cast("list[Any]", [] if value is None else value)
    if not isinstance(value, list | None) or not all(isinstance(item, str) for item in items):
        raise MalformedError
    return items


def objects(value: Any, wrong: Exception) -> list[Json]:
    """A list of objects, empty for None; anything else raises what is `wrong`."""
    items = cast("list[Any]", [] if value is None else value)
    if not isinstance(value, list | None) or not all(isinstance(item, dict) for item in items):
        raise wrong
    return items


def fields(value: Any, wrong: Exception) -> Json:
    """An object, empty for None; anything else raises what is `wrong`."""
    if not isinstance(value, dict | None):
        raise wrong
    return cast("Json", value or {})


def needed(value: Any, wrong: Exception) -> str:
    """A string with something in it; anything else raises what is `wrong`."""
    if not isinstance(value, str) or not value:
        raise wrong
    return value


def uuid(digits: str) -> str:
    """Hexadecimal digits with the dashes of a UUID."""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def slug(text: str) -> str:
    """Lower-case words joined by dashes, fit for an address or a login."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) or "account"


def stamp(moment: datetime) -> str:
    """ISO-8601 in whole seconds, as most providers write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
