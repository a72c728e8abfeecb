"""The enrolment sheet a station is born with, and what it leaves in the node's data folder.

The sheet is a file for one use: a voucher signed by the authority, its one-use private key, the
parent to call and the authority's public keys to pin. With it the node certifies keys it makes
itself; those never leave the folder. Nothing in here is personal data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sync.engine import authority, trust
from sync.engine.core import Core
from sync.protocol import statements
from sync.protocol.errors import Malformed, VoucherRefused
from sync.protocol.names import check_station, incarnation
from sync.protocol.ports import Signer, Transaction
from sync.protocol.statements import Certificate, Voucher
from sync.signing import (
    Ed25519Signer,
    Ed25519Verifier,
    SystemChance,
    encryption_public_key,
    new_seed,
    read_key,
    write_key,
)

SIGN_KEY = "sign.key"
ENCRYPT_KEY = "encrypt.key"
DATABASE_KEY = "database.key"
NODE_FILE = "node.json"
NODE_DATABASE = "node.db"
BLOB_DATABASE = "blobs.db"
ISSUED = "issued_voucher"
"""Statement kind under which central keeps the vouchers it gave out."""
MINUTE_MS = 60_000


class Sheet(msgspec.Struct, frozen=True):
    """An enrolment sheet as it stands in its file (JSON; bytes in base64)."""

    station: str
    root: str
    parent: str
    parent_url: str
    authority: list[bytes]
    voucher: bytes
    one_use_key: bytes
    above: list[bytes] = []
    """Certificates of the nodes above, from below: the first stick is sealed to them."""


class NodeFile(msgspec.Struct, frozen=True):
    """Who this node is: written once at enrolment, read at every start."""

    station: str
    epoch: int
    incarnation: str
    root: str
    parent: str
    parent_url: str
    authority: list[bytes]
    certificate: bytes
    above: list[bytes] = []
    sign_key: str = SIGN_KEY


def read_sheet(path: Path) -> Sheet:
    """Return the enrolment sheet in a file. Raises: Malformed."""
    try:
        sheet = msgspec.json.decode(path.read_bytes(), type=Sheet)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("not an enrolment sheet") from error
    check_station(sheet.station)
    return sheet


def next_free_epoch(transaction: Transaction, station: str, now_ms: int) -> int:
    """At central: return the epoch a voucher made now may open.

    Never the minute of an earlier one of the station, given out or used: receipt numbers tell
    epochs apart by their minute, and no number may be given twice.
    """
    given = [
        int(ref.partition("/")[2])
        for kind in (ISSUED, statements.VOUCHER)
        for ref, _ in transaction.statements(kind)
        if ref.partition("/")[0] == station
    ]
    last = max([*given, *transaction.epochs(station)], default=0)
    return (
        now_ms if now_ms // MINUTE_MS > last // MINUTE_MS else (last // MINUTE_MS + 1) * MINUTE_MS
    )


def make_sheet(
    authority_signer: Ed25519Signer,
    station: str,
    now_ms: int,
    *,
    root: str,
    parent: str,
    parent_url: str,
    profile: str = authority.ONLINE,
    above: Sequence[bytes] = (),
) -> Sheet:
    """Return a fresh sheet for one station, with a voucher for an epoch opened now."""
    one_use = new_seed()
    serial = SystemChance().bytes(8).hex()
    public = Ed25519Signer(one_use).public_key()
    voucher = authority.make_voucher(
        authority_signer, check_station(station), now_ms, public, profile, serial
    )
    return Sheet(
        station=station,
        root=root,
        parent=parent,
        parent_url=parent_url,
        authority=[authority_signer.public_key()],
        voucher=voucher,
        one_use_key=one_use,
        above=list(above),
    )


def enrol(folder: Path, sheet: Sheet, now_ms: int) -> NodeFile:
    """Make this node's keys and certificate in `folder` and return what was written.

    The sheet's one-use key is not kept.
    Raises: FileExistsError (the folder holds a node already), VoucherRefused (expired).
    """
    voucher = statements.decode(sheet.voucher).read(Voucher)
    if now_ms > voucher.not_after_ms:
        raise VoucherRefused("expired")
    if (folder / NODE_FILE).exists():
        raise FileExistsError(folder / NODE_FILE)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (SIGN_KEY, ENCRYPT_KEY, DATABASE_KEY):
        if not (folder / name).exists():
            write_key(folder / name, new_seed())
    signer = Ed25519Signer(read_key(folder / SIGN_KEY))
    certificate = authority.make_certificate(
        sheet.voucher,
        Ed25519Signer(sheet.one_use_key),
        signer.public_key(),
        encryption_public_key(read_key(folder / ENCRYPT_KEY)),
    )
    node = NodeFile(
        station=sheet.station,
        epoch=voucher.epoch,
        incarnation=incarnation(voucher.epoch, SystemChance().bytes(8)),
        root=sheet.root,
        parent=sheet.parent,
        parent_url=sheet.parent_url,
        authority=sheet.authority,
        certificate=certificate,
        above=sheet.above,
    )
    _write_whole(folder / NODE_FILE, msgspec.json.format(msgspec.json.encode(node), indent=1))
    return node


def read_node(folder: Path) -> NodeFile:
    """Return who the node in `folder` is. Raises: Malformed, FileNotFoundError."""
    try:
        return msgspec.json.decode((folder / NODE_FILE).read_bytes(), type=NodeFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("node.json") from error


def core_of(node: NodeFile, folder: Path) -> Core:
    """Return the engine's view of the node in `folder`, with its real keys."""
    return Core(
        station=node.station,
        epoch=node.epoch,
        incarnation=node.incarnation,
        root=node.root,
        parent=node.parent or None,
        authority=tuple(node.authority),
        certificate=node.certificate,
        signer=Ed25519Signer(read_key(folder / node.sign_key)),
        verifier=Ed25519Verifier(),
        chance=SystemChance(),
        signer_from=Ed25519Signer,
    )


def know_above(node: NodeFile, core: Core, transaction: Transaction) -> None:
    """Take in what the enrolment sheet said of the nodes above; idempotent."""
    path = []
    for raw in node.above:
        log = trust.take_certificate(core, transaction, raw, first_hand_ms=None)
        path.append(log.station)
    transaction.set_meta(trust.ENROLLED_PATH, " ".join(path))


def next_epoch(folder: Path, voucher: bytes, one_use: Signer, incarnation: str) -> NodeFile:
    """Make the key and certificate of a further epoch of the node in `folder`; return its file.

    The key is durable before `node.json` names it; the former key stays, it signed what is there.
    Idempotent: an epoch begun before keeps its key.
    """
    node = read_node(folder)
    epoch = statements.decode(voucher).read(Voucher).epoch
    key = f"sign-{epoch}.key"
    if not (folder / key).exists():
        write_key(folder / key, new_seed())
    certificate = authority.make_certificate(
        voucher,
        one_use,
        Ed25519Signer(read_key(folder / key)).public_key(),
        encryption_public_key(read_key(folder / ENCRYPT_KEY)),
    )
    node = msgspec.structs.replace(
        node, epoch=epoch, incarnation=incarnation, certificate=certificate, sign_key=key
    )
    _write_whole(folder / NODE_FILE, msgspec.json.format(msgspec.json.encode(node), indent=1))
    return node


def fingerprint(node: NodeFile) -> str:
    """Return the key's fingerprint as shown on both sides: eight groups of four hex digits."""
    key = statements.decode(node.certificate).read(Certificate).sign_key
    digits = key.hex()[:32]
    return " ".join(digits[i : i + 4] for i in range(0, 32, 4))


def _write_whole(path: Path, raw: bytes) -> None:
    beside = path.with_suffix(".part")
    with open(beside, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sheet_text(sheet: Sheet) -> str:
    """Return the sheet as the text of its file."""
    return json.dumps(json.loads(msgspec.json.encode(sheet)), ensure_ascii=False, indent=1)
