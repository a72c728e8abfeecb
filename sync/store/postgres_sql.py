"""The store's SQL in the words of PostgreSQL: what differs from SQLite, and nothing else.

Statements are written once. Here `?` becomes `$1`, a list handed over as JSON is taken apart by
PostgreSQL's function, and a schema gets PostgreSQL's types, byte order of text, and triggers that
raise. A statement of a kind not known here is refused at once: nothing is silently left out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count

_VALUE = re.compile(r"'[^']*'|\?")
_LISTED = ("FROM json_each(?)", "FROM json_array_elements_text(CAST(? AS json)) AS listed (value)")
_TYPES = (
    (re.compile(r"\bINTEGER\b"), "bigint"),
    (re.compile(r"\bBLOB\b"), "bytea"),
    # The order of texts is that of their bytes, whatever language the server was set up for.
    (re.compile(r"\bTEXT\b"), 'text COLLATE "C"'),
    (re.compile(r"\)\s*(STRICT|WITHOUT ROWID)(\s*,\s*(STRICT|WITHOUT ROWID))?\s*$"), ")"),
)
_TRIGGER = re.compile(
    r"CREATE TRIGGER (?P<name>\w+)"
    r" BEFORE (?P<event>DELETE|UPDATE(?:\s+OF\s+[\w,\s]+?)?) ON (?P<table>\w+)"
    r"(?:\s+WHEN (?P<when>.+?))?"
    r"\s+BEGIN\s+SELECT RAISE\(ABORT, (?P<message>'[^']*')\);\s+END",
    re.DOTALL,
)
REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


@lru_cache(maxsize=1024)
def statement(sql: str) -> bytes:
    """Return a statement as PostgreSQL takes it, its bound values numbered."""
    numbers = count(1)

    def number(found: re.Match[str]) -> str:
        return f"${next(numbers)}" if found[0] == "?" else found[0]

    return _VALUE.sub(number, sql.replace(*_LISTED)).encode()


def definition(sql: str) -> list[str]:
    """Return what a statement of a migration is for PostgreSQL; nothing for full-text tables.

    Raises: ValueError, if this release does not know how to say it.
    """
    text = sql.strip()
    kind = " ".join(text.split()[:2]).upper()
    if kind == "CREATE TRIGGER":
        return _trigger(text)
    if kind == "CREATE VIRTUAL":
        return []  # FTS5; central searches its matters by plain SQL, see `casework.matter_list`
    if kind in ("CREATE TABLE", "ALTER TABLE"):
        for pattern, word in _TYPES:
            text = pattern.sub(word, text)
        return [text]
    if kind in ("CREATE INDEX", "CREATE UNIQUE", "UPDATE", "INSERT INTO", "DROP INDEX"):
        return [text]
    raise ValueError(f"no PostgreSQL for a migration's statement {kind}")


def _trigger(text: str) -> list[str]:
    """Return the trigger that refuses a change; what refuses deletion refuses TRUNCATE too."""
    found = _TRIGGER.fullmatch(text)
    if found is None:
        raise ValueError("no PostgreSQL for a trigger that does more than refuse a change")
    name, table, message = found["name"], found["table"], found["message"]
    event = " ".join(found["event"].split())
    act = f"EXECUTE FUNCTION refuse_change({message})"
    when = ""
    if found["when"] is not None:
        condition = re.sub(r"\bIS NOT (?!NULL)", "IS DISTINCT FROM ", found["when"])
        when = "\nWHEN (" + condition.replace("x''", "''::bytea") + ")"
    made = [f"CREATE TRIGGER {name} BEFORE {event} ON {table}\nFOR EACH ROW{when} {act}"]
    if event == "DELETE":
        made.append(
            f"CREATE TRIGGER {name}_at_once BEFORE TRUNCATE ON {table}\nFOR EACH STATEMENT {act}"
        )
    return made
