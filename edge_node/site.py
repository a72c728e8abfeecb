"""What every page of a station needs: the node, its templates, the gate, and a look at its data.

A `Look` is one reading transaction with its registers; pages take all they show from one look, so
that a page never mixes two states.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request

from casework.case import Case
from casework.case_table import SqlCaseTable
from casework.context import Context
from casework.errors import InvalidNumber
from casework.matter import Matter
from casework.numbers import parse_receipt_number
from casework.projection import CaseRow
from edge_node import badge
from edge_node.catalogue import Catalogue, Catalogues
from node.accounts import Accounts
from node.program import Node
from node.registry import Registry
from sync.store.sql_transaction import SqlTransaction
from ui.forms import new_form_key
from ui.login import Gate
from ui.pages import Entry, Layout, Pages
from ui.people import Person, person_of

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
_EVERYBODY: Final = (
    Entry("/", "办件受理", "1"),
    Entry("/pending", "待补材料", "2"),
    Entry("/cases", "我的办件", "3"),
    Entry("/sync", "上报情况", "5"),
)
_BY_POST: Final = (
    (("accept", "review", "decide"), Entry("/review", "待审", "6")),
    (("issue", "deliver"), Entry("/issue", "出件", "7")),
    (("admin",), Entry("/admin", "站点管理", "8")),
)


@dataclass(frozen=True, slots=True)
class Look:
    """One consistent look at the node's data."""

    transaction: SqlTransaction
    table: SqlCaseTable
    registry: Registry
    context: Context
    catalogue: Catalogue
    now_ms: int

    @property
    def station(self) -> str:
        """This station's code."""
        return self.context.station

    def name(self, station: str) -> str:
        """A station's name; empty for no station."""
        return self.registry.tree.name(station) if station else ""

    def staff_name(self, number: str) -> str:
        """A staff member's name with the number; of another station's staff the number alone."""
        if number == "node":
            return "系统"
        found = self.registry.staff(number)
        return f"{found.name} {number}" if found is not None else f"工号 {number}"

    def matter_of(self, case: Case) -> Matter | None:
        """The version of the matter a case pins, if it is held here."""
        return self.context.find_pinned(case)


class Site:
    """A station's pages: shared by all their modules."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.station = node.core.station
        self.accounts = Accounts(node)
        self.gate = Gate(self.accounts, self.station)
        self._catalogues = Catalogues(self.station)
        bare = Layout(station=self.station, station_name=f"站点 {self.station}")
        self.pages = Pages([TEMPLATES], self._layout, bare)

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Open a look; nothing can be written through it."""
        now = self.node.clock_ms()
        with self.node.database.read() as transaction:
            desk = self.node.desk
            table = desk.table(transaction)
            assert isinstance(table, SqlCaseTable), "a node keeps its cases in node.db"
            yield Look(
                transaction=transaction,
                table=table,
                registry=desk.registry(transaction, now),
                context=desk.context(transaction, now),
                catalogue=self._catalogues.of(transaction, now),
                now_ms=now,
            )

    def form_key(self) -> str:
        """A fresh one-time form key."""
        return new_form_key(self.node.core.chance.bytes)

    def rows(self, look: Look, number: str) -> list[CaseRow]:
        """The cases with this receipt or official number, of whatever audience."""
        return look.table.by_number(canonical_number(number))

    def _layout(self, request: Request) -> Layout:
        person = person_of(request)
        with self.look() as look:
            return Layout(
                station=self.station,
                station_name=look.name(self.station),
                person=person,
                entries=_entries(person),
                badge=badge.of(look, self.node.core) if person else None,
                demo=look.catalogue.demo,
            )


def canonical_number(typed: str) -> str:
    """A receipt number in its written form; any other text without the blanks around it."""
    try:
        return str(parse_receipt_number(typed))
    except InvalidNumber:
        return typed.strip()


def _entries(person: Person | None) -> tuple[Entry, ...]:
    if person is None:
        return ()
    return _EVERYBODY + tuple(entry for posts, entry in _BY_POST if person.may(*posts))
