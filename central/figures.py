"""Figures about cases, and the one case a supervisor asks for by its exact number.

A supervisor sees figures. Opening one case takes its exact number and leaves a mark of who did it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from casework.projection import as_record
from node.program import Node
from node.situation import rung_of_case
from sync.store.sqlite_transaction import SqliteTransaction

OPENED = "case_opened"
"""Statement kind of the marks left by opening a case: ref `at_ms/staff`, content the stream."""
COUNTERS = "count/"


class CaseCount(NamedTuple):
    """How many cases stand in one status at one holder."""

    status: str
    holder: str
    cases: int


def case_counts(transaction: SqliteTransaction) -> list[CaseCount]:
    """Return the number of cases per status and holder, holders in order of code."""
    rows = transaction.connection.execute(
        "SELECT status, holder, count(*) FROM casework_case"
        " GROUP BY status, holder ORDER BY holder, status"
    )
    return [CaseCount(*row) for row in rows]


def counters(transaction: SqliteTransaction) -> dict[str, int]:
    """Return the node's own counters by name: what was refused, doubted, healed and so on."""
    rows = transaction.connection.execute(
        "SELECT key, value FROM meta WHERE key LIKE 'count/%' ORDER BY key"
    )
    return {str(key)[len(COUNTERS) :]: int(value) for key, value in rows}


def masked_name(name: str) -> str:
    """Return a name of which only the first character can be read."""
    return name[:1] + "*" * max(len(name) - 1, 0)


def open_case(node: Node, number: str, staff_no: str) -> list[dict[str, Any]]:
    """Return the cases with exactly this 收件编号 or 办件编号, and leave a mark of the opening.

    The applicant's name is masked.
    """
    now = node.clock_ms()
    with node.database.write() as transaction:
        rows = node.desk.table(transaction).by_number(number.strip().upper())
        found = []
        for row in rows:
            record = as_record(row)
            record["applicant_name"] = masked_name(row.applicant_name)
            record["rung"] = rung_of_case(node.core, transaction, row.stream)
            found.append(record)
            transaction.put_statement(OPENED, f"{now}/{staff_no}", row.stream.encode())
    return found


def events_held(node: Node, stream: str) -> int:
    """Return how many events of a stream are held here."""
    with node.database.read() as transaction:
        return len(transaction.stream_events(stream))
