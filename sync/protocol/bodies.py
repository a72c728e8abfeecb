"""Bodies whose shape the sync floor itself fixes: opening an epoch, purging, sealing, comparing.

All other bodies are casework's and pass through unread.
"""

from __future__ import annotations

import msgspec


class EpochOpened(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of `sync.epoch_opened`, position 1 of every epoch.

    Shapes: `previous_epoch` 0 and `previous` 0 for a station's first life; else the epoch before
    and the last position known of it, beyond which nothing of it is accepted any more. `lost` are
    the runs [first, last] of its positions that no copy within reach holds.
    """

    previous_epoch: int
    previous: int
    lost: list[list[int]] = []


class Purged(msgspec.Struct, frozen=True):
    """Body of `sync.purged`: bodies to be erased on every node; their envelopes still verify.

    Shapes: `events` are event names of its stream; `basis` says by what rule or order; `subject`
    is the number people know the matter by, where the event that said it is purged too.
    """

    events: list[str]
    basis: str
    subject: str = ""


class SealedFor(msgspec.Struct, frozen=True):
    """One reader of a sealed body: X25519 key agreement, the body key wrapped for it."""

    to: str
    ephemeral: bytes
    wrapped: bytes


class SealedBody(msgspec.Struct, frozen=True):
    """What stands under `envelope.SEALED_BODY_KEY`: one box, readable by each of `readers`.

    Shapes: `alg` names agreement, key derivation and cipher; `box` is nonce and ciphertext.
    """

    alg: str
    readers: list[SealedFor]
    box: bytes


class AuthorDigest(msgspec.Struct, frozen=True, array_like=True):
    """A line of a COMPARE frame: an author, how many events of it are held, their digest."""

    author: str
    count: int
    digest: bytes
