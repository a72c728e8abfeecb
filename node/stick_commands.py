"""What `bundle export` and `bundle import` of both programs do; each prints it in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from node import stick, stick_words
from node.files import Exported
from node.program import Node

TELL_EVERY_MS = 1000
"""Nothing is said of what takes less."""


class Said(NamedTuple):
    """What a command came to: facts for programs, lines for people, whether all went well."""

    facts: dict[str, Any]
    lines: list[str]
    good: bool


class Ticker:
    """Says how far a long step is, once a second."""

    def __init__(self, clock_ms: Callable[[], int], say: Callable[[str], None]) -> None:
        self._clock_ms = clock_ms
        self._say = say
        self._told_ms = clock_ms()

    def __call__(self, done: int, total: int) -> None:
        now = self._clock_ms()
        if now - self._told_ms >= TELL_EVERY_MS and total:
            self._told_ms = now
            self._say(f"…… {done * 100 // total} %")


def export(node: Node, folder: Path, to: str) -> Said:
    """Write a bundle up, or down to the station `to`. Raises: SyncError, OSError."""
    written = node.files.export_down(to, folder) if to else node.files.export_up(folder)
    return Said(_facts(written), [stick_words.exported(written, node.station_name)], good=True)


def take_in(node: Node, path: Path, *, answer: bool, tell: Ticker) -> Said:
    """Take in a file, or all bundles of a folder, and write the answers beside them if asked.

    Raises: SyncError, OSError (of the folder itself, and of writing answers).
    """
    paths = stick.bundles_in(path) if path.is_dir() else [path]
    taken = [stick.take_in(node.files, one, node.station_name, tell) for one in paths]
    written: list[Exported] = []
    if answer:
        written = stick.answers(node.files, taken, path if path.is_dir() else path.parent)
    lines = [f"{one.file}:{one.sentence}" for one in taken]
    lines += [stick_words.exported(one, node.station_name) for one in written]
    if not taken:
        lines.append("这个文件夹里没有驿站的数据包(扩展名 .yzb)。没有改动任何内容。")
    whole = len(paths) == 1 and not path.is_dir()
    good = all(one.good and not (whole and one.code) for one in taken) and bool(taken)
    facts = {
        "files": [one.as_json() for one in taken],
        "answers": [_facts(one) for one in written],
    }
    return Said(facts, lines, good)


def _facts(written: Exported) -> dict[str, Any]:
    return {**written._asdict(), "path": str(written.path)}
