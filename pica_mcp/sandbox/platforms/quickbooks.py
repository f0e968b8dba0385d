"""QuickBooks in the sandbox: addresses that Pica fills, names that clash, and documents written elsewhere."""

from pica_mcp.sandbox.catalog import CUSTOM, Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.books import Books, refuse

ID = in_path("id", "The invoice's id.", "101")
VERSION = in_query("minorversion", "integer", "Which revision of the fields to return (default: `75`).", 75)
NOTES = """## Gotchas

- The company is part of the address. It is known from the connection, so nothing has to be sent for it.
- `SyncToken` grows with every change; a stale one is refused."""


def platform() -> Platform:
    """QuickBooks as one of the imitated platforms."""
    return Platform(
        Connector("quickbooks", "QuickBooks", "Finance", "Invoices and bookkeeping"),
        "https://quickbooks.api.intuit.com/v3/company/{{realmId}}",
        (*_reading(), *_writing(), _custom(), _withdrawn()),
        Books,
        refuse,
    )


def _reading() -> tuple[Action, ...]:
    invoice = {"Id": "101", "SyncToken": "0", "TotalAmt": 120.0, "CustomerRef": {"value": "7"}}
    return (
        Action(
            "quickbooks",
            "GET",
            "/companyinfo",
            "Get Company Info",
            "CompanyInfo",
            Books.company,
            "Returns the company that the connection belongs to.",
            (VERSION,),
            output={"CompanyInfo": {"Id": "9130357", "CompanyName": "Difference Works"}},
            notes=NOTES,
            crlf=True,
        ),
        Action(
            "quickbooks",
            "GET",
            "/invoices",
            "List Invoices",
            "Invoice",
            Books.list_invoices,
            "Lists the invoices, oldest first.",
            (in_query("startposition", "integer", "Where to begin (default: `1`).", 1), VERSION),
            output={"Invoice": [invoice], "totalCount": 1},
            min_chars=30_000,
            crlf=True,
        ),
        Action(
            "quickbooks",
            "GET",
            "/invoice/{{id}}",
            "Get an Invoice",
            "Invoice",
            Books.get_invoice,
            "Returns one invoice.",
            (ID, VERSION),
            shape="tables",
            output={"Invoice": invoice},
        ),
    )


def _writing() -> tuple[Action, ...]:
    return (
        Action(
            "quickbooks",
            "POST",
            "/invoice",
            "Create an Invoice",
            "Invoice",
            Books.create_invoice,
            "Writes an invoice to a customer.",
            (
                VERSION,
                in_body("CustomerRef", "object", "Who pays.", required=True),
                in_body("CustomerRef.value", "string", "The customer's id.", "7", required=True),
                in_body("Line", "array of objects", "What is billed.", required=True),
                in_body("Line[].Amount", "number", "The amount of the line.", 120.0, required=True),
                in_body("Line[].Description", "string", "What it is for, in any script: `Müller 東京`.", "Zahnräder"),
            ),
            output={"Invoice": {"Id": "102", "SyncToken": "0", "TotalAmt": 120.0}},
        ),
        Action(
            "quickbooks",
            "POST",
            "/invoice/{{id}}",
            "Update an Invoice",
            "Invoice",
            Books.update_invoice,
            "Changes an invoice. The `id` of the path is the invoice, that of the query the request, that of the body "
            "the customer.",
            (
                ID,
                in_query("id", "string", "An id of your own, so that a repeated request is made once.", "req-1"),
                in_body("id", "string", "The customer to bill instead.", "8"),
                in_body("SyncToken", "string | integer", "The revision that is changed.", "0", required=True),
                in_body("PrivateNote", "string", "A note that the customer does not see."),
            ),
            output={"Invoice": {"Id": "101", "SyncToken": "1", "TotalAmt": 120.0}},
        ),
    )


def _custom() -> Action:
    note = in_body("note", "string", "What replaces the note.", "Paid in cash", required=True, option="Replace")
    appended = in_body("appendix", "string", "What is added to the note.", required=True, option="Append")
    return Action(
        "quickbooks",
        "POST",
        "/quickbooks/note-invoice",
        "Write a Note on an Invoice",
        "Invoice",
        Books.write_note,
        "Replaces the private note of an invoice, or adds to it.",
        (
            in_body(
                "connectionKey",
                "string",
                "The connection to act through.",
                "live::quickbooks::default::your-connection-key",
                required=True,
            ),
            in_body("invoiceId", "string", "The invoice's id.", "101", required=True),
            note,
            appended,
            in_body("separator", "string", "What stands between the two (default: a space).", option="Append"),
        ),
        tags=(CUSTOM, "invoices"),
        output={"success": True, "note": "Paid in cash"},
    )


def _withdrawn() -> Action:
    return Action(
        "quickbooks",
        "GET",
        "/reports/BalanceSheet",
        "Get a Balance Sheet",
        "Report",
        Books.company,
        "Returns what is owned and owed.",
        supported=False,
    )
