"""Events that must not be taken: each is shown at its author, and nothing else waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from node.situation import CENTRAL as AT_CENTRAL
from node.situation import rung_of_case
from sync.engine import record
from sync.protocol import frames
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.limits import BODY_BYTES_MAX
from sync.protocol.names import EventName
from sync.protocol.ports import SET_ASIDE
from sync.signing import Ed25519Signer, new_seed
from tests.integration.forging import plant, rewritten
from tests.integration.tree_world import (
    CENTRAL,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
)

AT_ONCE = "CG-CW-0101"
HANDED_ON = "CG-MZ-0101"
LARGE_BODY = b'{"text":"' + b"a" * BODY_BYTES_MAX + b'"}'


def reasons(tree: Tree, code: str, name: EventName) -> list[str]:
    """Return why a position is refused at a station."""
    with tree.nodes[code].database.read() as transaction:
        return [r.reason for r in transaction.refusals(name.log) if r.position == name.position]


def holds(tree: Tree, code: str, name: EventName) -> bool:
    """Return whether a station holds an event."""
    with tree.nodes[code].database.read() as transaction:
        return transaction.event(name) is not None


def at_central(tree: Tree, code: str, stream: str) -> bool:
    """Return whether a case of a station has come to central by the station's own word."""
    node = tree.nodes[code]
    with node.database.read() as transaction:
        return AT_CENTRAL == rung_of_case(node.core, transaction, stream)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("a key that is not its own", {"signer": Ed25519Signer(new_seed())}, "bad_signature"),
    ("a blank in the envelope", {"spelling": lambda raw: raw.replace(b":", b": ", 1)}, "malformed"),
    ("a float", {"spelling": lambda raw: raw.replace(b'"v":1', b'"v":1.0')},
     "malformed"),
    ("a version no release of the tree has", {"v": 5}, "unsupported_version"),
    ("too large an envelope", {"actor_note": "x" * 9000}, "limit_exceeded"),
    ("too large a body", {"body": LARGE_BODY}, "limit_exceeded"),
    ("too many stations", {"aud": [f"AA{i:04d}" for i in range(65)]}, "limit_exceeded"),
    ("a body that is another", {"body_of": bytes(32)}, "malformed"),
    ("no station code", {"aud": ["../etc"]}, "malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_event_is_refused_and_the_rest_goes_on(
    tree: Tree, fault: dict[str, Any], code: str
) -> None:
    """It is asked for once more, then a hole with its code; what follows it arrives."""
    arguments = {k: v for k, v in fault.items() if k != "body_of"}
    if "body_of" in fault:
        arguments["spelling"] = _other_body
    name = plant(tree.nodes[VILLAGE], **arguments)
    after = tree.take_in(VILLAGE, AT_ONCE)
    neighbour = tree.take_in(TOWNSHIP, "CG-MZ-0101")
    tree.settle()
    assert [code] == reasons(tree, TOWNSHIP, name)
    assert [code] == reasons(tree, VILLAGE, name), "the author is shown its hole"
    assert [code] == reasons(tree, CENTRAL, name)
    assert not holds(tree, TOWNSHIP, name)
    assert not holds(tree, CENTRAL, name)
    assert at_central(tree, VILLAGE, after)
    assert at_central(tree, TOWNSHIP, neighbour)
    assert 1 == tree.nodes[VILLAGE].situation().refused


def _other_body(raw: bytes) -> bytes:
    head, _, rest = raw.partition(b'"body":"')
    return head + b'"body":"' + b"A" * 43 + b'="' + rest.partition(b'"')[2]


def test_event_its_named_station_did_not_sign_is_refused(tree: Tree) -> None:
    """A station that writes in its neighbour's name writes nothing; the neighbour is unharmed."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    victim, liar = tree.nodes[VILLAGE], tree.nodes[VILLAGE_2]
    with victim.database.read() as transaction:
        position = record.own_log(victim.core, transaction).position
    forged = Event(b"", b"", b"", None)
    with liar.database.read() as transaction:
        name = EventName(VILLAGE, victim.core.epoch, position + 1)
        own = transaction.log_events(liar.core.log, 0, 1)[0].event
    envelope = own.envelope.replace(VILLAGE_2.encode(), VILLAGE.encode())
    envelope = envelope.replace(str(liar.core.epoch).encode(), str(victim.core.epoch).encode())
    envelope = envelope.replace(b'"pos":1', f'"pos":{position + 1}'.encode())
    signature = liar.core.signer.sign(b"yizhan/1/event\0" + envelope)
    forged = Event(envelope, signature, own.salt, own.body)
    for _ in range(3):
        request = frames.encode_stream(
            [*frames.decode_stream(liar.rounds.begin()), frames.encode_events(0, [forged])]
        )
        liar.rounds.take_answer(tree.nodes[TOWNSHIP].rounds.serve(request))
    assert not holds(tree, TOWNSHIP, name)
    assert [] == reasons(tree, TOWNSHIP, name), "a stranger has no position of another refused"
    stream = tree.take_in(VILLAGE, AT_ONCE)
    own_case = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle()
    assert at_central(tree, VILLAGE, stream)
    assert at_central(tree, VILLAGE_2, own_case)


def test_station_cannot_add_itself_to_a_foreign_stream(tree: Tree) -> None:
    """Such an event is held and set aside: not routed, not applied, and nothing comes back."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    stream = tree.take_in(VILLAGE, HANDED_ON)
    tree.settle()
    before = tree.row(TOWNSHIP, stream)
    liar = tree.nodes[VILLAGE_2]
    name = plant(liar, stream=stream, aud=[VILLAGE_2], type="voided")
    own_case = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle()
    for code in (TOWNSHIP, CENTRAL):
        with tree.nodes[code].database.read() as transaction:
            held = transaction.event(name)
            assert held is not None
            assert (SET_ASIDE, "not_in_audience") == (held.standing, held.reason)
            assert VILLAGE_2 not in transaction.audience(stream)
    assert not holds(tree, VILLAGE, name)
    assert 1 == tree.events(VILLAGE_2, stream), "only its own attempt"
    assert before == tree.row(TOWNSHIP, stream)
    assert at_central(tree, VILLAGE_2, own_case)


def test_next_version_and_unknown_fields_travel_byte_for_byte(tree: Tree) -> None:
    """An event of N+1 of a type and with fields nobody here knows arrives as it was sent."""
    name = plant(
        tree.nodes[VILLAGE],
        v=2,
        type="future.kind",
        aud=[VILLAGE],
        priority=7,
        body=b'{"new":["thing"]}',
    )
    tree.settle()
    with tree.nodes[VILLAGE].database.read() as transaction:
        sent = transaction.event(name)
    with tree.central.database.read() as transaction:
        arrived = transaction.event(name)
    assert sent is not None
    assert arrived is not None
    assert sent.event == arrived.event
    assert b'"priority":7' in arrived.event.envelope


def test_event_damaged_on_the_way_is_fetched_again(tree: Tree) -> None:
    """What a bad line spoils is no hole: asked for once more, it arrives."""
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    stream = tree.take_in(VILLAGE, AT_ONCE)

    def spoil(frame: Frame) -> Frame:
        if frame.type != frames.EVENTS:
            return frame
        through, events = frames.decode_events(frame.payload)
        first = events[0]._replace(signature=bytes(64))
        return frames.encode_events(through, [first, *events[1:]])

    request = rewritten(village.rounds.begin(), spoil)
    village.rounds.take_answer(township.rounds.serve(request))
    assert 0 == tree.events(TOWNSHIP, stream)
    tree.settle()
    assert at_central(tree, VILLAGE, stream)
    assert 0 == village.situation().refused


def test_two_contents_for_one_position_freeze_only_that_log(tree: Tree) -> None:
    """A clone that wrote another event at the same place freezes its log; others go on."""
    tree.enrol(VILLAGE_2)
    tree.settle()
    village = tree.nodes[VILLAGE]
    tree.take_in(VILLAGE, AT_ONCE)
    request = village.rounds.begin()
    with village.database.read() as transaction:
        head = record.own_log(village.core, transaction)
        genuine = transaction.log_events(village.core.log, head.position - 1, 1)[0].event
    envelope = genuine.envelope.replace(b'"pos":', b'"note":"x","pos":')
    other = Event(
        envelope,
        village.core.signer.sign(b"yizhan/1/event\0" + envelope),
        genuine.salt,
        genuine.body,
    )
    village.rounds.take_answer(tree.nodes[TOWNSHIP].rounds.serve(request))
    clone = frames.encode_stream(
        [*frames.decode_stream(village.rounds.begin()), frames.encode_events(0, [other])]
    )
    village.rounds.take_answer(tree.nodes[TOWNSHIP].rounds.serve(clone))
    with tree.nodes[TOWNSHIP].database.read() as transaction:
        log = transaction.log(village.core.log)
    assert log is not None
    assert "fork" == log.frozen
    assert "frozen_above" == village.situation().frozen
    stream = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle(VILLAGE_2, TOWNSHIP, "CG0001")
    assert tree.events(CENTRAL, stream) > 0
