"""docs/protocol.md says what the code does: letters, types, kinds, verdicts, codes and limits."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from sync.protocol import errors, frames, limits, lives, rounds, statements
from sync.protocol.blobs import Ask
from sync.protocol.rounds import Answer, Hello
from tests.protocol import golden_files, wire_samples

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
TABLES: dict[type, str] = {Hello: "Hello", Answer: "Answer", Ask: "The second lane"}


def section(title: str) -> str:
    """Return the text under a heading."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def first_cells(title: str) -> list[str]:
    """Return what stands in code in the first column of a section's tables."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.mark.parametrize("shape", [Hello, Answer, Ask])
def test_the_tables_of_fields_are_complete_and_true(shape: type[msgspec.Struct]) -> None:
    """Each letter on the wire has its row, and no row is about a letter that is not there."""
    letters = [field.encode_name for field in msgspec.structs.fields(shape)]
    assert sorted(letters) == sorted(first_cells(TABLES[shape]))


@pytest.mark.parametrize("shape", [Hello, Answer, Ask])
def test_fields_that_are_always_sent_are_marked(shape: type[msgspec.Struct]) -> None:
    """A reader knows what it can count on."""
    required = {f.encode_name for f in msgspec.structs.fields(shape) if f.required}
    rows = [line for line in section(TABLES[shape]).splitlines() if line.startswith("| `")]
    marked = [
        w for row in rows if "always" in row for w in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(required) == sorted(marked)


def test_frame_types_are_named_with_their_numbers() -> None:
    """Type numbers are given once."""
    rows = dict(re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", section("Frames"), re.MULTILINE))
    assert {int(number): getattr(frames, name) for number, name in rows.items()} == {
        kind: kind for kind in frames.KNOWN_TYPES
    }


def test_statement_kinds_are_named_with_their_fields() -> None:
    """Each kind has its row, and each field of its payload is in it."""
    rows = {
        line.split("`")[1]: line for line in section("Statements").splitlines() if "| `" in line
    }
    for kind, shape in (
        (statements.VOUCHER, statements.Voucher),
        (statements.CERTIFICATE, statements.Certificate),
        (statements.TIME_MARK, statements.TimeMark),
        (statements.ATTACHMENT, statements.Attachment),
        (statements.REVOCATION, statements.Revocation),
        (statements.ASK, lives.Ask),
        (statements.EVIDENCE, lives.Evidence),
        (statements.RECOVERED, lives.WholeEvent),
        (statements.PURGE, statements.Purge),
        (statements.ORDER, statements.Order),
    ):
        fields = " ".join(field.encode_name for field in msgspec.structs.fields(shape))
        assert f"`{fields}`" in rows[kind]
    assert {statements.RECEIPT, statements.MANIFEST} <= set(rows)


def test_verdicts_are_all_there() -> None:
    """Every verdict has its row."""
    assert list(rounds.VERDICTS) == first_cells("Verdicts and the ratchet")


def test_error_codes_of_a_peer_are_all_there() -> None:
    """What a peer can be refused for is in the table."""
    codes = {error.code for error in errors.PeerProtocolError.__subclasses__()}
    transport = {"refused_by_parent"}
    assert codes - transport <= set(first_cells("Errors"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (limits.ENVELOPE_BYTES_MAX, "envelope | 8 KiB"),
        (limits.BODY_BYTES_MAX, "body | 64 KiB"),
        (limits.JSON_DEPTH_MAX, "nesting | 16"),
        (limits.AUDIENCE_MAX, "audience of a stream | 64"),
        (limits.STATEMENT_BYTES_MAX, "a hello or answer | 256 KiB"),
        (limits.FRAME_BYTES_MAX, "frame, as sent | 256 KiB"),
        (limits.FRAME_DECODED_BYTES_MAX, "frame, decoded | 1 MiB"),
        (limits.ROUND_FRAMES_MAX, "frames in a stream | 512"),
        (limits.ROUND_BYTES_MAX, "stream | 8 MiB"),
        (limits.RECEIPTS_MAX, "receipts in an answer | 4,096"),
        (limits.REFUSED_LISTED_MAX, "refused positions in a receipt | 256"),
        (limits.EDITIONS_MAX, "editions in a hello | 4,096"),
        (limits.EDITION_MS_MAX, "an edition | 250,000,000,000,000"),
        (limits.SEQUENCE_MAX, "a sequence of a link | 9,223,372,036,854,775,807"),
        (limits.BLOB_PARTS_MAX, "parts of an ask | 64"),
        (limits.BLOB_ASK_BYTES_MAX, "header of an ask | 16 KiB"),
        (limits.BLOB_ANSWER_BYTES_MAX, "bytes given for an ask | 4 MiB"),
        (limits.BLOB_PUT_BYTES_MAX, "bytes put with one ask | 128 KiB"),
        (limits.CHUNK_BYTES, "chunk of a file | 256 KiB"),
        (limits.FILE_BYTES_MAX, "file | 32 MiB"),
        (limits.FILE_MANIFEST_BYTES_MAX, "manifest of a file | 16 KiB"),
        (limits.BLOBS_PER_EVENT_MAX, "files named by an event | 16"),
        (limits.CASE_FILES_BYTES_MAX, "files of a case, together | 256 MiB"),
        (limits.BODIES_WANTED_MAX, "bodies asked for | 64"),
        (limits.PURGED_MAX, "events of a purge | 2,000"),
        (limits.PACK_BYTES_MAX, "pack, as sent / decoded | 4 MiB"),
        (limits.PACK_DECODED_BYTES_MAX, "4 MiB / 64 MiB"),
        (limits.SHELF_ENTRIES_MAX, "entries of a shelf | 200,000"),
    ],
)
def test_limits_are_as_written(value: int, written: str) -> None:
    """A limit in the table is the limit in the code."""
    assert written in section("Limits")
    number, unit = re.findall(r"([\d,]+)(?: ([KM]iB))?", written)[-1]
    assert value == int(number.replace(",", "")) * {"": 1, "KiB": 1024, "MiB": 1024**2}[unit]


def test_every_format_of_the_golden_files_is_a_format_of_this_wire() -> None:
    """The document points at them, and they are there."""
    assert "tests/protocol/golden" in TEXT
    assert set(wire_samples.samples()) <= set(golden_files.names())
