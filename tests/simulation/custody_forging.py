"""A station that helps itself to a case: takeovers from nowhere, and acts only others may write.

It is in the case's audience, signs with its own key and claims what it likes: the depth of the
root, a warrant of another station, the custody of somebody else. Nothing of it may ever act.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from casework.case import Case
from casework.fold import fold
from node.facts import case_event, is_case_fact
from sync.engine import record
from sync.protocol.ports import Transaction
from tests.simulation.auditor import Auditor, Wrong
from tests.simulation.catalogue import CENTRAL, PARENTS
from tests.simulation.checkers import Checkers
from tests.simulation.station import FoldBroken, SimNode, Station
from tests.simulation.world import World

HELPED_ITSELF = "helped_itself"
"""Field of a body by which the checks, and nobody else, know such an event."""
NUMBER = "伪造-0001"


def help_itself(world: World) -> None:
    """Let a member of a stream that is not above its holder take it over and decide it."""
    auditor = world.auditor
    pairs = [
        (stream, author)
        for stream in auditor.cases()
        if stream not in auditor.broken
        for author in sorted(auditor.members[stream] & world.stations.keys() - {CENTRAL})
    ]
    kind = world.rng.choice(("over", "over", "under", "number"))
    for stream, author in world.rng.sample(pairs, len(pairs)):
        written = world.guarded(author, _Forger(world, stream, kind).write)
        world.look([author])
        world.note(f"{author} helps itself to {stream} {kind} {written}")
        if written:
            world.count(f"helped_itself_{kind}")
            break


class _Forger(NamedTuple):
    """What one station writes into one stream."""

    world: World
    stream: str
    kind: str

    def write(self, node: SimNode) -> list[str]:
        """Record it at the station and return the names; nothing where it would be right."""
        names: list[str] = []
        try:
            with node.database.write() as transaction:
                case = node.desk.case(transaction, self.stream)
                bodies = [] if case is None else self._bodies(node, transaction, case)
                for act, body in bodies:
                    custody = {"custody": names[0]} if names else {}
                    marked = {"at_ms": self.world.true.now_ms, HELPED_ITSELF: True}
                    stored = record.record(
                        node.core, transaction, node.clock_ms(), stream=self.stream, kind=act,
                        actor=record.NODE, added=(), body={**marked, **body, **custody},
                    )  # fmt: skip
                    names.append(str(stored.name))
        except FoldBroken:
            return []
        node.catch_up()
        return names

    def _bodies(
        self, node: SimNode, transaction: Transaction, case: Case
    ) -> list[tuple[str, dict[str, Any]]]:
        own, holder = node.core.station, case.holder
        if self.kind == "number":
            given = ("official_number_given", {"number": NUMBER})
            return [] if own == case.handling else [given]
        if self.kind == "under":
            under = ("decided", {"custody": case.custody, "result": "准予"})
            return [] if own == holder else [under]
        if own in self.world.auditor.path(holder):
            return []
        of = self.world.rng.choice((own, holder, ""))
        warrant = node.desk.registry(transaction, node.clock_ms()).warrant(of) if of else None
        over = {
            "follows": case.custody,
            "holder": own,
            "depth": 0,
            "seen": case.last_of_holder,
            "reason": "演示",
            **({"warrant": warrant} if warrant is not None else {}),
        }
        return [("taken_over", over), ("decided", {"result": "准予"})]


def check_helped(checkers: Checkers) -> None:
    """G4: what was written without right acts nowhere; the author's parent questions it."""
    not_folded = checkers.auditor.broken | checkers.decrees.purged
    for stream in checkers.auditor.cases():
        if stream not in not_folded:
            _check_stream(checkers, checkers.stations[checkers.root], stream)


def _check_stream(checkers: Checkers, central: Station, stream: str) -> None:
    forged = {e.name for e in checkers.auditor.of_stream[stream] if HELPED_ITSELF in e.said()}
    if not forged:
        return
    with central.durable.read() as transaction:
        held = transaction.stream_events(stream)
    case = fold([case_event(central.core, s) for s in held if is_case_fact(s)])
    if case.bodies_missing:
        return  # purged in part: for showing only, nobody acts on it
    if acting := forged - {item.name for item in case.superseded}:
        raise Wrong(f"{min(acting)} acts, and its author helped itself to the case")
    if case.official_no == NUMBER or case.custody in forged:
        raise Wrong(f"{stream} shows what somebody helped himself to")
    _check_questioned(checkers.auditor, stream, forged)


def _check_questioned(auditor: Auditor, stream: str, forged: set[str]) -> None:
    under_forged = {e.name for e in auditor.of_stream[stream] if e.said().get("custody") in forged}
    asked = {
        (e.said().get("event"), e.log[0])
        for e in auditor.of_stream[stream]
        if e.kind == "questioned"
    }
    for name in forged - under_forged:
        if (name, PARENTS[name.partition("/")[0]]) not in asked:
            raise Wrong(f"{name} was written without right and its author's parent says nothing")


__all__ = ["HELPED_ITSELF", "check_helped", "help_itself"]
