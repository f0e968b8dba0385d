"""The providers behind the sandbox: those that are imitated, and some that are only listed."""

from pica_mcp.sandbox.catalog import Connector, Platform
from pica_mcp.sandbox.platforms import (
    attio,
    bazaar,
    drive,
    exa,
    github,
    gmail,
    google_calendar,
    hubspot,
    linear,
    notion,
    open_ai,
    quickbooks,
    sheets,
    slack,
    stripe,
    supabase,
)


def imitated() -> tuple[Platform, ...]:
    """The platforms that have actions."""
    return (
        gmail.platform(),
        slack.platform(),
        stripe.platform(),
        github.platform(),
        attio.platform(),
        google_calendar.platform(),
        drive.platform(),
        sheets.platform(),
        notion.platform(),
        hubspot.platform(),
        linear.platform(),
        supabase.platform(),
        exa.platform(),
        open_ai.platform(),
        quickbooks.platform(),
        bazaar.platform(),
    )


def listed_only() -> tuple[Connector, ...]:
    """Platforms that can be connected but do nothing, so that a listing has more than one page."""
    return (
        Connector("airtable", "Airtable", "Databases", "Tables and records for teams"),
        Connector("discord", "Discord", "Communication", "Chat for communities", status="beta"),
        Connector("elevenlabs", "ElevenLabs", "AI", "Speech from text", oauth=False),
        Connector("sql-server", "SQL Server", "Databases", "Relational storage", authkit=False, status="alpha"),
    )
