"""yizhan-central: the program's entry."""

from __future__ import annotations

import os
import sys

from central import (
    backup_commands,
    commands,
    life_commands,
    purging,
    retire_command,
    revoking,
    running,
    staff_codes,
    stick_commands,
)
from central.cli import cli
from node import logs

__all__ = [
    "backup_commands",
    "commands",
    "life_commands",
    "main",
    "purging",
    "retire_command",
    "revoking",
    "running",
    "staff_codes",
    "stick_commands",
]


def main() -> None:
    """Run the command line."""
    if not __debug__:
        sys.exit("不要用 -O 运行:程序靠断言检查自身。")
    logs.configure()
    cli(prog_name="yizhan-central", obj=os.environ.get("CENTRAL_DATABASE_URL", ""))


if __name__ == "__main__":
    main()
