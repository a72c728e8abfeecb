"""Deltas, editions to come, and what leaves: each shelf ends as the authority published it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from sync.engine import editions, publishing, registers
from sync.engine.clock import day_of
from sync.protocol import frames
from sync.protocol.deltas import make_delta
from sync.protocol.errors import RegisterRefused
from sync.protocol.registers import DeltaRef, Entry, Manifest, Shelf
from tests.unit.sync.harness import Node, World, frame_types
from tests.unit.sync.test_engine_registers import (
    MATTERS,
    edition,
    manifest_of,
    matters,
    signed,
    take,
)

DAY_MS = 24 * 3600 * 1000
CODES = [f"M{n:02d}" for n in range(20)]


def rows(**names: str) -> dict[str, Any]:
    """Return the catalogue with some matters under another name."""
    found = matters(*CODES)
    for code, name in names.items():
        found[code] = {**found[code], "name": name}
    return found


def names(node: Node) -> dict[str, str]:
    """Return the matters of a node that do not have the name they began with."""

    with node.store.read() as transaction:
        held = [json.loads(entry.raw) for entry in transaction.entries("matters")]
    return {row["code"]: row["name"] for row in held if row["name"] != "演示事项"}


def shelf_of(node: Node) -> list[Entry]:
    with node.store.read() as transaction:
        return list(transaction.shelf_entries(MATTERS))


def held_blobs(node: Node, manifest: Manifest) -> int:
    return sum(node.blobs.size(blob.sha256) is not None for blob in manifest.blobs)


def test_a_change_travels_as_a_delta_with_its_manifest_in_one_round(world: World) -> None:
    """One request brings manifest and delta, and the shelf is switched on the spot."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, rows())
    world.settle()
    world.publish(MATTERS, rows(M03="改名"))
    township.sync(world.central)
    answer = township.serve(village.begin())
    assert 1 == frame_types(answer).count(frames.BLOB)
    village.take(answer)
    assert {"M03": "改名"} == names(village)
    manifest = manifest_of(village)
    assert 1 == len(manifest.chain) == manifest.chain[0].entries
    assert manifest.chain[0].bytes < 400
    assert edition(village) == edition(world.central)


def test_only_the_deltas_a_station_lacks_are_sent(world: World) -> None:
    """One that has two of three gets the third; an answer lost on its way does not count."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    for n in range(3):
        world.publish(MATTERS, rows(**{f"M{at:02d}": "新" for at in range(n)}))
        world.settle()
    world.publish(MATTERS, rows(M00="又", M01="新"))
    township.sync(world.central)
    for _ in range(2):
        answer = township.serve(village.begin())
        assert 1 == frame_types(answer).count(frames.BLOB)
    village.take(answer)
    assert {"M00": "又", "M01": "新"} == names(village)


def test_a_station_that_was_away_takes_several_deltas_at_once(world: World) -> None:
    """It has edition N-3 and applies the three it lacks, and not its base again."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, rows())
    world.settle()
    for n in range(3):
        world.publish(MATTERS, rows(**{f"M{at:02d}": f"第{n}次" for at in range(n + 1)}))
        township.sync(world.central)
    village.sync(township)
    assert {"M00": "第2次", "M01": "第2次", "M02": "第2次"} == names(village)
    assert 0 == village.count("editions_from_base")


def test_a_station_without_base_takes_base_and_chain(world: World) -> None:
    """A first load is served from static bytes, however many editions came before."""
    world.publish(MATTERS, rows())
    world.publish(MATTERS, rows(M01="一"))
    world.publish(MATTERS, {**rows(M01="二"), **matters("Z1")})
    assert 2 == len(manifest_of(world.central).chain)
    world.settle()
    assert {"M01": "二"} == names(world.nodes["CG0111"])
    assert shelf_of(world.central) == shelf_of(world.nodes["CG0111"])


def test_a_long_chain_is_joined_and_a_step_leads_past_it(world: World) -> None:
    """Manifests stay small; whoever follows every edition loads no more than the change."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, rows())
    world.settle()
    for n in range(publishing.DELTAS_MAX + 2):
        world.publish(MATTERS, rows(M05=f"第{n}次"))
        world.settle()
        assert {"M05": f"第{n}次"} == names(village)
        assert len(manifest_of(village).chain) <= publishing.DELTAS_MAX
    assert manifest_of(village).base_edition < manifest_of(village).edition
    assert 0 == village.count("editions_from_base")
    late = world.enrol("CG0113", "CG0101", "village")
    world.publish_stations()
    world.settle()
    assert shelf_of(world.central) == shelf_of(late)


def test_a_new_base_is_cut_for_a_large_change_and_a_step_saves_its_load(world: World) -> None:
    """Beyond a tenth of the base the next edition has a base of its own."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, rows())
    world.settle()
    world.publish(MATTERS, {**rows(), **matters("N1", "N2", "N3")})
    township.sync(world.central)
    manifest = manifest_of(world.central)
    assert manifest.base_edition == manifest.edition
    assert manifest.step is not None
    village.sync(township)
    assert shelf_of(world.central) == shelf_of(village)
    assert held_blobs(village, manifest) == 1, "the step alone"
    assert held_blobs(township, manifest) == 1 + len(manifest.base), "a relay hands on either"


def test_an_old_base_is_replaced(world: World) -> None:
    """After 35 days."""
    world.publish(MATTERS, rows())
    world.clock.later(publishing.BASE_MS_MAX + 1)
    world.publish(MATTERS, rows(M01="新"))
    manifest = manifest_of(world.central)
    assert manifest.base_edition == manifest.edition


def offer_delta(node: Node, made_of: list[Entry], wanted: list[Entry], **changes: Any) -> None:
    """Give a node the manifest of an edition whose delta is not what it says."""
    before = manifest_of(node)
    made = make_delta(made_of, wanted, before=before.edition, edition=before.edition + 1)
    ref = DeltaRef(node.blobs.put(made.raw), len(made.raw), made.entries, before.edition + 1)
    fields = {"edition": before.edition + 1, "chain": [*before.chain, ref], **changes}
    take(node, signed(replace(before, **fields)))


@pytest.mark.parametrize("wrong", ["root", "edition", "places"])
def test_a_delta_that_does_not_add_up_leaves_everything_as_it_was(world: World, wrong: str) -> None:
    """The base is tried before the edition is refused; then the former stays, row for row."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, rows())
    world.settle()
    before, number = shelf_of(village), edition(village)
    changed = [*before[:-1], Entry(before[-1].key, before[-1].raw.replace(b"M19", b"M20"))]
    if wrong == "root":
        offer_delta(village, before, changed)
    elif wrong == "edition":
        offer_delta(village, before, changed, edition=number + 5)
    else:
        offer_delta(village, before[1:], changed[1:])
    for _ in range(2):
        assert [] == village.switch().shelves
    assert (before, number) == (shelf_of(village), edition(village))
    assert (1, 1) == (village.count("editions_from_base"), village.count("editions_refused"))


def test_a_shelf_gone_wrong_here_is_made_anew_from_the_base(world: World) -> None:
    """A delta that does not lead there is not the end: base and chain do, and they are the same."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    world.publish(MATTERS, rows())
    world.settle()
    with village.store.write() as transaction:
        transaction.change_shelf(MATTERS, edition(village), [Entry("M00", b'{"bad":1}')], [])
    world.publish(MATTERS, rows(M03="改名"))
    township.sync(world.central)
    village.sync(township)
    assert shelf_of(world.central) == shelf_of(village)
    assert 1 == village.count("editions_from_base")


def later(world: World, days: int) -> str:
    return day_of(world.clock.ms + days * DAY_MS)


def test_editions_to_come_are_held_and_switched_by_the_node_itself(world: World) -> None:
    """Two future editions fetched today; the link is cut; each takes effect on its day."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, rows())
    world.publish(MATTERS, rows(M01="三天后"), effective_from=later(world, 3))
    world.publish(MATTERS, rows(M01="五天后", M02="五天后"), effective_from=later(world, 5))
    world.settle()
    seen = []
    for _ in range(6):
        due = village.do(lambda t: editions.due(village.core, t, world.clock.ms, village.blobs))
        assert due == bool(village.switch().shelves)
        seen.append(names(village).get("M01", ""))
        world.clock.later(DAY_MS)
    assert ["", "", "", "三天后", "三天后", "五天后"] == seen
    assert {"M01": "五天后", "M02": "五天后"} == names(village)
    with village.store.read() as transaction:
        assert 1 == sum(shelf == MATTERS for shelf, _ in registers.manifests(transaction))


def test_an_urgent_edition_does_not_take_the_place_of_one_to_come(world: World) -> None:
    """What is published for now is in force now; on its day the planned one is."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, rows())
    world.publish(MATTERS, rows(M01="新法"), effective_from=later(world, 3))
    world.settle()
    world.publish(MATTERS, rows(M02="急"))
    world.settle()
    assert {"M02": "急"} == names(village)
    assert edition(village) == edition(world.central)
    world.clock.later(3 * DAY_MS)
    village.switch()
    assert {"M01": "新法"} == names(village)


def test_the_day_is_that_of_trusted_time(world: World) -> None:
    """A node whose clock runs a week ahead does not live by next week's law."""
    village = world.nodes["CG0111"]
    world.publish(MATTERS, rows())
    world.publish(MATTERS, rows(M01="新法"), effective_from=later(world, 3))
    world.settle()
    with village.store.write() as transaction:
        transaction.set_meta("trusted_offset_ms", str(-7 * DAY_MS))
    world.clock.later(7 * DAY_MS)
    village.switch()
    assert {} == names(village)
    world.clock.later(3 * DAY_MS)
    village.switch()
    assert {"M01": "新法"} == names(village)


def test_a_new_station_starts_with_what_is_in_force_and_holds_what_is_to_come(world: World) -> None:
    """An edition for next month does not become a new station's first."""
    world.publish(MATTERS, rows())
    world.publish(MATTERS, rows(M01="新法"), effective_from=later(world, 3))
    world.settle()
    late = world.enrol("CG0113", "CG0101", "village")
    world.publish_stations()
    world.settle()
    assert {} == names(late)
    assert 20 == len(shelf_of(late))
    world.clock.later(3 * DAY_MS)
    late.switch()
    assert {"M01": "新法"} == names(late)


def test_too_many_editions_to_come_are_refused(world: World) -> None:
    """What every node holds is bounded."""
    world.publish(MATTERS, rows())
    for n in range(registers.PENDING_MAX - 1):
        world.publish(MATTERS, rows(M01=f"第{n}次"), effective_from=later(world, 99 + n))
    with pytest.raises(RegisterRefused):
        world.publish(MATTERS, rows(M01="再来"), effective_from=later(world, 50))


def test_what_leaves_is_told_within_the_transaction(world: World) -> None:
    """Entries changed or removed, as they were; by delta and by base alike."""
    village = world.nodes["CG0111"]
    told: list[tuple[Shelf, str]] = []
    village.core.leaving = lambda _, shelf, entry: told.append((shelf, entry.key))
    world.publish(MATTERS, rows())
    world.settle()
    assert [] == told
    changed = rows(M03="改名")
    del changed["M07"]
    world.publish(MATTERS, changed)
    world.settle()
    assert [(MATTERS, "M03"), (MATTERS, "M07")] == sorted(told)
    told.clear()
    world.publish(MATTERS, matters("Q1"))
    world.settle()
    assert {(MATTERS, code) for code in changed} == set(told)
