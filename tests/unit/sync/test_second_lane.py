"""The second lane: asks signed, fresh and in one's own right; ranges that resume; wrong bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from sync.engine import blobs as engine
from sync.engine import tree
from sync.engine.blobs import Want
from sync.protocol import blobs as lane
from sync.protocol import canonical, rounds, statements
from sync.protocol.blobs import GET, Ask, Part
from sync.protocol.errors import BadSignature, Malformed, StaleAsk
from sync.protocol.registers import Manifest, PackRef, Shelf
from tests.unit.sync.harness import Node, World, county

VILLAGES = Shelf("matters", tree.NATION, "village")
TOWNSHIPS = Shelf("matters", tree.NATION, "township")


@pytest.fixture(name="world")
def _world() -> World:
    return county()


def rows(count: int) -> dict[str, Any]:
    """Return entries that do not compress, so that their pack is too large to go along."""
    return {
        f"M{n:03}": {
            "t": "".join(hashlib.sha256(f"{n}/{k}".encode()).hexdigest() for k in range(99))
        }
        for n in range(count)
    }


def pack_of(node: Node, shelf: Shelf = VILLAGES) -> PackRef:
    with node.store.read() as transaction:
        raw = transaction.statement(statements.MANIFEST, str(shelf))
    assert raw is not None
    return statements.decode(raw).read(Manifest).base[0]


def told(world: World, count: int = 24) -> tuple[Node, Node, PackRef]:
    """Return a village that knows of an edition its township holds, and the edition's pack."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(VILLAGES, rows(count))
    township.sync(world.central)
    village.take(township.serve(village.begin()))
    pack = pack_of(village)
    assert village.blobs.size(pack.sha256) is None
    return village, township, pack


def held(node: Node) -> int:
    with node.store.read() as transaction:
        return len(transaction.entries("matters"))


def answered(above: Node, ask: bytes | None) -> bytes:
    assert ask is not None
    served = above.exchange.serve(ask)
    whole = b"".join(served.pieces)
    assert served.length == len(whole)
    return whole


def test_what_is_wanted_comes_whole_and_switches(world: World) -> None:
    """One ask brings a pack, and the edition it completes is in use at once."""
    village, township, pack = told(world)
    taken = village.fetch(township)
    assert (pack.bytes, 1, 0) == taken
    assert 24 == held(village)
    assert [] == village.exchange.wanted()


@pytest.mark.parametrize("kept", [3, 4, 5, 1000, 70_000])
def test_an_answer_cut_off_is_resumed_where_it_stopped(world: World, kept: int) -> None:
    """What came before a cut is stored and never sent again."""
    village, township, pack = told(world)
    assert pack.bytes > 70_000
    first = village.fetch(township, alter=lambda raw: raw[:kept], asks_max=1)
    assert (
        max(kept - lane.PART_HEAD_BYTES, 0) == first.stored == village.blobs.received(pack.sha256)
    )
    assert 0 == held(village)
    rest = village.fetch(township)
    assert pack.bytes - first.stored == rest.stored
    assert 24 == held(village)


def test_slices_add_up_to_the_whole(world: World) -> None:
    """However small the asks, each byte is asked for once."""
    village, township, pack = told(world)
    taken = village.fetch(township, bytes_per_ask=8192)
    assert (pack.bytes, 1, 0) == taken
    assert 24 == held(village)


def test_wrong_bytes_are_counted_and_fetched_again(world: World) -> None:
    """Its hash names a blob: what came wrong is dropped whole and wanted anew."""
    village, township, _ = told(world)
    taken = village.fetch(township, alter=lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), asks_max=1)
    assert 0 == taken.whole
    assert 0 == held(village)
    assert 1 == village.count(engine.WRONG)
    village.fetch(township)
    assert 24 == held(village)


def test_knowing_a_hash_is_no_right(world: World) -> None:
    """A village is given what its subtree reads; another tier's pack is not here for it."""
    village, township, _ = told(world)
    world.publish(TOWNSHIPS, rows(7))
    township.sync(world.central)
    other = pack_of(township, TOWNSHIPS)
    parts = [Part(other.sha256, 0, other.bytes)]
    assert lane.part_head(lane.NOT_HERE) == answered(township, village.exchange.ask(parts))
    central = world.central
    assert other.bytes < len(answered(central, township.exchange.ask(parts)))


def test_what_is_not_here_yet_is_said_and_does_not_hold_up_the_rest(world: World) -> None:
    """A part the parent lacks costs four bytes; the parts behind it come."""
    village, township, pack = told(world)
    unknown = Part("0" * 64, 0, 10)
    parts = [unknown, Part(pack.sha256, 0, pack.bytes)]
    raw = answered(township, village.exchange.ask(parts))
    taker = village.exchange.taker([Want(pack.sha256, pack.bytes, 0)], parts)
    taker.feed(raw)
    taker.flush()
    assert (pack.bytes, 1, 1) == taker.taken()


def test_an_offset_beyond_the_end_is_not_here(world: World) -> None:
    """A range outside the pack brings no bytes and no error."""
    village, township, pack = told(world)
    parts = [Part(pack.sha256, pack.bytes + 1, 5), Part(pack.sha256, pack.bytes, 5)]
    raw = answered(township, village.exchange.ask(parts))
    assert lane.part_head(lane.NOT_HERE) + lane.part_head(0) == raw


def test_an_ask_is_for_one_parent_and_by_one_child(world: World) -> None:
    """Shown to another node, or signed by another key, an ask is worth nothing."""
    village, township, pack = told(world)
    parts = [Part(pack.sha256, 0, 10)]
    ask = village.exchange.ask(parts)
    assert ask is not None
    with pytest.raises(BadSignature):
        world.central.exchange.serve(ask)
    with pytest.raises(BadSignature):
        township.exchange.serve(_resigned(village, world.nodes["CG0112"], ask))
    answered(township, ask)


def _resigned(claimed: Node, by: Node, ask: bytes) -> bytes:
    """Return an ask in the name of one station, signed by the key of another."""
    header, _ = lane.split_ask(ask)
    _, payload = rounds.split_header(header)
    assert claimed.code == lane.decode_ask(payload).station
    assert by.core.parent is not None
    signature = by.signer.sign(lane.ask_message(by.core.parent, payload))
    return lane.encode_ask(rounds.encode_header(signature, payload))


def test_an_ask_heard_on_the_way_is_dead_two_rounds_later(world: World) -> None:
    """The token of the last rounds is in it; a fresh ask of the same child is answered."""
    village, township, pack = told(world)
    parts = [Part(pack.sha256, 0, 10)]
    ask = village.exchange.ask(parts)
    village.take(township.serve(village.begin()))
    answered(township, ask)
    village.take(township.serve(village.begin()))
    village.take(township.serve(village.begin()))
    assert ask is not None
    with pytest.raises(StaleAsk):
        township.exchange.serve(ask)
    answered(township, village.exchange.ask(parts))


def test_before_the_first_answer_nothing_is_asked(world: World) -> None:
    """A node that never had a round with its parent has no token to ask with."""
    late = world.enrol("CG0113", "CG0101", "village")
    assert late.exchange.ask([Part("0" * 64, 0, 1)]) is None


def test_a_second_copy_is_given_nothing(world: World) -> None:
    """Its token is spent, and the parent knows it."""
    village, township, pack = told(world)
    disk = village.disk()
    for _ in range(2):
        village.take(township.serve(village.begin()))
    village.put_back(disk)
    ask = village.exchange.ask([Part(pack.sha256, 0, 10)])
    assert ask is not None
    with pytest.raises(StaleAsk):
        township.exchange.serve(ask)


def test_an_ask_for_what_nobody_knows_is_refused(world: World) -> None:
    """A kind of ask this release does not know is the caller's error."""
    village, township, _ = told(world)
    with village.store.read() as transaction:
        ask = engine.make_ask(village.core, transaction, "drop", [])
    assert ask is not None
    with pytest.raises(Malformed):
        township.exchange.serve(ask)


def test_more_bytes_than_asked_for_are_refused(world: World) -> None:
    """A parent cannot fill a station's disk."""
    village, _, pack = told(world)
    parts = [Part(pack.sha256, 0, 10)]
    taker = village.exchange.taker([Want(pack.sha256, pack.bytes, 0)], parts)
    with pytest.raises(Malformed):
        taker.feed(lane.part_head(11) + bytes(11))
    assert 0 == village.blobs.received(pack.sha256)
    taker = village.exchange.taker([Want(pack.sha256, pack.bytes, 0)], parts)
    with pytest.raises(Malformed):
        taker.feed(lane.part_head(10) + bytes(10) + lane.part_head(10) + bytes(10))


@pytest.mark.parametrize(
    "parts",
    [
        [Part("0" * 63, 0, 1)],
        [Part("A" * 64, 0, 1)],
        [Part("0" * 64, -1, 1)],
        [Part("0" * 64, 0, -1)],
    ],
)
def test_a_part_out_of_shape_is_malformed(parts: list[Part]) -> None:
    """Names are lower-case hex, offsets and counts not below zero."""
    ask = Ask(1, "CG0111", 1, bytes(8), GET, parts)
    with pytest.raises(Malformed):
        lane.decode_ask(canonical.dumps(ask))
