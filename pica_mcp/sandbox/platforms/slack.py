"""Slack in the sandbox: the actions of a workspace and its conversations."""

from pica_mcp.sandbox.catalog import CUSTOM, HIDDEN, Action, Connector, Platform, in_body, in_query
from pica_mcp.sandbox.platforms.workspace import Workspace, refuse

CHANNEL = in_body("channel", "string", "The channel's id, or its name.", "C0GENERAL", required=True)
STAMP = in_body("ts", "string", "The message's timestamp.", "1767603600.000001", required=True)
TEXT = in_body("text", "string", "The text of the message.", "The engine is running.", required=True)


def platform() -> Platform:
    """Slack as one of the imitated platforms."""
    return Platform(
        Connector("slack", "Slack", "Communication", "Messaging for teams"),
        "https://slack.com/api",
        (*_reading(), *_writing()),
        Workspace,
        refuse,
    )


def _reading() -> tuple[Action, ...]:
    return (
        Action(
            "slack",
            "GET",
            "/conversations.list",
            "List Conversations",
            "Conversation",
            Workspace.list_conversations,
            "Lists the channels of the workspace.",
            (
                in_query("limit", "integer", "How many channels to return.", 100),
                in_query("cursor", "string", "The `next_cursor` of the answer before."),
                in_query("exclude_archived", "boolean", "Leave archived channels out.", sample=True),
            ),
            output={"ok": True, "channels": [{"id": "C0GENERAL", "name": "general"}]},
        ),
        Action(
            "slack",
            "GET",
            "/conversations.history",
            "Fetch Conversation History",
            "Message",
            Workspace.history,
            "Returns the messages of a channel, newest first.",
            (
                in_query("channel", "string", "The channel's id.", "C0GENERAL", required=True),
                in_query("limit", "integer", "How many messages to return.", 20),
            ),
            output={"ok": True, "messages": [{"type": "message", "user": "U0ADA", "text": "Hi", "ts": "1.0"}]},
        ),
        Action(
            "slack",
            "GET",
            "/users.list",
            "List Users",
            "User",
            Workspace.list_users,
            "Lists the people of the workspace.",
            (in_query("limit", "integer", "How many people to return."),),
            shape="tables",
            output={"ok": True, "members": [{"id": "U0ADA", "name": "ada"}]},
        ),
        Action(
            "slack",
            "GET",
            "/users.lookupByEmail",
            "Find a User by Email",
            "User",
            Workspace.lookup,
            "Finds the person with an email address.",
            (in_query("email", "string", "The address.", "ada@acme.example", required=True),),
            tags=(HIDDEN, "directory"),
            output={"ok": True, "user": {"id": "U0ADA", "name": "ada"}},
        ),
    )


def _writing() -> tuple[Action, ...]:
    posted = {"ok": True, "channel": "C0GENERAL", "ts": "1767603600.000001"}
    return (
        Action(
            "slack",
            "POST",
            "/chat.postMessage",
            "Post a Message",
            "Chat",
            Workspace.post_message,
            "Posts a message to a channel, or into a thread of it.",
            (CHANNEL, TEXT, in_body("thread_ts", "string", "The message to answer below.")),
            tags=("messaging",),
            output=posted,
        ),
        Action(
            "slack",
            "POST",
            "/chat.update",
            "Update a Message",
            "Chat",
            Workspace.update_message,
            "Replaces the text of a message.",
            (CHANNEL, STAMP, TEXT),
            tags=("messaging",),
            output=posted,
        ),
        Action(
            "slack",
            "POST",
            "/chat.delete",
            "Delete a Message",
            "Chat",
            Workspace.delete_message,
            "Deletes a message for everybody.",
            (CHANNEL, STAMP),
            tags=("messaging",),
            output=posted,
        ),
        Action(
            "slack",
            "POST",
            "/reactions.add",
            "Add a Reaction",
            "Reaction",
            Workspace.add_reaction,
            "Adds an emoji to a message.",
            (
                CHANNEL,
                in_body("timestamp", "string", "The message's timestamp.", "1767603600.000001", required=True),
                in_body("name", "string", "The emoji's name without colons.", "tada", required=True),
            ),
            shape="tables",
            output={"ok": True},
        ),
        Action(
            "slack",
            "POST",
            "/slack/send-message",
            "Send Slack Message",
            "Message",
            Workspace.send_message,
            "Finds a channel by its name and posts a message to it.",
            (
                in_body(
                    "connectionKey",
                    "string",
                    "The connection to act through.",
                    "live::slack::default::your-connection-key",
                    required=True,
                ),
                in_body("channel", "string", "The channel's name or id.", "#general", required=True),
                in_body("message", "string", "The text of the message.", "The engine is running.", required=True),
            ),
            tags=(CUSTOM, "messaging"),
            output={"success": True, "channel": "C0GENERAL", "ts": "1767603600.000001"},
        ),
    )
