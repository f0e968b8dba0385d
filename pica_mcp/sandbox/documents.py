"""The sandbox's documents: an action's Markdown knowledge and its ioSchema, both written from its inputs."""

import json
from collections.abc import Iterable
from typing import Any, cast

from pica_mcp.sandbox.catalog import Action, Field, Place
from pica_mcp.sandbox.upstream import Json

_TYPES = ("string", "integer", "number", "boolean", "object")


def knowledge(action: Action, base_url: str) -> str | None:
    """The action's document in the layout of ordinary or of custom actions; None where it has none."""
    if action.shape == "none":
        return None
    sections = _custom(action) if action.is_custom else _ordinary(action, base_url)
    return "\n\n".join(sections) + "\n"


def io_schema(action: Action) -> Json | None:
    """The action's ioSchema; None where only Markdown describes it, or nothing does."""
    if action.shape not in {"both", "schema"}:
        return None
    places: tuple[Place, ...] = ("path", "query", "body")
    return {
        "inputSchema": {
            "description": action.about,
            "required": [place for place in places if any(field.required for field in action.of(place))],
            "properties": {place: _group(fields) for place in places if (fields := action.of(place))},
        },
        "outputSchema": {"description": f"What {action.title} answers."},
        "ioExample": {"input": _example(action, places), "output": action.output},
    }


# --- Markdown -------------------------------------------------------------------------------------------------------


def _ordinary(action: Action, base_url: str) -> list[str]:
    url = f"{base_url}{action.path}"
    tables = _tables(action) if action.shape != "schema" else []
    return [
        f"# {action.title}",
        f"## Method\n\n`{action.method}`",
        f"## URL\n\n`{url}`",
        f"## Headers\n\n{_fence(_headers(action))}",
        f"## Description\n\n{action.about}",
        *tables,
        f"## Response\n\n### {_success(action)}\n\n{_fence(action.output)}",
        f"## Sample Request\n\n{_curl(action, url)}",
    ]


def _custom(action: Action) -> list[str]:
    body = action.of("body")
    return [
        f"# {action.title}",
        f"## Endpoint\n\n`{action.method} {action.path}`",
        f"## Headers\n\n{_fence(_headers(action))}",
        f"## Description\n\n{action.about}",
        "## Request Body",
        *_table("### Required Request Body Fields", [field for field in body if field.required]),
        *_table("### Optional Request Body Fields", [field for field in body if not field.required]),
        f"## Response\n\n### Success Response (200 OK)\n\n{_fence(action.output)}",
    ]


def _tables(action: Action) -> list[str]:
    form = " (application/x-www-form-urlencoded)" if action.encoding == "form" else ""
    body = action.of("body")
    roots = {field.name for field in body if field.required}
    query = action.of("query")
    return [
        *_table("## Required Path Parameters", action.of("path")),
        *_table("## Required Query Parameters", [field for field in query if field.required]),
        *_table("## Optional Query Parameters", [field for field in query if not field.required]),
        *_table(f"## Required Request Body Fields{form}", [field for field in body if _root(field) in roots]),
        *_table(f"## Optional Request Body Fields{form}", [field for field in body if _root(field) not in roots]),
    ]


def _table(heading: str, fields: Iterable[Field]) -> list[str]:
    lines = [f"| `{field.name}` | {_kind(field)} | {_remark(field)} |" for field in fields]
    if not lines:
        return []
    return [
        "\n".join((heading, "", "| Parameter | Type | Description |", "|-----------|------|-------------|", *lines))
    ]


def _kind(field: Field) -> str:
    return field.kind.replace("|", "\\|")


def _remark(field: Field) -> str:
    nested = "**Required** " if field.required and _root(field) != field.name else ""
    values = f" One of: {', '.join(f'`{value}`' for value in field.values)}." if field.values else ""
    return f"{nested}{field.about}{values}"


def _root(field: Field) -> str:
    return field.name.partition(".")[0].removesuffix("[]")


def _headers(action: Action) -> Json:
    headers = {"Authorization": "Bearer {{token}}"}
    if not action.of("body"):
        return headers
    media = "application/x-www-form-urlencoded" if action.encoding == "form" else "application/json"
    return {**headers, "Content-Type": media}


def _success(action: Action) -> str:
    return "Success Response (200 OK)" if action.output is not None else "Success Response (204 No Content)"


def _curl(action: Action, url: str) -> str:
    lines = [f"curl -X {action.method} '{url}'"]
    samples = _samples(action.of("body"))
    if samples and action.encoding == "form":
        lines += [f"-d '{field.name}={field.sample}'" for field in action.of("body") if field.sample is not None]
    elif samples:
        lines.append(f"-d '{json.dumps(samples)}'")
    return "```bash\n" + " \\\n  ".join(lines) + "\n```"


def _fence(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```" if value is not None else "The body is empty."


# --- ioSchema -------------------------------------------------------------------------------------------------------


def _group(fields: Iterable[Field]) -> Json:
    group = _object()
    for field in fields:
        _graft(group, field)
    return group


def _object() -> Json:
    return {"type": "object", "required": [], "properties": {}}


def _graft(group: Json, field: Field) -> None:
    *parents, last = field.name.split(".")
    node = group
    for parent in parents:
        inner: Json = node["properties"].setdefault(parent.removesuffix("[]"), _object())
        inner.setdefault("properties", {})
        inner.setdefault("required", [])
        node = inner
    node["properties"][last.removesuffix("[]")] = _leaf(field)
    if field.required:
        node["required"].append(last.removesuffix("[]"))


def _leaf(field: Field) -> Json:
    leaf: Json = {**_schema(field.kind), "description": field.about}
    return {**leaf, "enum": list(field.values)} if field.values else leaf


def _schema(kind: str) -> Json:
    if kind.endswith("[]"):
        return {"type": "array", "items": _schema(kind.removesuffix("[]"))}
    kinds = [one.strip() for one in kind.split("|")]
    if not all(one in _TYPES for one in kinds):
        return {}  # Markdown has kinds in prose that a schema has no word for
    return {"type": kinds[0] if len(kinds) == 1 else kinds}


def _example(action: Action, places: tuple[Place, ...]) -> Json:
    # Pica's examples carry its own headers and a placeholder key; a client has to take both out.
    headers = {
        "Authorization": "Bearer YOUR_TOKEN",
        "x-pica-secret": "YOUR_PICA_SECRET",
        "x-pica-connection-key": f"live::{action.platform}::default::your-connection-key",
        "x-pica-action-id": action.id,
    }
    samples = {place: _samples(action.of(place)) for place in places if action.of(place)}
    if "query" in samples:
        samples["query"] = {name: _text(value) for name, value in samples["query"].items()}
    return {"headers": headers, **samples}


def _samples(fields: Iterable[Field]) -> Json:
    samples: Json = {}
    for field in fields:
        if field.sample is not None:
            *parents, last = field.name.split(".")
            node = samples
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last.removesuffix("[]")] = field.sample
    return samples


def _text(value: Any) -> Any:
    # Examples write every query value as text, and a repeated key as an array.
    return cast("Any", value) if isinstance(value, list) else str(value)
