"""核对 of recovered records: what a clerk found out about records of a case that do not count.

A recovered record is never applied by itself; this act applies nothing either. It says, under a
name and for good, that somebody compared it with the paper and what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from casework import events as e
from casework import fields as f
from casework import rights
from casework.case import Case
from casework.context import Context
from casework.errors import FieldInvalid
from casework.events import Draft
from casework.status import ACTS

AGAIN, NOT_NEEDED, TOLD = "已按纸质凭证重新办理", "不需要再办", "已联系申请人处理"
RESULTS: Final = (AGAIN, NOT_NEEDED, TOLD)


def draft_checked(
    context: Context,
    case: Case | None,
    stream: str,
    records: Sequence[str],
    fields: Mapping[str, object],
    actor: str,
) -> Draft:
    """The draft that records of one stream were checked; without a case it opens a stream.

    Raises: NoRight, FieldMissing, FieldInvalid.
    """
    act = ACTS[e.RECOVERED_CHECKED]
    staff = context.staff(actor)
    rights.check(act, staff=staff, service=None, station=context.station, day=context.today)
    if not records:
        raise FieldInvalid(
            "这一件没有要核对的记录,或已经核对过。没有改动任何内容。", field="stream"
        )
    return Draft(
        stream=case.stream if case is not None else None,
        type=act.name,
        actor=actor,
        audience=(),
        body={
            "at_ms": context.at_ms,
            "day": context.today.isoformat(),
            "of": stream,
            "records": list(records),
            "result": f.one_of(fields, "result", "核对结果", RESULTS),
            "note": f.optional(fields, "note", "说明"),
        },
    )
