"""The room of the explanation: what an identity may do on each connection, why not the rest, and what is set in vain.

It asks what a call asks (`access`, `accounts`, `consent`) and has no rules of its own. Where only Pica's list of a
platform is known and not its documents, verdicts are the list's: a call loads the document, and is judged by that.
"""

from __future__ import annotations

from pica_mcp.explanation.account import Account, Offer, look, look_at
from pica_mcp.explanation.vain import in_vain
from pica_mcp.explanation.verdicts import Explanation, Link, Verdict, View, explain, explain_platform, verdict, why

__all__ = [
    "Account",
    "Explanation",
    "Link",
    "Offer",
    "Verdict",
    "View",
    "explain",
    "explain_platform",
    "in_vain",
    "look",
    "look_at",
    "verdict",
    "why",
]
