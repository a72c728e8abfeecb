"""The disk a node lives on: commits that are lost, or made and never learnt of; full disks.

A dead node's store refuses everything until the node is started again, so no `finally` of the
code under test can do what a killed process could not have done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync.protocol.errors import DiskFull
from sync.protocol.ports import Store, Transaction

BEFORE = "before_commit"
AFTER = "after_commit"
FULL = "disk_full"
KINDS = (BEFORE, AFTER, FULL)


class Crash(BaseException):
    """The power is gone. Not an Exception: nothing in a killed process handles anything."""


class FaultyStore:
    """A store that fails at a chosen commit."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.commits = 0
        self.dead = False
        self._armed: tuple[int, str] | None = None
        self.struck: list[str] = []

    def arm(self, kind: str, commits_ahead: int) -> None:
        """Fail at the commit that many ahead (1 is the next)."""
        self._armed = (self.commits + commits_ahead, kind)

    def disarm(self) -> None:
        """Be a good disk again."""
        self._armed = None

    def revive(self, inner: Store) -> None:
        """Serve a fresh life of the node."""
        self.inner, self.dead, self._armed = inner, False, None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the port says, but for the fault that is due."""
        if self.dead:
            raise Crash
        self.commits += 1
        kind = self._due()
        with self.inner.write() as transaction:
            yield transaction
            if kind == BEFORE:
                self.dead = True
                raise Crash
            if kind == FULL:
                raise DiskFull("simulated")
        if kind == AFTER:
            self.dead = True
            raise Crash

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As the port says; a dead node reads nothing."""
        if self.dead:
            raise Crash
        with self.inner.read() as transaction:
            yield transaction

    def scrub(self) -> None:
        """As the port says; a dead node scrubs nothing."""
        if self.dead:
            raise Crash
        self.inner.scrub()

    def _due(self) -> str:
        if self._armed is None or self._armed[0] > self.commits:
            return ""
        kind = self._armed[1]
        self._armed = None
        self.struck.append(kind)
        return kind
