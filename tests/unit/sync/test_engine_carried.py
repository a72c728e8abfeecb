"""Statements of kinds nobody here knows: proved, held, handed on; understood by a later release."""

from __future__ import annotations

import pytest

from sync.engine import notices, trust
from sync.engine.carried import CARRIED
from sync.engine.core import Effects
from sync.protocol import canonical, statements
from sync.protocol.limits import CARRIED_OF_STATION_MAX
from sync.protocol.statements import Attachment, Statement
from tests.unit.sync.harness import AUTHORITY, ROOT, Node, World

KIND = "later.kind"
TOWNSHIP, VILLAGE, SISTER, OTHER = "CG0101", "CG0111", "CG0112", "CG0211"


def by_authority(**payload: object) -> bytes:
    """Return a statement of the authority of a kind unknown here."""
    unsigned = Statement(KIND, canonical.dumps(payload), b"", statements.AUTHORITY)
    signature = AUTHORITY.sign(unsigned.message())
    return statements.encode(Statement(KIND, unsigned.payload, signature, unsigned.signer))


def by_station(node: Node, **payload: object) -> bytes:
    """Return such a statement of a station."""
    return statements.encode(trust.sign(node.core, KIND, canonical.dumps(payload)))


def take(node: Node, raw: bytes, from_child: str | None = None) -> str:
    """Let a node take a statement; what was wrong with it."""
    refused: str = node.do(
        lambda t: notices.take(
            node.core, t, node.clock.ms, raw, from_child=from_child, effects=Effects()
        )
    )
    return refused


def carried(node: Node) -> list[bytes]:
    with node.store.read() as transaction:
        return [raw for _, raw in transaction.statements(CARRIED)]


def test_what_the_authority_says_goes_down_to_everybody(world: World) -> None:
    """Through relays that do not know the kind, the same bytes."""
    raw = by_authority(v=9, later={"deep": ["演示"]})
    assert "" == take(world.central, raw)
    world.settle()
    assert all([raw] == carried(node) for node in world.nodes.values())
    assert "" == take(world.central, raw)
    assert [raw] == carried(world.central), "again it changes nothing"


def test_what_names_a_station_goes_only_towards_it(world: World) -> None:
    """An order for one village is not read by its neighbours."""
    raw = by_authority(v=1, station=VILLAGE, verb="later")
    take(world.central, raw)
    world.settle()
    holders = {code for code, node in world.nodes.items() if carried(node)}
    assert {ROOT, TOWNSHIP, VILLAGE} == holders


def test_what_a_station_says_climbs_to_central_and_no_further(world: World) -> None:
    """Its parent and central hold it; its sisters do not."""
    raw = by_station(world.nodes[VILLAGE], v=1)
    assert "" == take(world.nodes[TOWNSHIP], raw, VILLAGE)
    world.settle()
    holders = {code for code, node in world.nodes.items() if carried(node)}
    assert {ROOT, TOWNSHIP} == holders


def test_a_new_child_is_told_and_a_parent_put_back_is_told_again(world: World) -> None:
    """What was said before it came, and what it has forgotten."""
    raw = by_station(world.nodes[VILLAGE], v=1)
    before = world.central.disk()
    take(world.nodes[TOWNSHIP], raw, VILLAGE)
    word = by_authority(v=1)
    take(world.central, word)
    world.settle()
    world.central.put_back(before)
    world.central.new_life(9)
    world.settle()
    assert {raw, word} == set(carried(world.central))
    late = world.enrol("CG0113", TOWNSHIP, "village")
    world.publish_stations()
    world.settle()
    assert [word] == carried(late)


def test_what_does_not_prove_itself_is_not_held(world: World) -> None:
    """A false signature, a sister's word from above, a stranger's from below."""
    good = statements.decode(by_authority(v=1))
    false = Statement(good.kind, good.payload, bytes(64), good.signer)
    village, township = world.nodes[VILLAGE], world.nodes[TOWNSHIP]
    assert "bad_signature" == take(village, statements.encode(false))
    assert "no_certificate" == take(village, by_station(world.nodes[OTHER], v=1))
    assert "no_certificate" == take(township, by_station(world.nodes[OTHER], v=1), VILLAGE)
    sister = by_station(world.nodes[SISTER], v=1)
    assert "bad_signature" == take(township, sister, VILLAGE), "not of its subtree"
    assert [] == carried(village) == carried(township)


def test_a_station_cannot_fill_the_disk_above_it(world: World) -> None:
    """Of one signer so many are held; what is said by others is taken all the same."""
    village, township = world.nodes[VILLAGE], world.nodes[TOWNSHIP]
    for number in range(CARRIED_OF_STATION_MAX):
        assert "" == take(township, by_station(village, v=1, n=number), VILLAGE)
    assert "limit_exceeded" == take(township, by_station(village, v=1, n=-1), VILLAGE)
    assert "" == take(township, by_station(world.nodes[SISTER], v=1), SISTER)


def test_a_release_that_knows_the_kind_takes_what_was_carried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its first start, as if it had just come."""
    raw = by_authority(v=1)
    village = world.nodes[VILLAGE]
    take(village, raw)
    taken: list[str] = []
    monkeypatch.setattr(statements, "KINDS", statements.KINDS | {KIND})
    monkeypatch.setattr(notices, "_from_parent", lambda *given: taken.append(given[3].kind))
    revived = village.do(lambda t: notices.revive(village.core, t, village.clock.ms, Effects()))
    assert (1, [KIND], []) == (revived, taken, carried(village))


def test_members_a_statement_has_beyond_ours_are_handed_on(world: World) -> None:
    """The bytes received are what is stored, though the signature covers only the payload."""
    village = world.nodes[VILLAGE]
    payload = canonical.dumps(Attachment(1, VILLAGE, TOWNSHIP, world.clock.later(1000)))
    said = trust.sign(village.core, statements.ATTACHMENT, payload)
    fields = canonical.loads(statements.encode(said), bytes_max=4096)
    raw = canonical.dumps({**fields, "later": {"of": 2}})
    assert "" == take(world.nodes[TOWNSHIP], raw, VILLAGE)
    world.settle()
    with world.central.store.read() as transaction:
        assert raw == transaction.statement(statements.ATTACHMENT, VILLAGE)
