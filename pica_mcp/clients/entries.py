"""An entry of a client's file: how a server is started, written in the client's own words and read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal, cast

from pica_mcp import text
from pica_mcp.clients import Client, Machine, files, jsonc, toml
from pica_mcp.clients.edits import Item

Kind = Literal["ours", "official", "other"]

_MAX_ENTRIES = 500
_MAX_BITS = 64
_OFFICIAL = re.compile(r"@(?:picahq|withone)/(?:pica-)?mcp(?:@.*)?|mcp/pica.*|.*picahq/mcp.*")
_OURS = re.compile(r"pica[-_]mcp(?:\[[\w,]*\])?(?:[@=~<>!].*)?")
_RUNNERS = frozenset({"uvx", "uv", "pipx"})

# What may stand before a server on its command line, and set nothing of ours: launchers, their words, and such of their
# flags as have a value after them. All others are taken to have none.
_LAUNCHERS = re.compile(r"uvx?|pipx|npx|bunx|node|docker|podman|cmd|(python|pypy)[\d.]*w?|py")
_WORDS = frozenset({"run", "tool", "/c"})
_VALUED = frozenset(
    {
        *("--from", "--with", "--directory", "--project", "--python", "--index", "--index-url", "--package"),
        *("-e", "--env", "-p", "--volume", "--mount", "--name", "--network", "--platform"),
    }
)
_PRELOADING = frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "--node-options"})
"""Flags of node and npx that have more run than the server."""

_ENV_FILE = ("--env-file", "--env-file-if-exists")
_SET = re.compile(r"(?<![A-Z_/\\])(?:PICA|ONE)_[A-Z_]+")
_ASSIGNED = re.compile(r"(?:--env=|-e=?)?((?:PICA|ONE)_\w+)=(.+)", re.DOTALL)
_PASSED = re.compile(r"(?:--env=|-e=?)\w+")

# What a value may refer to: ${env:NAME}, ${input:id}, ${NAME}, ${NAME:-instead}, and Gemini's $NAME.
_REFERENCE = re.compile(r"\$\{(?:(env|input):)?([A-Za-z_][\w.-]*?)(?::-([^}$]*))?\}|\$([A-Za-z_]\w*)")

_DESKTOP_PATH = {"darwin": "/usr/bin:/bin:/usr/sbin:/sbin", "linux": "/usr/local/bin:/usr/bin:/bin"}
_PASSED_ON = {
    "win32": (
        *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
        *("PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"),
    ),
}
_PASSED_ON_ELSEWHERE = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "USER")


@dataclass(frozen=True, slots=True)
class Entry:
    """How a client starts a server, or reaches one that is elsewhere. Values of `env` are as they stand in the file."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    passed: tuple[str, ...] = ()
    """Variables that the client passes on from its own environment under their own names."""
    url: str = ""
    """Where it is, if the client does not start it; there is no command then."""
    folder: str = ""
    """Where it is started, if the entry says so."""
    is_enabled: bool = True
    env_file: str = ""
    """A file that the client reads more variables from, if the entry names one."""


def value_of(client: Client, entry: Entry) -> dict[str, Any]:
    """Return the entry as the client's file has it."""
    env = {**entry.env, **({} if client.passes else {name: client.refer(name) for name in entry.passed})}
    return {
        **({"type": "stdio"} if client.is_typed else {}),
        "command": entry.command,
        "args": list(entry.args),
        **({client.passes: list(entry.passed)} if client.passes and entry.passed else {}),
        **client.waits,
        **({"env": env} if env else {}),
    }


def form_of(client: Client) -> files.Form:
    """Return how the client's file is read and edited."""
    return toml if client.form == "toml" else jsonc


def path_of(client: Client, name: str) -> tuple[str, str]:
    """Return where in the client's file the entry of that name is."""
    return client.key, name


def entries_of(client: Client, document: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of a file that was read, by name; what is none of a server's is left out."""
    found = list(_mapping(document.get(client.key)).items())[:_MAX_ENTRIES]
    return {name: _entry(client, values) for name, value in found if (values := _mapping(value))}


def text_of(client: Client, entry: Entry, name: str = "pica") -> str:
    """Return a whole file with this entry and nothing else."""
    form = form_of(client)
    text = form.put("", path_of(client, name), value_of(client, entry))
    for one in asked(client, entry):
        text = form.put(text, ("inputs", Item(one)), input_of(one))
    return text


def input_id(name: str) -> str:
    """Return what the input is called that asks for the secret of the entry of that name."""
    return f"{name}_secret".replace("-", "_")


def input_of(input_id: str) -> dict[str, Any]:
    """Return the input as the client's file has it: a person is asked once, and the answer is kept encrypted."""
    return {"type": "promptString", "id": input_id, "description": "Pica API key", "password": True}


def _entry(client: Client, value: Mapping[str, Any]) -> Entry:
    env = {name: str(one) for name, one in _mapping(value.get("env")).items() if _is_plain(one)}
    passed = set(_words(value.get(client.passes)) if client.passes else ())
    passed |= {name for name, one in env.items() if client.reference and one == client.refer(name)}
    urls = (value.get(key) for key in ("url", "serverUrl", "httpUrl"))
    return Entry(
        command=_word(value.get("command")),
        args=_words(value.get("args")),
        env={name: one for name, one in env.items() if name not in passed},
        passed=tuple(sorted(passed)),
        url=next((url for url in urls if isinstance(url, str)), ""),
        folder=_word(value.get("cwd")),
        is_enabled=value.get("disabled") is not True and value.get("enabled") is not False,
        env_file=_word(value.get("envFile")),
    )


def is_official(word: str) -> bool:
    """Tell if the word of a command line names Pica's official server."""
    return bool(_OFFICIAL.fullmatch(word))


def is_reference(value: str) -> bool:
    """Tell if the value is a reference and nothing else, so that it holds nothing itself."""
    return bool(_REFERENCE.fullmatch(value)) and ":-" not in value


def kind_of(entry: Entry) -> Kind:
    """Tell whose server it is: this program, Pica's official one, or something else."""
    if any(map(is_official, (entry.command, *entry.args))):
        return "official"
    program = program_of(entry)
    if program == "pica-mcp" or (program in _RUNNERS and any(_OURS.fullmatch(word) for word in entry.args)):
        return "ours"
    started = any(pair == ("-m", "pica_mcp") for pair in zip(entry.args, entry.args[1:], strict=False))
    return "ours" if started else "other"


def unread(entry: Entry) -> str:
    """Return why not all that the entry sets can be read here, empty if all can. Of another's, only a file counts."""
    if any(word.partition("=")[0] in _ENV_FILE for word in entry.args) or "UV_ENV_FILE" in (*entry.env, *entry.passed):
        return "its command reads variables from a file"
    if kind_of(entry) == "other":
        return ""
    if entry.env_file:
        return f"its variables are in the file {text.line(entry.env_file, 100)}"
    if names := sorted({one for word in _unparted(entry) for one in _SET.findall(word)}):
        return f"its command line sets {text.line(', '.join(names), 200)} in a way that is not read"
    return f"{text.line(program_of(entry), 40)} runs it, which may do more than that" if _is_wrapped(entry) else ""


def assigned(entry: Entry) -> dict[str, str]:
    """Return the variables that the command line of the official server's container sets."""
    return {one[1]: one[2] for word in entry.args if (one := _ASSIGNED.fullmatch(word))}


def _unparted(entry: Entry) -> Iterator[str]:
    """Yield the launcher's words in which settings are not read: those of the official server's container are."""
    is_official = kind_of(entry) == "official"
    for before, word in _launching(entry):
        is_parted = before in ("-e", "--env") or _ASSIGNED.fullmatch(word) or _PASSED.fullmatch(word)
        if not (is_official and is_parted):
            yield word


def _is_wrapped(entry: Entry) -> bool:
    """Tell if more than a launcher stands before the server, ours or the official one: it may set anything."""
    for before, word in _launching(entry):
        if word.partition("=")[0] in _PRELOADING:
            return True
        if before in _VALUED or word.startswith("-"):
            continue
        if _is_server(word):
            return before.lower() in ("/c", "-c", "--call")  # a whole script
        if not (word.lower() in _WORDS or _LAUNCHERS.fullmatch(program_of(Entry(word)))):
            return True
    return True


def _launching(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the words up to the server's own, each after the one before it."""
    words = (entry.command, *entry.args)
    for before, word in zip(("", *words), words, strict=False):
        yield before, word
        if before not in _VALUED and not word.startswith("-") and _is_server(word):
            return


def _is_server(word: str) -> bool:
    return program_of(Entry(word)) == "pica-mcp" or bool(_OURS.fullmatch(word)) or is_official(word)


def program_of(entry: Entry) -> str:
    """Return the name of the program that is started, of whatever system its path is."""
    command = entry.command
    name = PureWindowsPath(command).name if "\\" in command else PurePosixPath(command).name
    return re.sub(r"\.(exe|cmd|bat)$", "", name, flags=re.IGNORECASE).lower()


# What the client starts it with


def environment(
    client: Client, entry: Entry, machine: Machine, answers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment that the client gives to the program, where its own is the machine's.

    What it passes on unasked is taken to be as little as any version of it does. `answers` are a person's, by the
    input that asks for each. A reference to what is not there becomes nothing; see `missing`.
    """
    environ = machine.environ
    names = _PASSED_ON.get(machine.system, _PASSED_ON_ELSEWHERE)
    given = {name: environ[name] for name in names if name in environ}
    if client.is_desktop and machine.system in _DESKTOP_PATH:
        given["PATH"] = _DESKTOP_PATH[machine.system]
    given |= {name: environ[name] for name in entry.passed if name in environ}
    return given | {name: _resolved(client, value, environ, answers or {}) for name, value in entry.env.items()}


def missing(client: Client, entry: Entry, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that the entry refers to and that this environment does not have."""
    named = [*entry.passed, *(name for value in entry.env.values() for name in _referred(client, value))]
    return tuple(dict.fromkeys(name for name in named if name not in environ))


def asked(client: Client, entry: Entry) -> tuple[str, ...]:
    """Return the inputs that the client asks a person for before it starts the server."""
    if not client.asks:
        return ()
    found = (one for value in entry.env.values() for one in _REFERENCE.finditer(value))
    return tuple(dict.fromkeys(one[2] for one in found if one[1] == "input"))


def _referred(client: Client, value: str) -> Iterator[str]:
    for found in _REFERENCE.finditer(value):
        if _is_read(client, found) and found[1] != "input" and found[3] is None:
            yield found[2] or found[4]


def _resolved(client: Client, value: str, environ: Mapping[str, str], answers: Mapping[str, str]) -> str:
    def insert(found: re.Match[str]) -> str:
        if not _is_read(client, found):
            return found[0]
        values = answers if found[1] == "input" else environ
        return values.get(found[2] or found[4], found[3] or "")

    return _REFERENCE.sub(insert, value)


def _is_read(client: Client, found: re.Match[str]) -> bool:
    """Tell if this client takes that for a reference."""
    if found[1] == "input":
        return bool(client.asks)
    if found[1] == "env":
        return client.reference == "${{env:{}}}"
    return client.reference == "${}" or (client.reference == "${{{}}}" and found[4] is None)


# What came out of a file may be anything


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _is_plain(value: object) -> bool:
    """Tell if it can stand for a variable's value; Python refuses to write out numbers of thousands of digits."""
    return isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() <= _MAX_BITS)


def _words(value: object) -> tuple[str, ...]:
    return tuple(one for one in cast(list[object], value) if isinstance(one, str)) if isinstance(value, list) else ()


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
