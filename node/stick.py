"""A folder of bundles, as a stick or a drop folder has it: what fits is taken in, and answered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from node import stick_words
from node.files import Exported, Files, Imported
from sync.protocol import bundles
from sync.protocol.errors import SyncError
from sync.transport.bundle_file import Progress, nobody

SKIPPED = frozenset({"bundle_own", "bundle_not_for_us", "not_a_bundle"})
"""What lies on a shared stick and is none of this node's business."""


class Taken(NamedTuple):
    """What became of one file. Shapes: `imported` is None when `code` says why not."""

    file: str
    code: str
    sentence: str
    imported: Imported | None

    @property
    def good(self) -> bool:
        """True if the file was taken in, or was none of this node's business."""
        return not self.code or self.code in SKIPPED

    def as_json(self) -> dict[str, object]:
        """The result for programs."""
        facts: dict[str, object] = {"file": self.file, "sentence": self.sentence}
        if self.code:
            facts["code"] = self.code
        if self.imported is not None:
            gaps = [
                {"log": f"{g.log.station}/{g.log.epoch}", "held": g.held, "from": g.at}
                for g in self.imported.gaps
            ]
            facts |= {**self.imported._asdict(), "gaps": gaps}
        return facts


def bundles_in(folder: Path) -> list[Path]:
    """Return the plain files of a folder that are named like bundles, in order of names.

    Raises: OSError.
    """
    with os.scandir(folder) as entries:
        found = [
            Path(entry.path)
            for entry in entries
            if entry.name.endswith(bundles.SUFFIX)
            and not entry.name.startswith(".")
            and entry.is_file(follow_symlinks=False)
        ]
    return sorted(found)


def shown(name: str) -> str:
    """Return a file's name as it may be printed: whoever gave it, it breaks no line or encoding."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def take_in(
    files: Files, path: Path, name_of: Callable[[str], str], progress: Progress = nobody
) -> Taken:
    """Take in one file; a refusal is an answer, not an error."""
    name = shown(path.name)
    try:
        imported = files.import_file(path, progress)
    except SyncError as error:
        return Taken(name, error.code, stick_words.refused(error), None)
    except OSError as error:
        return Taken(name, "os_error", stick_words.unreadable(error), None)
    return Taken(name, "", stick_words.imported(imported, name_of), imported)


def answers(files: Files, taken: Iterable[Taken], folder: Path) -> list[Exported]:
    """Write to the folder what the bundles taken in ask for: receipts down, or the next one up.

    Raises: SyncError, OSError.
    """
    makers: dict[str, None] = {}
    upwards = False
    for one in taken:
        if one.imported is None:
            continue
        if one.imported.way == bundles.UP:
            makers[one.imported.maker] = None
        else:
            upwards = upwards or not one.imported.already
    written = [files.export_down(maker, folder) for maker in makers]
    return [*written, files.export_up(folder)] if upwards else written
