import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pica_mcp.sandbox import LIVE_SECRET
from pica_mcp.sandbox.platforms import bazaar as definition
from pica_mcp.sandbox.platforms import lures

if TYPE_CHECKING:
    from .conftest import Pica

INVISIBLE = {"\u200b", "\u202e", "\U000e006f", "\ufeff", "\ue000"}


@pytest.fixture
def bazaar(pica: "Pica") -> str:
    return pica.box.connect("bazaar", name="Stall")


async def rows(pica: "Pica") -> list[dict[str, Any]]:
    return await pica.rows("/v1/knowledge", connectionPlatform="bazaar", limit="100")


async def content(pica: "Pica", key: str, path: str) -> bytes:
    answer = await pica.send(key, "GET", path)
    assert answer.status_code == 200
    return answer.content


async def test_the_honest_actions_work(pica: "Pica", bazaar: str) -> None:
    listed = (await pica.send(bazaar, "GET", "/v1/items", params={"limit": "2"})).json()["items"]
    assert [item["name"] for item in listed] == ["lamp", "carpet"]
    assert (await pica.send(bazaar, "GET", "/v1/items/{{id}}", listed[0])).json() == listed[0]
    assert (await pica.send(bazaar, "GET", "/v1/items/{{id}}", {"id": "x"})).status_code == 404
    order = await pica.send(bazaar, "POST", "/v1/orders", json={"itemId": "it-3", "count": "2"})
    assert (order.status_code, order.json()["itemId"], order.json()["count"]) == (201, "it-3", 2)
    assert (await pica.send(bazaar, "POST", "/v1/orders", json={"itemId": []})).status_code == 404


async def test_titles_paths_and_tags_are_published_as_they_are(pica: "Pica") -> None:
    found = await rows(pica)
    assert {row["title"] for row in found} >= set(lures.TITLES)
    assert {row["path"] for row in found} >= set(lures.PATHS)
    assert len({row["_id"] for row in found}) == len(found) == len(definition.platform().actions)
    titled = next(row for row in found if row["path"] == "/v1/titles/3")
    assert set(titled["title"]) > INVISIBLE
    assert titled["tags"] == list(lures.TAGS)
    assert max(len(row["title"]) for row in found) >= 5_000


async def test_a_title_without_a_plain_word_still_has_a_key(pica: "Pica") -> None:
    listed = await pica.rows("/v1/available-actions/bazaar", limit="100")
    assert {row["title"]: row["key"] for row in listed}["\u5217\u51fa\u5546\u54c1"] == "action"
    assert {row["title"]: row["key"] for row in listed}["execute pica action"] == "executePicaAction"


async def test_every_titled_action_is_honest_behind_its_title(pica: "Pica", bazaar: str) -> None:
    for number in range(1, len(lures.TITLES) + 1):
        assert json.loads(await content(pica, bazaar, f"/v1/titles/{number}"))["items"]


@pytest.mark.parametrize(
    "path", [path for path in lures.PATHS if re.match(r"/v1/items/\{\{(\.|\}|id\}\}(\?|#))", path)]
)
async def test_a_path_that_cannot_be_filled_reaches_nothing(pica: "Pica", bazaar: str, path: str) -> None:
    action = await pica.action("bazaar", "GET", path)
    headers = {"x-pica-connection-key": bazaar, "x-pica-action-id": action}
    answer = await pica.http.get("/v1/passthrough/v1/items/it-1", headers=headers)
    assert answer.status_code == 404


async def test_keys_are_echoed_in_every_form(pica: "Pica", bazaar: str) -> None:
    echo = await pica.send(bazaar, "GET", "/v1/echo")
    for answer in (echo.json()["headers"], echo.json()["encoded"]):
        assert {"x-pica-secret", "x-pica-connection-key"} <= set(answer)
    assert LIVE_SECRET in echo.headers["x-pica-passthrough-x-debug"]
    refused = await pica.send(bazaar, "GET", "/v1/refusal")
    assert refused.status_code == 403
    assert LIVE_SECRET in refused.json()["message"]
    assert bazaar in refused.json()["message"]


async def test_texts_hold_all_that_is_unseen(pica: "Pica", bazaar: str) -> None:
    for path in ("/v1/reviews", "/v1/page"):
        text = (await content(pica, bazaar, path)).decode()
        assert set(text) > INVISIBLE
        assert "</data>" in text
    assert b'\n{"jsonrpc":"2.0","method"' in await content(pica, bazaar, "/v1/log")


async def test_answers_are_what_parsers_fear(pica: "Pica", bazaar: str) -> None:
    assert len(await content(pica, bazaar, "/v1/export")) == 1_000_000
    assert (await content(pica, bazaar, "/v1/boxes")).count(b"{") == 10_000
    assert b"NaN" in await content(pica, bazaar, "/v1/statistics")
    assert (await content(pica, bazaar, "/v1/twins")).count(b'"role"') == 2
    halves = json.loads(await content(pica, bazaar, "/v1/halves"))
    with pytest.raises(UnicodeEncodeError):
        json.dumps(halves, ensure_ascii=False).encode()
    with pytest.raises(UnicodeDecodeError):
        (await content(pica, bazaar, "/v1/garbled")).decode()
    for path in ("/v1/receipt", "/v1/silence"):
        answer = await pica.send(bazaar, "GET", path)
        assert answer.headers["x-pica-passthrough-content-type"].startswith("application/json")
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(answer.content)


async def test_what_has_moved_points_at_a_closed_port(pica: "Pica", bazaar: str) -> None:
    answer = await pica.send(bazaar, "GET", "/v1/moved", follow_redirects=False)
    assert (answer.status_code, answer.headers["x-pica-passthrough-location"]) == (307, lures.CANARY)


async def test_a_form_takes_whatever_is_sent(pica: "Pica", bazaar: str) -> None:
    answer = await pica.send(bazaar, "POST", "/v1/forms/1", content=b"\xffanything")
    assert answer.json() == {"taken": "\ufffdanything"}


async def test_schemas_that_try_everything_are_published_as_they_are(pica: "Pica") -> None:
    published = {row["title"]: row["ioSchema"] for row in await rows(pica) if "ioSchema" in row}
    for title, schema in lures.schemas().items():
        assert published[title]["inputSchema"]["properties"]["body"] == schema
    schemas = lures.schemas()
    assert lures.CANARY in json.dumps(schemas["Order with Remote References"])
    assert "^(a+)+$" in json.dumps(schemas["Order with Slow Patterns"])
    assert json.dumps(schemas["Order in a Deep Box"]).count("box") == 400
    assert len(schemas["Order from a Thousand Shelves"]["properties"]) == 3_000
    assert {"__proto__", "connectionKey", "", "two\nlines"} <= set(schemas["Order with Strange Names"]["properties"])
