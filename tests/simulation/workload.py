"""What the simulated clerks do: acts their page offers them, filled in sensibly, at any station.

Picks by what the station itself shows; knows nothing of what other stations hold.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from casework.acts import acts_offered
from casework.case import Case
from casework.errors import DomainRefusal
from casework.projection import CaseFilter
from sync.protocol.errors import SyncError
from tests.simulation.catalogue import MATTERS, clerk
from tests.simulation.station import FoldBroken, SimNode

CASES_MAX = 14
_WEIGHTS = {
    "supplement_received": 1,
    "void_requested": 1,
    "voided": 1,
    "not_accepted": 1,
    "defects_told": 2,
    "handed_over": 3,
    "handed_back": 2,
    "taken_over": 4,
}
_USUAL = 8


class Deed(NamedTuple):
    """What came of a clerk's try: names of the events written, or why there are none."""

    station: str
    act: str
    stream: str
    names: list[str]
    refused: str


def one_act(node: SimNode, rng: random.Random, cases_open: int, stations: Sequence[str]) -> Deed:
    """Let the clerk of a station do one thing.

    Raises: Crash, of the node's disk.
    """
    intake = cases_open == 0 or (cases_open < CASES_MAX and rng.random() < 0.22)
    intake = intake and not node.core.is_root  # nobody there has the post for it
    if intake:
        return _take_in(node, rng)
    chosen = _choose(node, rng, stations)
    return chosen if isinstance(chosen, Deed) else do(node, *chosen)


def do(node: SimNode, act: str, stream: str | None, fields: dict[str, Any]) -> Deed:
    """Do one act as the station's clerk and return what came of it."""
    code = node.core.station
    try:
        done = node.act(act=act, stream=stream, fields=fields, actor=clerk(code))
    except DomainRefusal as refusal:
        return Deed(code, act, stream or "", [], refusal.code)
    except FoldBroken:
        return Deed(code, act, stream or "", [], "fold_broken")
    except SyncError as error:
        return Deed(code, act, stream or "", [], error.code)
    return Deed(code, act, done.case.stream, done.events, "")


def _take_in(node: SimNode, rng: random.Random) -> Deed:
    matter = rng.choice(MATTERS)
    given = rng.choice([("M1", "M2"), ("M1", "M2"), ("M1",), ("M2",)])
    fields = {
        "matter": matter,
        "applicant": {"name": "演示申请人", "id_type": "其他", "phone": str(rng.randrange(1000))},
        "materials": ticks(*given),
        "offline": rng.random() < 0.2,
    }
    with node.database.read() as transaction:
        service = node.desk.registry(transaction, node.clock_ms()).service(
            node.core.station, matter
        )
    entrusted = service is not None and service.mode == "代办"
    return do(node, "entrusted" if entrusted else "received", None, fields)


def _choose(
    node: SimNode, rng: random.Random, others: Sequence[str]
) -> Deed | tuple[str, str, dict[str, Any]]:
    """Return an act on some case this station shows, with its fields."""
    code = node.core.station
    with node.database.read() as transaction:
        found = node.desk.table(transaction).list(CaseFilter(), 50)
        rows = [row for row in found if not row.cannot_be_shown]
        mine = [r for r in rows if r.holder == code or any(t.station == code for t in r.tasks)]
        rows = mine if mine and rng.random() < 0.75 else rows
        if not rows:
            return Deed(code, "", "", [], "no_case_here")
        stream = rng.choice([row.stream for row in rows])
        case = _shown(node, transaction, stream)
        context = node.desk.context(transaction, node.clock_ms())
        offered = [] if case is None else acts_offered(context, case, clerk(code))
        if case is None or not offered:
            return Deed(code, "", stream, [], "nothing_offered")
        act = rng.choices(offered, [_WEIGHTS.get(name, _USUAL) for name in offered])[0]
        return act, stream, fields_for(act, case, code, rng, others)


def _shown(node: SimNode, transaction: Any, stream: str) -> Case | None:
    try:
        return node.desk.case(transaction, stream)
    except FoldBroken:
        return None


def fields_for(
    act: str, case: Case, station: str, rng: random.Random, others: Sequence[str]
) -> dict[str, Any]:
    """Return what a clerk types for an act."""
    tasks = [t for t in case.tasks if t.station == station and t.open]
    task = rng.choice(tasks) if tasks else None
    result = {"decided": rng.choice(["准予", "不予"]), "step_done": "通过"}.get(act, "已办")
    if act == "task_reported":
        result = "已送达" if task is not None and task.kind == "送达" else "属实"
    return {
        "reason": "演示理由",
        "result": result,
        "defects": [{"material": "M1", "problem": "演示问题"}],
        "materials": ticks("M1", "M2"),
        "kind": rng.choice(["普通", "容缺"]),
        "to": rng.choice([s for s in others if s != station]),
        "task": task.name if task is not None else "",
        "recipient": "本人",
        "note": "演示",
    }


def ticks(*codes: str) -> list[dict[str, str]]:
    """Return the materials that came in."""
    return [{"code": code, "state": "已收"} for code in codes]
