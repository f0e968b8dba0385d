"""A Stripe account in the sandbox: customers, payments and refunds of one connection."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pica_mcp.sandbox.upstream import Call, Json, Ledger, MalformedError, ProviderError, Reply, slug, whole

_DETAILS = ("email", "name", "description", "phone", "address", "preferred_locales")
_MESSAGES: Mapping[int, str] = MappingProxyType(
    {
        400: "Invalid request: check that the POST content type is application/x-www-form-urlencoded.",
        401: "Invalid API Key provided.",
        404: "Unrecognized request URL.",
    }
)


def refuse(status: int) -> Reply:
    """Stripe's error body for a request that reached no object."""
    return Reply(status, {"error": {"type": "invalid_request_error", "message": _MESSAGES[status]}})


def fault(code: str, param: str, message: str, status: int = 400) -> ProviderError:
    """Stripe's error about one parameter."""
    body = {"type": "invalid_request_error", "code": code, "param": param, "message": message}
    return ProviderError(Reply(status, {"error": body}))


class Billing:
    """One billing account with two customers and two payments; every method is one Stripe endpoint."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._customers: dict[str, Json] = {}
        self._intents: dict[str, Json] = {}
        for name, amount in (("Byron Mills", 4200), ("Somerville Press", 1250)):
            email = f"{slug(name)}@{slug(label)}.example"
            customer = self._new(self._customers, "cus", "customer", _customer({"name": name, "email": email}))
            self._new(self._intents, "pi", "payment_intent", _intent(amount, "gbp", customer["id"], "succeeded"))

    # --- customers --------------------------------------------------------------------------------------------------

    def create_customer(self, call: Call) -> Reply:
        form = _form(call, *_DETAILS, "metadata")
        return _reply(self._new(self._customers, "cus", "customer", _customer(form)))

    def list_customers(self, call: Call) -> Reply:
        email = call.first("email")
        found = [one for one in self._customers.values() if not email or one["email"] == email]
        return _reply(_list(call, "/v1/customers", found))

    def get_customer(self, call: Call) -> Reply:
        return _reply(self._customer(call.path["id"]))

    def update_customer(self, call: Call) -> Reply:
        customer, form = self._customer(call.path["id"]), _form(call, *_DETAILS, "metadata")
        metadata = {**customer["metadata"], **_group(form, "metadata")}
        customer.update(form, metadata={name: value for name, value in metadata.items() if value != ""})
        return _reply(customer)

    def delete_customer(self, call: Call) -> Reply:
        customer = self._customer(call.path["id"])
        del self._customers[customer["id"]]
        return _reply({"id": customer["id"], "object": "customer", "deleted": True})

    # --- payments ---------------------------------------------------------------------------------------------------

    def create_intent(self, call: Call) -> Reply:
        known = ("customer", "description", "payment_method_types", "confirm", "shipping", "metadata")
        form = _form(call, "amount", "currency", *known)
        amount, currency = _integer(_needed(form, "amount"), "amount"), _needed(form, "currency")
        customer = self._customer(_needed(form, "customer"), 400, "customer")["id"] if "customer" in form else None
        status = "succeeded" if form.get("confirm") == "true" else "requires_payment_method"
        body = _intent(amount, currency, customer, status)
        extras = {name: form[name] for name in ("description", "payment_method_types", "shipping") if name in form}
        body = {**body, **extras, "metadata": _group(form, "metadata")}
        return _reply(self._new(self._intents, "pi", "payment_intent", body))

    def list_intents(self, call: Call) -> Reply:
        customer = call.first("customer")
        found = [one for one in self._intents.values() if not customer or one["customer"] == customer]
        return _reply(_list(call, "/v1/payment_intents", found))

    def create_refund(self, call: Call) -> Reply:
        form = _form(call, "payment_intent", "amount", "reason", "metadata")
        intent = self._intents.get(_needed(form, "payment_intent"))
        if intent is None:
            raise fault("resource_missing", "payment_intent", "No such payment_intent", 404)
        amount = _refundable(intent, form)
        intent["amount_refunded"] += amount
        body = {
            "amount": amount,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "reason": form.get("reason"),
            "status": "succeeded",
            "metadata": _group(form, "metadata"),
        }
        return _reply(self._new({}, "re", "refund", body))

    # --- what they share --------------------------------------------------------------------------------------------

    def _new(self, shelf: dict[str, Json], prefix: str, kind: str, body: Json) -> Json:
        token = f"{prefix}_{self._ledger.token(14)}"
        created = int(self._ledger.moment().timestamp())
        shelf[token] = {"id": token, "object": kind, "created": created, "livemode": False, **body}
        return shelf[token]

    def _customer(self, customer: str, status: int = 404, param: str = "id") -> Json:
        if customer not in self._customers:
            raise fault("resource_missing", param, f"No such customer: '{customer}'", status)
        return self._customers[customer]


def _reply(body: Json) -> Reply:
    return Reply(body=body, headers=(("request-id", "req_sandbox"), ("stripe-version", "2025-06-30.basil")))


def _customer(form: Json) -> Json:
    return {**dict.fromkeys(_DETAILS), **form, "metadata": _group(form, "metadata")}


def _intent(amount: int, currency: str, customer: str | None, status: str) -> Json:
    return {
        "amount": amount,
        "amount_refunded": 0,
        "currency": currency,
        "customer": customer,
        "description": None,
        "payment_method_types": ["card"],
        "shipping": None,
        "status": status,
        "metadata": {},
    }


def _refundable(intent: Json, form: Json) -> int:
    left = intent["amount"] - intent["amount_refunded"]
    amount = _integer(form["amount"], "amount") if "amount" in form else left
    if intent["status"] != "succeeded":
        raise fault("payment_intent_unexpected_state", "payment_intent", "This payment was never taken.")
    if not 0 < amount <= left:
        raise fault("charge_already_refunded", "amount", f"At most {left} can be refunded.")
    return amount


def _form(call: Call, *known: str) -> Json:
    form = call.form()
    for name in form:
        if name not in known:
            raise fault("parameter_unknown", name, f"Received unknown parameter: {name}")
    return form


def _needed(form: Json, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise fault("parameter_missing", name, f"Missing required param: {name}.")
    return value


def _integer(value: Any, name: str) -> int:
    try:
        return whole(value)
    except MalformedError as error:
        raise fault("parameter_invalid_integer", name, f"Invalid integer: {value}") from error


def _group(form: Json, name: str) -> Json:
    value: Any = form.get(name) or {}
    if not isinstance(value, dict):
        raise fault("parameter_invalid_hash", name, f"Invalid object: {name}")
    return {**value}


def _list(call: Call, url: str, found: list[Json]) -> Json:
    limit = _integer(call.first("limit") or 10, "limit")
    if not 1 <= limit <= 100:
        raise fault("parameter_invalid_integer", "limit", "This value must be between 1 and 100.")
    newest = found[::-1]
    seen = call.first("starting_after")
    start = next((index + 1 for index, one in enumerate(newest) if one["id"] == seen), 0)
    page = newest[start : start + limit]
    return {"object": "list", "data": page, "has_more": start + limit < len(newest), "url": url}
