"""What reads what people and other stations wrote: bodies of events, posted forms, file names."""

from __future__ import annotations

import asyncio
import functools
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.types import Message

from casework import body, matter, registers
from casework import events as e
from casework.acts import acts_offered, draft
from casework.case import Case
from casework.errors import DomainRefusal
from casework.events import CaseEvent, parse_name
from casework.fold import fold
from casework.projection import case_row, state_json
from casework.rules import due_by_rule
from casework.view import view
from edge_node.case_lists import remaining_days
from edge_node.upload import Upload, read_upload
from node import stick
from sync.protocol import canonical
from sync.protocol.limits import BODY_BYTES_MAX
from tests.casework.casework_world import (
    CALENDAR,
    DISTRICT,
    MATTERS,
    STATIONS,
    TODAY,
    TOWNSHIP,
    TREE,
    VILLAGE,
    World,
    clerk,
    matter_entry,
    take_in,
    ticks,
)
from tests.casework.casework_world import stations as station_entries
from tests.protocol.fuzzing import document_near, documents_near, mutated, seeded
from tests.protocol.parsers import Target, odd_texts
from ui.forms import FormKeyMissing

# -- events of a case ---------------------------------------------------------------------------


@functools.cache
def _story() -> World:
    """A case with defects told and cured, a task, a correction, a decision and a doubt."""
    world = World(numbers_by="handling")
    take_in(world, VILLAGE, "M100", "M1")
    world.settle()
    world.act(TOWNSHIP, e.DEFECTS_TOLD, defects=[{"problem": "演示"}])
    world.settle()
    world.act(VILLAGE, e.SUPPLEMENT_RECEIVED, materials=ticks("M2"))
    world.settle()
    world.act(TOWNSHIP, e.SUPPLEMENT_COMPLETE)
    world.act(TOWNSHIP, e.ACCEPTED)
    world.settle()
    world.act(TOWNSHIP, e.STEP_DONE, result="通过")
    world.settle()
    world.act(DISTRICT, e.EXTENDED, days="3", reason="演示")
    started = world.act(DISTRICT, e.PROCEDURE_STARTED, kind="现场勘查", reason="演示")
    world.act(DISTRICT, e.PROCEDURE_ENDED, procedure=started.name)
    world.act(DISTRICT, e.DECIDED, result="准予")
    world.act(DISTRICT, e.CLOSED, certificate_no="演示1")
    world.settle()
    return world


def _events() -> list[CaseEvent]:
    return sorted(_story().events(), key=lambda one: one.hlc)


def _odd_bodies(chance: Random) -> bytes:
    """Return bodies for a few events of the story, by their place, as one document."""
    events = _events()[: chance.randint(1, len(_events()))]
    odd = {}
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(events))
        odd[str(at)] = document_near(dict(events[at].body or {}), chance)
    return canonical.dumps({"held": len(events), "odd": odd, "at": chance.choice(STATIONS)})


def _folded(raw: bytes) -> None:
    """Fold, keep, show, judge and go on with a case whose events say odd things."""
    said = canonical.loads(raw, bytes_max=64 * BODY_BYTES_MAX)
    held = [
        replace(event, body=said["odd"].get(str(at), event.body))
        for at, event in enumerate(_events()[: said["held"]])
    ]
    case = fold(held)
    assert state_json(case)
    row = case_row(case)
    view(case, MATTERS.get(case.matter.code, MATTERS["M100"]), CALENDAR, TODAY, TREE)
    for notice in case.notices:
        assert remaining_days(notice.reply_by, TODAY)
    assert row.stream == case.stream
    _go_on(case, said["at"])


def _go_on(case: Case, station: str) -> None:
    """What the rules and the clerk of a station make of it is an act or a refusal in words."""
    context = _story().context(station)
    with suppress(DomainRefusal):
        due_by_rule(context, case)
    for act in acts_offered(context, case, clerk(station)):
        with suppress(DomainRefusal):
            draft(context, case, act, {"reason": "演示"}, clerk(station))


def _members(raw: bytes) -> None:
    """Read a body by every way it is read, under keys that are there and that are not."""
    found: Mapping[str, Any] = canonical.loads(raw, bytes_max=64 * BODY_BYTES_MAX)
    for key in [*found, "zz"]:
        body.text(found, key).encode()
        assert abs(body.integer(found, key)) <= body.INTEGER_MAX
        body.flag(found, key)
        body.texts(found, key)
        body.objects(found, key)
        body.obj(found, key)
        body.text_map(found, key)
        assert body.day(found, key) == "" or len(body.day(found, key)) == len("2026-11-22")


def _entry(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = canonical.loads(raw, bytes_max=64 * BODY_BYTES_MAX)
    return found


_OPENING = canonical.dumps(_story().events()[0].body or {})
_MATTER = canonical.dumps(matter_entry())
_STATION = canonical.dumps(station_entries()[4])
_SERVICE = canonical.dumps({"station": VILLAGE, "matter": "M100", "mode": "代收", "powers": ["x"]})
_STAFF = canonical.dumps({"no": "W1", "name": "演示", "station": VILLAGE, "posts": ["intake"]})
_YEAR = canonical.dumps({"division": "000000000000", "year": 2026, "off": ["2026-01-01"]})


# -- a form with a file -------------------------------------------------------------------------

_BOUNDARY = b"xXyizhanXx"
_FORM = (
    b"".join(
        b"--"
        + _BOUNDARY
        + b"\r\nContent-Disposition: form-data; name="
        + name
        + b"\r\n"
        + rest
        + b"\r\n"
        for name, rest in [
            (b'"form_key"', b"\r\nabcdef0123456789"),
            (b'"title"', "\r\n演示材料".encode()),
            (b'"file"; filename="a.jpg"', b"Content-Type: image/jpeg\r\n\r\n" + bytes(range(256))),
        ]
    )
    + b"--"
    + _BOUNDARY
    + b"--\r\n"
)
_TYPES = [
    b"multipart/form-data; boundary=" + _BOUNDARY, b"multipart/form-data", b"text/plain", b"",
    b"multipart/form-data; boundary=", b'multipart/form-data; boundary="', b"multipart/form-data;=",
    b"multipart/form-data; boundary=" + b"x" * 5000, b"multipart/form-data; boundary=\xff\xfe",
    b"multipart/form-data; boundary*=utf-8''%ff", b"multipart/form-data; boundary=\xc3\xa9;;;=",
]  # fmt: skip
_HEADERS = [
    b"Content-Disposition: form-data; name*=utf-16''%ff\r\n\r\n", b"Content-Disposition: \xff\r\n",
    b"Content-Disposition: form-data; filename*=x''%e9; name=\"file\"\r\n\r\nabc\r\n",
    b"Content-Type: \xff/\xfe\r\n", b"\r\n\r\n", b"A: " + b"a" * 9000 + b"\r\n", b"\0", b"name=",
    b"Content-Disposition: form-data; name*0=\"a\"; name*=b\r\n\r\n",
]  # fmt: skip


class _Taker:
    """Takes what is said to be the file."""

    def __init__(self) -> None:
        self.size = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)


def _post(chance: Random) -> bytes:
    """Return a content type, how it is cut, and a form with pieces put in or taken out."""
    form = bytearray(_FORM)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(form))
        marks = [at, form.find(b"\r\n", at) + 2]
        form[chance.choice(marks) : at + chance.choice([0, 0, 9])] = chance.choice(_HEADERS)
    kind = _TYPES[0] if chance.random() < 0.6 else chance.choice(_TYPES)
    return bytes([_TYPES.index(kind), chance.choice([90, 150, 255])]) + bytes(form)


@functools.cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def _posted(raw: bytes) -> None:
    """Let a request arrive in pieces; what was read is text of bounded length."""
    if len(raw) < 2:
        return
    kind, cut, form = _TYPES[raw[0] % len(_TYPES)], raw[1] or 1, raw[2:]
    pieces = [form[at : at + cut] for at in range(0, len(form), cut)]
    waiting = iter([*({"body": p, "more_body": True} for p in pieces), {"body": b""}])

    async def receive() -> Message:
        return {"type": "http.request", **next(waiting)}

    async def run() -> Upload:
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}
        return await read_upload(Request(scope, receive), lambda _: _Taker())

    upload = _runner().run(run())
    for name, text in upload.fields.items():
        (name + text).encode()
    upload.media_type.encode()
    assert upload.key


# -- names in a watched folder ------------------------------------------------------------------

_SHARED = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _named(raw: bytes) -> None:
    """Lay a file of this name into a folder; it is found and named in one printable line."""
    name = raw.replace(b"/", b"").replace(b"\0", b"")[:200] + b".yzb"
    with tempfile.TemporaryDirectory(dir=_SHARED) as folder:
        (Path(folder) / os.fsdecode(name)).write_bytes(b"")
        for path in stick.bundles_in(Path(folder)):
            shown = stick.shown(path.name)
            assert shown.encode()
            assert shown.isprintable()


_SPOKEN = (DomainRefusal,)
CASES: dict[str, Target] = {
    "casework.fold.fold": Target(seeded(_odd_bodies), _folded, ()),
    "casework.body.text": Target(documents_near(_OPENING), _members, ()),
    "casework.events.parse_name": Target(odd_texts, lambda raw: parse_name(raw.decode()), ()),
    "casework.matter.parse_matter": Target(
        documents_near(_MATTER), lambda raw: matter.parse_matter(_entry(raw)), _SPOKEN
    ),
    "casework.registers.parse_station": Target(
        documents_near(_STATION),
        lambda raw: registers.parse_station(_entry(raw)).at(TODAY),
        _SPOKEN,
    ),
    "casework.registers.parse_service": Target(
        documents_near(_SERVICE), lambda raw: registers.parse_service(_entry(raw)), _SPOKEN
    ),
    "casework.registers.parse_staff": Target(
        documents_near(_STAFF), lambda raw: registers.parse_staff(_entry(raw)), _SPOKEN
    ),
    "casework.registers.parse_calendar_year": Target(
        documents_near(_YEAR), lambda raw: registers.parse_calendar_year(_entry(raw)), _SPOKEN
    ),
    "edge_node.upload.read_upload": Target(
        seeded(_post) | mutated(b"\0\7" + _FORM), _posted, (FormKeyMissing,)
    ),
    "node.stick.bundles_in": Target(mutated("演示-1".encode()), _named, ()),
}
