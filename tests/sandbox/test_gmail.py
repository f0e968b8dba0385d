from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pica

ME = {"userId": "me"}
MESSAGES = "/users/{{userId}}/messages"
MESSAGE = MESSAGES + "/{{id}}"


def raw(text: str) -> str:
    return urlsafe_b64encode(text.replace("\n", "\r\n").encode()).decode().rstrip("=")


async def found(pica: "Pica", key: str, **params: Any) -> list[str]:
    answer = await pica.send(key, "GET", MESSAGES, ME, params=params)
    assert answer.status_code == 200, answer.text
    return [message["id"] for message in answer.json().get("messages", [])]


@pytest.fixture
async def work(pica: "Pica") -> str:
    return await pica.key("gmail", "Work")


async def test_a_sent_message_can_be_found_and_read(pica: "Pica", work: str) -> None:
    body = {"raw": raw("To: grace@mail.example\nSubject: Gears\n\nThey arrived: ünique.")}
    sent = (await pica.send(work, "POST", MESSAGES + "/send", ME, json=body)).json()
    assert sent["labelIds"] == ["SENT"]
    assert (await found(pica, work))[0] == sent["id"]
    message = (await pica.send(work, "GET", MESSAGE, {**ME, "id": sent["id"]})).json()
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    assert headers == {"To": "grace@mail.example", "Subject": "Gears", "From": "work@mail.example"}
    assert urlsafe_b64decode(message["payload"]["body"]["data"]).decode() == "They arrived: ünique."


async def test_two_mailboxes_know_nothing_of_each_other(pica: "Pica", work: str) -> None:
    personal = await pica.key("gmail", "Personal")
    before = await found(pica, personal)
    body = {"connectionKey": work, "to": "a@b.example", "subject": "Only here", "body": "Text"}
    sent = (await pica.send(work, "POST", "/gmail/send-email", json=body)).json()
    assert await found(pica, personal) == before
    assert (await pica.send(personal, "GET", MESSAGE, {**ME, "id": sent["id"]})).status_code == 404
    assert not set(before) & set(await found(pica, work))


async def test_messages_come_in_pages(pica: "Pica", work: str) -> None:
    first = (await pica.send(work, "GET", MESSAGES, ME, params={"maxResults": "2"})).json()
    assert (len(first["messages"]), first["resultSizeEstimate"]) == (2, 3)
    params = {"maxResults": "2", "pageToken": first["nextPageToken"]}
    second = (await pica.send(work, "GET", MESSAGES, ME, params=params)).json()
    assert len(second["messages"]) == 1
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("from:grace", 1),
        ("subject:engine", 1),
        ('subject:"engine parts"', 1),
        ("to:work", 3),
        ("is:unread", 3),
        ("in:inbox", 3),
        ("is:starred", 0),
        ("gears", 1),
        ("gears from:grace", 0),
    ],
)
async def test_search_terms_narrow_the_list(pica: "Pica", work: str, query: str, count: int) -> None:
    assert len(await found(pica, work, q=query)) == count


async def test_labels_change_and_repeated_labels_all_have_to_match(pica: "Pica", work: str) -> None:
    newest, *_ = await found(pica, work)
    change = {"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
    answer = await pica.send(work, "POST", MESSAGE + "/modify", {**ME, "id": newest}, json=change)
    assert answer.json()["labelIds"] == ["INBOX", "STARRED"]
    assert await found(pica, work, labelIds=["INBOX", "STARRED"]) == [newest]
    assert await found(pica, work, labelIds=["UNREAD", "STARRED"]) == []


async def test_trash_hides_and_delete_ends_a_message(pica: "Pica", work: str) -> None:
    newest, *_ = await found(pica, work)
    where = {**ME, "id": newest}
    trashed = (await pica.send(work, "POST", MESSAGE + "/trash", where)).json()
    assert "TRASH" in trashed["labelIds"]
    assert newest not in await found(pica, work)
    assert await found(pica, work, q="in:trash") == [newest]
    deleted = await pica.send(work, "DELETE", MESSAGE, where)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await pica.send(work, "GET", MESSAGE, where)).status_code == 404


async def test_a_draft_is_kept_unsent(pica: "Pica", work: str) -> None:
    body = {"message": {"raw": raw("Subject: Later\n\nTo be written")}}
    draft = (await pica.send(work, "POST", "/users/{{userId}}/drafts", ME, json=body)).json()
    assert draft["message"]["labelIds"] == ["DRAFT"]
    assert draft["message"]["id"] in await found(pica, work, labelIds="DRAFT")


async def test_less_can_be_asked_for(pica: "Pica", work: str) -> None:
    newest, *_ = await found(pica, work)
    answer = await pica.send(work, "GET", MESSAGE, {**ME, "id": newest}, params={"format": "minimal"})
    assert "payload" not in answer.json()


async def test_labels_and_profile_are_the_mailbox_s_own(pica: "Pica", work: str) -> None:
    labels = (await pica.send(work, "GET", "/users/{{userId}}/labels", ME)).json()["labels"]
    assert "INBOX" in [label["id"] for label in labels]
    profile = (await pica.send(work, "GET", "/users/{{userId}}/profile", {"userId": "work@mail.example"})).json()
    assert (profile["emailAddress"], profile["messagesTotal"]) == ("work@mail.example", 3)


async def test_custom_actions_write_and_read_whole_emails(pica: "Pica", work: str) -> None:
    body = {"connectionKey": work, "to": "a@b.example", "subject": "Hello", "body": "One\nTwo", "cc": "c@d.example"}
    sent = (await pica.send(work, "POST", "/gmail/send-email", json=body)).json()
    assert sent["success"] is True
    query = {"connectionKey": work, "query": "subject:hello", "numberOfEmails": 1}
    emails = (await pica.send(work, "POST", "/gmail/get-emails", json=query)).json()["emails"]
    assert emails == [
        {
            "id": sent["id"],
            "from": "work@mail.example",
            "to": "a@b.example",
            "subject": "Hello",
            "body": "One\nTwo",
            "labelIds": ["SENT"],
        }
    ]


@pytest.mark.parametrize(
    ("method", "path", "values", "body", "status", "message"),
    [
        ("GET", MESSAGE, {**ME, "id": "none"}, None, 404, "Requested entity was not found."),
        ("GET", MESSAGES, {"userId": "someone@else.example"}, None, 403, "Delegation denied for this mailbox."),
        ("POST", MESSAGES + "/send", ME, {}, 400, "'raw' RFC822 payload message string is required"),
        ("POST", MESSAGES + "/send", ME, {"raw": "a"}, 400, "Invalid value for ByteString: raw"),
        ("POST", MESSAGES + "/send", ME, {"raw": raw("Subject: X\n\nY")}, 400, "Recipient address required"),
        ("POST", "/users/{{userId}}/drafts", ME, {}, 400, "Missing draft message"),
    ],
)
async def test_google_refuses_in_its_own_shape(
    pica: "Pica",
    work: str,
    method: str,
    path: str,
    values: dict[str, str],
    body: dict[str, Any] | None,
    status: int,
    message: str,
) -> None:
    answer = await pica.send(work, method, path, values, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status
    assert answer.json()["error"]["message"] == message
    assert answer.json()["error"]["status"] in {"NOT_FOUND", "PERMISSION_DENIED", "INVALID_ARGUMENT"}


@pytest.mark.parametrize("labels", ["STARRED", ["NOPE"], [1], {"a": 1}])
async def test_labels_that_are_not_labels_are_refused(pica: "Pica", work: str, labels: Any) -> None:
    newest, *_ = await found(pica, work)
    where = {**ME, "id": newest}
    answer = await pica.send(work, "POST", MESSAGE + "/modify", where, json={"addLabelIds": labels})
    assert answer.status_code == 400


@pytest.mark.parametrize("fields", [{"to": ["a@b.example"]}, {"subject": "two\nlines"}, {"body": 5}, {"cc": {"a": 1}}])
async def test_a_letter_that_cannot_be_written_is_a_bad_request(
    pica: "Pica", work: str, fields: dict[str, Any]
) -> None:
    body = {"connectionKey": work, "to": "a@b.example", "subject": "S", "body": "B", **fields}
    assert (await pica.send(work, "POST", "/gmail/send-email", json=body)).status_code == 400


async def test_a_character_set_nobody_knows_is_refused(pica: "Pica", work: str) -> None:
    letter = "To: a@b.example\nContent-Type: text/plain; charset=klingon\n\nabc"
    answer = await pica.send(work, "POST", MESSAGES + "/send", ME, json={"raw": raw(letter)})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "letter",
    [
        'To: a@b.example\nContent-Type: multipart/alternative; boundary="x"\n\n--x\n\nplain\n--x--\n',
        "To: a@b.example\nContent-Type: image/png\n\nabc",
    ],
)
async def test_any_kind_of_message_can_be_sent(pica: "Pica", work: str, letter: str) -> None:
    answer = await pica.send(work, "POST", MESSAGES + "/send", ME, json={"raw": raw(letter)})
    assert answer.status_code == 200
