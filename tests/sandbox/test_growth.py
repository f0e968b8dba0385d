import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from pica_mcp.sandbox import Sandbox, growth
from pica_mcp.sandbox.catalog import Action
from pica_mcp.sandbox.growth import grow

from .conftest import Pica, open_client


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many actions were made since."""
    counts: Counter[str] = Counter()
    make = growth.Actions._make

    def counting(actions: growth.Actions, place: int) -> Action:
        counts["actions"] += 1
        return make(actions, place)

    monkeypatch.setattr(growth.Actions, "_make", counting)
    return counts


def everything(**sizes: Any) -> Iterator[Action]:
    return (action for platform in grow(**sizes) for action in platform.actions)


@pytest.mark.parametrize(("actions", "platforms"), [(1, 1), (7, 7), (1_100, 1), (100_000, 300), (5_000, 1_000)])
def test_there_are_as_many_as_asked_for_and_the_largest_come_first(actions: int, platforms: int) -> None:
    sizes = [len(platform.actions) for platform in grow(actions, platforms)]
    assert (len(sizes), sum(sizes)) == (platforms, actions)
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 1


@pytest.mark.parametrize(("actions", "platforms"), [(0, 0), (3, 4), (3, 0)])
def test_every_platform_needs_an_action(actions: int, platforms: int) -> None:
    with pytest.raises(ValueError, match="needs an action"):
        grow(actions, platforms)


def test_a_hundred_thousand_actions_differ_by_id_and_platforms_by_name() -> None:
    assert len({action.id for action in everything()}) == 100_000
    assert len({platform.name for platform in grow(2_000, 1_000)}) == 1_000


def test_the_same_sizes_give_the_same_catalogue() -> None:
    first, second = (list(everything(actions=3_000, platforms=20)) for _ in range(2))
    assert first == second


def test_slices_and_ends_are_those_of_any_sequence() -> None:
    (platform,) = grow(100, 1)
    whole = list(platform.actions)
    assert platform.actions[10:90:7] == whole[10:90:7]
    assert platform.actions[-1] == whole[-1]
    with pytest.raises(IndexError):
        platform.actions[100]


def test_methods_shapes_titles_and_tags_are_as_mixed_as_real_ones() -> None:
    actions = list(islice(everything(), 20_000))
    methods = Counter(action.method for action in actions)
    assert set(methods) == {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}
    assert methods["GET"] > methods["PUT"]
    assert set(Counter(action.shape for action in actions)) == {"both", "tables", "schema", "none"}
    assert {action.encoding for action in actions} == {"json", "form", "multipart"}
    titles = Counter((action.platform, action.title) for action in actions)
    assert 0.02 < sum(count > 1 for count in titles.values()) / len(titles) < 0.3
    for tag in ("custom", "hidden:agents"):
        assert 0 < sum(tag in action.tags for action in actions) / len(actions) < 0.1
    assert 0 < sum(action.crlf for action in actions) / len(actions) < 0.1


async def test_nothing_is_made_before_it_is_read(made: Counter[str]) -> None:
    platforms = grow()
    box = Sandbox(extra=platforms)
    async with open_client(box) as http:
        pica = Pica(box, http)
        assert len(await pica.rows("/v1/available-connectors", limit="500")) == 320
        total = (await http.get("/open/count/tools")).json()["count"]
        assert made["actions"] == 0
        largest, later = platforms[0].name, platforms[200].name
        await pica.rows(f"/v1/available-actions/{largest}", limit="50", page="9")
        assert made["actions"] == 50
        (row,) = await pica.rows("/v1/knowledge", connectionPlatform=later, limit="1", page="30")
        assert made["actions"] == 51
        assert await pica.rows("/v1/knowledge", _id=row["_id"]) == [row]
        assert made["actions"] == 52
        (last,) = await pica.rows("/v1/knowledge", limit="1", page=str(total))
        assert last["connectionPlatform"] == platforms[-1].name
        assert made["actions"] == 53


async def test_a_platform_is_read_once_for_searching_it(made: Counter[str]) -> None:
    platforms = grow(2_000, 1)
    box, url = Sandbox(extra=platforms), f"/v1/available-actions/search/{platforms[0].name}"
    async with open_client(box) as http:
        first = (await http.get(url, params={"query": "create a card", "limit": 5})).json()
        after = made["actions"]
        again = (await http.get(url, params={"query": "delete a card", "limit": 5})).json()
    assert first[0]["title"] == "Create a Card"
    assert again[0]["title"] == "Delete a Card"
    assert (after, made["actions"]) == (2_005, 2_010)


async def test_documents_have_the_length_they_are_told() -> None:
    platforms = grow(1_100, 1, document_chars=8_000)
    box = Sandbox(extra=platforms)
    async with open_client(box) as http:
        rows = await Pica(box, http).rows("/v1/knowledge", connectionPlatform=platforms[0].name, limit="2000")
    lengths = [len(row["knowledge"]) for row in rows if row["knowledge"]]
    assert len(rows) == 1_100
    assert len(lengths) > 900
    assert 8_000 <= min(lengths) <= max(lengths) < 12_000


async def test_a_few_documents_are_as_long_as_the_longest_real_ones() -> None:
    platforms = grow(4_100, 1)
    box = Sandbox(extra=platforms)
    async with open_client(box) as http:
        rows = await Pica(box, http).rows("/v1/knowledge", connectionPlatform=platforms[0].name, limit="5000")
    lengths = sorted(len(row["knowledge"] or "") for row in rows)
    assert 1 <= sum(length >= 370_000 for length in lengths) <= 3
    assert lengths[-1] < 376_000
    assert lengths[-10] < 25_000


def test_titles_have_the_article_of_their_noun() -> None:
    titles = {action.title for action in everything(actions=20_000, platforms=2)}
    assert {"Get an Account", "Get a Board", "List Changes of an Address", "List Addresses", "List Batches"} <= titles
    assert {"Get an Archived Category", "List Archived Categories", "Upload a File to a Shared Account"} <= titles
    assert not [title for title in titles if re.search(r"\b[Aa] [AEIOU]|\b[Aa]n [^AEIOU]|[^aeiou]ys\b", title)]


@pytest.mark.parametrize("action_id", ["conn_mod_def::x", "conn_mod_def::GEk_umT-QkU::AAAAAAAAAAAAAAAAAAAAAA", ""])
async def test_an_id_that_was_never_given_is_unknown(action_id: str) -> None:
    box = Sandbox(extra=grow(100, 2))
    async with open_client(box) as http:
        assert await Pica(box, http).rows("/v1/knowledge", _id=action_id) == []


async def test_a_call_is_answered_with_what_arrived() -> None:
    platforms = grow(13, 1)
    box = Sandbox(extra=platforms)
    key = box.connect(platforms[0].name, name="Somebody")
    action = next(one for one in platforms[0].actions if one.method == "PATCH")
    told = {"x-pica-connection-key": key, "x-pica-action-id": action.id}
    async with open_client(box) as http:
        url = "/v1/passthrough" + action.path.replace("{{id}}", "a%2Fb")
        answer = (await http.patch(url, json={"name": "N"}, params={"x": ["1", "2"]}, headers=told)).json()
    assert answer == {
        "account": "Somebody",
        "path": {"id": "a/b"},
        "query": [["x", "1"], ["x", "2"]],
        "contentType": "application/json",
        "body": '{"name":"N"}',
    }


@pytest.mark.parametrize("cut", [slice(5, 9), slice(None, None, 4_000)])
async def test_written_and_grown_actions_are_one_sequence(cut: slice) -> None:
    box = Sandbox(extra=grow(1_000, 10))
    async with open_client(box) as http:
        pica = Pica(box, http)
        whole = await pica.rows("/v1/knowledge", limit="10000")
        pages = [await pica.rows("/v1/knowledge", limit="97", page=str(page)) for page in range(1, 30)]
    assert [row for page in pages for row in page][cut] == whole[cut]
    assert len({row["id"] for row in whole}) == len({row["_id"] for row in whole}) == len(whole)
