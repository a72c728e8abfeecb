"""Finding matters by plain SQL, for a database without full-text tables: central on PostgreSQL.

One scan over a narrow table answers a query: enough for a console, where a station's clerk, who
types all day, has `matter_index`. The words of `search` mean the same here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol

from casework.matter_index import (
    SEARCH_LIMIT_DEFAULT,
    SEARCH_LIMIT_MAX,
    TOKEN_RECIPE,
    Connection,
)
from casework.search import QUERY_CHARACTERS_MAX, exact_form, fold

TABLE: Final = """CREATE TABLE IF NOT EXISTS matter_list (
    code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    forms TEXT NOT NULL,
    words TEXT NOT NULL
) STRICT"""


class MatterFinder(Protocol):
    """What finds matters for a page: `MatterIndex`, or `MatterList`."""

    def needs_rebuild(self) -> bool:
        """Return whether the rows were stored by another recipe, or never."""

    def replace_all(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Make it hold exactly these matters entries."""

    def apply(self, changed: Iterable[Mapping[str, Any]], removed: Iterable[str]) -> None:
        """Take over changed or new entries and drop the removed codes."""

    def search(self, query: str, limit: int = ..., boost: AbstractSet[str] = ...) -> list[str]:
        """Return the codes that match, best first, each once."""


class MatterList:
    """Finds matter codes by name, alias, department, pinyin initials or part of the code."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def needs_rebuild(self) -> bool:
        """Return whether the rows were stored by another recipe, or never."""
        rows = self._connection.execute("SELECT recipe FROM matter_search_recipe").fetchall()
        return [tuple(row) for row in rows] != [(TOKEN_RECIPE,)]

    def replace_all(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Make it hold exactly these matters entries."""
        run = self._connection.execute
        run("DELETE FROM matter_list")
        run("DELETE FROM matter_search_recipe")
        run("INSERT INTO matter_search_recipe (recipe) VALUES (?)", (TOKEN_RECIPE,))
        self._put(entries)

    def apply(self, changed: Iterable[Mapping[str, Any]], removed: Iterable[str]) -> None:
        """Take over changed or new entries and drop the removed codes. Idempotent."""
        rows = {str(entry["code"]): entry for entry in changed}
        self._connection.executemany(
            "DELETE FROM matter_list WHERE code = ?", [(code,) for code in (*rows, *removed)]
        )
        self._put(rows.values())

    def _put(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self._connection.executemany(
            "INSERT INTO matter_list (code, name, forms, words) VALUES (?, ?, ?, ?)",
            [_row(entry) for entry in entries],
        )

    def search(
        self,
        query: str,
        limit: int = SEARCH_LIMIT_DEFAULT,
        boost: AbstractSet[str] = frozenset(),
    ) -> list[str]:
        """Return the codes whose words hold every word of the query.

        Order: names and aliases that are the query itself; codes in `boost`; shorter names; codes.
        Bounds: at most `limit` codes, and never more than `SEARCH_LIMIT_MAX`.
        """
        words = fold(query[:QUERY_CHARACTERS_MAX]).split()
        if not words:
            return []
        holds = " AND ".join(["words LIKE ? ESCAPE '\\'"] * len(words))
        rows = self._connection.execute(
            f"SELECT code FROM matter_list WHERE {holds}"  # noqa: S608 (fixed fragments)
            " ORDER BY CASE WHEN forms LIKE ? ESCAPE '\\' THEN 0 ELSE 1 END,"
            " CASE WHEN code IN (SELECT value FROM json_each(?)) THEN 0 ELSE 1 END,"
            " length(name), code LIMIT ?",
            (
                *(f"%{_literal(word)}%" for word in words),
                f"%\n{_literal(exact_form(query))}\n%",
                json.dumps(sorted(boost)),
                max(0, min(limit, SEARCH_LIMIT_MAX)),
            ),
        ).fetchall()
        return [str(row[0]) for row in rows]


def _row(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name, aliases = str(entry["name"]), [str(alias) for alias in entry.get("aliases", [])]
    initials = [str(reading) for reading in entry.get("initials", [])]
    told = [name, *aliases, str(entry.get("department", "")), *initials, str(entry["code"])]
    forms = "\n".join(["", *(exact_form(text) for text in (name, *aliases)), ""])
    return str(entry["code"]), name, forms, "\n".join(fold(text) for text in told)


def _literal(text: str) -> str:
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text
