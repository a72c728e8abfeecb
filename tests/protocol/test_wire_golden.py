"""The wire does not change unnoticed: every format against its golden file, both ways."""

from __future__ import annotations

import msgspec
import pytest

from sync.protocol import canonical, rounds, statements
from sync.protocol.bundles import BundleFacts, BundleManifest
from sync.protocol.envelope import check_body, parse_envelope, signed_message
from sync.protocol.errors import PeerProtocolError
from sync.protocol.registers import Manifest
from sync.protocol.rounds import Answer, Hello
from sync.protocol.statements import Certificate, Health, Statement, Voucher
from sync.signing import Ed25519Verifier
from tests.protocol import golden_files, wire_samples, wire_samples_more
from tests.protocol.golden_files import NEWEST, RELEASES, golden
from tests.protocol.wire_samples import Sample

SAMPLES: dict[str, Sample] = {**wire_samples.samples(), **wire_samples_more.samples()}

NAMES = sorted(SAMPLES)
VERIFY = Ed25519Verifier().verify


@pytest.mark.parametrize("name", NAMES)
def test_writing_gives_the_golden_bytes(name: str) -> None:
    """What this code writes is what every node out there reads."""
    sample = SAMPLES[name]
    assert golden(name) == sample.write(sample.value)


@pytest.mark.parametrize("name", NAMES)
def test_golden_bytes_are_read_as_the_value_they_were_made_of(name: str) -> None:
    """What nodes out there wrote is read as what they meant."""
    sample = SAMPLES[name]
    assert sample.value == sample.read(golden(name))


@pytest.mark.parametrize("release", RELEASES)
def test_golden_bytes_of_every_release_are_read_and_never_edited(release: str) -> None:
    """A release out there wrote them: its folder only grows, and this code reads all of it."""
    assert golden_files.sums(release) == golden_files.found(release)
    for name in golden_files.names(release):
        SAMPLES[name].read(golden(name, release))


def test_every_golden_file_belongs_to_a_format() -> None:
    """No golden file is left behind by a format that went, no format is without one."""
    assert NAMES == sorted({name for release in RELEASES for name in golden_files.names(release)})
    assert golden_files.names(NEWEST)


@pytest.mark.parametrize("shape", [Hello, Answer, Health, BundleManifest, BundleFacts, Manifest])
def test_every_field_says_something_in_some_golden_file(shape: type[msgspec.Struct]) -> None:
    """A field whose bytes stand nowhere could change unseen."""
    told = [*(sample.value for sample in SAMPLES.values()), *_of_the_bundle()]
    mine = [value for value in told if isinstance(value, shape)]
    unsaid = {
        field.name
        for field in msgspec.structs.fields(shape)
        if not field.required
        and all(getattr(value, field.name) == _default(field) for value in mine)
    }
    assert set() == unsaid


def _default(field: msgspec.structs.FieldInfo) -> object:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def _of_the_bundle() -> list[msgspec.Struct]:
    head = wire_samples.samples()["bundle"].value.head
    return [head.read(BundleManifest)]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_differs_from_its_golden_bytes_when_one_byte_does(name: str) -> None:
    """The comparison bites: another byte in the middle is another value or none."""
    raw = golden(name)
    middle = len(raw) // 2
    changed = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    sample = SAMPLES[name]
    try:
        read = sample.read(changed)
    except (PeerProtocolError, msgspec.DecodeError, ValueError):
        return
    assert sample.value != read or sample.write(read) != changed


def test_golden_event_verifies_under_its_stations_key() -> None:
    """Signature, salted body hash and envelope of the golden event fit together."""
    event = wire_samples.EVENT
    message = signed_message("event", golden("envelope"))
    assert VERIFY(wire_samples.VILLAGE.public_key(), message, event.signature)
    check_body(parse_envelope(golden("envelope")), event)


@pytest.mark.parametrize("kind", ["receipt_of_central", "time_mark", "attachment"])
def test_golden_statements_of_stations_verify(kind: str) -> None:
    """A statement's kind is under its signature, so it cannot be passed off as another."""
    statement = statements.decode(golden(kind))
    village = statement.signer.startswith("CG0111/")
    key = (wire_samples.VILLAGE if village else wire_samples.CENTRAL).public_key()
    assert VERIFY(key, statement.message(), statement.signature)
    other = Statement("order", statement.payload, statement.signature, statement.signer)
    assert not VERIFY(key, other.message(), other.signature)


@pytest.mark.parametrize("kind", ["voucher", "revocation", "order", "manifest"])
def test_golden_statements_of_the_authority_verify(kind: str) -> None:
    """The authority's key signs what only the authority may say."""
    statement = statements.decode(golden(kind))
    key = wire_samples.AUTHORITY.public_key()
    assert statement.signer == statements.AUTHORITY
    assert VERIFY(key, statement.message(), statement.signature)


def test_golden_certificate_leads_from_the_authority_to_the_stations_key() -> None:
    """Authority -> voucher -> station key, from bytes alone."""
    outer = statements.decode(golden("certificate"))
    certificate = outer.read(Certificate)
    inner = statements.decode(certificate.voucher)
    voucher = inner.read(Voucher)
    assert VERIFY(wire_samples.AUTHORITY.public_key(), inner.message(), inner.signature)
    assert VERIFY(voucher.key, outer.message(), outer.signature)
    assert wire_samples.VILLAGE.public_key() == certificate.sign_key


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith(("hello_", "answer_"))])
def test_golden_round_headers_verify(name: str) -> None:
    """Hello and answer are signed by their node, each as what it is."""
    if name in ("answer_stream", "answer_of_a_dictionary"):
        return
    kind, _, _ = name.partition("_")
    signer = wire_samples.VILLAGE if kind == "hello" else wire_samples.CENTRAL
    signature, payload = rounds.split_header(golden(name))
    assert VERIFY(signer.public_key(), wire_samples.header_message(kind, payload), signature)
    other = "answer" if kind == "hello" else "hello"
    assert not VERIFY(signer.public_key(), wire_samples.header_message(other, payload), signature)


def test_a_header_without_news_carries_only_what_never_leaves_out() -> None:
    """Optional fields of a hello cost nothing while they have nothing to say."""
    _, payload = rounds.split_header(golden("hello_bare"))
    fields = canonical.loads(payload, bytes_max=4096)
    assert {"v", "s", "e", "i", "n", "t", "o", "c", "a", "ai", "d", "tr"} == set(fields)
