"""kill -9 of real programs, again and again, while a clerk takes cases in (G1, G2).

Seven real processes with real links; village, township, district and central are killed at drawn
moments and started again. The clerk works through the pages like a person: unanswered, she looks
whether it was saved before she presses again. Nothing here proves durability over a power cut: the
page cache survives a kill; `test_power_loss` is for that.
"""

from __future__ import annotations

import random
import sys
import threading
import time

from demo.browser import wait_until
from demo.person import Person
from demo.places import CENTRAL, DISTRICT, DOUNAN, VILLAGE
from demo.problems import DemoError
from demo.story.cast import Story, facts, held
from demo.story.intake import identity_number, receipt_number, take_in
from demo.story.offline import CARE, HAVE
from demo.town import Town
from tests.faults.scale import FULL, size

KILLS = size(12, 520)
KILLED = (VILLAGE, DOUNAN, DISTRICT, CENTRAL)
QUIET_SECONDS_MAX = 1.2
CASES_MAX = size(24, 150)
"""Spread over all the kills, so that there is always something under way."""
PORTS_APART = 4000
"""Of this module's town, beyond the demonstration's."""
SEED = 20261122
SETTLED_SECONDS = 120.0


class Killer(threading.Thread):
    """Kills and restarts one node after another; `restarts` are seconds until ready again."""

    def __init__(self, town: Town) -> None:
        super().__init__(name="killer", daemon=True)
        self._town = town
        self._chance = random.Random(SEED)
        self.kills: dict[str, int] = dict.fromkeys(KILLED, 0)
        self.restarts: list[float] = []
        self.problem: DemoError | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            while sum(self.kills.values()) < KILLS and not self.ended.is_set():
                self._strike()
        except DemoError as problem:
            self.problem = problem
        self.ended.set()

    def _strike(self) -> None:
        self.ended.wait(self._chance.uniform(0, QUIET_SECONDS_MAX))
        code = self._chance.choice(KILLED)
        self._town[code].kill()
        self.kills[code] += 1
        began = time.monotonic()
        self._town.restart(code)
        self.restarts.append(time.monotonic() - began)
        if FULL:
            longest = max(self.restarts)
            done = f"{len(self.restarts)}/{KILLS}"
            sys.stderr.write(f"\rkills: {done}, back in {longest:.1f} s at most ")
            sys.stderr.flush()


def test_killed_programs_lose_no_case_that_was_called_saved(story: Story) -> None:
    """Every number a page gave comes to township, district and central; each once, all alike."""
    killer = Killer(story.town)
    killer.start()
    numbers: list[str] = []
    try:
        while not killer.ended.is_set():
            if len(numbers) <= CASES_MAX * sum(killer.kills.values()) // KILLS:
                numbers.append(_take_in(story.clerk, len(numbers)))
            else:
                killer.ended.wait(0.1)
    finally:
        killer.ended.set()
        killer.join(120)
    assert killer.problem is None, killer.problem
    assert sum(killer.kills.values()) == KILLS
    assert all(killer.kills.values())
    assert len(set(numbers)) == len(numbers) > 0
    for person in story.people.values():
        person.log_in_again()  # a whole run outlasts a session
    for number in numbers:
        _same_everywhere(story, number)


def _take_in(clerk: Person, serial: int) -> str:
    ticks = dict.fromkeys(("M1", "M2", "M3", "M4"), HAVE)
    identity = identity_number(f"19500{1 + serial // 28 % 9}{1 + serial % 28:02d}", serial % 1000)
    name = f"演示申请人{serial:04d}"
    return receipt_number(take_in(clerk, CARE, name, identity, ticks))


def _same_everywhere(story: Story, number: str) -> None:
    """The case is one state with as many events at every station it concerns."""

    def settled() -> bool:
        found = [facts(story.at(code), number, "办件") for code in (VILLAGE, DOUNAN, CENTRAL)]
        stream = str(found[0]["stream"])
        counts = {held(story.at(code), stream) for code in (VILLAGE, DOUNAN, DISTRICT, CENTRAL)}
        return len({str(one["state_hash"]) for one in found}) == 1 == len(counts)

    wait_until(settled, SETTLED_SECONDS, f"{number} 在各站一致")
