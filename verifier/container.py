"""The outside of a bundle: magic, signed head, sealed part."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

HEAD_BYTES_MAX = 512 * 1024
SEALED_BYTES_MAX = 1024**3
JSON_DEPTH_MAX = 16
INTEGER_MAX = 2**53 - 1
BLOCK_BYTES = 1024 * 1024
_FIELDS: dict[str, type] = {
    "v": int,
    "way": str,
    "station": str,
    "epoch": int,
    "incarnation": str,
    "to": str,
    "number": int,
    "created_ms": int,
    "alg": str,
    "salt": str,
    "readers": list,
    "ranges": list,
    "events": int,
    "plain_bytes": int,
    "sealed_bytes": int,
    "sealed_sha256": str,
    "certificate": str,
    "authority": str,
}


class Bad(Exception):
    """Something in the file is wrong; `where` names the place, `code` is stable."""

    def __init__(self, code: str, where: str, sentence: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code
        self.where = where
        self.sentence = sentence


def read_json(raw: bytes, where: str) -> Any:
    """Return canonical JSON as a value. Raises: Bad."""
    try:
        value = json.loads(
            raw, object_pairs_hook=_once, parse_float=_nothing, parse_constant=_nothing
        )
        spelled = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        same = spelled.encode() == raw
    except (ValueError, RecursionError) as error:
        raise Bad("not_json", where, "不是规范的 JSON") from error
    if not _is_plain(value, 0) or not same:
        raise Bad("not_canonical", where, "JSON 的写法不是唯一规定的那一种")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("one key twice")
    return dict(pairs)


def _nothing(_text: str) -> Any:
    raise ValueError("no floats")


def _is_plain(value: Any, depth: int) -> bool:
    if depth > JSON_DEPTH_MAX:
        return False
    if isinstance(value, str):
        return unicodedata.is_normalized("NFC", value)
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= INTEGER_MAX
    if isinstance(value, list):
        return all(_is_plain(part, depth + 1) for part in value)
    if isinstance(value, dict):
        return all(_is_plain(part, depth + 1) for pair in value.items() for part in pair)
    return False


def bytes_of(text: Any, where: str) -> bytes:
    """Return the bytes of a base64 text. Raises: Bad."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise Bad("not_base64", where, "字段不是规定的编码") from error


@dataclass(frozen=True)
class Statement:
    """A signed statement: kind, payload, signature, and who signed."""

    kind: str
    payload: bytes
    signature: bytes
    signer: str

    @property
    def message(self) -> bytes:
        """Return what the signature covers."""
        return b"yizhan/1/" + self.kind.encode() + b"\0" + self.payload


def statement_of(raw: bytes, where: str) -> Statement:
    """Return an encoded statement. Raises: Bad."""
    value = read_json(raw, where)
    try:
        kind, signer = value["kind"], value["signer"]
        payload, signature = value["payload"], value["signature"]
    except (KeyError, TypeError) as error:
        raise Bad("not_a_statement", where, "不是一份签名声明") from error
    if not isinstance(kind, str) or not isinstance(signer, str):
        raise Bad("not_a_statement", where, "不是一份签名声明")
    return Statement(kind, bytes_of(payload, where), bytes_of(signature, where), signer)


class Container:
    """A bundle's file, its head read; the sealed part is read when asked for."""

    def __init__(self, path: Path) -> None:
        """Raises: Bad, OSError."""
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by `close`
        start = self._file.read(8)
        if start[:3] != b"YZB":
            raise Bad("not_a_bundle", "start", "这不是驿站的数据包")
        if len(start) < 8:
            raise Bad("truncated", "start", "文件不完整")
        if start[3] != 1:
            raise Bad("newer_format", "start", "数据包的格式比本工具新")
        length = int.from_bytes(start[4:8], "big")
        if length > HEAD_BYTES_MAX:
            raise Bad("too_large", "head", "包头超过允许的大小")
        raw = self._file.read(length)
        if len(raw) < length:
            raise Bad("truncated", "head", "文件不完整")
        self.head = statement_of(raw, "head")
        if self.head.kind != "bundle":
            raise Bad("not_a_bundle", "head", "包头不是数据包的声明")
        self.manifest: dict[str, Any] = read_json(self.head.payload, "manifest")
        self._check_fields()
        self._start = 8 + length

    def _check_fields(self) -> None:
        if not isinstance(self.manifest, dict):
            raise Bad("manifest", "manifest", "清单不是对象")
        for name, kind in _FIELDS.items():
            if type(self.manifest.get(name)) is not kind:
                raise Bad("manifest", f"manifest.{name}", f"清单的字段 {name} 不对")
        if self.manifest["way"] not in ("up", "down"):
            raise Bad("manifest", "manifest.way", "清单的方向不对")

    @property
    def maker(self) -> str:
        """The log name of who made it."""
        return f"{self.manifest['station']}/{self.manifest['epoch']}"

    def check_sealed(self) -> None:
        """Compare size and hash of the sealed part with the manifest. Raises: Bad."""
        size = self._file.seek(0, 2) - self._start
        said = self.manifest["sealed_bytes"]
        if size != said or size > SEALED_BYTES_MAX:
            code = "truncated" if size < said else "size"
            raise Bad(code, "sealed", f"密文应有 {said} 字节,实有 {size} 字节")
        digest = hashlib.sha256()
        self._file.seek(self._start)
        while block := self._file.read(BLOCK_BYTES):
            digest.update(block)
        if digest.digest() != bytes_of(self.manifest["sealed_sha256"], "manifest.sealed_sha256"):
            raise Bad("hash", "sealed", "密文的哈希与清单不符")

    def chunk(self, index: int, size: int) -> bytes:
        """Return one sealed chunk, empty behind the last."""
        self._file.seek(self._start + index * size)
        return self._file.read(size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
