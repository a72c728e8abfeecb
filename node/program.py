"""One running node: its files opened, its parts joined, its agent calling the parent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from casework.case_table import SqlCaseTable
from casework.matter_list import MatterFinder
from node import enrolment, health, missing, tidying, unread
from node.agent import Agent, Road
from node.blob_giving import BlobRoad
from node.blob_lane import BlobLane
from node.blobs import BlobExchange
from node.caretaker import Caretaker
from node.case_files import CaseFile, CaseFiles
from node.desk import ActDone, CaseDesk
from node.drop_folder import DropFolder
from node.files import Files
from node.indexing import bring_up
from node.lane_gate import LaneGate
from node.lives import FolderKeeper, Keeper, LifeKeeper
from node.pace import Meter
from node.pins import Pins
from node.projector import Projector
from node.rounds import Rounds
from node.situation import Situation, situation
from node.storage import STATION, open_storage
from node.structs import work_out_structs
from sync.engine import fetching, halt, homes, notices, record, routing
from sync.engine.core import Core, Effects, Switched
from sync.engine.pruning import Freed
from sync.protocol.chunks import FileName
from sync.protocol.ports import Transaction
from sync.protocol.statements import Health
from sync.sealing import X25519Sealing
from sync.signing import read_key
from sync.store.blobs import SqliteBlobStore
from sync.store.sql_transaction import SqlTransaction

CATCH_UP_EVENTS = 200
FORM_KEY_MS = 30 * 24 * 3600 * 1000
"""How long the same form sent again is still known; a session lasts half a day."""

log = structlog.get_logger("node")


class Roads(NamedTuple):
    """The two connections to the parent; `seconds` reads a clock that only goes forward.

    `tend` is called before a round and decides who the parent is now.
    """

    rounds: Road
    blobs: BlobRoad
    seconds: Callable[[], float]
    tend: Callable[[], None] = lambda: None


class Node:
    """A station's node, or central's: everything a page, a route or a command needs."""

    keeper: Keeper | None = None
    """Where the node writes down who it is; none where it never opens another epoch."""

    def __init__(
        self,
        folder: Path,
        *,
        clock_ms: Callable[[], int],
        release: str,
        must_exist: bool = False,
        database_url: str = "",
    ) -> None:
        """Open the node enrolled in `folder`; its data may be in a server's database instead.

        Raises: FileNotFoundError (not enrolled), StorageError and its kinds.
        """
        work_out_structs()
        self.folder = folder
        self.file = enrolment.read_node(folder)
        self.core: Core = enrolment.core_of(self.file, folder)
        self.clock_ms = clock_ms
        self.release = release
        self.started_ms = clock_ms()
        key = read_key(folder / enrolment.DATABASE_KEY)
        self._storage = open_storage(folder, database_url, must_exist=must_exist)
        self.database = self._storage.store
        self.blobs = SqliteBlobStore(folder / enrolment.BLOB_DATABASE, key)
        self.desk = CaseDesk(self.core, self._case_table)
        self.core.leaving = Pins().keep
        self.rounds = Rounds(self.core, self.database, self.blobs, clock_ms, self._after_commit)
        self.case_files = CaseFiles(
            self.core,
            self.database,
            self.blobs,
            self.blobs.book,
            clock_ms=clock_ms,
            free_bytes=lambda: shutil.disk_usage(folder).free,
            ahead=self._fetches_ahead,
        )
        self.exchange = BlobExchange(
            self.core,
            self.database,
            self.blobs,
            self.blobs.book,
            clock_ms,
            self.rounds.switch_complete,
            room=self.case_files.room,
        )
        sealing = X25519Sealing(read_key(folder / enrolment.ENCRYPT_KEY))
        self.files = Files(self.rounds, sealing, folder, clock_ms, self._after_commit)
        self.keeper = FolderKeeper(folder)
        self.agent: Agent | None = None
        self.drop_folder: DropFolder | None = None
        self.blob_lane: BlobLane | None = None
        self._projector: Projector | None = None
        self._caretaker: Caretaker | None = None
        self._health = health.HealthReporter(release, self.started_ms)
        self.after_edition: Callable[[], None] = lambda: None
        """Called when a new edition of matters was taken in; large memory was in use."""
        with self.database.write() as transaction:
            enrolment.know_above(self.file, self.core, transaction)
        self._open()

    def _case_table(self, transaction: Transaction) -> SqlCaseTable:
        assert isinstance(transaction, SqlTransaction), "a node keeps its cases in node.db"
        return SqlCaseTable(transaction.connection)

    def _fetches_ahead(self, transaction: Transaction, stream: str) -> bool:
        """The stations that work on a case have its files before they are opened."""
        row = self.desk.table(transaction).get(stream)
        station = self.core.station
        return row is not None and (
            station in (row.holder, row.offered_to, row.handling)
            or any(task.station == station for task in row.tasks)
        )

    def _open(self) -> None:
        now = self.clock_ms()
        self.after_life: Callable[[], object] = lambda: None
        """Called after this node's own life or that of one below moved on."""
        self.life = LifeKeeper(self.core, self.database, self.clock_ms, self.keeper)
        with self.database.write() as transaction:
            halt.adopt(self.core, transaction)
            transaction.set_meta(STATION, self.core.station)
            transaction.put_certificate(self.core.log, self.core.certificate)
            if halt.halted(transaction) is None:
                record.open_epoch(self.core, transaction, now, None, 0)
            homes.begin(self.core, transaction, now)
            # What a former release here carried without understanding it, this one may know.
            notices.revive(self.core, transaction, now, Effects())
            routing.note_settled(transaction, unread.understood(transaction))
        self.rounds.switch_editions()
        self.refresh_index()
        self.catch_up()
        self.tend_life()

    def start(
        self,
        roads: Roads | None,
        *,
        interval_seconds: float,
        jitter: Callable[[], float],
        round_bytes: int = 0,
        keep_days: int = tidying.KEEP_DAYS,
    ) -> None:
        """Begin to work by itself: project, tidy up, and call the parent if there is one.

        Shapes: bodies stay `keep_days` at least; 0 keeps them for ever, and central always does.

        Units: an interval of 0 leaves it to the parent; `round_bytes` bounds a round each way,
        0 leaves it to the measured rate of the line.

        A node that was not started projects within the call that brought the events.
        """
        self._projector = Projector(self.catch_up)
        calls = roads is not None and not self.core.is_root
        keep_ms = keep_days * tidying.DAY_MS if calls else 0
        self._caretaker = Caretaker(lambda: self.tidy(keep_ms))
        if roads is None or self.core.is_root:
            return
        gate = LaneGate()
        self.blob_lane = BlobLane(
            self.exchange, roads.blobs, gate, seconds=roads.seconds, jitter=jitter
        )
        self.agent = Agent(
            self.rounds,
            roads.rounds,
            interval_seconds=interval_seconds,
            jitter=jitter,
            reporter=self,
            gate=gate,
            meter=Meter(round_bytes),
            tend=roads.tend,
        )
        self.blob_lane.start()
        self.agent.start()

    def stop_calling(self) -> None:
        """End what calls the parent; rounds and files under way are broken off."""
        if self.agent is not None:
            self.agent.stop()
        if self._caretaker is not None:
            self._caretaker.stop()
        if self.blob_lane is not None:
            self.blob_lane.stop()

    def close(self) -> None:
        """Stop calling and close the files; what was saved stays saved."""
        if self.drop_folder is not None:
            self.drop_folder.stop()
        self.stop_calling()
        if self._projector is not None:
            self._projector.stop()
        self.database.close()
        self.blobs.close()

    def act(
        self,
        *,
        act: str,
        stream: str | None,
        fields: Mapping[str, object],
        actor: str,
        form_key: str = "",
    ) -> ActDone:
        """Record an act of a staff member, durably, and tell the agent.

        Idempotent: a form key used before returns the case of its first use and writes nothing.
        Raises: DomainRefusal, StorageError.
        """
        now = self.clock_ms()
        with self.database.write() as transaction:
            used = self._form_used(transaction, form_key)
            if used is not None:
                case = self.desk.case(transaction, used)
                assert case is not None, "a used form key names a case held here"
                return ActDone(case, [])
            done = self.desk.act(
                transaction, now, act=act, stream=stream, fields=fields, actor=actor
            )
            if form_key:
                transaction.connection.execute(
                    "INSERT INTO form_keys (form_key, stream, used_ms) VALUES (?, ?, ?)",
                    (form_key, done.case.stream, now),
                )
                # The oldest few at each act: constant work, and the table does not grow for ever.
                transaction.connection.execute(
                    "DELETE FROM form_keys WHERE used_ms < ? AND form_key IN"
                    " (SELECT form_key FROM form_keys ORDER BY used_ms LIMIT 4)",
                    (now - FORM_KEY_MS,),
                )
        self.wake()
        return done

    def _form_used(self, transaction: SqlTransaction, form_key: str) -> str | None:
        row = transaction.connection.execute(
            "SELECT stream FROM form_keys WHERE form_key = ?", (form_key,)
        ).fetchone()
        return None if row is None else str(row[0])

    def wake(self) -> None:
        """Let the next round happen at once."""
        if self.agent is not None:
            self.agent.wake()

    def tend_life(self) -> None:
        """Go on with this node's own life as far as it can: see `node.lives`."""
        if self.life.tend():
            if self.core.is_root:
                with self.database.write() as transaction:
                    self.desk.skip_numbers(transaction, self.clock_ms())
            self.catch_up()
            self.wake()
        self.after_life()

    def _after_commit(self, effects: Effects) -> None:
        try:
            if effects.life or self.life.halted:
                self.tend_life()
            if any(shelf.register == "matters" for shelf in effects.shelves):
                self.refresh_index(effects.switched)
        finally:  # what was committed is shown, also where the disk is full just now
            self._hand_on(effects)

    def _hand_on(self, effects: Effects) -> None:
        # A new edition may settle what waited for the tree of stations; a cut takes things out.
        if effects.stored or effects.shelves or effects.judged:
            show = self.catch_up if self._projector is None else self._projector.wake
            show()
        if effects.news:
            self.wake()
        if effects.more or effects.shelves:
            self._wake_lane()

    def _wake_lane(self) -> None:
        if self.blob_lane is not None:
            self.blob_lane.wake()

    def catch_up(self) -> None:
        """Project what was stored since the last time."""
        written = 0
        while True:
            with self.database.write() as transaction:
                caught = self.desk.catch_up(transaction, self.clock_ms(), CATCH_UP_EVENTS)
            written += caught.written
            if not caught.events:
                break
        if written:
            self.wake()
        if self.case_files.catch_up():
            self._wake_lane()
        tidying.erase_traces(self.database)

    def attach(self, stream: str, file: FileName, *, title: str, actor: str) -> None:
        """Record that a file belongs to a case, and have both lanes carry it on.

        Durable when: it returns. Raises: FileRefused and its kinds, StorageError.
        """
        self.case_files.attach(stream, file, title=title, actor=actor)
        self.wake()
        self._wake_lane()

    def open_files(self, files: list[CaseFile]) -> None:
        """Have fetched what is missing of files somebody looks at."""
        if self.case_files.open_all(files):
            self._wake_lane()

    def fetch_bodies(self, stream: str) -> None:
        """Ask the parent for the bodies of a case that were pruned here."""
        with self.database.write() as transaction:
            fetching.want(
                transaction, missing.lacking(transaction, transaction.stream_events(stream))
            )
        self.wake()

    def prune(self, keep_ms: int) -> Freed:
        """Drop bodies of ended cases that are backed up and older than `keep_ms`."""
        return tidying.prune(self.core, self.database, self._case_table, self.clock_ms(), keep_ms)

    def tidy(self, keep_ms: int) -> None:
        """Do what can wait for a quiet moment; 0 keeps bodies for ever."""
        tidying.erase_traces(self.database)
        tidying.sweep_packs(self.database, self.blobs, self.clock_ms())
        if not keep_ms:
            return
        with self.database.read() as transaction:
            due = tidying.due(self.core, transaction, self.clock_ms())
        if due:
            freed = self.prune(keep_ms)
            log.info("pruned", bodies=freed.bodies, bytes=freed.bytes, seen=freed.seen)

    def refresh_index(self, switched: Sequence[Switched] = ()) -> None:
        """Make the search index hold exactly the matters of the present editions.

        Idempotent: an index made of these editions is left alone. One made of those before what
        was `switched` takes over only the entries that were touched.
        """
        with self.database.write() as transaction:
            whole = bring_up(self.matters(transaction), transaction, switched)
        if whole:
            self.after_edition()

    def matters(self, transaction: SqlTransaction) -> MatterFinder:
        """Return what finds matters by what a person types."""
        return self._storage.finder(transaction)

    def station_name(self, code: str) -> str:
        """Return a station's name by the register held here; empty when it is not in it."""
        with self.database.read() as transaction:
            tree = self.desk.registry(transaction, self.clock_ms()).tree
            return tree.name(code) if code in tree else ""

    def watch_stick(self, folder: Path, *, answer: bool) -> None:
        """Take in bundles that come to lie in a folder, and answer them there if asked."""
        self.drop_folder = DropFolder(self.files, folder, answer=answer, name_of=self.station_name)
        self.drop_folder.start()

    def situation(self) -> Situation:
        """Return how far what was written here has come."""
        with self.database.read() as transaction:
            return situation(self.core, transaction)

    def health_news(self) -> Health | None:
        """Return this node's health when it is worth telling, else None."""
        with self.database.read() as transaction:
            state = situation(self.core, transaction)
            subtree, waiting = health.below(transaction), health.waiting(transaction)
        size = self.database.bytes_held
        return self._health.news(self.clock_ms(), state, subtree, waiting, size)

    def health_lost(self) -> None:
        """The round that carried the health was not answered."""
        self._health.lost()
