"""Receipts a child is due although it brought nothing: its parent learned of a hole afterwards.

Told with every answer until the child calls with the token of an answer that told it.
"""

from __future__ import annotations

from sync.protocol.names import LogName
from sync.protocol.ports import Transaction

_NEWS = "receipt_news"
_UNTOLD = b"!"


def note(transaction: Transaction, log: LogName) -> None:
    """Have a log's receipt told to whom the log came from."""
    transaction.put_statement(_NEWS, f"{log.station}/{log.epoch}", _UNTOLD)


def due(transaction: Transaction, child: str, heard: bytes, token: bytes) -> set[LogName]:
    """Return the logs whose receipts this child is still to be told.

    Shapes: `heard` is the token the child showed, `token` the one the answer carries.
    """
    found = set()
    for ref, told in list(transaction.statements(_NEWS)):
        name = LogName.parse(ref)
        log = transaction.log(name)
        if told and told == heard:
            transaction.drop_statement(_NEWS, ref)
        elif log is not None and log.source == child:
            transaction.put_statement(_NEWS, ref, token or _UNTOLD)
            found.add(name)
    return found
