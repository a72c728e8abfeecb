"""The one SQLite library of this product: `sqlcipher3`, encrypted and new enough.

sqlite-utils prefers a module called `pysqlite3`. Registering `sqlcipher3` under that name before
sqlite-utils is imported makes its own error handling catch our driver's errors (DESIGN 11). Every
module that touches SQLite imports it from here, so the order is always right.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from sync.protocol.errors import LibraryTooOld

SQLITE_VERSION_MIN = (3, 51, 3)
"""The WAL-reset bug corrupts databases in 3.7.0 to 3.51.2 (research: reliability, decision 6)."""
SQLITE_VERSIONS_WITHDRAWN = ((3, 52, 0),)


def _register() -> Any:
    dbapi2 = importlib.import_module("sqlcipher3.dbapi2")
    sys.modules["pysqlite3"] = importlib.import_module("sqlcipher3")
    sys.modules["pysqlite3.dbapi2"] = dbapi2
    return dbapi2


dbapi2: Any = _register()
DriverError: type[Exception] = dbapi2.Error


def require_library(version: Sequence[int] = dbapi2.sqlite_version_info) -> None:
    """Refuse to go on with an SQLite that can corrupt a database.

    Raises: LibraryTooOld.
    """
    found = tuple(version)
    if found < SQLITE_VERSION_MIN or found in SQLITE_VERSIONS_WITHDRAWN:
        raise LibraryTooOld(".".join(str(part) for part in found))
    utils: Any = sys.modules.get("sqlite_utils.utils")
    if utils is not None and utils.sqlite3.Connection is not dbapi2.Connection:
        raise LibraryTooOld("sqlite_utils was imported before sync.store")
