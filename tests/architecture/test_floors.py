"""Floors, downwards only: the contracts of pyproject.toml hold, and a breach is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.house import PRODUCT, ROOT, modules

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what import-linter says of the packages in a folder."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contracts() -> list[str]:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return [contract["name"] for contract in tool["importlinter"]["contracts"]]


def test_the_floors_hold() -> None:
    """Nobody imports upwards or across; the pure floors know no clock, socket or file."""
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


PLANTED = {
    "casework/calendar.py": "import sync.protocol.names",
    "sync/protocol/names.py": "import sync.engine.clock",
    "sync/engine/clock.py": "import time",
    "node/rounds.py": "import sqlite3",
    "ui/words.py": "import central.answers",
    "stations/errors.py": "import node.rounds",
    "verifier/report.py": "import sync.protocol.names",
}


def test_broken_floors_are_found(tmp_path: Path) -> None:
    """With an upward import planted on each floor, every contract is broken."""
    for path in modules(*PRODUCT):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for name, line in PLANTED.items():
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode != 0
    summary = result.stdout.partition("Broken contracts")[0]
    for name in contracts():
        line = next(line for line in summary.splitlines() if line.startswith(name[:40]))
        assert "BROKEN" in line or "BROKEN" in summary[summary.index(line) :].splitlines()[1], line
