"""Changes to a spreadsheet in the sandbox: what each kind of request in Google Sheets' batch update does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.platforms.grids import Box, Cell, Rows, Sheet, Spreadsheet, bad, is_cell, members, objects
from pica_mcp.sandbox.upstream import Json, Ledger, MalformedError, needed, whole

_VALUES = ("stringValue", "numberValue", "boolValue", "formulaValue")


def apply(spreadsheet: Spreadsheet, requests: Any, ledger: Ledger) -> list[Json]:
    """Make the changes in order and return a reply to each; refuses at the first one that cannot be made."""
    if not requests:
        raise bad("Must specify at least one request.")
    return [_change(spreadsheet, number, request, ledger) for number, request in enumerate(objects(requests))]


def _change(spreadsheet: Spreadsheet, number: int, request: Json, ledger: Ledger) -> Json:
    if len(request) != 1 or next(iter(request)) not in _KINDS:
        raise bad(f"Invalid requests[{number}]: exactly one known kind of request has to be set")
    ((kind, details),) = request.items()
    return _KINDS[kind](spreadsheet, members(details), ledger)


# --- the spreadsheet and its sheets ---------------------------------------------------------------------------------


def _rename(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    spreadsheet.title = _text(members(details.get("properties")).get("title"), "title")
    return {}


def _add_sheet(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    properties = members(details.get("properties"))
    title = properties.get("title") or spreadsheet.free_title(f"Sheet{len(spreadsheet.sheets) + 1}")
    _check_free(spreadsheet, _text(title, "title"))
    grid = members(properties.get("gridProperties"))
    rows, columns = (_size(grid.get(name), usual) for name, usual in (("rowCount", 1000), ("columnCount", 26)))
    number = whole(properties["sheetId"]) if "sheetId" in properties else ledger.number()
    if any(sheet.id == number for sheet in spreadsheet.sheets):
        raise bad(f"Invalid addSheet: a sheet with id {number} already exists")
    sheet = Sheet(number, title, rows, columns)
    index = _index(properties.get("index"), len(spreadsheet.sheets))
    spreadsheet.sheets.insert(index, sheet)
    return {"addSheet": {"properties": spreadsheet.properties(sheet)}}


def _delete_sheet(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    sheet = spreadsheet.numbered(details.get("sheetId"))
    if len(spreadsheet.sheets) == 1:
        raise bad("Invalid deleteSheet: you can't remove all the sheets in a document.")
    spreadsheet.sheets.remove(sheet)
    return {}


def _update_sheet(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    properties = members(details.get("properties"))
    sheet = spreadsheet.numbered(properties.get("sheetId", 0))
    for name in _text(details.get("fields"), "fields").split(","):
        if name == "title":
            title = _text(properties.get("title"), "title")
            if title.lower() != sheet.title.lower():
                _check_free(spreadsheet, title)
            sheet.title = title
        elif name == "index":
            spreadsheet.sheets.remove(sheet)
            spreadsheet.sheets.insert(_index(properties.get("index"), len(spreadsheet.sheets)), sheet)
        else:
            raise bad(f"Invalid updateSheetProperties: unknown field {name}")
    return {}


# --- cells ----------------------------------------------------------------------------------------------------------


def _update_cells(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    _text(details.get("fields"), "fields")
    values = _row_data(details.get("rows"))
    if "start" in details:
        start = members(details["start"])
        sheet = spreadsheet.numbered(start.get("sheetId", 0))
        top, left = (_size(start.get(name), 0, least=0) for name in ("rowIndex", "columnIndex"))
        box = (top, left, top + len(values), left + max(map(len, values), default=0))
    else:
        sheet, box = _range(spreadsheet, details.get("range"))
        sheet.wipe(box)
    _check_fits(sheet, box, values)
    sheet.put(box[0], box[1], values, as_typed=False)
    return {}


def _append_cells(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    sheet, values = spreadsheet.numbered(details.get("sheetId", 0)), _row_data(details.get("rows"))
    below = max((row + 1 for row, _ in sheet.cells), default=0)
    sheet.rows = max(sheet.rows, below + len(values))
    _check_fits(sheet, (below, 0, sheet.rows, sheet.columns), values)
    sheet.put(below, 0, values, as_typed=False)
    return {}


def _find_replace(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    wanted, instead = _text(details.get("find"), "find"), details.get("replacement", "")
    if not isinstance(instead, str):
        raise MalformedError
    sheets = spreadsheet.sheets if details.get("allSheets") is True else [spreadsheet.numbered(details.get("sheetId"))]
    changed = 0
    for sheet in sheets:
        for place, value in list(sheet.cells.items()):
            if isinstance(value, str) and wanted in value:
                changed += value.count(wanted)
                sheet.put(*place, [[value.replace(wanted, instead)]], as_typed=False)
    return {"findReplace": {"occurrencesChanged": changed}}


def _sort_range(spreadsheet: Spreadsheet, details: Json, ledger: Ledger) -> Json:
    del ledger
    sheet, box = _range(spreadsheet, details.get("range"))
    rows = [[sheet.cells.get((row, column), "") for column in range(box[1], box[3])] for row in range(box[0], box[2])]
    for spec in reversed(objects(details.get("sortSpecs"))):
        column = whole(spec.get("dimensionIndex", 0)) - box[1]
        if not 0 <= column < box[3] - box[1]:
            raise bad("Invalid sortRange: dimensionIndex is outside the range")
        _sort(rows, column, descending=spec.get("sortOrder") == "DESCENDING")
    sheet.put(box[0], box[1], [list(row) for row in rows], as_typed=False)
    return {}


def _sort(rows: list[list[Cell]], column: int, *, descending: bool) -> None:
    # Numbers before texts before booleans; empty cells last, whichever way.
    rows.sort(key=lambda row: _rank(row[column]), reverse=descending)
    rows.sort(key=lambda row: row[column] == "")


def _rank(value: Cell) -> tuple[int, float, str]:
    if isinstance(value, bool):
        return 2, int(value), ""
    return (1, 0, value.lower()) if isinstance(value, str) else (0, value, "")


_KINDS: Mapping[str, Callable[[Spreadsheet, Json, Ledger], Json]] = MappingProxyType(
    {
        "updateSpreadsheetProperties": _rename,
        "addSheet": _add_sheet,
        "deleteSheet": _delete_sheet,
        "updateSheetProperties": _update_sheet,
        "updateCells": _update_cells,
        "appendCells": _append_cells,
        "findReplace": _find_replace,
        "sortRange": _sort_range,
    }
)


# --- what they share ------------------------------------------------------------------------------------------------


def _check_free(spreadsheet: Spreadsheet, title: str) -> None:
    if spreadsheet.titled(title):
        raise bad(f'A sheet with the name "{title}" already exists. Please enter another name.')


def _check_fits(sheet: Sheet, box: Box, values: Rows) -> None:
    top, left, bottom, right = box
    fits = len(values) <= bottom - top and all(len(line) <= right - left for line in values)
    if not fits or bottom > sheet.rows or right > sheet.columns:
        raise bad(f"Attempting to write outside the grid of {sheet.title} or of the range.")


def _range(spreadsheet: Spreadsheet, value: Any) -> tuple[Sheet, Box]:
    details = members(value)
    sheet = spreadsheet.numbered(details.get("sheetId", 0))
    top, left = (_size(details.get(name), 0, least=0) for name in ("startRowIndex", "startColumnIndex"))
    bottom, right = _size(details.get("endRowIndex"), sheet.rows), _size(details.get("endColumnIndex"), sheet.columns)
    if not (top < bottom <= sheet.rows and left < right <= sheet.columns):
        raise bad(f"GridRange exceeds the grid of {sheet.title}.")
    return sheet, (top, left, bottom, right)


def _row_data(value: Any) -> Rows:
    return [[_cell(cell) for cell in objects(row.get("values"))] for row in objects(value)]


def _cell(cell: Json) -> Cell | None:
    entered = members(cell.get("userEnteredValue"))
    if not entered:
        return ""
    ((kind, value), *more) = entered.items()
    if more or kind not in _VALUES or not is_cell(value):
        raise bad(f"Invalid userEnteredValue: exactly one of {', '.join(_VALUES)} has to be set")
    return value


def _text(value: Any, name: str) -> str:
    return needed(value, bad(f"{name} is required"))


def _index(value: Any, end: int) -> int:
    index = end if value is None else whole(value)
    if not 0 <= index <= end:
        raise bad(f"Invalid index: {index}")
    return index


def _size(value: Any, usual: int, *, least: int = 1) -> int:
    size = usual if value is None else whole(value)
    if not least <= size <= 1_000_000:
        raise bad(f"Invalid size or position: {size}")
    return size
