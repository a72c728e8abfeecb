"""Children sent away because their version cannot be talked to: who, since when, too new or old.

Only a caller that proves who it is gets noted: the first fields of a hello keep their place, so
its signature can be checked even where the rest cannot be read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from sync.engine import trust
from sync.engine.core import Core
from sync.protocol.errors import PeerProtocolError, PeerTooOld, UnsupportedVersion
from sync.protocol.ports import Transaction

_KEY: Final = "apart/"


class Apart(NamedTuple):
    """A child that was sent away. Units: `at_ms` of its last call; `too_old` else it is too new."""

    station: str
    at_ms: int
    too_old: bool


def note(
    core: Core, transaction: Transaction, now_ms: int, hello: bytes, error: UnsupportedVersion
) -> None:
    """Note that a child of this node was sent away; of a stranger nothing is kept."""
    try:
        caller = trust.proven_caller(core, transaction, hello)
    except PeerProtocolError:
        return
    if transaction.child_link(caller) is not None:
        said = Apart(caller, now_ms, isinstance(error, PeerTooOld))
        transaction.set_meta(_KEY + caller, msgspec.json.encode(said).decode())


def clear(transaction: Transaction, caller: str) -> None:
    """Forget it: the child was talked to."""
    if transaction.meta(_KEY + caller):
        transaction.set_meta(_KEY + caller, "")


def children(transaction: Transaction) -> list[Apart]:
    """Return the children that were sent away at their last call, in order of code."""
    codes = sorted(link.station for link in transaction.child_links())
    found = [transaction.meta(_KEY + code) for code in codes]
    return [msgspec.json.decode(said, type=Apart) for said in found if said]


def sentence(one: Apart, name: str, moment: str) -> str:
    """Return what happened, that nothing is lost and what to do."""
    what = "太旧" if one.too_old else "太新"
    whom = "那个站点" if one.too_old else "本机"
    return (
        f"{name}的程序版本{what},和本机说不上话,它的上报暂时收不进来(最近一次来访 {moment})。"
        f"它的记录都保存在它那里,没有丢失。请联系县运维升级{whom},升级后自动接着收。"
    )
