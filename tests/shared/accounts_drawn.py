"""Callers, connections and actions, drawn for properties: few names, so that they often mean the same.

What would refuse most by itself is drawn seldom: else hardly one in a hundred is admitted.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from pica_mcp.access import Caller, Grant, Identity, IdentityType, Permission
from pica_mcp.effects import Rule, parse_rule
from pica_mcp.patterns import parse

PLATFORMS = st.sampled_from(["gmail", "gmail", "gmail", "slack"])
SELDOM = st.sampled_from([False, False, False, False, True])
KEYS = [f"{env}::{platform}::{n}" for env in ("live", "test") for platform in ("gmail", "slack") for n in (1, 2)]
ROWS = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "platform": PLATFORMS,
        "environment": st.sampled_from(["live", "live", "test", ""]),
        "identity": st.sampled_from(["ada", "ada", "bob", None]),
        "identity_type": st.sampled_from(["user", "user", "team", None]),
        "state": st.sampled_from(["operational", "unknown", "failed"]),
        "active": SELDOM.map(lambda off: not off),
        "name": st.sampled_from(["", "work", "home"]),
    }
)
"""The fields of a connection."""
ACTIONS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["x::a", "x::b", ""]),
        "platform": PLATFORMS,
        "method": st.sampled_from(["GET", "POST", "DELETE"]),
        "path": st.sampled_from(["/b", "/c", ""]),
    }
)
"""The fields of an action."""
PATTERNS = [parse(written) for written in ("x::a", "x::b", "gmail", "slack GET", "* DELETE", "gmail POST /b*")]
RULES = [parse_rule(written) for written in ("gmail=read", "* DELETE=write", "slack GET /b=destructive")]
IDENTITIES = st.builds(
    Identity,
    st.sampled_from([None, None, "ada", "bob"]),
    st.sampled_from([None, None, IdentityType.USER, IdentityType.TEAM]),
)


def grants(rules: Sequence[Rule] = ()) -> st.SearchStrategy[Grant]:
    """Whatever an operator may allow, with some of these words on what actions do."""
    return st.builds(
        Grant,
        st.sampled_from(Permission),
        st.none() | st.frozensets(st.sampled_from(KEYS)),
        st.none() | st.lists(st.sampled_from(PATTERNS)).map(tuple),
        st.none() | st.frozensets(PLATFORMS),
        SELDOM,
        st.lists(st.sampled_from(rules)).map(tuple) if rules else st.just(()),
    )


CALLERS = st.builds(Caller, IDENTITIES, grants(), st.sampled_from([lambda: "live", lambda: "live", lambda: "test"]))
