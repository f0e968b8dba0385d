"""Gmail in the sandbox: the actions of a mailbox and Google's way of refusing."""

from pica_mcp.sandbox.catalog import CUSTOM, Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.mailbox import Mailbox, refuse

USER = in_path("userId", "The mailbox's address, or `me` for the connected account.", "me")
MESSAGE = in_path("id", "The message's id.", "19b8f0c2a4d6e801")
CONNECTION_KEY = in_body(
    "connectionKey",
    "string",
    "The connection to act through.",
    "live::gmail::default::your-connection-key",
    required=True,
)


def platform() -> Platform:
    """Gmail as one of the imitated platforms."""
    return Platform(
        Connector("gmail", "Gmail", "Communication", "Email by Google"),
        "https://gmail.googleapis.com/gmail/v1",
        (*_reading(), *_writing(), *_custom()),
        Mailbox,
        refuse,
    )


def _reading() -> tuple[Action, ...]:
    return (
        Action(
            "gmail",
            "GET",
            "/users/{{userId}}/messages",
            "List Messages",
            "Message",
            Mailbox.list_messages,
            "Lists the ids of the messages in a mailbox, newest first.",
            (
                USER,
                in_query("q", "string", "Search terms as in Gmail's search box.", "is:unread"),
                in_query("maxResults", "integer", "How many ids to return, at most 500.", 10),
                in_query("labelIds", "string[]", "Only messages with all of these labels; may be repeated.", ["INBOX"]),
                in_query("pageToken", "string", "The `nextPageToken` of the answer before."),
            ),
            output={"messages": [{"id": "19b8f0c2a4d6e801", "threadId": "19b8f0c2a4d6e801"}], "resultSizeEstimate": 1},
        ),
        Action(
            "gmail",
            "GET",
            "/users/{{userId}}/messages/{{id}}",
            "Get Message",
            "Message",
            Mailbox.get_message,
            "Returns one message with its headers and its text.",
            (
                USER,
                MESSAGE,
                in_query("format", "string", "How much to return.", "full", values=("full", "metadata", "minimal")),
            ),
            output={"id": "19b8f0c2a4d6e801", "threadId": "19b8f0c2a4d6e801", "labelIds": ["INBOX"], "snippet": "Hi"},
        ),
        Action(
            "gmail",
            "GET",
            "/users/{{userId}}/labels",
            "List Labels",
            "Label",
            Mailbox.list_labels,
            "Lists the labels of a mailbox.",
            (USER,),
            output={"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}]},
        ),
        Action(
            "gmail",
            "GET",
            "/users/{{userId}}/profile",
            "Get Profile",
            "Profile",
            Mailbox.get_profile,
            "Returns the mailbox's address and how much it holds.",
            (USER,),
            shape="schema",
            output={"emailAddress": "someone@mail.example", "messagesTotal": 3},
        ),
    )


def _writing() -> tuple[Action, ...]:
    return (
        Action(
            "gmail",
            "POST",
            "/users/{{userId}}/messages/send",
            "Send Message",
            "Message",
            Mailbox.send_message,
            "Sends a message that is already written in internet message format.",
            (
                USER,
                in_body(
                    "raw",
                    "string",
                    "The whole message, headers included, in URL-safe base64.",
                    "VG86IGdyYWNlQG1haWwuZXhhbXBsZQ0KU3ViamVjdDogSGkNCg0KSGVsbG8",
                    required=True,
                ),
                in_body("threadId", "string", "The thread to answer in."),
            ),
            output={"id": "19b8f0c2a4d6e801", "threadId": "19b8f0c2a4d6e801", "labelIds": ["SENT"]},
        ),
        Action(
            "gmail",
            "POST",
            "/users/{{userId}}/drafts",
            "Create Draft",
            "Draft",
            Mailbox.create_draft,
            "Keeps a message as a draft without sending it.",
            (
                USER,
                in_body("message", "object", "The message to keep.", required=True),
                in_body(
                    "message.raw",
                    "string",
                    "The whole message in URL-safe base64.",
                    "U3ViamVjdDogTGF0ZXINCg0KVG8gYmUgd3JpdHRlbg",
                    required=True,
                ),
            ),
            output={"id": "r19b8f0c2a4d6e801", "message": {"id": "19b8f0c2a4d6e801", "labelIds": ["DRAFT"]}},
        ),
        Action(
            "gmail",
            "POST",
            "/users/{{userId}}/messages/{{id}}/modify",
            "Modify Message Labels",
            "Message",
            Mailbox.modify_message,
            "Adds labels to a message and takes others off.",
            (
                USER,
                MESSAGE,
                in_body("addLabelIds", "string[]", "Labels to add.", ["STARRED"]),
                in_body("removeLabelIds", "string[]", "Labels to remove.", ["UNREAD"]),
            ),
            output={"id": "19b8f0c2a4d6e801", "threadId": "19b8f0c2a4d6e801", "labelIds": ["INBOX", "STARRED"]},
        ),
        Action(
            "gmail",
            "POST",
            "/users/{{userId}}/messages/{{id}}/trash",
            "Trash Message",
            "Message",
            Mailbox.trash_message,
            "Moves a message to the trash, from where it can come back.",
            (USER, MESSAGE),
            output={"id": "19b8f0c2a4d6e801", "threadId": "19b8f0c2a4d6e801", "labelIds": ["TRASH"]},
        ),
        Action(
            "gmail",
            "DELETE",
            "/users/{{userId}}/messages/{{id}}",
            "Delete Message",
            "Message",
            Mailbox.delete_message,
            "Deletes a message for good, past the trash.",
            (USER, MESSAGE),
        ),
    )


def _custom() -> tuple[Action, ...]:
    return (
        Action(
            "gmail",
            "POST",
            "/gmail/send-email",
            "Send Email",
            "Email",
            Mailbox.send_email,
            "Writes a message from plain fields and sends it.",
            (
                CONNECTION_KEY,
                in_body("to", "string", "The recipient's address.", "grace@mail.example", required=True),
                in_body("subject", "string", "The subject line.", "Hello", required=True),
                in_body("body", "string", "The text of the message.", "How are you?", required=True),
                in_body("cc", "string", "Who else gets a copy."),
            ),
            tags=(CUSTOM, "email"),
            output={"success": True, "id": "19b8f0c2a4d6e801"},
        ),
        Action(
            "gmail",
            "POST",
            "/gmail/get-emails",
            "Get Emails",
            "Email",
            Mailbox.get_emails,
            "Returns messages with sender, subject and text in one call.",
            (
                CONNECTION_KEY,
                in_body("query", "string", "Search terms as in Gmail's search box.", "from:grace"),
                in_body("numberOfEmails", "integer", "How many to return (default: `10`).", 5),
            ),
            tags=(CUSTOM, "email"),
            output={"emails": [{"id": "19b8f0c2a4d6e801", "from": "grace@mail.example", "subject": "Hi", "body": "…"}]},
        ),
    )
