"""Cases a hostile or broken station made up: they harm themselves and nobody's node."""

from __future__ import annotations

from typing import Any

import pytest

from sync.protocol import canonical
from sync.protocol.names import EventName
from tests.integration.forging import plant
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree

AT_ONCE = "CG-CW-0101"
HANDED_ON = "CG-MZ-0101"
CROWD = [f"AA{i:04d}" for i in range(62)]


def hand_over_a_made_up_case(tree: Tree, *, handling: str, aud: list[str]) -> EventName:
    """Plant a case at the village that its township takes by rule and must then pass on."""
    village = tree.nodes[VILLAGE]
    with village.database.read() as transaction:
        registry = village.desk.registry(transaction, tree.now_ms)
        matter, entry = registry.matter(HANDED_ON), registry.matter_entry(HANDED_ON)
    assert matter is not None
    assert entry is not None
    opening: dict[str, Any] = {
        "at_ms": tree.now_ms,
        "day": "2026-11-24",
        "follows": "",
        "holder": VILLAGE,
        "depth": 3,
        "receipt_no": "X1",
        "mode": "代收",
        "receiving": TOWNSHIP,
        "handling": handling,
        "delivery": VILLAGE,
        "matter": {"code": matter.code, "version": matter.version, "hash": matter.hash},
        "applicant": {"name": "演示申请人"},
        "materials": [{"code": m["code"], "state": "已收"} for m in entry["materials"]],
    }
    opened = plant(village, type="received", body=canonical.dumps(opening), aud=aud)
    offer = {"at_ms": tree.now_ms, "custody": str(opened), "to": TOWNSHIP, "reason": ""}
    plant(village, type="handed_over", stream=str(opened), body=canonical.dumps(offer))
    return opened


@pytest.mark.parametrize(
    ("handling", "aud"),
    [("no station!", [TOWNSHIP]), (DISTRICT, [TOWNSHIP, *CROWD])],
    ids=["handled nowhere", "a crowd too large for one more"],
)
def test_a_rule_that_cannot_be_recorded_stops_its_own_case_only(
    tree: Tree, handling: str, aud: list[str]
) -> None:
    """The node goes on projecting, writes nothing over and over, and starts again."""
    opened = hand_over_a_made_up_case(tree, handling=handling, aud=aud)
    after = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    shown = tree.row(TOWNSHIP, str(opened))
    assert shown is not None
    assert shown.cannot_be_shown
    assert 2 == tree.events(TOWNSHIP, str(opened))
    assert TOWNSHIP == getattr(tree.row(TOWNSHIP, after), "holder", "")
    tree.reopen(TOWNSHIP)
    tree.settle()
    assert 2 == tree.events(CENTRAL, str(opened))


def test_an_empty_official_number_does_not_make_central_give_numbers_for_ever(tree: Tree) -> None:
    """A number that says nothing is no number; the real one is given once."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, stream, "accepted") if _status(tree, stream) == "已收件" else None
    empty = canonical.dumps({"at_ms": tree.now_ms, "number": ""})
    plant(tree.nodes[VILLAGE], type="official_number_given", stream=stream, body=empty, hlc=1)
    held = tree.events(VILLAGE, stream)
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    assert row.official_no
    assert held + 1 == tree.events(CENTRAL, stream)


def _status(tree: Tree, stream: str) -> str:
    row = tree.row(VILLAGE, stream)
    return "" if row is None else str(row.status)
