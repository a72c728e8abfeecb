"""Series of lives of one store, each begun on what a power cut left of the one before."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from node.schema import SCHEMA
from sync.protocol.errors import StorageError
from sync.store.database import Database
from tests.fakes.sample_events import SAMPLE_KEY
from tests.faults.power import writer
from tests.faults.power.losing_disk import LosingDisk
from tests.faults.power.recording import SAID, Op, record

LIVES = 5
BATCHES = 60
CUTS_PER_LIFE = 100
EVERYTHING = 10**9


class Broken(NamedTuple):
    """What a power cut did that it must not."""

    seed: int
    life: int
    at: int
    sentence: str


class Series(NamedTuple):
    """What a series came to."""

    cuts: int
    acknowledged: int
    broken: list[Broken]
    counts: Counter[str]


class Harm(Exception):
    """A promise did not hold on the files that were left."""


def run_series(seed: int, synchronous: str = "FULL", cuts_per_life: int = CUTS_PER_LIFE) -> Series:
    """Play one series; the same seed records anew but cuts at the same draws."""
    chance = random.Random(f"power/{seed}")
    broken: list[Broken] = []
    counts: Counter[str] = Counter()
    files: dict[str, bytes] = {}
    start = cuts = acknowledged = 0
    for life in range(LIVES):
        with _folder() as folder:
            _lay_out(folder, files)
            path = folder / "node.db"
            ops = record(path, start, BATCHES, synchronous)
        disk, done, told = LosingDisk(files), 0, start
        left: list[tuple[dict[str, bytes], int]] = []
        for at in sorted(chance.randrange(len(ops) + 1) for _ in range(cuts_per_life)):
            disk.do(ops[done:at])
            told, done = _told(ops[done:at], told), at
            image = disk.power_cut(random.Random(f"{seed}/{life}/{cuts}"))
            cuts += 1
            acknowledged = max(acknowledged, told)
            try:
                held = check(image, told)
            except Harm as harm:
                broken.append(Broken(seed, life, at, str(harm)))
                continue
            counts["more_than_told" if held > told else "as_told"] += 1
            counts["before_the_first"] += not told
            left.append((image, held))
        if not left:
            break
        files, start = left[chance.randrange(len(left))]
    return Series(cuts, acknowledged, broken, counts)


def check(image: dict[str, bytes], told: int) -> int:
    """Open what is left with the product's store and return the last event held. Raises: Harm."""
    with _folder() as folder:
        _lay_out(folder, image)
        try:
            with Database(folder / "node.db", SAMPLE_KEY, schema=SCHEMA) as database:
                return _checked(database, told)
        except StorageError as error:
            raise Harm(f"the store does not open: {error.code} {error}") from error


def _checked(database: Database, told: int) -> int:
    with database.read() as transaction:
        events = transaction.events_after(0, EVERYTHING)
        last = int(transaction.meta(writer.LAST) or 0)
        owed = transaction.outbox(writer.LINK, 0, EVERYTHING)
        logs = transaction.logs()
    if last < told:
        raise Harm(f"told as saved up to {told}, held up to {last}")
    if [event.name.position for event in events] != list(range(1, last + 1)):
        raise Harm(f"{len(events)} events held, the setting says {last}")
    for event in events:
        true = writer.event(event.name.position)
        if (event.event, event.stream, event.chain) != (true.event, true.stream, true.chain):
            raise Harm(f"{event.name} is held with other bytes")
    if [item.ref for item in owed] != [str(event.name) for event in events]:
        raise Harm("the outbox does not go with the events")
    if [log.position for log in logs] != ([last] if last else []):
        raise Harm("the log does not go with the events")
    if last not in _ends(last):
        raise Harm(f"a batch was split at {last}")
    return last


def _ends(last: int) -> set[int]:
    """Return where batches end, up to the first at or beyond `last`."""
    ends, at = {0}, 0
    while at < last:
        at = writer.batch_after(at)[-1]
        ends.add(at)
    return ends


def _told(ops: list[Op], before: int) -> int:
    said = [op.at for op in ops if op.kind == SAID]
    return said[-1] if said else before


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder in memory, gone afterwards."""
    shared = Path("/dev/shm")
    whole = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
    path = whole / "station"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(whole)


def _lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)
