"""Bytes near good ones, for every reader: mutated, rewritten, tampered with before packing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from sync.protocol import canonical, pack_streams
from sync.protocol.errors import PeerProtocolError
from sync.protocol.limits import STATEMENT_BYTES_MAX

INPUTS_PER_EXAMPLE = 20
SCALARS = [
    0, -1, 1, 2, 2**53 - 1, -(2**53) + 1, "", "AAAA", "CG0111/1/1", "CG0111/\u00b2", "a b", "a\nb",
    "a" * 5000, True,
]  # fmt: skip


def check_only_tree_errors(
    decode: Callable[[bytes], object],
    raws: list[bytes],
    declared: type[Exception] | tuple[type[Exception], ...] = PeerProtocolError,
) -> None:
    """Check that decoding gives a value or an error it declares, never anything else."""
    for raw in raws:
        with suppress(declared):
            decode(raw)


def seeded(make: Callable[[Random], bytes]) -> st.SearchStrategy[list[bytes]]:
    """Return what `make` does with the chance of a seed, so many times over."""

    def many(seed: int) -> list[bytes]:
        chance = Random(seed)
        return [make(chance) for _ in range(INPUTS_PER_EXAMPLE)]

    return st.integers(0, 2**63).map(many)


def mutated(raw: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return bytes near `raw`: pieces replaced, dropped or doubled; and bytes of no sense."""

    def near(chance: Random) -> bytes:
        if chance.random() < 0.2:
            return chance.randbytes(chance.randrange(200))
        found = bytearray(raw)
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(found))
            taken = found[at : at + chance.randrange(40)]
            piece = chance.choice([b"", taken * 2, chance.randbytes(chance.randrange(6))])
            found[at : at + chance.randrange(7)] = piece
        return bytes(found)

    return seeded(near)


def documents_near(raw: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return canonical objects like `raw` with fields replaced, added or missing."""
    fields = canonical.loads(raw, bytes_max=STATEMENT_BYTES_MAX)
    return seeded(lambda chance: canonical.dumps(document_near(fields, chance)))


def document_near(fields: Mapping[str, Any], chance: Random) -> dict[str, Any]:
    """Return an object like `fields` with a few replaced, added or missing."""
    found = dict(fields)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([*fields, "zz"])
        if chance.random() < 0.2:
            found.pop(name, None)
        elif isinstance(found.get(name), (dict, list)) and chance.random() < 0.6:
            found[name] = _inside(found[name], chance)
        else:
            found[name] = _value(chance, 3)
    return found


def _inside(value: Any, chance: Random) -> Any:
    """Return a container of the same shape with one thing in it replaced."""
    if isinstance(value, dict):
        key = chance.choice([*value, "zz", "a b\n", ""])
        return {**value, key: _inside(value.get(key, 0), chance)}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return [*value[:at], _inside(value[at], chance), *value[at + 1 :]]
    return _value(chance, 2)


def _value(chance: Random, depth: int) -> object:
    kind = chance.randrange(4) if depth else 0
    if kind < 2:
        return chance.choice(SCALARS)
    parts = [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return parts if kind == 2 else {str(n): part for n, part in enumerate(parts)}


def tampered(packed: bytes, magic: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return packed streams whose header and streams were tampered with before packing.

    Shapes: `packed` is what follows the magic of a good pack or delta.
    """
    header, streams = pack_streams.unpack_streams(packed)
    text = msgspec.json.encode({k: v for k, v in header.items() if k != "streams"})
    return seeded(
        lambda chance: (
            magic + pack_streams.pack_streams(_header(text, chance), _streams(streams, chance))
        )
    )


def _header(text: bytes, chance: Random) -> dict[str, Any]:
    found = bytearray(text)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(found))
        found[at : at + chance.randrange(3)] = bytes(chance.choices(b'0123456789,[]"jtdolmx', k=1))
    try:
        header = msgspec.json.decode(bytes(found))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return header if isinstance(header, dict) else {}


def _streams(streams: Sequence[bytes], chance: Random) -> list[bytes]:
    parts = [bytearray(stream) for stream in streams]
    for _ in range(chance.randint(0, 3)):
        part = chance.choice(parts)
        at = chance.randrange(len(part) + 1)
        part[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return [bytes(part) for part in parts]
