"""Signatures checked ahead, on several cores: no answer differs from one that was not foreseen."""

from __future__ import annotations

import multiprocessing

import pytest

from sync import signing
from sync.protocol.envelope import Check
from sync.signing import Ed25519Signer, Ed25519Verifier, new_seed

MANY = 4 * signing.SHARE_MIN


def checks(count: int) -> list[Check]:
    signer = Ed25519Signer(new_seed())
    messages = [f"message {number}".encode() for number in range(count)]
    return [Check(signer.public_key(), m, signer.sign(m)) for m in messages]


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, signing.SHARE_MIN, MANY + 1])
def test_what_was_foreseen_is_answered_alike(cores: int, count: int) -> None:
    """Good ones hold, each altered part makes a check fail, foreseen or not, asked twice or not."""
    good = checks(count)
    spoilt = [one._replace(signature=bytes(64)) for one in good]
    others = [one._replace(message=one.message + b"!") for one in good]
    strangers = [one._replace(key=bytes(7)) for one in good]
    foreseeing, plain = Ed25519Verifier(cores=cores), Ed25519Verifier(cores=1)
    foreseeing.foresee([*good, *spoilt, *strangers])
    for verifier in (foreseeing, plain):
        for _ in range(2):
            assert all(verifier.verify(*one) for one in good)
            assert not any(verifier.verify(*one) for one in (*spoilt, *others, *strangers))


def test_a_good_answer_is_not_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked ahead costs nothing where the store's writer waits for it."""
    found = checks(MANY)
    verifier = Ed25519Verifier()
    verifier.foresee(found)
    monkeypatch.setattr(signing, "_holds", lambda _: False)
    assert all(verifier.verify(*one) for one in found)
    assert not verifier.verify(*found[0])


def test_what_nobody_asks_for_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who sends what is held already has it checked ahead, and it is never asked for."""
    monkeypatch.setattr(signing, "FORESEEN_MAX", MANY)
    verifier, first = Ed25519Verifier(), checks(MANY)
    for found in (first, checks(1), checks(1)):
        verifier.foresee(found)
    monkeypatch.setattr(signing, "_holds", lambda _: False)
    assert not any(verifier.verify(*one) for one in first)


def test_a_forked_process_checks_signatures_on_threads_of_its_own() -> None:
    """It inherits a pool without its threads, and would wait for them for ever."""
    found = checks(MANY)
    Ed25519Verifier(cores=2).foresee(found)
    verifier = Ed25519Verifier(cores=2)
    forking = multiprocessing.get_context("fork")
    child = forking.Process(target=verifier.foresee, args=(found,))
    child.start()
    child.join(timeout=20)
    stuck = child.is_alive()
    child.kill()
    assert not stuck
