"""The chain of custody: who may change the status, as a pure function of the event set.

Knows no statuses and no clock (hybrid time is used only to guess the place of an event
whose body was cleared). Rules, argued in docs/adr/0003-custody-chain.md:

1. The opening act is the root. Where several valid custody events follow the same link,
   a takeover beats an acceptance, the highest tier wins among takeovers, then the
   smaller station code, then the smaller event name (epoch and position as numbers).
2. A custody ends with its holder's first offer. An acceptance is valid only as the answer
   of the station offered to, or of the holder itself where that station handed back.
3. A takeover names in `seen` the last event its author knew of the holder it relieves;
   what that holder wrote later under the same custody is superseded.
4. What its author had no right to write (`entitled`) is no part of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from casework import body as read
from casework.case import WAITING
from casework.entitled import NOT_HOLDER, lacks_right, tier
from casework.events import (
    ACCEPTED_CUSTODY,
    HANDED_BACK,
    OFFERS_CUSTODY,
    TAKEN_OVER,
    TAKES_CUSTODY,
    CaseEvent,
    parse_name,
)
from casework.status import ACTS

LOWEST: Final = 99

LOSING_BRANCH: Final = "losing_branch"
AFTER_OFFER: Final = "after_offer"
AFTER_TAKEOVER: Final = "after_takeover"

Order = tuple[int, int, int]
"""(epoch, position) with the link's index before them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A custody-related event with the facts the chain needs from its body."""

    event: CaseEvent
    under: str
    holder: str
    to: str
    seen: str
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One custody on the winning chain; `offered_to` is empty until its holder offers it."""

    event: CaseEvent
    holder: str
    offer: str = ""
    offered_to: str = ""
    offer_cleared: bool = False
    offer_is_return: bool = False
    declined: bool = False

    @property
    def name(self) -> str:
        """The name of the custody event."""
        return self.event.name


@dataclass(frozen=True, slots=True)
class Chain:
    """The winning chain and a verdict for every custody event and advancing act."""

    links: tuple[Link, ...]
    standing: dict[str, Order]
    superseded: dict[str, str]

    @property
    def last(self) -> Link:
        """The custody that counts now."""
        return self.links[-1]

    @property
    def holder(self) -> str:
        """The station that holds the case."""
        return self.last.holder

    @property
    def term(self) -> int:
        """The length of the chain, for display."""
        return len(self.links)

    @property
    def offered_to(self) -> str:
        """The station that has to answer now; the holder itself after a refusal; or empty."""
        return self.holder if self.last.declined else self.last.offered_to

    @property
    def handed_back(self) -> bool:
        """True if the present custody came back from a station that did not keep it."""
        if len(self.links) < 2 or self.last.event.type != ACCEPTED_CUSTODY:
            return False
        before = self.links[-2]
        return before.declined or before.offer_is_return


def chain(events: Iterable[CaseEvent], root: CaseEvent) -> Chain:
    """The custody chain of one stream. Order: of the events does not matter."""
    claims = _claims(events, root)
    takers = [claim for claim in claims if claim.event.type in TAKES_CUSTODY]
    acts = [claim for claim in claims if claim.event.type not in TAKES_CUSTODY]
    links = _winning(root, takers, acts)
    standing: dict[str, Order] = {}
    superseded: dict[str, str] = {}
    on_chain = {link.name: index for index, link in enumerate(links)}
    known = on_chain.keys() | {claim.event.name for claim in takers}
    for claim in takers:
        if claim.event.name in on_chain:
            continue
        superseded[claim.event.name] = claim.lacks or _off_chain(claim, known)
    for index, link in enumerate(links):
        standing[link.name] = (index, 0, 0)
    bounds = _bounds(links, takers)
    for claim in acts:
        name = claim.event.name
        if claim.lacks:
            superseded[name] = claim.lacks
        elif claim.under in on_chain:
            index = on_chain[claim.under]
            why = _verdict(claim, links[index], bounds.get(claim.under))
            if why:
                superseded[name] = why
            else:
                standing[name] = (index, claim.event.epoch, claim.event.position)
        else:
            superseded[name] = _off_chain(claim, known)
    return Chain(links, standing, superseded)


def _off_chain(claim: Claim, known: Set[str]) -> str:
    return LOSING_BRANCH if claim.under in known else WAITING


def _claims(events: Iterable[CaseEvent], root: CaseEvent) -> list[Claim]:
    """The custody-related events besides the root; cleared ones placed by hybrid time.

    Where a body is gone, so is the custody it names. The latest custody event before it
    is the best guess; it shows what remains of a purged case and is never acted on,
    because `acts` refuses cases with cleared bodies.
    """
    ordered = sorted(events, key=lambda event: (event.hlc, event.key))
    claims: list[Claim] = []
    latest = root.name
    latest_of: dict[str, str] = {root.station: root.name}
    for event in ordered:
        act = ACTS.get(event.type)
        takes = event.type in TAKES_CUSTODY
        if event.name == root.name or act is None or not (takes or act.advances):
            continue
        if event.body is None:
            under = latest if takes else latest_of.get(event.station, latest)
            claims.append(Claim(event, under, event.station, "", event.name))
        else:
            body = event.body
            under = read.text(body, "follows" if takes else "custody")
            claims.append(
                Claim(
                    event,
                    under,
                    read.text(body, "holder"),
                    read.text(body, "to"),
                    read.text(body, "seen"),
                    lacks_right(event, root),
                )
            )
        if takes:
            latest = latest_of[event.station] = event.name
    return claims


def _winning(root: CaseEvent, takers: list[Claim], acts: list[Claim]) -> tuple[Link, ...]:
    followers: dict[str, list[Claim]] = {}
    for claim in takers:
        followers.setdefault(claim.under, []).append(claim)
    under: dict[str, list[Claim]] = {}
    for claim in acts:
        if claim.event.type in OFFERS_CUSTODY:
            under.setdefault(claim.under, []).append(claim)
    link = Link(root, root.station)
    links: list[Link] = []
    while True:  # Ends: every claim follows one event only, so no link is met twice.
        link = _with_offer(link, under.get(link.name, []))
        links.append(link)
        valid = [claim for claim in followers.get(link.name, []) if _may_follow(claim, link)]
        if not valid:
            return tuple(links)
        best = min(valid, key=_precedence)
        link = Link(best.event, best.event.station)


def _with_offer(link: Link, offers: list[Claim]) -> Link:
    """The link with its holder's first offer, and whether that was refused."""
    own = [claim for claim in offers if claim.event.station == link.holder]
    if not own:
        return link
    first = min(own, key=lambda claim: (claim.event.epoch, claim.event.position))
    declined = any(
        claim.event.type == HANDED_BACK and claim.event.station == first.to for claim in offers
    )
    return replace(
        link,
        offer=first.event.name,
        offered_to=first.to,
        offer_cleared=first.event.body is None,
        offer_is_return=first.event.type == HANDED_BACK,
        declined=declined and first.to != link.holder,
    )


def _may_follow(claim: Claim, link: Link) -> bool:
    if claim.lacks:
        return False
    cleared = claim.event.body is None
    if claim.event.type == TAKEN_OVER:
        return True
    if not link.offer:
        return cleared
    if link.declined and claim.event.type == ACCEPTED_CUSTODY and claim.holder == link.holder:
        return True
    return cleared or link.offer_cleared or claim.holder == link.offered_to


def _precedence(claim: Claim) -> tuple[int, int, tuple[str, int, int]]:
    takeover = claim.event.type == TAKEN_OVER
    return (0 if takeover else 1, _rank(claim.event) if takeover else 0, claim.event.key)


def _rank(event: CaseEvent) -> int:
    """The place of a takeover among takeovers, the smallest first; a cleared one proves nothing."""
    return LOWEST if event.body is None else tier(event)


def _bounds(links: tuple[Link, ...], takers: list[Claim]) -> dict[str, tuple[int, int]]:
    """Per relieved custody the last (epoch, position) its successor's takeover knew."""
    by_name = {claim.event.name: claim for claim in takers}
    bounds: dict[str, tuple[int, int]] = {}
    for before, after in pairwise(links):
        if after.event.type != TAKEN_OVER or after.event.body is None:
            continue
        key = parse_name(by_name[after.name].seen)
        known = key is not None and key[0] == before.holder
        bounds[before.name] = (key[1], key[2]) if key is not None and known else (0, 0)
    return bounds


def _verdict(claim: Claim, link: Link, bound: tuple[int, int] | None) -> str:
    """Why the act is superseded, or an empty text if it stands."""
    event = claim.event
    place = (event.epoch, event.position)
    if event.station != link.holder:
        answers = event.type == HANDED_BACK and event.station == link.offered_to
        return "" if answers and link.declined else NOT_HOLDER
    offer = parse_name(link.offer)
    if offer is not None and place > (offer[1], offer[2]):
        return AFTER_OFFER
    if bound is not None and place > bound:
        return AFTER_TAKEOVER
    return ""
