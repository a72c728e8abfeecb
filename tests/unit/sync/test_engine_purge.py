"""A purge erases a body and its salt at every node, whenever it comes; nothing else changes."""

from __future__ import annotations

import hashlib

import pytest

from sync.engine import case_blobs, intake, notices, purge, tree
from sync.engine.core import Effects
from sync.protocol import canonical, statements
from sync.protocol.envelope import check_body, parse_envelope, signed_message
from sync.protocol.errors import BadSignature
from sync.protocol.lives import Evidence, unpack_event
from sync.protocol.names import EventName
from sync.protocol.ports import StoredEvent
from sync.protocol.statements import Purge, Statement
from sync.signing import Ed25519Signer
from tests.unit.sync.harness import AUTHORITY, Node, World, certify, seed_of

BASIS = "演示依据"


def erase(world: World, *events: StoredEvent) -> None:
    """Purge bodies at central."""
    central = world.central
    with central.store.write() as transaction:
        held = [transaction.event(event.name) for event in events]
        purge.issue(
            central.core,
            transaction,
            world.clock.later(1000),
            AUTHORITY,
            [one for one in held if one is not None],
            basis=BASIS,
            actor="node",
            subject="演示编号",
        )


def body_at(node: Node, name: EventName) -> tuple[bytes, bytes | None]:
    held = node.event(name)
    assert held is not None, node.code
    return held.event.salt, held.event.body


def holders(world: World, stored: StoredEvent) -> list[Node]:
    return [node for node in world.nodes.values() if node.event(stored.name) is not None]


def test_a_body_and_its_salt_go_everywhere_and_the_envelope_still_verifies(world: World) -> None:
    """Author, relays, central and members keep the signed envelope and no word of the body."""
    author, member = world.nodes["CG0111"], world.nodes["CG0211"]
    case = author.record(added=["CG0211"], body={"name": "演示申请人"})
    world.settle()
    assert 5 == len(holders(world, case))
    erase(world, case)
    world.settle()
    for node in holders(world, case):
        assert (b"", None) == body_at(node, case.name), node.code
        held = node.event(case.name)
        assert held is not None
        check_body(parse_envelope(held.event.envelope), held.event)
        key, message = author.signer.public_key(), signed_message("event", held.event.envelope)
        assert node.core.verifier.verify(key, message, held.event.signature)
        with node.store.read() as transaction:
            assert BASIS == purge.basis_of(transaction, case.name)
            events = transaction.stream_events(str(case.name))
        assert "演示编号" == purge.subject_of(events, world.central.code), node.code
    assert author.log().chain == world.central.log(author.core.log).chain
    assert 0 == member.count("links_healed")


def test_a_body_that_comes_after_its_purge_is_dropped_at_once(world: World) -> None:
    """Out of another road or an old copy: the envelope is kept, the body never is."""
    author, township, member = (world.nodes[c] for c in ("CG0111", "CG0101", "CG0112"))
    case = author.record(added=["CG0112"])
    author.sync(township)  # central and the member have not heard of it
    held = township.event(case.name)
    assert held is not None
    with world.central.store.write() as transaction:
        payload = canonical.dumps(Purge(1, [str(case.name)], BASIS, world.clock.ms))
        unsigned = Statement(statements.PURGE, payload, b"", statements.AUTHORITY)
        statement = Statement(
            unsigned.kind, payload, AUTHORITY.sign(unsigned.message()), unsigned.signer
        )
        purge.take(world.central.core, transaction, statement, Effects())
    township.sync(world.central)
    member.sync(township)
    assert case.event.body is not None
    for node in (world.central, township, member):
        assert (b"", None) == body_at(node, case.name), node.code
    township.do(lambda transaction: transaction.enqueue("CG0112", "event", str(case.name)))
    world.settle()
    assert (b"", None) == body_at(member, case.name)
    assert case.name.position == author.log().central_position


def test_the_purge_in_the_stream_erases_by_itself(world: World) -> None:
    """A member that hears only its own stream erases too, also if the act comes after it."""
    author, member = world.nodes["CG0111"], world.nodes["CG0211"]
    case = author.record(added=["CG0211"])
    world.settle()
    erase(world, case)
    with world.central.store.read() as transaction:
        recorded = next(
            e for e in transaction.stream_events(str(case.name)) if e.type == "sync.purged"
        )
    certify(member, world.central)
    with member.store.write() as transaction:
        effects = Effects()
        purge.heed(member.core, transaction, recorded, effects)
    assert effects.judged
    assert (b"", None) == body_at(member, case.name)


def test_a_former_relay_erases_what_it_no_longer_carries(world: World) -> None:
    """A station that moved away left its cases' bodies behind; the purge finds them there too."""
    author, former = world.nodes["CG0111"], world.nodes["CG0101"]
    case = author.record()
    world.settle()
    world.rows["CG0111"]["attributes"][0]["parent"] = "CG0201"
    world.publish_stations()
    world.settle()
    world.move("CG0111", "CG0201")
    world.settle()
    assert body_at(former, case.name)[1] is not None
    erase(world, case)
    world.settle()
    assert (b"", None) == body_at(former, case.name)


def test_evidence_of_a_fork_goes_with_what_it_quotes(world: World) -> None:
    """The log stays frozen; neither content is left, nor comes back with evidence from below."""
    author, township, central = world.nodes["CG0111"], world.nodes["CG0101"], world.central
    case = author.record(body={"name": "演示申请人"})
    world.settle()
    rival = author.forge(case.name.position)
    with township.store.write() as transaction:
        shape = tree.load(township.core, transaction, world.clock.ms)
        intake.from_child(
            township.core, shape, transaction, world.clock.ms, rival, "CG0111", Effects()
        )
        evidence = transaction.statement(statements.EVIDENCE, str(case.name))
    assert evidence is not None
    world.settle()
    erase(world, case)
    world.settle()
    with central.store.write() as transaction:
        said = notices.take(
            central.core, transaction, world.clock.ms, evidence,
            from_child="CG0101", effects=Effects(),
        )  # fmt: skip
    assert not said
    for node in (township, central):
        with node.store.read() as transaction:
            assert not transaction.statements(statements.EVIDENCE), node.code
            log = transaction.log(author.core.log)
            assert log is not None
            assert log.frozen, node.code
    with township.store.write() as transaction:
        intake.from_child(
            township.core, shape, transaction, world.clock.ms, rival, "CG0111", Effects()
        )
        evidence = transaction.statement(statements.EVIDENCE, str(case.name))
    assert evidence is not None
    again = statements.decode(evidence).read(Evidence)
    assert [None, None] == [unpack_event(raw).body for raw in (again.first, again.second)]


def test_the_statement_goes_ahead_of_the_purge_in_the_stream(world: World) -> None:
    """Else an answer cut between them leaves one node with a purge nobody can hand up again."""
    case = world.nodes["CG0111"].record()
    world.settle()
    erase(world, case)
    with world.central.store.read() as transaction:
        kinds = [item.kind for item in transaction.outbox("CG0101", 0, 100)]
    assert kinds.index(statements.PURGE) < kinds.index("event")


def test_a_former_relay_erases_the_files_too(world: World) -> None:
    """The stream does not come to it any more, nor does the purge in it; the statement does."""
    author, former = world.nodes["CG0111"], world.nodes["CG0101"]
    data = b"a scan"
    names = [{"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "size": len(data)}]
    case = author.record(body={"blobs": names})
    world.settle()
    assert names[0]["sha256"] == former.blobs.put(data)

    def note() -> None:
        with former.store.read() as transaction:
            case_blobs.note_names(
                former.core, transaction, former.blobs.book, former.blobs, lambda *_: False
            )

    note()
    assert former.blobs.book.named_in(str(case.name))
    with former.store.write() as transaction:
        payload = canonical.dumps(Purge(1, [str(case.name)], BASIS, world.clock.ms))
        unsigned = Statement(statements.PURGE, payload, b"", statements.AUTHORITY)
        signature = AUTHORITY.sign(unsigned.message())
        signed = Statement(unsigned.kind, payload, signature, unsigned.signer)
        purge.take(former.core, transaction, signed, Effects())
    note()
    assert former.blobs.size(str(names[0]["sha256"])) is None


@pytest.mark.parametrize("restored", ["KM0000", "CG0101"])
def test_a_restored_node_erases_again_on_contact(world: World, restored: str) -> None:
    """A backup brings bodies back; the neighbours remember what was purged."""
    author, node = world.nodes["CG0111"], world.nodes[restored]
    case = author.record(added=["CG0211"])
    world.settle()
    disk = node.disk()
    erase(world, case)
    world.settle()
    node.put_back(disk)
    node.new_life(9)
    assert body_at(node, case.name)[1] is not None
    world.settle()
    assert (b"", None) == body_at(node, case.name)


def test_only_the_authority_purges(world: World) -> None:
    """A station cannot have another's evidence erased, neither by statement nor by event."""
    author, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = author.record()
    world.settle()
    payload = canonical.dumps(Purge(1, [str(case.name)], BASIS, world.clock.ms))
    unsigned = Statement(statements.PURGE, payload, b"", statements.AUTHORITY)
    stranger = Ed25519Signer(seed_of("stranger"))
    forged = Statement(unsigned.kind, payload, stranger.sign(unsigned.message()), unsigned.signer)
    with township.store.write() as transaction, pytest.raises(BadSignature):
        purge.take(township.core, transaction, forged, Effects())
    said = {"events": [str(case.name)], "basis": BASIS}
    act = township.record(stream=str(case.name), kind="sync.purged", body=said)
    world.settle()
    for node in (author, world.central, township):
        assert node.holds(act)
        assert body_at(node, case.name)[1] is not None, node.code
