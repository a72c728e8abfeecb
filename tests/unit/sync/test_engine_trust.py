"""Authority -> voucher -> station key: who is believed, and who is not."""

from __future__ import annotations

import pytest

from sync.engine import authority, trust
from sync.protocol import canonical, frames, statements
from sync.protocol.errors import (
    BadSignature,
    Malformed,
    NoCertificate,
    PeerProtocolError,
    VoucherRefused,
)
from sync.protocol.names import LogName
from sync.protocol.statements import Certificate, Statement
from sync.signing import Ed25519Signer
from tests.unit.sync.harness import (
    AUTHORITY,
    Node,
    World,
    altered,
    make_certificate,
    seed_of,
)

EPOCH = 1_789_000_000_000
STRANGER = Ed25519Signer(b"!" * 32)


def take(node: Node, raw: bytes, first_hand_ms: int | None = None) -> LogName:
    """Let a node take a certificate."""
    log: LogName = node.do(
        lambda transaction: trust.take_certificate(
            node.core, transaction, raw, first_hand_ms=first_hand_ms
        )
    )
    return log


def held(node: Node, log: LogName) -> bytes | None:
    with node.store.read() as transaction:
        return transaction.certificate(log)


def test_a_certificate_of_the_authority_is_held(world: World) -> None:
    """The chain authority, voucher, key is enough, whoever brings it."""
    raw, _ = make_certificate("CG0999", EPOCH)
    assert LogName("CG0999", EPOCH) == take(world.central, raw)
    assert raw == held(world.central, LogName("CG0999", EPOCH))


def test_a_voucher_of_another_key_than_the_authoritys_is_refused(world: World) -> None:
    """Nobody else may say who is a station."""
    raw, _ = make_certificate("CG0999", EPOCH, by=STRANGER)
    with pytest.raises(BadSignature):
        take(world.central, raw)
    assert held(world.central, LogName("CG0999", EPOCH)) is None


def test_a_certificate_not_made_with_its_vouchers_key_is_refused(world: World) -> None:
    """A voucher read on the way is of no use without its one-use key."""
    voucher = authority.make_voucher(
        AUTHORITY, "CG0999", EPOCH, Ed25519Signer(b"1" * 32).public_key(), "online", "V"
    )
    raw = authority.make_certificate(voucher, STRANGER, STRANGER.public_key(), b"x" * 32)
    with pytest.raises(BadSignature):
        take(world.central, raw)


@pytest.mark.parametrize("change", [{"station": "CG0998"}, {"epoch": EPOCH + 1}])
def test_a_certificate_for_another_station_or_epoch_than_its_voucher_is_refused(
    world: World, change: dict[str, object]
) -> None:
    """A voucher opens one epoch of one station."""
    one_use = Ed25519Signer(seed_of(f"voucher/CG0999/{EPOCH}"))
    outer = statements.decode(make_certificate("CG0999", EPOCH)[0])
    fields = {**canonical.loads(outer.payload, bytes_max=10_000), **change}
    payload = canonical.dumps(fields)
    unsigned = Statement(outer.kind, payload, b"", outer.signer)
    raw = statements.encode(
        Statement(outer.kind, payload, one_use.sign(unsigned.message()), outer.signer)
    )
    with pytest.raises(BadSignature):
        take(world.central, raw)


def test_another_statement_is_not_taken_for_a_certificate(world: World) -> None:
    """The kind is part of what is signed."""
    outer = statements.decode(make_certificate("CG0999", EPOCH)[0])
    raw = statements.encode(Statement("order", outer.payload, outer.signature, outer.signer))
    with pytest.raises(Malformed):
        take(world.central, raw)


def test_an_expired_voucher_is_refused_at_first_hand_only(world: World) -> None:
    """The parent judges expiry; what a neighbour hands on was judged by its author's parent."""
    raw, _ = make_certificate("CG0999", EPOCH)
    late = EPOCH + authority.VOUCHER_MS[authority.ONLINE] + 1
    with pytest.raises(VoucherRefused):
        take(world.central, raw, first_hand_ms=late)
    assert held(world.central, LogName("CG0999", EPOCH)) is None
    take(world.central, raw, first_hand_ms=late - 1)
    relay = world.nodes["CG0101"]
    take(relay, raw)
    assert raw == held(relay, LogName("CG0999", EPOCH))


def test_a_certificate_held_already_is_no_longer_judged_by_the_clock(world: World) -> None:
    """A station does not lose its epoch because its voucher ran out since."""
    raw, _ = make_certificate("CG0999", EPOCH)
    take(world.central, raw, first_hand_ms=EPOCH)
    assert LogName("CG0999", EPOCH) == take(world.central, raw, first_hand_ms=EPOCH * 2)


def test_a_second_key_under_one_voucher_is_refused_and_the_first_stays(world: World) -> None:
    """One epoch, one key."""
    first, _ = make_certificate("CG0999", EPOCH)
    second, _ = make_certificate("CG0999", EPOCH, signer=STRANGER)
    take(world.central, first)
    with pytest.raises(VoucherRefused):
        take(world.central, second)
    assert first == held(world.central, LogName("CG0999", EPOCH))


def test_a_first_hello_of_a_station_whose_voucher_ran_out_is_refused(world: World) -> None:
    """Expiry is judged where the station itself first appears, by its parent's clock."""
    township, late = world.nodes["CG0101"], world.enrol("CG0999", "CG0101", "village")
    request = late.begin()
    world.clock.later(authority.VOUCHER_MS[authority.ONLINE] + 1)
    with pytest.raises(VoucherRefused):
        township.serve(request)


def test_a_hello_of_a_station_nobody_certified_is_refused(world: World) -> None:
    """Without its certificate ahead of it a hello is nobody's."""
    newcomer = world.enrol("CG0999", "CG0101", "village")
    bare = altered(newcomer.begin(), lambda f: None if f.type == frames.STATEMENTS else f)
    with pytest.raises(NoCertificate):
        world.nodes["CG0101"].serve(bare)


def test_a_hello_signed_with_another_stations_key_is_refused(world: World) -> None:
    """A neighbour cannot speak for a station, and nothing of its request is kept."""
    victim, thief = world.nodes["CG0111"], world.nodes["CG0112"]
    victim.record()
    victim.core.signer = thief.signer
    before = world.nodes["CG0101"].events()
    with pytest.raises(BadSignature):
        world.nodes["CG0101"].serve(victim.begin())
    assert before == world.nodes["CG0101"].events()


def test_an_answer_of_somebody_else_than_the_parent_is_refused(world: World) -> None:
    """A child believes its own parent, about its own round."""
    village, other = world.nodes["CG0111"], world.nodes["CG0201"]
    request = village.begin()
    with pytest.raises(PeerProtocolError):
        village.take(other.serve(request))


def test_an_answer_to_another_round_is_refused(world: World) -> None:
    """An answer that comes late speaks of a round that is over."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    late = township.serve(village.begin())
    township.serve(village.begin())
    with pytest.raises(BadSignature):
        village.take(late)


@pytest.mark.parametrize(
    "signer", ["", "CG0111", "CG0111/", "CG0111/\u00b2", "CG0111/" + "1" * 5000, "x/1"]
)
def test_a_statement_with_a_signer_that_is_no_name_is_only_passed_over(
    world: World, signer: str
) -> None:
    """A hostile signer text is malformed and nothing worse; the round goes on."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    bad = statements.encode(Statement(statements.ATTACHMENT, b"{}", b"", signer))
    kept = village.record()
    raw = altered(
        village.begin(),
        lambda f: frames.encode_statements(0, [bad]) if f.type == frames.STATEMENTS else f,
    )
    added = [*frames.decode_stream(raw), frames.encode_statements(0, [bad])]
    village.take(township.serve(frames.encode_stream(added)))
    assert township.holds(kept)
    assert 1 == township.count("statements_refused/malformed")


def test_certificates_reach_nodes_that_never_met_their_station(world: World) -> None:
    """An event comes with what it is verified by, so any relay can do it offline."""
    author, reader = world.nodes["CG0111"], world.nodes["CG0211"]
    stored = author.record(added=["CG0211"])
    world.settle()
    assert reader.holds(stored)
    raw = held(reader, author.core.log)
    assert raw is not None
    assert author.signer.public_key() == statements.decode(raw).read(Certificate).sign_key
