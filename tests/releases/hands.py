"""Hands of the people at a node: what they are to do lies as files in a folder beside its data.

`NAME.json` is done once and answered by `NAME.done` with what came of it. Only acts a page or a
command of that release would do; the wire and the store know nothing of it.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from casework.errors import DomainRefusal
from sync.protocol.errors import SyncError

LOOK_SECONDS = 0.05


def folder_of(data: Path) -> Path:
    """Return where the hands of a node look."""
    return data.with_name(f"{data.name}.hands")


def lend() -> None:
    """Let every node that is started work from its folder."""
    from node.program import Node

    start = Node.start

    def started(self: Node, *given: Any, **named: Any) -> None:
        start(self, *given, **named)
        threading.Thread(target=_work, args=(self,), name="hands", daemon=True).start()

    Node.start = started  # type: ignore[method-assign]


def _work(node: Any) -> None:
    folder = folder_of(node.folder)
    folder.mkdir(exist_ok=True)
    pause = threading.Event()
    while True:
        for path in sorted(folder.glob("*.json")):
            wanted = json.loads(path.read_text(encoding="utf-8"))
            path.unlink()
            try:
                answer = {"ok": _DO[wanted.pop("do")](node, **wanted)}
            except (SyncError, DomainRefusal, LookupError, TypeError, ValueError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            part = path.with_suffix(".part")
            part.write_text(json.dumps(answer), encoding="utf-8")
            part.rename(path.with_suffix(".done"))
        pause.wait(LOOK_SECONDS)


def _act(node: Any, **fields: Any) -> str:
    stream: str = node.act(**fields).case.stream
    return stream


def _take_in(node: Any, matter: str) -> str:
    with node.database.read() as transaction:
        entry = node.desk.registry(transaction, node.clock_ms()).matter_entry(matter)
    papers = [{"code": m["code"], "state": "已收"} for m in entry["materials"]]
    applicant = {"name": "演示申请人", "id_type": "其他", "phone": "000"}
    fields = {"matter": matter, "applicant": applicant, "materials": papers}
    actor = f"{node.core.station}-01"
    return _act(node, act="received", stream=None, fields=fields, actor=actor)


def _publish(node: Any, register: str, rows: dict[str, Any], pack_format: int) -> None:
    """Publish a register of this release's own, in a pack format of its own."""
    from unittest.mock import patch

    from central import authority_key
    from sync.engine import authority, publishing
    from sync.protocol import canonical
    from sync.protocol.registers import Entry, Shelf

    packed = publishing.encode_packs

    def encode(entries: Any) -> Any:
        return [
            pack._replace(raw=pack.raw[:3] + bytes([pack_format]) + pack.raw[4:])
            for pack in packed(entries)
        ]

    entries = [Entry(key, canonical.dumps(row)) for key, row in rows.items()]
    shelf = Shelf(register, "000000000000", "all")
    signer = authority_key.load(node.folder)
    change = patch.object(publishing, "encode_packs", encode)
    with change, node.database.write() as transaction:
        authority.publish(
            node.core, transaction, node.clock_ms(), node.blobs, signer, shelf, entries
        )


def _say(node: Any, kind: str, payload: dict[str, Any]) -> None:
    """Sign a statement: the authority's at central, this station's elsewhere."""
    from central import authority_key
    from sync.engine import routing, trust
    from sync.protocol import canonical, statements
    from sync.protocol.statements import Statement

    raw = canonical.dumps(payload)
    with node.database.write() as transaction:
        if node.core.is_root:
            unsigned = Statement(kind, raw, b"", statements.AUTHORITY)
            signature = authority_key.load(node.folder).sign(unsigned.message())
            said = Statement(kind, raw, signature, statements.AUTHORITY)
            for link in transaction.child_links():
                transaction.enqueue(link.station, kind, "")
            transaction.put_statement(kind, "", statements.encode(said))
        else:
            said = trust.sign(node.core, kind, raw)
            transaction.put_statement(kind, "", statements.encode(said))
            transaction.enqueue(routing.UP, kind, "")
    node.wake()


_DO = {"act": _act, "take_in": _take_in, "publish": _publish, "say": _say}
