"""Who may write to a stream, and who must hold it (DESIGN 6, streams and audience)."""

from __future__ import annotations

from sync.engine.core import Core
from sync.engine.tree import Tree
from sync.protocol.limits import AUDIENCE_MAX
from sync.protocol.ports import GOOD, INCOMPLETE, SET_ASIDE, StoredEvent, Transaction

NOT_IN_AUDIENCE = "not_in_audience"
AUDIENCE_TOO_LARGE = "audience_too_large"
WAITING_FOR_STREAM = "waiting_for_stream"
WAITING_FOR_RIGHT = "waiting_for_right"


def judge(core: Core, tree: Tree, transaction: Transaction, event: StoredEvent) -> tuple[str, str]:
    """Return (standing, reason) of an event by what this node holds.

    An event whose author would get the right by something that has not arrived is `incomplete`;
    one that gives the right to its own author is `set_aside`, unless the author's place in the tree
    is not known here; it is judged anew when its stream or the tree changes.
    """
    if str(event.name) == event.stream:
        too_many = len(members_added(event)) > AUDIENCE_MAX
        return (SET_ASIDE, AUDIENCE_TOO_LARGE) if too_many else (GOOD, "")
    members = transaction.audience(event.stream)
    author = event.name.station
    if members and not _may_write(core, tree, author, members):
        if author in event.audience and author in tree.parents:
            return SET_ASIDE, NOT_IN_AUDIENCE
        return INCOMPLETE, WAITING_FOR_RIGHT
    if not members:
        return INCOMPLETE, WAITING_FOR_STREAM
    if len(members.union(event.audience)) > AUDIENCE_MAX:
        return SET_ASIDE, AUDIENCE_TOO_LARGE
    return GOOD, ""


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
