"""Editions that must not be taken: the one before stays, whole; the next good one is taken."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from sync.engine import registers, tree
from sync.protocol import canonical, frames, statements
from sync.protocol.blobs import PART_HEAD_BYTES, Part
from sync.protocol.frames import Frame
from sync.protocol.merkle import merkle_root
from sync.protocol.packs import encode_pack
from sync.protocol.ports import Signer
from sync.protocol.registers import Entry, Manifest, PackRef, Shelf
from sync.protocol.statements import Statement
from sync.signing import Ed25519Signer, new_seed
from tests.fakes.second_lane import fetch
from tests.integration.forging import rewritten
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree, without_notices

SHELF = Shelf("matters", "530114000000", "village")


def shelf_of(world: Tree, code: str) -> tuple[int, list[Entry]]:
    """Return the edition of the village shelf a station applies, and the matters it holds."""
    with world.nodes[code].database.read() as transaction:
        return transaction.edition(SHELF), list(transaction.entries("matters"))


def manifest_of(world: Tree) -> Manifest:
    """Return the newest manifest of the village shelf at central."""
    with world.central.database.read() as transaction:
        raw = transaction.statement(statements.MANIFEST, str(SHELF))
    assert raw is not None
    return statements.decode(raw).read(Manifest)


def signed(manifest: Manifest, signer: Signer) -> Statement:
    """Return a manifest as the authority's statement, by whatever key."""
    payload = canonical.dumps(manifest)
    unsigned = Statement(statements.MANIFEST, payload, b"", statements.AUTHORITY)
    return replace(unsigned, signature=signer.sign(unsigned.message()))


def spread(world: Tree, manifest: Manifest, pack: bytes) -> None:
    """Let central hold a manifest the authority signed and its pack, owed to its children."""
    node = world.central
    node.blobs.put(pack)
    with node.database.write() as transaction:
        shape = tree.load(node.core, transaction, world.now_ms)
        statement = signed(manifest, world.authority)
        registers.take_manifest(node.core, shape, transaction, statement)


def changed_catalogue() -> dict[str, list[dict[str, object]]]:
    """Return the catalogue with the fee of one matter changed."""
    entries = without_notices()
    first, *others = entries["matters"]
    return {**entries, "matters": [{**first, "fee": "改了(演示)"}, *others]}


def test_edition_with_a_wrong_root_is_refused_everywhere(tree: Tree) -> None:
    """Signed or not, an edition that does not add up replaces nothing on any node."""
    before = {code: shelf_of(tree, code) for code in (VILLAGE, CENTRAL)}
    entries = [Entry("X-1", canonical.dumps({"code": "X-1"}))]
    pack = encode_pack(entries)
    forged = replace(
        manifest_of(tree),
        edition=tree.now_ms + 1,
        base=[PackRef(hashlib.sha256(pack).hexdigest(), len(pack), 1)],
        entries=1,
        root=merkle_root([Entry("X-2", b"{}")]),
    )
    spread(tree, forged, pack)
    tree.settle()
    tree.reopen(VILLAGE)
    assert before == {code: shelf_of(tree, code) for code in (VILLAGE, CENTRAL)}
    assert tree.counter(VILLAGE, "editions_refused") == 1
    stream = tree.take_in(VILLAGE, "CG-CW-0101")
    tree.settle()
    assert tree.events(CENTRAL, stream) > 0, "cases do not wait for a bad edition"
    tree.publish(changed_catalogue())
    tree.settle()
    edition, held = shelf_of(tree, VILLAGE)
    assert edition > forged.edition
    assert any("改了(演示)".encode() in entry.raw for entry in held)


def test_flipped_byte_in_a_pack_is_fetched_again(tree: Tree) -> None:
    """A pack spoiled on the way never becomes an edition; the old one serves until it is right."""
    before = shelf_of(tree, VILLAGE)
    tree.publish(changed_catalogue())
    for code in (DISTRICT, TOWNSHIP) * 3:
        tree.round(code)
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]

    def flip(raw: bytes) -> bytes:
        return raw[:-1] + bytes([raw[-1] ^ 1])

    def spoil(frame: Frame) -> Frame:
        return frame._replace(payload=flip(frame.payload)) if frame.type == frames.BLOB else frame

    answer = township.rounds.serve(village.rounds.begin())
    village.rounds.take_answer(rewritten(answer, spoil))
    for _ in range(3):
        assert fetch(village.exchange, township.exchange, alter=flip).stored > 0
    assert before == shelf_of(tree, VILLAGE)
    assert tree.counter(VILLAGE, "blobs_wrong") == 3
    tree.settle()
    edition, held = shelf_of(tree, VILLAGE)
    assert edition > before[0]
    assert any("改了(演示)".encode() in entry.raw for entry in held)


def test_manifest_altered_on_the_way_is_refused_and_sent_again(tree: Tree) -> None:
    """A relay can delay an edition, never alter it; the true one is taken when it comes."""
    before = shelf_of(tree, VILLAGE)
    tree.publish(changed_catalogue())
    for code in (DISTRICT, TOWNSHIP) * 3:
        tree.round(code)
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    own = Ed25519Signer(new_seed())

    def resign(raw: bytes) -> bytes:
        statement = statements.decode(raw)
        if statement.kind != statements.MANIFEST:
            return raw
        manifest = statement.read(Manifest)
        return statements.encode(signed(replace(manifest, entries=1), own))

    def alter(frame: Frame) -> Frame:
        if frame.type != frames.STATEMENTS:
            return frame
        through, raws = frames.decode_statements(frame.payload)
        return frames.encode_statements(through, [resign(raw) for raw in raws])

    answer = township.rounds.serve(village.rounds.begin())
    village.rounds.take_answer(rewritten(answer, alter))
    assert before == shelf_of(tree, VILLAGE)
    assert tree.counter(VILLAGE, "statements_refused/bad_signature") > 0
    tree.settle()
    assert shelf_of(tree, VILLAGE)[0] > before[0]


def test_older_edition_never_comes_back(tree: Tree) -> None:
    """An edition that was true once is refused after a newer one."""
    old = manifest_of(tree)
    tree.publish(changed_catalogue())
    tree.settle()
    now = shelf_of(tree, VILLAGE)
    village, township = tree.nodes[VILLAGE], tree.nodes[TOWNSHIP]
    late = frames.encode_statements(0, [statements.encode(signed(old, tree.authority))])
    answer = township.rounds.serve(village.rounds.begin())
    village.rounds.take_answer(frames.encode_stream([*frames.decode_stream(answer), late]))
    tree.settle()
    assert now == shelf_of(tree, VILLAGE)
    assert tree.counter(VILLAGE, "statements_refused/register_refused") == 1


def test_pack_of_another_tier_is_not_given_for_its_hash(tree: Tree) -> None:
    """Knowing the name of a pack is no right to it: a village gets what its subtree reads."""
    township = tree.nodes[TOWNSHIP]
    with township.database.read() as transaction:
        held = registers.manifests(transaction)
    wanted = {("services", "township"), ("matters", "village")}
    packs = {s.tier: m.base[0].sha256 for s, m in held if (s.register, s.tier) in wanted and m.base}
    got = {}
    for tier, name in packs.items():
        ask = tree.nodes[VILLAGE].exchange.ask([Part(name, 0, 10)])
        assert ask is not None
        got[tier] = len(b"".join(township.exchange.serve(ask).pieces)) > PART_HEAD_BYTES
    assert {"township": False, "village": True} == got
