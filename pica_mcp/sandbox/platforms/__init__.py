"""The providers behind the sandbox: four that are imitated, and some that are only listed."""

from pica_mcp.sandbox.catalog import Connector, Platform
from pica_mcp.sandbox.platforms import github, gmail, slack, stripe


def imitated() -> tuple[Platform, ...]:
    """The platforms that have actions."""
    return gmail.platform(), slack.platform(), stripe.platform(), github.platform()


def listed_only() -> tuple[Connector, ...]:
    """Platforms that can be connected but do nothing, so that a listing has more than one page."""
    return (
        Connector("airtable", "Airtable", "Databases", "Tables and records for teams"),
        Connector("discord", "Discord", "Communication", "Chat for communities", status="beta"),
        Connector("elevenlabs", "ElevenLabs", "AI", "Speech from text", oauth=False),
        Connector("google-calendar", "Google Calendar", "Calendars", "Events and invitations"),
        Connector("google-drive", "Google Drive", "Storage", "Files and folders"),
        Connector("hub-spot", "HubSpot", "CRM", "Contacts, companies and deals"),
        Connector("linear", "Linear", "Project Management", "Issues and cycles", status="beta"),
        Connector("notion", "Notion", "Documents", "Pages and databases"),
        Connector("sql-server", "SQL Server", "Databases", "Relational storage", authkit=False, status="alpha"),
    )
