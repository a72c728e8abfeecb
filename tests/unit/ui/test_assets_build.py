"""Fetching the page files: offline when complete, never anything but the locked content."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ui import assets


def forbid(*args: object, **kwargs: object) -> None:
    raise AssertionError("nothing may be downloaded")


def fake_pip(scratch_wheel: bytes, returncode: int = 0) -> object:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("-d") + 1])
        if returncode == 0:
            (folder / "x.whl").write_bytes(scratch_wheel)
        return subprocess.CompletedProcess(command, returncode, "", "ERROR: no such thing")

    return run


def test_the_built_files_are_the_locked_ones() -> None:
    """What lies in ui/static/vendor has the hashes written here, and its licences beside it."""
    assert assets.missing() == []
    for item in assets.ASSETS:
        assert (assets.VENDOR / item.licence).read_text(encoding="utf-8")


def test_complete_files_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second build downloads nothing."""
    monkeypatch.setattr(subprocess, "run", forbid)
    assert assets.build() == []


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """A file with other content counts as missing."""
    for item in assets.ASSETS:
        (tmp_path / item.name).write_bytes(b"something else")
    assert assets.missing(tmp_path) == list(assets.ASSETS)


def test_a_failed_download_is_told_in_two_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says what is lacking and what to do; nothing is left behind."""
    monkeypatch.setattr(subprocess, "run", fake_pip(b"", returncode=1))
    with pytest.raises(assets.AssetsUnavailable) as told:
        assets.build(tmp_path)
    assert "请检查网络" in str(told.value)
    assert "Check the network" in str(told.value)
    assert not list(tmp_path.iterdir())


def test_no_registry_address_stands_in_the_code() -> None:
    """Where packages come from is pip's setting, not ours."""
    assert "://" not in Path(assets.__file__).read_text(encoding="utf-8")
