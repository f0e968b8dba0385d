"""The books of one company in the sandbox: invoices with revisions, as QuickBooks keeps them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, Ledger, MalformedError, ProviderError, Reply

_MOST = 1e12
"""Amounts stay below it, so that sums of them are numbers."""

_MESSAGES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("2010", "Request has invalid or unsupported property"),
        401: ("3200", "AuthenticationFailed"),
        404: ("610", "Object Not Found"),
        409: ("5010", "Stale Object Error"),
    }
)


def refuse(status: int) -> Reply:
    """QuickBooks' error body, which is called a fault."""
    code, message = _MESSAGES[status]
    fault = {"Error": [{"Message": message, "code": code}], "type": "ValidationFault"}
    return Reply(400 if status == 409 else status, {"Fault": fault, "time": "2026-01-05T09:00:00.000-08:00"})


class Books:
    """One company with two invoices; the account says which company, never the caller."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._company = {"Id": str(self._ledger.number()), "CompanyName": label, "Country": "GB"}
        self._invoices: dict[str, Json] = {}
        for customer, amount in (("7", 120.0), ("8", 42.5)):
            self._write(customer, amount)

    def company(self, call: Call) -> Reply:
        del call
        return Reply(body={"CompanyInfo": self._company})

    def list_invoices(self, call: Call) -> Reply:
        rows = list(self._invoices.values())[max(0, call.number("startposition", 1) - 1) :]
        return Reply(body={"Invoice": rows, "totalCount": len(self._invoices)})

    def get_invoice(self, call: Call) -> Reply:
        return Reply(body={"Invoice": self._find(call.path["id"])})

    def create_invoice(self, call: Call) -> Reply:
        body = call.json()
        lines, customer = body.get("Line"), body.get("CustomerRef")
        if not isinstance(lines, list) or not isinstance(customer, dict):
            raise ProviderError(refuse(400))
        amounts = [_amount(line) for line in cast("list[Any]", lines)]
        return Reply(body={"Invoice": self._write(str(cast("Json", customer).get("value")), sum(amounts))})

    def update_invoice(self, call: Call) -> Reply:
        invoice, body = self._find(call.path["id"]), call.json()
        if str(body.get("SyncToken")) != invoice["SyncToken"]:
            raise ProviderError(refuse(409))
        if "id" in body:
            invoice["CustomerRef"] = {"value": str(body["id"])}
        if "PrivateNote" in body:
            invoice["PrivateNote"] = str(body["PrivateNote"])
        return Reply(body={"Invoice": self._changed(invoice)})

    def write_note(self, call: Call) -> Reply:
        body = call.json()
        invoice = self._find(str(body["invoiceId"]))
        old = [invoice["PrivateNote"]] if "PrivateNote" in invoice else []
        added = str(body.get("separator") or " ").join([*old, str(body.get("appendix", ""))])
        invoice["PrivateNote"] = str(body["note"]) if "note" in body else added
        self._changed(invoice)
        return Reply(body={"success": True, "note": invoice["PrivateNote"]})

    def _write(self, customer: str, amount: float) -> Json:
        number = str(101 + len(self._invoices))
        self._invoices[number] = {
            "Id": number,
            "SyncToken": "0",
            "TotalAmt": amount,
            "CustomerRef": {"value": customer},
        }
        return self._invoices[number]

    def _find(self, number: str) -> Json:
        if number not in self._invoices:
            raise ProviderError(refuse(404))
        return self._invoices[number]

    def _changed(self, invoice: Json) -> Json:
        invoice["SyncToken"] = str(int(invoice["SyncToken"]) + 1)
        return invoice


def _amount(line: Any) -> float:
    amount = cast("Json", line).get("Amount") if isinstance(line, dict) else None
    if not isinstance(amount, int | float) or isinstance(amount, bool) or not abs(amount) < _MOST:
        raise MalformedError
    return float(amount)
