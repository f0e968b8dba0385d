"""config/pica-mcp.toml tells everything that can be set, and as it is changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from settings_file import example

from pica_mcp.settings import OPTIONS, SECRETS, Settings, load
from pica_mcp.settings.options import FORMS, key_of

ENVIRON = {"PICA_SECRET": "sk_live_abcdefgh"}

LoadFile = Callable[..., Settings]


@pytest.fixture
def load_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadFile:
    """Load a settings file with this content, where no proxy is set."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def load_file(content: str, environ: dict[str, str]) -> Settings:
        file = tmp_path / "pica.toml"
        file.write_text(content, encoding="utf-8")
        file.chmod(0o600)
        return load({"config": str(file)}, environ)

    return load_file


def uncommented(but: str) -> str:
    """The example with everything set; of the four places of the secret, only this one."""
    lines = [re.sub(r"^#(?=\S)", "", line) for line in example().splitlines()]
    return "\n".join(line for line in lines if not line.startswith("secret") or line.startswith(f"{but} ="))


def test_as_it_is_it_changes_nothing(load_file: LoadFile) -> None:
    loaded = load_file(example(), ENVIRON)
    assert loaded == load({}, ENVIRON)
    assert {origin.kind for name, origin in loaded.origins.items() if name != "secret"} == {"default"}


@pytest.mark.parametrize("secret", [key for key in FORMS if key.startswith("secret")])
def test_with_everything_set_it_is_right(secret: str, load_file: LoadFile, tmp_path: Path) -> None:
    (tmp_path / "attachments").mkdir()
    loaded = load_file(uncommented(secret), {})
    assert {origin.kind for origin in loaded.origins.values()} == {"file"}
    assert loaded.secret.variable.startswith(f"{secret} in ")


def test_it_tells_each_setting_with_its_sentence_and_what_holds_without(load_file: LoadFile) -> None:
    text = example()
    for variable, sentence in SECRETS.items():
        assert f"\n# {sentence}\n#{key_of(variable)} = " in text
    for option in OPTIONS:
        (line,) = re.findall(rf"\n# {re.escape(option.help)}\n#({option.name} = .+)\n", text)
        assert line.endswith("  # example") == (not option.default)
        if option.default:
            assert load_file(line, ENVIRON) == load({}, ENVIRON)


def test_a_line_is_within_the_width_of_any_editor() -> None:
    assert max(map(len, example().splitlines())) <= 120
