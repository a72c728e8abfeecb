"""Ed25519 keys behind the engine's ports, and where a node keeps them."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

KEY_FILE_MODE = 0o600


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
    """Checks Ed25519 signatures; a key of the wrong length verifies nothing."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


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
