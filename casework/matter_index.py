"""The search index over a station's matters: SQLite FTS5 with tokens made by `search`.

Works on any connection with `execute` and `executemany`; the caller owns the transaction. It holds
what finding and ranking need and nothing else: the entries themselves are in the register's store.
Both full-text tables keep no copy of their text, so rows are taken out by handing back the tokens
they were stored with; that is why a change of the token recipe asks for a rebuild.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from casework.search import (
    code_fragment,
    exact_form,
    fold,
    index_text,
    initials_expression,
    initials_tokens,
    match_expression,
)

TOKEN_RECIPE = 1
# Above this many hits bm25 costs more than a page may take, and says little: the order of the rows
# (shortest names first, see `replace_all`) stands in for it.
RANKED_HITS_MAX = 3000
SEARCH_LIMIT_DEFAULT = 20
SEARCH_LIMIT_MAX = 500
ROWS_AT_ONCE = 500
"""Tokens of so many rows are in memory together."""
NOTHING_BOOSTED = "[]"

TABLES = (
    """CREATE TABLE IF NOT EXISTS matter_search_doc (
        id INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        alias TEXT NOT NULL,
        dept TEXT NOT NULL,
        initials TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS matter_search_exact (
        form TEXT NOT NULL,
        id INTEGER NOT NULL,
        PRIMARY KEY (form, id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS matter_search_recipe (
        recipe INTEGER NOT NULL
    ) STRICT""",
    """CREATE VIRTUAL TABLE IF NOT EXISTS matter_search_text
        USING fts5(name, alias, dept, content='', tokenize='unicode61')""",
    """CREATE VIRTUAL TABLE IF NOT EXISTS matter_search_initials
        USING fts5(initials, content='', detail=none, prefix='2 3', tokenize='unicode61')""",
)
# Boosted rows are passed as a JSON list of ids, so that one statement serves any number of them.
EXACT_HITS = """
    SELECT d.code FROM matter_search_exact e JOIN matter_search_doc d USING (id)
    WHERE e.form = ?
    ORDER BY d.id NOT IN (SELECT value FROM json_each(?)), length(d.name), d.id LIMIT ?"""
COUNTED_HITS = """
    SELECT count(*) FROM
        (SELECT 1 FROM matter_search_text WHERE matter_search_text MATCH ? LIMIT ?)"""
SCORED_HITS = """
    SELECT d.code FROM (
        SELECT rowid AS id,
            rowid NOT IN (SELECT value FROM json_each(?)) AS later,
            bm25(matter_search_text, 10.0, 6.0, 1.0) AS score
        FROM matter_search_text WHERE matter_search_text MATCH ?
        ORDER BY later, score, rowid LIMIT ?
    ) h JOIN matter_search_doc d USING (id) ORDER BY h.later, h.score, h.id"""
BROAD_HITS = """
    SELECT d.code FROM
        (SELECT rowid AS id FROM matter_search_text WHERE matter_search_text MATCH ? LIMIT ?) h
    JOIN matter_search_doc d USING (id) ORDER BY h.id"""
BROAD_BOOSTED_HITS = """
    SELECT d.code FROM (
        SELECT rowid AS id FROM matter_search_text
        WHERE matter_search_text MATCH ? AND +rowid IN (SELECT value FROM json_each(?)) LIMIT ?
    ) h JOIN matter_search_doc d USING (id) ORDER BY h.id"""
INITIALS_HITS = """
    SELECT d.code FROM (
        SELECT rowid AS id FROM matter_search_initials WHERE matter_search_initials MATCH ? LIMIT ?
    ) h JOIN matter_search_doc d USING (id)
    WHERE instr(d.initials, ?) > 0
    ORDER BY d.id NOT IN (SELECT value FROM json_each(?)),
        instr(' ' || d.initials || ' ', ' ' || ? || ' ') = 0,
        instr(' ' || d.initials, ' ' || ?) = 0,
        length(d.name), d.id LIMIT ?"""
CODE_HITS = """
    SELECT d.code FROM matter_search_doc d WHERE d.code LIKE ?
    ORDER BY d.id NOT IN (SELECT value FROM json_each(?)), d.id LIMIT ?"""


class Rows(Protocol):
    """What `execute` must answer with: something to read rows from."""

    def fetchall(self) -> list[Any]:
        """Return the remaining rows."""


class Connection(Protocol):
    """The part of a DB-API connection that is used here."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Rows:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run one statement once per row of parameters."""


class MatterIndex:
    """Finds matter codes by name, alias, department, pinyin initials or part of the code."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_tables(self) -> None:
        """Create what is missing. Idempotent."""
        for statement in TABLES:
            self._connection.execute(statement)

    def needs_rebuild(self) -> bool:
        """Return whether the rows were stored by another token recipe, or never."""
        rows = self._connection.execute("SELECT recipe FROM matter_search_recipe").fetchall()
        return [tuple(row) for row in rows] != [(TOKEN_RECIPE,)]

    def replace_all(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Make the index hold exactly these matters entries.

        Order: rows are stored by length of name, which broad queries use as their ranking.
        """
        run = self._connection.execute
        run("DELETE FROM matter_search_doc")
        run("DELETE FROM matter_search_exact")
        run("DELETE FROM matter_search_recipe")
        run("INSERT INTO matter_search_text(matter_search_text) VALUES ('delete-all')")
        run("INSERT INTO matter_search_initials(matter_search_initials) VALUES ('delete-all')")
        run("INSERT INTO matter_search_recipe(recipe) VALUES (?)", (TOKEN_RECIPE,))
        documents = sorted(
            (_document(entry) for entry in entries), key=lambda doc: (len(doc[1]), doc[0])
        )
        for start in range(0, len(documents), ROWS_AT_ONCE):
            some = documents[start : start + ROWS_AT_ONCE]
            self._insert([(at, *document) for at, document in enumerate(some, start=start + 1)])

    def apply(self, changed: Iterable[Mapping[str, Any]], removed: Iterable[str]) -> None:
        """Take over changed or new entries and drop the removed codes.

        Idempotent: the same change twice leaves the same index; an unknown code is no error.
        """
        documents = {str(entry["code"]): _document(entry) for entry in changed}
        old = self._stored([*documents, *removed])
        self._delete(old)
        ids = {row[1]: row[0] for row in old}
        answer = self._connection.execute("SELECT coalesce(max(id), 0) FROM matter_search_doc")
        free = int(answer.fetchall()[0][0])
        rows = []
        for code, document in documents.items():
            if code not in ids:
                free = max([free, *ids.values()]) + 1
                ids[code] = free
            rows.append((ids[code], *document))
        self._insert(rows)

    def search(
        self,
        query: str,
        limit: int = SEARCH_LIMIT_DEFAULT,
        boost: AbstractSet[str] = frozenset(),
    ) -> list[str]:
        """Return the codes that match, best first, each once.

        Order: names and aliases that are the query itself; then matches in the text; then pinyin
        initials; then parts of codes. Within each, codes in `boost` (what the station takes in)
        come before the others (what it only informs about).
        Bounds: at most `limit` codes, and never more than `SEARCH_LIMIT_MAX`.
        """
        wanted = max(0, min(limit, SEARCH_LIMIT_MAX))
        boosted = self._ids(boost)
        found: dict[str, None] = {}
        for step in (self._exact, self._text, self._initials, self._code):
            if len(found) < wanted:
                found.update(dict.fromkeys(step(query, wanted, boosted)))
        return list(found)[:wanted]

    def _exact(self, query: str, limit: int, boosted: str) -> list[str]:
        form = exact_form(query)
        return self._codes(EXACT_HITS, (form, boosted, limit)) if form else []

    def _text(self, query: str, limit: int, boosted: str) -> list[str]:
        expression = match_expression(query)
        if not expression:
            return []
        counted = self._connection.execute(COUNTED_HITS, (expression, RANKED_HITS_MAX + 1))
        if counted.fetchall()[0][0] > RANKED_HITS_MAX:
            return self._broad(expression, limit, boosted)
        return self._codes(SCORED_HITS, (boosted, expression, limit))

    def _broad(self, expression: str, limit: int, boosted: str) -> list[str]:
        """Return hits in row order, boosted ones and names first, without scoring them all."""
        first: list[str] = []
        if boosted != NOTHING_BOOSTED:
            first = self._codes(BROAD_BOOSTED_HITS, (expression, boosted, limit))
        in_name = self._codes(BROAD_HITS, (f"{{name}} : ({expression})", limit))
        anywhere = self._codes(BROAD_HITS, (expression, limit))
        return list(dict.fromkeys([*first, *in_name, *anywhere]))[:limit]

    def _initials(self, query: str, limit: int, boosted: str) -> list[str]:
        expression, letters = initials_expression(query), fold(query)
        if not expression:
            return []
        return self._codes(
            INITIALS_HITS,
            (expression, RANKED_HITS_MAX, letters, boosted, letters, letters, limit),
        )

    def _code(self, query: str, limit: int, boosted: str) -> list[str]:
        fragment = code_fragment(query)
        return self._codes(CODE_HITS, (f"%{fragment}%", boosted, limit)) if fragment else []

    def _ids(self, codes: AbstractSet[str]) -> str:
        """Return the row ids of codes as a JSON list; codes not held here are left out."""
        if not codes:
            return NOTHING_BOOSTED
        rows = self._connection.execute(
            "SELECT id FROM matter_search_doc WHERE code IN (SELECT value FROM json_each(?))",
            (json.dumps(list(codes)),),
        ).fetchall()
        return json.dumps([row[0] for row in rows])

    def _codes(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        return [str(row[0]) for row in self._connection.execute(statement, parameters).fetchall()]

    def _stored(self, codes: list[str]) -> list[tuple[Any, ...]]:
        rows = self._connection.execute(
            "SELECT id, code, name, alias, dept, initials FROM matter_search_doc"
            " WHERE code IN (SELECT value FROM json_each(?))",
            (json.dumps(codes),),
        ).fetchall()
        return [tuple(row) for row in rows]

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        many = self._connection.executemany
        many("INSERT INTO matter_search_doc VALUES (?, ?, ?, ?, ?, ?)", rows)
        many("INSERT INTO matter_search_exact(form, id) VALUES (?, ?)", _exact_rows(rows))
        many(
            "INSERT INTO matter_search_text(rowid, name, alias, dept) VALUES (?, ?, ?, ?)",
            _text_rows(rows),
        )
        many(
            "INSERT INTO matter_search_initials(rowid, initials) VALUES (?, ?)",
            _initials_rows(rows),
        )

    def _delete(self, rows: list[tuple[Any, ...]]) -> None:
        many = self._connection.executemany
        many(
            "INSERT INTO matter_search_text(matter_search_text, rowid, name, alias, dept)"
            " VALUES ('delete', ?, ?, ?, ?)",
            _text_rows(rows),
        )
        many(
            "INSERT INTO matter_search_initials(matter_search_initials, rowid, initials)"
            " VALUES ('delete', ?, ?)",
            _initials_rows(rows),
        )
        many("DELETE FROM matter_search_exact WHERE form = ? AND id = ?", _exact_rows(rows))
        many("DELETE FROM matter_search_doc WHERE id = ?", [(row[0],) for row in rows])


def _document(entry: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Return code, name, aliases, department and initials of an entry as they are stored."""
    aliases = "\n".join(str(alias) for alias in entry.get("aliases", []))
    initials = " ".join(str(reading).lower() for reading in entry.get("initials", []))
    return (
        str(entry["code"]),
        str(entry["name"]),
        aliases,
        str(entry.get("department", "")),
        initials,
    )


def _text_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(row[0], index_text(row[2]), index_text(row[3]), index_text(row[4])) for row in rows]


def _initials_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(row[0], initials_tokens(row[5].split())) for row in rows]


def _exact_rows(rows: list[tuple[Any, ...]]) -> list[tuple[str, int]]:
    """Return one row per distinct whole name or alias."""
    forms: list[tuple[str, int]] = []
    for row in rows:
        names = {exact_form(row[2]), *(exact_form(alias) for alias in row[3].split("\n"))}
        forms.extend((form, row[0]) for form in sorted(names) if form)
    return forms
