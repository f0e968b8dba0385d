import json
from typing import TYPE_CHECKING, Any

import pytest

from pica_mcp.sandbox.platforms import a1
from pica_mcp.sandbox.platforms.a1 import Range

if TYPE_CHECKING:
    from .conftest import Pica

ALL, ONE = "/v4/spreadsheets", "/v4/spreadsheets/{{spreadsheetId}}"
VALUES = f"{ONE}/values/{{{{range}}}}"
BATCH = f"{ONE}:batchUpdate"
TYPED = {"valueInputOption": "USER_ENTERED"}


@pytest.fixture
def sheets(pica: "Pica") -> str:
    return pica.box.connect("google-sheets", name="Engines")


async def stock(pica: "Pica", key: str) -> str:
    answer = await pica.send(key, "POST", "/google-sheets/find-spreadsheets", json={"connectionKey": key})
    (row,) = answer.json()["spreadsheets"]
    return row["spreadsheetId"]


async def read(pica: "Pica", key: str, book: str, where: str, **params: str) -> Any:
    answer = await pica.send(key, "GET", VALUES, {"spreadsheetId": book, "range": where}, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json().get("values")


async def write(pica: "Pica", key: str, book: str, where: str, values: Any, **params: str) -> Any:
    place = {"spreadsheetId": book, "range": where}
    return await pica.send(key, "PUT", VALUES, place, params={**TYPED, **params}, json={"values": values})


async def batch(pica: "Pica", key: str, book: str, *requests: Any) -> Any:
    return await pica.send(key, "POST", BATCH, {"spreadsheetId": book}, json={"requests": requests})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A1", Range(None, 0, 0, 1, 1)),
        ("Gears!A1:B2", Range("Gears", 0, 0, 2, 2)),
        ("Gears!B2:A1", Range("Gears", 0, 0, 2, 2)),
        ("Gears!$A$1:$AB$12", Range("Gears", 0, 0, 12, 28)),
        ("A:B", Range(None, 0, 0, None, 2)),
        ("2:3", Range(None, 1, 0, 3, None)),
        ("A2:C", Range(None, 1, 0, None, 3)),
        ("Gears", Range("Gears")),
        ("'Gears'!c3", Range("Gears", 2, 2, 3, 3)),
        ("'Bob''s data'!A1", Range("Bob's data", 0, 0, 1, 1)),
        ("'A1'", Range("A1")),
        ("'a!b:c'!A1", Range("a!b:c", 0, 0, 1, 1)),
    ],
)
def test_a1_notation_is_understood(text: str, found: Range) -> None:
    assert a1.parse(text) == found


@pytest.mark.parametrize(
    "text", ["", "!", "Gears!", "Gears!A", "Gears!1", "'Gears", "Gears!A0", "Gears!A1:B2:C3", "A!B!C"]
)
def test_other_notations_name_nothing(text: str) -> None:
    with pytest.raises(a1.RangeError):
        a1.parse(text)


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_letters(column: int, name: str) -> None:
    assert a1.letters(column) == name
    assert a1.parse(f"{name}1").left == column


async def test_a_spreadsheet_is_made_and_read_back(pica: "Pica", sheets: str) -> None:
    body = {"properties": {"title": "Plans"}, "sheets": [{"properties": {"title": "One"}}, {}]}
    made = (await pica.send(sheets, "POST", ALL, json=body)).json()
    assert made["properties"]["title"] == "Plans"
    assert [one["properties"]["title"] for one in made["sheets"]] == ["One", "Sheet2"]
    assert (await pica.send(sheets, "GET", ONE, {"spreadsheetId": made["spreadsheetId"]})).json() == made
    assert (await pica.send(sheets, "POST", ALL)).json()["sheets"][0]["properties"]["title"] == "Sheet1"


@pytest.mark.parametrize(
    ("where", "values"),
    [
        ("Gears!A1:B2", [["Part", "Teeth"], ["Sun gear", "24"]]),
        ("gears!a1", [["Part"]]),
        ("B:B", [["Teeth"], ["24"], ["12"], ["48"], [], ["84"]]),
        ("6:6", [["Total", "84", "50.5"]]),
        ("'Bob''s data'!B1:C2", [["Größe", "Done"], ["3", "TRUE"]]),
        ("Gears!E1:F9", None),
    ],
)
async def test_values_are_read_as_far_as_they_go(pica: "Pica", sheets: str, where: str, values: Any) -> None:
    assert await read(pica, sheets, await stock(pica, sheets), where) == values


async def test_values_are_read_in_columns_or_as_they_are_stored(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    assert await read(pica, sheets, book, "A1:B2", majorDimension="COLUMNS") == [["Part", "Sun gear"], ["Teeth", "24"]]
    assert await read(pica, sheets, book, "B6:C6", valueRenderOption="FORMULA") == [["=SUM(B2:B4)", "=SUM(C2:C4)"]]
    assert await read(pica, sheets, book, "B6:C6", valueRenderOption="UNFORMATTED_VALUE") == [[84, 50.5]]


async def test_a_repeated_key_reads_several_ranges(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    params = [("ranges", "A2"), ("ranges", "'Bob''s data'!A1:A2")]
    answer = await pica.send(sheets, "GET", f"{ONE}/values:batchGet", {"spreadsheetId": book}, params=params)
    assert [one["range"] for one in answer.json()["valueRanges"]] == ["Gears!A2", "'Bob''s data'!A1:A2"]
    assert [one["values"] for one in answer.json()["valueRanges"]] == [[["Sun gear"]], [["Day"], ["2026-01-05"]]]


async def test_an_update_leaves_null_and_empties_with_an_empty_text(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    answer = await write(pica, sheets, book, "Gears!A2:C3", [[None, "25"], ["", 13, True]])
    assert answer.json() == {
        "spreadsheetId": book,
        "updatedRange": "Gears!A2:C3",
        "updatedRows": 2,
        "updatedColumns": 3,
        "updatedCells": 4,
    }
    stored = await read(pica, sheets, book, "A2:C3", valueRenderOption="UNFORMATTED_VALUE")
    assert stored == [["Sun gear", 25, 12.5], ["", 13, True]]


async def test_raw_values_stay_as_they_are_and_typed_ones_are_read(pica: "Pica", sheets: str) -> None:
    book, values = await stock(pica, sheets), [["7", "true", "'8", "=SUM(A1:A1)", "=NOW()"]]
    await write(pica, sheets, book, "E1", values, valueInputOption="RAW")
    await write(pica, sheets, book, "E2", values)
    raw, typed = await read(pica, sheets, book, "E1:I2", valueRenderOption="FORMULA")
    assert raw == values[0]
    assert typed == [7, True, "8", "=SUM(A1:A1)", "=NOW()"]
    assert await read(pica, sheets, book, "E2:I2") == [["7", "TRUE", "8", "0", "#NAME?"]]


async def test_several_ranges_are_written_or_none(pica: "Pica", sheets: str) -> None:
    book, path = await stock(pica, sheets), f"{ONE}/values:batchUpdate"
    data = [{"range": "A2", "values": [["Moon gear"]]}, {"range": "Gears!ZZ9", "values": [[1]]}]
    body = {"valueInputOption": "RAW", "data": data}
    assert (await pica.send(sheets, "POST", path, {"spreadsheetId": book}, json=body)).status_code == 400
    assert await read(pica, sheets, book, "A2") == [["Sun gear"]]
    body["data"] = [data[0], {"range": "E1:E2", "majorDimension": "COLUMNS", "values": [[1, 2]]}]
    answer = (await pica.send(sheets, "POST", path, {"spreadsheetId": book}, json=body)).json()
    assert answer["totalUpdatedCells"] == 3
    assert await read(pica, sheets, book, "E:E") == [["1"], ["2"]]


async def test_rows_are_appended_below_what_is_there(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    place = {"spreadsheetId": book, "range": "Gears!A1:C1"}
    answer = await pica.send(sheets, "POST", f"{VALUES}:append", place, params=TYPED, json={"values": [["Worm", "1"]]})
    assert answer.json()["tableRange"] == "Gears!A1:C6"
    assert answer.json()["updates"]["updatedRange"] == "Gears!A7:B7"
    assert await read(pica, sheets, book, "7:7") == [["Worm", "1"]]


async def test_the_custom_action_appends_to_the_named_sheet(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    body = {"connectionKey": sheets, "spreadsheetId": book, "sheetName": "Bob's data", "rows": [["2026-01-07", 9]]}
    answer = await pica.send(sheets, "POST", "/google-sheets/append-rows", json=body)
    assert answer.json() == {"success": True, "updatedRange": "'Bob''s data'!A4:B4", "rows": 1}
    assert await read(pica, sheets, book, "'Bob''s data'!A4:B4") == [["2026-01-07", "9"]]


async def test_ranges_are_cleared(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    answer = await pica.send(sheets, "POST", f"{VALUES}:clear", {"spreadsheetId": book, "range": "Gears!A1:C4"})
    assert answer.json()["clearedRange"] == "Gears!A1:C4"
    assert await read(pica, sheets, book, "A1:C4") is None
    body = {"ranges": ["Gears", "'Bob''s data'!A:A"]}
    answer = await pica.send(sheets, "POST", f"{ONE}/values:batchClear", {"spreadsheetId": book}, json=body)
    assert answer.json()["clearedRanges"] == ["Gears!A1:Z1000", "'Bob''s data'!A1:A1000"]
    assert await read(pica, sheets, book, "Gears") is None


async def test_a_batch_adds_renames_writes_sorts_and_deletes(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    cells = [{"values": [{"userEnteredValue": {"stringValue": "x"}}, {"userEnteredValue": {"numberValue": 2}}]}]
    box = {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 4, "startColumnIndex": 0, "endColumnIndex": 3}
    answer = await batch(
        pica,
        sheets,
        book,
        {"addSheet": {"properties": {"sheetId": 7, "title": "New", "index": 0}}},
        {"updateCells": {"start": {"sheetId": 7}, "rows": cells, "fields": "*"}},
        {"appendCells": {"sheetId": 7, "rows": cells, "fields": "*"}},
        {"findReplace": {"find": "x", "replacement": "yy", "sheetId": 7}},
        {
            "updateSheetProperties": {
                "properties": {"sheetId": 7, "title": "Newer", "index": 1},
                "fields": "title,index",
            }
        },
        {"sortRange": {"range": box, "sortSpecs": [{"dimensionIndex": 1, "sortOrder": "DESCENDING"}]}},
        {"updateSpreadsheetProperties": {"properties": {"title": "Renamed"}, "fields": "title"}},
    )
    replies = answer.json()["replies"]
    assert replies[0]["addSheet"]["properties"]["index"] == 0
    assert (len(replies), replies[1], replies[3]) == (7, {}, {"findReplace": {"occurrencesChanged": 2}})
    shown = (await pica.send(sheets, "GET", ONE, {"spreadsheetId": book})).json()
    assert shown["properties"]["title"] == "Renamed"
    assert [one["properties"]["title"] for one in shown["sheets"]] == ["Gears", "Newer", "Bob's data"]
    assert await read(pica, sheets, book, "Newer") == [["yy", "2"], ["yy", "2"]]
    assert await read(pica, sheets, book, "Gears!A2:A4") == [["Ring"], ["Sun gear"], ["Planet gear"]]
    assert (await batch(pica, sheets, book, {"deleteSheet": {"sheetId": 7}})).status_code == 200
    assert (await batch(pica, sheets, book, {"deleteSheet": {"sheetId": 7}})).status_code == 400


NOT_MADE: list[dict[str, Any]] = [
    {},
    {"paintSheet": {}},
    {"addSheet": {}, "deleteSheet": {"sheetId": 0}},
    {"addSheet": {"properties": {"title": "gears"}}},
    {"addSheet": {"properties": {"sheetId": 0}}},
    {"addSheet": {"properties": {"index": 9}}},
    {"addSheet": {"properties": {"gridProperties": {"rowCount": 0}}}},
    {"deleteSheet": {}},
    {"updateSheetProperties": {"properties": {"sheetId": 0, "title": "X"}}},
    {"updateSheetProperties": {"properties": {"sheetId": 0}, "fields": "colour"}},
    {"updateCells": {"rows": [], "start": {"sheetId": 0}}},
    {"updateCells": {"rows": [{"values": [{"userEnteredValue": {"dateValue": 1}}]}], "start": {}, "fields": "*"}},
    {"updateCells": {"rows": [{"values": [{}, {}]}], "start": {"columnIndex": 25}, "fields": "*"}},
    {"updateCells": {"rows": 5, "start": {}, "fields": "*"}},
    {"findReplace": {"find": ""}},
    {"sortRange": {"range": {"endRowIndex": 2000}}},
    {"sortRange": {"range": {}, "sortSpecs": [{"dimensionIndex": 26}]}},
]


@pytest.mark.parametrize("request_", NOT_MADE)
async def test_a_batch_is_made_whole_or_not_at_all(pica: "Pica", sheets: str, request_: Any) -> None:
    book = await stock(pica, sheets)
    answer = await batch(pica, sheets, book, {"addSheet": {"properties": {"title": "First"}}}, request_)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    shown = (await pica.send(sheets, "GET", ONE, {"spreadsheetId": book})).json()
    assert [one["properties"]["title"] for one in shown["sheets"]] == ["Gears", "Bob's data"]


async def test_a_mask_and_ranges_narrow_what_is_returned(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    params = [("fields", "sheets(properties/title,data.rowData)"), ("ranges", "A2:B2"), ("includeGridData", "true")]
    (sheet,) = (await pica.send(sheets, "GET", ONE, {"spreadsheetId": book}, params=params)).json()["sheets"]
    assert sheet["properties"] == {"title": "Gears"}
    (row,) = sheet["data"][0]["rowData"]
    assert row["values"][1] == {
        "userEnteredValue": {"numberValue": 24},
        "effectiveValue": {"numberValue": 24},
        "formattedValue": "24",
    }
    wrong = await pica.send(sheets, "GET", ONE, {"spreadsheetId": book}, params={"fields": "sheets(properties"})
    assert wrong.status_code == 400


async def test_a_post_can_read(pica: "Pica", sheets: str) -> None:
    book = await stock(pica, sheets)
    body = {"dataFilters": [{"a1Range": "B6"}], "includeGridData": True}
    answer = await pica.send(sheets, "POST", f"{ONE}:getByDataFilter", {"spreadsheetId": book}, json=body)
    ((row,),) = [one["data"][0]["rowData"] for one in answer.json()["sheets"]]
    assert row["values"][0]["userEnteredValue"] == {"formulaValue": "=SUM(B2:B4)"}
    assert row["values"][0]["effectiveValue"] == {"numberValue": 84}


async def test_a_sheet_is_copied_with_its_cells(pica: "Pica", sheets: str) -> None:
    book, place = await stock(pica, sheets), f"{ONE}/sheets/{{{{sheetId}}}}:copyTo"
    body = {"destinationSpreadsheetId": book}
    for title in ("Copy of Gears", "Copy of Gears 2"):
        copy = (await pica.send(sheets, "POST", place, {"spreadsheetId": book, "sheetId": 0}, json=body)).json()
        assert copy["title"] == title
        assert await read(pica, sheets, book, f"'{title}'!A2") == [["Sun gear"]]
    lost = await pica.send(sheets, "POST", place, {"spreadsheetId": book, "sheetId": 0}, json={})
    assert lost.status_code == 404


async def test_accounts_know_nothing_of_each_other(pica: "Pica", sheets: str) -> None:
    other = pica.box.connect("google-sheets", name="Other")
    book = await stock(pica, sheets)
    answer = await pica.send(other, "GET", ONE, {"spreadsheetId": book})
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


NOT_WRITTEN: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("Nowhere!A1", TYPED, {"values": [[1]]}),
    ("Gears!A1:", TYPED, {"values": [[1]]}),
    ("Gears!AA1", TYPED, {"values": [[1]]}),
    ("Gears!A1001", TYPED, {"values": [[1]]}),
    ("Gears!Z1000", TYPED, {"values": [[1, 2]]}),
    ("Gears!A1:B1", TYPED, {"values": [[1], [2]]}),
    ("Gears!A1", {}, {"values": [[1]]}),
    ("Gears!A1", {"valueInputOption": "GUESS"}, {"values": [[1]]}),
    ("Gears!A1", TYPED, {"values": [1]}),
    ("Gears!A1", TYPED, {"values": [[{}]]}),
    ("Gears!A1", TYPED, {"values": [[1e999]]}),
    ("Gears!A1", TYPED, {"values": [[1]], "range": "Gears!A2"}),
    ("Gears!A1", TYPED, {"values": [[1]], "majorDimension": "DIAGONALS"}),
]


@pytest.mark.parametrize(("where", "params", "body"), NOT_WRITTEN)
async def test_sheets_refuses_in_googles_shape(
    pica: "Pica", sheets: str, where: str, params: dict[str, str], body: dict[str, Any]
) -> None:
    place = {"spreadsheetId": await stock(pica, sheets), "range": where}
    headers = {"content-type": "application/json"}
    answer = await pica.send(sheets, "PUT", VALUES, place, params=params, content=json.dumps(body), headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
