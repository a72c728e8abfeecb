"""The SQLite library: the right driver, new enough, and its errors translated."""

from __future__ import annotations

import pytest
import sqlcipher3.dbapi2
import sqlite_utils.utils

from sync.protocol.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DiskFull,
    LibraryTooOld,
    StorageError,
)
from sync.store.faults import translate, translated
from sync.store.library import require_library


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2), (3, 52, 0)])
def test_a_library_that_can_corrupt_is_refused(version: tuple[int, int, int]) -> None:
    """Versions with the WAL-reset bug and the withdrawn one are refused."""
    with pytest.raises(LibraryTooOld) as refusal:
        require_library(version)
    assert refusal.value.code == "library_too_old"


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 4), (4, 0, 0)])
def test_a_sound_library_is_taken(version: tuple[int, int, int]) -> None:
    """Versions without the bug are taken, and so is the one that is installed."""
    require_library(version)
    require_library()


def test_sqlite_utils_works_on_our_driver() -> None:
    """Its connection class and the errors it catches are those of sqlcipher3."""
    used = vars(sqlite_utils.utils)["sqlite3"]
    assert used.Connection is sqlcipher3.dbapi2.Connection
    assert sqlite_utils.utils.OperationalError is sqlcipher3.dbapi2.OperationalError


def test_a_sqlite_utils_on_another_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """If somebody imported sqlite-utils before us, the program does not start."""
    import sqlite3

    monkeypatch.setattr(sqlite_utils.utils, "sqlite3", sqlite3)
    with pytest.raises(LibraryTooOld):
        require_library()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (5, DatabaseBusy),
        (517, DatabaseBusy),
        (6, DatabaseBusy),
        (11, DatabaseCorrupt),
        (779, DatabaseCorrupt),
        (26, DatabaseCorrupt),
        (13, DiskFull),
        (4874, DiskFull),
        (10, StorageError),
        (1, StorageError),
    ],
)
def test_every_driver_error_becomes_one_of_ours(code: int, expected: type[StorageError]) -> None:
    """Extended codes follow their primary one; what is not known is a plain storage error."""
    error = sqlcipher3.dbapi2.OperationalError("with private text")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_NAME"
    ours = translate(error)
    assert expected is type(ours)
    assert ours.detail == "SQLITE_NAME"


def test_driver_texts_do_not_travel_on() -> None:
    """The message of a driver may quote values, so it stays out of our error's text."""
    with pytest.raises(StorageError) as refusal, translated():
        raise sqlcipher3.dbapi2.DataError("张三 990101199001010017")
    assert "张三" not in str(refusal.value)


def test_other_errors_pass_the_border_unchanged() -> None:
    """A bug of ours is not dressed up as a storage error."""
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
