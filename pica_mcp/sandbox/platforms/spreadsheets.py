"""A Google Sheets account in the sandbox: the spreadsheets of one connection, by id."""

from copy import deepcopy
from typing import Any

from pica_mcp.sandbox.platforms import a1, sheet_changes
from pica_mcp.sandbox.platforms.google import partial
from pica_mcp.sandbox.platforms.grids import (
    RENDERS,
    Cell,
    Rows,
    Sheet,
    Spreadsheet,
    bad,
    members,
    objects,
    rows_of,
    turned,
)
from pica_mcp.sandbox.platforms.mailbox import refuse
from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, strings

_INPUTS = ("RAW", "USER_ENTERED")


class Spreadsheets:
    """One account with a stock list; every method is one endpoint of Google Sheets or one of Pica's own on top."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._all: dict[str, Spreadsheet] = {}
        stock = self._new(f"Stock of {label}", ["Gears", "Bob's data"])
        gears, data = stock.sheets
        gears.put(0, 0, [["Part", "Teeth", "Price"], ["Sun gear", 24, 12.5], ["Planet gear", 12, 7], ["Ring", 48, 31]])
        gears.put(5, 0, [["Total", "=SUM(B2:B4)", "=SUM(C2:C4)"]])
        data.put(0, 0, [["Day", "Größe", "Done"], ["2026-01-05", 3, True], ["2026-01-06", 5, False]])

    # --- spreadsheets -----------------------------------------------------------------------------------------------

    def create(self, call: Call) -> Reply:
        body = call.json()
        properties = members(body.get("properties"))
        titles = [members(one.get("properties")).get("title") for one in objects(body.get("sheets"))]
        names = strings([title or f"Sheet{number}" for number, title in enumerate(titles, start=1)] or ["Sheet1"])
        if len({name.lower() for name in names}) < len(names):
            raise bad("Invalid sheets: duplicate sheet name.")
        title, locale = strings(
            [properties.get("title") or "Untitled spreadsheet", properties.get("locale") or "en_GB"]
        )
        return Reply(body=self._new(title, names, locale).describe())

    def get(self, call: Call) -> Reply:
        spreadsheet = self._open(call)
        shown = _with_data(spreadsheet, call.every("ranges"), data=call.first("includeGridData") == "true")
        return Reply(body=partial(shown, call.first("fields")))

    def batch_update(self, call: Call) -> Reply:
        changed, body = deepcopy(self._open(call)), call.json()
        replies = sheet_changes.apply(changed, body.get("requests"), self._ledger)
        self._all[changed.id] = changed  # all of the requests, or none of them
        answer: Json = {"spreadsheetId": changed.id, "replies": replies}
        if body.get("includeSpreadsheetInResponse") is True:
            answer["updatedSpreadsheet"] = changed.describe()
        return Reply(body=answer)

    def copy_sheet(self, call: Call) -> Reply:
        sheet = self._open(call).numbered(call.path["sheetId"])
        target = self._find(call.json().get("destinationSpreadsheetId"))
        copy = deepcopy(sheet)
        copy.id, copy.title = self._ledger.number(), target.free_title(f"Copy of {sheet.title}")
        target.sheets.append(copy)
        return Reply(body=target.properties(copy))

    def filtered(self, call: Call) -> Reply:
        """A POST that changes nothing: its filters are too big for a query."""
        spreadsheet, body = self._open(call), call.json()
        ranges = [one.get("a1Range") for one in objects(body.get("dataFilters"))]
        return Reply(body=_with_data(spreadsheet, ranges, data=body.get("includeGridData") is True))

    # --- values -----------------------------------------------------------------------------------------------------

    def get_values(self, call: Call) -> Reply:
        return Reply(body=_values(self._open(call), call.path["range"], call))

    def batch_get(self, call: Call) -> Reply:
        spreadsheet = self._open(call)
        found = [_values(spreadsheet, text, call) for text in call.every("ranges")]
        return Reply(body={"spreadsheetId": spreadsheet.id, "valueRanges": found})

    def update_values(self, call: Call) -> Reply:
        spreadsheet, body = self._open(call), call.json()
        if body.get("range", call.path["range"]) != call.path["range"]:
            raise bad("Requested range does not match the value range's own range.")
        changed = spreadsheet.write(call.path["range"], _rows(body), as_typed=_as_typed(call.first("valueInputOption")))
        return Reply(body=changed)

    def batch_update_values(self, call: Call) -> Reply:
        changed, body = deepcopy(self._open(call)), call.json()
        as_typed = _as_typed(body.get("valueInputOption"))
        entries = objects(body.get("data"))
        answers = [changed.write(entry.get("range"), _rows(entry), as_typed=as_typed) for entry in entries]
        self._all[changed.id] = changed
        total = sum(answer.get("updatedCells", 0) for answer in answers)
        return Reply(body={"spreadsheetId": changed.id, "totalUpdatedCells": total, "responses": answers})

    def append(self, call: Call) -> Reply:
        spreadsheet = self._open(call)
        rows, as_typed = _rows(call.json()), _as_typed(call.first("valueInputOption"))
        return Reply(body=spreadsheet.append(call.path["range"], rows, as_typed=as_typed))

    def clear(self, call: Call) -> Reply:
        spreadsheet = self._open(call)
        return Reply(body={"spreadsheetId": spreadsheet.id, "clearedRange": spreadsheet.clear(call.path["range"])})

    def batch_clear(self, call: Call) -> Reply:
        spreadsheet, texts = self._open(call), strings(call.json().get("ranges"))
        for text in texts:
            spreadsheet.read(text, "FORMULA")  # all of them, or none
        cleared = [spreadsheet.clear(text) for text in texts]
        return Reply(body={"spreadsheetId": spreadsheet.id, "clearedRanges": cleared})

    # --- Pica's own -------------------------------------------------------------------------------------------------

    def find_spreadsheets(self, call: Call) -> Reply:
        wanted = str(call.json().get("query") or "").lower()
        found = [one for one in self._all.values() if wanted in one.title.lower()]
        return Reply(body={"spreadsheets": [_summary(one) for one in found]})

    def append_rows(self, call: Call) -> Reply:
        body = call.json()
        spreadsheet = self._find(body["spreadsheetId"])
        title, rows = str(body.get("sheetName") or spreadsheet.sheets[0].title), rows_of(body["rows"])
        changed = spreadsheet.append(a1.quoted(title), rows, as_typed=True)
        return Reply(body={"success": True, "updatedRange": changed["updates"]["updatedRange"], "rows": len(rows)})

    # --- what they share --------------------------------------------------------------------------------------------

    def _open(self, call: Call) -> Spreadsheet:
        return self._find(call.path["spreadsheetId"])

    def _find(self, wanted: Any) -> Spreadsheet:
        found = next((one for one in self._all.values() if one.id == wanted), None)
        if found is None:
            raise ProviderError(refuse(404))
        return found

    def _new(self, title: str, names: list[str], locale: str = "en_GB") -> Spreadsheet:
        token = f"1{self._ledger.token(43)}"
        sheets = [Sheet(self._ledger.number() if number else 0, name) for number, name in enumerate(names)]
        self._all[token] = Spreadsheet(token, title, locale, sheets)
        return self._all[token]


def _with_data(spreadsheet: Spreadsheet, ranges: list[Any], *, data: bool) -> Json:
    found = [spreadsheet.find(text) for text in ranges] or [(sheet, a1.Range(None)) for sheet in spreadsheet.sheets]
    sheets = list(dict.fromkeys(sheet for sheet, _ in found))
    shown = spreadsheet.describe(sheets)
    if data:
        for sheet, row in zip(sheets, shown["sheets"], strict=True):
            row["data"] = [_grid(sheet, part) for one, part in found if one is sheet]
    return shown


def _grid(sheet: Sheet, part: a1.Range) -> Json:
    box = sheet.box(part)
    views = [sheet.take(box, render) for render in RENDERS]
    rows = [[_cell(*seen) for seen in zip(*lines, strict=True)] for lines in zip(*views, strict=True)]
    return {"startRow": box[0], "startColumn": box[1], "rowData": [{"values": row} for row in rows]}


def _cell(formatted: Cell, effective: Cell, entered: Cell) -> Json:
    if entered == "":
        return {}
    is_formula = isinstance(entered, str) and entered.startswith("=")
    written = {"formulaValue": entered} if is_formula else _kind(entered)
    return {"userEnteredValue": written, "effectiveValue": _kind(effective), "formattedValue": formatted}


def _kind(value: Cell) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"stringValue" if isinstance(value, str) else "numberValue": value}


def _values(spreadsheet: Spreadsheet, text: str, call: Call) -> Json:
    render, direction = call.first("valueRenderOption", RENDERS[0]), call.first("majorDimension", "ROWS")
    if render not in RENDERS:
        raise bad(f"Invalid value at 'value_render_option', \"{render}\"")
    name, rows = spreadsheet.read(text, render)
    shown = turned(rows, "") if _is_columns(direction) else rows
    return {"range": name, "majorDimension": direction, **({"values": shown} if shown else {})}


def _rows(body: Json) -> Rows:
    rows = rows_of(body.get("values"))
    return turned(rows, None) if _is_columns(body.get("majorDimension") or "ROWS") else rows


def _is_columns(direction: Any) -> bool:
    if direction not in ("ROWS", "COLUMNS"):
        raise bad(f"Invalid value at 'major_dimension', \"{direction}\"")
    return direction == "COLUMNS"


def _as_typed(option: Any) -> bool:
    if not option:
        raise bad("'valueInputOption' is required but not specified")
    if option not in _INPUTS:
        raise bad(f"Invalid value at 'value_input_option', \"{option}\"")
    return option == "USER_ENTERED"


def _summary(spreadsheet: Spreadsheet) -> Json:
    titles = [sheet.title for sheet in spreadsheet.sheets]
    return {"spreadsheetId": spreadsheet.id, "title": spreadsheet.title, "sheets": titles}
