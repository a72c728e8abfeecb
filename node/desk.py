"""Where acts become events and events become cases: the join of `casework` and `sync`.

An act of this station is drafted, recorded and projected in one transaction. Received events are
projected after their commit, from a cursor of their own, stream by stream; a stream whose fold
fails is marked as one that cannot be shown, and nothing waits for it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import structlog

from casework import acts, events, numbers, rules
from casework.case import Case
from casework.context import Context
from casework.errors import DomainRefusal, OpeningMissing
from casework.events import Draft
from casework.fold import fold
from casework.projection import CaseRow, CaseTable, broken_row, case_row, state_json
from casework.recovered import draft_checked
from node import missing, recovered, unread, waiting
from node.facts import case_event, is_case_fact
from node.registry import PINNED, Registries, Registry, day_of
from sync.engine import fetching, lives, record, routing
from sync.engine.core import Core, count
from sync.engine.halt import halted
from sync.protocol import canonical
from sync.protocol.errors import PeerProtocolError
from sync.protocol.names import EventName
from sync.protocol.ports import GOOD, RECOVERED, REVOKED, StoredEvent, Transaction

PROJECTED = "projected_arrival"
_SERIAL = "receipt_serial"
_OFFICIAL = "official_serial"
NUMBERS_SKIPPED = 1000
"""More numbers than central gives in a day between two backups: none is given twice."""
RULES_PER_STEP_MAX = 16
"""More acts by rule than any case can call for at once; beyond it the case is at fault."""

STATION_REVOKED = (
    "本站的登记已被中心停用,新办的不能算数,所以没有保存。已有的记录都在本站。请联系县运维。"
)
STATION_CLOSED = "本站已并入{into},不再收新件,这一件没有保存。手上的件照常办理、上报,一条也不会丢。"
OPENING_REVOKED = "开办这一件的记录在停用站点的作废范围内,不再算数;记录都保留着。请联系县运维。"
ONLY_RECOVERED = (
    "这一件的记录是恢复出来的,还没有算数,资料都在。请到“上报情况”页的“恢复出来的记录”核对。"
)
CANNOT_BE_SHOWN = "这一件的内容暂时不能显示,资料都在,没有丢失。请联系县运维,报上收件编号。"


class StationClosed(DomainRefusal):
    """The station was merged into another: it finishes what it has and takes nothing in."""

    code = "station_closed"


class CannotBeRecorded(DomainRefusal):
    """An act that would not count anywhere, so it is not written: nothing false is called saved."""

    code = "cannot_be_recorded"


class NotTrusted(CannotBeRecorded):
    """This station, or the right it would act by, lies above a cut."""


_FOLD_FAILURES = (
    DomainRefusal,
    PeerProtocolError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    IndexError,
)
"""What a body nobody foresaw can make of a fold or of an act by rule, such as one too large or for
no station; a storage error is none of them."""

log = structlog.get_logger("node.desk")


class ActDone(NamedTuple):
    """What came of an act: the case as it now is, and the events it wrote."""

    case: Case
    events: list[str]


class Caught(NamedTuple):
    """What a step of catching up did."""

    events: int
    written: int


class CaseDesk:
    """Records acts of one station and keeps its picture of the cases it holds."""

    def __init__(
        self,
        core: Core,
        case_table: Callable[[Transaction], CaseTable],
        *,
        numbers_by: str = "central",
        number_profile: numbers.OfficialNumberProfile | None = None,
    ) -> None:
        self._core = core
        self._case_table = case_table
        self._numbers_by = numbers_by
        self._profile = number_profile or numbers.OfficialNumberProfile()
        self._registries = Registries()

    def table(self, transaction: Transaction) -> CaseTable:
        """Return the case list inside a transaction."""
        return self._case_table(transaction)

    def registry(self, transaction: Transaction, now_ms: int) -> Registry:
        """Return the registers as held in a transaction."""
        return self._registries.of(transaction, now_ms)

    def context(self, transaction: Transaction, now_ms: int) -> Context:
        """Return what an act needs to know in a transaction."""
        registry = self.registry(transaction, now_ms)
        return registry.context(
            self._core.station,
            numbers_by=self._numbers_by,
            next_official_number=lambda: self._official_number(transaction, registry),
        )

    def case(self, transaction: Transaction, stream: str) -> Case | None:
        """Return a case folded anew from the events held, None when there are none."""
        held = transaction.stream_events(stream)
        facts = [case_event(self._core, s) for s in held if is_case_fact(s)]
        return fold(facts) if facts else None

    def act(
        self,
        transaction: Transaction,
        now_ms: int,
        *,
        act: str,
        stream: str | None,
        fields: Mapping[str, object],
        actor: str,
    ) -> ActDone:
        """Record one act of a staff member and what follows from it by rule.

        Durable when: the caller's transaction commits.
        Raises: DomainRefusal; nothing is recorded then.
        """
        context = self.context(transaction, now_ms)
        given = dict(fields)
        if act in events.OPENING:
            into = context.tree.closed_into(self._core.station)
            if into is not None:
                raise StationClosed(STATION_CLOSED.format(into=context.name(into) or "其他站点"))
            given["receipt_no"] = self._receipt_number(transaction, now_ms)
        if stream:
            missing.check(transaction, stream)
        case = self.case(transaction, stream) if stream else None
        draft = acts.draft(context, case, act, given, actor)
        stored = self._record(transaction, now_ms, draft)
        written = [str(stored.name)]
        case = self._project(transaction, now_ms, stored.stream, written)
        assert case is not None, "an act that was just recorded folds into a case"
        return ActDone(case, written)

    def check_recovered(
        self,
        transaction: Transaction,
        now_ms: int,
        *,
        stream: str,
        fields: Mapping[str, object],
        actor: str,
    ) -> None:
        """Record that a person checked what was recovered of a case.

        It goes into the case's stream where there is one that counts, else into one of its own.
        Durable when: the caller's transaction commits. Raises: DomainRefusal.
        """
        names = recovered.to_check(transaction, self._core.station, stream)
        opening = transaction.event(EventName.parse(stream))
        counts = opening is not None and opening.standing == GOOD
        # Where the opening itself was recovered, what stands under its name is another case.
        counts = counts and not transaction.recovered(EventName.parse(stream))
        if counts:
            missing.check(transaction, stream)
        case = self.case(transaction, stream) if counts else None
        context = self.context(transaction, now_ms)
        draft = draft_checked(context, case, stream, names, fields, actor)
        stored = self._record(transaction, now_ms, draft)
        recovered.note(transaction, [stored])
        if case is not None:
            self._project(transaction, now_ms, stream, [])

    def catch_up(self, transaction: Transaction, now_ms: int, limit: int) -> Caught:
        """Project the streams of up to `limit` events beyond the cursor, and act by rule."""
        cursor = int(transaction.meta(PROJECTED) or "0")
        page = transaction.events_after(cursor, limit)
        settled = routing.take_settled(transaction)
        unread.note(transaction, page)
        written: list[str] = []
        recovered.note(transaction, page)
        new = [s.stream for s in page if is_case_fact(s)]
        for stream in dict.fromkeys(
            [*new, *settled, *waiting.take(transaction, self._core.station)]
        ):
            self._show(transaction, now_ms, stream, written)
        if page:
            transaction.set_meta(PROJECTED, str(page[-1].arrival))
        return Caught(len(page), len(written))

    def _show(self, transaction: Transaction, now_ms: int, stream: str, written: list[str]) -> None:
        """Project a stream; one whose fold fails is marked and counted, and nothing waits."""
        done: list[str] = []
        try:
            with transaction.savepoint():
                self._project(transaction, now_ms, stream, done)
            written += done
        except OpeningMissing:
            # A stream of another kind, its first event still to come, or above a cut since.
            self._take_back(transaction, stream)
        except _FOLD_FAILURES as error:
            # Where, not what: a message may quote the body.
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error(
                "case_cannot_be_shown",
                stream=stream,
                error=type(error).__name__,
                where=f"{where.name}:{where.lineno}",
            )
            count(transaction, "cases_cannot_be_shown")
            former = self._former(transaction, stream)
            self._case_table(transaction).put(broken_row(stream, CANNOT_BE_SHOWN, former), "{}")

    def _whole(self, transaction: Transaction, stream: str) -> bool:
        """Return whether a case can be folded: not purged, and no body still to be fetched."""
        stored = transaction.stream_events(stream)
        basis = missing.basis_of_opening(transaction, stream)
        if basis is not None and any(is_case_fact(one) for one in stored):
            root = self._core.root
            row = missing.erased_row(transaction, stream, stored, root, basis)
            self._case_table(transaction).put(row, "{}")
            return False
        lacking = missing.lacking(transaction, stored)
        if lacking:
            fetching.want(transaction, lacking)
        return not lacking

    def _take_back(self, transaction: Transaction, stream: str) -> None:
        """Let the row of a case whose opening no longer counts say so."""
        opening = transaction.event(EventName.parse(stream))
        former = self._former(transaction, stream)
        if former is not None and opening is not None and opening.standing == REVOKED:
            self._case_table(transaction).put(broken_row(stream, OPENING_REVOKED, former), "{}")

    def _former(self, transaction: Transaction, stream: str) -> CaseRow | None:
        """Return the row shown until now, without the name a body purged since may have given."""
        row = self._case_table(transaction).get(stream)
        if row is None or not missing.any_purged(transaction, transaction.stream_events(stream)):
            return row
        return replace(row, applicant_name="")

    def _project(
        self, transaction: Transaction, now_ms: int, stream: str, written: list[str]
    ) -> Case | None:
        """Fold a stream, let the rules act until they are content, and write its row.

        Raises: whatever a fold makes of a body nobody foresaw; CannotBeRecorded.
        """
        if not self._whole(transaction, stream):
            return None
        case = self.case(transaction, stream)
        if case is None:
            self._take_back(transaction, stream)
            self._withdraw(transaction, stream)
            return None
        self._pin(transaction, now_ms, case)
        context = self.context(transaction, now_ms)
        for _ in range(RULES_PER_STEP_MAX):
            drafts = rules.due_by_rule(context, case)
            if drafts and halted(transaction) is not None:
                lives.note_stream(transaction, stream)  # its rules act when the log goes on
                break
            if not drafts:
                break
            try:
                with transaction.savepoint():
                    names = [str(self._record(transaction, now_ms, d).name) for d in drafts]
            except NotTrusted:
                waiting.note(transaction, stream)  # its rules act when it is trusted again
                break
            written += names
            case = self.case(transaction, stream) or case
        else:
            raise CannotBeRecorded("这一件按规则总也办不完,没有再写。请联系县运维。", stream=stream)
        if waiting.lacks_register(context, case):
            waiting.note(transaction, stream)
        matter = self.registry(transaction, now_ms).matter(case.matter.code)
        row = case_row(case, "" if matter is None else matter.name)
        self._case_table(transaction).put(row, state_json(case))
        return case

    def _withdraw(self, transaction: Transaction, stream: str) -> None:
        """Say of a case in the list that all of it was taken back out of this station's log."""
        row = self._former(transaction, stream)
        kept = any(one.standing == RECOVERED for one in transaction.stream_events(stream))
        if row is not None and kept:
            self._case_table(transaction).put(broken_row(stream, ONLY_RECOVERED, row), "{}")

    def _record(self, transaction: Transaction, now_ms: int, draft: Draft) -> StoredEvent:
        """Record a draft. Raises: CannotBeRecorded, if it would be set aside or wait even here."""
        stored = record.record(
            self._core,
            transaction,
            now_ms,
            stream=draft.stream,
            kind=draft.type,
            actor=draft.actor,
            added=draft.audience,
            body=draft.body,
        )
        if stored.standing == REVOKED:
            raise NotTrusted(STATION_REVOKED, reason=stored.reason)
        if stored.standing != GOOD:
            raise CannotBeRecorded(
                "这一步不能写进这个办件(参与的站点太多,或本站不在其中),没有保存。请联系县运维。",
                reason=stored.reason,
            )
        return stored

    def _pin(self, transaction: Transaction, now_ms: int, case: Case) -> None:
        """Keep the entry a case pins, so that no later edition can take it away; see `pins`."""
        pinned = case.matter.hash
        if not pinned or transaction.statement(PINNED, pinned) is not None:
            return
        registry = self.registry(transaction, now_ms)
        matter, entry = registry.matter(case.matter.code), registry.matter_entry(case.matter.code)
        if matter is not None and matter.hash == pinned and entry is not None:
            transaction.put_statement(PINNED, pinned, canonical.dumps(entry))

    def _receipt_number(self, transaction: Transaction, now_ms: int) -> str:
        key = f"{_SERIAL}/{self._core.epoch}"
        serial = int(transaction.meta(key) or "0") + 1
        transaction.set_meta(key, str(serial))
        return numbers.receipt_number(
            station=self._core.station,
            day=day_of(now_ms),
            epoch=self._core.epoch,
            serial=serial,
        )

    def skip_numbers(self, transaction: Transaction, now_ms: int) -> None:
        """Leave out the numbers a former life of this node may have given today."""
        key = f"{_OFFICIAL}/{day_of(now_ms).isoformat()}"
        serial = int(transaction.meta(key) or "0") + NUMBERS_SKIPPED
        transaction.set_meta(key, str(serial))

    def _official_number(self, transaction: Transaction, registry: Registry) -> str:
        division = registry.tree.division(self._core.station)
        key = f"{_OFFICIAL}/{registry.today.isoformat()}"
        serial = int(transaction.meta(key) or "0") + 1
        transaction.set_meta(key, str(serial))
        return self._profile.number(division=division, day=registry.today, serial=serial)
