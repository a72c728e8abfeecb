"""Who may write to a stream, and who must hold it (DESIGN 6, streams and audience)."""

from __future__ import annotations

from sync.engine.core import Core
from sync.engine.tree import Tree
from sync.protocol.limits import AUDIENCE_MAX
from sync.protocol.ports import (
    GOOD,
    INCOMPLETE,
    REVOKED,
    SET_ASIDE,
    StoredEvent,
    Transaction,
)

NOT_IN_AUDIENCE = "not_in_audience"
AUDIENCE_TOO_LARGE = "audience_too_large"
WAITING_FOR_STREAM = "waiting_for_stream"
WAITING_FOR_RIGHT = "waiting_for_right"
ABOVE_CUT = "above_cut"


def judge(core: Core, tree: Tree, transaction: Transaction, event: StoredEvent) -> tuple[str, str]:
    """Return (standing, reason) of an event by what this node holds.

    An event whose author would get the right by something that has not arrived is `incomplete`;
    one that gives the right to its own author is `set_aside`, unless the author's place in the tree
    is not known here; it is judged anew when its stream or the tree changes. By right of standing
    above a member even stations of branches write whose register is not held here; those above
    know their place, and hand nothing down but what they found good.
    """
    if tree.above_cut(event.name):
        return REVOKED, ABOVE_CUT
    members = members_of(tree, transaction, event.stream)
    return judge_by(
        core, tree, members, event, vouched=found_good_above(core, tree, members, event)
    )


def found_good_above(core: Core, tree: Tree, members: frozenset[str], event: StoredEvent) -> bool:
    """Return whether the parent handed this down, and knows places this node does not."""
    return event.source != "" and event.source == core.parent and elsewhere(tree, members, event)


def elsewhere(tree: Tree, members: frozenset[str], event: StoredEvent) -> bool:
    """Return whether an event is about stations of branches whose register is not read here."""
    known = tree.parents.keys()
    return event.name.station not in known or not members <= known


def judge_by(
    core: Core,
    tree: Tree,
    members: frozenset[str],
    event: StoredEvent,
    *,
    vouched: bool = False,
) -> tuple[str, str]:
    """Return (standing, reason) of an event below every cut, given its stream's audience.

    Shapes: `vouched` when a node above found that its author may write here.
    """
    if str(event.name) == event.stream:
        too_many = len(members_added(event)) > AUDIENCE_MAX
        return (SET_ASIDE, AUDIENCE_TOO_LARGE) if too_many else (GOOD, "")
    author = event.name.station
    if members and not vouched and not _may_write(core, tree, author, members):
        if author in event.audience and author in tree.parents:
            return SET_ASIDE, NOT_IN_AUDIENCE
        return INCOMPLETE, WAITING_FOR_RIGHT
    if not members:
        return INCOMPLETE, WAITING_FOR_STREAM
    if len(members.union(event.audience)) > AUDIENCE_MAX:
        return SET_ASIDE, AUDIENCE_TOO_LARGE
    return GOOD, ""


def members_of(tree: Tree, transaction: Transaction, stream: str) -> frozenset[str]:
    """Return who is in a stream's audience by events that stand.

    The audience that routes never shrinks; a right to write that came only from beyond a cut ends.
    """
    if tree.revocations:
        events = transaction.stream_events(stream)
        if any(event.standing == REVOKED for event in events):
            good = (members_added(event) for event in events if event.standing == GOOD)
            return frozenset().union(*good)
    return transaction.audience(stream)


def _may_write(core: Core, tree: Tree, author: str, members: frozenset[str]) -> bool:
    return (
        author in members
        or author == core.root
        or any(tree.was_ancestor(author, member) for member in members)
    )


def members_added(event: StoredEvent) -> frozenset[str]:
    """Return the stations an event brings into its stream's audience."""
    added = frozenset(event.audience)
    return added | {event.name.station} if str(event.name) == event.stream else added
