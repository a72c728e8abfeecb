"""`--kill SEED`: one node, chosen by the seed, is killed at a moment chosen by the seed."""

from __future__ import annotations

import random
import threading
import time

from demo.places import PLACES
from demo.problems import DemoError
from demo.say import say
from demo.town import Town

DELAY_SECONDS_MAX = 1.5
PAUSE_SECONDS = (0.2, 3.0)
FINISH_SECONDS = 120.0


class Killer:
    """Armed when a seeded step begins; strikes a seeded time later, restarts after a pause."""

    def __init__(self, seed: int, town: Town, steps: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # to be replayed, not to be secret
        self.place = chance.choice(PLACES)
        self.step = chance.randrange(steps)
        self.delay = chance.uniform(0, DELAY_SECONDS_MAX)
        self.pause = chance.uniform(*PAUSE_SECONDS)
        self.problem: DemoError | None = None
        self._town = town
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._strike, name="killer", daemon=True)

    @property
    def plan(self) -> str:
        """What will happen, in one line."""
        return (
            f"第 {self.step + 1} 步开始 {self.delay:.2f} 秒后 kill -9 {self.place.name},"
            f"{self.pause:.2f} 秒后重新启动"
        )

    def arm(self, step: int) -> None:
        """Tell that a step begins."""
        if step == self.step:
            self._thread.start()

    def finish(self) -> None:
        """Wait until the killed node is back. Raises: DemoError (it did not come back)."""
        if self._thread.ident is not None:
            self._thread.join(FINISH_SECONDS)
            if self._thread.is_alive():
                raise DemoError(f"{self.place.name} 被杀掉后没有及时恢复。")
        if self.problem is not None:
            raise self.problem

    def stop(self) -> None:
        """Strike no more."""
        self._stopped.set()

    def _strike(self) -> None:
        if self._stopped.wait(self.delay):
            return
        say(f"  ⚡ kill -9 {self.place.name}({self.place.code})")
        self._town[self.place.code].kill()
        if self._stopped.wait(self.pause):
            return
        began = time.monotonic()
        try:
            self._town.restart(self.place.code)
        except DemoError as problem:
            self.problem = problem
            return
        say(f"  ⚡ {self.place.name} 又启动好了,用了 {time.monotonic() - began:.1f} 秒")
