"""The room of machines that clients run on, this one or any other: where homes and programs' data are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pica_mcp.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as its clients see it. All that is asked of it follows from this, so it may be any."""

    system: str
    """`darwin`, `win32` or `linux`, which stands for all others."""
    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    """Where a person is on it: in a project, perhaps."""

    @classmethod
    def of(cls, platform: str, environ: Mapping[str, str], folder: Path) -> Self:
        """Return the machine whose Python has that `sys.platform`."""
        return cls(platform if platform in ("darwin", "win32") else "linux", environ, folder)

    def home(self) -> Path:
        """Return the user's home. Raises `OperatorError` where nobody knows it."""
        names = ("USERPROFILE", "HOME") if self.system == "win32" else ("HOME",)
        home = next((self.environ[name] for name in names if self.environ.get(name)), "")
        if not Path(home).is_absolute():
            raise OperatorError(f"Nobody knows where your home is: {names[0]} is not set.", "Set it to a full path.")
        return Path(home)

    def data(self) -> Path:
        """Return where programs of the user keep their data and settings. Raises `OperatorError`."""
        if self.system == "darwin":
            return self.home() / "Library" / "Application Support"
        name, usual = ("APPDATA", "AppData/Roaming") if self.system == "win32" else ("XDG_CONFIG_HOME", ".config")
        told = Path(self.environ.get(name) or "")
        return told if told.is_absolute() else self.home() / usual
