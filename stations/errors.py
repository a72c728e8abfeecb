"""Refusals of imported tables: every problem of a file at once, each with its line and a remedy.

Knows nothing of any particular table. The tree is one class:

    ImportRefused      the file was not taken over; nothing of it was used
      .problems        tuple[Problem, ...], in the order of the lines
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

PROBLEMS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one line of one file; line 0 means the file as a whole."""

    code: str
    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        """Return `file:line: [code] sentence`, the form that editors can jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: [{self.code}] {self.sentence}"


class ImportRefused(Exception):
    """A file is refused as a whole; the single facts are those of its first problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        self.problems = problems
        self.code = first.code
        self.file = first.file
        self.line = first.line
        rest = f"(另有 {len(problems) - 1} 处)" if len(problems) > 1 else ""
        self.sentence = f"{first.sentence}{rest}文件未导入,原有数据没有变动。"
        super().__init__(code_and_place(first))

    def report(self) -> str:
        """Return all problems, one per line, for a terminal or a page."""
        lines = [str(problem) for problem in self.problems[:PROBLEMS_SHOWN_MAX]]
        hidden = len(self.problems) - len(lines)
        if hidden > 0:
            lines.append(f"还有 {hidden} 处问题未列出,请先改正以上各处再导入。")
        return "\n".join(lines)


def code_and_place(problem: Problem) -> str:
    """Return the short form that may be logged: no text from the file is in it."""
    return f"{problem.code} {problem.file}:{problem.line}"


@dataclass(slots=True)
class Findings:
    """Collects the problems of one file, so that its editor sees all of them in one go."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, line: int, sentence: str) -> None:
        """Note one problem; sentence says what is wrong and what to do."""
        self.problems.append(Problem(code, self.file, line, sentence))

    def refuse(self, code: str, line: int, sentence: str) -> NoReturn:
        """Note one last problem after which nothing more of the file can be judged, and raise.

        Raises: ImportRefused.
        """
        self.add(code, line, sentence)
        raise self._refusal()

    def refuse_if_any(self) -> None:
        """Raise what was collected, in the order of the lines.

        Raises: ImportRefused.
        """
        if self.problems:
            raise self._refusal()

    def _refusal(self) -> ImportRefused:
        ordered = sorted(self.problems, key=lambda problem: problem.line)
        return ImportRefused(tuple(ordered))
