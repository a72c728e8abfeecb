"""A verified copy of a node's files, and the way back from one.

The copy is made by the database itself while the node runs, opened with its key, checked whole, and
every log's chain is walked. Only what was proved to stand in the copy is told as 已备份.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from node import enrolment, lives
from node.program import Node
from node.schema import SCHEMA
from sync.engine import receipts
from sync.protocol.errors import DatabaseCorrupt, SyncError
from sync.protocol.lives import RESTORED
from sync.protocol.names import LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.receipts import Cursor, chain_next, chain_start
from sync.signing import read_key
from sync.store.copying import check_file, copy_file
from sync.store.database import Database

MANIFEST = "backup.json"
FORMAT = 1
PAGE = 500
TELL_EVERY_SECONDS = 1.0
DATABASES = (enrolment.NODE_DATABASE, enrolment.BLOB_DATABASE)
Say = Callable[[str], None]


class BackupRefused(SyncError):
    """No backup was made or restored; nothing was changed."""

    code = "backup_refused"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code  # type: ignore[misc]
        self.sentence = sentence  # type: ignore[misc]


class CopiedLog(msgspec.Struct, frozen=True):
    """How far one log stands in a copy."""

    station: str
    epoch: int
    position: int
    chain: bytes


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself. Units: milliseconds; `files` maps name to SHA-256 hex."""

    v: int
    station: str
    epoch: int
    incarnation: str
    release: str
    made_ms: int
    verified: bool
    events: int
    files: dict[str, str]
    logs: list[CopiedLog]


def make(node: Node, destination: Path, *, verify: bool, say: Say) -> Manifest:
    """Copy a node's files into a new folder and return what stands in it.

    With `verify` at central the watermark follows: signed `backup` receipts per log.
    Durable when: it returns; until then the folder bears another name.
    Raises: BackupRefused, DatabaseCorrupt (the copy does not verify), DiskFull, StorageError.
    """
    if not isinstance(node.database, Database):
        raise BackupRefused(
            "not_a_file", "中心的数据在 PostgreSQL 里,请用数据库自己的备份办法(pg_dump)。没有备份。"
        )
    if destination.exists():
        raise BackupRefused("exists", f"{destination} 已存在,没有覆盖。请另选一个新文件夹。")
    part = destination.with_name(destination.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    try:
        manifest = _made(node, part, verify=verify, say=say)
        os.replace(part, destination)
        _sync_folder(destination.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if verify and node.core.is_root:
        told = watermark(node, manifest)
        say(f"备份水位已签发:{told} 本日志的“已备份”随下一次联系送到各站。")
    return manifest


def _made(node: Node, part: Path, *, verify: bool, say: Say) -> Manifest:
    before = _event_count(node)
    key = read_key(node.folder / enrolment.DATABASE_KEY)
    for name in DATABASES:
        begun = time.monotonic()
        say(f"正在复制 {name} …")
        copy_file(node.folder / name, key, part / name)
        size = (part / name).stat().st_size // 1024
        say(f"已复制 {name}:{size} KB,{time.monotonic() - begun:.1f} 秒。")
    for path in _small_files(node.folder):
        shutil.copy2(path, part / path.name)
    logs, events = _walked(part, key, verify=verify, say=say)
    if not before <= events <= _event_count(node):
        raise DatabaseCorrupt("a copy with another number of events")
    manifest = Manifest(
        v=FORMAT,
        station=node.core.station,
        epoch=node.core.epoch,
        incarnation=node.core.incarnation,
        release=node.release,
        made_ms=node.clock_ms(),
        verified=verify,
        events=events,
        files={path.name: _sha256(path) for path in sorted(part.iterdir())},
        logs=logs,
    )
    (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    for path in part.iterdir():
        _sync_file(path)
    _sync_folder(part)
    return manifest


def _small_files(folder: Path) -> Iterator[Path]:
    """Who the node is, and its keys; what is made anew at a start is left out."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.suffix == ".key" or path.name == enrolment.NODE_FILE):
            yield path


def _walked(part: Path, key: bytes, *, verify: bool, say: Say) -> tuple[list[CopiedLog], int]:
    """Open the copy with its key and return how far each log stands in it, every chain walked."""
    if verify:
        for name in DATABASES:
            check_file(part / name, key)
        say("复制件完整性检查通过。")
    copy = Database(part / enrolment.NODE_DATABASE, key, schema=SCHEMA, must_exist=True)
    try:
        with copy.read() as transaction:
            found = [_copied(log) for log in transaction.logs()]
            if verify:
                _walk_all(transaction, say)
            return found, transaction.event_count()
    finally:
        copy.close()
        for beside in part.glob(f"{enrolment.NODE_DATABASE}-*"):
            beside.unlink()


def _copied(log: LogState) -> CopiedLog:
    return CopiedLog(log.name.station, log.name.epoch, log.position, log.chain)


def _walk_all(transaction: Transaction, say: Say) -> None:
    logs, walked, told = transaction.logs(), 0, time.monotonic()
    for number, log in enumerate(logs, start=1):
        for _ in _walk(transaction, log):
            walked += 1
            if time.monotonic() - told > TELL_EVERY_SECONDS:
                told = time.monotonic()
                say(f"正在核对第 {number}/{len(logs)} 本日志,已核对 {walked} 条 …")
    say(f"{len(logs)} 本日志、{walked} 条记录逐条核对通过。")


def _walk(transaction: Transaction, log: LogState) -> Iterator[int]:
    """Walk a log from its start and yield each position; its end must be its head.

    Raises: DatabaseCorrupt.
    """
    at = LogState(log.name, 0, chain_start(log.name))
    holes = {r.position: r.hash for r in transaction.refusals(log.name)}
    while at.position < log.position:
        page = transaction.log_events(log.name, at.position, PAGE)
        hashes = {stored.name.position: stored.event.hash for stored in page}
        end = max(hashes, default=log.position)
        for position in range(at.position + 1, min(end, log.position) + 1):
            passed = hashes.get(position, holes.get(position))
            if passed is None:
                raise DatabaseCorrupt(f"{log.name.station}/{log.name.epoch} lacks {position}")
            at = LogState(log.name, position, chain_next(at.chain, passed))
            yield position
    if at.chain != log.chain:
        raise DatabaseCorrupt(f"chain of {log.name.station}/{log.name.epoch}")


def watermark(node: Node, manifest: Manifest) -> int:
    """At central: sign per log how far it stands in a verified backup; return for how many."""
    with node.database.write() as transaction:
        return sum(
            receipts.issue_backup(
                node.core,
                transaction,
                node.clock_ms(),
                LogName(log.station, log.epoch),
                Cursor(log.position, log.chain),
            )
            for log in manifest.logs
        )


def restore(source: Path, folder: Path, now_ms: int, say: Say) -> Manifest:
    """Put a backup back into an empty folder; its node begins a new life when it is started.

    Raises: BackupRefused, StorageError.
    """
    manifest = _read(source)
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(
            "not_empty",
            f"{folder} 不是空文件夹,没有改动。请先把旧文件夹改名留存,再恢复到空文件夹。",
        )
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    for name, sha256 in manifest.files.items():
        say(f"正在恢复 {name} …")
        shutil.copy2(source / name, part / name)
        if _sha256(part / name) != sha256:
            shutil.rmtree(part)
            raise BackupRefused("damaged", f"备份里的 {name} 已损坏,没有恢复。请换一份备份。")
        _sync_file(part / name)
    lives.mark(part, RESTORED, now_ms)
    if folder.exists():
        folder.rmdir()
    os.replace(part, folder)
    _sync_folder(folder.parent)
    return manifest


def _read(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BackupRefused("no_backup", f"{source} 里没有可用的备份,没有改动。") from error
    lacking = [name for name in manifest.files if not (source / name).is_file()]
    plain = all(Path(name).name == name for name in manifest.files)
    whole = {enrolment.NODE_FILE, *DATABASES} <= manifest.files.keys()
    if lacking or not plain or not whole or manifest.v != FORMAT:
        raise BackupRefused("no_backup", f"{source} 里的备份不全或不认识,没有改动。")
    return manifest


def _event_count(node: Node) -> int:
    with node.database.read() as transaction:
        return transaction.event_count()


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_file(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
