"""The reader of QR codes, against the encoder the product uses and against damage."""

from __future__ import annotations

import pytest
import segno

from demo.problems import CheckFailedError
from demo.qr_reader import read, read_svg


@pytest.mark.parametrize("mask", range(8))
@pytest.mark.parametrize("text", ["CG0111-20261122-K3F-0007-X", "A", "ABC-123", "cg0111-lower"])
def test_what_was_drawn_is_read(text: str, mask: int) -> None:
    """Every mask, both modes, both sizes."""
    code = segno.make(text, error="m", micro=False, mask=mask)
    assert read_svg(f"<div>{code.svg_inline(border=4, omitsize=True)}</div>") == text


def test_another_content_is_not_taken_for_the_number() -> None:
    """One turned square in the data changes what is read."""
    squares = [[bool(x) for x in row] for row in segno.make("ABC-123", micro=False).matrix]
    size = len(squares)
    squares[size - 8][size - 1] ^= True  # the bits before it say only mode and length
    assert read(squares) != "ABC-123"


@pytest.mark.parametrize("html", ["", "<svg></svg>", '<svg><path d="M0 0"/></svg>'])
def test_a_page_without_a_code_is_said(html: str) -> None:
    """No drawing, or an empty one, is a failed check and no crash."""
    with pytest.raises(CheckFailedError):
        read_svg(html)
