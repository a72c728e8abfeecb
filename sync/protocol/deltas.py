"""Deltas: what changed of a shelf from one edition to another, field by field.

Entries of the edition before are named by their place in the order of keys, so that a change costs
a byte or two beside its value; new and replaced entries travel whole, in a pack. A delta says from
which edition to which it leads and how many entries it expects, and the logical root proves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from sync.protocol import canonical
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import PACK_BYTES_MAX, SHELF_ENTRIES_MAX, STATEMENT_BYTES_MAX
from sync.protocol.pack_reader import TableReader
from sync.protocol.pack_streams import pack_streams, unpack_streams
from sync.protocol.pack_writer import TableWriter
from sync.protocol.packs import encode_pack, read_pack
from sync.protocol.registers import Entry

MAGIC = b"YZD\1"
FIELDS_MAX = 4096
CHANGES_PER_ENTRY_MAX = 32
"""An entry that changed in more places travels whole."""


class Edit(NamedTuple):
    """A change of one entry: at `path` stands `value` now, or nothing if `gone`."""

    path: tuple[str | int, ...]
    gone: bool
    value: Any = None


class Delta(NamedTuple):
    """A delta as read.

    Shapes: `entries` of edition `before`; `drop` places in it; `edits` by place; `put` whole.
    """

    before: int
    edition: int
    entries: int
    drop: list[int]
    edits: dict[int, list[Edit]]
    put: list[Entry]


class Made(NamedTuple):
    """A delta as stored and sent, and how many entries it touches."""

    raw: bytes
    entries: int


def make_delta(
    held: Iterable[Entry], wanted: Sequence[Entry], *, before: int, edition: int
) -> Made:
    """Return the delta from the entries of `before` to those of `edition`, both in key order.

    Raises: LimitExceeded: the change is too large for one delta.
    """
    drop: list[int] = []
    put: list[Entry] = []
    fields: dict[tuple[Any, ...], tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    count = touched = 0
    news = iter(wanted)
    new = next(news, None)
    for place, old in enumerate(held):
        count += 1
        while new is not None and new.key < old.key:
            put.append(new)
            new = next(news, None)
        if new is None or new.key > old.key:
            drop.append(place)
            continue
        if new.raw != old.raw:
            edits = edits_between(old.raw, new.raw)
            touched += bool(edits)
            if not edits:
                put.append(new)
            for edit in edits:
                rows, values = fields[(edit.gone, edit.path)]
                rows.append(place)
                values.append(edit.value)
        new = next(news, None)
    if new is not None:
        put += [new, *news]
    raw = _write(before, edition, count, drop, fields, put)
    return Made(raw, touched + len(drop) + len(put))


def _write(
    before: int,
    edition: int,
    entries: int,
    drop: list[int],
    fields: dict[tuple[Any, ...], tuple[list[int], list[Any]]],
    put: list[Entry],
) -> bytes:
    if len(fields) > FIELDS_MAX:
        raise LimitExceeded("fields of a delta")
    writer = TableWriter()
    header: dict[str, Any] = {"before": before, "edition": edition, "entries": entries}
    header["drop"] = [len(drop), writer.table(_gaps(drop))]
    header["fields"] = []
    for (gone, path), (rows, values) in sorted(fields.items(), key=repr):
        places = writer.table(_gaps(rows))
        table = [] if gone else [writer.table(values)]
        header["fields"].append([path, len(rows), places, *table])
    packed = [encode_pack(put)] if put else []
    raw = MAGIC + pack_streams({**header, "put": bool(put)}, [*writer.streams, *packed])
    if len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("delta")
    return raw


def _gaps(places: list[int]) -> list[int]:
    return [place - last for last, place in zip([0, *places], places, strict=False)]


def read_delta(raw: bytes) -> Delta:
    """Return a delta. Raises: Malformed, LimitExceeded."""
    if len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("delta")
    if raw[:4] != MAGIC:
        raise Malformed("delta format")
    header, streams = unpack_streams(raw[4:])
    before, edition, entries = (_number(header, n) for n in ("before", "edition", "entries"))
    packed = streams.pop() if header.get("put") is True and streams else None
    reader = TableReader(streams)
    drop = _places(reader, header.get("drop"), entries)
    edits = _edits(reader, header.get("fields"), entries)
    reader.end()
    put = list(read_pack(packed)) if packed is not None else []
    return Delta(before, edition, entries, drop, edits, put)


def _number(header: dict[str, Any], name: str) -> int:
    number = header.get(name)
    if type(number) is not int or number < 0:
        raise Malformed("header of a delta")
    return number


def _places(reader: TableReader, part: Any, entries: int) -> list[int]:
    """Return places given as steps from one to the next."""
    if not (isinstance(part, list) and len(part) == 2 and type(part[0]) is int):
        raise Malformed("places in a delta")
    if not 0 <= part[0] <= min(entries, SHELF_ENTRIES_MAX):
        raise Malformed("places in a delta")
    steps = list(_values(reader, part[1], part[0]))
    if not all(type(step) is int and step >= 0 for step in steps) or 0 in steps[1:]:
        raise Malformed("places in a delta")
    places = list(accumulate(steps))
    if places and places[-1] >= entries:
        raise Malformed("a place beyond the shelf")
    return places


def _edits(reader: TableReader, fields: Any, entries: int) -> dict[int, list[Edit]]:
    if not isinstance(fields, list) or len(fields) > FIELDS_MAX:
        raise Malformed("fields of a delta")
    found: dict[int, list[Edit]] = defaultdict(list)
    for field in fields:
        if not (isinstance(field, list) and len(field) in (3, 4)):
            raise Malformed("field of a delta")
        path = _path(field[0])
        places = _places(reader, field[1:3], entries)
        if len(field) == 3:
            for place in places:
                found[place].append(Edit(path, gone=True))
            continue
        values = _values(reader, field[3], len(places))
        for place, value in zip(places, values, strict=True):
            found[place].append(Edit(path, False, value))
    return found


def _path(path: Any) -> tuple[str | int, ...]:
    if not (isinstance(path, list) and path and all(type(step) in (str, int) for step in path)):
        raise Malformed("path in a delta")
    return tuple(path)


def _values(reader: TableReader, table: Any, count: int) -> Iterator[Any]:
    for fragment in reader.rows(table, count).fragments:
        try:
            yield msgspec.json.decode(fragment)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed("value in a delta") from error


def edits_between(old: bytes, new: bytes) -> list[Edit]:
    """Return the edits that make `new` of `old`; none where only the whole entry will do."""
    try:
        edits = list(_differences((), msgspec.json.decode(old), msgspec.json.decode(new)))
        if len(edits) > CHANGES_PER_ENTRY_MAX or any(not edit.path for edit in edits):
            return []
        return edits if edited(old, edits) == new else []
    except (Malformed, LimitExceeded, msgspec.MsgspecError, RecursionError, UnicodeError):
        return []


def _differences(path: tuple[str | int, ...], old: Any, new: Any) -> Iterator[Edit]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                yield Edit((*path, key), gone=True)
            elif key not in old:
                yield Edit((*path, key), False, new[key])
            else:
                yield from _differences((*path, key), old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences((*path, at), one, other)
    elif type(old) is not type(new) or old != new:
        yield Edit(path, False, new)


def edited(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """Return an entry's canonical bytes after its edits. Raises: Malformed, LimitExceeded."""
    value = canonical.loads(raw, bytes_max=STATEMENT_BYTES_MAX)
    for edit in edits:
        place, last = _place(value, edit.path)
        try:
            if edit.gone:
                del place[last]
            else:
                place[last] = edit.value
        except (KeyError, IndexError, TypeError) as error:
            raise Malformed("an edit of what is not there") from error
    return canonical.dumps(value)


def applied(entries: Sequence[Entry], delta: Delta) -> list[Entry]:
    """Return the entries, in order, after a delta. Raises: Malformed, LimitExceeded."""
    if delta.entries != len(entries):
        raise Malformed("a delta for another edition")
    gone = set(delta.drop)
    found = {entry.key: entry for place, entry in enumerate(entries) if place not in gone}
    for place, edits in delta.edits.items():
        key = entries[place].key
        found[key] = Entry(key, edited(entries[place].raw, edits))
    found.update((entry.key, entry) for entry in delta.put)
    return [found[key] for key in sorted(found)]


def _place(value: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    """Return the container an edit changes and the key or index in it."""
    for step in path[:-1]:
        try:
            value = value[_fitting(value, step)]
        except (KeyError, IndexError, TypeError) as error:
            raise Malformed("a path that leads nowhere") from error
    return value, _fitting(value, path[-1])


def _fitting(value: Any, step: str | int) -> str | int:
    """Return the step if it is one for this container; an index must be that of an element."""
    if isinstance(value, dict) and isinstance(step, str):
        return step
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return step
    raise Malformed("a path that leads nowhere")
