"""Passwords, one-time codes and sessions of a node's staff; behind the pages of both programs.

The staff register says who is on the staff and is asked every time, so that whoever leaves it is
out at once. Passwords and codes are kept as argon2id hashes, sessions as hashes of their tokens;
none of them ever leaves the node or enters a log.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from casework.registers import StaffEntry
from node.program import Node
from sync.protocol.ports import Chance
from sync.signing import SystemChance
from sync.store.sql_transaction import SqlTransaction
from ui import words
from ui.people import LoginRefused, Person

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TIME_COST: Final = 2
MEMORY_KIB: Final = 19 * 1024
"""argon2id parameters. Source: OWASP password storage sheet (m=19 MiB, t=2, p=1)."""
CODE_DIGITS: Final = 8
CODE_MS: Final = 24 * 3600 * 1000
FAILURES_MAX: Final = 5
LOCK_MS: Final = 15 * 60 * 1000
IDLE_MS: Final = 15 * 60 * 1000
SESSION_MS: Final = 12 * 3600 * 1000
SEEN_EVERY_MS: Final = 60 * 1000
"""A session's last use is written at most this often."""
CLOCK_SLACK_MS: Final = 5 * 60 * 1000

_WRONG: Final = "工号或密码不对。没有登录。还没有设置密码的,请用一次性代码设置。"
_WRONG_CODE: Final = "工号或一次性代码不对,或代码已过期。密码没有改动。可请站点管理员再给一个代码。"

log = structlog.get_logger("node.accounts")


class _Account(NamedTuple):
    password_hash: str
    code_hash: str
    code_until_ms: int
    failures: int
    locked_until_ms: int


_NO_ACCOUNT: Final = _Account("", "", 0, 0, 0)


def issue_code(
    transaction: SqlTransaction, staff_no: str, now_ms: int, chance: Chance | None = None
) -> str:
    """Return a new one-time code for a staff member; only its hash is kept, for 24 hours.

    A former code no longer works; the password stays valid until a new one is set.
    """
    drawn = int.from_bytes((chance or SystemChance()).bytes(16), "big")
    code = f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
    transaction.connection.execute(
        "INSERT INTO accounts (staff_no, password_hash, code_hash, code_until_ms, failures,"
        " locked_until_ms) VALUES (?, '', ?, ?, 0, 0) ON CONFLICT (staff_no) DO UPDATE SET"
        " code_hash = excluded.code_hash, code_until_ms = excluded.code_until_ms,"
        " failures = 0, locked_until_ms = 0",
        (staff_no, _hasher().hash(code), now_ms + CODE_MS),
    )
    return code


class Accounts:
    """Implements `ui.login.Door` for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._database = node.database
        self._clock_ms: Callable[[], int] = node.clock_ms
        # One password is reckoned at a time: bounds memory, and makes five tries five.
        self._one_at_a_time = threading.BoundedSemaphore(1)

    def staff(self, transaction: SqlTransaction, staff_no: str) -> StaffEntry | None:
        """The entry of a staff member of this station, valid today."""
        found = self._node.desk.registry(transaction, self._clock_ms()).staff(staff_no)
        return found if found is not None and found.station == self._node.core.station else None

    def enter(self, staff_no: str, password: str) -> str:
        """A new session's token. Raises: LoginRefused."""
        self.confirm(staff_no, password)
        with self._database.write() as transaction:
            return self._open_session(transaction, staff_no)

    def confirm(self, staff_no: str, password: str) -> None:
        """Pass if the password is the staff member's; failures count towards the lock.

        Raises: LoginRefused.
        """
        with self._one_at_a_time:
            account = self._account(staff_no)
            right = _fits(account.password_hash, password)
            self._settle(staff_no, right, _WRONG)

    def first_entry(self, staff_no: str, code: str, password: str) -> str:
        """Set the password by a one-time code; a new session's token. Raises: LoginRefused."""
        with self._one_at_a_time:
            account, now = self._account(staff_no), self._clock_ms()
            alive = now <= account.code_until_ms
            right = _fits(account.code_hash if alive else "", code)
            self._settle(staff_no, right, _WRONG_CODE)
            hashed = _hasher().hash(password)
        with self._database.write() as transaction:
            run = transaction.connection.execute
            run(
                "UPDATE accounts SET password_hash = ?, code_hash = '', code_until_ms = 0"
                " WHERE staff_no = ?",
                (hashed, staff_no),
            )
            run("DELETE FROM sessions WHERE staff_no = ?", (staff_no,))
            log.info("password_set", staff=staff_no)
            return self._open_session(transaction, staff_no)

    def leave(self, token: str) -> None:
        """End a session. Idempotent."""
        with self._database.write() as transaction:
            transaction.connection.execute(
                "DELETE FROM sessions WHERE token_hash = ?", (_token_hash(token),)
            )

    def who(self, token: str, *, active: bool) -> Person | None:
        """The person of a live session; `active` False does not count as being at work."""
        hashed, now = _token_hash(token), self._clock_ms()
        with self._database.read() as transaction:
            row = transaction.connection.execute(
                "SELECT staff_no, started_ms, seen_ms FROM sessions WHERE token_hash = ?", (hashed,)
            ).fetchone()
            if row is None or not _alive(now, started_ms=int(row[1]), seen_ms=int(row[2])):
                return None
            staff = self.staff(transaction, str(row[0]))
        if staff is None:
            return None
        if active and abs(now - int(row[2])) >= SEEN_EVERY_MS:
            with self._database.write() as transaction:
                transaction.connection.execute(
                    "UPDATE sessions SET seen_ms = ? WHERE token_hash = ?", (now, hashed)
                )
        return Person(staff.no, staff.name, staff.station, frozenset(staff.posts))

    def _account(self, staff_no: str) -> _Account:
        """What is kept of a staff member of this station. Raises: LoginRefused (locked)."""
        with self._database.read() as transaction:
            if self.staff(transaction, staff_no) is None:
                return _NO_ACCOUNT
            row = transaction.connection.execute(
                "SELECT password_hash, code_hash, code_until_ms, failures, locked_until_ms"
                " FROM accounts WHERE staff_no = ?",
                (staff_no,),
            ).fetchone()
        account = _Account(*row) if row is not None else _NO_ACCOUNT
        now = self._clock_ms()
        if now < account.locked_until_ms <= now + LOCK_MS:
            until = words.clock(account.locked_until_ms, now)
            raise LoginRefused(
                f"连续{FAILURES_MAX}次不对,已锁定到 {until}。没有登录,以前保存的都在。", "locked"
            )
        return account

    def _settle(self, staff_no: str, right: bool, sentence: str) -> None:
        """Count a failure, or forget the former ones. Raises: LoginRefused."""
        until = self._clock_ms() + LOCK_MS
        with self._database.write() as transaction:
            if right:
                transaction.connection.execute(
                    "UPDATE accounts SET failures = 0, locked_until_ms = 0 WHERE staff_no = ?"
                    " AND (failures > 0 OR locked_until_ms > 0)",
                    (staff_no,),
                )
                return
            transaction.connection.execute(
                "UPDATE accounts SET failures = (failures + 1) % ?, locked_until_ms ="
                " CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until_ms END WHERE staff_no = ?",
                (FAILURES_MAX, FAILURES_MAX, until, staff_no),
            )
        log.warning("login_refused")
        raise LoginRefused(sentence)

    def _open_session(self, transaction: SqlTransaction, staff_no: str) -> str:
        now, run = self._clock_ms(), transaction.connection.execute
        oldest = now - SESSION_MS
        run("DELETE FROM sessions WHERE started_ms < ? OR seen_ms < ?", (oldest, now - IDLE_MS))
        token = self._node.core.chance.bytes(32).hex()
        run(
            "INSERT INTO sessions (token_hash, staff_no, started_ms, seen_ms) VALUES (?, ?, ?, ?)",
            (_token_hash(token), staff_no, now, now),
        )
        return token


def _alive(now: int, *, started_ms: int, seen_ms: int) -> bool:
    """Whether a session still counts; one from the future belongs to a clock set back."""
    if max(started_ms, seen_ms) > now + CLOCK_SLACK_MS:
        return False
    return now - seen_ms <= IDLE_MS and now - started_ms <= SESSION_MS


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    # Imported late: a node whose clerks are not signing in need not carry it.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1)


@cache
def _nobody() -> str:
    """A hash nothing fits, so that an unknown number takes as long as a known one."""
    return _hasher().hash(SystemChance().bytes(16).hex())


def _fits(hashed: str, given: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        found: Any = _hasher().verify(hashed or _nobody(), given)
    except (VerificationError, InvalidHashError):
        return False
    return bool(found) and bool(hashed)
