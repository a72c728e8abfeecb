"""Editions: the authority's alone, switched whole or not at all, fetched in pieces that resume."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from msgspec.structs import replace

from sync.engine import registers, tree
from sync.engine.clock import day_of
from sync.protocol import canonical, frames, statements
from sync.protocol.errors import BadSignature, RegisterRefused
from sync.protocol.merkle import merkle_root
from sync.protocol.packs import encode_pack
from sync.protocol.registers import DeltaRef, Entry, Manifest, Shelf
from sync.protocol.statements import Statement
from sync.signing import Ed25519Signer
from tests.unit.sync.harness import AUTHORITY, STATIONS, Node, World, altered

MATTERS = Shelf("matters", tree.NATION, "village")
DAY_MS = 24 * 3600 * 1000


def matters(*codes: str, name: str = "演示事项") -> dict[str, Any]:
    return {code: {"code": code, "name": name, "text": _text(code)} for code in codes}


def _text(code: str) -> str:
    """Return text that does not compress, so that a pack takes several pieces."""
    return "".join(hashlib.sha256(f"{code}/{n}".encode()).hexdigest() for n in range(200))


def edition(node: Node, shelf: Shelf = MATTERS) -> int:
    with node.store.read() as transaction:
        return transaction.edition(shelf)


def keys(node: Node) -> list[str]:
    with node.store.read() as transaction:
        return [entry.key for entry in transaction.entries("matters")]


def manifest_of(node: Node, shelf: Shelf = MATTERS) -> Manifest:
    with node.store.read() as transaction:
        raw = transaction.statement(statements.MANIFEST, str(shelf))
    assert raw is not None
    return statements.decode(raw).read(Manifest)


def signed(manifest: Manifest, by: Ed25519Signer = AUTHORITY) -> Statement:
    unsigned = Statement(statements.MANIFEST, canonical.dumps(manifest), b"", statements.AUTHORITY)
    return replace(unsigned, signature=by.sign(unsigned.message()))


def take(node: Node, statement: Statement) -> bool:
    def step(transaction: Any) -> bool:
        shape = tree.load(node.core, transaction, node.clock.ms)
        return registers.take_manifest(node.core, shape, transaction, statement)

    took: bool = node.do(step)
    return took


def test_an_edition_reaches_the_stations_it_is_for(world: World) -> None:
    """A village has the shelf of its tier; a township carries it and does not read it."""
    world.publish(MATTERS, matters("A", "B"))
    world.settle()
    assert ["A", "B"] == keys(world.nodes["CG0111"])
    assert [] == keys(world.nodes["CG0101"])
    assert edition(world.nodes["CG0111"]) == edition(world.central)


def test_publishing_what_stands_already_publishes_nothing(world: World) -> None:
    """An edition says something new or is none."""
    world.publish(MATTERS, matters("A"))
    first = edition(world.central)
    world.publish(MATTERS, matters("A"))
    assert first == edition(world.central)


def test_a_later_edition_replaces_the_shelf_whole(world: World) -> None:
    """What the new edition does not have is gone."""
    world.publish(MATTERS, matters("A", "B"))
    world.settle()
    world.publish(MATTERS, matters("B", "C"))
    world.settle()
    assert ["B", "C"] == keys(world.nodes["CG0111"])


def test_an_older_edition_is_refused(world: World) -> None:
    """A relay or a stick cannot take a station back to what was."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    old = manifest_of(village)
    world.publish(MATTERS, matters("B"))
    world.settle()
    with pytest.raises(RegisterRefused):
        take(village, signed(old))
    assert ["B"] == keys(village)


def test_the_same_edition_again_is_no_news(world: World) -> None:
    """A manifest held already is success."""
    world.publish(MATTERS, matters("A"))
    world.settle()
    assert not take(world.nodes["CG0111"], signed(manifest_of(world.nodes["CG0111"])))


def test_a_manifest_of_somebody_else_than_the_authority_is_refused(world: World) -> None:
    """Not even central's own station key publishes."""
    world.publish(MATTERS, matters("A"))
    world.settle()
    newer = replace(manifest_of(world.central), edition=world.clock.ms + DAY_MS)
    with pytest.raises(BadSignature):
        take(world.nodes["CG0111"], signed(newer, by=world.central.signer))


def offer(node: Node, given: list[Entry], **changes: Any) -> None:
    """Give a node a newer signed manifest and its pack, as a relay would."""
    raw = encode_pack(given)
    node.blobs.put(raw)
    before = manifest_of(node)
    pack = replace(
        before.base[0],
        sha256=hashlib.sha256(raw).hexdigest(),
        bytes=len(raw),
        entries=len(given),
    )
    fields = {
        "edition": before.edition + 1,
        "base": [pack],
        "root": merkle_root(given),
        "entries": len(given),
        **changes,
    }
    take(node, signed(replace(before, **fields)))


GOOD_ENTRIES = [Entry("N1", b'{"code":"N1"}'), Entry("N2", b'{"code":"N2"}')]


def test_an_edition_offered_by_hand_is_switched_to(world: World) -> None:
    """The refusals below are for what they change, not for how they are offered."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    offer(village, GOOD_ENTRIES)
    assert [MATTERS] == village.switch().shelves
    assert ["N1", "N2"] == keys(village)


@pytest.mark.parametrize(
    ("entries", "changes"),
    [
        (GOOD_ENTRIES, {"root": "0" * 64}),
        (GOOD_ENTRIES, {"entries": 3}),
        (GOOD_ENTRIES[:1], {"root": merkle_root(GOOD_ENTRIES), "entries": 2}),
        ([GOOD_ENTRIES[0], Entry("N1", b"{}")], {}),
    ],
    ids=["wrong root", "wrong number", "an entry missing", "one key twice"],
)
def test_an_edition_that_does_not_add_up_is_refused_and_the_old_one_stays(
    world: World, entries: list[Entry], changes: dict[str, Any]
) -> None:
    """Whole or not at all; what was refused once is not tried for ever."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    before = edition(village)
    offer(village, entries, **changes)
    for _ in range(3):
        assert [] == village.switch().shelves
    assert ["A"] == keys(village)
    assert before == edition(village)
    assert 1 == village.count("editions_refused")


def test_a_refused_edition_does_not_stand_in_the_way_of_the_next(world: World) -> None:
    """The authority mends it by publishing again."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    offer(village, GOOD_ENTRIES, root="0" * 64)
    village.switch()
    world.publish(MATTERS, matters("C"))
    world.settle()
    assert ["C"] == keys(village)


def test_an_edition_waits_for_the_day_it_takes_effect(world: World) -> None:
    """Held and complete, it is switched to on its day, with nobody to ask."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    world.publish(MATTERS, matters("B"), effective_from=day_of(world.clock.ms + 2 * DAY_MS))
    world.settle()
    assert ["A"] == keys(village)
    world.clock.later(DAY_MS)
    village.switch()
    assert ["A"] == keys(village)
    world.clock.later(DAY_MS)
    assert [MATTERS] == village.switch().shelves
    assert ["B"] == keys(village)


def test_a_first_edition_does_not_wait(world: World) -> None:
    """There is nothing else to work with."""
    world.publish(MATTERS, matters("A"), effective_from="2999-01-01")
    world.settle()
    assert ["A"] == keys(world.nodes["CG0111"])


def test_a_small_pack_comes_along_with_its_manifest(world: World) -> None:
    """One round brings a small edition whole: an ask would cost more than it."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, matters("A"))
    township.sync(world.central)
    village.take(township.serve(village.begin()))
    assert ["A"] == keys(village)


def test_a_small_pack_altered_on_the_way_is_never_applied(world: World) -> None:
    """Its hash names it: what came wrong is dropped and fetched anew."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, matters("A"))
    township.sync(world.central)

    def change(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.BLOB:
            return frame
        piece = frames.decode_blob(frame.payload)
        return frames.encode_blob(piece._replace(data=piece.data[:-1] + b"?"))

    village.take(altered(township.serve(village.begin()), change))
    assert [] == keys(village)
    village.sync(township)
    assert ["A"] == keys(village)


def test_a_blob_nobody_asked_for_is_not_stored(world: World) -> None:
    """A parent cannot fill a station's disk."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    data = b"unasked" * 100
    sha256 = hashlib.sha256(data).hexdigest()
    extra = frames.encode_blob(frames.BlobPiece(sha256, len(data), 0, data))
    answer = township.serve(village.begin())
    village.take(frames.encode_stream([*frames.decode_stream(answer), extra]))
    assert village.blobs.size(sha256) is None


def test_a_piece_whose_size_is_not_its_packs_is_passed_over(world: World) -> None:
    """The manifest says how large a pack is; a size of exabytes allocates nothing."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, matters("A"))
    township.sync(world.central)

    def change(frame: frames.Frame) -> frames.Frame:
        if frame.type != frames.BLOB:
            return frame
        return frames.encode_blob(frames.decode_blob(frame.payload)._replace(size=2**52))

    village.take(altered(township.serve(village.begin()), change))
    assert [] == keys(village)
    village.sync(township)
    assert ["A"] == keys(village)


def test_an_edition_larger_than_a_shelf_may_be_is_refused(world: World) -> None:
    """Bounds are checked on the manifest, before anything is fetched."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, matters("A"))
    world.settle()
    held = manifest_of(village)
    big = replace(held.base[0], bytes=2**40)
    far = DeltaRef("0" * 64, 2**40, 1, held.edition + 1)
    for change in ({"entries": 10**9}, {"base": [big]}, {"chain": [far]}, {"step": far}):
        with pytest.raises(RegisterRefused):
            take(village, signed(replace(held, edition=held.edition + 1, **change)))


def test_a_stations_edition_that_adds_a_station_reaches_every_node(world: World) -> None:
    """The tree is a register like any other, and every relay has it."""
    world.enrol("CG0113", "CG0101", "village")
    world.publish_stations()
    world.settle()
    for node in world.nodes.values():
        assert edition(node, STATIONS) == edition(world.central, STATIONS)
        with node.store.read() as transaction:
            assert "CG0113" in tree.load(node.core, transaction, world.clock.ms).tiers
