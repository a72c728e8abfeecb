"""What can stop the demonstration, each with one Chinese sentence for the person who started it."""

from __future__ import annotations

import errno


class DemoError(Exception):
    """The demonstration cannot go on; `sentence` says what happened and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class CheckFailedError(DemoError):
    """A page or an answer did not show what the story promises."""


class NotInTimeError(CheckFailedError):
    """Something the story waits for did not happen within its bound."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM; like KeyboardInterrupt no error: all is ended and the program leaves."""


def disk_problem(error: OSError, place: str) -> DemoError:
    """The sentence for a file that could not be written."""
    if error.errno == errno.ENOSPC:
        return DemoError(f"磁盘已满,{place} 写不进去。请腾出空间后再试。")
    return DemoError(f"{place} 不能读写({error.strerror})。请换一个文件夹后再试。")
