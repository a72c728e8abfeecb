"""Names of stations, epochs, events, streams and incarnations."""

from __future__ import annotations

import re
from typing import NamedTuple

from sync.protocol.errors import Malformed

STATION_PATTERN = r"[A-Z0-9]{4,12}"
_STATION = re.compile(STATION_PATTERN)
_LOG = re.compile(rf"({STATION_PATTERN})/([1-9][0-9]{{0,15}})")
_INCARNATION = re.compile(r"[0-9A-Za-z-]{1,64}")
_EVENT = re.compile(rf"({STATION_PATTERN})/([1-9][0-9]{{0,15}})/([1-9][0-9]{{0,15}})")


class LogName(NamedTuple):
    """One continuous life of a station's log: the station and its epoch (trusted ms of opening)."""

    station: str
    epoch: int

    @classmethod
    def parse(cls, text: str) -> LogName:
        """Return the log written as STATION/EPOCH. Raises: Malformed."""
        found = _LOG.fullmatch(text)
        if found is None:
            raise Malformed("not a log name")
        return cls(found[1], int(found[2]))


class EventName(NamedTuple):
    """(station, epoch, position); positions are gapless from 1."""

    station: str
    epoch: int
    position: int

    @property
    def log(self) -> LogName:
        return LogName(self.station, self.epoch)

    def __str__(self) -> str:
        return f"{self.station}/{self.epoch}/{self.position}"

    @classmethod
    def parse(cls, text: str) -> EventName:
        """Return the name written as STATION/EPOCH/POSITION. Raises: Malformed."""
        found = _EVENT.fullmatch(text)
        if found is None:
            raise Malformed("not an event name")
        return cls(found[1], int(found[2]), int(found[3]))


def check_station(code: str) -> str:
    """Return the code if it is a station code. Raises: Malformed."""
    if _STATION.fullmatch(code) is None:
        raise Malformed("not a station code")
    return code


def incarnation(trusted_ms: int, chance: bytes) -> str:
    """Return a node's incarnation; of two, the greater text is the newer.

    Shapes: 13 digits of trusted milliseconds, a dash, 8 random bytes in hex.
    """
    return f"{trusted_ms:013d}-{chance[:8].hex()}"


def check_incarnation(text: str) -> str:
    """Return the text if it may be an incarnation. Raises: Malformed."""
    if _INCARNATION.fullmatch(text) is None:
        raise Malformed("not an incarnation")
    return text
