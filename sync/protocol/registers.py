"""Registers: shelves, editions, the signed manifest and the logical root.

An edition is base packs + a chain of deltas, all immutable and named by hash, under one manifest
signed by the authority. Whichever way the data came, the Merkle root over the entries' canonical
bytes in key order must come out as the manifest says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import EDITION_MS_MAX, EDITIONS_MAX


class Shelf(NamedTuple):
    """A register's part for one division and tier; tier `all` where tiers share one."""

    register: str
    division: str
    tier: str

    def __str__(self) -> str:
        return f"{self.register}/{self.division}/{self.tier}"

    @classmethod
    def parse(cls, text: str) -> Shelf:
        """Return the shelf written as REGISTER/DIVISION/TIER. Raises: Malformed."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise Malformed("not a shelf name")
        return cls(*parts)


def check_editions(told: Mapping[str, int]) -> None:
    """Pass if these may be editions somebody has in use. Raises: LimitExceeded, Malformed."""
    if len(told) > EDITIONS_MAX:
        raise LimitExceeded("editions")
    if not all(0 <= edition <= EDITION_MS_MAX for edition in told.values()):
        raise Malformed("an edition of no day")


class PackRef(msgspec.Struct, frozen=True):
    """One immutable piece of an edition: its hash names it."""

    sha256: str
    bytes: int
    entries: int


class DeltaRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """One delta: the edition it leads to, and from which where that is not the one before it."""

    sha256: str
    bytes: int
    entries: int
    edition: int
    before: int = 0


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the authority's statement about one edition of one shelf.

    Units: `edition` is the publication time in ms (greater is newer); `effective_from` a date.
    Shapes: `base` packs hold the whole entries of `base_edition`, in order of their keys; `chain`
    deltas are applied in order, each from the edition before it; `step`, where there is one, leads
    straight from the edition published before, and is no part of the chain; `profile` and
    `stale_after_ms` say when a node shall call the edition old.
    """

    v: int
    shelf: str
    edition: int
    base_edition: int
    base: list[PackRef]
    chain: list[DeltaRef]
    root: str
    entries: int
    schema: int
    effective_from: str
    profile: str
    stale_after_ms: int
    step: DeltaRef | None = None

    @property
    def blobs(self) -> list[PackRef | DeltaRef]:
        """Return everything the edition names, in the order of need."""
        return [*([self.step] if self.step is not None else []), *self.base, *self.chain]


class Entry(NamedTuple):
    """One register entry: its key and canonical bytes."""

    key: str
    raw: bytes
