"""The bundle for Claude Desktop: `python tests/config/bundle.py` writes it into dist/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pica_mcp import __version__

ROOT = Path(__file__).parents[2]
_ALWAYS = (1980, 1, 1, 0, 0, 0)


def files() -> Iterator[tuple[str, Path]]:
    """Yield each file of the bundle, by its name there: the manifest lies at the root, beside what `uv` installs."""
    for name in ("manifest.json", "start.py"):
        yield name, ROOT / "config/mcpb" / name
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        yield name, ROOT / name
    for path in sorted((ROOT / "pica_mcp").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path


def pack(folder: Path) -> Path:
    """Write the bundle into the folder and return where it is. The same files make the same bytes."""
    bundle = folder / f"pica-mcp-{__version__}.mcpb"
    with ZipFile(bundle, "w", ZIP_DEFLATED) as packed:
        for name, path in files():
            entry = ZipInfo(name, _ALWAYS)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, path.read_bytes())
    return bundle


if __name__ == "__main__":
    target = ROOT / "dist"
    target.mkdir(exist_ok=True)
    print(pack(target))  # noqa: T201
