"""Where things are in the house, for the tests that keep it."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("casework", "central", "edge_node", "node", "stations", "sync", "ui", "verifier")
PURE = ("casework", "sync")
"""Floors where time, chance and keys come in as arguments."""
_LEFT_OUT = {".git", ".venv", "build", "dist", "__pycache__", ".hypothesis", "vendor"}


@cache
def files() -> tuple[Path, ...]:
    """Return every file of the project, tracked or about to be; without git, all there are."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        paths = [p for p in ROOT.rglob("*") if _LEFT_OUT.isdisjoint(p.relative_to(ROOT).parts)]
    else:
        paths = [ROOT / name for name in found.decode().split("\0") if name]
    return tuple(sorted(path for path in paths if path.is_file()))


def modules(*packages: str) -> list[Path]:
    """Return the Python files of packages, or all of them."""
    found = [path for path in files() if path.suffix == ".py"]
    return [p for p in found if not packages or p.relative_to(ROOT).parts[0] in packages]


def texts() -> dict[Path, str]:
    """Return every file that is text."""
    found = {}
    for path in files():
        raw = path.read_bytes()
        if b"\0" not in raw:
            found[path] = raw.decode("utf-8", errors="replace")
    return found
