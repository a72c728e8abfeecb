"""What the command line says and with which exit code it ends; one place for both forms.

With `--json` an answer is one JSON object on standard output, a refusal too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from central.approvals import NothingToApprove
from central.catalogue import NothingStaged
from central.enrolling import EnrolmentRefused
from node.backup import BackupRefused
from stations.errors import ImportRefused
from sync.protocol.errors import PeerProtocolError, StorageError, SyncError

DONE = 0
REFUSED = 1
USAGE = 2
DEGRADED = 3
ENVIRONMENT = 4
EXIT_CODES = """
退出码:0 完成;1 没有做成,没有改动(数据有问题或条件不满足);2 用法不对;
3 能用,但自检发现问题;4 环境问题(未初始化、数据库打不开、磁盘满、端口被占用)。
"""


class NotDone(Exception):
    """A command that would not do what was meant; nothing was changed."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class Answer:
    """Says what a command came to."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, facts: dict[str, Any], lines: list[str]) -> None:
        """Show the facts as JSON, or the lines for people."""
        if self.as_json:
            _print(facts)
        else:
            for line in lines:
                click.echo(line)

    def end(
        self, exit_code: int, code: str, sentence: str, problems: list[dict[str, Any]] | None = None
    ) -> NoReturn:
        """Show why nothing was done and leave with an exit code."""
        facts: dict[str, Any] = {"code": code, "sentence": sentence}
        if problems is not None:
            facts["problems"] = problems
        if self.as_json:
            _print(facts)
        else:
            click.echo(sentence, err=True)
        raise SystemExit(exit_code)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn the errors a command may meet into its sentence and exit code."""
        try:
            yield
        except ImportRefused as error:
            problems = [
                {"code": p.code, "file": p.file, "line": p.line, "sentence": p.sentence}
                for p in error.problems
            ]
            sentence = error.report() + "\n" + "没有导入任何内容,原有目录没有变动。"
            self.end(REFUSED, error.code, sentence, problems)
        except (
            BackupRefused,
            EnrolmentRefused,
            NothingStaged,
            NothingToApprove,
            NotDone,
        ) as error:
            self.end(REFUSED, error.code, error.sentence)
        except StorageError as error:
            self.end(ENVIRONMENT, error.code, error.sentence)
        except PeerProtocolError as error:
            self.end(REFUSED, error.code, error.sentence)
        except SyncError as error:
            self.end(ENVIRONMENT, error.code, error.sentence)
        except FileExistsError as error:
            self.end(REFUSED, "file_exists", f"文件 {error.filename} 已存在,没有覆盖。")
        except FileNotFoundError as error:
            self.end(
                ENVIRONMENT,
                "file_missing",
                f"找不到 {error.filename}。如果还没有建立中心,请先运行 yizhan-central init。",
            )
        except PermissionError as error:
            self.end(ENVIRONMENT, "not_permitted", f"没有权限读写 {error.filename}。")


def _print(facts: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema_version": 1, **facts}, ensure_ascii=False, indent=1))
