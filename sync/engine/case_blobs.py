"""Files of cases: which events name them, who may have them, what is fetched and handed up.

All from the events' own words: a file belongs to the streams whose events name it, and goes where
those streams go. What a case is stays unknown here; who fetches ahead is asked of a callback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sync.engine.core import Core, count
from sync.engine.purge import TAKEN
from sync.protocol import canonical, chunks, statements
from sync.protocol.bodies import Purged
from sync.protocol.book import BlobBook, NamedFile
from sync.protocol.envelope import PURGED
from sync.protocol.errors import PeerProtocolError
from sync.protocol.limits import BODY_BYTES_MAX, CASE_FILES_BYTES_MAX
from sync.protocol.names import EventName
from sync.protocol.ports import BlobStore, StoredEvent, Transaction
from sync.protocol.statements import Purge

EVENTS_PER_STEP = 500
FILES_PER_PASS = 32
MANIFESTS_BAD = "file_manifests_bad"
_ARRIVAL = "arrival"
_PARENT_LIFE = "given_to"
_PURGES = "purges"

FetchesAhead = Callable[[Transaction, str], bool]
"""Whether this node fetches the files of a stream before anybody opens them."""


class Piece(NamedTuple):
    """A manifest or chunk of a file, and its whole size."""

    sha256: str
    size: int


class Noted(NamedTuple):
    """How many `events` were looked at, 0 at the end; `news` whether the second lane has work."""

    events: int
    news: bool


def note_names(
    core: Core,
    transaction: Transaction,
    book: BlobBook,
    blobs: BlobStore,
    ahead: FetchesAhead,
) -> Noted:
    """Note what the next events name; wish for the files of streams in which something moved.

    Its cursor belongs to this incarnation, because arrivals are counted anew after a restore.
    Idempotent: noted twice is noted once.
    """
    _heed_purges(core, transaction, book, blobs)
    key = f"{_ARRIVAL}/{core.incarnation}"
    page = transaction.events_after(int(book.note(key) or "0"), EVENTS_PER_STEP)
    if not page:
        return Noted(0, news=False)
    files = [
        NamedFile(f.sha256, f.bytes, f.size, str(one.name), one.stream, one.source)
        for one in page
        for f in chunks.names_in(one.event.body)
    ]
    book.name(files, core.parent)
    news = bool(files)
    for stream, above in _given_from_above(core, book, {one.stream for one in page}):
        if ahead(transaction, stream):
            book.wish(above)
            news = True
    for one in page:
        _heed_purge(core, book, blobs, one)
    book.set_note(key, str(page[-1].arrival))
    return Noted(len(page), news=news)


def _given_from_above(
    core: Core, book: BlobBook, streams: Iterable[str]
) -> list[tuple[str, list[str]]]:
    """Return the files of these streams that the parent named: the others come up by themselves."""
    if core.is_root:
        return []
    found: dict[str, list[str]] = {}
    for one in book.named_in(*streams):
        if one.source == core.parent:
            found.setdefault(one.stream, []).append(one.sha256)
    return sorted(found.items())


def _heed_purge(core: Core, book: BlobBook, blobs: BlobStore, stored: StoredEvent) -> None:
    """Erase the files that only purged events named; their bytes are what a purge is about."""
    if stored.type != PURGED or stored.name.station != core.root or stored.event.body is None:
        return
    try:
        purged = canonical.load_as(stored.event.body, Purged, bytes_max=BODY_BYTES_MAX)
    except PeerProtocolError:
        return
    _erase(book, blobs, purged.events)


def _heed_purges(core: Core, transaction: Transaction, book: BlobBook, blobs: BlobStore) -> None:
    """Erase likewise by the statements, for a node the stream does not come to any more."""
    key = f"{_PURGES}/{core.incarnation}"
    taken = transaction.meta(TAKEN) or ""
    if (book.note(key) or "") == taken:
        return
    for _, raw in transaction.statements(statements.PURGE):
        _erase(book, blobs, statements.decode(raw).read(Purge).events)
    book.set_note(key, taken)


def _erase(book: BlobBook, blobs: BlobStore, events: Iterable[str]) -> None:
    for name in events:
        for sha256 in book.unname(name):
            blobs.forget(sha256)


def forget_other_parent(transaction: Transaction, book: BlobBook) -> None:
    """Ask anew what the parent holds when it is another one, or one in a new life."""
    link = transaction.parent_link()
    life = "" if link is None else f"{link.station}/{link.incarnation}"
    if link is not None and book.note(_PARENT_LIFE) != life:
        book.owe_all(link.station)
        book.set_note(_PARENT_LIFE, life)


def concerns(transaction: Transaction, book: BlobBook, child: str, sha256: str) -> bool:
    """Return whether a manifest or chunk belongs to a stream that is routed to a child."""
    streams = {one.stream for one in book.named(sha256)}
    return any(child in transaction.routes(stream) for stream in streams)


def size_of(book: BlobBook, sha256: str) -> int | None:
    """Return how large a manifest or chunk is that events name, None when none does."""
    for one in book.named(sha256):
        if one.sha256 == sha256:
            return one.bytes
        for name, size in book.chunks(one.sha256):
            if name == sha256:
                return size
    return None


def lacking(book: BlobBook, blobs: BlobStore, file: NamedFile) -> list[Piece]:
    """Return what is missing here of a file: its manifest first, then its chunks, each once."""
    if blobs.size(file.sha256) is None:
        return [Piece(file.sha256, file.bytes)]
    found = {
        name: Piece(name, size)
        for name, size in book.chunks(file.sha256)
        if blobs.size(name) is None
    }
    return list(found.values())


def wished(book: BlobBook, blobs: BlobStore) -> list[Piece]:
    """Return what is to be fetched for the oldest wishes; a whole file is wished for no more."""
    found: dict[str, Piece] = {}
    for file in book.wishes(FILES_PER_PASS):
        missing = lacking(book, blobs, file)
        if not missing:
            book.unwish(file.sha256)
        for piece in missing:
            found.setdefault(piece.sha256, piece)
    return list(found.values())


def wish_for_child(book: BlobBook, blobs: BlobStore, sha256: str) -> bool:
    """Wish for the file of a piece a child asked for and that is not here; a relay is enough."""
    files = {one.sha256 for one in book.named(sha256)}
    if blobs.size(sha256) is None:
        book.wish(files)
    return bool(files)


def take_manifest(transaction: Transaction, book: BlobBook, blobs: BlobStore, sha256: str) -> bool:
    """Note what a file is made of once its manifest is here; return whether it makes sense.

    One that does not is counted and wished for no more: its name says that it will never do better.
    """
    files = [one for one in book.named(sha256) if one.sha256 == sha256]
    if not files or book.chunks(sha256):
        return True
    try:
        manifest = chunks.decode_manifest(blobs.read(sha256, 0, files[0].bytes))
    except PeerProtocolError:
        manifest = None
    if manifest is None or manifest.size != files[0].size:
        count(transaction, MANIFESTS_BAD)
        book.unwish(sha256)
        return False
    book.list_chunks(sha256, manifest.parts())
    return True


def case_is_full(book: BlobBook, sha256: str) -> bool:
    """Return whether every case that names a file has more than a case may have."""
    streams = {one.stream for one in book.named(sha256)}
    return all(bytes_of_stream(book, stream) > CASE_FILES_BYTES_MAX for stream in streams)


def station_is_full(book: BlobBook, sha256: str, bytes_max: int) -> bool:
    """Return whether every station that names a file would have more than its share with it.

    Each station's files are counted in the order of its events, and one that does not fit leaves
    the others their turn; so the answer is the same whatever came first, and after a restore.
    Shapes: `bytes_max` for the files of one station together, 0 sets no limit.
    """
    files = {one.sha256 for one in book.named(sha256)}
    authors = {one.event.partition("/")[0] for one in book.named(sha256)}
    return bool(bytes_max and authors) and all(
        book.bytes_of(author) > bytes_max and not files & _fitting(book, author, bytes_max)
        for author in authors
    )


def _fitting(book: BlobBook, station: str, bytes_max: int) -> set[str]:
    """Return the files of a station that fit into its share."""
    fitting: set[str] = set()
    taken = 0
    ordered = sorted(book.named_by(station), key=lambda one: EventName.parse(one.event))
    for one in ordered:
        if one.sha256 not in fitting and taken + one.size <= bytes_max:
            fitting.add(one.sha256)
            taken += one.size
    return fitting


def bytes_of_stream(book: BlobBook, stream: str) -> int:
    """Return how much the files of a stream take, each once."""
    return sum({one.sha256: one.size for one in book.named_in(stream)}.values())
