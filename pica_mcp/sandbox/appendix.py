"""What makes a sandbox document long: the tables, samples and chunks that real ones end with."""

import json
from collections.abc import Iterator
from itertools import count

from pica_mcp.sandbox.catalog import Action

CHUNK_CHARS = 12_000
"""How long a text grows before a scraped document begins another chunk with a heading of the first level."""

_KINDS = ("string", "integer", "boolean", "array of objects", "object", "string[]", "string \\| null", "number")
_PARTS = ("id", "name", "status", "createdAt", "updatedAt", "owner", "labels", "parent", "position", "revision", "url")
_GROUPS = ("summary", "metadata", "settings", "limits", "history", "permissions", "links", "totals", "source", "usage")
_FAILURES = (
    (400, "Bad Request", "A field has the wrong type or is missing."),
    (401, "Unauthorized", "The account has to be connected again."),
    (403, "Forbidden", "The connected account may not do this."),
    (404, "Not Found", "There is nothing with that id, or it is not visible."),
    (409, "Conflict", "It was changed by somebody else meanwhile."),
    (422, "Unprocessable Entity", "The values do not fit each other."),
    (429, "Too Many Requests", "Wait as long as the headers say."),
    (500, "Internal Server Error", "Try again later."),
)


def lengthened(text: str, action: Action) -> str:
    """The text itself if it is long enough for the action, else with sections after it until it is."""
    parts, size = [text], len(text)
    sections = _sections(action)
    while size < action.min_chars:
        section = f"\n{next(sections)}\n"
        parts.append(section)
        size += len(section)
    return "".join(parts)


def _sections(action: Action) -> Iterator[str]:
    """Endless sections: what a response holds first, then chunk after chunk of the data model."""
    yield _fields("## Response Fields", action, "data", 12)
    yield _errors()
    yield _script(action, 1)
    for chunk in count(2):
        size = 0
        yield f"# Data Models, Chunk {chunk}"
        for number in count(1):
            for section in (_model(action, chunk, number), _script(action, chunk * 100 + number)):
                size += len(section)
                yield section
            if size >= CHUNK_CHARS:
                break


def _model(action: Action, chunk: int, number: int) -> str:
    group = _GROUPS[(chunk * 7 + number) % len(_GROUPS)]
    name = f"{action.model}{group.capitalize()}V{chunk - 1}"
    return "\n\n".join(
        (
            f"## {name}",
            f"Part {number} of what `{action.method} {action.path}` can return.",
            _fields(f"### Fields of {name}", action, f"{group}[].{number}", 24),
            f"### Sample of {name}\n\n{_sample(action, group, number)}",
        )
    )


def _fields(heading: str, action: Action, start: str, size: int) -> str:
    lines = [
        f"| `{start}.{_GROUPS[at % len(_GROUPS)]}.{_PARTS[at % len(_PARTS)]}{'' if at < 11 else at}` "
        f"| {_KINDS[at % len(_KINDS)]} | The {_PARTS[at % len(_PARTS)]} of the {action.model}'s "
        f"{_GROUPS[at % len(_GROUPS)]}{', absent if it was never set' if at % 3 else ''}. |"
        for at in range(size)
    ]
    return "\n".join((heading, "", "| Field | Type | Description |", "|:------|:----:|-------------|", *lines))


def _errors() -> str:
    shown = [
        f"### Error Response ({status} {phrase})\n\n{about}\n\n```json\n"
        f"{json.dumps({'error': {'code': status, 'message': about}}, indent=2)}\n```"
        for status, phrase, about in _FAILURES
    ]
    return "\n\n".join(("## Error Handling", *shown))


def _script(action: Action, number: int) -> str:
    """A sample whose comments look like headings to whoever forgets that they are inside a fence."""
    return "\n".join(
        (
            f"### Example {number}: from a shell script",
            "",
            "```bash",
            "# Required Request Body Fields come from the file",
            "## Method",
            f'curl -sS -X {action.method} "$BASE{action.path}" -d @request-{number}.json |',
            f"  jq '.data[{number}]'  # {action.title.splitlines()[0][:60] if action.title else 'the answer'}",
            "```",
        )
    )


def _sample(action: Action, group: str, number: int) -> str:
    value = {part: f"{action.model.lower()[:40]}-{group}-{number}-{at}" for at, part in enumerate(_PARTS)}
    return f"```json\n{json.dumps(value, indent=2)}\n```"
