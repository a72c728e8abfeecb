"""What every book of files promises."""

from __future__ import annotations

import hashlib

from sync.protocol.book import BlobBook, NamedFile


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def named(
    name: str, event: str, *, stream: str = "S/1/1", source: str = "", size: int = 9
) -> NamedFile:
    return NamedFile(sha(name), 70, size, event, stream, source)


def test_notes_are_kept_and_replaced(book: BlobBook) -> None:
    """A setting is what it was last made; one never made is empty."""
    assert book.note("x") == ""
    book.set_note("x", "1")
    book.set_note("x", "2")
    assert book.note("x") == "2"


def test_names_are_found_by_file_chunk_and_stream(book: BlobBook) -> None:
    """A file belongs to every stream that names it, and so do its chunks; twice is once."""
    first, second = named("a", "A/1/2"), named("a", "B/1/7", stream="T/1/1")
    book.name([first, second, first], "P")
    book.list_chunks(first.sha256, [(sha("c1"), 5), (sha("c2"), 4)])
    book.list_chunks(first.sha256, [(sha("other"), 5)])
    assert [first, second] == list(book.named(first.sha256)) == list(book.named(sha("c2")))
    assert [] == list(book.named(sha("c3")))
    assert [second] == list(book.named_in("T/1/1"))
    assert [first, second] == list(book.named_in("T/1/1", first.stream, "T/1/9"))
    assert [] == list(book.named_in())
    assert [(sha("c1"), 5), (sha("c2"), 4)] == list(book.chunks(first.sha256))[:2]


def test_wishes_keep_their_order_until_they_are_taken_back(book: BlobBook) -> None:
    """The oldest comes first, each once, only what an event names; a new wish goes to the end."""
    files = [named(name, f"A/1/{at}") for at, name in enumerate("zay", 2)]
    book.name([*files, named("z", "B/1/9")], "P")
    book.wish([one.sha256 for one in files])
    book.wish([sha("nobody names it"), files[0].sha256])
    assert files == list(book.wishes(9))
    assert files[:2] == list(book.wishes(2))
    book.unwish(files[0].sha256)
    book.wish([files[0].sha256])
    assert [*files[1:], files[0]] == list(book.wishes(9))


def test_what_came_from_below_is_given_once_per_life_of_the_parent(book: BlobBook) -> None:
    """Small files first; what the parent named itself is not for it."""
    own, below = named("own", "A/1/2", size=30), named("below", "V/1/2", source="V", size=20)
    book.name(
        [own, below, named("above", "P/1/2", source="P"), named("own", "P/1/4", source="P")], "P"
    )
    assert [below, own] == list(book.to_give(9))
    assert [below] == list(book.to_give(1))
    book.given(below.sha256)
    book.given(below.sha256)
    assert [own] == list(book.to_give(9))
    book.owe_all("P")
    assert [below, own] == list(book.to_give(9))


def test_what_is_left_to_fetch_and_to_give_is_counted(book: BlobBook) -> None:
    """Files and bytes, each file once however many events name it."""
    book.name([named("a", "A/1/2", size=30), named("a", "A/1/3", size=30)], "P")
    book.name([named("b", "P/1/2", source="P", size=5)], "P")
    assert (1, 30) == book.owed()
    book.name([named("at the root", "C/1/2")], None)
    assert (1, 30) == book.owed()
    assert (0, 0) == book.wished_bytes()
    book.wish([sha("a"), sha("b")])
    assert (2, 35) == book.wished_bytes()


def test_what_no_event_names_any_more_is_told(book: BlobBook) -> None:
    """The last name gone, the file and those of its chunks go that no other file shares."""
    first, second = named("a", "A/1/2"), named("b", "A/1/3")
    book.name([first, second, named("a", "B/1/7")], "P")
    book.list_chunks(first.sha256, [(sha("c1"), 5), (sha("shared"), 4)])
    book.list_chunks(second.sha256, [(sha("shared"), 4)])
    book.wish([first.sha256])
    assert [] == list(book.unname("A/1/2"))
    assert [first.sha256, sha("c1")] == list(book.unname("B/1/7"))
    assert [] == list(book.unname("B/1/7"))
    assert [] == list(book.wishes(9))
    assert [second] == list(book.to_give(9))
    assert [second] == list(book.named(sha("shared")))


def test_what_a_station_added_is_summed_once_per_file(book: BlobBook) -> None:
    """Of its own events only, and not of a station whose code begins alike."""
    book.name([named("a", "A/1/2", size=30), named("a", "A/2/9", size=30)], "P")
    book.name([named("b", "A/1/3", size=5), named("c", "A1/1/3", size=7)], "P")
    assert (35, 7, 0) == (book.bytes_of("A"), book.bytes_of("A1"), book.bytes_of("B"))


def test_what_the_parent_refused_is_offered_last_and_counted_apart(book: BlobBook) -> None:
    """The others keep their order; a parent in a new life is asked anew."""
    files = [named(name, f"A/1/{at}", size=at) for at, name in enumerate("abc", 2)]
    book.name(files, "P")
    book.refuse(files[0].sha256)
    book.refuse(files[1].sha256)
    book.refuse(sha("nobody names it"))
    assert [files[2]] == list(book.to_give(9))
    assert files[:2] == list(book.refused(9))
    assert ((1, 4), (2, 5)) == (book.owed(), book.refused_bytes())
    book.refuse(files[0].sha256)
    assert [files[1]] == list(book.refused(1))
    book.given(files[1].sha256)
    assert [files[0]] == list(book.refused(9))
    book.owe_all("P")
    assert files == list(book.to_give(9))
    assert (0, 0) == book.refused_bytes()


def test_files_a_station_names_are_told_event_by_event(book: BlobBook) -> None:
    """A file named twice is told twice; a station whose code begins alike is another."""
    first, again = named("a", "A/1/2"), named("a", "A/1/3")
    book.name([first, again, named("b", "A1/1/2")], "P")
    assert [first, again] == list(book.named_by("A"))
