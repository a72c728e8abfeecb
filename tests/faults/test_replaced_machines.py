"""Real programs, real disks: an older copy put back, a clone beside the original, a dead machine.

Seven real processes. Machines die by kill -9; folders are copied as an image of a disk would be.
What a person does is done through the pages and the command lines.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from demo.browser import wait_until
from demo.forwarder import HOST
from demo.places import CENTRAL, VILLAGE
from demo.story.cast import Story, knows
from demo.story.intake import identity_number, receipt_number, take_in
from demo.story.offline import CARE, HAVE

PORTS_APART = 5200
"""Of this module's town, beyond the demonstration's."""
SECONDS = 60.0


def run(program: str, *words: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Run a command with --json and return its exit code and answer."""
    command = [sys.executable, "-m", program, *words, "--data", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout)


def central(story: Story, *words: str) -> dict[str, Any]:
    """Run a command of central that must succeed."""
    code, said = run("central", *words, folder=story.town[CENTRAL].folder)
    assert 0 == code, said
    return said


def own(folder: Path) -> dict[str, Any]:
    """Return why the machine in a folder records nothing, {} when it does."""
    _, said = run("edge_node", "lives", folder=folder)
    return said["own"] or {}


def case(story: Story, serial: int) -> str:
    """Take a case in at the village through its pages; return its number."""
    ticks = dict.fromkeys(("M1", "M2", "M3", "M4"), HAVE)
    identity = identity_number(f"1950010{1 + serial}", serial)
    return receipt_number(take_in(story.clerk, CARE, f"演示申请人{serial}", identity, ticks))


def at_central(story: Story, number: str) -> None:
    """Wait until central knows a case."""
    wait_until(lambda: knows(story.supervisor, number) or None, SECONDS, f"{number} 到中心")


def image(folder: Path, to: Path) -> None:
    """Copy the disk of a killed machine."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)


def goes_on(folder: Path) -> None:
    """Wait until the machine in a folder records again."""
    wait_until(lambda: True if not own(folder) else None, SECONDS, "恢复办理")


def has_met_its_parent(folder: Path) -> None:
    """Wait until the machine in a folder has made a round begun from now on."""
    now_ms = time.time_ns() // 1_000_000

    def met() -> bool | None:
        _, said = run("edge_node", "status", folder=folder)
        now = said["situation"]
        began, answered = now["last_attempt_ms"], now["last_success_ms"]
        return True if now_ms < began <= answered else None

    wait_until(met, SECONDS, "与上级联系过")


def test_an_older_disk_a_clone_and_a_dead_machine(story: Story) -> None:
    """Each is found on contact, said on the page, refused over HTTP, and ended by one command."""
    village = story.town[VILLAGE]
    older, clone, dead = (village.folder.with_name(name) for name in ("older", "clone", "dead"))

    # An older copy of the disk is put back after kill -9.
    village.kill()
    image(village.folder, older)
    story.town.restart(VILLAGE)
    first = case(story, 1)
    at_central(story, first)
    village.kill()
    image(older, village.folder)
    story.town.restart(VILLAGE)
    story.clerk.sees("/sync", "暂停办理", "核对码", seconds=SECONDS)
    code = own(village.folder)["code"]
    story.clerk.sees("/sync", code)
    wait_until(lambda: knows(story.clerk, first) or None, SECONDS, "取回的办件")
    wait_until(
        lambda: [a for a in central(story, "lives", "list")["asks"] if a["code"] == code] or None,
        SECONDS, "申请到中心",
    )  # fmt: skip
    central(story, "lives", "approve", VILLAGE, "--code", code)
    goes_on(village.folder)
    second = case(story, 2)
    at_central(story, second)

    # A clone of the disk is started beside the original.
    village.kill()
    image(village.folder, clone)
    story.town.restart(VILLAGE)
    third = case(story, 3)
    at_central(story, third)
    port, sync_port = village.port + 500, village.sync_port + 500
    process = story.town.children.spawn(
        [sys.executable, "-m", "edge_node", "run", "--data", str(clone), "--interval", "0.5",
         "--listen", f"{HOST}:{port}", "--sync-listen", f"{HOST}:{sync_port}"],
        clone.with_suffix(".log"),
    )  # fmt: skip
    there = wait_until(lambda: own(clone) or None, SECONDS, "复制的机器被发现")
    story.town.children.kill(process)
    has_met_its_parent(village.folder)
    if own(village.folder):
        here = own(village.folder)
        assert here["code"] != there["code"]
        central(story, "lives", "approve", VILLAGE, "--code", here["code"])
        goes_on(village.folder)
    fourth = case(story, 4)
    at_central(story, fourth)

    # The machine dies with a case it never sent; a new one is built from the parent.
    story.town.cut(VILLAGE)
    unsent = case(story, 5)
    village.kill()
    story.town.restore(VILLAGE)
    village.folder.rename(dead)
    sheet = village.folder.with_suffix(".new-sheet")
    url = f"http://{HOST}:{story.town.link(VILLAGE).port}"
    central(story, "voucher", VILLAGE, "--parent-url", url, "--out", str(sheet))
    status, said = run("edge_node", "rebuild", "--sheet", str(sheet), folder=village.folder)
    assert (0, True) == (status, said["done"]), said
    status, said = run("edge_node", "salvage", str(dead), folder=village.folder)
    assert 0 == status
    assert said["taken"] >= 1
    story.town.restart(VILLAGE)
    wait_until(
        lambda: central(story, "lives", "list")["recovered"] or None, SECONDS, "待核对到中心"
    )
    for number in (first, second, third, fourth):
        assert knows(story.supervisor, number)
    assert not knows(story.supervisor, unsent), "shown, never applied by itself"
