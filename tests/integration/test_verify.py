"""`yizhan verify`: an oracle that shares no code with what writes bundles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node import enrolment
from sync.engine import file_make
from sync.protocol import frames
from sync.protocol.frames import Frame
from tests.integration.stick_world import Sticks
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, DISTRICT, VILLAGE, Tree
from tests.protocol import wire_samples
from tests.protocol.bundle_sample import READER_SEED
from verifier.__main__ import main

Run = tuple[int, dict[str, object]]


@pytest.fixture
def verify(tree: Tree, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command and return its exit code and its JSON."""

    def run(path: Path, *options: str) -> Run:
        code = main(["verify", str(path), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return run


def key_of(tree: Tree, code: str) -> str:
    return str(tree.home(code) / enrolment.ENCRYPT_KEY)


def found(report: dict[str, object]) -> list[tuple[str, str]]:
    findings = report["findings"]
    assert isinstance(findings, list)
    return [(one["code"], one["where"]) for one in findings]


@pytest.fixture
def stick(tree: Tree, tmp_path: Path) -> Path:
    """A bundle up with a case in it."""
    tree.take_in(VILLAGE, AT_ONCE)
    return Sticks(tree, tmp_path / "sticks").up(VILLAGE)


def test_everything_is_checked_with_a_readers_key(
    tree: Tree, stick: Path, verify: Callable[..., Run]
) -> None:
    """Each node above opens it; the authority's key is compared with the one given."""
    authority = tree.authority.public_key().hex()
    for reader in (CENTRAL, DISTRICT):
        code, report = verify(stick, "--authority", authority, "--key", key_of(tree, reader))
        assert (code, found(report)) == (0, [])
        assert report["authority"] == "confirmed"
        contents = report["contents"]
        assert isinstance(contents, dict)
        manifest = report["manifest"]
        assert isinstance(manifest, dict)
        assert contents["events"] == manifest["events"] > 0


def test_a_bundle_down_with_packs_is_checked_whole(
    tree: Tree, tmp_path: Path, verify: Callable[..., Run]
) -> None:
    """Statements, receipts of central and every pack's hash."""
    sticks = Sticks(tree, tmp_path / "sticks")
    sticks.take(CENTRAL, sticks.up(VILLAGE))
    path = sticks.down(CENTRAL, VILLAGE)
    code, report = verify(path, "--key", key_of(tree, VILLAGE))
    assert (code, found(report)) == (0, [])
    contents = report["contents"]
    assert isinstance(contents, dict)
    assert contents["statements"] > 3


def test_without_a_key_signatures_and_hash_are_checked(
    stick: Path, verify: Callable[..., Run], tmp_path: Path
) -> None:
    """No content is opened; a byte changed anywhere is found all the same."""
    code, report = verify(stick)
    assert (code, report["contents_checked"], report["authority"]) == (0, False, "not_given")
    raw = stick.read_bytes()
    for at in range(0, len(raw), max(len(raw) // 60, 1)):
        spoiled = tmp_path / "spoiled.yzb"
        spoiled.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        code, report = verify(spoiled)
        assert code == 1, f"byte {at} changed unnoticed"


def test_another_authority_is_not_believed(stick: Path, verify: Callable[..., Run]) -> None:
    """The key in the file proves nothing against the one that is given."""
    code, report = verify(stick, "--authority", "00" * 32)
    assert code == 1
    assert report["authority"] == "other"


def test_a_key_of_somebody_else_opens_nothing(
    tree: Tree, stick: Path, verify: Callable[..., Run]
) -> None:
    """The maker itself is no reader."""
    code, report = verify(stick, "--key", key_of(tree, VILLAGE))
    assert (code, found(report)) == (1, [("not_a_reader", "manifest.readers")])


def test_a_maker_that_alters_an_event_is_named_by_position(
    tree: Tree, tmp_path: Path, verify: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed and sealed as it should be, with one body changed inside: the position is named."""
    tree.take_in(VILLAGE, AT_ONCE)
    honest = file_make.up_frames

    def altered(*given: object) -> Iterator[Frame]:
        for frame in honest(*given):  # type: ignore[arg-type]
            if frame.type != frames.EVENTS:
                yield frame
                continue
            through, events = frames.decode_events(frame.payload)
            last = events[-1]
            events[-1] = last._replace(body=(last.body or b"").replace(b"1", b"2"))
            yield frames.encode_events(through, events)

    monkeypatch.setattr(file_make, "up_frames", altered)
    path = Sticks(tree, tmp_path / "sticks").up(VILLAGE)
    code, report = verify(path, "--key", key_of(tree, CENTRAL))
    log = tree.nodes[VILLAGE].core.log
    last = tree.nodes[VILLAGE].situation().written
    assert code == 1
    assert found(report) == [("body", f"{log.station}/{log.epoch}/{last}")]


def test_the_golden_bundle_is_read(tmp_path: Path, verify: Callable[..., Run]) -> None:
    """What the protocol's document shows opens with the key it names."""
    path, key = tmp_path / "golden.yzb", tmp_path / "reader.key"
    path.write_bytes(wire_samples.golden("bundle"))
    key.write_text(READER_SEED.hex())
    authority = wire_samples.AUTHORITY.public_key().hex()
    code, report = verify(path, "--authority", authority, "--key", str(key))
    assert (code, found(report)) == (0, [])


def test_words_for_people_and_wrong_usage(stick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chinese lines that end in the conclusion; a file that is not there is usage."""
    assert main(["verify", str(stick)]) == 0
    assert capsys.readouterr().out.rstrip().endswith("结论:核验通过。")
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(stick.with_name("none.yzb"))])
    assert ended.value.code == 2
