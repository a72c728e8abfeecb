"""Works out all msgspec structs before there are threads.

msgspec works out a struct's fields when it is first decoded into. Where two threads are the first
at once, one reads what the other has half done, and the process dies (segmentation fault, msgspec
0.22.0; seen in a relay whose children called in its first second). Once worked out, a struct may be
used by any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


def work_out_structs() -> int:
    """Work out every struct defined so far; how many there are. Call before starting threads."""
    found = set(_below(msgspec.Struct))
    for struct in found:
        msgspec.json.Decoder(struct)
    return len(found)


def _below(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for child in struct.__subclasses__():
        yield child
        yield from _below(child)
