"""Where a node remembers: encrypted SQLite files behind the ports of `sync.protocol.ports`.

Knows tables, transactions and files; deliberately knows nothing of rounds, routing or cases.
"""

# First of all, because any module here may import sqlite-utils: see `library`.
from sync.store import library

__all__ = ["library"]
