"""Everything that reads files others wrote: bundles, imported tables, a node's own papers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from central.imports import entries as shipped
from central.imports.calendar import read_calendar
from central.imports.divisions import read_divisions
from central.imports.matters_csv import read_matters_csv
from central.imports.matters_json import read_matters_json
from central.imports.services import read_services
from central.imports.staff import read_staff
from node import backup, enrolment, serving
from stations import csv_file, table
from stations.errors import Findings, ImportRefused
from sync.protocol import bundles, frames, sealing, statements
from sync.sealing import X25519Sealing
from sync.transport.bundle_file import BundleFile
from tests.protocol import bundle_sample, wire_samples
from tests.protocol.fuzzing import documents_near, mutated, seeded
from tests.protocol.parsers import READERS, Inputs, Target, near, odd_frame, odd_texts
from verifier import container, signatures
from verifier.__main__ import verify

# -- bundles -----------------------------------------------------------------------------------

_BUNDLE = wire_samples.golden("bundle")
_HEAD_END = bundles.START_BYTES + bundles.head_length(_BUNDLE[: bundles.START_BYTES])
_HEAD = _BUNDLE[bundles.START_BYTES : _HEAD_END]
_PORT = X25519Sealing(bundle_sample.READER_SEED)
_MANIFEST = statements.decode(_HEAD)
_FACTS = next(
    frame.payload
    for frame in frames.decode_stream(
        b"".join(sealing.unseal(_PORT.chunks(b"K" * 32, b"S" * 16), [_BUNDLE[_HEAD_END:]]))[4:]
    )
    if frame.type == frames.BUNDLE_FACTS
)


def _head_around(manifests: list[bytes]) -> list[bytes]:
    return [
        statements.encode(statements.Statement(bundles.KIND, manifest, b"", "CG0111/1"))
        for manifest in manifests
    ]


def _content_again(chance: Random) -> bytes:
    """Return a bundle whose content makes little sense, sealed and signed as it should be."""
    certificate = wire_samples.golden("certificate")
    good = [
        frames.encode_statements(0, [certificate]),
        frames.Frame(frames.BUNDLE_FACTS, _FACTS),
        frames.encode_events(0, [wire_samples.EVENT]),
    ]
    stream = bytearray(frames.encode_stream(good))
    if chance.random() < 0.5:
        stream += odd_frame(chance)[4:]
    else:
        kind = chance.choice([frames.STATEMENTS, frames.EVENTS, frames.BLOB, frames.BUNDLE_FACTS])
        payload = bytearray(chance.choice(good).payload)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(payload))
            payload[at : at + chance.randrange(3)] = chance.choice(
                [b"", b"\xff", b"\0", b"[{", b"9"]
            )
        stream += wire_samples.raw_frame(kind, 0, bytes(payload))
    part = bundles.encode_part(bytes(stream))[: -chance.randrange(1, 9) or None]
    made = bundle_sample.sealed_up(
        part, certificate, wire_samples.VILLAGE, wire_samples.AUTHORITY.public_key(), "i-1"
    )
    return bundle_sample.write(made)


_bundles = mutated(_BUNDLE) | seeded(_content_again)


def _in_a_file(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of bytes that reads them from a file."""

    def from_file(raw: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=_SHARED, suffix=".bin") as file:
            file.write(raw)
            file.flush()
            read(Path(file.name))

    return from_file


_SHARED = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _bundle_file(path: Path) -> None:
    with path.open("rb") as file:
        bundle = BundleFile(file)
        bundle.check()
        for frame in bundle.content(_PORT.chunks(b"K" * 32, b"S" * 16)):
            READERS.get(frame.type, bytes)(frame.payload)


def _verified(path: Path) -> None:
    report = verify(path, seed=bundle_sample.READER_SEED)
    assert report.lines()
    assert report.as_json()


def _unsealed(raw: bytes) -> None:
    size = sealing.CHUNK_BYTES + sealing.TAG_BYTES
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    for _ in sealing.unseal(_PORT.chunks(b"K" * 32, b"S" * 16), pieces):
        pass


def _parts_as_they_come(raw: bytes) -> None:
    reader = bundles.PartReader(1000)
    for at in range(0, len(raw), 5):
        assert all(len(part) <= 1000 for part in reader.feed(raw[at : at + 5]))
    reader.end()


# -- tables and a node's own papers ------------------------------------------------------------

_STATIONS = (shipped.DEMO_INVENTORY / "stations.csv").read_bytes()
_STAFF = (shipped.DEMO_INVENTORY / "staff.csv").read_bytes()
_CELLS = [
    b"", b'"', b"\0", b"\xef\xbb\xbf", "省".encode("gbk"), b"CG0101", b"=1+1", b"\r", b",,", b"-1",
    "²".encode(), b"9" * 5000,
]  # fmt: skip


def _data(name: str, lines: int = 0) -> bytes:
    """Return a shipped file, or its first lines."""
    raw = (shipped.SHIPPED_DATA / name).read_bytes()
    return b"\n".join(raw.split(b"\n")[:lines]) + b"\n" if lines else raw


def _table(raw: bytes) -> Inputs:
    """Return tables near a good one: bytes changed, cells of no sense."""

    def odd(chance: Random) -> bytes:
        rows = raw.split(b"\n")
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(rows))
            cells = rows[at].split(b",")
            cells[chance.randrange(len(cells))] = chance.choice(_CELLS)
            rows[at] = b",".join(cells)
        return b"\n".join(rows)

    return mutated(raw) | seeded(odd)


def _rows(raw: bytes) -> None:
    csv_file.read_rows(raw, Findings("t.csv"), ("code",))


def _in_a_folder(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of bytes that reads them from a folder, under a fixed name."""

    def from_folder(raw: bytes) -> None:
        with tempfile.TemporaryDirectory(dir=_SHARED) as folder:
            (Path(folder) / name).write_bytes(raw)
            read(Path(folder))

    return from_folder


def _restored(folder: Path) -> None:
    backup.restore(folder, folder / "new", 1, lambda _words: None)


_SHEET = (
    b'{"above":[],"authority":["QUFB"],"one_use_key":"QUFB","parent":"CG0101",'
    b'"parent_url":"http://127.0.0.1:1","root":"KM0000","station":"CG0111","voucher":"e30="}'
)
_NODE = (
    b'{"above":[],"authority":["QUFB"],"certificate":"e30=","epoch":7,"incarnation":"i",'
    b'"parent":"CG0101","parent_url":"http://127.0.0.1:1","root":"KM0000","station":"CG0111"}'
)
_BACKUP = (
    b'{"epoch":1,"events":0,"files":{"node.db":"00"},"incarnation":"i","logs":[],"made_ms":1,'
    b'"release":"x","station":"CG0111","v":1,"verified":true}'
)
_TABLES = (ImportRefused,)

FILES: dict[str, Target] = {
    "sync.protocol.bundles.head_length": Target(mutated(_BUNDLE[:8]), bundles.head_length),
    "sync.protocol.bundles.decode_head": Target(
        near(_HEAD) | documents_near(_MANIFEST.payload).map(_head_around), bundles.decode_head
    ),
    "sync.protocol.bundles.decode_facts": Target(near(_FACTS), bundles.decode_facts),
    "sync.protocol.bundles.PartReader.feed": Target(
        mutated(bundles.encode_part(b"x" * 40) * 4), _parts_as_they_come
    ),
    "sync.protocol.sealing.unseal": Target(mutated(_BUNDLE[_HEAD_END:]), _unsealed),
    "sync.transport.bundle_file.BundleFile": Target(_bundles, _in_a_file(_bundle_file)),
    "verifier.__main__.verify": Target(_bundles, _in_a_file(_verified), ()),
    "verifier.container.read_json": Target(
        near(_MANIFEST.payload), lambda raw: container.read_json(raw, "x"), (container.Bad,)
    ),
    "verifier.container.statement_of": Target(
        near(_HEAD), lambda raw: container.statement_of(raw, "x"), (container.Bad,)
    ),
    "verifier.signatures.Keys.learn": Target(
        near(wire_samples.golden("certificate")),
        lambda raw: signatures.Keys(b"k" * 32).learn(raw, "x"),
        (container.Bad,),
    ),
    "verifier.signatures.authority_digits": Target(
        odd_texts, lambda raw: signatures.authority_digits(raw.decode()), (ValueError,)
    ),
    "stations.csv_file.decode": Target(
        _table(_STATIONS), lambda raw: csv_file.decode(raw, Findings("t.csv")), _TABLES
    ),
    "stations.csv_file.read_rows": Target(_table(_STATIONS), _rows, _TABLES),
    "stations.table.read_station_table": Target(
        _table(_STATIONS), lambda raw: table.read_station_table(raw, "t.csv"), _TABLES
    ),
    "central.imports.divisions.read_divisions": Target(
        _table(_data("divisions_sample.csv", 12)),
        lambda raw: read_divisions(raw, "t.csv"),
        _TABLES,
    ),
    "central.imports.services.read_services": Target(
        _table(_data("services_demo.csv", 12)),
        lambda raw: read_services(raw, "t.csv", stations={}, matters={}),
        _TABLES,
    ),
    "central.imports.staff.read_staff": Target(
        _table(_STAFF),
        lambda raw: read_staff(raw, "t.csv", stations=["CG0111"], from_day="2026-01-01"),
        _TABLES,
    ),
    "central.imports.matters_csv.read_matters_csv": Target(
        _table(_data("matters_511602_guangan.csv", 12)),
        lambda raw: read_matters_csv(
            raw, "t.csv", division="530114000000", source="演示", effective_from="2026-01-01"
        ),
        _TABLES,
    ),
    "central.imports.matters_json.read_matters_json": Target(
        _table(_data("village_matters/forestry.json")),
        lambda raw: read_matters_json(raw, "t.json"),
        _TABLES,
    ),
    "central.imports.calendar.read_calendar": Target(
        _table(_data("calendar_2026.json")), lambda raw: read_calendar(raw, "t.json"), _TABLES
    ),
    "node.enrolment.read_sheet": Target(near(_SHEET), _in_a_file(enrolment.read_sheet)),
    "node.enrolment.read_node": Target(
        near(_NODE), _in_a_folder(enrolment.NODE_FILE, enrolment.read_node)
    ),
    "node.backup.restore": Target(
        near(_BACKUP), _in_a_folder(backup.MANIFEST, _restored), (backup.BackupRefused,)
    ),
    "node.serving.parse_address": Target(
        odd_texts, lambda raw: serving.parse_address(raw.decode()), (serving.CannotListen,)
    ),
}
