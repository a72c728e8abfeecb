"""Several processes of central over one PostgreSQL database: the engine's invariants hold."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

import pytest

from sync.engine import notices, record
from sync.protocol.ports import GOOD, StoredEvent
from sync.protocol.receipts import chain_next, chain_start
from sync.store.postgres_database import PostgresDatabase
from tests.postgres_server import Cluster
from tests.unit.sync.harness import ROOT, Node, World, verdict_of

T = TypeVar("T")

BRANCHES = {"CG0101": "CG0111", "CG0201": "CG0211", "CG0301": "CG0311"}
"""Townships that call central, each with its village."""
TURNS = 4
CENTRALS = 2


@pytest.fixture
def centrals(cluster: Cluster) -> Iterator[tuple[World, list[Node]]]:
    """A world at rest whose central has its data in PostgreSQL, and two processes of it."""
    address = cluster.database()
    world = World()
    with ExitStack() as open_stores:
        copies = []
        for _ in range(CENTRALS):
            made = copy.copy(world.central)
            made.core = dataclasses.replace(world.central.core, keys={}, trees={})
            made.store = open_stores.enter_context(PostgresDatabase(address))  # type: ignore[assignment]
            copies.append(made)
        world.central = world.nodes[ROOT] = copies[0]
        with copies[0].store.write() as transaction:
            record.open_epoch(copies[0].core, transaction, world.clock.ms, None, 0)
            notices.attach(copies[0].core, transaction, world.clock.ms)
        for township, village in BRANCHES.items():
            world.enrol(township, ROOT, "township")
            world.enrol(village, township, "village")
        world.publish_stations()
        world.settle()
        yield world, copies


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Return what came of acts done at the same time, each in a thread."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(act) for act in acts]]


def whole(central: Node) -> None:
    """Check what several writers could break: arrivals, logs, chains, receipts, sequences."""
    with central.store.read() as transaction:
        arrivals = [event.arrival for event in transaction.events_after(0, 10_000)]
        assert arrivals == list(range(1, len(arrivals) + 1))
        for log in transaction.logs():
            chain = chain_start(log.name)
            events = transaction.log_events(log.name, 0, 10_000)
            assert [event.name.position for event in events] == list(range(1, log.position + 1))
            for event in events:
                assert event.standing == GOOD
                chain = chain_next(chain, event.event.hash)
            assert chain == log.chain
            assert log.name == central.core.log or log.central_position == log.position
        for link in transaction.child_links():
            assert transaction.outbox_count(link.station) == 0


def test_children_call_two_processes_of_central_at_once(
    centrals: tuple[World, list[Node]],
) -> None:
    """Each branch writes about all the others while all call whichever central answers."""
    world, copies = centrals
    written: list[StoredEvent] = []

    def live(number: int, township: str, village: str) -> None:
        for turn in range(TURNS):
            told = world.nodes[village].record(added=[ROOT, *BRANCHES.values()])
            written.append(told)
            world.nodes[village].round(world.nodes[township])
            world.nodes[township].round(copies[(number + turn) % CENTRALS])

    at_once([partial(live, n, *pair) for n, pair in enumerate(BRANCHES.items())])
    world.settle()
    whole(copies[1])
    for village in BRANCHES.values():
        assert world.nodes[village].holds(*written)


def test_one_request_comes_in_at_two_processes_at_once(
    centrals: tuple[World, list[Node]],
) -> None:
    """A repeated round is taken once: both answers give the same receipt, nothing is doubled."""
    world, copies = centrals
    township = world.nodes["CG0101"]
    for _ in range(TURNS):
        written = [township.record(added=[ROOT, "CG0201"]) for _ in range(3)]
        request = township.begin()
        answers = at_once([partial(central.serve, request) for central in copies])
        assert len({str(verdict_of(answer).receipts) for answer in answers}) == 1
        assert len({verdict_of(answer).token for answer in answers}) == len(copies)
        township.take(answers[0])  # whichever was given first: the next round goes on from it
        assert township.log().parent_position == township.log().position
        assert copies[0].holds(*written)
    world.settle()
    whole(copies[0])


def test_every_process_writes_to_centrals_own_log(centrals: tuple[World, list[Node]]) -> None:
    """Acts of central recorded by several processes at once follow each other without a gap."""
    world, copies = centrals

    def act(central: Node) -> None:
        for _ in range(5):
            central.record(added=["CG0101"])

    at_once([partial(act, central) for central in copies for _ in range(2)])
    world.settle()
    whole(copies[0])
    assert copies[0].log().position == 1 + 5 * 2 * CENTRALS
