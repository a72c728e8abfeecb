"""Cases of which bodies are not here: purged for good, or pruned and to be fetched from above.

A case is never folded from a part of its bodies that others hold whole: its row stays as it was
until they are here again. What was purged is missing everywhere, so it is part of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from casework.errors import DomainRefusal
from casework.projection import TAB_ENDED, CaseRow
from node.facts import is_case_fact
from sync.engine import fetching, purge
from sync.protocol.names import EventName
from sync.protocol.ports import StoredEvent, Transaction

ERASED = "这一件的内容已依规删除,依据:{basis}。办理记录的签名仍可核验。"
BEING_FETCHED_WORDS = "这一件的内容正在从上级取回,取到后自动显示;资料没有丢失,请稍候。"


class BeingFetched(DomainRefusal):
    """Bodies of the case were pruned here and are on their way back."""

    code = "being_fetched"


class Erased(DomainRefusal):
    """The case was purged; nothing more can be done with it."""

    code = "erased"


def lacking(transaction: Transaction, events: Sequence[StoredEvent]) -> list[EventName]:
    """Return the facts of a case whose bodies are to be fetched before it can be folded."""
    return fetching.lacking(transaction, [event for event in events if is_case_fact(event)])


def basis_of_opening(transaction: Transaction, stream: str) -> str | None:
    """Return by what rule the first event of a stream was purged, None if it was not."""
    return purge.basis_of(transaction, EventName.parse(stream))


def any_purged(transaction: Transaction, events: Sequence[StoredEvent]) -> bool:
    """Return whether a body of these events was purged."""
    return any(purge.basis_of(transaction, event.name) is not None for event in events)


def check(transaction: Transaction, stream: str) -> None:
    """Let nobody act on a case that is not here whole. Raises: Erased, BeingFetched."""
    basis = basis_of_opening(transaction, stream)
    if basis is not None:
        raise Erased(ERASED.format(basis=basis))
    if lacking(transaction, transaction.stream_events(stream)):
        raise BeingFetched(BEING_FETCHED_WORDS)


def erased_row(
    transaction: Transaction, stream: str, events: Sequence[StoredEvent], root: str, basis: str
) -> CaseRow:
    """Return the row of a purged case: its number, whom it concerned, and by what rule it went."""
    return CaseRow(
        stream=stream,
        receipt_no=purge.subject_of(events, root),
        tab=TAB_ENDED,
        audience=tuple(sorted(transaction.audience(stream))),
        cannot_be_shown=ERASED.format(basis=basis),
    )
