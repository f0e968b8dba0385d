"""The examples: what each needs, an environment with that, and a run that tells whether it really did its errand."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT

import anyio
from errand import MAIL

from pica_mcp.sandbox import LIVE_SECRET, Sandbox

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OURS = Path(sys.executable)

_INSTALL_SECONDS = 400.0
_RUN_SECONDS = 60.0
_ADA = {"PICA_IDENTITY": "ada", "PICA_IDENTITY_TYPE": "user", "PICA_AUDIT": "off", "PICA_CACHE": "off"}
_QUIET = {"LANGSMITH_TRACING": "false", "OPENAI_AGENTS_DISABLE_TRACING": "1", "PYTHONUTF8": "1"}


@dataclass(frozen=True, slots=True)
class Example:
    """What people copy, the program that runs it with a scripted model, and what pip installs for both."""

    copied: str
    program: str
    requirements: tuple[str, ...] = ()
    """None of them: it needs nothing but what pica-mcp needs, and runs in this environment."""
    shares: bool = True
    """Whether pica-mcp is installed beside them; else the one of this environment is started."""


EXAMPLES: Mapping[str, Example] = {
    "sdk": Example("sdk_client.py", "scripted_sdk.py"),
    "langchain": Example(
        "langchain_agent.py",
        "scripted_langchain.py",
        ("langchain>=1.4,<2", "langchain-mcp-adapters>=0.3.2,<0.4"),  # the adapters need mcp<2
        shares=False,
    ),
    "openai-agents": Example("openai_agent.py", "scripted_openai.py", ("openai-agents>=0.24,<0.25",)),
    "pydantic-ai": Example("pydantic_agent.py", "scripted_pydantic.py", ("pydantic-ai-slim[mcp]>=2.60,<3",)),
}


class Failed(Exception):
    """The verdict in a word or two, and what was told."""

    def __init__(self, verdict: str, told: str) -> None:
        super().__init__(verdict)
        self.verdict, self.told = verdict, told


async def environment(example: Example, folder: Path) -> Path:
    """Return the environment's Python; what was installed for the same requirements stays. Failed if pip does."""
    wanted = [*example.requirements, *(["-e", str(ROOT)] if example.shares else [])]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text()) != wanted:
        venv = [str(OURS), "-m", "venv", "--without-pip", "--clear", str(folder)]  # our pip will do, and saves seconds
        await _done(venv, "no environment", _INSTALL_SECONDS)
        pip = [str(OURS), "-m", "pip", "--python", str(python), "install", "-q", "--no-compile"]
        await _done([*pip, *wanted], "not installed", _INSTALL_SECONDS)
        stamp.write_text(json.dumps(wanted))
    return python


async def perform(example: Example, python: Path) -> str:
    """Run it and return what it told. Failed if it does, or if the sandbox was sent anything but that one mail."""
    home = python.parent if example.shares else OURS.parent
    server = shutil.which("pica-mcp", path=str(home))
    if not server:
        raise Failed("no server", f"There is no pica-mcp in {home}. Install it: pip install -e {ROOT}")
    box = Sandbox()
    async with box.listening() as url:
        account = {"PICA_BASE_URL": url, "PICA_SECRET": LIVE_SECRET, **_ADA}
        pica = json.dumps({"command": server, "args": [], "env": account})
        told = await _done([str(python), str(HERE / example.program), pica], "failed", _RUN_SECONDS)
    sent = [json.loads(request.body) for request in box.requests if MAIL["body"].encode() in request.body]
    if [{key: mail.get(key) for key in MAIL} for mail in sent] != [MAIL]:
        raise Failed("not sent", f"{told}\nThe sandbox was sent {sent}. It should have been sent {MAIL} once.")
    return told


async def _done(command: Sequence[str], verdict: str, seconds: float) -> str:
    """Return what the command told; Failed with the verdict if it fails or takes too long."""
    with anyio.move_on_after(seconds):
        process = await anyio.run_process(command, check=False, stderr=STDOUT, env={**os.environ, **_QUIET})
        told = process.stdout.decode(errors="replace").strip()
        if process.returncode == 0:
            return told
        raise Failed(verdict, told)
    raise Failed(verdict, f"It took longer than {seconds:.0f} seconds.")
