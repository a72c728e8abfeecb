"""The ratchet of a link: each answer carries a fresh token, confirmed by the next contact.

Until the next contact the token before stays valid, and so does every one given since: a round that
is repeated gets a fresh one each time, so what an answer brought can be told from what an older
disk of this node remembers giving. A spent token is no verdict: the answer is `prove` with a nonce,
and only a live follow-up that quotes it and still lacks the token is a second copy of the node.
Tokens given by an earlier incarnation of this node prove nothing: it may have been restored from
before it gave the last one.

A token is a count and a tag only this node can make. So a token that is not known here says by
itself whether it was spent (a copy of the child may be about) or is still to be given (this very
node was put back behind its own word).
"""

from __future__ import annotations

import hashlib
from hmac import compare_digest

from msgspec.structs import replace

from sync.engine.core import Core, count
from sync.protocol.ports import ChildLink, Transaction
from sync.protocol.rounds import NONCE_BYTES, OK, PROVE, TOKEN_BYTES, Hello

SECOND_COPY = "second_copy"
_COUNT_BYTES = 8
_LIFE = "ratchet_life"
"""Kind under which the incarnation of this node that gave a child's tokens is kept."""


def check(
    core: Core, transaction: Transaction, link: ChildLink, hello: Hello
) -> tuple[str, ChildLink]:
    """Return (verdict, link) for the token a hello presents.

    Shapes: on OK the link holds the token the answer must carry; on PROVE its challenge.
    """
    if transaction.statement(_LIFE, hello.station) != core.incarnation.encode():
        transaction.put_statement(_LIFE, hello.station, core.incarnation.encode())
        link = replace(link, token=b"", token_before=b"", challenge=b"")
    if hello.incarnation == link.incarnation:
        if not link.token and not link.token_before:
            return OK, replace(link, token=_token(core, link, 1), challenge=b"")
        if _stands(core, link, hello):
            fresh = _token(core, link, _count(link.token) + 1)
            suspect = "" if hello.token == link.token else link.suspect
            return OK, replace(
                link, token_before=hello.token, token=fresh, challenge=b"", suspect=suspect
            )
    if link.challenge and hello.proof == link.challenge and not link.suspect:
        link = replace(link, suspect=SECOND_COPY)
        count(transaction, "second_copies")
    count(transaction, "proofs_asked")
    return PROVE, replace(link, challenge=core.chance.bytes(NONCE_BYTES))


def _stands(core: Core, link: ChildLink, hello: Hello) -> bool:
    """Return whether a token is the last one confirmed, or was given since."""
    if hello.token in (link.token, link.token_before):
        return True
    if len(hello.token) != TOKEN_BYTES:
        return False
    between = _count(link.token_before) < _count(hello.token) < _count(link.token)
    return between and compare_digest(hello.token, _token(core, link, _count(hello.token)))


def of_the_future(core: Core, remembered: bytes, hello: Hello) -> bool:
    """Return whether a token is this incarnation's own, and further than the newest remembered.

    Then this node was put back behind its own word: the child is right.
    """
    if len(hello.token) != TOKEN_BYTES or _count(hello.token) <= _count(remembered):
        return False
    return compare_digest(hello.token, _token(core, hello, _count(hello.token)))


def _count(token: bytes) -> int:
    return int.from_bytes(token[:_COUNT_BYTES])


def _token(core: Core, link: ChildLink | Hello, number: int) -> bytes:
    child = f"{link.station}/{link.epoch}/{link.incarnation}"
    said = f"yizhan/1/token/{core.incarnation}/{child}/{number}"
    tag = hashlib.sha256(core.signer.sign(said.encode("ascii"))).digest()
    return number.to_bytes(_COUNT_BYTES) + tag[: TOKEN_BYTES - _COUNT_BYTES]
