"""QR codes as one SVG path, drawn on the server: no script, no image, no request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

QR_LEVEL: Final = "m"
QR_BORDER: Final = 4


@dataclass(frozen=True, slots=True)
class Drawing:
    """A QR code as one SVG path of horizontal strokes; `size` with its quiet zone."""

    size: int
    path: str


def qr_code(content: str) -> Drawing:
    """The QR code of a text, error correction M."""
    # Imported late: only printing needs it.
    import segno

    rows = [bytes(row) for row in segno.make(content, error=QR_LEVEL, micro=False).matrix]
    strokes = [
        f"M{x + QR_BORDER} {y + QR_BORDER}.5h{length}"
        for y, row in enumerate(rows)
        for x, length in _runs(row)
    ]
    return Drawing(len(rows) + 2 * QR_BORDER, "".join(strokes))


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Where dark squares begin in a row, and how many follow."""
    at = 0
    for dark, group in groupby(row):
        length = len(list(group))
        if dark:
            yield at, length
        at += length
