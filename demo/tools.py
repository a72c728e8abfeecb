"""Runs the product's command lines to set things up, a few at a time, and reads their answers."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.children import Children, Process
from demo.problems import DemoError

AT_ONCE = 2
COMMAND_SECONDS = 120.0
POLL_SECONDS = 0.02
_MISSING = re.compile(r"No module named '([\w.]+)'")


@dataclass(frozen=True)
class Command:
    """One call of a command line; `name` names its files and shows in sentences."""

    name: str
    arguments: tuple[str, ...]


class Tools:
    """Calls `python -m central ...` and `python -m edge_node ...`."""

    def __init__(self, children: Children, folder: Path) -> None:
        self._children = children
        self._folder = folder

    def run(self, command: Command) -> Any:
        """The JSON answer of one command. Raises: DemoError with the sentence it gave."""
        return self.run_all([command])[0]

    def run_all(self, commands: Sequence[Command]) -> list[Any]:
        """The JSON answers in the order of the commands. Raises: DemoError of the first to fail."""
        waiting = list(enumerate(commands))
        running: dict[int, tuple[Command, Process]] = {}
        answers: dict[int, Any] = {}
        until = time.monotonic() + COMMAND_SECONDS
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                index, command = waiting.pop(0)
                running[index] = (command, self._start(command))
            for index, (command, process) in list(running.items()):
                if process.poll() is not None:
                    del running[index]
                    self._children.forget(process)
                    answers[index] = self._answer(command, process.returncode)
            if time.monotonic() > until:
                names = "、".join(command.name for command, _ in running.values())
                raise DemoError(f"命令 {names} 过了 {COMMAND_SECONDS:.0f} 秒还没有结束。")
            time.sleep(POLL_SECONDS)
        return [answers[index] for index in range(len(commands))]

    def _start(self, command: Command) -> Process:
        for path in self._files(command):
            path.unlink(missing_ok=True)
        out, err = self._files(command)
        return self._children.spawn([sys.executable, "-m", *command.arguments], out, err)

    def _files(self, command: Command) -> tuple[Path, Path]:
        return self._folder / f"{command.name}.out", self._folder / f"{command.name}.err"

    def _answer(self, command: Command, code: int) -> Any:
        out, err = self._files(command)
        said = out.read_text(encoding="utf-8")
        try:
            answer = json.loads(said) if said.strip() else {}
        except ValueError:
            answer = {}
        if code == 0:
            return answer
        sentence = answer.get("sentence") if isinstance(answer, dict) else None
        raise DemoError(f"{command.name} 没有成功:{sentence or why_it_ended(err, code)}")


def why_it_ended(log: Path, code: int) -> str:
    """A sentence for a program that ended, from its exit code and the end of what it wrote."""
    text = log.read_text(encoding="utf-8", errors="replace")
    missing = _MISSING.findall(text)
    if missing:
        return f"缺少 Python 软件包 {missing[-1]}。请执行 make demo,它会自动安装。"
    if "No space left on device" in text:
        return "磁盘已满。请腾出空间后再试。"
    if code < 0:
        return f"程序崩溃,被信号 {-code} 结束(它写下的在 {log})"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "它什么也没有说"
    return f"{last}(全文在 {log})"
