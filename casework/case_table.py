"""Case rows in SQLite: the port `CaseTable` over any DB-API-like connection.

Never begins or commits; the caller's transaction decides. SQL values are always bound.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from casework.projection import (
    TAB_CHECK,
    TABS,
    CaseFilter,
    CaseRow,
    Doubt,
    OpenTask,
    as_record,
)

LIMIT_MAX: Final = 1_000

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS casework_case (
        stream TEXT PRIMARY KEY,
        receipt_no TEXT NOT NULL,
        official_no TEXT NOT NULL,
        status TEXT NOT NULL,
        tab TEXT NOT NULL,
        holder TEXT NOT NULL,
        to_check INTEGER NOT NULL CHECK (to_check IN (0, 1)),
        opened_day TEXT NOT NULL,
        words TEXT NOT NULL,
        row_json TEXT NOT NULL,
        state_json TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS casework_case_receipt ON casework_case (receipt_no)",
    "CREATE INDEX IF NOT EXISTS casework_case_official ON casework_case (official_no)",
    "CREATE INDEX IF NOT EXISTS casework_case_opened ON casework_case (opened_day DESC, stream)",
    """CREATE TABLE IF NOT EXISTS casework_audience (
        stream TEXT NOT NULL REFERENCES casework_case (stream) ON DELETE CASCADE,
        station TEXT NOT NULL,
        opened_day TEXT NOT NULL,
        PRIMARY KEY (stream, station)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS casework_audience_opened"
    " ON casework_audience (station, opened_day DESC, stream)",
    """CREATE TABLE IF NOT EXISTS casework_open_task (
        stream TEXT NOT NULL REFERENCES casework_case (stream) ON DELETE CASCADE,
        name TEXT NOT NULL,
        station TEXT NOT NULL,
        PRIMARY KEY (station, stream, name)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS casework_open_task_stream ON casework_open_task (stream)",
)


_IN_AUDIENCE: Final = "stream IN (SELECT stream FROM casework_audience WHERE station = ?)"
_HAS_TASK: Final = "stream IN (SELECT stream FROM casework_open_task WHERE station = ?)"
_NEWEST_OF_ALL: Final = (
    "SELECT row_json FROM casework_case WHERE {where} ORDER BY opened_day DESC, stream LIMIT ?"
)
_NEWEST_OF_STATION: Final = (
    "SELECT row_json FROM (SELECT stream AS of_station, opened_day AS day FROM casework_audience"
    " WHERE station = ?) AS theirs CROSS JOIN casework_case"
    " WHERE stream = of_station AND {where} ORDER BY day DESC, of_station LIMIT ?"
)
"""Both read an index in order and stop at the limit; CROSS JOIN keeps SQLite to that order."""


class Cursor(Protocol):
    """What a statement answers."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> Any:
        """All rows left."""


class Connection(Protocol):
    """The part of a DB-API connection this module uses."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement with bound values."""


def create_tables(connection: Connection) -> None:
    """Create what is not there yet; safe to repeat."""
    for statement in SCHEMA:
        connection.execute(statement)


class SqlCaseTable:
    """`CaseTable` over SQLite tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, row: CaseRow, state_json: str) -> None:
        """Keep the row and its state, replacing the former ones of the stream."""
        run = self._connection.execute
        record = json.dumps(as_record(row), ensure_ascii=False)
        names = (row.applicant_name, row.matter_name, row.matter_code)
        words = "\n".join([*names, row.receipt_no, row.official_no])
        run(
            "INSERT INTO casework_case (stream, receipt_no, official_no, status, tab, holder,"
            " to_check, opened_day, words, row_json, state_json)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (stream) DO UPDATE SET receipt_no = excluded.receipt_no,"
            " official_no = excluded.official_no, status = excluded.status, tab = excluded.tab,"
            " holder = excluded.holder, to_check = excluded.to_check,"
            " opened_day = excluded.opened_day, words = excluded.words,"
            " row_json = excluded.row_json, state_json = excluded.state_json",
            (
                row.stream,
                row.receipt_no,
                row.official_no,
                row.status,
                row.tab,
                row.holder,
                int(row.to_check),
                row.opened_day,
                words.casefold(),
                record,
                state_json,
            ),
        )
        run("DELETE FROM casework_audience WHERE stream = ?", (row.stream,))
        for station in sorted(set(row.audience)):
            run(
                "INSERT INTO casework_audience (stream, station, opened_day) VALUES (?, ?, ?)",
                (row.stream, station, row.opened_day),
            )
        run("DELETE FROM casework_open_task WHERE stream = ?", (row.stream,))
        for task in row.tasks:
            run(
                "INSERT INTO casework_open_task (stream, name, station) VALUES (?, ?, ?)",
                (row.stream, task.name, task.station),
            )

    def get(self, stream: str) -> CaseRow | None:
        """The row of the stream."""
        sql = "SELECT row_json FROM casework_case WHERE stream = ?"
        found = self._connection.execute(sql, (stream,)).fetchone()
        return _row(found[0]) if found else None

    def state(self, stream: str) -> str | None:
        """The state kept with the row, as canonical JSON."""
        sql = "SELECT state_json FROM casework_case WHERE stream = ?"
        found = self._connection.execute(sql, (stream,)).fetchone()
        return str(found[0]) if found else None

    def by_number(self, number: str) -> list[CaseRow]:
        """The rows with this receipt number or official number. Order: by stream."""
        if not number:
            return []
        sql = (
            "SELECT row_json FROM casework_case WHERE receipt_no = ?"
            " UNION SELECT row_json FROM casework_case WHERE official_no = ?"
        )
        found = self._connection.execute(sql, (number, number)).fetchall()
        return sorted((_row(item[0]) for item in found), key=lambda row: row.stream)

    def list(self, wanted: CaseFilter, limit: int) -> Sequence[CaseRow]:
        """The rows that fit. Order: newest opening day first, then stream."""
        where, values = _where(replace(wanted, concerns=""), tab=wanted.tab)
        sql = _NEWEST_OF_STATION if wanted.concerns else _NEWEST_OF_ALL
        station = (wanted.concerns,) if wanted.concerns else ()
        found = self._connection.execute(
            sql.format(where=where), (*station, *values, min(max(limit, 0), LIMIT_MAX))
        ).fetchall()
        return [_row(item[0]) for item in found]

    def counts(self, wanted: CaseFilter) -> Mapping[str, int]:
        """How many rows each tab would show under the filter; its own tab is ignored."""
        totals = dict.fromkeys(TABS, 0)
        where, values = _where(wanted, tab="")
        sql = f"SELECT tab, count(*), sum(to_check) FROM casework_case WHERE {where} GROUP BY tab"  # noqa: S608 (fixed fragments)
        for tab, rows, to_check in self._connection.execute(sql, values).fetchall():
            if tab in totals:
                totals[tab] = int(rows)
            totals[TAB_CHECK] += int(to_check)
        return totals


def _where(wanted: CaseFilter, *, tab: str) -> tuple[str, tuple[Any, ...]]:
    """The condition, made of fixed fragments only, and the values it binds."""
    parts: list[tuple[str, Any]] = []
    if tab == TAB_CHECK:
        parts.append(("to_check = ?", 1))
    elif tab:
        parts.append(("tab = ?", tab))
    if wanted.status:
        parts.append(("status = ?", wanted.status))
    if wanted.holder:
        parts.append(("holder = ?", wanted.holder))
    if wanted.concerns:
        parts.append((_IN_AUDIENCE, wanted.concerns))
    if wanted.task_station:
        parts.append((_HAS_TASK, wanted.task_station))
    if wanted.text:
        escaped = wanted.text.casefold()
        for char in ("\\", "%", "_"):
            escaped = escaped.replace(char, f"\\{char}")
        parts.append(("words LIKE ? ESCAPE '\\'", f"%{escaped}%"))
    condition = " AND ".join(part for part, _ in parts) or "1 = 1"
    return condition, tuple(value for _, value in parts)


def _row(text: str) -> CaseRow:
    record = json.loads(text)
    tasks = tuple(OpenTask(**item) for item in record.pop("tasks"))
    doubts = tuple(Doubt(**item) for item in record.pop("doubts", ()))
    flags, audience = tuple(record.pop("flags")), tuple(record.pop("audience"))
    return CaseRow(**record, tasks=tasks, doubts=doubts, flags=flags, audience=audience)
