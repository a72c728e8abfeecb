"""Means that not every machine has, asked for loudly; and the demonstration's town.

A test whose means are missing is skipped with the reason in the summary; with REQUIRE_ALL=1, as
the release run sets it, that is a failure.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.interrupts import Interrupts
from demo.ports import FIRST
from demo.story.cast import Story
from demo.town import INTERVAL_SECONDS, Town

SMALL_DISK_BYTES = 4 * 1024 * 1024


def lack(reason: str) -> None:
    """End the test because this machine lacks what it needs."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1: {reason}")
    pytest.skip(reason)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB of its own."""
    if os.geteuid() != 0:
        lack("mounting a small disk needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        lack(f"no tmpfs: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """The demonstration's tree with everybody logged in, on the ports of the module that asks."""
    town = Town(
        tmp_path / "town",
        Interrupts(),
        interval_seconds=INTERVAL_SECONDS,
        first_port=FIRST + request.module.PORTS_APART,
    )
    try:
        town.set_up()
        town.start()
        played = Story(town)
        played.log_in()
        yield played
    finally:
        town.stop()
