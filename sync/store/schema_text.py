"""Prints `schema.sql`: `python -m sync.store.schema_text > sync/store/schema.sql`.

The file is there to be read; a test holds it to what the migrations make.
"""

from __future__ import annotations

import sys

from sync.store.library import Connection, dbapi2
from sync.store.migrations import Schema, migrate
from sync.store.schema_blobs import BLOBS_SCHEMA
from sync.store.schema_node import NODE_SCHEMA

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


if __name__ == "__main__":
    sys.stdout.write(schema_text())
