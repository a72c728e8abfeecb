"""The phase in which a township's uplink is cut: a relay is enough (G5)."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulation import workload
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import TOWNSHIP, VILLAGE, VILLAGE_2
from tests.simulation.world import World

RELAY_ROUNDS_MAX = 4


def relay_alone(world: World) -> None:
    """G5: with the township's uplink cut, its villages and it go on working with each other."""
    for code in (TOWNSHIP, VILLAGE, VILLAGE_2):
        world.stations[code].clock.set_right()
        make_well(world, code)
    if not all(_has_registers(world, code) for code in (TOWNSHIP, VILLAGE, VILLAGE_2)):
        world.count("relay_phase_skipped")
        return
    world.note("relay alone")
    world.network.mend()
    world.network.cut = {VILLAGE: 0, VILLAGE_2: 0, TOWNSHIP: world.step + 10_000}
    fields = {
        "matter": "M100",
        "applicant": {"name": "演示申请人"},
        "materials": workload.ticks("M1", "M2"),
    }
    taken_in = _must_act(world, VILLAGE, "received", None, fields)
    stream = taken_in.stream
    _within(world, VILLAGE, TOWNSHIP, taken_in.names, "up to the cut-off township")
    _within(world, VILLAGE, VILLAGE, _names(world, stream), "back to the village")
    over = _must_act(world, TOWNSHIP, "handed_over", stream, {"to": VILLAGE_2, "reason": "演示"})
    _within(world, VILLAGE_2, VILLAGE_2, over.names, "down to the other village")
    _within(world, VILLAGE_2, TOWNSHIP, _names(world, stream), "up from the other village")
    _within(world, VILLAGE, VILLAGE, _names(world, stream), "across to the first village")
    world.count("relay_phase")


def _names(world: World, stream: str) -> list[str]:
    return [entry.name for entry in world.auditor.of_stream[stream]]


def _must_act(
    world: World, code: str, act: str, stream: str | None, fields: Mapping[str, object]
) -> workload.Deed:
    deed = world.act(code, lambda node: workload.do(node, act, stream, dict(fields)))
    if deed is None or not deed.names:
        why = "its node is down" if deed is None else deed.refused
        raise Wrong(f"{code} could not do {act} while its township's uplink was cut: {why}")
    return deed


def _within(world: World, child: str, where: str, names: list[str], way: str) -> None:
    for _ in range(RELAY_ROUNDS_MAX):
        world.step += 1
        world.exchange(child)
        if world.checkers.held[where].issuperset(names):
            return
    missing = sorted(set(names) - world.checkers.held[where])
    raise Wrong(f"{missing} did not get {way} within {RELAY_ROUNDS_MAX} rounds of {child}")


def _has_registers(world: World, code: str) -> bool:
    with world.stations[code].durable.read() as transaction:
        registers = ("stations", "matters", "services", "staff")
        return all(transaction.entries(register) for register in registers)


def make_well(world: World, code: str) -> None:
    """Let a station run on a good disk."""
    station = world.stations[code]
    station.store.disarm()
    if station.node is None:
        world.start(code)
    world.project(code)
