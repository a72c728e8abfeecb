"""A release that speaks the floor: what came later as an option is not there.

No dictionary and no columns, no squeezed heads, no comparing by author, none of the later fields of
a hello; purges are a kind of statement it does not know.
"""

from __future__ import annotations

from typing import Any


def change() -> None:
    """Take away what this release would not have yet."""
    from msgspec.structs import replace

    from sync.protocol import compression, frames, rounds, statements
    from sync.protocol.errors import Malformed
    from sync.transport import squeeze

    compression.DICTIONARIES.clear()
    compression.DICTIONARY_NEWEST = 0
    frames.KNOWN_TYPES = frames.KNOWN_TYPES - {frames.COMPARE}
    statements.KINDS = statements.KINDS - {statements.PURGE}

    def never(_: bytes) -> None:
        return None

    def unheard_of(*_: object) -> None:
        raise Malformed("not a round")

    squeeze.split = never  # type: ignore[assignment]
    squeeze.open_request = unheard_of  # type: ignore[assignment]
    read = rounds.decode_header

    def without_later_fields(raw: bytes, shape: Any) -> Any:
        header = read(raw, shape)
        if isinstance(header, rounds.Hello):
            return replace(header, budget=0, lacking=[], bodies=[], dictionary=0)
        return replace(header, dictionary=0)

    rounds.decode_header = without_later_fields
