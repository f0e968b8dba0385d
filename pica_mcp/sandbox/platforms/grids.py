"""Grids in the sandbox: a spreadsheet, its sheets and what is in their cells, as Google Sheets shows and takes it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from pica_mcp.sandbox.platforms import a1
from pica_mcp.sandbox.platforms.mailbox import refuse
from pica_mcp.sandbox.upstream import Json, MalformedError, ProviderError

Cell = str | int | float | bool
Rows = list[list[Cell | None]]
Box = tuple[int, int, int, int]
"""Top, left, bottom and right, ends excluded."""

RENDERS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")

_NUMBER = re.compile(r"-?(?:\d{1,15})(?:\.\d{1,15})?")
_SUM = re.compile(r"=SUM\(([^()!]+)\)", re.IGNORECASE)


def bad(message: str) -> ProviderError:
    """Google's refusal of an argument, as Sheets words it."""
    return ProviderError(refuse(400, message))


@dataclass(slots=True, eq=False)
class Sheet:
    """One sheet: its cells by row and column, both counted from zero; an empty cell is none."""

    id: int
    title: str
    rows: int = 1000
    columns: int = 26
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict[tuple[int, int], Cell])

    def properties(self, index: int) -> Json:
        grid = {"rowCount": self.rows, "columnCount": self.columns}
        return {"sheetId": self.id, "title": self.title, "index": index, "sheetType": "GRID", "gridProperties": grid}

    def box(self, found: a1.Range) -> Box:
        """The range's cells; refused if it begins or ends outside the sheet."""
        bottom = self.rows if found.bottom is None else found.bottom
        right = self.columns if found.right is None else found.right
        if not (found.top < bottom <= self.rows and found.left < right <= self.columns):
            limits = f"Max rows: {self.rows}, max columns: {self.columns}"
            raise bad(f"Range ({self.title}!{a1.letters(found.left)}{found.top + 1}) exceeds grid limits. {limits}")
        return found.top, found.left, bottom, right

    def name(self, box: Box) -> str:
        """The box in A1 notation."""
        return a1.write(self.title, *box)

    def put(self, top: int, left: int, values: Rows, *, as_typed: bool = True) -> int:
        """Write from that corner on and return how many cells; null leaves a cell, an empty text empties it."""
        written = 0
        for row, line in enumerate(values, start=top):
            for column, value in enumerate(line, start=left):
                if value is not None:
                    written += 1
                    self._set(row, column, _typed(value) if as_typed else value)
        return written

    def take(self, box: Box, render: str) -> list[list[Cell]]:
        """The rows of the box as far as there is something in them."""
        top, left, bottom, right = box
        ends: dict[int, int] = {}
        for row, column in self.cells:
            if top <= row < bottom and left <= column < right:
                ends[row] = max(ends.get(row, left), column + 1)
        return [
            [self.show(row, column, render) for column in range(left, ends.get(row, left))]
            for row in range(top, max(ends, default=top - 1) + 1)
        ]

    def show(self, row: int, column: int, render: str) -> Cell:
        """One cell as a reader asks for it; an empty one is an empty text."""
        value = self.cells.get((row, column), "")
        if render == "FORMULA":
            return value
        value = self._computed(value)
        return _formatted(value) if render == "FORMATTED_VALUE" else value

    def wipe(self, box: Box) -> None:
        """Empty the cells of the box."""
        top, left, bottom, right = box
        for row, column in list(self.cells):
            if top <= row < bottom and left <= column < right:
                del self.cells[row, column]

    def _set(self, row: int, column: int, value: Cell) -> None:
        if value == "":
            self.cells.pop((row, column), None)
        else:
            self.cells[row, column] = value

    def _computed(self, value: Cell) -> Cell:
        # Only sums of plain numbers are understood; a sum of sums would need an order to compute in.
        if not isinstance(value, str) or not value.startswith("="):
            return value
        match = _SUM.fullmatch(value)
        try:
            found = a1.parse(match[1]) if match else None
        except a1.RangeError:
            found = None
        if found is None or found.sheet is not None:
            return "#NAME?"
        top, left, bottom, right = found.top, found.left, found.bottom or self.rows, found.right or self.columns
        inside = (one for (row, column), one in self.cells.items() if top <= row < bottom and left <= column < right)
        return sum(one for one in inside if not isinstance(one, str | bool))


@dataclass(slots=True)
class Spreadsheet:
    """A spreadsheet: its sheets in order."""

    id: str
    title: str
    locale: str
    sheets: list[Sheet]

    def describe(self, sheets: Iterable[Sheet] | None = None) -> Json:
        """The spreadsheet without its cells, with some or all of its sheets."""
        shown = self.sheets if sheets is None else sheets
        return {
            "spreadsheetId": self.id,
            "properties": {"title": self.title, "locale": self.locale, "autoRecalc": "ON_CHANGE", "timeZone": "UTC"},
            "sheets": [{"properties": self.properties(sheet)} for sheet in shown],
            "spreadsheetUrl": f"https://sheets.example/d/{self.id}/edit",
        }

    def properties(self, sheet: Sheet) -> Json:
        """What a sheet is called, where it stands and how big it is."""
        return sheet.properties(self.sheets.index(sheet))

    def find(self, text: Any) -> tuple[Sheet, a1.Range]:
        """The sheet and the cells of a range in A1 notation; one without a sheet means the first."""
        try:
            found = a1.parse(text if isinstance(text, str) else "")
        except a1.RangeError as error:
            raise bad(f"Unable to parse range: {text}") from error
        sheet = self.sheets[0] if found.sheet is None else self.titled(found.sheet)
        if sheet is None:
            raise bad(f"Unable to parse range: {text}")
        return sheet, found

    def titled(self, title: str) -> Sheet | None:
        """The sheet of that title, in any case, as Sheets compares them."""
        return next((sheet for sheet in self.sheets if sheet.title.lower() == title.lower()), None)

    def free_title(self, wanted: str) -> str:
        """The title, with a number if it is taken."""
        titles = (wanted, *(f"{wanted} {number}" for number in range(2, len(self.sheets) + 3)))
        return next(title for title in titles if self.titled(title) is None)

    def numbered(self, number: Any) -> Sheet:
        """The sheet of that id."""
        found = next((sheet for sheet in self.sheets if str(sheet.id) == str(number)), None)
        if found is None:
            raise bad(f"No grid with id: {number}")
        return found

    def read(self, text: Any, render: str) -> tuple[str, list[list[Cell]]]:
        """A range as Google names it, and the values in it."""
        sheet, found = self.find(text)
        box = sheet.box(found)
        return sheet.name(box), sheet.take(box, render)

    def write(self, text: Any, values: Rows, *, as_typed: bool) -> Json:
        """Write into a range, or from a single cell on; refused if the values are more than the range."""
        sheet, found = self.find(text)
        top, left, bottom, right = sheet.box(found)
        height, width = len(values), max(map(len, values), default=0)
        if found.is_cell:
            bottom, right = top + height, left + width
            sheet.box(a1.Range(None, top, left, max(bottom, top + 1), max(right, left + 1)))
        if height > bottom - top or width > right - left:
            raise bad(f"Requested writing within range [{text}], but tried writing {height} rows of {width} columns.")
        written = sheet.put(top, left, values, as_typed=as_typed)
        return self._updated(sheet, (top, left, top + max(height, 1), left + max(width, 1)), written)

    def append(self, text: Any, values: Rows, *, as_typed: bool) -> Json:
        """Write below everything that is on the sheet from the range's first column on, growing the sheet."""
        sheet, found = self.find(text)
        top, left, _, _ = sheet.box(found)
        inside = [(row, column) for row, column in sheet.cells if row >= top and column >= left]
        below, width = max((row + 1 for row, _ in inside), default=top), max(map(len, values), default=0)
        sheet.rows, sheet.columns = max(sheet.rows, below + len(values)), max(sheet.columns, left + width)
        written = sheet.put(below, left, values, as_typed=as_typed)
        here = (below, left, below + max(len(values), 1), left + max(width, 1))
        answer: Json = {"spreadsheetId": self.id, "updates": self._updated(sheet, here, written)}
        if inside:
            answer["tableRange"] = sheet.name((top, left, below, max(column for _, column in inside) + 1))
        return answer

    def clear(self, text: Any) -> str:
        """Empty a range and return its name."""
        sheet, found = self.find(text)
        box = sheet.box(found)
        sheet.wipe(box)
        return sheet.name(box)

    def _updated(self, sheet: Sheet, box: Box, written: int) -> Json:
        if not written:
            return {"spreadsheetId": self.id, "updatedRange": sheet.name(box)}
        return {
            "spreadsheetId": self.id,
            "updatedRange": sheet.name(box),
            "updatedRows": box[2] - box[0],
            "updatedColumns": box[3] - box[1],
            "updatedCells": written,
        }


def objects(value: Any) -> list[Json]:
    """A list of objects, empty for None; anything else is malformed."""
    items = cast("list[Any]", [] if value is None else value)
    if not isinstance(value, list | None) or not all(isinstance(item, dict) for item in items):
        raise MalformedError
    return items


def members(value: Any) -> Json:
    """An object, empty for None; anything else is malformed."""
    if not isinstance(value, dict | None):
        raise MalformedError
    return cast("Json", value or {})


def rows_of(value: Any) -> Rows:
    """Values as they come in a request: lists of plain values."""
    lines = cast("list[Any]", [] if value is None else value)
    if not isinstance(value, list | None) or not all(isinstance(line, list) for line in lines):
        raise bad("Invalid value at 'data.values', must be a list of lists")
    for row, line in enumerate(cast("list[list[Any]]", lines)):
        for column, one in enumerate(line):
            if not is_cell(one):
                raise bad(f"Invalid values[{row}][{column}]: a cell holds a text, a number or a boolean")
    return lines


def is_cell(value: Any) -> bool:
    """Whether a cell can hold it: a text, a boolean, a finite number of any sane size, or nothing."""
    return isinstance(value, str | bool | None) or (isinstance(value, int | float) and -1e300 < value < 1e300)


def turned(rows: list[list[Any]], filler: Any) -> list[list[Any]]:
    """Rows as columns, or columns as rows."""
    width = max(map(len, rows), default=0)
    return [[line[column] if column < len(line) else filler for line in rows] for column in range(width)]


def _typed(value: Cell) -> Cell:
    # As if a person had typed it: numbers and booleans are recognised, an apostrophe keeps them text.
    if not isinstance(value, str):
        return value
    if value.upper() in {"TRUE", "FALSE"}:
        return value.upper() == "TRUE"
    if _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value.removeprefix("'")


def _formatted(value: Cell) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
