"""Reads a small QR code from the squares drawn on a page, as a phone would from the paper.

Written from ISO/IEC 18004 alone, so that it shares nothing with what draws the code. Reads versions
1 and 2 (one block of data) in alphanumeric and byte mode; the drawing is exact, so nothing needs to
be corrected, and the remainder of the error correction is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from demo.problems import CheckFailedError

_MOVE = re.compile(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?")
_SIZES = {21: 1, 25: 2}
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_FORMAT_MASK = 0b101010000010010
_MASKS: list[Callable[[int, int], int]] = [
    lambda y, x: (y + x) % 2,
    lambda y, _x: y % 2,
    lambda _y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
]
Squares = list[list[bool]]


def read_svg(html: str) -> str:
    """The text of the first QR code drawn as an SVG path of lines. Raises: CheckFailedError."""
    found = re.search(r'<svg[^>]*>\s*<path[^>]*\bd="([^"]+)"', html)
    if not found:
        raise CheckFailedError("页面上没有画出二维码")
    return read(_squares(found.group(1)))


def read(squares: Squares) -> str:
    """The text of a code given by its dark squares. Raises: CheckFailedError."""
    size = len(squares)
    version = _SIZES.get(size)
    if version is None or any(len(row) != size for row in squares):
        raise CheckFailedError(f"二维码的大小 {size} 读不了")
    mask = _MASKS[_format(squares) >> 10 & 0b111]
    bits = "".join(str(int(squares[y][x] ^ (mask(y, x) == 0))) for y, x in _path(size, version))
    return _text(bits)


def _squares(path: str) -> Squares:
    """The dark squares of a path of horizontal strokes, without the quiet zone."""
    dark: set[tuple[int, int]] = set()
    x = y = 0.0
    for command, first, second in _MOVE.findall(path):
        if command == "h":
            dark.update((int(y), int(x) + step) for step in range(int(first)))
            x += float(first)
        else:
            near = command == "m"
            x = float(first) + (x if near else 0)
            y = float(second or 0) + (y if near else 0)
    if not dark:
        raise CheckFailedError("二维码是空的")
    top, left = min(y for y, _ in dark), min(x for _, x in dark)
    height = max(y for y, _ in dark) - top + 1
    return [[(top + y, left + x) in dark for x in range(height)] for y in range(height)]


def _format(squares: Squares) -> int:
    """The fifteen bits beside the upper left corner: level, mask and their check bits."""
    places = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    bits = 0
    for y, x in places:
        bits = bits << 1 | squares[y][x]
    return bits ^ _FORMAT_MASK


def _path(size: int, version: int) -> Iterator[tuple[int, int]]:
    """The data squares in the order of their bits: columns of two, upward and downward."""
    upward = True
    right = size - 1
    while right > 0:
        if right == 6:  # the column of the timing pattern
            right -= 1
        rows = range(size - 1, -1, -1) if upward else range(size)
        for y in rows:
            for x in (right, right - 1):
                if not _reserved(y, x, size, version):
                    yield y, x
        upward = not upward
        right -= 2


def _reserved(y: int, x: int, size: int, version: int) -> bool:
    corner = (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9)
    timing = 6 in (y, x)
    alignment = version > 1 and abs(y - (size - 7)) <= 2 and abs(x - (size - 7)) <= 2
    return corner or timing or alignment


def _text(bits: str) -> str:
    taken = 0

    def take(count: int) -> int:
        nonlocal taken
        taken += count
        if taken > len(bits):
            raise CheckFailedError("二维码的内容不完整")
        return int(bits[taken - count : taken], 2)

    mode = take(4)
    if mode == 0b0010:
        length = take(9)
        pairs = [divmod(take(11), 45) for _ in range(length // 2)]
        digits = [digit for pair in pairs for digit in pair]
        digits += [take(6)] if length % 2 else []
        return "".join(_ALPHANUMERIC[digit] for digit in digits)
    if mode == 0b0100:
        return bytes(take(8) for _ in range(take(8))).decode("utf-8")
    raise CheckFailedError(f"二维码的编码方式 {mode:04b} 读不了")
