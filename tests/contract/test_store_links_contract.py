"""What every store promises about links, routes, outboxes, statements and registers."""

from __future__ import annotations

import hashlib

from sync.protocol.ports import ChildLink, OutboxItem, ParentLink, Store
from sync.protocol.registers import Entry, Shelf
from tests.fakes.sample_events import EPOCH

VILLAGE = Shelf("matters", "530114000000", "village")
PROVINCE = Shelf("matters", "530000000000", "village")
STAFF = Shelf("staff", "530114000000", "all")


def refs(items: object) -> list[str]:
    assert isinstance(items, list)
    return [item.ref for item in items]


# Links


def test_child_links_come_back_whole_and_in_code_order(store: Store) -> None:
    """Every field of a child's link survives, and a second put replaces it."""
    whole = ChildLink(
        station="CG0112",
        epoch=EPOCH,
        incarnation="1760000000000-00",
        token=b"t",
        token_before=b"b",
        challenge=b"c",
        acknowledged=5,
        digest=b"\xff" * 16,
        healed=b"h",
        last_contact_ms=EPOCH + 2,
        first_contact_ms=EPOCH + 1,
        rounds=3,
        suspect="clone",
        health=b"{}",
    )
    with store.write() as t:
        t.put_child_link(ChildLink("CG0112", 1, "old"))
        t.put_child_link(whole)
        t.put_child_link(ChildLink("CG0111", EPOCH, "i"))
        assert whole == t.child_link("CG0112")
        assert [link.station for link in t.child_links()] == ["CG0111", "CG0112"]
        assert t.child_link("CG0211") is None


def test_the_parent_link_is_one_and_comes_back_whole(store: Store) -> None:
    """A node has one parent; a new one takes its place, truth values stay truth values."""
    whole = ParentLink(
        station="CG0001",
        incarnation="i",
        token=b"t",
        challenge=b"c",
        nonce=b"n",
        received=8,
        digest=b"\x01" * 16,
        told_editions=True,
        last_attempt_ms=EPOCH + 1,
        last_success_ms=EPOCH,
        failures=2,
        verdict="ok",
        hint_ms=5000,
        dictionary=1,
    )
    with store.write() as t:
        assert t.parent_link() is None
        t.put_parent_link(ParentLink("CG0101"))
        assert ParentLink("CG0101") == t.parent_link()
        t.put_parent_link(whole)
        found = t.parent_link()
    assert whole == found
    assert found is not None
    assert found.told_editions is True


def test_routes_are_kept_both_ways(store: Store) -> None:
    """A route is found from its stream and from its link, and dropped from both."""
    with store.write() as t:
        t.add_route("A", "CG0111")
        t.add_route("A", "CG0111")
        t.add_route("A", "CG0112")
        t.add_route("B", "CG0111")
        assert frozenset({"CG0111", "CG0112"}) == t.routes("A")
        assert frozenset({"A", "B"}) == t.streams_routed("CG0111")
        t.drop_route("A", "CG0111")
        t.drop_route("C", "CG0111")
        assert frozenset({"CG0112"}) == t.routes("A")
        assert frozenset({"B"}) == t.streams_routed("CG0111")


# Outboxes


def test_an_outbox_is_read_in_order_from_a_sequence_on(store: Store) -> None:
    """Items come in the order they were owed, from `after` exclusive, at most `limit`."""
    with store.write() as t:
        for ref in ("one", "two", "three"):
            t.enqueue("CG0111", "event", ref)
        expected = [
            OutboxItem(1, "event", "one"),
            OutboxItem(2, "event", "two"),
            OutboxItem(3, "event", "three"),
        ]
        assert expected == list(t.outbox("CG0111", 0, 9))
        assert expected[1:2] == list(t.outbox("CG0111", 1, 1))
        assert list(t.outbox("CG0112", 0, 9)) == []


def test_reading_an_outbox_does_not_delete(store: Store) -> None:
    """However often it is read, what is owed stays owed."""
    with store.write() as t:
        t.enqueue("CG0111", "event", "one")
    for _ in range(3):
        with store.write() as t:
            assert refs(t.outbox("CG0111", 0, 9)) == ["one"]
            assert t.outbox_count("CG0111") == 1


def test_owed_again_moves_to_the_end(store: Store) -> None:
    """A thing owed already takes a new place and is not owed twice."""
    with store.write() as t:
        for ref in ("one", "two", "one"):
            t.enqueue("CG0111", "event", ref)
        assert [OutboxItem(2, "event", "two"), OutboxItem(3, "event", "one")] == list(
            t.outbox("CG0111", 0, 9)
        )
        assert t.outbox_count("CG0111") == 2


def test_kinds_and_links_are_owed_apart(store: Store) -> None:
    """The same ref under another kind or on another link is another thing."""
    with store.write() as t:
        t.enqueue("CG0111", "event", "one")
        t.enqueue("CG0111", "receipt", "one")
        t.enqueue("CG0112", "event", "one")
        assert [item.sequence for item in t.outbox("CG0111", 0, 9)] == [1, 2]
        assert [item.sequence for item in t.outbox("CG0112", 0, 9)] == [1]


def test_acknowledging_deletes_through_a_sequence_on_one_link(store: Store) -> None:
    """What was acknowledged is gone, the rest and other links stay; repeating changes nothing."""
    with store.write() as t:
        for ref in ("one", "two", "three"):
            t.enqueue("CG0111", "event", ref)
        t.enqueue("CG0112", "event", "one")
        for _ in range(2):
            t.acknowledge("CG0111", 2)
            assert refs(t.outbox("CG0111", 0, 9)) == ["three"]
        assert t.outbox_count("CG0112") == 1


def test_sequences_are_never_given_twice(store: Store) -> None:
    """An emptied outbox goes on counting, in a later transaction too."""
    with store.write() as t:
        assert t.last_sequence("CG0111") == 0
        t.enqueue("CG0111", "event", "one")
        t.enqueue("CG0111", "event", "two")
        t.acknowledge("CG0111", 2)
    with store.write() as t:
        assert t.last_sequence("CG0111") == 2
        t.enqueue("CG0111", "event", "one")
        assert [item.sequence for item in t.outbox("CG0111", 0, 9)] == [3]


# Statements


def test_statements_keep_the_newest_of_each_ref(store: Store) -> None:
    """A statement is found by kind and ref and listed by kind in ref order."""
    with store.write() as t:
        t.put_statement("receipt", "b", b"old")
        t.put_statement("receipt", "b", b"new")
        t.put_statement("receipt", "a", b"a")
        t.put_statement("time_mark", "a", b"mark")
        assert t.statement("receipt", "b") == b"new"
        assert t.statement("time_mark", "b") is None
        assert list(t.statements("receipt")) == [("a", b"a"), ("b", b"new")]
        assert list(t.statements("order")) == []
        t.drop_statement("receipt", "a")
        t.drop_statement("receipt", "never held")
        assert list(t.statements("receipt")) == [("b", b"new")]
        assert t.statement("time_mark", "a") == b"mark"


# Registers


def test_a_shelf_is_replaced_whole(store: Store) -> None:
    """After a new edition only its own entries are there, and other shelves are untouched."""
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, [Entry("a", b"1"), Entry("b", b"1"), Entry("c", b"1")])
        t.replace_shelf(STAFF, 4, [Entry("a", b"staff")])
        t.replace_shelf(VILLAGE, 2, [Entry("b", b"2"), Entry("d", b"2"), Entry("c", b"1")])
        assert [Entry("b", b"2"), Entry("c", b"1"), Entry("d", b"2")] == list(t.entries("matters"))
        assert [Entry("a", b"staff")] == list(t.entries("staff"))
        t.replace_shelf(VILLAGE, 3, [])
        assert list(t.entries("matters")) == []
        assert t.edition(VILLAGE) == 3


def test_editions_are_kept_per_shelf(store: Store) -> None:
    """An unknown shelf has edition 0; all known ones are named by register/division/tier."""
    with store.write() as t:
        assert t.edition(VILLAGE) == 0
        t.replace_shelf(VILLAGE, 1_760_000_000_000, [])
        t.replace_shelf(STAFF, 4, [])
        assert t.edition(VILLAGE) == 1_760_000_000_000
        assert {str(VILLAGE): 1_760_000_000_000, str(STAFF): 4} == t.editions()


def test_entries_come_in_shelf_and_key_order(store: Store) -> None:
    """The order does not depend on that of storing; keys sort by code point."""
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, [Entry("乙", b"3"), Entry("B", b"2"), Entry("a", b"4")])
        t.replace_shelf(PROVINCE, 1, [Entry("z", b"1")])
        assert [entry.key for entry in t.entries("matters")] == ["z", "B", "a", "乙"]


def test_an_entry_is_looked_up_by_key_over_all_shelves(store: Store) -> None:
    """One entry by its key; of several shelves the first in shelf order gives it."""
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, [Entry("a", b"district"), Entry("b", b"only")])
        t.replace_shelf(PROVINCE, 1, [Entry("a", b"province")])
        assert Entry("a", b"province") == t.entry("matters", "a")
        assert Entry("b", b"only") == t.entry("matters", "b")
        assert t.entry("matters", "c") is None
        assert t.entry("staff", "a") is None


def test_a_shelf_changes_only_where_it_is_told_to(store: Store) -> None:
    """Entries put and dropped; the others, and other shelves, stay as they are."""
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, [Entry("a", b"1"), Entry("b", b"1"), Entry("c", b"1")])
        t.replace_shelf(PROVINCE, 1, [Entry("b", b"other")])
        t.change_shelf(VILLAGE, 2, iter([Entry("d", b"2"), Entry("b", b"2")]), ["a", "no such"])
        assert [("b", b"2"), ("c", b"1"), ("d", b"2")] == list(t.shelf_entries(VILLAGE))
        assert ["b", "c", "d"] == list(t.shelf_keys(VILLAGE))
        assert Entry("b", b"other") == t.shelf_entry(PROVINCE, "b")
        assert t.shelf_entry(PROVINCE, "c") is None
        assert (2, 1) == (t.edition(VILLAGE), t.edition(PROVINCE))


def test_what_leaves_a_shelf_is_told_as_it_was(store: Store) -> None:
    """Replaced, changed or dropped: the entry of before; what stays the same is not told."""
    told: list[Entry] = []
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, [Entry(key, b"1") for key in "abcd"], told.append)
        assert [] == told
        t.change_shelf(
            VILLAGE, 2, [Entry("a", b"1"), Entry("b", b"2"), Entry("e", b"2")], ["c"], told.append
        )
        assert [Entry("b", b"1"), Entry("c", b"1")] == sorted(told)
        told.clear()
        t.replace_shelf(VILLAGE, 3, [Entry("a", b"3"), Entry("b", b"2")], told.append)
        assert [Entry("a", b"1"), Entry("d", b"1"), Entry("e", b"2")] == sorted(told)


def row(number: int, edition: int = 1) -> Entry:
    """Return an entry much like its neighbours and yet of its own."""
    own = hashlib.sha256(b"%d/%d" % (number, edition)).hexdigest()
    text = f'{{"code":"{number:05d}","own":"{own}","text":"{"民政局办事大厅一楼综合窗口" * 8}"}}'
    return Entry(f"{number:05d}", text.encode())


def test_a_large_shelf_comes_back_byte_for_byte_however_it_is_kept(store: Store) -> None:
    """Thousands of rows, grown, shrunk and changed: each as it was given, in order."""
    with store.write() as t:
        t.replace_shelf(VILLAGE, 1, (row(n) for n in range(40)))
        t.replace_shelf(VILLAGE, 2, (row(n) for n in range(1500)))
        t.change_shelf(VILLAGE, 3, (row(n, 3) for n in range(0, 1500, 7)), ["00001", "01499"])
        wanted = [row(n, 3 if n % 7 == 0 else 1) for n in range(1500) if n not in (1, 1499)]
    with store.read() as t:
        assert wanted == list(t.shelf_entries(VILLAGE)) == list(t.entries("matters"))
        assert row(700, 3) == t.entry("matters", "00700") == t.shelf_entry(VILLAGE, "00700")
    with store.write() as t:
        t.replace_shelf(VILLAGE, 4, [Entry("x", b"")])
        assert [Entry("x", b"")] == list(t.shelf_entries(VILLAGE))
