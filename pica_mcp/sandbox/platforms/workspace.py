"""A Slack workspace in the sandbox: channels, people and messages of one connection."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, slug

PEOPLE = (("U0ADA", "ada"), ("U0GRACE", "grace"), ("U0CHARLES", "charles"))

_ERRORS: Mapping[int, str] = MappingProxyType({400: "invalid_json", 401: "token_revoked", 404: "unknown_method"})


def refuse(status: int) -> Reply:
    """Slack says 200 to everything but a request without any authority; the truth is in the body."""
    return Reply(401 if status == 401 else 200, {"ok": False, "error": _ERRORS[status]})


class Workspace:
    """One workspace with three channels; every method is one Slack method or Pica's own on top of it."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self.team = slug(label)
        self._channels = {"C0GENERAL": "general", "C0RANDOM": "random", "C0ENGINES": "engines"}
        self._messages: dict[str, list[Json]] = {channel: [] for channel in self._channels}
        self._post("C0GENERAL", f"Welcome to {label}.", "U0GRACE")
        self._post("C0GENERAL", "Stand-up moves to ten.", "U0CHARLES")
        self._post("C0ENGINES", "Gear 42 needs oil.", "U0CHARLES")

    # --- Slack ------------------------------------------------------------------------------------------------------

    def list_conversations(self, call: Call) -> Reply:
        channels = [
            {"id": channel, "name": name, "is_channel": True, "is_archived": False, "num_members": len(PEOPLE)}
            for channel, name in self._channels.items()
        ]
        start, size = call.number("cursor", 0), call.number("limit", 100)
        cursor = str(start + size) if start + size < len(channels) else ""
        return _ok(channels=channels[start : start + size], response_metadata={"next_cursor": cursor})

    def history(self, call: Call) -> Reply:
        newest = self._messages[self._channel(call.first("channel"))][::-1]
        size = call.number("limit", 100)
        return _ok(messages=newest[:size], has_more=len(newest) > size)

    def list_users(self, call: Call) -> Reply:
        members = [self._person(user, name) for user, name in PEOPLE]
        return _ok(members=members[: call.number("limit", 100)])

    def lookup(self, call: Call) -> Reply:
        found = [self._person(user, name) for user, name in PEOPLE if call.first("email") == f"{name}@acme.example"]
        return _ok(user=found[0]) if found else _no("users_not_found")

    def post_message(self, call: Call) -> Reply:
        body = _fields(call)
        channel, text = self._channel(body.get("channel")), _text(body.get("text"))
        message = self._post(channel, text, "U0ADA", body.get("thread_ts"))
        return _ok(channel=channel, ts=message["ts"], message=message)

    def update_message(self, call: Call) -> Reply:
        body = _fields(call)
        channel, text = self._channel(body.get("channel")), _text(body.get("text"))
        message = self._message(channel, body.get("ts"))
        message.update(text=text, edited={"user": "U0ADA"})
        return _ok(channel=channel, ts=message["ts"], text=message["text"])

    def delete_message(self, call: Call) -> Reply:
        body = _fields(call)
        channel = self._channel(body.get("channel"))
        message = self._message(channel, body.get("ts"))
        self._messages[channel].remove(message)
        return _ok(channel=channel, ts=message["ts"])

    def add_reaction(self, call: Call) -> Reply:
        body = _fields(call)
        message = self._message(self._channel(body.get("channel")), body.get("timestamp"))
        if not body.get("name"):
            return _no("invalid_name")
        if any(one["name"] == body["name"] for one in message["reactions"]):
            return _no("already_reacted")
        message["reactions"].append({"name": body["name"], "users": ["U0ADA"], "count": 1})
        return _ok()

    # --- Pica's own -------------------------------------------------------------------------------------------------

    def send_message(self, call: Call) -> Reply:
        body = call.json()
        channel = self._channel(body["channel"])
        message = self._post(channel, body["message"], "U0ADA")
        return Reply(body={"success": True, "channel": channel, "ts": message["ts"]})

    # --- what they share --------------------------------------------------------------------------------------------

    def _channel(self, wanted: Any) -> str:
        for channel, name in self._channels.items():
            if wanted in (channel, name, f"#{name}"):
                return channel
        raise ProviderError(_no("channel_not_found"))

    def _message(self, channel: str, ts: Any) -> Json:
        for message in self._messages[channel]:
            if message["ts"] == ts:
                return message
        raise ProviderError(_no("message_not_found"))

    def _post(self, channel: str, text: Any, user: str, thread: Any = None) -> Json:
        ts = f"{int(self._ledger.moment().timestamp())}.{self._ledger.number() % 1_000_000:06d}"
        message: Json = {"type": "message", "user": user, "text": text, "ts": ts, "reactions": []}
        if thread:
            message["thread_ts"] = thread
        self._messages[channel].append(message)
        return message

    def _person(self, user: str, name: str) -> Json:
        profile = {"email": f"{name}@acme.example", "real_name": name.capitalize()}
        return {"id": user, "name": name, "team_id": self.team, "is_bot": False, "profile": profile}


def _ok(**fields: Any) -> Reply:
    return Reply(body={"ok": True, **fields})


def _no(error: str) -> Reply:
    return Reply(body={"ok": False, "error": error})


def _fields(call: Call) -> Json:
    return call.form() if call.is_form else call.json()


def _text(text: Any) -> str:
    if not text:
        raise ProviderError(_no("no_text"))
    return str(text)
