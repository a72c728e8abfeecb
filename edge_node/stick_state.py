"""What the page 上报情况 says about sticks: the newest bundle, who answered, what a folder took."""

from __future__ import annotations

from typing import Any, Final

from edge_node.site import Look, Site
from sync.engine import file_book
from sync.protocol import bundles
from ui import words

BUNDLE_UPLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Through the browser; larger ones go by the command line or the watched folder."""


def stick_values(site: Site, look: Look) -> dict[str, Any]:
    """What the part on sticks shows: the newest bundle, who has answered, what the folder took."""
    core, transaction = site.node.core, look.transaction
    made = file_book.made(transaction, bundles.UP, "")
    said = file_book.furthest(core, transaction)
    folder = site.node.drop_folder
    waiting = bool(made.number) and said.taken_ms < made.at_ms
    return {
        "number": made.number,
        "at": words.moment(made.at_ms) if made.number else "",
        "events": made.events,
        "waiting": waiting,
        "issuer": look.name(said.issuer) or said.issuer,
        "position": said.position,
        "said_at": words.moment(said.taken_ms) if said.position else "",
        "folder": [one.sentence for one in folder.results] if folder is not None else [],
        "suffix": bundles.SUFFIX,
        "most_mb": BUNDLE_UPLOAD_BYTES_MAX // (1024 * 1024),
    }
