"""A matter as casework needs it, parsed from its register entry and pinned by its hash.

Knows nothing of stations' rights (register *services*) nor of what makes an entry fit to
publish (`matter_lint`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import rfc8785

from casework.errors import RegisterEntryInvalid

RECEIVING = "receiving"
HANDLING = "handling"
PARENT = "parent"


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Common options of the parts of an entry."""


class Basis(_Part, frozen=True, kw_only=True):
    """A legal basis; `mark` 演示 means it has no confirmed source."""

    text: str
    mark: str = ""


class MaterialSpec(_Part, frozen=True, kw_only=True):
    """One material: 必要, 非必要 or 容缺后补, and how the paper is taken."""

    code: str
    name: str
    need: str = "必要"
    taken_as: str = ""
    original: int = 0
    copies: int = 0
    note: str = ""


class Limit(_Part, frozen=True, kw_only=True):
    """A time limit with its basis; `mark` 演示 where there is none."""

    days: int
    unit: str = "工作日"
    basis: str = ""
    mark: str = ""


class Limits(_Part, frozen=True, kw_only=True):
    """Statutory and promised limit; None = none is set."""

    statutory: Limit | None = None
    promised: Limit | None = None


class TaskSpec(_Part, frozen=True, kw_only=True):
    """One task of a stage; `station` is receiving, handling, parent or a code."""

    code: str
    title: str = ""
    post: str = ""
    station: str = HANDLING
    limit_days: int = 0
    results: tuple[str, ...] = ()
    deciding: bool = False


class StageSpec(_Part, frozen=True, kw_only=True):
    """A stage: one or more tasks that all must report."""

    code: str
    title: str = ""
    tasks: tuple[TaskSpec, ...] = ()

    @property
    def deciding(self) -> bool:
        """True if the decision falls in this stage."""
        return any(task.deciding for task in self.tasks)


class ResultSpec(_Part, frozen=True, kw_only=True):
    """What the applicant gets."""

    name: str = ""
    kind: str = ""


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a matter; `hash` is over the canonical bytes of the whole entry."""

    code: str
    version: int
    name: str
    aliases: tuple[str, ...] = ()
    initials: tuple[str, ...] = ()
    department: str = ""
    type: str = ""
    type_name: str = ""
    division: str = ""
    tiers: tuple[str, ...] = ()
    object: str = ""
    conditions: tuple[str, ...] = ()
    case_kind: str = ""
    basis: tuple[Basis, ...] = ()
    materials: tuple[MaterialSpec, ...] = ()
    limits: Limits = Limits()
    accept_on_receive: bool = False
    deemed_acceptance: bool = False
    supplement_days: int = 0
    stages: tuple[StageSpec, ...] = ()
    result: ResultSpec = ResultSpec()
    fee: str = ""
    source: str = ""
    demo: bool = False
    effective_from: str = ""
    open_cases: str = ""
    hash: str = ""

    @property
    def notice_only(self) -> bool:
        """True if there is nothing to take in: a matter without materials is 告知 everywhere."""
        return not self.materials

    def required(self, *, lenient: bool) -> frozenset[str]:
        """The materials that must be in; `lenient` (容缺) leaves out 容缺后补."""
        needs = ("必要",) if lenient else ("必要", "容缺后补")
        return frozenset(item.code for item in self.materials if item.need in needs)

    def stage(self, index: int) -> StageSpec | None:
        """The stage at the index, or None past the last one."""
        return self.stages[index] if 0 <= index < len(self.stages) else None


def entry_hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the entry's canonical bytes, by which a case pins its version."""
    return hashlib.sha256(rfc8785.dumps(dict(entry))).hexdigest()


def parse_matter(entry: Mapping[str, Any]) -> Matter:
    """The matter of a register entry; unknown fields are left alone, yet hashed.

    Raises: RegisterEntryInvalid.
    """
    try:
        matter = msgspec.convert({**entry, "hash": entry_hash(entry)}, Matter)
    except (msgspec.ValidationError, rfc8785.CanonicalizationError) as error:
        raise RegisterEntryInvalid(
            "事项资料的格式不对,没有采用。请联系上级目录管理员。", why=str(error)
        ) from error
    return matter


def task_station(task: TaskSpec, *, receiving: str, handling: str, parent: str) -> str:
    """The code of the station a task belongs to, for a case of these stations."""
    places = {RECEIVING: receiving, HANDLING: handling, PARENT: parent}
    return places.get(task.station, task.station)
