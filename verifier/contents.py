"""Every event, statement and blob of an opened bundle; goes on behind what is wrong."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from verifier.container import Bad, Container, read_json, statement_of
from verifier.opening import Frame
from verifier.signatures import Keys, verifies

STATEMENTS, EVENTS, BLOB, FACTS = 3, 4, 5, 6
NO_BODY = 0xFFFFFFFF
FINDINGS_MAX = 100
_IDENTITY = ("station", "epoch", "incarnation", "number")


@dataclass
class Contents:
    """What was found inside. Shapes: `logs` maps a log to its [first, last] position here."""

    events: int = 0
    bodies_absent: int = 0
    statements: int = 0
    statements_unknown_signer: int = 0
    blobs: int = 0
    facts: int = 0
    logs: dict[str, list[int]] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)
    bad_count: int = 0

    def note(self, bad: Bad) -> None:
        """Keep the first findings, count all."""
        self.bad_count += 1
        if len(self.bad) < FINDINGS_MAX:
            self.bad.append(bad)


class Checker:
    """Takes the frames of one bundle in their order."""

    def __init__(self, container: Container, keys: Keys) -> None:
        self._manifest = container.manifest
        self._keys = keys
        self._blob = ("", 0, 0, hashlib.sha256())
        self.found = Contents()

    def take(self, frame: Frame) -> None:
        """Check one frame; what is wrong with one thing in it does not hide the others."""
        try:
            if frame.type == STATEMENTS:
                self._statements(frame)
            elif frame.type == EVENTS:
                self._events(frame)
            elif frame.type == BLOB:
                self._blob_piece(frame)
            elif frame.type == FACTS:
                self._facts(frame)
        except Bad as bad:
            self.found.note(bad)

    def end(self) -> None:
        """Check what only the whole can show: facts, ranges, the last blob."""
        self._close_blob()
        if not self.found.facts:
            self.found.note(Bad("facts", "content", "内容里没有游标"))
        if self._manifest["way"] != "up":
            return
        for station, epoch, after, through in _ranges(self._manifest["ranges"], self.found):
            first, last = self.found.logs.get(f"{station}/{epoch}", [after + 1, through])
            if first <= after or last > through:
                self.found.note(Bad("range", f"{station}/{epoch}", "内容超出清单所说的范围"))

    def _facts(self, frame: Frame) -> None:
        facts = read_json(frame.payload, frame.where)
        self.found.facts += 1
        if not isinstance(facts, dict) or any(
            facts.get(name) != self._manifest[name] for name in _IDENTITY
        ):
            raise Bad("identity", frame.where, "内容不是清单所说的站点做的")

    def _statements(self, frame: Frame) -> None:
        at = 8
        while at < len(frame.payload):
            length = int.from_bytes(frame.payload[at : at + 4], "big")
            raw = frame.payload[at + 4 : at + 4 + length]
            if len(raw) < length:
                raise Bad("frame", frame.where, "声明不完整")
            where = f"{frame.where} statement {self.found.statements}"
            self.found.statements += 1
            at += 4 + length
            try:
                self._statement(raw, where)
            except Bad as bad:
                self.found.note(bad)

    def _statement(self, raw: bytes, where: str) -> None:
        statement = statement_of(raw, where)
        if statement.kind == "certificate":
            self._keys.learn(raw, where)
            return
        signed = self._keys.signed(statement)
        if signed is None:
            self.found.statements_unknown_signer += 1
        elif not signed:
            raise Bad("signature", f"{where} ({statement.kind})", "声明的签名不对")

    def _events(self, frame: Frame) -> None:
        payload, at = frame.payload, 8
        while at < len(payload):
            envelope_end = at + 4 + int.from_bytes(payload[at : at + 2], "big")
            signature_end = envelope_end + payload[at + 2 : at + 3].ljust(1)[0]
            salt_end = signature_end + payload[at + 3 : at + 4].ljust(1)[0]
            length = int.from_bytes(payload[salt_end : salt_end + 4], "big")
            absent = length == NO_BODY
            end = salt_end + 4 + (0 if absent else length)
            if end > len(payload) or salt_end + 4 > len(payload):
                raise Bad("frame", frame.where, "事件不完整")
            body = None if absent else payload[salt_end + 4 : end]
            where = f"{frame.where} event {self.found.events}"
            self.found.events += 1
            try:
                self._event(
                    payload[at + 4 : envelope_end],
                    payload[envelope_end:signature_end],
                    payload[signature_end:salt_end],
                    body,
                    where,
                )
            except Bad as bad:
                self.found.note(bad)
            at = end

    def _event(
        self, raw: bytes, signature: bytes, salt: bytes, body: bytes | None, where: str
    ) -> None:
        envelope = read_json(raw, where)
        log, position = _named(envelope, where)
        name = f"{log}/{position}"
        seen = self.found.logs.setdefault(log, [position, position])
        if self._manifest["way"] == "up" and position != seen[0] and position <= seen[1]:
            self.found.note(Bad("order", name, "同一位置出现两次或次序不对"))
        seen[1] = max(seen[1], position)
        key = self._keys.of(log)
        if key is None:
            raise Bad("certificate", name, "没有这个站点的证书,签名无法核对")
        if not verifies(key, b"yizhan/1/event\0" + raw, signature):
            raise Bad("signature", name, "事件的签名不对")
        if body is None:
            self.found.bodies_absent += 1
            return
        digest = hashlib.sha256(b"yizhan/1/body\0" + salt + body).digest()
        if envelope.get("body") not in _spellings(digest):
            raise Bad("body", name, "正文与签名的哈希不符")

    def _blob_piece(self, frame: Frame) -> None:
        if len(frame.payload) < 48:
            raise Bad("frame", frame.where, "文件块不完整")
        name = frame.payload[:32].hex()
        size = int.from_bytes(frame.payload[32:40], "big")
        offset = int.from_bytes(frame.payload[40:48], "big")
        if offset == 0:
            self._close_blob()
            self._blob = (name, size, 0, hashlib.sha256())
            self.found.blobs += 1
        before, whole, done, digest = self._blob
        if (before, whole, done) != (name, size, offset):
            raise Bad("blob", f"{name} at {offset}", "文件块的次序不对")
        digest.update(frame.payload[48:])
        self._blob = (name, size, offset + len(frame.payload) - 48, digest)

    def _close_blob(self) -> None:
        name, size, done, digest = self._blob
        if name and (done != size or digest.hexdigest() != name):
            self.found.note(Bad("blob", name, "文件与它的哈希不符"))
        self._blob = ("", 0, 0, hashlib.sha256())


def _named(envelope: Any, where: str) -> tuple[str, int]:
    try:
        station, epoch, position = envelope["station"], envelope["epoch"], envelope["pos"]
    except (KeyError, TypeError) as error:
        raise Bad("event", where, "事件没有名字") from error
    if type(position) is not int or type(epoch) is not int or type(station) is not str:
        raise Bad("event", where, "事件没有名字")
    return f"{station}/{epoch}", position


def _spellings(digest: bytes) -> tuple[str, ...]:
    return (base64.b64encode(digest).decode(), digest.hex())


def _ranges(listed: list[Any], found: Contents) -> list[tuple[str, int, int, int]]:
    good: list[tuple[str, int, int, int]] = []
    for number, part in enumerate(listed):
        if isinstance(part, list) and [type(x) for x in part] == [str, int, int, int]:
            good.append((part[0], part[1], part[2], part[3]))
        else:
            found.note(Bad("manifest", f"manifest.ranges[{number}]", "清单的范围不对"))
    return good
