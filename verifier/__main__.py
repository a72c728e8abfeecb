"""`yizhan verify FILE`, also `python -m verifier verify FILE`.

Exit codes: 0 nothing that could be checked is wrong, 1 something is, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verifier.container import Bad, Container
from verifier.contents import Checker
from verifier.opening import file_key, frames
from verifier.report import Report
from verifier.signatures import authority_digits, keys_of

KEY_BYTES = 32


def verify(path: Path, authority: str = "", seed: bytes | None = None) -> Report:
    """Return what there is to say of a file.

    Shapes: `authority` are hex digits of the authority's public key or of its beginning; `seed` is
    a reader's private encryption key. Raises: OSError.
    """
    report = Report(path.name)
    container: Container | None = None
    try:
        container = Container(path)
        report.container = container
        keys = keys_of(container)
        report.signed = True
        if authority:
            same = keys.authority.hex().startswith(authority)
            report.authority = "confirmed" if same else "other"
            if not same:
                raise Bad("authority", "manifest.authority", "签发钥匙与给出的不是同一把")
        container.check_sealed()
        report.sealed = True
        if seed is not None:
            checker = Checker(container, keys)
            key = file_key(container, seed)
            report.contents = checker.found
            for frame in frames(container, key):
                checker.take(frame)
            checker.end()
    except Bad as bad:
        report.bad = bad
    finally:
        if container is not None:
            container.close()
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="yizhan", description="驿站:不装驿站也能用的核验工具。")
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("verify", help="核验一个数据包(U盘文件)")
    asked.add_argument("file", type=Path, help="数据包文件(.yzb)")
    asked.add_argument("--authority", default="", help="签发公钥、它的前 32 位以上,或写有它的文件")
    asked.add_argument("--key", type=Path, help="读者的解密钥匙文件(encrypt.key);不给就不打开内容")
    asked.add_argument("--json", action="store_true", help="以 JSON 输出")
    given = parser.parse_args(arguments)
    try:
        authority = _authority(given.authority)
        seed = _seed(given.key)
        report = verify(given.file, authority, seed)
    except OSError as error:
        parser.exit(2, f"读不到文件:{error.filename}\n")
    except ValueError:
        parser.exit(2, "给出的钥匙不对:应是十六进制,签发公钥至少 32 位,解密钥匙 64 位。\n")
    sys.stdout.write((report.as_json() if given.json else "\n".join(report.lines())) + "\n")
    return 0 if report.good else 1


def _authority(given: str) -> str:
    if not given:
        return ""
    try:
        return authority_digits(given)
    except ValueError:
        return authority_digits(Path(given).read_text(encoding="utf-8"))


def _seed(path: Path | None) -> bytes | None:
    if path is None:
        return None
    seed = bytes.fromhex(path.read_text(encoding="ascii").strip())
    if len(seed) != KEY_BYTES:
        raise ValueError("key")
    return seed


def command() -> None:
    """Run as the installed command."""
    sys.exit(main())


if __name__ == "__main__":
    command()
