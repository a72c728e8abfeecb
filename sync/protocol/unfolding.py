"""Text without its layers: base64 and hexadecimal inside JSON as the bytes they stand for.

A certificate is base64 in JSON in base64 in JSON: three layers that hide from a compressor what
repeats in it. Unfolded, each layer is the text it stands for. Whatever is unfolded folds back byte
for byte: a writer unfolds only what does, and all else stands as it is.

Marks, `n` a byte from 1: `F9 n bytes` is their base64; `FA … FB` the base64 of what stands between,
itself folded; `FC n bytes` their lower-case hexadecimal; `FD n bytes` just these bytes. No text in
UTF-8 holds a mark by itself.
"""

from __future__ import annotations

import base64
import binascii
import re

from sync.protocol.errors import LimitExceeded, Malformed

LAYERS_MAX = 8
BASE64, OPEN, CLOSE, HEX, PLAIN = range(0xF9, 0xFE)
_PIECE_BYTES = 255
"""A multiple of three: pieces of base64 put together are the base64 of the whole."""
_FOLDED = re.compile(
    rb'(?P<plain>[\xf9-\xfd]{1,255})|(?<=")(?P<base64>(?:[A-Za-z0-9+/]{4}){2,}'
    rb'(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)(?=")|(?P<hex>(?:[0-9a-f]{2}){4,})'
)
_MARK = re.compile(rb"[\xf9-\xfd]")
_HEX_TEXT = re.compile(rb"(?:[0-9a-f]{2}){4,}")
_LARGE, _SMALL = re.compile(rb"[A-Z]"), re.compile(rb"[a-z]")


def unfold(plain: bytes, beside: bytes = b"") -> bytes:
    """Return bytes with their layers taken off, as far as they fold back to just these.

    Shapes: text that stands in `beside`, which both ends have, is left as it is.
    """

    def taken(found: re.Match[bytes]) -> bytes:
        text = found.group()
        if found.lastgroup == "plain":
            return _pieces(PLAIN, text)
        if text in beside:
            return text
        return _from_hex(text) if found.lastgroup == "hex" else _from_base64(text, beside)

    return _FOLDED.sub(taken, plain)


def _from_hex(text: bytes) -> bytes:
    # Digits alone are a number, which a compressor finds again where it is written out.
    return text if text.isdigit() else _pieces(HEX, bytes.fromhex(text.decode("ascii")))


def _from_base64(text: bytes, beside: bytes) -> bytes:
    # Words are of these letters too, seldom of large and small ones.
    if not (_LARGE.search(text) and _SMALL.search(text)):
        return _from_hex(text) if _HEX_TEXT.fullmatch(text) else text
    inner = base64.b64decode(text)
    if base64.b64encode(inner) != text:
        return text
    if inner[:1] == b"{" and inner[-1:] == b"}":
        return bytes([OPEN]) + unfold(inner, beside) + bytes([CLOSE])
    return _pieces(BASE64, inner)


def _pieces(mark: int, raw: bytes) -> bytes:
    starts = range(0, len(raw), _PIECE_BYTES)
    cut = [raw[at : at + _PIECE_BYTES] for at in starts]
    return b"".join(bytes([mark, len(piece)]) + piece for piece in cut)


def fold(raw: bytes, *, bytes_max: int) -> bytes:
    """Return the bytes that were unfolded to `raw`.

    Bounds: `bytes_max` for what comes out at every layer, `LAYERS_MAX`.
    Raises: Malformed, LimitExceeded.
    """
    layers: list[bytearray] = [bytearray()]
    at = 0
    while (found := _MARK.search(raw, at)) is not None:
        layers[-1] += raw[at : found.start()]
        at = found.end()
        mark = found.group()[0]
        if mark == OPEN:
            layers.append(bytearray())
        elif mark == CLOSE:
            inner = layers.pop()
            if not layers:
                raise Malformed("a layer that was not opened")
            layers[-1] += base64.b64encode(inner)
        else:
            piece, at = _piece(raw, at)
            layers[-1] += _written(mark, piece)
        if len(layers) > LAYERS_MAX:
            raise LimitExceeded("layers")
        if len(layers[-1]) > bytes_max:
            raise LimitExceeded("folded text")
    if len(layers) > 1:
        raise Malformed("a layer without end")
    whole = bytes(layers[0] + raw[at:])
    if len(whole) > bytes_max:
        raise LimitExceeded("folded text")
    return whole


def _piece(raw: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1 + (raw[at] if at < len(raw) else 0)
    if end == at + 1 or end > len(raw):
        raise Malformed("cut in a piece")
    return raw[at + 1 : end], end


def _written(mark: int, piece: bytes) -> bytes:
    if mark == BASE64:
        return base64.b64encode(piece)
    return binascii.hexlify(piece) if mark == HEX else piece
