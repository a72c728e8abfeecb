"""A case purged at central's command line: gone at every station, from its rows to its disk."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from node import enrolment, missing
from sync.signing import read_key
from tests.integration.test_revoked_station import central
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import APPLICANT, CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree

PAGE, RESERVE, SALT = 4096, 80, 16
WAL_HEAD, FRAME_HEAD = 32, 24
"""Of SQLCipher 4: a page's size, the IV and tag at its end, the file's salt."""
ALL = (VILLAGE, TOWNSHIP, DISTRICT, CENTRAL)


def in_the_clear(page: bytes, key: bytes, *, first: bool = False) -> bytes:
    """Return what SQLCipher keeps in one page."""
    cipher = Cipher(algorithms.AES(key), modes.CBC(page[-RESERVE:][:16])).decryptor()
    return cipher.update(page[SALT if first else 0 : -RESERVE]) + cipher.finalize()


def pages_of(path: Path, key: bytes) -> list[bytes]:
    """Return every page of a database file in the clear, free ones and gaps included."""
    raw = path.read_bytes()
    starts = range(0, len(raw), PAGE)
    return [in_the_clear(raw[at : at + PAGE], key, first=at == 0) for at in starts]


def frames_of(path: Path, key: bytes) -> list[bytes]:
    """Return every page in a write-ahead log in the clear, superseded ones included."""
    raw = path.read_bytes()
    found = []
    for at in range(WAL_HEAD, len(raw), FRAME_HEAD + PAGE):
        (number,) = struct.unpack(">I", raw[at : at + 4])
        page = raw[at + FRAME_HEAD : at + FRAME_HEAD + PAGE]
        found.append(in_the_clear(page, key, first=number == 1))
    return found


def on_disk(tree: Tree, code: str, text: str) -> bool:
    """Return whether a text stands anywhere in a node's database file or its WAL."""
    home = tree.home(code)
    path = home / enrolment.NODE_DATABASE
    key = read_key(home / enrolment.DATABASE_KEY)
    pages = pages_of(path, key) + frames_of(path.with_name(path.name + "-wal"), key)
    assert any(b"CREATE TABLE events" in page for page in pages), "read with the right key"
    return any(text.encode() in page for page in pages)


def withdrawn_case(tree: Tree) -> tuple[str, str]:
    """Return stream and number of an ended case that everybody holds."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    row = tree.row(VILLAGE, stream)
    assert row is not None
    tree.act(VILLAGE, stream, "voided", reason="演示:录入错误")
    tree.settle()
    return stream, row.receipt_no


def test_a_purged_case_is_gone_everywhere_and_says_so(tree: Tree) -> None:
    """Its number and basis are what is left; nobody can act on it; nothing stands in any file."""
    stream, number = withdrawn_case(tree)
    kept = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    secret = APPLICANT["name"]
    with tree.central.database.read() as transaction:
        held = transaction.stream_events(kept)[0].event.body
    assert held is not None
    assert secret.encode() in held
    asked = central(tree, "purge", "--case", number, "--basis", "演示依据")
    assert asked["would_purge"]
    assert not asked["purged"]
    tree.settle()
    row = tree.row(VILLAGE, stream)
    assert row is not None
    assert secret == row.applicant_name
    central(tree, "purge", "--case", number, "--basis", "演示依据", "--yes")
    tree.settle()
    rows = set()
    for code in ALL:
        row = tree.row(code, stream)
        assert row is not None, code
        assert "已依规删除,依据:演示依据" in row.cannot_be_shown
        rows.add((row.receipt_no, row.applicant_name, row.tab, row.cannot_be_shown))
        with tree.nodes[code].database.read() as transaction:
            facts = transaction.stream_events(stream)
            assert all(e.event.body is None or e.type == "sync.purged" for e in facts), code
    assert {(number, "", "已办结")} == {one[:3] for one in rows}
    assert 1 == len(rows)
    with pytest.raises(missing.Erased):
        tree.act(VILLAGE, stream, "withdrawal_requested", reason="演示")
    assert (
        "nothing_to_purge"
        == central(tree, "purge", "--case", number, "--basis", "演示", "--yes", expect=1)["code"]
    )


def test_a_case_purged_and_revoked_keeps_no_name_in_the_lists(tree: Tree) -> None:
    """Both heard in one round: that the case no longer counts does not keep what was shown."""
    stream, number = withdrawn_case(tree)
    central(tree, "purge", "--case", number, "--basis", "演示依据", "--yes")
    below = str(int(stream.split("/")[2]) - 1)
    central(tree, "revoke", VILLAGE, "--last-good", below, "--reason", "演示")
    tree.settle()
    for code in (TOWNSHIP, DISTRICT, CENTRAL):
        row = tree.row(code, stream)
        assert row is not None
        assert row.cannot_be_shown
        assert ("", number) == (row.applicant_name, row.receipt_no), code


def test_nothing_of_a_purged_text_is_left_in_the_files(tree: Tree) -> None:
    """Neither in the tables, nor in free pages, nor between cells, nor in the WAL."""
    marked = {**APPLICANT, "note": "演示暗记" * 20}
    tree.now_ms += 1000
    done = tree.nodes[VILLAGE].act(
        act="received",
        stream=None,
        fields={"matter": AT_ONCE, "applicant": marked, "materials": materials(tree)},
        actor=f"{VILLAGE}-01",
    )
    stream, number = done.case.stream, done.case.receipt_no
    tree.act(VILLAGE, stream, "voided", reason="演示:录入错误")
    tree.settle()
    for code in ALL:
        tree.nodes[code].database.scrub()  # so that it is looked for where it is
        assert on_disk(tree, code, "演示暗记"), code
    central(tree, "purge", "--case", number, "--basis", "演示依据", "--yes")
    tree.settle()
    for code in ALL:
        assert not on_disk(tree, code, "演示暗记"), code


def materials(tree: Tree) -> list[dict[str, str]]:
    with tree.nodes[VILLAGE].database.read() as transaction:
        registry = tree.nodes[VILLAGE].desk.registry(transaction, tree.now_ms)
        entry = registry.matter_entry(AT_ONCE)
    assert entry is not None
    return [{"code": m["code"], "state": "已收"} for m in entry["materials"]]


def test_a_case_still_open_is_not_purged(tree: Tree) -> None:
    """Its clock runs and somebody waits for it."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.settle()
    row = tree.row(CENTRAL, stream)
    assert row is not None
    refused = central(tree, "purge", "--case", row.receipt_no, "--basis", "演示", "--yes", expect=1)
    assert "case_open" == refused["code"]


def test_one_record_purged_leaves_the_case_and_one_picture(tree: Tree) -> None:
    """What was typed by mistake goes; the case goes on, and everybody sees the same of it."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    tree.act(VILLAGE, stream, "withdrawal_requested", reason="演示")
    tree.settle()
    with tree.central.database.read() as transaction:
        name = next(
            str(e.name)
            for e in transaction.stream_events(stream)
            if e.type == "withdrawal_requested"
        )
    central(tree, "purge", "--events", name, "--basis", "演示依据", "--yes")
    tree.settle()
    rows = [tree.row(code, stream) for code in ALL]
    assert 1 == len({row.state_hash for row in rows if row is not None})
    assert all(row is not None and not row.cannot_be_shown for row in rows)
