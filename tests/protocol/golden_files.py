"""Golden bytes: a folder per release, `r1` the first. What is there is never edited, only added.

`SHA256SUMS` in each folder holds what stands in its files; a file that does not fit it fails the
tests. `python -m tests.protocol.wire_samples` writes what is missing in the newest folder, and its
line; it never touches what is there.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
SUMS = "SHA256SUMS"
RELEASES = tuple(sorted(path.name for path in FOLDER.glob("r*")))
"""Those with golden bytes; the present code writes what stands in the last one."""
NEWEST = RELEASES[-1]


def names(release: str = NEWEST) -> list[str]:
    """Return the formats a release has golden bytes of."""
    return sorted(path.stem for path in (FOLDER / release).glob("*.txt"))


def golden(name: str, release: str = "") -> bytes:
    """Return the bytes checked in under a name: canonical JSON as it stands, all else as hex.

    Shapes: without a release those of the newest that has the format.
    """
    release = release or next(one for one in reversed(RELEASES) if name in names(one))
    text = (FOLDER / release / f"{name}.txt").read_text(encoding="utf-8")
    form, _, rest = text.partition("\n")
    return rest.removesuffix("\n").encode() if form == "json" else bytes.fromhex(rest)


def sums(release: str) -> dict[str, str]:
    """Return what the folder's list says of each file."""
    lines = (FOLDER / release / SUMS).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def found(release: str) -> dict[str, str]:
    """Return what each file of a folder comes to."""
    paths = sorted((FOLDER / release).glob("*.txt"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def add(wanted: Iterable[tuple[str, Callable[[], bytes]]]) -> list[str]:
    """Write the files that are missing everywhere into the newest folder; return their names."""
    held = {name for release in RELEASES for name in names(release)}
    added = []
    for name, write in wanted:
        if name not in held:
            text = "\n".join(_lines(write())) + "\n"
            (FOLDER / NEWEST / f"{name}.txt").write_text(text, encoding="utf-8")
            added.append(name)
    known = sums(NEWEST) if (FOLDER / NEWEST / SUMS).exists() else {}
    listed = {**found(NEWEST), **known}
    lines = [f"{digest}  {name}\n" for name, digest in sorted(listed.items())]
    (FOLDER / NEWEST / SUMS).write_text("".join(lines), encoding="ascii")
    return added


def _lines(raw: bytes) -> Iterator[str]:
    if raw[:1] in (b"{", b"["):
        yield from ("json", raw.decode())
    else:
        yield from ("hex", *textwrap.wrap(raw.hex(), 96))
