"""Plays the whole demonstration: sets up, tells the story step by step, measures, reports."""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Callable

from demo.killer import Killer
from demo.places import PLACES, VILLAGE_3
from demo.problems import DemoError
from demo.report import NodeFact, Report, Step
from demo.say import say
from demo.story import STEPS
from demo.story.cast import Story
from demo.town import Town

IDLE_ROUNDS = 5
IDLE_SECONDS = 20.0
OWN_MISTAKES = (LookupError, TypeError, ValueError, AttributeError, OSError, AssertionError)
"""What a mistake of the story itself would raise: it must end in a report, not in a bare trace."""


class Play:
    """One performance; `story` is there for the visitor afterwards.

    `opened` is called when the nodes are up and everybody can log in, before the story begins.
    """

    def __init__(
        self, town: Town, seed: int | None = None, opened: Callable[[Story], None] | None = None
    ) -> None:
        self.town = town
        self._opened = opened
        self.story = Story(town)
        self.report = Report()
        self.killer = Killer(seed, town, len(STEPS)) if seed is not None else None

    def perform(self) -> Report:
        """Set up, play all steps until one fails, measure; the report."""
        if self._step("准备", self._set_up):
            if self._opened is not None:
                self._opened(self.story)
            if self._tell():
                self._step("静息", self._measure)
        self.report.nodes = [
            NodeFact(place.code, place.tier, self.town[place.code].rss_mib())
            for place in PLACES
            if place.code in self.town.stations
        ]
        return self.report

    def _set_up(self) -> str:
        self.town.set_up()
        self.town.start()
        self.story.log_in()
        return "七个节点已启动,目录已到各站,工作人员已登录"

    def _tell(self) -> bool:
        if self.killer is not None:
            self.report.kill = self.killer.plan
            say(f"⚡ {self.killer.plan}")
        began = time.monotonic()
        try:
            return all(self._numbered(number, step) for number, step in enumerate(STEPS))
        finally:
            self.report.story_seconds = round(time.monotonic() - began, 1)
            if self.killer is not None:
                self.killer.stop()

    def _numbered(self, number: int, step: tuple[str, Callable[[Story], str]]) -> bool:
        name, play = step
        killer, last = self.killer, number == len(STEPS) - 1
        if killer is not None:
            killer.arm(number)

        def whole() -> str:
            detail = play(self.story)
            if killer is not None and last:
                killer.finish()
                detail = play(self.story)  # once more, with the killed node back
            return detail

        return self._step(f"({number + 1}) {name}", whole)

    def _measure(self) -> str:
        """Let the last news settle, then read some rounds of a village nothing concerns."""
        meter = self.town.link(VILLAGE_3).meter
        before, until = meter.begun, time.monotonic() + IDLE_SECONDS
        sizes: list[int] = []
        while len(sizes) < IDLE_ROUNDS and time.monotonic() < until:
            time.sleep(self.town.interval_seconds / 4)
            sizes = meter.complete(before)
        if not sizes:
            raise DemoError(f"{IDLE_SECONDS:.0f} 秒里没有看到一次静息往返。")
        self.report.idle_round_bytes = int(statistics.median(sizes))
        return f"没有新内容时,一次往返 {self.report.idle_round_bytes} 字节(含 HTTP 头)"

    def _step(self, name: str, play: Callable[[], str]) -> bool:
        say(f"▶ {name}")
        began = time.monotonic()
        try:
            detail, ok = play(), True
        except DemoError as problem:
            detail, ok = problem.sentence, False
        except OWN_MISTAKES as mistake:
            say(traceback.format_exc())
            detail, ok = f"演示程序自己出错:{mistake!r}", False
        seconds = round(time.monotonic() - began, 2)
        self.report.steps.append(Step(name, ok, seconds, detail))
        say(f"{'✓' if ok else '✗'} {name}  {seconds:.1f} 秒  {detail}")
        return ok
