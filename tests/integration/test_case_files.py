"""Files of cases between real nodes: up chunk by chunk, down to who needs them; wrong ones."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from msgspec import structs

from edge_node.app import create_link
from node.blob_lane import BlobLane
from node.case_files import CaseFilesFull, DiskNearlyFull, FileEmpty, FileNotHere, FileTooLarge
from node.lane_gate import LaneGate
from sync.engine import case_blobs, record
from sync.protocol.blobs import HAVE, PARTIAL, PUT, REFUSED, UNKNOWN, WHOLE, Part, decode_standings
from sync.protocol.bodies import Purged
from sync.protocol.chunks import FileName
from sync.protocol.errors import Malformed
from sync.protocol.limits import CHUNK_BYTES, FILE_BYTES_MAX
from sync.transport.blob_client import BlobLink
from tests.fakes.http_server import served
from tests.integration.test_revoked_station import central
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree

WAIT_SECONDS = 60.0
MATTER = "CG-MZ-0101"
SCAN = random.Random(5).randbytes(2 * CHUNK_BYTES + 1000)


def attach(tree: Tree, code: str, stream: str, data: bytes = SCAN) -> FileName:
    """Attach a file to a case at a station."""
    node = tree.nodes[code]
    writer = node.case_files.writer(stream)
    for at in range(0, len(data), 70_000):
        writer.feed(data[at : at + 70_000])
    file = writer.finish("image/jpeg")
    node.attach(stream, file, title="扫描件(演示)", actor=f"{code}-01")
    return file


def state(tree: Tree, code: str, stream: str) -> list[tuple[int, bool]]:
    """Return (held, whole) of each file of a case at a station."""
    node = tree.nodes[code]
    with node.database.read() as transaction:
        return [(one.held, one.whole) for one in node.case_files.listed(transaction, stream)]


def content(tree: Tree, code: str, file: FileName) -> bytes:
    kind, size, data = tree.nodes[code].case_files.read(file.sha256)
    found = b"".join(data)
    assert ("image/jpeg", len(found)) == (kind, size)
    return found


@pytest.fixture(name="lanes")
def _lanes(tree: Tree) -> Iterator[dict[str, BlobLane]]:
    """The second lanes of the district, the township and the village, over real sockets."""
    found: dict[str, BlobLane] = {}
    with ExitStack() as stack:
        for child in (DISTRICT, TOWNSHIP, VILLAGE):
            port = stack.enter_context(served(create_link(tree.parent_of(child))))
            lane = BlobLane(
                tree.nodes[child].exchange,
                BlobLink(f"http://127.0.0.1:{port}", silence_seconds=WAIT_SECONDS),
                LaneGate(),
                seconds=time.monotonic,
                jitter=lambda: 0.5,
            )
            tree.nodes[child].blob_lane = lane
            lane.start()
            found[child] = lane
        yield found
        for lane in found.values():
            lane.stop()


def until(tree: Tree, code: str, stream: str) -> None:
    """Wait until every file of a case is whole at a station."""
    pause = threading.Event()
    for _ in range(int(WAIT_SECONDS / 0.05)):
        found = state(tree, code, stream)
        if found and all(whole for _, whole in found):
            return
        pause.wait(0.05)
    raise AssertionError(f"{code} never had it whole: {state(tree, code, stream)}")


def standing(tree: Tree, do: str, part: Part, data: bytes = b"") -> tuple[int, int]:
    """Ask the township in the village's name; return how it stands."""
    ask = tree.nodes[VILLAGE].exchange.ask([part], do, data)
    assert ask is not None
    answer = b"".join(tree.nodes[TOWNSHIP].exchange.serve(ask).pieces)
    return tuple(decode_standings(answer, 1)[0])  # type: ignore[return-value]


def test_a_file_goes_up_to_central_by_itself(tree: Tree, lanes: dict[str, BlobLane]) -> None:
    """The event goes first, the file follows chunk by chunk over every relay, byte for byte."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    assert [(len(SCAN), True)] == state(tree, VILLAGE, stream)
    tree.settle()
    for code in (TOWNSHIP, DISTRICT, CENTRAL):
        until(tree, code, stream)
        assert SCAN == content(tree, code, file)
    assert not tree.nodes[VILLAGE].exchange.to_give()
    assert lanes[VILLAGE].sent == file.bytes + len(SCAN)


def test_a_case_does_not_wait_for_its_file(tree: Tree) -> None:
    """Without any second lane the events arrive; the file is shown as not here yet."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    before = tree.events(VILLAGE, stream)
    tree.settle()
    assert before <= tree.events(CENTRAL, stream)
    assert [(0, False)] == state(tree, TOWNSHIP, stream)
    with pytest.raises(FileNotHere):
        tree.nodes[TOWNSHIP].case_files.read(file.sha256)


def test_a_village_gets_what_its_township_attached_when_it_is_opened(
    tree: Tree, lanes: dict[str, BlobLane]
) -> None:
    """Who works on a case fetches ahead; others when somebody opens it."""
    stream = tree.take_in(VILLAGE, MATTER)
    tree.settle()
    file = attach(tree, TOWNSHIP, stream)
    tree.settle()
    village = tree.nodes[VILLAGE]
    row = tree.row(VILLAGE, stream)
    assert row is not None
    assert VILLAGE not in (row.holder, row.handling), "the village does not work on it now"
    assert [] == village.blobs.book.wishes(9)
    with village.database.read() as transaction:
        listed = village.case_files.listed(transaction, stream)
    village.open_files(listed)
    until(tree, VILLAGE, stream)
    assert SCAN == content(tree, VILLAGE, file)


def test_a_relay_that_lacks_a_file_sends_for_it(tree: Tree, lanes: dict[str, BlobLane]) -> None:
    """The village asks its township, the township its district, and the file comes down."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    for code in (TOWNSHIP, DISTRICT):
        until(tree, code, stream)
    for code in (VILLAGE, TOWNSHIP):
        blobs = tree.nodes[code].blobs
        for name, _ in blobs.book.chunks(file.sha256):
            blobs.forget(name)
    village = tree.nodes[VILLAGE]
    with village.database.read() as transaction:
        village.open_files(village.case_files.listed(transaction, stream))
    until(tree, VILLAGE, stream)
    assert SCAN == content(tree, VILLAGE, file)


def test_who_works_on_a_case_fetches_ahead(tree: Tree) -> None:
    """What a station above adds is wished for by the holder; what came from below comes anyway."""
    own = tree.take_in(VILLAGE, "CG-CW-0101")
    handed = tree.take_in(VILLAGE, MATTER)
    tree.settle()
    row = tree.row(VILLAGE, own)
    assert row is not None
    assert row.holder == VILLAGE
    file = attach(tree, TOWNSHIP, own)
    attach(tree, VILLAGE, handed, b"another")
    tree.settle()
    assert SCAN == content(tree, VILLAGE, file)
    assert [(0, False)] == state(tree, TOWNSHIP, handed)
    assert [] == list(tree.nodes[TOWNSHIP].blobs.book.wishes(9))


def test_what_the_parent_holds_is_not_sent_again(tree: Tree) -> None:
    """A chunk is asked about first, resumed where it stopped, and the same bytes go up once."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    whole = Part(file.sha256, 0, 0)
    assert (UNKNOWN, 0) == standing(tree, HAVE, whole), "its event has not come yet"
    tree.settle()
    assert (PARTIAL, 0) == standing(tree, HAVE, whole)
    blobs = tree.nodes[VILLAGE].blobs
    raw = blobs.read(file.sha256, 0, file.bytes)
    assert (PARTIAL, 10) == standing(tree, PUT, Part(file.sha256, 0, 10), raw[:10])
    assert (PARTIAL, 10) == standing(tree, HAVE, whole)
    rest = Part(file.sha256, 10, len(raw) - 10)
    assert (WHOLE, len(raw)) == standing(tree, PUT, rest, raw[10:])
    assert (WHOLE, len(raw)) == standing(tree, PUT, rest, raw[10:])
    name, size = blobs.book.chunks(file.sha256)[0]
    assert (PARTIAL, 0) == standing(tree, HAVE, Part(name, 0, 0))
    other = tree.take_in(VILLAGE, MATTER)
    tree.nodes[VILLAGE].attach(other, file, title="", actor=f"{VILLAGE}-01")
    tree.settle()
    assert (WHOLE, len(raw)) == standing(tree, HAVE, whole)
    assert size == CHUNK_BYTES


def test_a_chunk_that_is_wrong_is_set_aside_and_blocks_nothing(tree: Tree) -> None:
    """It is kept apart with its reason and asked for again; the chunk beside it is taken."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    village, township = tree.nodes[VILLAGE].blobs, tree.nodes[TOWNSHIP]
    standing(tree, PUT, Part(file.sha256, 0, file.bytes), village.read(file.sha256, 0, file.bytes))
    *_, (_, _), (name, size) = village.book.chunks(file.sha256)
    good = village.read(name, 0, size)
    wrong = bytes([good[0] ^ 1]) + good[1:]
    assert (PARTIAL, 0) == standing(tree, PUT, Part(name, 0, size), wrong)
    assert [(name, "wrong_on_arrival", size)] == list(township.blobs.aside())
    assert 1 == tree.counter(TOWNSHIP, "blobs_wrong")
    assert (WHOLE, size) == standing(tree, PUT, Part(name, 0, size), good)


def test_bytes_of_nobodys_file_are_not_taken(tree: Tree) -> None:
    """Only what an event from below names is kept; a station cannot fill its parent's disk."""
    name = tree.nodes[VILLAGE].blobs.put(b"unasked")
    assert (UNKNOWN, 0) == standing(tree, PUT, Part(name, 0, 7), b"unasked")
    assert tree.nodes[TOWNSHIP].blobs.size(name) is None


def test_a_parent_without_room_says_so(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the disk nearly full files are not taken, neither from below nor from a page."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    monkeypatch.setattr(tree.nodes[TOWNSHIP].case_files, "_free_bytes", lambda: 1000)
    assert (REFUSED, 0) == standing(tree, HAVE, Part(file.sha256, 0, 0))
    assert (REFUSED, 0) == standing(tree, PUT, Part(file.sha256, 0, 5), b"12345")
    with pytest.raises(DiskNearlyFull):
        tree.nodes[TOWNSHIP].case_files.writer(stream)


def test_caps_are_said_before_anything_is_named(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too large, empty, or more than a case may have: nothing is recorded."""
    stream = tree.take_in(VILLAGE, MATTER)
    before = tree.events(VILLAGE, stream)
    files = tree.nodes[VILLAGE].case_files
    with pytest.raises(FileEmpty):
        files.writer(stream).finish("image/png")
    writer = files.writer(stream)
    writer.feed(bytes(1000))
    with pytest.raises(FileTooLarge):
        writer.feed(bytes(FILE_BYTES_MAX))
    attach(tree, VILLAGE, stream, b"1" * 600)
    for module in ("node.case_files", "sync.engine.case_blobs"):
        monkeypatch.setattr(f"{module}.CASE_FILES_BYTES_MAX", 1000)
    with pytest.raises(CaseFilesFull):
        attach(tree, VILLAGE, stream, b"2" * 600)
    assert before + 1 == tree.events(VILLAGE, stream)


def test_a_flipped_bit_is_found_on_reading_and_fetched_again(
    tree: Tree, lanes: dict[str, BlobLane]
) -> None:
    """What is read from the disk is proved; a damaged chunk is set aside and comes anew."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    until(tree, TOWNSHIP, stream)
    blobs = tree.nodes[VILLAGE].blobs
    name = blobs.book.chunks(file.sha256)[1][0]
    with blobs._file.write() as connection:
        connection.execute(
            "UPDATE pieces SET data = zeroblob(stop - start) WHERE blob ="
            " (SELECT id FROM blobs WHERE sha256 = ?)",
            (name,),
        )
    _, size, data = tree.nodes[VILLAGE].case_files.read(file.sha256)
    assert CHUNK_BYTES == len(b"".join(data)) < size, "no wrong byte is shown"
    assert [(name, "wrong_on_disk")] == [one[:2] for one in blobs.aside()]
    lanes[VILLAGE].wake()
    until(tree, VILLAGE, stream)
    assert SCAN == content(tree, VILLAGE, file)


def test_a_purge_erases_the_files_too(tree: Tree, lanes: dict[str, BlobLane]) -> None:
    """Where the purged event was the last to name a file, its bytes go on every node."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    until(tree, CENTRAL, stream)
    chunk = tree.nodes[VILLAGE].blobs.book.chunks(file.sha256)[0][0]
    with tree.central.database.write() as transaction:
        event = next(
            str(one.name)
            for one in transaction.stream_events(stream)
            if one.type == "sync.blobs_added"
        )
        record.record(
            tree.central.core, transaction, tree.now_ms, stream=stream, kind="sync.purged",
            actor="node", added=(), body=structs.asdict(Purged([event], "演示")),
        )  # fmt: skip
    tree.central.catch_up()
    tree.settle()
    for code in (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE):
        blobs = tree.nodes[code].blobs
        assert blobs.size(file.sha256) is None, code
        assert blobs.size(chunk) is None, code
        assert [] == list(blobs.book.wishes(9))


def test_a_case_purged_by_its_number_goes_with_its_files(tree: Tree) -> None:
    """The command names all that was written for the case, the titles of its scans among it."""
    stream = tree.take_in(VILLAGE, AT_ONCE)
    file = attach(tree, VILLAGE, stream)
    tree.act(VILLAGE, stream, "voided", reason="演示:录入错误")
    tree.settle()
    row = tree.row(VILLAGE, stream)
    assert row is not None
    central(tree, "purge", "--case", row.receipt_no, "--basis", "演示依据", "--yes")
    tree.settle()
    for code in (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE):
        with tree.nodes[code].database.read() as transaction:
            kept = [e.type for e in transaction.stream_events(stream) if e.event.body is not None]
        assert {"sync.purged"} == set(kept), code
    assert tree.nodes[VILLAGE].blobs.size(file.sha256) is None


def test_what_nobody_names_any_more_is_dropped(tree: Tree) -> None:
    """Half a blob that no event and no edition names gives its room back."""
    village = tree.nodes[VILLAGE]
    village.blobs.put_piece("0" * 64, 10, 0, b"half")
    village.exchange.tidy()
    assert [] == list(village.blobs.partial())


def test_a_parent_in_a_new_life_is_asked_again(tree: Tree) -> None:
    """What it held before proves nothing about what it holds now."""
    stream = tree.take_in(VILLAGE, MATTER)
    file = attach(tree, VILLAGE, stream)
    tree.settle()
    village = tree.nodes[VILLAGE]
    assert [file.sha256] == [one.sha256 for one in village.exchange.to_give()]
    village.exchange.given(village.exchange.to_give()[0])
    assert not village.exchange.to_give()
    tree.nodes[TOWNSHIP].core.incarnation = "9" * 13 + "-" + "0" * 16
    tree.settle(VILLAGE)
    assert [file.sha256] == [one.sha256 for one in village.exchange.to_give()]


def test_names_out_of_shape_name_nothing(tree: Tree) -> None:
    """A manifest that is not one is counted once and not asked for again."""
    stream = tree.take_in(VILLAGE, MATTER)
    village = tree.nodes[VILLAGE]
    raw = b'{"not":"a manifest"}'
    name = FileName(village.blobs.put(raw), len(raw), 50)
    with pytest.raises(Malformed):
        village.attach(stream, name, title="", actor=f"{VILLAGE}-01")
    assert not state(tree, VILLAGE, stream)
    with village.database.write() as transaction:
        record.record(
            village.core, transaction, tree.now_ms, stream=stream, kind="sync.blobs_added",
            actor=f"{VILLAGE}-01", added=(), body={"blobs": [structs.asdict(name)]},
        )  # fmt: skip
    village.catch_up()
    tree.settle()
    assert (WHOLE, len(raw)) == standing(tree, PUT, Part(name.sha256, 0, len(raw)), raw)
    assert 1 == tree.counter(TOWNSHIP, case_blobs.MANIFESTS_BAD)
    assert [] == list(tree.nodes[TOWNSHIP].blobs.book.wishes(9))


def test_a_file_over_the_share_of_a_station_holds_up_no_other(
    tree: Tree, lanes: dict[str, BlobLane]
) -> None:
    """The relay keeps what fits, in the order of the events; the rest stays at its station."""
    tree.nodes[TOWNSHIP].exchange.station_bytes_max = 2 * len(SCAN)
    stream = tree.take_in(VILLAGE, MATTER)
    first, large = attach(tree, VILLAGE, stream), attach(tree, VILLAGE, stream, SCAN + SCAN)
    later = [
        attach(tree, VILLAGE, stream, b"%d" % number * 50)
        for number in range(case_blobs.FILES_PER_PASS + 4)
    ]
    for lane in lanes.values():
        lane.wake()
    tree.settle()
    wanted = {first.sha256, *(one.sha256 for one in later)}
    pause = threading.Event()
    for _ in range(int(WAIT_SECONDS / 0.05)):
        if all(tree.nodes[CENTRAL].blobs.size(sha256) is not None for sha256 in wanted):
            break
        pause.wait(0.05)
    assert all(tree.nodes[CENTRAL].blobs.size(sha256) is not None for sha256 in wanted)
    assert tree.nodes[TOWNSHIP].blobs.size(large.sha256) is None
    village = tree.nodes[VILLAGE].exchange
    assert (1, 2 * len(SCAN)) == village.left()[4:]
    assert (0, 0) == village.left()[2:4]
    tree.nodes[TOWNSHIP].exchange.station_bytes_max = 4 * len(SCAN)
    lanes[VILLAGE].wake()
    for _ in range(int(WAIT_SECONDS / 0.05)):
        if tree.nodes[TOWNSHIP].blobs.size(large.sha256) is not None:
            break
        pause.wait(0.05)
    assert tree.nodes[TOWNSHIP].blobs.size(large.sha256) is not None


def test_the_share_is_of_each_station_and_does_not_depend_on_what_came_first(tree: Tree) -> None:
    """A later small file fits although a larger one before it does not."""
    stream = tree.take_in(VILLAGE, MATTER)
    files = [attach(tree, VILLAGE, stream, data) for data in (SCAN, SCAN + b"x", b"small")]
    tree.settle()
    tree.nodes[TOWNSHIP].case_files.catch_up()
    tree.nodes[TOWNSHIP].exchange.station_bytes_max = len(SCAN) + 100
    states = [standing(tree, HAVE, Part(one.sha256, 0, 0))[0] for one in reversed(files)]
    assert [PARTIAL, REFUSED, PARTIAL] == states
    tree.nodes[TOWNSHIP].exchange.station_bytes_max = 0
    assert (PARTIAL, 0) == standing(tree, HAVE, Part(files[1].sha256, 0, 0))
