"""The inside of a bundle, with a reader's private key: parts, streams, frames."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verifier.container import Bad, Container, bytes_of

ALGORITHM = "x25519-hkdf-sha256-chacha20poly1305"
CHUNK_BYTES = 65_536
TAG_BYTES = 16
PART_BYTES_MAX = 8 * 1024 * 1024
FRAME_BYTES_MAX = 256 * 1024
FRAME_PLAIN_BYTES_MAX = 1024 * 1024
RATIO_MAX = 250
FRAME_HEAD_BYTES = 10


class Frame(NamedTuple):
    """One frame, and where it stands."""

    type: int
    payload: bytes
    where: str


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret)


def file_key(container: Container, seed: bytes) -> bytes:
    """Return the key the content is sealed under. Raises: Bad (sealed to others)."""
    if container.manifest["alg"] != ALGORITHM:
        raise Bad("algorithm", "manifest.alg", "密封办法不认识")
    private = X25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for number, reader in enumerate(container.manifest["readers"]):
        where = f"manifest.readers[{number}]"
        if not isinstance(reader, dict):
            raise Bad("manifest", where, "读者名单不对")
        ephemeral = bytes_of(reader.get("ephemeral"), where)
        wrapped = bytes_of(reader.get("wrapped"), where)
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            key = _derive(shared, ephemeral + public, b"yizhan/1/bundle/wrap")
            name = str(reader.get("to")).encode()
            return ChaCha20Poly1305(key).decrypt(bytes(12), wrapped, name)
        except (InvalidTag, ValueError):
            continue
    raise Bad("not_a_reader", "manifest.readers", "给出的钥匙打不开:数据包不是封给它的")


def plain(container: Container, key: bytes) -> Iterator[bytes]:
    """Yield the opened chunks. Raises: Bad."""
    salt = bytes_of(container.manifest["salt"], "manifest.salt")
    cipher = ChaCha20Poly1305(_derive(key, salt, b"yizhan/1/bundle/payload"))
    index, total, size = 0, 0, CHUNK_BYTES + TAG_BYTES
    sealed = container.chunk(0, size)
    while True:
        after = container.chunk(index + 1, size)
        nonce = index.to_bytes(11, "big") + (b"\0" if after else b"\1")
        try:
            opened = cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise Bad("sealed", f"chunk {index}", "密文核对不上") from error
        total += len(opened)
        yield opened
        if not after:
            break
        sealed, index = after, index + 1
    if total != container.manifest["plain_bytes"]:
        raise Bad("size", "content", "内容的大小与清单不符")


def parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts of the content, each a whole stream. Raises: Bad."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[:4], "big")
            if end > 4 + PART_BYTES_MAX:
                raise Bad("too_large", "part", "内容的一段超过允许的大小")
            if len(buffer) < end:
                break
            yield buffer[4:end]
            buffer = buffer[end:]
    if buffer:
        raise Bad("truncated", "part", "内容断在一段中间")


def frames(container: Container, key: bytes) -> Iterator[Frame]:
    """Yield the frames of the whole content. Raises: Bad."""
    most = container.manifest["plain_bytes"] * RATIO_MAX + FRAME_PLAIN_BYTES_MAX
    total = 0
    for number, part in enumerate(parts(plain(container, key))):
        for frame in _frames_of(part, number):
            total += len(frame.payload)
            if total > most:
                raise Bad("too_large", frame.where, "内容解开后太大")
            yield frame


def _frames_of(part: bytes, number: int) -> Iterator[Frame]:
    if part[:3] != b"YZR" or part[3:4] not in (b"\1", b"\2"):
        raise Bad("stream", f"part {number}", "内容的一段不是规定的格式")
    at, count = 4, 0
    while at < len(part):
        where = f"part {number} frame {count}"
        head = part[at : at + 6]
        length = int.from_bytes(head[2:6], "big")
        payload = part[at + FRAME_HEAD_BYTES : at + FRAME_HEAD_BYTES + length]
        if len(payload) < length or length > FRAME_BYTES_MAX:
            raise Bad("frame", where, "帧不完整")
        if zlib.crc32(payload, zlib.crc32(head)) != int.from_bytes(part[at + 6 : at + 10], "big"):
            raise Bad("frame", where, "帧的校验和不对")
        yield Frame(head[0], _decoded(head[1], payload, where), where)
        at, count = at + FRAME_HEAD_BYTES + length, count + 1


def _decoded(encoding: int, payload: bytes, where: str) -> bytes:
    if encoding == 0:
        return payload
    if encoding != 1:
        raise Bad("encoding", where, "文件里的帧不该用字典")
    reader = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    try:
        opened = reader.stream_reader(io.BytesIO(payload)).read(FRAME_PLAIN_BYTES_MAX + 1)
    except zstandard.ZstdError as error:
        raise Bad("frame", where, "帧解不开") from error
    if len(opened) > FRAME_PLAIN_BYTES_MAX:
        raise Bad("too_large", where, "帧解开后太大")
    return opened
