"""Deltas: from any shelf to any other, byte for byte; small for what is small; hostile ones end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import canonical, deltas, pack_streams
from sync.protocol.deltas import applied, edited, make_delta, read_delta
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.merkle import merkle_root
from sync.protocol.registers import Entry
from tests.protocol.fuzzing import check_only_tree_errors, tampered
from tests.protocol.test_packs_by_columns import documents
from tests.protocol.wire_values import FEW, FUZZ

shelves = st.dictionaries(st.sampled_from([f"K{n}" for n in range(12)]), documents, max_size=12)


def entries_of(rows: dict[str, Any]) -> list[Entry]:
    """Return a shelf in order of its keys."""
    return [Entry(key, canonical.dumps(rows[key])) for key in sorted(rows)]


@FEW
@given(shelves, shelves)
def test_a_delta_leads_from_any_shelf_to_any_other(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    """Entries added, removed, edited or replaced: what comes out is what was published."""
    before, after = entries_of(old), entries_of(new)
    delta = read_delta(make_delta(before, after, before=7, edition=9).raw)
    found = applied(before, delta)
    assert after == found
    assert merkle_root(after) == merkle_root(found)
    assert (7, 9, len(before)) == (delta.before, delta.edition, delta.entries)


@FEW
@given(documents, documents)
def test_edits_make_one_entry_of_the_other(old: Any, new: Any) -> None:
    """Fields, elements, depth: the edits found are the edits that do it."""
    one, other = canonical.dumps(old), canonical.dumps(new)
    edits = deltas.edits_between(one, other)
    assert not edits or edited(one, edits) == other


def test_rows_that_are_no_json_travel_whole() -> None:
    """A delta never depends on what an entry means."""
    before = [Entry("a", b"new"), Entry("b", b"old")]
    after = [Entry("a", b"newer"), Entry("c", b"\xe4\xba\x8b")]
    assert after == applied(before, read_delta(make_delta(before, after, before=1, edition=2).raw))


def row(n: int, **more: Any) -> dict[str, Any]:
    """Return a row with text of its own."""
    text = hashlib.sha256(b"%d" % n).hexdigest()
    return {"code": f"{n:06d}", "phone": f"0000-{n * 7919 % 10**7:07d}", "text": text, **more}


def test_one_field_in_a_hundred_rows_costs_a_few_bytes_each() -> None:
    """The value, a byte for the place, and next to nothing around them."""
    old = {f"{n:06d}": row(n) for n in range(5000)}
    new = dict(old)
    for n in range(0, 5000, 50):
        digits = int.from_bytes(hashlib.sha256(b"new %d" % n).digest()[:4], "big") % 10**7
        new[f"{n:06d}"] = row(n, phone=f"0000-{digits:07d}")
    made = make_delta(entries_of(old), entries_of(new), before=1, edition=2)
    assert made.entries == 100
    assert len(made.raw) < 700


def delta_of(header: dict[str, Any], *streams: bytes) -> bytes:
    """Return a delta as another program might write it."""
    whole = {"before": 1, "edition": 2, "entries": 4, "drop": [0, ["j"]], "fields": []}
    return deltas.MAGIC + pack_streams.pack_streams({**whole, **header}, list(streams))


def test_a_delta_made_by_hand_is_read() -> None:
    """The refusals below are for what they change."""
    fields = [[["name"], 2, ["j"], ["t"]], [["gone"], 1, ["j"]]]
    delta = read_delta(
        delta_of({"drop": [1, ["j"]], "fields": fields}, b"3\n", b"0\n2\n", b"x\ny\n", b"1\n")
    )
    assert [3] == delta.drop
    assert {0: "x", 2: "y", 1: None} == {at: e[0].value for at, e in delta.edits.items()}


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "another magic": lambda: b"YZD\2" + b"x",
    "garbage": lambda: deltas.MAGIC + b"garbage",
    "no header": lambda: deltas.MAGIC + pack_streams.pack_streams({}, []),
    "an edition as text": lambda: delta_of({"edition": "2"}),
    "less than no entries": lambda: delta_of({"entries": -1}),
    "a place beyond the shelf": lambda: delta_of({"drop": [1, ["j"]]}, b"4\n"),
    "a step backwards": lambda: delta_of({"drop": [2, ["j"]]}, b"2\n-1\n"),
    "a place twice": lambda: delta_of({"drop": [2, ["j"]]}, b"2\n0\n"),
    "a place that is a text": lambda: delta_of({"drop": [1, ["t"]]}, b"1\n"),
    "more places than entries": lambda: delta_of({"drop": [5, ["j"]]}, b"0\n1\n1\n1\n1\n"),
    "places without a table": lambda: delta_of({"drop": [1]}),
    "a field that is none": lambda: delta_of({"fields": [7]}),
    "an empty path": lambda: delta_of({"fields": [[[], 1, ["j"]]]}, b"0\n"),
    "a path of truth values": lambda: delta_of({"fields": [[[True], 1, ["j"]]]}, b"0\n"),
    "a value that is no JSON": lambda: delta_of(
        {"fields": [[["a"], 1, ["j"], ["j"]]]}, b"0\n", b"{\n"
    ),
    "a value too few": lambda: delta_of({"fields": [[["a"], 2, ["j"], ["j"]]]}, b"0\n1\n", b"1\n"),
    "a pack that is none": lambda: delta_of({"put": True}, b"YZP\7"),
    "streams left over": lambda: delta_of({}, b"1\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_delta_may_not_say_is_refused(name: str) -> None:
    """One error of the tree, whatever is wrong."""
    with pytest.raises((Malformed, LimitExceeded)):
        read_delta(HOSTILE[name]())


@pytest.mark.parametrize(
    "path",
    [("b",), ("a", "b"), ("a", 0, "x"), ("l", 2), ("l", -1), ("l", "0"), (0,), ("a", "c", "d")],
)
def test_an_edit_that_leads_nowhere_is_refused(path: tuple[str | int, ...]) -> None:
    """An edit is for an entry that has the place it names."""
    raw = canonical.dumps({"a": {"c": 1}, "l": [1, 2]})
    with pytest.raises(Malformed):
        edited(raw, [deltas.Edit(path, gone=True)])


def test_a_delta_for_another_shelf_is_refused() -> None:
    """The number of entries is looked at first."""
    made = make_delta([Entry("a", b"1")], [], before=1, edition=2)
    with pytest.raises(Malformed):
        applied([], read_delta(made.raw))


_MADE = make_delta(
    entries_of({f"K{n}": row(n) for n in range(30)}),
    entries_of({f"K{n}": row(n, text="t", more=n) for n in range(5, 35)}),
    before=1,
    edition=2,
).raw
_HELD = entries_of({f"K{n}": row(n) for n in range(30)})


@FUZZ
@given(tampered(_MADE[4:], deltas.MAGIC))
def test_a_delta_tampered_with_is_applied_or_an_error_of_the_tree(raws: list[bytes]) -> None:
    """Whatever is written into header and streams."""
    check_only_tree_errors(lambda raw: applied(_HELD, read_delta(raw)), raws)
