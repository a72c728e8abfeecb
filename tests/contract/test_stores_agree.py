"""The memory store stands in for SQLite in nine simulations of ten: all must answer alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext, suppress

import pytest

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import (
    GOOD,
    INCOMPLETE,
    SET_ASIDE,
    ChildLink,
    LogState,
    Refused,
    Store,
    Transaction,
)
from sync.protocol.registers import Entry, Shelf
from tests.fakes.memory_store import MemoryStore
from tests.fakes.sample_events import EPOCH, sample_event

STATIONS = ("CG0101", "CG0111", "CG0112")
STREAMS = ("A", "B", "C")
SHELVES = [Shelf("matters", division, "village") for division in ("530114", "53", "530000")]
TRANSACTIONS = 25
Act = Callable[[Transaction], object]


class UndoneError(Exception):
    """Ends a transaction that shall leave nothing."""


def choose_act(chance: random.Random, new_position: int) -> Act:
    """Return one random write."""
    station, stream = chance.choice(STATIONS), chance.choice(STREAMS)
    log, ref = LogName(station, EPOCH), str(chance.randrange(6))
    position, through = chance.randrange(1, 30), chance.randrange(30)
    standing = chance.choice((GOOD, INCOMPLETE, SET_ASIDE))
    entries = [Entry(str(chance.randrange(9)), ref.encode()) for _ in range(4)]
    shelf, pair = chance.choice(SHELVES), chance.sample(STATIONS, 2)
    acts: list[Act] = [
        lambda t: t.put_event(
            sample_event(new_position, station=station, stream=stream, standing=standing)
        ),
        lambda t: t.put_log(LogState(log, position, b"c", parent_position=through)),
        lambda t: t.refuse(Refused(log, position, "malformed", b"h")),
        lambda t: t.doubt(EventName(*log, position)),
        lambda t: t.add_audience(stream, pair),
        lambda t: t.add_route(stream, station),
        lambda t: t.drop_route(stream, station),
        lambda t: t.enqueue(station, "event", ref),
        lambda t: t.enqueue(station, "event", ref),
        lambda t: t.acknowledge(station, through),
        lambda t: t.put_statement("receipt", ref, stream.encode()),
        lambda t: t.replace_shelf(shelf, position, entries),
        lambda t: t.set_meta(station, ref),
        lambda t: t.put_child_link(ChildLink(station, EPOCH, ref, acknowledged=position)),
        lambda t: t.change_shelf(shelf, position, entries, [str(n) for n in range(3)]),
        lambda t: t.drop_statement("receipt", ref),
    ]
    return chance.choice(acts)


def choose_look(chance: random.Random, top: int) -> Act:
    """Return one random question, of those a store may have an answer ready for."""
    station, stream = chance.choice(STATIONS), chance.choice(STREAMS)
    log, ref = LogName(station, EPOCH), str(chance.randrange(6))
    name = EventName(station, EPOCH, chance.randrange(1, top + 2))
    looks: list[Act] = [
        lambda t: t.event(name),
        lambda t: t.foresee([name, EventName(*log, 1)], [stream, "A"]),
        lambda t: t.foresee([EventName(*log, n) for n in range(1, 20)], STREAMS),
        lambda t: t.stream_events(stream),
        lambda t: t.audience(stream),
        lambda t: t.routes(stream),
        lambda t: t.log(log),
        lambda t: t.refusals(log),
        lambda t: t.meta(station),
        lambda t: t.statement("receipt", ref),
        lambda t: t.child_link(station),
        lambda t: t.child_links(),
        lambda t: t.last_sequence(station),
        lambda t: t.outbox(station, 0, 99),
        lambda t: t.events_after(0, 99),
        lambda t: t.doubts(name),
    ]
    return chance.choice(looks)


def picture(t: Transaction) -> list[object]:
    """Return what every reading method says, for every argument that was used."""
    per_station = [
        (
            t.log_events(LogName(code, EPOCH), 3, 10),
            t.refusals(LogName(code, EPOCH)),
            [t.doubts(EventName(code, EPOCH, n)) for n in range(1, 30)],
            t.outbox(code, 2, 4),
            t.outbox_count(code),
            t.last_sequence(code),
            t.streams_routed(code),
            t.streams_of([code, "CG0101"]),
        )
        for code in STATIONS
    ]
    per_stream = [(t.stream_events(s), t.audience(s), t.routes(s)) for s in STREAMS]
    return [
        per_station,
        per_stream,
        t.logs(),
        t.logs_unsent(),
        t.events_after(2, 10),
        [t.events_standing(standing, 5) for standing in (GOOD, INCOMPLETE, SET_ASIDE)],
        t.event_count(),
        t.statements("receipt"),
        t.editions(),
        t.entries("matters"),
        [list(t.shelf_entries(Shelf.parse(shelf))) for shelf in t.editions()],
        [t.entry("matters", str(n)) for n in range(9)],
    ]


def perform(store: Store, acts: list[Act], *, undone: bool) -> None:
    try:
        with store.write() as t:
            for act in acts:
                act(t)
            if undone:
                raise UndoneError
    except UndoneError:
        return


@pytest.mark.parametrize("seed", range(12))
def test_a_store_answers_as_the_memory_store_does_after_the_same_work(
    kept_store: Store, seed: int
) -> None:
    """Random transactions, a third of them rolled back, leave the same picture in both."""
    memory = MemoryStore()
    for number in range(TRANSACTIONS):
        undone = random.Random(f"{seed}/{number}").random() < 1 / 3
        for store in (memory, kept_store):
            chance = random.Random(f"{seed}/{number}/acts")
            acts = [choose_act(chance, number * 10 + n + 1) for n in range(8)]
            perform(store, acts, undone=undone)
        with memory.read() as fake, kept_store.read() as real:
            assert picture(real) == picture(fake)


@pytest.mark.parametrize("seed", range(6))
def test_a_store_answers_as_the_memory_store_does_inside_a_transaction(
    kept_store: Store, seed: int
) -> None:
    """Writes, questions and savepoints that fail, mixed at random: each answer is the same."""
    chance = random.Random(f"inside/{seed}")
    memory, position = MemoryStore(), 0
    for _ in range(6):
        with memory.write() as fake, kept_store.write() as real:
            for _ in range(40):
                position += 1
                failing, act = chance.random() < 0.1, choose_act(chance, position)
                look = choose_look(chance, position)
                for t in (fake, real):
                    with suppress(UndoneError), t.savepoint() if failing else nullcontext():
                        act(t)
                        if failing:
                            look(t)
                            raise UndoneError
                assert look(real) == look(fake)
        with memory.read() as fake, kept_store.read() as real:
            assert picture(real) == picture(fake)
