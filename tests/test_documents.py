from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pica_mcp import documents, text
from pica_mcp.sandbox import documents as written
from pica_mcp.sandbox import platforms
from pica_mcp.sandbox.catalog import Action, Catalog

ACTIONS = tuple(Catalog(platforms.imitated(), platforms.listed_only()).actions())
DOCUMENTS = tuple((action, document) for action in ACTIONS if (document := written.knowledge(action, "https://p.test")))

LINES = st.sampled_from([
    "# Title", "## Method", "## Response", "### Success Response (200 OK)", "## Required Request Body Fields", "#",
    "a", "```", "```json", "````", "~~~", "~~~~ x", "    # no heading", "# Data Models, Chunk 2/7", "## Notes",
    "### Notes #", "| `a.b[]` | string | **Required** One of: `x`, `y` |", "| Parameter | Type |", "|---|---|", "",
    "#hash", "####### seven", "word " * 60, "\u202e## Gotchas\u200b", "## \ud800 <data>", "Content-Type: text/csv",
])  # fmt: skip
MARKDOWN = st.tuples(st.lists(LINES | st.text(max_size=30), max_size=60), st.sampled_from(["\n", "\r\n", "\r"])).map(
    lambda drawn: drawn[1].join(drawn[0])
)


def headings(markdown: str) -> list[str]:
    return [passage.headings[-1] for passage in documents.passages(markdown)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# A\n## B\ntext\n### C\n## D", ["A", "B", "C", "D"]),
        ("# A\r\n\r\n## B\r\ntext\r\n", ["A", "B"]),
        ("# A ##\n## C#\n## #\n##\tTab ", ["A", "C#", "", "Tab"]),
        ("#A\n####### B\n    # C\n   ### D", ["", "D"]),
        ("# A\n```bash\n# B\n## C\n```\n## D", ["A", "D"]),
        ("# A\n~~~\n# B\n```\n# C\n~~~\n## D", ["A", "D"]),
        ("# A\n````\n```\n# B\n```\n# C\n````\n## D", ["A", "D"]),
        ("# A\n```\n# B\n``` not an end\n# C\n`````\n## D", ["A", "D"]),
        ("# A\n``` code ``` in a line\n## B", ["A", "B"]),
        ("# A\n```\n# B\n## C", ["A"]),
        ("before\n# A", ["", "A"]),
        ("", []),
        ("## A\u202e\u200bB\ud800", ["AB\ufffd"]),
    ],
)
def test_headings_are_those_outside_fences(markdown: str, expected: list[str]) -> None:
    assert headings(markdown) == expected


def test_a_section_has_all_below_its_heading_up_to_the_next_of_its_level() -> None:
    document = "# A\n\none\n\n## B\n\ntwo\n\n### C\n\nthree\n\n## B\n\nfour\n\n# E\n\nfive\n"
    found = documents.passages(document)
    assert [(one.slug, one.level, documents.section(document, one.slug)) for one in found] == [
        ("a", 1, "# A\n\none\n\n## B\n\ntwo\n\n### C\n\nthree\n\n## B\n\nfour"),
        ("b", 2, "## B\n\ntwo\n\n### C\n\nthree"),
        ("c", 3, "### C\n\nthree"),
        ("b-2", 2, "## B\n\nfour"),
        ("e", 1, "# E\n\nfive"),
    ]


def test_slugs_tell_headings_apart_that_imitate_each_others_numbers() -> None:
    slugs = [passage.slug for passage in documents.passages("## A 2\n## a\n## A\n## !!!\n## a\n## ???")]
    assert slugs == ["a-2", "a", "a-3", "section", "a-4", "section-2"]


DOCUMENT = """# Make a Thing

## Method

`POST`

## Required Path Parameters

the path

## Optional Query Parameters

the query

## Request Body

### Required Request Body Fields

needed

### Optional Request Body Fields

wanted

## Response

### Success Response (201 Created)

well

### Error Response (404 Not Found)

ill

## Response Fields

told

## Example Usage

shown

## Notes

first

## Behavior

so

## Gotchas

beware

## Notes

second
"""


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("response", ["well", "ill"], ["told"]),
        ("fields", ["told"], ["well"]),
        ("optional", ["the query", "wanted"], ["needed"]),
        ("required", ["the path", "needed"], ["wanted"]),
        ("examples", ["shown"], ["needed"]),
        ("errors", ["ill"], ["well"]),
        ("success", ["well"], ["ill"]),
        ("body", ["needed", "wanted"], ["the query"]),
        ("query", ["the query"], ["needed"]),
        ("path", ["the path"], ["needed"]),
        ("notes", ["first"], ["second"]),
        ("notes-2", ["second"], ["first"]),
        ("NOTES", ["first"], ["second"]),
        ("behavior", ["so"], ["beware"]),
        ("gotchas", ["beware"], ["so"]),
        ("Response Fields", ["told"], ["well"]),
        ("## Response Fields", ["told"], ["well"]),
        ("success response (201 created)", ["well"], ["ill"]),
        ("Success Response 201 Created", ["well"], ["ill"]),
        ("make-a-thing", ["needed", "second"], []),
    ],
)
def test_a_section_is_found_by_slug_alias_and_heading(wanted: str, inside: list[str], outside: list[str]) -> None:
    found = documents.section(DOCUMENT, wanted)
    assert found is not None
    assert [word for word in inside if f"\n{word}" not in found] == []
    assert [word for word in outside if f"\n{word}" in found] == []


def test_an_alias_that_fits_a_section_and_one_within_it_shows_that_once() -> None:
    found = documents.section(DOCUMENT, "body")
    assert found is not None
    assert found.count("needed") == 1


@pytest.mark.parametrize("wanted", ["", "#", "nothing", "gotcha", "\ud800", "-2"])
def test_what_is_no_section_is_none(wanted: str) -> None:
    assert documents.section(DOCUMENT, wanted) is None


def test_a_document_that_fits_is_its_own_digest() -> None:
    assert documents.digest(DOCUMENT, len(DOCUMENT)) == DOCUMENT
    assert documents.digest(DOCUMENT.replace("\n", "\r\n"), len(DOCUMENT)) == DOCUMENT


def long(chars: int) -> str:
    return "\n".join(["a line of words"] * (chars // 16))


def test_a_digest_keeps_the_essential_and_lists_what_it_leaves_out() -> None:
    bulk = f"## Response Fields\n\n{long(9_000)}\n\n"
    digest = documents.digest(DOCUMENT.replace("## Response Fields\n\n", bulk), 2_000)
    assert "## Request Body\n\n### Required Request Body Fields\n\nneeded" in digest
    assert "beware" in digest
    assert "wanted" in digest
    assert "a line" not in digest
    assert "\nresponse-fields: Response Fields (9" in digest
    assert digest.index("needed") < digest.index("wanted") < digest.index("beware") < digest.index("left out")


def test_an_essential_section_that_is_too_long_leaves_room_for_the_others() -> None:
    markdown = f"# A\n\n## Method\n\n`POST`\n\n## Description\n\n```\n{long(20_000)}\n```\n\n## URL\n\n`/things`\n"
    digest = documents.digest(markdown, 1_000)
    assert "`POST`" in digest
    assert "`/things`" in digest
    assert "```\n… (cut, whole in section description)" in digest
    assert "description: Description (20" in digest


def test_what_is_deferred_comes_in_the_order_of_its_use_as_far_as_it_fits() -> None:
    parts = ["Response", "Response Fields", "Other", "Example Usage", "Notes", "Behavior", "Optional Headers"]
    markdown = "# A\n\nwhat\n\n" + "".join(f"## {part}\n\n{long(400)}\n\n" for part in parts)
    whole = [documents.digest(markdown, size) for size in (900, 1_500, 2_100)]
    kept = [[part for part in parts if f"## {part}\n" in digest] for digest in whole]
    assert [kept[0], kept[1][-2:], kept[2][-3:]] == [
        parts[-1:],
        parts[-2:],
        parts[-3:],
    ]


def test_the_list_of_what_is_left_out_has_at_most_sixty_lines_of_the_uppermost() -> None:
    chunks = "".join(
        f"# Data Models, Chunk {n}/7\n\n" + "".join(f"## Model {n} {m}\n\n{long(300)}\n\n" for m in range(60))
        for n in range(2, 8)
    )
    digest = documents.digest(f"# A\n\nwhat\n\n{chunks}", 3_000)
    listed = digest.split("left out or cut", 1)[1].splitlines()[1:]
    assert len(listed) <= 60
    assert [line.partition(":")[0] for line in listed if "Chunk" in line][-1] == "data-models-chunk-7-7"


def test_a_digest_that_leaves_nothing_out_lists_nothing() -> None:
    assert documents.digest("# A\n\nwhat" + "\n" * 1_000, 500) == "# A\n\nwhat"


def test_what_a_section_is_called_in_the_list_is_what_finds_it() -> None:
    _, document = max(DOCUMENTS, key=lambda found: len(found[1]))
    digest = documents.digest(document, 8_000)
    listed = [line for line in digest.split("left out or cut", 1)[1].splitlines()[1:] if not line.startswith("…")]
    assert len(listed) > 5
    for line in listed:
        slug, _, size = line.partition(": ")
        found = documents.section(document, slug)
        assert found is not None
        assert abs(len(found) - int(size.rpartition("(")[2].split()[0])) <= 3


@given(MARKDOWN, st.integers(500, 4_000))
@settings(max_examples=200)
def test_a_digest_is_never_longer_than_asked_for_and_clean(markdown: str, most: int) -> None:
    digest = documents.digest(markdown, most)
    assert len(digest) <= most
    assert text.clean(digest) == digest


@given(MARKDOWN)
@settings(max_examples=200)
def test_every_character_is_in_one_passage_and_every_slug_finds_its_section(markdown: str) -> None:
    found = documents.passages(markdown)
    assert "".join(passage.text for passage in found).strip() == text.clean(markdown).strip()
    assert len({passage.slug for passage in found}) == len(found)
    for passage in found:
        whole = text.clean(markdown.replace("\r\n", "\n"))[passage.begin : passage.end]
        assert (documents.section(markdown, passage.slug) or "") == whole.strip("\n")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## Description\n\nSends it.\nAt once.\n\nMore.", "Sends it.\nAt once."),
        ("### description \r\n\r\nSends it.\r\n\r\nMore.", "Sends it."),
        ("## Description\nSends it.\n## URL\n\n`/a`", "Sends it."),
        ("## Description\n\n| a | b |", ""),
        ("## Description\n\n## URL\n\n`/a`", ""),
        ("## Request Description\n\nSends it.", ""),
        ("## Description\n" + "x" * 2_000, "x" * 1_000),
        ("a\n" * 2_000 + "## Description\n\nSends it.", ""),
    ],
)
def test_a_description_is_the_first_paragraph_of_prose_under_its_heading(markdown: str, expected: str) -> None:
    assert documents.description(f"# A\n\n{markdown}") == expected


@given(MARKDOWN)
@settings(max_examples=100)
def test_whatever_a_document_is_it_is_read(markdown: str) -> None:
    assert documents.encoding(documents.passages(markdown)) in (None, "json", "form", "multipart", "text", "binary")
    assert text.clean(documents.operation(documents.passages(markdown)) + documents.sample_answer(markdown)) is not None


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## Required Request Body Fields (application/x-www-form-urlencoded)", "form"),
        ("## Optional Request Body Fields (`multipart/form-data`)", "multipart"),
        ("## Request Body (application/json)\n## Headers\nContent-Type: multipart/form-data", "json"),
        ('## Headers\n```json\n{"Content-Type": "application/json; charset=utf-8"}\n```', "json"),
        ('## Headers\n```json\n{"Content-Type": "application/vnd.api+json"}\n```', "json"),
        ("## Required Headers\n| `Content-Type` | string | Must be `text/csv` |", "text"),
        ("## Headers\nContent-Type: application/xml", "text"),
        ("## Headers\nContent-Type: application/octet-stream", "binary"),
        ("## Headers\nContent-Type: image/png", "binary"),
        ("## Headers\nContent-Type: application/x-unheard-of", None),
        ("## Sample Request\n```bash\ncurl -H 'Content-Type: text/plain' -d 'a'\n```", "text"),
        ("## Sample Request\n```bash\ncurl https://x \\\n  -F 'file=@a.png'\n```", "multipart"),
        ("## Sample Request\n```bash\ncurl --data-binary @a.bin https://x\n```", "binary"),
        ("## Sample Request\n```bash\ncurl --data-binary @a -H 'Content-Type: application/json'\n```", "json"),
        ("## Sample Request\n```bash\ncurl -d 'a=b' https://x\n```", None),
        ("## Sample Request\n```\nno -F here\n```", None),
        ("## Response\n### Headers\nContent-Type: text/csv\n## Error Response (application/xml body)", None),
        ("## Description\nContent-Type: text/csv", None),
        ("", None),
    ],
)
def test_the_encoding_is_what_the_request_says_not_the_answer(markdown: str, expected: str | None) -> None:
    assert documents.encoding(documents.passages(f"# A\n{markdown}\n")) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## GraphQL Operation\n\n```graphql\nquery A { b }\n```", "query A { b }"),
        ("## GraphQL Operation\n\n```\n{ b }\n```", "{ b }"),
        ('## GraphQL Operation\n\n```json\n{"query": "{ b }", "variables": {}}\n```', "{ b }"),
        ("## Sample\n\n```graphql\nno\n```\n## GraphQL Operation\n~~~graphql\nyes\n~~~", "yes"),
        ("## Request Body\n\n```gql\nmutation { c }\n```", "mutation { c }"),
        ("## Response\n\n```graphql\ntype A { b: C }\n```", ""),
        ("## Method\n\n```json\n{}\n```", ""),
    ],
)
def test_the_operation_is_the_document_that_runs(markdown: str, expected: str) -> None:
    assert documents.operation(documents.passages(f"# A\n\n{markdown}\n")) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## Response\n### Success Response (200 OK)\n```json\n{}\n```\n### Error Response\n```json\n1\n```", "{}"),
        ("## Response\n### Error Response (404)\n```\n1\n```\n### 201 Created\n```\n2\n```", "2"),
        ("## Response\n```json\n[]\n```", "[]"),
        ("## Error Response\n```json\n[]\n```", ""),
        ("## Success Response (204 No Content)\nempty", ""),
        ("## Sample Request\n```json\n{}\n```", ""),
    ],
)
def test_the_sample_answer_is_that_of_success(markdown: str, expected: str) -> None:
    assert documents.sample_answer(f"# A\n{markdown}\n") == expected


@pytest.mark.parametrize(("action", "document"), DOCUMENTS, ids=[action.id for action, _ in DOCUMENTS])
def test_documents_of_the_sandbox_say_what_their_actions_are(action: Action, document: str) -> None:
    expected = {"form": "form", "multipart": "multipart", "graphql": "json"}.get(action.encoding)
    if expected or documents.encoding(documents.passages(document)) is not None:
        assert documents.encoding(documents.passages(document)) == (expected or "json")
    assert documents.operation(documents.passages(document)) == action.operation
    assert bool(documents.sample_answer(document)) == (action.output is not None)
    for most in (500, 2_000, 8_000):
        digest = documents.digest(document, most)
        assert len(digest) <= most
        assert action.method in digest or action.platform == "bazaar"  # whose title may open a fence


def test_what_is_hostile_takes_no_longer_than_what_is_long() -> None:
    unit = (
        "# a\n",
        "## Required\nx\n",
        "```a\n",
        "~~~\n",
        "#",
        "# #",
        " ",
        "|",
        "content-type ",
        "{",
        "\u0301",
        "curl -",
    )
    for piece in unit:
        markdown = "## Headers\n" + piece * (200_000 // len(piece))
        began = time.process_time()
        documents.digest(markdown, 8_000)
        documents.section(markdown, "examples")
        documents.encoding(documents.passages(markdown))
        documents.operation(documents.passages(markdown))
        documents.sample_answer(markdown)
        assert time.process_time() - began < 60  # of processor; a fifth of a second is usual
