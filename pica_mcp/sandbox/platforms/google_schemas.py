"""Schemas of Google's deeper bodies in the sandbox: a batch of changes to a spreadsheet, and an event."""

from typing import Any

from pica_mcp.sandbox.upstream import Json


def batch_update() -> Json:
    """The body's schema, eight levels deep where it is deepest."""
    kinds = _kinds()
    return {
        "type": "object",
        "required": ["requests"],
        "properties": {
            "requests": {
                "type": "array",
                "minItems": 1,
                "description": "The changes, made in order, all of them or none.",
                "items": {"oneOf": [_object({kind: details}, kind) for kind, details in kinds.items()]},
            },
            "includeSpreadsheetInResponse": {"type": "boolean", "description": "Return the spreadsheet as well."},
        },
        "$defs": _definitions(),
    }


def event() -> Json:
    """The body of a new event."""
    text: Json = {"type": "string"}
    email: Json = {"type": "string", "format": "email"}
    time: Json = {"dateTime": {"type": "string", "format": "date-time"}, "timeZone": text, "date": text}
    override = {"method": {"enum": ["email", "popup"]}, "minutes": {"type": "integer", "minimum": 0, "maximum": 40320}}
    overrides = {"type": "array", "maxItems": 5, "items": {"type": "object", "properties": override}}
    guest: Json = {"email": email, "optional": {"type": "boolean"}, "displayName": text}
    return {
        "type": "object",
        "required": ["start", "end"],
        "properties": {
            "summary": {"type": "string", "description": "The title."},
            "description": {"type": "string", "description": "More words."},
            "location": {"type": "string", "description": "Where."},
            "start": {"type": "object", "properties": time, "description": "When it starts."},
            "end": {"type": "object", "properties": time, "description": "When it ends."},
            "attendees": {"type": "array", "items": {"type": "object", "required": ["email"], "properties": guest}},
            "recurrence": {"type": "array", "items": {"type": "string", "pattern": "^RRULE:"}},
            "reminders": {
                "type": "object",
                "properties": {"useDefault": {"type": "boolean"}, "overrides": overrides},
            },
            "transparency": {"type": ["string", "null"], "enum": ["opaque", "transparent", None]},
            "id": {"type": "string", "pattern": "^[a-v0-9]{5,1024}$"},
        },
    }


def _kinds() -> dict[str, Json]:
    return {
        "updateSpreadsheetProperties": _object(
            {"properties": _object({"title": _TEXT}), "fields": _MASK}, "properties"
        ),
        "addSheet": _object({"properties": _ref("SheetProperties")}),
        "deleteSheet": _object({"sheetId": _SHEET}, "sheetId"),
        "updateSheetProperties": _object(
            {"properties": _ref("SheetProperties"), "fields": _MASK}, "properties", "fields"
        ),
        "updateCells": {
            **_object({"rows": _ROWS, "fields": _MASK, "start": _ref("Coordinate"), "range": _ref("Box")}, "fields"),
            "oneOf": [{"required": ["start"]}, {"required": ["range"]}],
        },
        "appendCells": _object({"sheetId": _SHEET, "rows": _ROWS, "fields": _MASK}, "rows", "fields"),
        "findReplace": _object(
            {"find": _TEXT, "replacement": _TEXT, "allSheets": {"type": "boolean"}, "sheetId": _SHEET}, "find"
        ),
        "sortRange": _object({"range": _ref("Box"), "sortSpecs": _list(_ref("SortSpec"))}, "range", "sortSpecs"),
    }


def _definitions() -> Json:
    grid = {"rowCount": _COUNT, "columnCount": _COUNT}
    edges = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")
    return {
        "SheetProperties": _object(
            {"sheetId": _SHEET, "title": _TEXT, "index": _COUNT, "gridProperties": _object(grid)}
        ),
        "Coordinate": _object({"sheetId": _SHEET, "rowIndex": _COUNT, "columnIndex": _COUNT}),
        "Box": _object({"sheetId": _SHEET, **dict.fromkeys(edges, _COUNT)}),
        "SortSpec": _object(
            {"dimensionIndex": _COUNT, "sortOrder": {"type": "string", "enum": ["ASCENDING", "DESCENDING"]}}
        ),
        "RowData": _object({"values": _list(_ref("CellData"))}),
        "CellData": _object({"userEnteredValue": _ref("ExtendedValue"), "note": _TEXT}),
        "ExtendedValue": {
            "description": "What is in the cell: one of four.",
            "oneOf": [
                _object({"stringValue": _TEXT}, "stringValue"),
                _object({"numberValue": {"type": "number"}}, "numberValue"),
                _object({"boolValue": {"type": "boolean"}}, "boolValue"),
                _object({"formulaValue": {"type": "string", "pattern": "^="}}, "formulaValue"),
            ],
        },
    }


def _object(properties: dict[str, Any], *required: str) -> Json:
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SHEET: Json = {"type": "integer", "description": "The sheet's id, which is not its position."}
_MASK: Json = {"type": "string", "description": "The fields to change, joined by commas; `*` for all."}
_ROWS: Json = {"type": "array", "items": {"$ref": "#/$defs/RowData"}}
