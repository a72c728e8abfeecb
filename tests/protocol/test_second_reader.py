"""docs/protocol.md is enough: a reader written from it alone reads golden bytes and live rounds."""

from __future__ import annotations

import ast
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree, without_notices
from tests.protocol import second_reader, wire_samples, wire_samples_more
from tests.protocol.golden_files import golden
from tests.protocol.second_reader import Reader, Wrong
from tests.protocol.wire_samples import EPOCH

ROOT = Path(__file__).parents[2]
ALLOWED = set(sys.stdlib_module_names) | {"cryptography", "zstandard"}
AUTHORITY = wire_samples.AUTHORITY.public_key()
REQUEST = [
    "certificate by voucher",
    "hello of CG0111 at 2",
    "events to 18",
    f"event CG0111/{EPOCH}/2 received 80 bytes",
    f"event CG0111/{EPOCH}/2 received without body",
]


def reader() -> Reader:
    """Return one that knows central's key, which no golden stream carries."""
    made = Reader(AUTHORITY)
    made.keys[f"CG0101/{EPOCH}"] = wire_samples.CENTRAL.public_key()
    return made


def test_it_shares_no_code_with_what_it_checks() -> None:
    """Standard library, cryptography, zstandard."""
    tree = ast.parse(Path(second_reader.__file__).read_text(encoding="utf-8"))
    names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert set() == {name.partition(".")[0] for name in names} - ALLOWED


def test_the_golden_request_and_answer_are_read_and_their_signatures_hold() -> None:
    """Certificate, hello, events; answer, receipts, events, a piece of a pack."""
    one = reader()
    assert REQUEST == one.read(golden("request_stream"), "CG0101")
    said = one.read(golden("answer_stream"))
    assert "answer of CG0101 ok receipts CG0111:9" == said[0]
    assert REQUEST[2:] == said[1:4]
    assert said[4].startswith("blob ")


def test_events_by_columns_come_out_byte_for_byte() -> None:
    """The envelope it makes anew is the one that was signed."""
    one = reader()
    one.read(golden("request_stream"), "CG0101")
    plain = [event["raw"] for event in one.events]
    one.events.clear()
    one.read(golden("events_by_columns"))
    assert plain == [event["raw"] for event in one.events]


ASKED = [("ab" * 32, 65_536, 40), ("cd" * 32, 0, 8192), ("ef" * 32, 8192, 100)]


def test_it_reads_what_the_second_lane_gives() -> None:
    """All of the first part, not the second, no byte of the third; nothing cut, nothing more."""
    raw = golden("get_answer")
    assert [bytes(range(40)), None, b""] == second_reader.given(raw, ASKED)
    for spoiled in (raw[:-1], raw + b"x", bytes([0, 0, 0, 41]) + raw[4:]):
        with pytest.raises((Wrong, struct.error)):
            second_reader.given(spoiled, ASKED)


def test_it_reads_a_warrant() -> None:
    """A village, the township and the district above it, and the root."""
    said = json.loads(golden("warrant"))
    line = ["CG0111", "CG0101", "CG0001", "KM0000"]
    assert line == second_reader.warrant(said, AUTHORITY, "KM0000")
    with pytest.raises(Wrong):
        second_reader.warrant(said, AUTHORITY, "KM0001")
    with pytest.raises(Wrong):
        second_reader.warrant(said, wire_samples.VILLAGE.public_key(), "KM0000")


@pytest.mark.parametrize("field", ["at", "key", "raw", "beside"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_warrant_in_which_anything_is_altered_proves_nothing(place: int, field: str) -> None:
    """A place, a key, an entry or a way of any station of the line."""
    said = json.loads(golden("warrant"))
    one = said["line"][place]
    altered = {
        "at": one["at"] ^ 1,
        "key": "CG0113",
        "raw": one["raw"].replace("CG0", "CG1"),
        "beside": ["00" * 32, *one["beside"][1:]],
    }
    one[field] = altered[field]
    with pytest.raises(Wrong):
        second_reader.warrant(said, AUTHORITY, "KM0000")


MOVED = [
    "certificate by voucher",
    f"receipt by KM0000/{EPOCH}",
    "hello of CG0111 at 0",
    f"attachment by CG0111/{EPOCH}",
    "order by authority",
]


@pytest.mark.parametrize(
    ("name", "context"),
    [("front_request", b""), ("front_request_of_context", wire_samples_more.CONTEXT)],
)
def test_a_packed_front_is_read_and_every_signature_in_it_holds(name: str, context: bytes) -> None:
    """A first contact after a move: what was unfolded verifies, a kind nobody acts on too."""
    one = reader()
    one.keys[f"KM0000/{EPOCH}"] = wire_samples.CENTRAL.public_key()
    raw = golden(name)
    assert raw.endswith(b"rest")
    assert MOVED == one.read(second_reader.opened(raw[:-4], context), "CG0101")


def test_a_packed_answer_is_read_against_the_head_of_its_request() -> None:
    """Certificate, answer, comparing by author."""
    one = reader()
    asked = wire_samples_more.FRONT.head
    answer = second_reader.opened(golden("front_answer")[:-4], asked)
    said = one.read(answer)
    assert ["certificate by voucher", "answer of CG0101 ok receipts CG0111:9"] == said[:2]
    assert ["compare CG0111 12", "compare CG0112 0"] == said[2:]


@pytest.mark.parametrize("name", ["request_stream", "answer_stream"])
def test_it_notices_any_altered_byte(name: str) -> None:
    """By a check sum, a signature or a spelling: it does not just print."""
    raw = golden(name)
    for at in range(0, len(raw), 7):
        spoiled = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        one = reader()
        one.keys[f"CG0111/{EPOCH}"] = wire_samples.VILLAGE.public_key()
        with pytest.raises((Wrong, ValueError)):
            one.read(spoiled, "CG0101")


def test_it_reads_live_rounds_as_the_nodes_do(tmp_path: Path) -> None:
    """First contact and later rounds of a village: the same events, and the log's chain."""
    tree = Tree.founded(tmp_path)
    tree.publish(without_notices())
    tree.enrol("CG0001", TOWNSHIP, VILLAGE)
    one = Reader(tree.authority.public_key())
    for certificate in tree.sheet(VILLAGE).above:  # an enrolled station holds them from its sheet
        one.statement(certificate)
    tree.settle("CG0001", TOWNSHIP)
    for number in range(8):
        if number in (4, 6):
            tree.take_in(VILLAGE, "CG-MZ-0101")
            tree.take_in(VILLAGE, "CG-CW-0101")
        tree.now_ms += 1000
        request = tree.nodes[VILLAGE].rounds.begin()
        one.read(request, TOWNSHIP)
        answer = tree.nodes[TOWNSHIP].rounds.serve(request)
        assert one.read(answer), "an answer says something"
        tree.nodes[VILLAGE].rounds.take_answer(answer)
        tree.fetch(VILLAGE)
        tree.settle("CG0001", TOWNSHIP)
    core = tree.nodes[VILLAGE].core
    with tree.nodes[TOWNSHIP].database.read() as transaction:
        log = transaction.log(core.log)
        held = transaction.log_events(core.log, 0, 100)
    assert log is not None
    mine = {e["pos"]: e["raw"] for e in one.events if e["station"] == VILLAGE}
    assert {h.name.position: tuple(h.event) for h in held} == {p: tuple(e) for p, e in mine.items()}
    chain = second_reader.chain(f"{VILLAGE}/{core.epoch}", [mine[p].envelope for p in sorted(mine)])
    assert log.chain == chain
    tree.close()


def test_it_is_a_program(tmp_path: Path) -> None:
    """It prints a request that was kept in a file."""
    file = tmp_path / "request"
    file.write_bytes(golden("request_stream"))
    words = [sys.executable, "-m", "tests.protocol.second_reader", AUTHORITY.hex(), str(file)]
    ran = subprocess.run([*words, "CG0101"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert REQUEST == ran.stdout.splitlines()
