"""Ed25519 keys behind the engine's ports, and where a node keeps them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sync.protocol.envelope import Check

KEY_FILE_MODE = 0o600
FORESEEN_MAX = 4096
"""Good answers remembered at most: a few frames of events."""
SHARE_MIN = 8
"""Fewer checks than these are not worth another thread."""
KEYS_KEPT = 1024


class Ed25519Signer:
    """Signs with one private key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class Ed25519Verifier:
    """Checks Ed25519 signatures; a key of the wrong length verifies nothing.

    Checking lets go of the interpreter, so what is foreseen is checked on all cores. Only good
    answers are remembered, each until it was asked for.
    """

    def __init__(self, *, cores: int | None = None) -> None:
        self._cores = cores or os.cpu_count() or 1
        self._good: set[Check] = set()

    def foresee(self, checks: Sequence[Check]) -> None:
        if len(self._good) > FORESEEN_MAX:
            self._good.clear()  # asked for by nobody: their events were held already
        share = -(-len(checks) // self._cores)
        if self._cores == 1 or share < SHARE_MIN:
            self._check(checks)
            return
        parts = [checks[at : at + share] for at in range(share, len(checks), share)]
        others = [_pool().submit(self._check, part) for part in parts]
        self._check(checks[:share])
        for other in others:
            other.result()

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        check = Check(public_key, message, signature)
        if check in self._good:
            self._good.discard(check)
            return True
        return _holds(check)

    def _check(self, checks: Sequence[Check]) -> None:
        self._good.update([check for check in checks if _holds(check)])


def _holds(check: Check) -> bool:
    try:
        _public_key(check.key).verify(check.signature, check.message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=KEYS_KEPT)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    """Return a key to check with. Raises: ValueError."""
    return Ed25519PublicKey.from_public_bytes(raw)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="signatures")


# A forked child has the pool and none of its threads: it would wait for them for ever.
os.register_at_fork(after_in_child=_pool.cache_clear)


class SystemChance:
    """Unpredictable bytes from the operating system."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


def new_seed() -> bytes:
    """Return a fresh private key as its 32 raw bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def encryption_public_key(seed: bytes) -> bytes:
    """Return the X25519 public key bodies and bundles are sealed to."""
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def write_key(path: Path, raw: bytes) -> None:
    """Write a key file only its owner can read; an existing one is never overwritten.

    Raises: FileExistsError.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_FILE_MODE)
    with os.fdopen(handle, "w") as file:
        file.write(raw.hex())
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> bytes:
    """Return the raw bytes of a key file."""
    return bytes.fromhex(path.read_text().strip())
