"""The rules of those who read lists of tools: a tool, and what each of them would refuse it for.

They are those that the providers' APIs refuse a request by, written from what they document and answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from mcp_types import Tool

Rules = Callable[[Tool], Iterator[str]]

TYPES = ("string", "integer", "number", "boolean", "object", "array")
_OURS = re.compile(r"[a-z0-9_]{1,40}")


def parts(schema: Mapping[str, Any], where: str = "#", level: int = 1) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every schema in a schema, where it is, and how many objects and lists it is inside of, itself included."""
    yield where, schema, level
    for key, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{where}/{key}", level + 1)
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"], f"{where}[]", level + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        for number, inner in enumerate(schema.get(word, ())):
            yield from parts(inner, f"{where}/{word}{number}", level)


def specification(tool: Tool) -> Iterator[str]:
    """What the protocol asks for."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", tool.name):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    try:
        Draft202012Validator.check_schema(tool.input_schema)
    except SchemaError as error:
        yield f"no JSON Schema: {error.message[:100]}"


def ours(tool: Tool) -> Iterator[str]:
    """What holds of every name, with room for the prefixes of all clients."""
    if not _OURS.fullmatch(tool.name):
        yield "name"
    if len((tool.description or "").encode()) > 2_048:
        yield "the description is cut by Claude Code"


def anthropic(tool: Tool) -> Iterator[str]:
    """Anthropic refuses the whole request for one name of one property."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", f"mcp__pica__{tool.name}"):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    if {"oneOf", "allOf", "anyOf"} & tool.input_schema.keys():
        yield "the root is a choice"
    for where, schema, _ in parts(tool.input_schema):
        yield from (
            f"{where}: {key!r}"
            for key in schema.get("properties", {})
            if not re.fullmatch(r"[\w.-]{1,64}", key, re.ASCII)
        )
        if "$ref" in schema:
            yield f"{where}: $ref"


def gemini(tool: Tool) -> Iterator[str]:
    """Gemini takes a few keywords of OpenAPI, and one type each."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}", f"mcp_pica_{tool.name}"):
        yield "name"
    if tool.input_schema.get("type") != "object":
        yield "the root is no object"
    for where, schema, _ in parts(tool.input_schema):
        yield from (f"{where}: {what}" for what in _gemini_part(schema))


def _gemini_part(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if "anyOf" in schema:
        if len(schema) > 1:
            yield "anyOf is not alone"
        return
    if kind not in TYPES:
        yield f"type {kind!r}"
    if unknown := schema.keys() - {"type", "description", "enum", "properties", "required", "items"}:
        yield f"keywords {sorted(unknown)}"
    if (kind == "array") != isinstance(schema.get("items"), dict):
        yield "items"
    if kind != "object" and {"properties", "required"} & schema.keys():
        yield "properties of what is no object"
    if not set(schema.get("required", ())) <= set(schema.get("properties", {})):
        yield "required, but no property"
    values = schema.get("enum", ["-"])
    if (
        not values
        or not all(isinstance(value, str) and value for value in values)
        or ("enum" in schema and kind != "string")
    ):
        yield f"enum {values!r}"


def openai(tool: Tool) -> Iterator[str]:
    """OpenAI's functions without strict mode."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name):
        yield "name"
    if tool.input_schema.get("type") != "object" or not isinstance(tool.input_schema.get("properties"), dict):
        yield "the root is no object with properties"
    if {"oneOf", "allOf", "anyOf", "enum", "not"} & tool.input_schema.keys():
        yield "the root is a choice"
    for where, schema, _ in parts(tool.input_schema):
        if schema.get("type") == "array" and "items" not in schema:
            yield f"{where}: array schema missing items"


def openai_strict(tool: Tool) -> Iterator[str]:
    """OpenAI's strict mode knows every name and every type, and asks for all of them."""
    yield from openai(tool)
    every = list(parts(tool.input_schema))
    for where, schema, level in every:
        yield from (f"{where}: {what}" for what in _openai_strict_part(schema))
        if level > 10 or ("properties" in schema and level > 5):
            yield f"{where}: too deep"
    names = [key for _, schema, _ in every for key in schema.get("properties", {})]
    values = [value for _, schema, _ in every for value in schema.get("enum", ()) if value is not None]
    if len(names) > 5_000 or len(values) > 1_000 or sum(map(len, names + values)) > 120_000:
        yield "too much"


def _openai_strict_part(schema: Mapping[str, Any]) -> Iterator[str]:
    if "anyOf" in schema:
        if schema.keys() - {"anyOf", "description"} or not schema["anyOf"]:
            yield "words beside anyOf"
        return
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    if not all(kind in (*TYPES, "null") for kind in kinds) or (len(set(kinds) - {"null"}) != 1 and kinds != ["null"]):
        yield f"type {kinds!r}"
    if unknown := schema.keys() - {
        "type", "description", "enum", "properties", "required", "items", "additionalProperties"
    }:  # fmt: skip
        yield f"keywords {sorted(unknown)}"
    if "object" in kinds:
        if schema.get("additionalProperties") is not False:
            yield "open"
        if sorted(schema.get("required", ())) != sorted(schema.get("properties", {})) or "properties" not in schema:
            yield "required is not every property"
    if ("array" in kinds) != isinstance(schema.get("items"), dict):
        yield "items"
    if "enum" in schema and (None in schema["enum"]) != ("null" in kinds):
        yield "null is a type but no value, or a value but no type"


PROFILES: dict[str, tuple[Rules, ...]] = {
    "portable": (specification, ours, anthropic, gemini, openai),
    "openai-strict": (specification, ours, openai_strict),
    "raw": (specification, ours),
}


def faults(profile: str, tool: Tool) -> list[str]:
    """What those of the profile would refuse the tool for."""
    return [f"{rules.__name__}: {tool.name}: {fault}" for rules in PROFILES[profile] for fault in rules(tool)]
