"""The writer thread: one connection, handed to one caller at a time, committed for many.

A caller asks for a *turn* and waits. The writer thread opens a transaction (the only one that
writes), lends the connection to the caller, whose block then runs in the caller's own thread, and
takes it back when the block ends. Turns that queued up meanwhile follow in the same transaction,
each in its own savepoint; then one COMMIT makes them all durable and only then do their callers go
on. A block that raises rolls back its own savepoint and nothing else.

Invariant: between `granted` and `finished` of a turn only its caller touches the connection,
otherwise only the writer thread does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sync.protocol.errors import DatabaseBusy, StorageError
from sync.store.sql import Connection, Driver


class _Turn:
    """One caller's use of the connection."""

    __slots__ = ("cause", "finished", "granted", "settled", "succeeded")

    def __init__(self) -> None:
        self.granted = threading.Event()
        self.finished = threading.Event()
        self.settled = threading.Event()
        self.succeeded = False
        self.cause: Exception | None = None

    def fail(self, cause: Exception) -> None:
        """Settle the turn as not stored."""
        self.cause = cause
        self.granted.set()
        self.settled.set()

    def raise_failure(self, driver: Driver) -> None:
        """Raise what kept this turn from being stored, one exception object per caller."""
        if isinstance(self.cause, driver.error):
            raise driver.translate(self.cause) from self.cause
        if isinstance(self.cause, StorageError):
            raise self.cause


class _Alone(_Turn):
    """Work on the connection outside any transaction, nobody else's in between."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[Connection], None]) -> None:
        super().__init__()
        self.work = work


class Writer:
    """Owns the only writing connection of this process."""

    def __init__(self, connection: Connection, driver: Driver, name: str) -> None:
        self._connection = connection
        self._driver = driver
        self._turns: queue.SimpleQueue[_Turn | None] = queue.SimpleQueue()
        self._admission = threading.Lock()
        self._closed = False
        self._stopping = False
        self._holder = 0
        self._kept: _Alone | None = None
        self._fault: Exception | None = None
        self.commits = 0
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Give the connection for one block; leaving it normally returns once it is durable.

        Durable when: the block has been left without an exception.
        Raises: StorageError, then nothing of the block is stored.
        """
        if self._holder == threading.get_ident():
            raise RuntimeError("a write inside a write of the same thread would wait for itself")
        turn = _Turn()
        self._admit(turn)
        try:
            turn.granted.wait()
            turn.raise_failure(self._driver)
            self._holder = threading.get_ident()
            yield self._connection
            turn.succeeded = True
        except self._driver.error as error:
            turn.cause = error
            raise self._driver.translate(error) from error
        finally:
            if self._holder == threading.get_ident():
                self._holder = 0
            turn.finished.set()
            turn.settled.wait()
        turn.raise_failure(self._driver)

    def alone(self, work: Callable[[Connection], None]) -> None:
        """Have work done on the connection outside any transaction; writers wait meanwhile.

        Raises: StorageError.
        """
        turn = _Alone(work)
        self._admit(turn)
        turn.settled.wait()
        turn.raise_failure(self._driver)

    @property
    def waiting(self) -> int:
        """Return about how many turns wait behind the present one."""
        return self._turns.qsize()

    def close(self) -> None:
        """Finish what is queued and close the connection. Idempotent.

        Raises: DatabaseCorrupt, StorageError.
        """
        with self._admission:
            if self._closed:
                return
            self._closed = True
            self._turns.put(None)
        self._thread.join()
        try:
            self._driver.finish(self._connection)
        finally:
            self._connection.close()

    def _admit(self, turn: _Turn) -> None:
        with self._admission:
            if self._closed:
                raise DatabaseBusy("closing")
            self._turns.put(turn)

    def _serve(self) -> None:
        while not self._stopping:
            turn, self._kept = self._kept or self._turns.get(), None
            if turn is None:
                return
            if isinstance(turn, _Alone):
                self._serve_alone(turn)
            else:
                self._serve_group(turn)
            fault, self._fault = self._fault, None
            if fault is not None:
                self._connection = self._driver.renewed(self._connection, fault)

    def _serve_alone(self, turn: _Alone) -> None:
        try:
            turn.work(self._connection)
        except (self._driver.error, StorageError) as error:
            turn.fail(error)
        else:
            turn.settled.set()

    def _serve_group(self, first: _Turn) -> None:
        stored: list[_Turn] = []
        turn: _Turn | None = first
        while turn is not None:
            try:
                self._serve_turn(turn, stored)
            except self._driver.error as error:
                # The database gave up the transaction itself (disk full, I/O): none of the group
                # stands.
                self._give_up([*stored, turn], turn.cause or error)
                return
            more = len(stored) < self._driver.turns_per_commit_max
            turn = self._next() if more else None
        if not stored:
            return
        try:
            self._driver.commit(self._connection)
        except self._driver.error as error:
            self._give_up(stored, error)
            return
        self.commits += 1
        for turn in stored:
            turn.settled.set()

    def _next(self) -> _Turn | None:
        try:
            turn = self._turns.get_nowait()
        except queue.Empty:
            return None
        if isinstance(turn, _Alone):
            self._kept = turn  # its turn comes once this group is committed
            return None
        self._stopping = turn is None
        return turn

    def _serve_turn(self, turn: _Turn, stored: list[_Turn]) -> None:
        # Alone in its transaction, a turn needs no savepoint: rolling back takes the lot.
        alone = not stored
        if alone:
            self._driver.begin_write(self._connection)
        else:
            self._connection.execute("SAVEPOINT turn")
        turn.granted.set()
        turn.finished.wait()
        if isinstance(turn.cause, self._driver.error):
            self._fault = turn.cause
        if turn.succeeded:
            if not alone:
                self._connection.execute("RELEASE turn")
            stored.append(turn)
            return
        if alone:
            self._roll_back()
        else:
            self._connection.execute("ROLLBACK TO turn")
            self._connection.execute("RELEASE turn")
        turn.settled.set()

    def _give_up(self, turns: list[_Turn], error: Exception) -> None:
        # Should even ROLLBACK fail, the next BEGIN says so to the next caller.
        self._fault = error
        with suppress(self._driver.error):
            self._roll_back()
        for turn in turns:
            turn.fail(error)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
