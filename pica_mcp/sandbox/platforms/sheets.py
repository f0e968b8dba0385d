"""Google Sheets in the sandbox: the actions on spreadsheets, ranges in A1 notation and one batch of deep requests."""

from pica_mcp.sandbox.catalog import CUSTOM, HIDDEN, Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.google import connection_key
from pica_mcp.sandbox.platforms.google_schemas import batch_update
from pica_mcp.sandbox.platforms.mailbox import refuse
from pica_mcp.sandbox.platforms.spreadsheets import Spreadsheets

_ID = "1f0c9b27d4e85a3160b7c2d9e8f41a5360b7c2d9e8f4"

SPREADSHEET = in_path("spreadsheetId", "The spreadsheet's id.", _ID)
RANGE = in_path("range", "The cells in A1 notation, such as `Gears!A1:C3`, `A:B` or `'Bob''s data'`.", "Gears!A1:C3")
DIRECTION = in_query(
    "majorDimension", "string", "Whether the lists are rows or columns.", "ROWS", values=("ROWS", "COLUMNS")
)
RENDER = in_query(
    "valueRenderOption",
    "string",
    "How values are shown (default: `FORMATTED_VALUE`).",
    values=("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"),
)
INPUT = in_query(
    "valueInputOption",
    "string",
    "Whether values are stored as they are or read as if typed.",
    "USER_ENTERED",
    required=True,
    values=("RAW", "USER_ENTERED"),
)
VALUES = in_body(
    "values", "array of arrays", "The rows, each a list of plain values.", [["Sun gear", 24]], required=True
)
BODY_DIRECTION = in_body(
    "majorDimension", "string", "Whether the lists are rows or columns.", values=("ROWS", "COLUMNS")
)

_NOTES = """## Notes

- A sheet's name with a space or an apostrophe is put in apostrophes, and its own apostrophes are doubled.
- A single cell as the range means: from here on, as far as the values go.
- `null` leaves a cell as it is; an empty text empties it.
"""


def platform() -> Platform:
    """Google Sheets as one of the imitated platforms."""
    return Platform(
        Connector("google-sheets", "Google Sheets", "Documents", "Spreadsheets by Google"),
        "https://sheets.googleapis.com",
        (*_spreadsheets(), *_reading(), *_writing(), *_clearing(), *_custom()),
        Spreadsheets,
        refuse,
    )


def _spreadsheets() -> tuple[Action, ...]:
    properties = {"sheetId": 0, "title": "Gears", "index": 0, "sheetType": "GRID"}
    shown = {"spreadsheetId": _ID, "properties": {"title": "Stock"}, "sheets": [{"properties": properties}]}
    return (
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets",
            "Create a Spreadsheet",
            "Spreadsheet",
            Spreadsheets.create,
            "Creates a spreadsheet, with one sheet if none are named.",
            (
                in_body("properties", "object", "What the spreadsheet is called."),
                in_body("properties.title", "string", "The title.", "Stock"),
                in_body("properties.locale", "string", "The locale (default: `en_GB`)."),
                in_body("sheets", "array of objects", "The sheets to begin with."),
                in_body("sheets[].properties.title", "string", "The sheet's title."),
            ),
            shape="tables",
            output=shown,
        ),
        Action(
            "google-sheets",
            "GET",
            "/v4/spreadsheets/{{spreadsheetId}}",
            "Get a Spreadsheet",
            "Spreadsheet",
            Spreadsheets.get,
            "Returns a spreadsheet's properties and sheets, and the cells if asked to.",
            (
                SPREADSHEET,
                in_query("ranges", "string[]", "Only these ranges; may be repeated.", ["Gears!A1:B2", "'Bob''s data'"]),
                in_query("includeGridData", "boolean", "Return the cells as well.", sample=True),
                in_query("fields", "string", "A mask of what to return.", "sheets.properties(sheetId,title)"),
            ),
            output=shown,
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}:getByDataFilter",
            "Get a Spreadsheet by Data Filter",
            "Spreadsheet",
            Spreadsheets.filtered,
            "Returns a spreadsheet as far as the filters go. Nothing is changed.",
            (
                SPREADSHEET,
                in_body("dataFilters", "array of objects", "What to return; everything without any."),
                in_body("dataFilters[].a1Range", "string", "A range in A1 notation.", required=True),
                in_body("includeGridData", "boolean", "Return the cells as well."),
            ),
            shape="tables",
            output=shown,
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}:batchUpdate",
            "Batch Update a Spreadsheet",
            "Spreadsheet",
            Spreadsheets.batch_update,
            "Adds, renames and deletes sheets, and writes, replaces and sorts cells: all of it or nothing.",
            (
                SPREADSHEET,
                in_body(
                    "requests",
                    "array of objects",
                    "The changes in order; each object has exactly one kind.",
                    [{"addSheet": {"properties": {"title": "Prices"}}}],
                    required=True,
                ),
                in_body("requests[].addSheet.properties.title", "string", "The new sheet's title."),
                in_body("requests[].deleteSheet.sheetId", "integer", "The sheet to delete."),
                in_body("includeSpreadsheetInResponse", "boolean", "Return the spreadsheet as well."),
            ),
            tags=("batch",),
            schemas={"body": batch_update()},
            output={"spreadsheetId": _ID, "replies": [{"addSheet": {"properties": {**properties, "title": "Prices"}}}]},
            notes=_NOTES,
            min_chars=100_000,
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}/sheets/{{sheetId}}:copyTo",
            "Copy a Sheet to Another Spreadsheet",
            "Sheet",
            Spreadsheets.copy_sheet,
            "Copies one sheet with its cells.",
            (
                SPREADSHEET,
                in_path("sheetId", "The sheet's id.", "0", kind="integer"),
                in_body("destinationSpreadsheetId", "string", "Where the copy goes.", _ID, required=True),
            ),
            output={**properties, "title": "Copy of Gears"},
        ),
    )


def _reading() -> tuple[Action, ...]:
    values = {"range": "Gears!A1:B2", "majorDimension": "ROWS", "values": [["Part", "Teeth"], ["Sun gear", "24"]]}
    return (
        Action(
            "google-sheets",
            "GET",
            "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}",
            "Get Values",
            "ValueRange",
            Spreadsheets.get_values,
            "Returns the values of a range without the empty rows and cells at its end.",
            (SPREADSHEET, RANGE, DIRECTION, RENDER),
            tags=("values",),
            output=values,
            notes=_NOTES,
        ),
        Action(
            "google-sheets",
            "GET",
            "/v4/spreadsheets/{{spreadsheetId}}/values:batchGet",
            "Get Values of Several Ranges",
            "ValueRange",
            Spreadsheets.batch_get,
            "Returns the values of several ranges in one call.",
            (
                SPREADSHEET,
                in_query(
                    "ranges", "string[]", "The ranges; may be repeated.", ["Gears!A:A", "Gears!C2"], required=True
                ),
                DIRECTION,
                RENDER,
            ),
            tags=("values",),
            output={"spreadsheetId": _ID, "valueRanges": [values]},
        ),
    )


def _writing() -> tuple[Action, ...]:
    updated = {"spreadsheetId": _ID, "updatedRange": "Gears!A1:B1", "updatedCells": 2}
    return (
        Action(
            "google-sheets",
            "PUT",
            "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}",
            "Update Values",
            "ValueRange",
            Spreadsheets.update_values,
            "Writes values into a range, over what is there.",
            (
                SPREADSHEET,
                RANGE,
                INPUT,
                VALUES,
                BODY_DIRECTION,
                in_body("range", "string", "The same range again, if at all."),
            ),
            tags=("values",),
            output=updated,
            notes=_NOTES,
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}/values:batchUpdate",
            "Update Values of Several Ranges",
            "ValueRange",
            Spreadsheets.batch_update_values,
            "Writes values into several ranges: all of them or none.",
            (
                SPREADSHEET,
                in_body(
                    "valueInputOption",
                    "string",
                    "Whether values are stored as they are or read as if typed.",
                    "RAW",
                    required=True,
                    values=("RAW", "USER_ENTERED"),
                ),
                in_body(
                    "data", "array of objects", "What goes where.", [{"range": "A1", "values": [[1]]}], required=True
                ),
                in_body("data[].range", "string", "The range in A1 notation.", required=True),
                in_body("data[].values", "array of arrays", "The rows.", required=True),
                in_body("data[].majorDimension", "string", "Rows or columns.", values=("ROWS", "COLUMNS")),
            ),
            tags=("values",),
            shape="tables",
            output={"spreadsheetId": _ID, "totalUpdatedCells": 2, "responses": [updated]},
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}:append",
            "Append Values",
            "ValueRange",
            Spreadsheets.append,
            "Writes rows below everything that is in the range's columns.",
            (SPREADSHEET, RANGE, INPUT, VALUES, BODY_DIRECTION),
            tags=("values",),
            shape="schema",
            output={"spreadsheetId": _ID, "tableRange": "Gears!A1:C6", "updates": updated},
        ),
    )


def _clearing() -> tuple[Action, ...]:
    return (
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}/values/{{range}}:clear",
            "Clear Values",
            "ValueRange",
            Spreadsheets.clear,
            "Empties the cells of a range; what was in them is lost.",
            (SPREADSHEET, RANGE),
            tags=("values",),
            output={"spreadsheetId": _ID, "clearedRange": "Gears!A1:C3"},
        ),
        Action(
            "google-sheets",
            "POST",
            "/v4/spreadsheets/{{spreadsheetId}}/values:batchClear",
            "Clear Values of Several Ranges",
            "ValueRange",
            Spreadsheets.batch_clear,
            "Empties the cells of several ranges; what was in them is lost.",
            (SPREADSHEET, in_body("ranges", "string[]", "The ranges.", ["Gears!A1:C3"], required=True)),
            tags=("values", HIDDEN),
            output={"spreadsheetId": _ID, "clearedRanges": ["Gears!A1:C3"]},
        ),
    )


def _custom() -> tuple[Action, ...]:
    key = connection_key("google-sheets")
    return (
        Action(
            "google-sheets",
            "POST",
            "/google-sheets/find-spreadsheets",
            "Find Spreadsheets",
            "Spreadsheet",
            Spreadsheets.find_spreadsheets,
            "Finds spreadsheets by their titles and returns their ids and the titles of their sheets.",
            (key, in_body("query", "string", "A part of the title (default: all).", "Stock")),
            tags=(CUSTOM, "spreadsheets"),
            output={"spreadsheets": [{"spreadsheetId": _ID, "title": "Stock", "sheets": ["Gears"]}]},
        ),
        Action(
            "google-sheets",
            "POST",
            "/google-sheets/append-rows",
            "Append Rows",
            "Row",
            Spreadsheets.append_rows,
            "Writes rows below the last one of a sheet, as if they were typed in.",
            (
                key,
                in_body("spreadsheetId", "string", "The spreadsheet's id.", _ID, required=True),
                in_body(
                    "rows", "array of arrays", "The rows, each a list of plain values.", [["Ring", 48]], required=True
                ),
                in_body("sheetName", "string", "The sheet's title (default: the first sheet).", "Gears"),
            ),
            tags=(CUSTOM, "spreadsheets"),
            output={"success": True, "updatedRange": "Gears!A7:B7", "rows": 1},
        ),
    )
