"""A disk that keeps what was synced and loses, tears and reorders the rest when the power goes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.faults.power.recording import NAMES, RENAME, SIZE, SYNC, UNLINK, WRITE, Op

SECTOR = 512


@dataclass
class _File:
    durable: bytearray
    pending: list[Op] = field(default_factory=list)
    named: bool = False
    """Whether its name is surely on the disk."""
    unlinked: bool = False


class LosingDisk:
    """Files below one folder as the drive has them, and what only its cache has."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self._files = {
            name: _File(bytearray(data), named=True) for name, data in (files or {}).items()
        }
        self._renamed: dict[str, str] = {}
        """Old name to new, not yet surely on the disk; nobody writes to such a file meanwhile."""

    def do(self, ops: Iterable[Op]) -> None:
        """Carry out what a process asked for."""
        for op in ops:
            if op.kind in (WRITE, SIZE):
                self._file(op.name).pending.append(op)
            elif op.kind == SYNC:
                self._sync(self._file(op.name))
            elif op.kind == UNLINK and op.name in self._files:
                self._files[op.name].unlinked = True
            elif op.kind == RENAME:
                self._renamed[op.name] = op.data.decode()
            elif op.kind == NAMES:
                self._names_durable()

    def power_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return the files as they are found afterwards; decided by `chance`."""
        losses = chance.choice((_nothing, _everything, _first_ones, _any, _torn))
        found = {}
        for name, file in sorted(self._files.items()):
            if file.unlinked and chance.random() < 0.5:
                continue
            if not file.named and chance.random() < 0.5:
                continue
            data = bytearray(file.durable)
            for op in losses(file.pending, chance):
                _apply(data, op)
            moved = self._renamed.get(name, name) if chance.random() < 0.5 else name
            found[moved] = bytes(data)
        return found

    def _names_durable(self) -> None:
        self._files = {
            self._renamed.get(name, name): file
            for name, file in self._files.items()
            if not file.unlinked
        }
        self._renamed.clear()
        for file in self._files.values():
            file.named = True

    def _file(self, name: str) -> _File:
        file = self._files.get(name)
        if file is None or file.unlinked:
            file = self._files[name] = _File(bytearray())
        return file

    @staticmethod
    def _sync(file: _File) -> None:
        for op in file.pending:
            _apply(file.durable, op)
        file.pending.clear()
        file.named = True


def _apply(data: bytearray, op: Op) -> None:
    if op.kind == SIZE:
        del data[op.at :]
        data.extend(bytes(op.at - len(data)))
        return
    if len(data) < op.at:
        data.extend(bytes(op.at - len(data)))
    data[op.at : op.at + len(op.data)] = op.data


def _nothing(pending: list[Op], chance: random.Random) -> list[Op]:
    return []


def _everything(pending: list[Op], chance: random.Random) -> list[Op]:
    return list(pending)


def _first_ones(pending: list[Op], chance: random.Random) -> list[Op]:
    return pending[: chance.randrange(len(pending) + 1)]


def _any(pending: list[Op], chance: random.Random) -> list[Op]:
    share = chance.random()
    kept = [op for op in pending if chance.random() < share]
    if chance.random() < 0.5:
        chance.shuffle(kept)
    return kept


def _torn(pending: list[Op], chance: random.Random) -> list[Op]:
    """Keep some sectors of each write, in any order."""
    share = chance.random()
    pieces: list[Op] = []
    for op in pending:
        if op.kind == SIZE:
            pieces += [op] if chance.random() < share else []
            continue
        at = op.at
        while at < op.at + len(op.data):
            stop = min((at // SECTOR + 1) * SECTOR, op.at + len(op.data))
            if chance.random() < share:
                pieces.append(Op(WRITE, op.name, at, op.data[at - op.at : stop - op.at]))
            at = stop
    if chance.random() < 0.5:
        chance.shuffle(pieces)
    return pieces
