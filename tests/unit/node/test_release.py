"""The release number stands once in the code and once in the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

from node.release import RELEASE

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_code_and_package_name_the_same_release() -> None:
    """What nodes report of themselves is what the package is called."""
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == RELEASE
