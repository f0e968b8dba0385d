"""How often a search finds what people mean: see `tests/shared/wishes.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wishes import HELD_OUT, OTHERS, WISHES, Wish

from pica_mcp.discovery import SEARCH, find_action
from pica_mcp.sandbox import Sandbox

HONEST = (
    "attio", "exa", "github", "gmail", "google-calendar", "google-drive", "google-sheets", "hub-spot", "linear",
    "notion", "openai", "quickbooks", "slack", "stripe", "supabase",
)  # fmt: skip
TAKING = ("delete", "remove", "cancel", "throw")


@pytest.fixture
def everywhere(box: Sandbox, serve: Any) -> Callable[[], Any]:
    """Serve somebody who has all honest platforms."""
    for platform in HONEST:
        box.connect(platform, identity="bea", identity_type="user")
    return lambda: serve(PICA_IDENTITY="bea")


async def found(app: Any, told: Any, wish: Wish, *, given: bool) -> list[tuple[str, bool]]:
    """Return the hits as `platform/title`, and whether each destroys."""
    asked = {"query": wish.words} | ({"platform": wish.platform} if given else {})
    hits = told(await app.pipeline.call(app.caller, SEARCH, asked))["actions"]
    actions = [
        await find_action(app.catalog, app.pipeline.names, None, hit.get("tool") or hit["actionId"], app.caller)
        for hit in hits
    ]
    return [
        (f"{action.platform}/{action.title}", hit.get("effect") == "destructive")
        for action, hit in zip(actions, hits, strict=True)
    ]


@pytest.mark.parametrize(
    ("meant", "given", "first", "among_five"),
    [
        (OTHERS, True, 0.92, 0.96),
        (OTHERS, False, 0.86, 0.96),
        (HELD_OUT, True, 0.83, 0.95),
        (HELD_OUT, False, 0.78, 0.95),
    ],
    ids=["given", "not given", "held out, given", "held out, not given"],
)
async def test_what_people_mean_is_found(
    everywhere: Any, told: Any, *, meant: tuple[Wish, ...], given: bool, first: float, among_five: float
) -> None:
    assert len(WISHES) >= 100
    async with everywhere() as app:
        answers = [[name for name, _ in await found(app, told, wish, given=given)] for wish in meant]
    firsts = [names[:1] for names, wish in zip(answers, meant, strict=True) if wish.meant.intersection(names[:1])]
    missed = [(wish.words, names) for names, wish in zip(answers, meant, strict=True) if not wish.meant & {*names[:5]}]
    assert len(firsts) / len(meant) >= first
    assert 1 - len(missed) / len(meant) >= among_five, missed


@pytest.mark.parametrize("given", [True, False])
async def test_what_destroys_comes_first_only_where_it_is_asked_for(everywhere: Any, told: Any, *, given: bool) -> None:
    async with everywhere() as app:
        first = {wish.words: (await found(app, told, wish, given=given))[0] for wish in WISHES}
    destroying = {words for words, (_, destroys) in first.items() if destroys}
    assert {words for words in destroying if not words.startswith(TAKING)} <= {"run sql", "query database"}
    assert {words for words in first if words.startswith(TAKING)} <= destroying


async def test_what_nobody_offers_is_told_from_what_people_mean(everywhere: Any, told: Any) -> None:
    async def notes(*queries: str) -> list[bool]:
        async with everywhere() as app:
            answers = [told(await app.pipeline.call(app.caller, SEARCH, {"query": query})) for query in queries]
        return [answer.get("note", "").startswith(("None fits well;", "No action matches.")) for answer in answers]

    assert all(await notes("archive a channel", "weather", "send money", "order a pizza", "play a song"))
    assert sum(await notes(*(wish.words for wish in WISHES))) <= 1


async def test_where_nothing_fits_what_destroys_comes_last(everywhere: Any, told: Any) -> None:
    async with everywhere() as app:
        asked = {"query": "archive a channel", "platform": "slack"}
        hits = told(await app.pipeline.call(app.caller, SEARCH, asked))["actions"]
    destroys = [hit.get("effect") == "destructive" for hit in hits]
    assert any(destroys)
    assert destroys == sorted(destroys)


async def test_on_a_platform_that_has_nothing_like_it_everyday_actions_are_shown(everywhere: Any, told: Any) -> None:
    async with everywhere() as app:
        asked = {"query": "qqqq zzzz", "platform": "google drive"}
        answer = told(await app.pipeline.call(app.caller, SEARCH, asked))
        nowhere = told(await app.pipeline.call(app.caller, SEARCH, {"query": "qqqq zzzz"}))
    assert "googledrive_list_files" in [hit["tool"] for hit in answer["actions"]]
    assert "destructive" not in [hit.get("effect") for hit in answer["actions"]]
    assert answer["note"] == "No action fits these words; these are the everyday ones."
    assert nowhere == {"actions": [], "note": "No action matches. Try other words, fewer of them."}
