"""The ratchet of a link: each answer carries a fresh token, confirmed by the next contact.

Until the next contact the token before stays valid, and a repeated round gets the same fresh one.
A spent token is no verdict: the answer is `prove` with a nonce, and only a live follow-up that
quotes it and still lacks the token is a second copy of the node. Tokens given by an earlier
incarnation of this node prove nothing: it may have been restored from before it gave the last one.
"""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine.core import Core, count
from sync.protocol.ports import ChildLink, Transaction
from sync.protocol.rounds import NONCE_BYTES, OK, PROVE, TOKEN_BYTES, Hello

SECOND_COPY = "second_copy"
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
    if not link.token and not link.token_before:
        return OK, replace(link, token=core.chance.bytes(TOKEN_BYTES), challenge=b"")
    if hello.token == link.token:
        fresh = core.chance.bytes(TOKEN_BYTES)
        return OK, replace(link, token_before=link.token, token=fresh, challenge=b"", suspect="")
    if hello.token == link.token_before:
        return OK, replace(link, challenge=b"")
    if link.challenge and hello.proof == link.challenge and not link.suspect:
        link = replace(link, suspect=SECOND_COPY)
        count(transaction, "second_copies")
    count(transaction, "proofs_asked")
    return PROVE, replace(link, challenge=core.chance.bytes(NONCE_BYTES))
