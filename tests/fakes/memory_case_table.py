"""`CaseTable` in a dictionary, for the simulator: the same answers, no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from casework.projection import TABS, CaseFilter, CaseRow, fits_tab


class MemoryCaseTable:
    """Case rows of one node, kept in memory."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[CaseRow, str]] = {}

    def put(self, row: CaseRow, state_json: str) -> None:
        """Keep the row and its state, replacing the former ones of the stream."""
        self._rows[row.stream] = (row, state_json)

    def get(self, stream: str) -> CaseRow | None:
        """The row of the stream."""
        found = self._rows.get(stream)
        return found[0] if found else None

    def state(self, stream: str) -> str | None:
        """The state kept with the row, as canonical JSON."""
        found = self._rows.get(stream)
        return found[1] if found else None

    def by_number(self, number: str) -> list[CaseRow]:
        """The rows with this receipt number or official number. Order: by stream."""
        kept = (row for row, _ in self._rows.values())
        found = (row for row in kept if number and number in (row.receipt_no, row.official_no))
        return sorted(found, key=lambda row: row.stream)

    def list(self, wanted: CaseFilter, limit: int) -> Sequence[CaseRow]:
        """The rows that fit. Order: newest opening day first, then stream."""
        found = sorted(self._matching(wanted, wanted.tab), key=lambda row: row.stream)
        found.sort(key=lambda row: row.opened_day, reverse=True)
        return found[: max(limit, 0)]

    def counts(self, wanted: CaseFilter) -> Mapping[str, int]:
        """How many rows each tab would show under the filter; its own tab is ignored."""
        return {tab: len(self._matching(wanted, tab)) for tab in TABS}

    def _matching(self, wanted: CaseFilter, tab: str) -> Sequence[CaseRow]:
        return [row for row, _ in self._rows.values() if _fits(row, wanted, tab)]


def _fits(row: CaseRow, wanted: CaseFilter, tab: str) -> bool:
    words = (row.applicant_name, row.matter_name, row.matter_code, row.receipt_no, row.official_no)
    return (
        fits_tab(row, tab)
        and wanted.status in ("", row.status)
        and wanted.holder in ("", row.holder)
        and (not wanted.concerns or wanted.concerns in row.audience)
        and (not wanted.task_station or any(t.station == wanted.task_station for t in row.tasks))
        and any(wanted.text.casefold() in word.casefold() for word in words)
    )
