"""Refusals of the domain: a stable code, the facts, and one sentence for the worker.

Nothing here is a programming error; a caller shows `sentence` and leaves everything as it was.
"""

from __future__ import annotations


class DomainRefusal(Exception):
    """An act or a reading the rules do not allow; nothing was changed."""

    code = "refused"

    def __init__(self, sentence: str, **facts: str) -> None:
        super().__init__(f"{self.code}: {facts}")
        self.sentence = sentence
        self.facts = facts


class OpeningMissing(DomainRefusal):
    """The first event of the stream is not here yet, so there is no case to show."""

    code = "opening_missing"


class UnknownAct(DomainRefusal):
    """No such act in the table."""

    code = "unknown_act"


class NotInCustody(DomainRefusal):
    """Another station holds the case."""

    code = "not_in_custody"


class OfferedAway(DomainRefusal):
    """This station has already offered the case to another."""

    code = "offered_away"


class NotOffered(DomainRefusal):
    """Nobody has offered the case to this station, so it can be neither taken nor declined."""

    code = "not_offered"


class StatusForbids(DomainRefusal):
    """The act does not start from the present status."""

    code = "status_forbids"


class NoRight(DomainRefusal):
    """The staff member or the station may not do this for this matter."""

    code = "no_right"


class NotConcerned(DomainRefusal):
    """The station is not in the audience of the case."""

    code = "not_concerned"


class NoSuchTask(DomainRefusal):
    """No open task of this name belongs to this station."""

    code = "no_such_task"


class TaskOpen(DomainRefusal):
    """A task of the present stage has not been reported yet."""

    code = "task_open"


class FieldMissing(DomainRefusal):
    """A field the act needs is absent or empty."""

    code = "field_missing"


class FieldInvalid(DomainRefusal):
    """A field has a value the act cannot take."""

    code = "field_invalid"


class MaterialsMissing(DomainRefusal):
    """Required materials have not come in."""

    code = "materials_missing"


class MatterIsNoticeOnly(DomainRefusal):
    """The station only informs about this matter; there is no intake."""

    code = "matter_is_notice_only"


class MatterVersionMissing(DomainRefusal):
    """The version of the matter the case pins is not held here."""

    code = "matter_version_missing"


class NotYetDue(DomainRefusal):
    """The act is tied to a day that has not come."""

    code = "not_yet_due"


class StageForbids(DomainRefusal):
    """The present stage of the review does not allow the act."""

    code = "stage_forbids"


class NoHigherTier(DomainRefusal):
    """Only a station above the holder on its own path may take a case over."""

    code = "no_higher_tier"


class BodyCleared(DomainRefusal):
    """Parts of the case were cleared, so its state is not certain enough to act on."""

    code = "body_cleared"


class StationUnknown(DomainRefusal):
    """This station is not in the register held here, so its place in the tree is unknown."""

    code = "station_unknown"


class InvalidNumber(DomainRefusal):
    """The text is not a valid receipt number."""

    code = "invalid_number"


class RegisterEntryInvalid(DomainRefusal):
    """A register entry does not have the agreed shape."""

    code = "register_entry_invalid"
