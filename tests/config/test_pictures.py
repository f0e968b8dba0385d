"""The pictures in the README show what the commands print now, and need nothing but themselves."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree as ET

import pictures
import pytest
from pictures import PICTURES, Picture

EACH = pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)


@pytest.mark.skipif(sys.platform != "linux", reason="they are drawn on Linux")
@EACH
def test_a_picture_shows_what_its_command_prints(picture: Picture) -> None:
    """Otherwise: python tests/pictures.py."""
    shown = pictures.lasting(pictures.shown(picture.path.read_text(encoding="utf-8")))
    printed = list(pictures.lasting(pictures.lines(pictures.printed(picture))))
    assert list(shown) == printed
    assert len(printed) > 20


@EACH
def test_a_picture_is_small_and_needs_nothing_from_elsewhere(picture: Picture) -> None:
    text = picture.path.read_text(encoding="utf-8")
    tree = ET.fromstring(text)  # noqa: S314 - it is ours
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags == {"svg", "style", "g", "rect", "circle", "text"}
    names = {name.rpartition("}")[2] for element in tree.iter() for name in element.attrib}
    assert not {name for name in names if name == "href" or name.startswith("on")}
    assert not re.search(r"url\(|@import|@font-face", text)
    assert len(text.encode()) < 60_000


@EACH
def test_a_picture_tells_nothing_of_the_machine_that_drew_it(picture: Picture) -> None:
    shown = "\n".join(pictures.shown(picture.path.read_text(encoding="utf-8")))
    assert set(re.findall(r"/(?:home|mnt|opt|root|tmp|usr|var|Users)/\w+", shown)) <= {"/home/lovelace"}
    assert str(pictures.FOLDER.parents[1]) not in shown
    assert "sk_live" not in shown


def test_there_is_no_picture_that_nobody_draws() -> None:
    assert {path.name for path in pictures.FOLDER.iterdir()} == {picture.path.name for picture in PICTURES}
