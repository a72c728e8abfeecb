"""A watched folder: bundles that come to lie there are taken in, and answered there if asked.

A notice of the system is a hint to look at once; a file counts when two looks find it unchanged,
and its hash is the proof. Whatever is wrong with one file, the others go on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from node import stick
from node.files import Files
from node.stick import Taken
from sync.protocol.errors import SyncError

LOOK_SECONDS = 2.0
FILES_MAX = 500
"""So many files are taken in at one look; the others have their turn at the next ones."""
RESULTS_KEPT = 20
log = structlog.get_logger("node.drop_folder")


class Hints(Protocol):
    """Tells when something happens in a folder."""

    def stop(self) -> None: ...


class _Look(NamedTuple):
    size: int
    changed_ns: int


class DropFolder:
    """Looks at one folder until stopped; the folder may come and go, as a stick does."""

    def __init__(
        self,
        files: Files,
        folder: Path,
        *,
        answer: bool,
        name_of: Callable[[str], str],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._files = files
        self._folder = folder
        self._answer = answer
        self._name_of = name_of
        self._look_seconds = look_seconds
        self._before: dict[str, _Look] = {}
        self._done: dict[str, _Look] = {}
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drop-folder", daemon=True)
        self._hints: Hints | None = None
        self.results: deque[Taken] = deque(maxlen=RESULTS_KEPT)
        self._news = threading.Condition()

    def start(self) -> None:
        """Begin to look."""
        self._hints = _hints(self._folder, self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End after the file being taken in."""
        self._stopped.set()
        self._wake.set()
        if self._hints is not None:
            self._hints.stop()
        self._thread.join(timeout=90)

    def until_taken(self, count: int, *, seconds: float) -> list[str]:
        """Return the sentences of the newest results once there are so many, or time is up."""
        with self._news:
            self._news.wait_for(lambda: len(self.results) >= count, timeout=seconds)
            return [one.sentence for one in self.results]

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except Exception:  # the one net under this loop: a fault of ours is told and waits
                log.exception("drop_folder_broke")
            self._wake.wait(self._look_seconds)
            if self._wake.is_set():
                self._wake.clear()
                self._stopped.wait(self._look_seconds / 2)  # let the file be written to its end

    def look(self) -> list[Taken]:
        """Take in what lay there unchanged since the last look; return what became of it."""
        now = self._looks()
        ready = [
            name
            for name, seen in now.items()
            if self._before.get(name) == seen and self._done.get(name) != seen
        ]
        self._before = now
        self._done = {name: seen for name, seen in self._done.items() if name in now}
        taken: list[Taken] = []
        for name in sorted(ready)[:FILES_MAX]:
            self._done[name] = now[name]
            one = stick.take_in(self._files, self._folder / name, self._name_of)
            log.info("bundle_from_folder", code=one.code or "taken")
            taken.append(one)
            if one.code not in stick.SKIPPED:
                with self._news:
                    self.results.appendleft(one)
                    self._news.notify_all()
        if self._answer and taken:
            self._write_answers(taken)
        return taken

    def _looks(self) -> dict[str, _Look]:
        found: dict[str, _Look] = {}
        try:
            for path in stick.bundles_in(self._folder):
                facts = path.lstat()
                found[path.name] = _Look(facts.st_size, facts.st_mtime_ns)
        except OSError:
            return {}  # the stick is not in, or was just pulled out
        return found

    def _write_answers(self, taken: list[Taken]) -> None:
        fresh = [one for one in taken if one.imported is not None and not one.imported.already]
        try:
            for written in stick.answers(self._files, fresh, self._folder):
                log.info("bundle_to_folder", way=written.way, number=written.number)
        except (SyncError, OSError) as error:
            log.warning("answer_not_written", code=getattr(error, "code", "os_error"))


def _hints(folder: Path, wake: Callable[[], None]) -> Hints | None:
    """Watch the folder if the system and the installed parts can; looking goes on without."""
    try:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer
    except ImportError:
        return None

    class Handler(FileSystemEventHandler):
        def on_any_event(self, _event: FileSystemEvent) -> None:
            wake()

    observer = Observer()
    try:
        observer.schedule(Handler(), str(folder))
        observer.start()
    except OSError:
        return None
    return observer
