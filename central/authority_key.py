"""The register authority's key: its own file, another key than the station key of central.

Whoever holds it decides what every node of the tree believes. It stands beside central's keys so
that one copy of the folder restores both; it knows nothing of what is signed with it.
"""

from __future__ import annotations

from pathlib import Path

from sync.signing import Ed25519Signer, new_seed, read_key, write_key

AUTHORITY_KEY = "authority.key"


def make(folder: Path) -> Ed25519Signer:
    """Return the authority's signer, its key made now unless an init cut half-way left one."""
    path = folder / AUTHORITY_KEY
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_key(path, new_seed())
    return load(folder)


def load(folder: Path) -> Ed25519Signer:
    """Return the authority's signer. Raises: FileNotFoundError, ValueError (not a key file)."""
    return Ed25519Signer(read_key(folder / AUTHORITY_KEY))
