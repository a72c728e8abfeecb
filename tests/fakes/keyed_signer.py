"""Signatures for the simulator: a keyed hash instead of Ed25519, a hundred times as fast.

Whoever has no secret cannot sign; whoever has the register of secrets can verify. So it forges
nothing inside one world, and proves nothing outside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from hmac import compare_digest

from sync.protocol.envelope import Check

PUBLIC_KEY_BYTES = 32


class KeyedSigner:
    """Implements `ports.Signer`; the public key is an identifier under which the secret is kept."""

    def __init__(self, secret: bytes, secrets: dict[bytes, bytes]) -> None:
        self._secret = secret
        self._public = hashlib.blake2b(b"public" + secret, digest_size=PUBLIC_KEY_BYTES).digest()
        secrets[self._public] = secret

    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return _tag(self._secret, message)


class KeyedVerifier:
    """Implements `ports.Verifier` by the register of secrets; an unknown key verifies nothing."""

    def __init__(self, secrets: dict[bytes, bytes]) -> None:
        self._secrets = secrets

    def foresee(self, checks: Sequence[Check]) -> None:
        """Nothing is gained by checking ahead what is checked in no time."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        secret = self._secrets.get(public_key)
        return secret is not None and compare_digest(_tag(secret, message), signature)


def _tag(secret: bytes, message: bytes) -> bytes:
    return hashlib.blake2b(message, key=secret, digest_size=64).digest()
