"""Writes `schema.sql` and `schema_postgres.sql`: `python -m sync.store.schema_text`.

The files are there to be read; a test holds them to what the migrations make.
"""

from __future__ import annotations

from pathlib import Path

from sync.store.library import dbapi2
from sync.store.migrations import Schema, migrate
from sync.store.postgres_definitions import definitions
from sync.store.schema_blobs import BLOBS_SCHEMA
from sync.store.schema_node import NODE_SCHEMA
from sync.store.sql import Connection

WRITTEN = Path(__file__).with_name("schema.sql")
WRITTEN_POSTGRES = Path(__file__).with_name("schema_postgres.sql")
_FILES = {"node.db": NODE_SCHEMA, "blobs.db": BLOBS_SCHEMA}


def schema_text() -> str:
    """Return the schema of both files as the migrations make it, in a stable order."""
    return "".join(
        f"-- {name}, release {schema.release}\n\n{_made_by(schema)}"
        for name, schema in _FILES.items()
    )


def _made_by(schema: Schema) -> str:
    connection: Connection = dbapi2.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, schema)
        rows = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name NOT LIKE '$_%'"
            " ESCAPE '$' ORDER BY tbl_name, type = 'trigger', type = 'index', name"
        )
        return "".join(f"{sql};\n\n" for (sql,) in rows)
    finally:
        connection.close()


def schema_text_postgres() -> str:
    """Return the schema of central's database on a PostgreSQL server, in the order it is made."""
    made = "".join(f"{sql.strip()};\n\n" for sql in definitions(NODE_SCHEMA))
    return f"-- central on PostgreSQL, release {NODE_SCHEMA.release}\n\n{made}"


if __name__ == "__main__":
    WRITTEN.write_text(schema_text(), encoding="utf-8")
    WRITTEN_POSTGRES.write_text(schema_text_postgres(), encoding="utf-8")
