"""X25519, HKDF-SHA256 and ChaCha20-Poly1305 behind the port by which bundles are sealed."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.protocol.bodies import SealedFor
from sync.protocol.errors import BundleDamaged, BundleWrongKey

_WRAP = b"yizhan/1/bundle/wrap"
_PAYLOAD = b"yizhan/1/bundle/payload"
_KEY_BYTES = 32
_ONCE = bytes(12)
"""Nonce of a wrapped file key: its key is fresh and used once."""


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=info).derive(secret)


class _Chunks:
    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, nonce: bytes, plain: bytes) -> bytes:
        return self._cipher.encrypt(nonce, plain, None)

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise BundleDamaged("sealed part") from error


class X25519Sealing:
    """Seals for anybody, opens with one private key."""

    def __init__(self, seed: bytes, fresh: Callable[[], bytes] | None = None) -> None:
        """Shapes: `fresh` gives the private keys used once; tests fix them."""
        self._fresh = fresh or (lambda: X25519PrivateKey.generate().private_bytes_raw())
        self._key = X25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    def wrap(self, to: str, public_key: bytes, file_key: bytes) -> SealedFor:
        fresh = X25519PrivateKey.from_private_bytes(self._fresh())
        ephemeral = fresh.public_key().public_bytes_raw()
        shared = fresh.exchange(X25519PublicKey.from_public_bytes(public_key))
        key = _derive(shared, ephemeral + public_key, _WRAP)
        wrapped = ChaCha20Poly1305(key).encrypt(_ONCE, file_key, to.encode())
        return SealedFor(to, ephemeral, wrapped)

    def unwrap(self, sealed: SealedFor) -> bytes:
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(sealed.ephemeral))
            key = _derive(shared, sealed.ephemeral + self._public, _WRAP)
            return ChaCha20Poly1305(key).decrypt(_ONCE, sealed.wrapped, sealed.to.encode())
        except (InvalidTag, ValueError) as error:
            raise BundleWrongKey(sealed.to) from error

    def chunks(self, file_key: bytes, salt: bytes) -> _Chunks:
        return _Chunks(_derive(file_key, salt, _PAYLOAD))
