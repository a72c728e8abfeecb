"""The parent's answer: receipts, the next token, what the link owes, small packs along with it."""

from __future__ import annotations

import msgspec

from sync.engine import notices, outbox, receipts, revocation, tree
from sync.engine.core import Core
from sync.engine.parent import Session
from sync.protocol import canonical, compression, frames, rounds, statements
from sync.protocol.compression import Packing
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import BLOB_ALONG_BYTES_MAX, FRAME_BYTES_TARGET, PROTOCOL_VERSION
from sync.protocol.ports import BlobStore, LogState, Transaction
from sync.protocol.receipts import LogReceipt
from sync.protocol.registers import Manifest
from sync.protocol.rounds import Answer

HINT_MS = 30_000
RECEIPTS_BYTES_MAX = 192 * 1024
"""An answer has a limit; a log left out is offered again, comes as a duplicate and has its turn."""


def finish(
    core: Core, transaction: Transaction, now_ms: int, session: Session, blobs: BlobStore
) -> bytes:
    """Return the whole answer to a request whose frames were taken."""
    hello = session.hello
    if session.verdict != rounds.OK:
        return _stream(
            core,
            session,
            Answer(
                v=PROTOCOL_VERSION,
                station=core.station,
                epoch=core.epoch,
                incarnation=core.incarnation,
                nonce=hello.nonce,
                verdict=session.verdict,
                reason=session.reason,
                challenge=session.challenge,
                token=session.token,
                dictionary=compression.DICTIONARY_NEWEST,
            ),
            revocation.told(transaction, session.child)
            if session.verdict == rounds.REVOKED
            else [],
        )
    given = _receipts(core, transaction, now_ms, session)
    if core.is_root:
        notices.make_time_mark(core, transaction, now_ms)
    link = transaction.child_link(session.child)
    after = hello.acknowledged if hello.acknowledged_incarnation == core.incarnation else 0
    load = outbox.load(transaction, session.child, after, _packing(session))
    shape = tree.load(core, transaction, now_ms)
    answer = Answer(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        nonce=hello.nonce,
        verdict=rounds.OK,
        token=session.token,
        receipts=given,
        through=load.through,
        more=load.more,
        digest=link.digest if link is not None else b"",
        tree=shape.version(session.child),
        frozen=[f"{r.name.station}/{r.name.epoch}" for r in _frozen(transaction, session)],
        hint_ms=HINT_MS,
        statements=session.statements,
        dictionary=compression.DICTIONARY_NEWEST,
    )
    return _stream(core, session, answer, [*load.frames, *_along(load.manifests, blobs)])


def _receipts(
    core: Core, transaction: Transaction, now_ms: int, session: Session
) -> list[LogReceipt]:
    asked = session.hello.ask_receipts
    asked = asked or session.hello.acknowledged_incarnation != core.incarnation
    logs = transaction.logs()
    chosen = [log for log in logs if log.name in session.touched]
    if asked:
        more = [log for log in logs if log.source == session.child]
        chosen += [log for log in more if log.name not in session.touched]
    given, size = [], 0
    for log in chosen:
        if core.is_root:
            receipts.issue_central(core, transaction, now_ms, log)
        relayed = not asked and log.name.station != session.child
        receipt = receipts.give(
            transaction, log, session.offered.get(log.name, 0) if relayed else 0
        )
        size += len(msgspec.json.encode(receipt)) + 1
        if size <= RECEIPTS_BYTES_MAX:
            given.append(receipt)
    return given


def _frozen(transaction: Transaction, session: Session) -> list[LogState]:
    return [log for log in transaction.logs() if log.frozen and log.source == session.child]


def _along(manifests: list[bytes], blobs: BlobStore) -> list[Frame]:
    """Return the small packs of the manifests in this answer: an ask would cost more than they.

    The rest of an edition is asked for on the second lane.
    """
    found: dict[str, Frame] = {}
    left = FRAME_BYTES_TARGET
    for raw in manifests:
        manifest = statements.decode(raw).read(Manifest)
        for pack in [*manifest.base, *manifest.chain]:
            small = pack.bytes <= min(BLOB_ALONG_BYTES_MAX, left) and pack.sha256 not in found
            if small and blobs.size(pack.sha256) == pack.bytes:
                data = blobs.read(pack.sha256, 0, pack.bytes)
                found[pack.sha256] = frames.encode_blob(BlobPiece(pack.sha256, pack.bytes, 0, data))
                left -= pack.bytes
    return list(found.values())


def _stream(core: Core, session: Session, answer: Answer, rest: list[Frame]) -> bytes:
    ahead: list[Frame] = []
    if session.hello.acknowledged_incarnation != core.incarnation:
        ahead.append(frames.encode_statements(0, [core.certificate]))
    return frames.encode_stream([*ahead, _signed(core, answer), *rest], _packing(session))


def _packing(session: Session) -> Packing:
    return compression.packing_for(session.hello.dictionary, compression.LEVEL_QUICK)


def _signed(core: Core, answer: Answer) -> Frame:
    payload = canonical.dumps(answer)
    signature = core.signer.sign(rounds.answer_message(payload))
    return Frame(frames.ANSWER, rounds.encode_header(signature, payload))
