from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

CUSTOMERS, CUSTOMER = "/v1/customers", "/v1/customers/{{id}}"
INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"


@pytest.fixture
async def billing(pica: "Pica") -> str:
    return await pica.key("stripe", "Engines billing")


async def create(pica: "Pica", key: str, path: str = CUSTOMERS, **form: str) -> dict[str, Any]:
    answer = await pica.send(key, "POST", path, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx2.Response) -> tuple[int, str, str, str]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["type"], error["code"], error["param"]


async def test_brackets_become_the_stored_object(pica: "Pica", billing: str) -> None:
    form = {
        "email": "ada@acme.example",
        "name": "Ada & Co",
        "address[city]": "London",
        "address[postal_code]": "SW1",
        "metadata[order id]": "42",
        "preferred_locales[0]": "en",
        "preferred_locales[1]": "fr",
    }
    made = await create(pica, billing, **form)
    assert made["address"] == {"city": "London", "postal_code": "SW1"}
    assert made["metadata"] == {"order id": "42"}
    assert made["preferred_locales"] == ["en", "fr"]
    assert (made["email"], made["name"], made["phone"]) == ("ada@acme.example", "Ada & Co", None)
    assert (await pica.send(billing, "GET", CUSTOMER, {"id": made["id"]})).json() == made


async def test_accounts_know_nothing_of_each_other(pica: "Pica", billing: str) -> None:
    made = await create(pica, billing)
    other = await pica.key("stripe", "Acme billing")
    answer = await pica.send(other, "GET", CUSTOMER, {"id": made["id"]})
    assert refusal(answer) == (404, "invalid_request_error", "resource_missing", "id")


async def test_customers_are_listed_newest_first_in_pages(pica: "Pica", billing: str) -> None:
    made = await create(pica, billing, email="new@acme.example")
    first = (await pica.send(billing, "GET", CUSTOMERS, params={"limit": "2"})).json()
    assert (first["object"], first["url"], first["has_more"]) == ("list", CUSTOMERS, True)
    assert first["data"][0] == made
    params = {"limit": "2", "starting_after": first["data"][-1]["id"]}
    second = (await pica.send(billing, "GET", CUSTOMERS, params=params)).json()
    assert (len(second["data"]), second["has_more"]) == (1, False)
    found = await pica.send(billing, "GET", CUSTOMERS, params={"email": "new@acme.example"})
    assert found.json()["data"] == [made]


async def test_an_update_keeps_what_it_does_not_name(pica: "Pica", billing: str) -> None:
    made = await create(pica, billing, name="Ada", **{"metadata[a]": "1", "metadata[b]": "2"})
    form = {"email": "a@b.example", "metadata[a]": "", "metadata[c]": "3"}
    changed = (await pica.send(billing, "POST", CUSTOMER, {"id": made["id"]}, data=form)).json()
    assert (changed["name"], changed["email"]) == ("Ada", "a@b.example")
    assert changed["metadata"] == {"b": "2", "c": "3"}


async def test_a_deleted_customer_is_gone(pica: "Pica", billing: str) -> None:
    made = await create(pica, billing)
    deleted = await pica.send(billing, "DELETE", CUSTOMER, {"id": made["id"]})
    assert deleted.json() == {"id": made["id"], "object": "customer", "deleted": True}
    assert (await pica.send(billing, "GET", CUSTOMER, {"id": made["id"]})).status_code == 404


async def test_a_payment_is_prepared_with_its_details(pica: "Pica", billing: str) -> None:
    customer = await create(pica, billing)
    form = {
        "amount": "1999",
        "currency": "gbp",
        "customer": customer["id"],
        "payment_method_types[]": "card",
        "shipping[name]": "Ada",
        "shipping[address][city]": "London",
    }
    intent = await create(pica, billing, INTENTS, **form)
    assert (intent["amount"], intent["status"]) == (1999, "requires_payment_method")
    assert intent["payment_method_types"] == ["card"]
    assert intent["shipping"] == {"name": "Ada", "address": {"city": "London"}}
    found = await pica.send(billing, "GET", INTENTS, params={"customer": customer["id"]})
    assert found.json()["data"] == [intent]


async def test_a_taken_payment_can_be_refunded_up_to_its_amount(pica: "Pica", billing: str) -> None:
    intent = await create(pica, billing, INTENTS, amount="100", currency="gbp", confirm="true")
    assert intent["status"] == "succeeded"
    part = await create(pica, billing, REFUNDS, payment_intent=intent["id"], amount="30", reason="duplicate")
    rest = await create(pica, billing, REFUNDS, payment_intent=intent["id"])
    assert (part["amount"], part["reason"], rest["amount"]) == (30, "duplicate", 70)
    again = await pica.send(billing, "POST", REFUNDS, data={"payment_intent": intent["id"], "amount": "1"})
    assert refusal(again) == (400, "invalid_request_error", "charge_already_refunded", "amount")


async def test_a_payment_never_taken_cannot_be_refunded(pica: "Pica", billing: str) -> None:
    intent = await create(pica, billing, INTENTS, amount="100", currency="gbp")
    answer = await pica.send(billing, "POST", REFUNDS, data={"payment_intent": intent["id"]})
    assert refusal(answer)[2:] == ("payment_intent_unexpected_state", "payment_intent")


@pytest.mark.parametrize(
    ("path", "form", "status", "code", "param"),
    [
        (CUSTOMERS, {"colour": "blue"}, 400, "parameter_unknown", "colour"),
        (CUSTOMERS, {"metadata": "x"}, 400, "parameter_invalid_hash", "metadata"),
        (INTENTS, {"currency": "gbp"}, 400, "parameter_missing", "amount"),
        (INTENTS, {"amount": "1"}, 400, "parameter_missing", "currency"),
        (INTENTS, {"amount": "much", "currency": "gbp"}, 400, "parameter_invalid_integer", "amount"),
        (INTENTS, {"amount": "1", "currency": "gbp", "customer": "cus_0"}, 400, "resource_missing", "customer"),
        (INTENTS, {"amount": "1", "currency": "gbp", "customer[a]": "b"}, 400, "parameter_missing", "customer"),
        (REFUNDS, {}, 400, "parameter_missing", "payment_intent"),
        (REFUNDS, {"payment_intent": "pi_0"}, 404, "resource_missing", "payment_intent"),
    ],
)
async def test_stripe_refuses_in_its_own_shape(
    pica: "Pica", billing: str, path: str, form: dict[str, str], status: int, code: str, param: str
) -> None:
    answer = await pica.send(billing, "POST", path, data=form)
    assert refusal(answer) == (status, "invalid_request_error", code, param)


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_limit_out_of_range_is_refused(pica: "Pica", billing: str, limit: str) -> None:
    answer = await pica.send(billing, "GET", CUSTOMERS, params={"limit": limit})
    assert refusal(answer)[2:] == ("parameter_invalid_integer", "limit")


async def test_json_is_refused(pica: "Pica", billing: str) -> None:
    answer = await pica.send(billing, "POST", CUSTOMERS, json={"name": "Ada"})
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


async def test_brackets_that_contradict_themselves_are_refused(pica: "Pica", billing: str) -> None:
    answer = await pica.send(billing, "POST", CUSTOMERS, data={"address": "x", "address[city]": "y"})
    assert answer.status_code == 400
