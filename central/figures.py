"""Figures about cases, and the one case a supervisor asks for by its exact number.

A supervisor sees figures. Opening one case takes its exact number and leaves a mark of who did it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from casework.case import Case, as_json
from casework.projection import as_record
from casework.timeline import timeline_facts
from node.program import Node
from node.situation import rung_of_case
from sync.store.sql_transaction import SqlTransaction

OPENED = "case_opened"
"""Statement kind of the marks left by opening a case: ref `at_ms/staff`, content the stream."""
COUNTERS = "count/"


class CaseCount(NamedTuple):
    """How many cases stand in one status at one holder."""

    status: str
    holder: str
    cases: int


def case_counts(transaction: SqlTransaction) -> list[CaseCount]:
    """Return the number of cases per status and holder, holders in order of code."""
    rows = transaction.connection.execute(
        "SELECT status, holder, count(*) FROM casework_case"
        " GROUP BY status, holder ORDER BY holder, status"
    )
    return [CaseCount(*row) for row in rows]


def counters(transaction: SqlTransaction) -> dict[str, int]:
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

    Shapes: as at a station; of the applicant only the first character of the name.
    """
    now = node.clock_ms()
    with node.database.write() as transaction:
        found = []
        for row in node.desk.table(transaction).by_number(number.strip().upper()):
            facts = as_record(row)
            if not row.cannot_be_shown:
                case = node.desk.case(transaction, row.stream)
                facts |= _folded(case) if case is not None else {}
            facts["applicant_name"] = masked_name(row.applicant_name)
            facts["applicant"] = {"name": facts["applicant_name"]}
            facts["rung"] = rung_of_case(node.core, transaction, row.stream)
            found.append(facts)
            transaction.put_statement(OPENED, f"{now}/{staff_no}", row.stream.encode())
    return found


def _folded(case: Case) -> dict[str, Any]:
    """Return what the events say of a case, without who applied."""
    return {
        "matter": as_json(case.matter),
        "term": case.term,
        "stage_index": case.stage_index,
        "void_requested": case.void_requested,
        "tasks": as_json(case.tasks),
        "days": as_json(case.days),
        "superseded": as_json(case.superseded),
        "timeline": timeline_facts(case),
    }


def events_held(node: Node, stream: str) -> int:
    """Return how many events of a stream are held here."""
    with node.database.read() as transaction:
        return len(transaction.stream_events(stream))
