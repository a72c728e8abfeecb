"""Rounds that must not be taken: each is refused with its code, changes nothing, delays nobody."""

from __future__ import annotations

import binascii
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from starlette.testclient import TestClient

from central.sync_app import make_sync_app
from node import enrolment
from node.program import Node
from sync.protocol import frames
from sync.protocol.errors import (
    BadSignature,
    FrameDamaged,
    LimitExceeded,
    Malformed,
    NoCertificate,
    PeerTooOld,
    SyncError,
    UnsupportedVersion,
    VoucherRefused,
)
from sync.protocol.frames import Frame
from sync.protocol.limits import EDITIONS_MAX, FRAME_BYTES_MAX, ROUND_BYTES_MAX
from sync.signing import Ed25519Signer, new_seed
from sync.transport.http_client import ROUND_PATH
from tests.integration.forging import rewritten, unsigned_change, with_hello
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    RELEASE,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
)

DAY_MS = 24 * 3600 * 1000
AT_ONCE = "CG-CW-0101"


def state(node: Node) -> tuple[object, ...]:
    """Return what a refused round must leave as it is."""
    with node.database.read() as transaction:
        links = [(link.station, link.rounds, link.suspect) for link in transaction.child_links()]
        logs = [(log.name, log.position, log.frozen) for log in transaction.logs()]
        return links, logs, transaction.event_count()


def refused(tree: Tree, request: bytes, error: type[SyncError]) -> None:
    """The township refuses a request with this error, unchanged, and goes on with its village."""
    township = tree.nodes[TOWNSHIP]
    before = state(township)
    with pytest.raises(error) as caught:
        township.rounds.serve(request)
    assert error.code == caught.value.code
    assert before == state(township)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle(VILLAGE)
    assert tree.events(TOWNSHIP, stream) > 0


def honest(tree: Tree, code: str = VILLAGE) -> bytes:
    """Return a request as a station makes it."""
    return tree.nodes[code].rounds.begin()


def test_station_without_certificate_is_refused(tree: Tree) -> None:
    """A first call without the certificate ahead of it is nobody's call."""
    tree.enrol(VILLAGE_2)
    naked = rewritten(honest(tree, VILLAGE_2), lambda f: None if f.type == frames.STATEMENTS else f)
    refused(tree, naked, NoCertificate)
    tree.settle(VILLAGE_2)
    with tree.nodes[TOWNSHIP].database.read() as transaction:
        assert transaction.child_link(VILLAGE_2) is not None


def test_voucher_used_twice_is_refused(tree: Tree, tmp_path: Path) -> None:
    """The second machine enrolled with one sheet is refused, the first goes on."""
    sheet = tree.sheet(VILLAGE_2)
    for folder in (tree.home(VILLAGE_2), tmp_path / "second"):
        enrolment.enrol(folder, sheet, tree.now_ms)
    tree.open(VILLAGE_2)
    tree.settle(VILLAGE_2)
    second = Node(tmp_path / "second", clock_ms=tree.clock, release=RELEASE)
    refused(tree, second.rounds.begin(), VoucherRefused)
    second.close()
    stream = tree.take_in(VILLAGE_2, AT_ONCE)
    tree.settle(VILLAGE_2)
    assert tree.events(TOWNSHIP, stream) > 0


def test_expired_voucher_is_refused(tree: Tree) -> None:
    """A sheet used in time but shown too late opens nothing."""
    tree.enrol(VILLAGE_2)
    tree.now_ms += DAY_MS + 60_000
    refused(tree, honest(tree, VILLAGE_2), VoucherRefused)


def test_expired_voucher_does_not_come_in_under_another_name(tree: Tree) -> None:
    """Shown ahead of a hello nobody signed, a certificate is not kept for the next call."""
    tree.enrol(VILLAGE_2)
    tree.now_ms += DAY_MS + 60_000
    late = honest(tree, VILLAGE_2)
    as_another = with_hello(late, tree.nodes[VILLAGE_2].core.signer, station=VILLAGE)
    refused(tree, as_another, NoCertificate)
    refused(tree, late, VoucherRefused)


def test_second_key_further_down_does_not_stop_a_whole_township(tree: Tree, tmp_path: Path) -> None:
    """A sheet used twice, at two parents, costs the second machine its acts, and nobody else."""
    sheet = tree.sheet(VILLAGE_2)
    for folder in (tree.home(VILLAGE_2), tmp_path / "second"):
        enrolment.enrol(folder, sheet, tree.now_ms)
    second = Node(tmp_path / "second", clock_ms=tree.clock, release=RELEASE)
    request = with_hello(second.rounds.begin(), second.core.signer, to=DISTRICT)
    tree.nodes[DISTRICT].rounds.serve(request)
    second.close()
    tree.open(VILLAGE_2)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    assert tree.events(CENTRAL, stream) > 0


def test_bomb_ahead_of_the_hello_is_refused(tree: Tree) -> None:
    """Whoever has not said who he is cannot have the node hold what he sends, however small."""
    filler = frames.encode_statements(0, [bytes(512 * 1024)])
    request = frames.encode_stream([filler] * 40 + list(frames.decode_stream(honest(tree))))
    refused(tree, request, LimitExceeded)


def test_what_came_before_a_malformed_frame_is_shown(tree: Tree) -> None:
    """A request that ends in nonsense is refused; the case before it is a case all the same."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    whole = list(frames.decode_stream(honest(tree)))
    broken = frames.encode_stream([*whole, Frame(frames.EVENTS, b"\0")])
    with pytest.raises(Malformed):
        tree.nodes[TOWNSHIP].rounds.serve(broken)
    assert tree.row(TOWNSHIP, stream) is not None


def test_expired_sheet_makes_no_node(tree: Tree) -> None:
    """A sheet out of date is refused on the spot, before any key is made."""
    sheet = tree.sheet(VILLAGE_2)
    with pytest.raises(VoucherRefused):
        enrolment.enrol(tree.home(VILLAGE_2), sheet, tree.now_ms + DAY_MS + 1)
    assert not tree.home(VILLAGE_2).exists()


def test_voucher_of_another_authority_is_refused(tree: Tree, tmp_path: Path) -> None:
    """Whoever signs vouchers with a key that was not pinned enrols nobody here."""
    sheet = enrolment.make_sheet(
        Ed25519Signer(new_seed()),
        VILLAGE_2,
        tree.now_ms,
        root="KM0000",
        parent=TOWNSHIP,
        parent_url="http://127.0.0.1:1",
    )
    enrolment.enrol(tmp_path / "stranger", sheet, tree.now_ms)
    stranger = Node(tmp_path / "stranger", clock_ms=tree.clock, release=RELEASE)
    refused(tree, stranger.rounds.begin(), BadSignature)
    stranger.close()


def test_hello_signed_by_another_key_is_refused(tree: Tree) -> None:
    """Knowing a station's code is not being it."""
    refused(tree, with_hello(honest(tree), Ed25519Signer(new_seed())), BadSignature)


def test_hello_to_another_node_is_refused(tree: Tree) -> None:
    """A round overheard, or kept by the node it was for, opens no door at a third one."""
    overheard = honest(tree)
    for other in (DISTRICT, CENTRAL):
        before = state(tree.nodes[other])
        with pytest.raises(BadSignature):
            tree.nodes[other].rounds.serve(overheard)
        assert before == state(tree.nodes[other])


def test_altered_hello_is_refused(tree: Tree) -> None:
    """A field changed on the way is noticed, though its check sum was put right."""
    refused(tree, unsigned_change(honest(tree), position=999), BadSignature)


def test_damaged_round_is_told_from_a_false_one(tree: Tree) -> None:
    """A flipped byte in the hello frame is transport damage: ask again."""
    raw = bytearray(honest(tree))
    raw[-20] ^= 1
    refused(tree, bytes(raw), FrameDamaged)


def test_replayed_round_changes_nothing(tree: Tree) -> None:
    """An old request sent again gets no token and moves nothing; the station goes on unhindered."""
    tree.take_in(VILLAGE, AT_ONCE)
    old = honest(tree)
    township = tree.nodes[TOWNSHIP]
    tree.nodes[VILLAGE].rounds.take_answer(township.rounds.serve(old))
    tree.settle(VILLAGE)
    tree.round(VILLAGE)
    before = state(township)
    for _ in range(3):
        answer = township.rounds.serve(old)
        with pytest.raises(BadSignature):
            tree.nodes[VILLAGE].rounds.take_answer(answer)
    assert before == state(township)
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle(VILLAGE)
    assert tree.events(TOWNSHIP, stream) > 0
    with township.database.read() as transaction:
        link = transaction.child_link(VILLAGE)
    assert link is not None
    assert "" == link.suspect


def test_answer_of_another_node_is_refused(tree: Tree) -> None:
    """A station takes answers of its parent alone, and of this round alone."""
    village, central = tree.nodes[VILLAGE], tree.central
    request = with_hello(honest(tree), village.core.signer, to=CENTRAL)
    with pytest.raises(BadSignature):
        village.rounds.take_answer(central.rounds.serve(request))
    tree.settle(VILLAGE)
    assert "ok" == village.situation().verdict


@pytest.mark.parametrize("version", [0, 3, 255])
def test_wire_version_beyond_the_next_is_refused(tree: Tree, version: int) -> None:
    """A body of a version this release cannot read is refused before it is read."""
    raw = honest(tree)
    refused(
        tree, raw[:3] + bytes([version]) + raw[4:], UnsupportedVersion if version else PeerTooOld
    )


def test_hello_of_more_than_two_versions_on_is_refused(tree: Tree) -> None:
    """So is a hello of such a version, signed as it may be."""
    signer = tree.nodes[VILLAGE].core.signer
    refused(tree, with_hello(honest(tree), signer, v=4), UnsupportedVersion)


def test_hello_of_the_next_version_is_taken(tree: Tree) -> None:
    """N+1 is read by the rule of unknown fields."""
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    request = with_hello(honest(tree), village.core.signer, v=2)
    village.rounds.take_answer(township.rounds.serve(request))
    assert "ok" == village.situation().verdict


def test_unknown_frame_is_passed_over(tree: Tree) -> None:
    """A frame of a type not known here does not disturb those around it."""
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    stream = tree.take_in(VILLAGE, AT_ONCE)
    found = list(frames.decode_stream(honest(tree)))
    at = next(i for i, frame in enumerate(found) if frame.type == frames.HELLO) + 1
    found.insert(at, Frame(77, b"from the future"))
    village.rounds.take_answer(township.rounds.serve(frames.encode_stream(found)))
    assert tree.events(TOWNSHIP, stream) > 0


def test_non_canonical_hello_is_refused(tree: Tree) -> None:
    """One spelling per meaning: a signed hello with a blank in it is malformed."""
    village = tree.nodes[VILLAGE]

    def spaced(frame: Frame) -> Frame:
        if frame.type != frames.HELLO:
            return frame
        payload = frame.payload[65:].replace(b"{", b"{ ", 1)
        signature = village.core.signer.sign(b"yizhan/1/hello/CG0101\0" + payload)
        return Frame(frames.HELLO, bytes([64]) + signature + payload)

    refused(tree, rewritten(honest(tree), spaced), Malformed)


def test_hello_that_asks_for_too_much_is_refused(tree: Tree) -> None:
    """A hello beyond its limits is refused before anything is looked up."""
    signer = tree.nodes[VILLAGE].core.signer
    editions = {f"r/d/{n}": 1 for n in range(EDITIONS_MAX + 1)}
    refused(tree, with_hello(honest(tree), signer, editions=editions), LimitExceeded)


def test_oversized_frame_is_refused_by_its_length(tree: Tree) -> None:
    """A frame that says it is too long is refused without reading it."""
    head = bytes([frames.HELLO, 0]) + (FRAME_BYTES_MAX + 1).to_bytes(4, "big") + bytes(4)
    refused(tree, frames.magic(1) + head, LimitExceeded)


def test_compression_bomb_is_refused(tree: Tree) -> None:
    """What decodes to far more than a frame may hold stops at the limit."""
    packed = zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024))
    head = bytes([frames.HELLO, frames.ZSTD]) + len(packed).to_bytes(4, "big")
    checksum = binascii.crc32(head + packed).to_bytes(4, "big")
    refused(tree, frames.magic(1) + head + checksum + packed, LimitExceeded)


@pytest.mark.parametrize("raw", [b"", b"GET / HTTP/1.1", frames.magic(1), b"YZR"])
def test_what_is_no_round_is_refused(tree: Tree, raw: bytes) -> None:
    """Bytes that are no round are refused with a code of the protocol, never with a trace."""
    with pytest.raises((Malformed, UnsupportedVersion)):
        tree.nodes[TOWNSHIP].rounds.serve(raw)


def test_refusals_travel_as_codes_over_http(tree: Tree) -> None:
    """The sync address answers with status and stable code, and nothing of the request."""
    tree.enrol(VILLAGE_2)
    naked = rewritten(honest(tree, VILLAGE_2), lambda f: None if f.type == frames.STATEMENTS else f)
    cases: list[tuple[bytes, int, str]] = [
        (b"nonsense", 400, "malformed"),
        (naked, 401, "no_certificate"),
        (b"YZR\x07", 426, "unsupported_version"),
        (bytes(ROUND_BYTES_MAX + 1), 413, "limit_exceeded"),
    ]
    with TestClient(make_sync_app(tree.nodes[TOWNSHIP])) as client:
        for body, status, code in cases:
            answer = client.post(ROUND_PATH, content=body)
            assert (status, code) == (answer.status_code, answer.json()["code"])
            assert {"code", "sentence"} == set(answer.json())
        assert 200 == client.post(ROUND_PATH, content=honest(tree)).status_code


def test_random_damage_never_breaks_the_parent(tree: Tree) -> None:
    """Whichever byte of a request is flipped, the parent answers or refuses by its own errors."""
    raw = honest(tree)
    for at in range(0, len(raw), max(len(raw) // 60, 1)):
        with suppress(SyncError):
            tree.nodes[TOWNSHIP].rounds.serve(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
    tree.settle(VILLAGE)
    assert "ok" == tree.nodes[VILLAGE].situation().verdict
