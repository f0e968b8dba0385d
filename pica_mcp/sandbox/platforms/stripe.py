"""Stripe in the sandbox: the actions of a billing account, nearly all described by tables only."""

from pica_mcp.sandbox.catalog import Action, Connector, Field, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.billing import Billing, refuse

CUSTOMER = in_path("id", "The customer's id.", "cus_5f1c3e9a7b2d48")
LIMIT = in_query("limit", "integer", "How many objects to return, 1 to 100 (default: `10`).", 3)
AFTER = in_query("starting_after", "string", "The id of the last object already seen.")
METADATA = in_body("metadata", "object", "Keys and values of your own.")


def platform() -> Platform:
    """Stripe as one of the imitated platforms."""
    return Platform(
        Connector("stripe", "Stripe", "Payments", "Payments and billing", authkit=False, oauth=False),
        "https://api.stripe.com",
        (*_customers(), *_payments()),
        Billing,
        refuse,
    )


def _details() -> tuple[Field, ...]:
    return (
        in_body("email", "string", "Where receipts go. Max length 512.", "ada@acme.example"),
        in_body("name", "string", "The customer's full name.", "Ada Lovelace"),
        in_body("description", "string", "A note for your own use."),
        in_body("phone", "string", "A telephone number."),
        in_body("address", 'object | ""', "The postal address."),
        in_body("address.line1", "string", "Street and number."),
        in_body("address.city", "string", "City, district or village."),
        in_body("address.postal_code", "string", "Postal code."),
        in_body("address.country", "string", "Two-letter country code."),
        in_body("preferred_locales", "array of strings", "Languages, the preferred one first."),
        METADATA,
    )


def _customers() -> tuple[Action, ...]:
    customer = {"id": "cus_5f1c3e9a7b2d48", "object": "customer", "email": "ada@acme.example", "name": "Ada Lovelace"}
    return (
        Action(
            "stripe",
            "POST",
            "/v1/customers",
            "Create a Customer",
            "Customer",
            Billing.create_customer,
            "Creates a customer to whom payments can be attached.",
            _details(),
            shape="tables",
            encoding="form",
            output=customer,
        ),
        Action(
            "stripe",
            "GET",
            "/v1/customers",
            "List Customers",
            "Customer",
            Billing.list_customers,
            "Lists customers, newest first.",
            (in_query("email", "string", "Only customers with exactly this address."), LIMIT, AFTER),
            shape="tables",
            output={"object": "list", "data": [customer], "has_more": False, "url": "/v1/customers"},
        ),
        Action(
            "stripe",
            "GET",
            "/v1/customers/{{id}}",
            "Retrieve a Customer",
            "Customer",
            Billing.get_customer,
            "Returns one customer.",
            (CUSTOMER,),
            shape="tables",
            output=customer,
        ),
        Action(
            "stripe",
            "POST",
            "/v1/customers/{{id}}",
            "Update a Customer",
            "Customer",
            Billing.update_customer,
            "Changes the fields that are sent and leaves the others.",
            (CUSTOMER, *_details()),
            shape="tables",
            encoding="form",
            output=customer,
        ),
        Action(
            "stripe",
            "DELETE",
            "/v1/customers/{{id}}",
            "Delete a Customer",
            "Customer",
            Billing.delete_customer,
            "Deletes a customer for good and ends what was billed to them.",
            (CUSTOMER,),
            shape="tables",
            output={"id": "cus_5f1c3e9a7b2d48", "object": "customer", "deleted": True},
        ),
    )


def _payments() -> tuple[Action, ...]:
    intent = {"id": "pi_5f1c3e9a7b2d48", "object": "payment_intent", "amount": 1999, "currency": "gbp"}
    return (
        Action(
            "stripe",
            "POST",
            "/v1/payment_intents",
            "Create a Payment Intent",
            "PaymentIntent",
            Billing.create_intent,
            "Prepares a payment, and takes it at once if it is confirmed.",
            (
                in_body("amount", "integer", "The amount in the currency's smallest unit.", 1999, required=True),
                in_body("currency", "string", "Three-letter currency code.", "gbp", required=True),
                in_body("customer", "string", "The customer who pays."),
                in_body("description", "string", "A note for your own use."),
                in_body("payment_method_types", "string[]", "Which methods may be used.", ["card"]),
                in_body("confirm", "boolean", "Take the payment now (default: `false`)."),
                in_body("shipping", "object", "Where the goods go."),
                in_body("shipping.name", "string", "Who receives them.", required=True),
                in_body("shipping.address.city", "string", "City of the recipient."),
                METADATA,
            ),
            encoding="form",
            output=intent,
        ),
        Action(
            "stripe",
            "GET",
            "/v1/payment_intents",
            "List Payment Intents",
            "PaymentIntent",
            Billing.list_intents,
            "Lists payments, newest first.",
            (in_query("customer", "string", "Only payments of this customer."), LIMIT, AFTER),
            shape="tables",
            output={"object": "list", "data": [intent], "has_more": False, "url": "/v1/payment_intents"},
        ),
        Action(
            "stripe",
            "POST",
            "/v1/refunds",
            "Create a Refund",
            "Refund",
            Billing.create_refund,
            "Pays a payment back, in whole or in part.",
            (
                in_body("payment_intent", "string", "The payment to pay back.", "pi_5f1c3e9a7b2d48", required=True),
                in_body("amount", "integer", "How much (default: all that is left)."),
                in_body(
                    "reason",
                    "string",
                    "Why.",
                    values=("duplicate", "fraudulent", "requested_by_customer"),
                ),
                METADATA,
            ),
            shape="tables",
            encoding="form",
            output={"id": "re_5f1c3e9a7b2d48", "object": "refund", "amount": 1999, "status": "succeeded"},
        ),
    )
