"""Who signed what: authority, voucher, certificate, station."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.container import Bad, Container, Statement, bytes_of, read_json, statement_of

FINGERPRINT_DIGITS_MIN = 32


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether this key signed this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def authority_digits(given: str) -> str:
    """Return the hex digits of a key or of the beginning of one, blanks and colons left out.

    Raises: ValueError (fewer than 32 digits, or others).
    """
    digits = "".join(given.split()).replace(":", "").lower()
    if len(digits) < FINGERPRINT_DIGITS_MIN or len(digits) > 64 or len(digits) % 2:
        raise ValueError("fingerprint")
    bytes.fromhex(digits)
    return digits


class Keys:
    """Station keys by log name, each gone back to the authority's key."""

    def __init__(self, authority: bytes) -> None:
        self.authority = authority
        self._signing: dict[str, bytes] = {}

    def learn(self, raw: bytes, where: str) -> str:
        """Check a certificate and return the log it opens. Raises: Bad."""
        outer = statement_of(raw, where)
        certificate = _object(outer, where)
        inner = statement_of(bytes_of(certificate.get("voucher"), where), f"{where}.voucher")
        voucher = _object(inner, f"{where}.voucher")
        if outer.kind != "certificate" or inner.kind != "voucher":
            raise Bad("certificate", where, "不是站点证书")
        if not verifies(self.authority, inner.message, inner.signature):
            raise Bad("authority", f"{where}.voucher", "入网凭证不是这把签发钥匙签的")
        if not verifies(bytes_of(voucher.get("key"), where), outer.message, outer.signature):
            raise Bad("certificate", where, "证书不是用它的入网凭证签的")
        names = ("station", "epoch")
        if any(voucher.get(name) != certificate.get(name) for name in names):
            raise Bad("certificate", where, "证书和入网凭证说的不是同一站点")
        log = f"{certificate['station']}/{certificate['epoch']}"
        key = bytes_of(certificate.get("sign_key"), where)
        if self._signing.setdefault(log, key) != key:
            raise Bad("second_key", where, "同一站点同一纪元有两把钥匙")
        return log

    def of(self, log: str) -> bytes | None:
        """Return the key of a log, None when its certificate is not in the file."""
        return self._signing.get(log)

    def signed(self, statement: Statement) -> bool | None:
        """Return whether a statement's signature holds, None when its signer is not known here."""
        key = self.authority if statement.signer == "authority" else self.of(statement.signer)
        return None if key is None else verifies(key, statement.message, statement.signature)


def _object(statement: Statement, where: str) -> dict[str, Any]:
    value = read_json(statement.payload, where)
    if not isinstance(value, dict):
        raise Bad("not_a_statement", where, "不是一份签名声明")
    return value


def keys_of(container: Container) -> Keys:
    """Return the keys after checking the head's chain: authority, voucher, certificate, signature.

    Raises: Bad.
    """
    authority = bytes_of(container.manifest["authority"], "manifest.authority")
    keys = Keys(authority)
    certificate = bytes_of(container.manifest["certificate"], "manifest.certificate")
    log = keys.learn(certificate, "manifest.certificate")
    if log != container.maker or container.head.signer != log:
        raise Bad("maker", "head", "签名的站点和清单里的站点不是同一个")
    if keys.signed(container.head) is not True:
        raise Bad("signature", "head", "包头的签名不对")
    return keys
