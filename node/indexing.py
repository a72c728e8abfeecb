"""Keeps what finds matters in step with the editions in use: by what changed, or made anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

from casework.matter_list import MatterFinder
from node.registry import matters_to_find, to_find
from sync.engine.core import Switched
from sync.protocol.ports import Transaction

INDEXED = "indexed_editions"
REGISTER = "matters"


def bring_up(
    finder: MatterFinder, transaction: Transaction, switched: Sequence[Switched] = ()
) -> bool:
    """Make the finder hold exactly the matters of the present editions.

    Returns whether it had to be made anew; large memory was in use then.
    """
    editions = {
        name: edition
        for name, edition in transaction.editions().items()
        if name.startswith(REGISTER + "/")
    }
    made_of = json.loads(transaction.meta(INDEXED) or "{}")
    if not finder.needs_rebuild():
        if made_of == editions:
            return False
        keys = _touched(made_of, editions, switched)
        if keys is not None:
            _take_over(finder, transaction, keys)
            transaction.set_meta(INDEXED, json.dumps(editions))
            return False
    finder.replace_all(matters_to_find(transaction))
    transaction.set_meta(INDEXED, json.dumps(editions))
    return True


def _touched(
    made_of: dict[str, int], editions: dict[str, int], switched: Sequence[Switched]
) -> set[str] | None:
    """Return the keys that changed since the finder was made; None where that is not known."""
    reached = dict(made_of)
    keys: set[str] = set()
    for one in switched:
        name = str(one.shelf)
        if one.shelf.register != REGISTER:
            continue
        if one.keys is None or reached.get(name) != one.before:
            return None
        keys |= one.keys
        reached[name] = one.edition
    return keys if reached == editions else None


def _take_over(finder: MatterFinder, transaction: Transaction, keys: set[str]) -> None:
    """Put the entries of these keys into the finder as they are now, and out those that went."""
    changed = []
    for key in sorted(keys):
        entry = transaction.entry(REGISTER, key)
        row = None if entry is None else to_find(entry)
        if row is not None:
            changed.append(row)
    held = {str(row["code"]) for row in changed}
    finder.apply(changed, sorted(keys - held))
