"""yizhan-central: the program's entry."""

from __future__ import annotations

import sys

import structlog

from central import commands, running, staff_codes
from central.cli import cli

__all__ = ["commands", "main", "running", "staff_codes"]


def main() -> None:
    """Run the command line."""
    if not __debug__:
        sys.exit("不要用 -O 运行:程序靠断言检查自身。")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    cli(prog_name="yizhan-central")


if __name__ == "__main__":
    main()
