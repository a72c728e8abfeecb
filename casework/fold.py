"""From the set of events of one stream to the case: `fold`.

A pure function of the set: order of arrival, repetition and cleared bodies neither crash
nor matter. What does not count is listed as superseded with its reason; what is not
understood stays in the timeline.
"""

from __future__ import annotations

from collections.abc import Iterable

from casework import body as read
from casework import events as e
from casework.apply import WRONG_TASK, State, apply_act, day_of, ended
from casework.case import (
    Case,
    MaterialTick,
    MatterPin,
    Question,
    Superseded,
    Supplement,
    Task,
    TaskReport,
)
from casework.custody import Chain, chain
from casework.entitled import STATED_AUTHORS, lacks_right
from casework.errors import OpeningMissing
from casework.events import CaseEvent
from casework.status import ACTS, Status
from casework.timeline import timeline

SECOND_OPENING = "second_opening"
SECOND_NUMBER = "second_number"


def fold(events: Iterable[CaseEvent]) -> Case:
    """The case these events make, whatever their order or number of copies.

    Raises: OpeningMissing, if the first event of the stream is not among them.
    """
    held = {event.name: event for event in events}
    root = next(
        (item for item in held.values() if item.name == item.stream and item.type in e.OPENING),
        None,
    )
    if root is None:
        raise OpeningMissing("办件的第一条记录还没有收到,暂时不能显示。资料没有丢失。")
    links = chain(held.values(), root)
    superseded = dict(links.superseded)
    state = State()
    for event in sorted(
        (held[name] for name in links.standing), key=lambda item: links.standing[item.name]
    ):
        why = apply_act(state, event)
        if why and event.type not in e.TAKES_CUSTODY:
            superseded[event.name] = why
    for event in held.values():
        if event.type in e.OPENING and event is not root:
            superseded[event.name] = SECOND_OPENING
        elif event.type in STATED_AUTHORS and (why := lacks_right(event, root)):
            superseded[event.name] = why
    return _case(held, root, links, state, superseded)


def _case(
    held: dict[str, CaseEvent],
    root: CaseEvent,
    links: Chain,
    state: State,
    superseded: dict[str, str],
) -> Case:
    body = root.body or read.EMPTY
    pin = read.obj(body, "matter")
    tasks = _reported(held, state, superseded)
    supplements = _supplements(held, state)
    last = max((item for item in held.values() if item.station == links.holder), key=_place)
    # One without a number gives none; whose body was cleared gave one that is no longer known.
    numbers = [
        item
        for item in _ordered(held, e.OFFICIAL_NUMBER_GIVEN)
        if item.name not in superseded and (item.body is None or read.text(item.body, "number"))
    ]
    for event in numbers[1:]:
        superseded[event.name] = SECOND_NUMBER
    mode = read.text(body, "mode")
    receiving = read.text(body, "receiving", root.station)
    return Case(
        stream=root.stream,
        receipt_no=read.text(body, "receipt_no"),
        official_no=read.text(numbers[0].body or read.EMPTY, "number") if numbers else "",
        matter=MatterPin(
            read.text(pin, "code"), read.integer(pin, "version"), read.text(pin, "hash")
        ),
        mode=mode,
        receiving=receiving,
        handling=read.text(body, "handling", root.station),
        delivery=read.text(body, "delivery", root.station),
        custody=links.last.name,
        custody_kind=links.last.event.type,
        custody_handed_back=links.handed_back,
        holder=links.holder,
        term=links.term,
        offered_to=links.offered_to,
        previous_holder=links.links[-2].holder if links.term > 1 else "",
        last_of_holder=last.name,
        status=state.status or Status.RECEIVED,
        result=state.result,
        reason=state.reason,
        flags=_flags(state, mode, read.texts(body, "flags"), supplements),
        accept_kind=state.accept_kind,
        acted=state.acted,
        acted_since_accepted=state.acted_since_accepted,
        applicant=_corrected(held, "applicant", read.text_map(body, "applicant")),
        agent=_corrected(held, "agent", read.text_map(body, "agent")),
        materials=_materials(held, root),
        notices=tuple(state.notices),
        supplements=supplements,
        stage_index=state.stage_index,
        visit=state.visit,
        steps=tuple(state.steps),
        decision=state.decision,
        certificate_no=state.certificate_no,
        tasks=tasks,
        procedures=tuple(state.procedures.values()),
        extended_days=state.extended_days,
        void_requested=any(
            item.type == e.VOID_REQUESTED and item.station == receiving for item in held.values()
        ),
        withdrawal_requested=any(item.type == e.WITHDRAWAL_REQUESTED for item in held.values()),
        days=state.days,
        audience=_audience(held, root),
        superseded=tuple(Superseded(name, superseded[name]) for name in sorted(superseded)),
        questions=_questions(held),
        checked=_checked(held),
        bodies_missing=sum(1 for item in held.values() if item.body is None and item.type in ACTS),
        timeline=timeline(held.values(), superseded),
    )


def _questions(held: dict[str, CaseEvent]) -> tuple[Question, ...]:
    return tuple(
        Question(
            event.name,
            event.station,
            read.text(event.body or read.EMPTY, "event"),
            read.text(event.body or read.EMPTY, "why"),
        )
        for event in _ordered(held, e.QUESTIONED)
    )


def _checked(held: dict[str, CaseEvent]) -> tuple[str, ...]:
    """What persons have checked; nobody clears what his own station wrote."""
    return tuple(
        sorted(
            {
                name
                for event in _ordered(held, e.CHECKED)
                for name in read.texts(event.body or read.EMPTY, "events")
                if name in held and held[name].station != event.station
            }
        )
    )


def _place(event: CaseEvent) -> tuple[int, int]:
    return (event.epoch, event.position)


def _ordered(held: dict[str, CaseEvent], kind: str) -> list[CaseEvent]:
    """The events of one kind in hybrid time; the name breaks ties."""
    found = [item for item in held.values() if item.type == kind]
    return sorted(found, key=lambda item: (item.hlc, item.key))


def _reported(
    held: dict[str, CaseEvent], state: State, superseded: dict[str, str]
) -> tuple[Task, ...]:
    """The tasks with the one report that counts: the first by the station it was given to."""
    reports: dict[str, CaseEvent] = {}
    for event in sorted(
        (item for item in held.values() if item.type == e.TASK_REPORTED), key=_place
    ):
        name = read.text(event.body or read.EMPTY, "task")
        task = state.tasks.get(name)
        valid = task is not None and task.station == event.station and not task.withdrawn
        if not valid or name in reports:
            superseded[event.name] = WRONG_TASK
        else:
            reports[name] = event
    return tuple(_with_report(task, reports.get(name)) for name, task in state.tasks.items())


def _with_report(task: Task, event: CaseEvent | None) -> Task:
    if event is None:
        return task
    body = event.body or read.EMPTY
    report = TaskReport(
        event.name, read.text(body, "result"), read.text(body, "note"), day_of(event)
    )
    return Task(
        task.name,
        task.code,
        task.kind,
        task.title,
        task.station,
        task.post,
        task.due,
        task.stage,
        task.visit,
        withdrawn=task.withdrawn,
        report=report,
    )


def _supplements(held: dict[str, CaseEvent], state: State) -> tuple[Supplement, ...]:
    return tuple(
        Supplement(
            event.name,
            event.station,
            day_of(event),
            tuple(
                read.text(item, "code")
                for item in read.objects(event.body or read.EMPTY, "materials")
            ),
            checked=event.name in state.checked or ended(state),
        )
        for event in _ordered(held, e.SUPPLEMENT_RECEIVED)
    )


def _materials(held: dict[str, CaseEvent], root: CaseEvent) -> tuple[MaterialTick, ...]:
    """The materials as ticked; once 已收, a material stays so."""
    ticks: dict[str, MaterialTick] = {}
    for event in [root, *_ordered(held, e.SUPPLEMENT_RECEIVED)]:
        for item in read.objects(event.body or read.EMPTY, "materials"):
            code = read.text(item, "code")
            before = ticks.get(code)
            state = "已收" if read.text(item, "state") == "已收" else "缺"
            if code and (before is None or (before.state == "缺" and state == "已收")):
                ticks[code] = MaterialTick(code, state, read.text(item, "taken_as"), event.name)
    return tuple(ticks[code] for code in sorted(ticks))


def _corrected(held: dict[str, CaseEvent], part: str, values: dict[str, str]) -> dict[str, str]:
    """The values with the corrections of the part; the latest of a field counts."""
    for event in _ordered(held, e.CORRECTED):
        body = event.body or read.EMPTY
        name = read.text(body, "field")
        if name.startswith(f"{part}."):
            values[name.removeprefix(f"{part}.")] = read.text(body, "new")
    return values


def _flags(
    state: State, mode: str, stated: tuple[str, ...], supplements: tuple[Supplement, ...]
) -> tuple[str, ...]:
    flags = set(stated) | state.flags
    if mode in ("代收", "代办"):
        flags.add(mode)
    if any(not item.checked for item in supplements):
        flags.add("待核")
    if any(not item.ended for item in state.procedures.values()) and not ended(state):
        flags.add("特别程序")
    return tuple(sorted(flags))


def _audience(held: dict[str, CaseEvent], root: CaseEvent) -> tuple[str, ...]:
    added = {code for event in held.values() for code in event.audience}
    return tuple(sorted(added | {root.station}))
