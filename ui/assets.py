"""Build step: fetch htmx and the Bootstrap style sheet into `ui/static/vendor`.

Run as `python -m ui.assets`. Both come out of PyPI wheels through pip's own settings, so that no
registry address stands here. Wheels and extracted files are held to fixed hashes. Does nothing
when the files are there already.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
VENDOR: Final = HERE / "static" / "vendor"
LICENCES: Final = HERE / "licences"
PIP_SECONDS_MAX: Final = 300


class Asset(NamedTuple):
    """One file of one wheel, with the hashes of both and the licence that goes with it."""

    requirement: str
    wheel_sha256: str
    member: str
    name: str
    sha256: str
    licence: str


ASSETS: Final = (
    Asset(
        "django-htmx==1.29.0",
        "0ec5be1645ed71e6787bd75e0250624f00274ac3bb1730f07b6629a95688929b",
        "django_htmx/static/django_htmx/htmx-2.min.js",
        "htmx.min.js",
        "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
        "htmx.txt",
    ),
    Asset(
        "bootstrap-flask==2.6.0",
        "2a0ff1df295b143020743949419c955de23ffc3465518f4bf5bac32f90deaa52",
        "flask_bootstrap/static/bootstrap5/css/bootstrap.min.css",
        "bootstrap.min.css",
        "d85327d99c7a3ee1f9b5d0500d1370acea3ad2db39c163c2f51f232baedbdede",
        "bootstrap.txt",
    ),
)


class AssetsUnavailable(Exception):
    """The files cannot be had or are not the ones expected; says what to do in two languages."""


def missing(folder: Path = VENDOR) -> list[Asset]:
    """Return the assets that are absent from `folder` or have another content."""
    return [item for item in ASSETS if not _is(folder / item.name, item.sha256)]


def build(folder: Path = VENDOR) -> list[str]:
    """Bring `folder` to hold every asset with its licence and return the names fetched anew.

    Idempotent; without network when nothing is missing. Raises: AssetsUnavailable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = missing(folder)
    for item in wanted:
        with tempfile.TemporaryDirectory() as scratch:
            wheel = _download(item, Path(scratch))
            content = zipfile.ZipFile(wheel).read(item.member)
        if hashlib.sha256(content).hexdigest() != item.sha256:
            raise AssetsUnavailable(_sentence(item, "文件内容与登记的校验值不同", "hash differs"))
        part = folder / (item.name + ".part")
        part.write_bytes(content)
        part.replace(folder / item.name)
    for item in ASSETS:
        shutil.copyfile(LICENCES / item.licence, folder / item.licence)
    return [item.name for item in wanted]


def _download(item: Asset, scratch: Path) -> Path:
    """Return the wheel, checked by pip against its hash."""
    lock = scratch / "lock.txt"
    lock.write_text(f"{item.requirement} --hash=sha256:{item.wheel_sha256}\n", encoding="ascii")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "-r", str(lock), "-d", str(scratch)]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter with fixed arguments
            command, capture_output=True, timeout=PIP_SECONDS_MAX, check=False, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise AssetsUnavailable(_sentence(item, "下载超时", "timed out")) from error
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["pip"])[-1]
        raise AssetsUnavailable(_sentence(item, "下载或校验失败", f"pip: {last}"))
    return wheels[0]


def _sentence(item: Asset, chinese: str, english: str) -> str:
    return (
        f"取不到页面所需文件 {item.name}({item.requirement}):{chinese}。原有文件没有改动。"
        "请检查网络或 pip 的软件源设置后再运行一次。\n"
        f"Cannot get {item.name} from {item.requirement}: {english}. Nothing was changed. "
        "Check the network or pip's index settings, then run this again."
    )


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def main() -> None:
    """Build and report; exit code 1 with the reason when it cannot."""
    try:
        fetched = build()
    except AssetsUnavailable as error:
        sys.exit(str(error))
    told = "已取得 fetched: " + ", ".join(fetched) if fetched else "页面文件已齐全 already complete"
    sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main()
