"""How a table of JSON values is laid out by columns: what a writer says and a reader expects.

A table is described by a list whose first member is one of the kinds below; its bytes are streams,
each as long as the pack's header says, in the order in which the description is walked. All values
are *fragments*: the canonical bytes of one JSON value.

    ["j"]                     fragments, one to a line                              stream: lines
    ["t"]                     texts without their quotation marks, one to a line    stream: lines
    ["x", text, mask]         texts of one length; mask 0 stands in `text`, 1 is a character
                              per row, 2 a hexadecimal digit per row, two to a byte; both position
                              by position                                           streams: 1, 2
    ["d", size, table]        each row names one of `size` distinct values          stream: numbers
    ["o", keys, [table ...]]  objects with these keys, a table per key
    ["l", total, table]       lists, `total` elements in all, in one table    stream: lengths
    ["m", [[rows, table] ..]] rows of several shapes, each shape a table            stream: numbers

A table without rows is ["j"] and has no stream. Numbers and lengths are one plane of bytes where
all are below 256, else one of low and one of high bytes. Shared parts (`d`) are stored once and may
be tables of any kind, so that a law that stands in a thousand entries is written once. Nothing
refers upwards or across: no cycle can be written down.
"""

from __future__ import annotations

JSON = "j"
TEXT = "t"
FIXED = "x"
DISTINCT = "d"
OBJECT = "o"
LIST = "l"
MIXED = "m"

CONSTANT, CHARACTER, NIBBLE = "0", "1", "2"
"""What the mask of a `FIXED` table says of one position."""

DEPTH_MAX = 48
"""Deeper than `limits.JSON_DEPTH_MAX` with a shared and a mixed table at every level."""
SHAPES_MAX = 64
NUMBER_MAX = 0xFFFF
STREAMS_MAX = 4096
HEADER_BYTES_MAX = 256 * 1024
STREAMS_BYTES_MAX = 8 * 1024 * 1024
"""All streams of a pack; they are in memory together."""
SHARED_BYTES_MAX = 8 * 1024 * 1024
"""All shared parts of a pack, written out."""
ELEMENTS_MAX = 1_000_000
"""Elements of the lists of one table."""
FRAGMENT_BYTES_MAX = 1024 * 1024
"""The longest a row may come out, reckoned before it is made."""
ROWS_BYTES_MAX = 64 * 1024 * 1024
"""All rows of a pack together, counted as they are made."""
