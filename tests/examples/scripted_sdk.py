"""Runs `sdk_client.py`, which needs no model, and looks at what it printed."""

import sdk_client
from errand import MAIL, run, show

if __name__ == "__main__":
    printed = run(sdk_client)
    show(printed.splitlines())
    tools, sent, found = printed.splitlines()
    assert "'gmail_send_email'" in tools, tools
    assert sent.startswith("sent:"), sent
    assert found.startswith("found:"), found
    assert MAIL["body"] in found, found
