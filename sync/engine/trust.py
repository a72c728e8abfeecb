"""Authority -> voucher -> station key: who may sign what."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sync.engine.core import Core
from sync.engine.tree import Tree
from sync.protocol import canonical, rounds, statements
from sync.protocol.envelope import Event, signed_message
from sync.protocol.errors import BadSignature, Malformed, NoCertificate, VoucherRefused
from sync.protocol.limits import STATEMENT_BYTES_MAX
from sync.protocol.names import EventName, LogName, check_station
from sync.protocol.ports import Transaction
from sync.protocol.statements import Certificate, Revocation, Statement, Voucher

ENROLLED_PATH = "enrolled_path"
"""Codes of the nodes above by the enrolment sheet, from below; good until the tree is known."""
_NEWEST = "newest_epoch"


def signed_by_authority(core: Core, statement: Statement) -> bool:
    """Return whether one of the pinned authority keys signed this statement."""
    return statement.signer == statements.AUTHORITY and any(
        core.verifier.verify(key, statement.message(), statement.signature)
        for key in core.authority
    )


def read_certificate(core: Core, raw: bytes) -> tuple[Certificate, Voucher]:
    """Return a certificate whose chain up to the authority holds; expiry is not judged here.

    Raises: BadSignature, Malformed, LimitExceeded.
    """
    outer = statements.decode(raw)
    if outer.kind != statements.CERTIFICATE:
        raise Malformed("not a certificate")
    certificate = outer.read(Certificate)
    inner = statements.decode(certificate.voucher)
    if inner.kind != statements.VOUCHER or not signed_by_authority(core, inner):
        raise BadSignature("voucher is not the authority's")
    voucher = inner.read(Voucher)
    if (voucher.station, voucher.epoch) != (certificate.station, certificate.epoch):
        raise BadSignature("certificate for another station or epoch")
    if not core.verifier.verify(voucher.key, outer.message(), outer.signature):
        raise BadSignature("certificate is not made with its voucher")
    check_station(certificate.station)
    return certificate, voucher


def take_certificate(
    core: Core, transaction: Transaction, raw: bytes, *, first_hand_ms: int | None
) -> LogName:
    """Hold a certificate and return its log.

    Shapes: `first_hand_ms` is the time to judge expiry by when it comes from the station itself;
    None when a neighbour hands on what its parent has judged already.
    Idempotent: the same certificate again changes nothing.
    Raises: BadSignature, Malformed, VoucherRefused (expired, or used for another key).
    """
    if len(raw) > STATEMENT_BYTES_MAX:
        raise Malformed("certificate")
    certificate, voucher = read_certificate(core, raw)
    log = LogName(certificate.station, certificate.epoch)
    held = transaction.certificate(log)
    if held is not None:
        if held != raw and read_certificate(core, held)[0].sign_key != certificate.sign_key:
            raise VoucherRefused(f"second key for {log.station}/{log.epoch}")
        return log
    if first_hand_ms is not None and first_hand_ms > voucher.not_after_ms:
        raise VoucherRefused(f"expired for {log.station}/{log.epoch}")
    transaction.put_certificate(log, raw)
    if log.epoch > int(transaction.statement(_NEWEST, log.station) or b"0"):
        transaction.put_statement(_NEWEST, log.station, str(log.epoch).encode())
    return log


def newest_log(core: Core, transaction: Transaction, station: str) -> LogName | None:
    """Return the newest log of a station whose certificate is held here, None without any."""
    if station == core.station:
        return core.log
    epoch = int(transaction.statement(_NEWEST, station) or b"0")
    return LogName(station, epoch) if epoch else None


def ancestors(core: Core, tree: Tree, transaction: Transaction) -> list[str]:
    """Return the nodes above this one, from below; before the tree is known, by the sheet."""
    if core.parent is None:
        return []
    path = tree.path(core.station)[1:]
    if core.root not in path:
        path += [core.parent, *(transaction.meta(ENROLLED_PATH) or "").split(), core.root]
    return [s for s in dict.fromkeys(path) if s != core.station]


def readers(
    core: Core, transaction: Transaction, stations: Iterable[str]
) -> list[tuple[LogName, bytes]]:
    """Return (log, encryption key) of those stations whose certificate is held and not revoked."""
    found: list[tuple[LogName, bytes]] = []
    for station in stations:
        log = newest_log(core, transaction, station)
        raw = None if log is None else transaction.certificate(log)
        if log is None or raw is None or not _trusted(transaction, log):
            continue
        found.append((log, read_certificate(core, raw)[0].encrypt_key))
    return found


def _trusted(transaction: Transaction, log: LogName) -> bool:
    raw = transaction.statement(statements.REVOCATION, log.station)
    return raw is None or statements.decode(raw).read(Revocation).trusts(log.epoch)


def station_key(core: Core, transaction: Transaction, log: LogName) -> bytes:
    """Return the public key of one epoch of a station. Raises: NoCertificate."""
    known = core.keys.get(log)
    if known is None:
        raw = transaction.certificate(log)
        if raw is None:
            raise NoCertificate(f"{log.station}/{log.epoch}")
        known = core.keys[log] = read_certificate(core, raw)[0].sign_key
    return known


def check_author(core: Core, transaction: Transaction, name: EventName, event: Event) -> None:
    """Check that the station an event names signed it. Raises: BadSignature, NoCertificate."""
    key = station_key(core, transaction, name.log)
    if not core.verifier.verify(key, signed_message("event", event.envelope), event.signature):
        raise BadSignature(str(name))


def signed_by_station(core: Core, transaction: Transaction, statement: Statement) -> str:
    """Return the code of the station that signed a statement.

    Raises: BadSignature, NoCertificate, Malformed.
    """
    log = LogName.parse(statement.signer)
    key = station_key(core, transaction, log)
    if not core.verifier.verify(key, statement.message(), statement.signature):
        raise BadSignature(f"{statement.kind} of {statement.signer}")
    return log.station


def sign(core: Core, kind: str, payload: bytes) -> Statement:
    """Return a statement signed by this node."""
    unsigned = Statement(kind, payload, b"", core.signer_name)
    return Statement(kind, payload, core.signer.sign(unsigned.message()), core.signer_name)


class _Caller(msgspec.Struct, rename={"station": "s", "epoch": "e"}):
    """The fields of a hello that say who calls; they stay where they are in every version."""

    station: str
    epoch: int


def proven_caller(core: Core, transaction: Transaction, raw: bytes) -> str:
    """Return the station that signed a hello for this node, whatever version the rest is of.

    Raises: Malformed, LimitExceeded, NoCertificate, BadSignature.
    """
    signature, payload = rounds.split_header(raw)
    said = canonical.load_as(payload, _Caller, bytes_max=STATEMENT_BYTES_MAX)
    key = station_key(core, transaction, LogName(said.station, said.epoch))
    if not core.verifier.verify(key, rounds.hello_message(core.station, payload), signature):
        raise BadSignature("hello")
    return said.station
