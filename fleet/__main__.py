"""`yizhan`: the command of the IT desk and of auditors.

Exit codes: 0 done, 1 not done and nothing changed, 2 wrong usage.
"""

from __future__ import annotations

import sys

from fleet import stations_command
from fleet.cli import cli
from verifier.__main__ import main as verify

__all__ = ["main", "stations_command"]


def main() -> None:
    """Run as the installed command; what an auditor runs needs nothing of the product."""
    if sys.argv[1:2] == ["verify"]:
        sys.exit(verify())
    cli(prog_name="yizhan")


if __name__ == "__main__":
    main()
