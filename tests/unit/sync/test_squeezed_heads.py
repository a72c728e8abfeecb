"""Squeezed heads: short where the last round is known, refused where it is not, never trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import frames
from sync.protocol.errors import Malformed, PeerProtocolError
from sync.protocol.frames import Frame
from sync.transport import squeeze
from sync.transport.squeeze import Contexts, UnknownContext
from tests.protocol.wire_values import FEW, FUZZ

HELLO = Frame(frames.HELLO, bytes(range(200)) * 3)
EVENTS = frames.encode_frame(Frame(frames.EVENTS, bytes(8)))
STREAM = frames.encode_stream([Frame(frames.STATEMENTS, bytes(8)), HELLO]) + EVENTS
CONTEXT = bytes(range(256)) * 2


def kept(*contexts: bytes) -> Contexts:
    """Return a parent's memory with these contexts in it."""
    found = Contexts()
    for context in contexts:
        found.keep(context)
    return found


def test_a_squeezed_request_is_stretched_to_the_same_frames() -> None:
    """What stands behind the head stays as it was."""
    parts = squeeze.split(STREAM)
    assert parts is not None
    small = squeeze.squeezed_request(parts, CONTEXT)
    found = squeeze.open_request(small, kept(CONTEXT))
    assert found is not None
    whole = found.head + small[found.rest_at :]
    assert list(frames.decode_stream(STREAM)) == list(frames.decode_stream(whole))
    assert small.endswith(EVENTS)
    assert len(small) < len(STREAM)


def test_an_answer_is_squeezed_against_request_and_context() -> None:
    """Both ends know both."""
    parts = squeeze.split(frames.encode_stream([Frame(frames.ANSWER, HELLO.payload)]))
    assert parts is not None
    small = squeeze.squeezed_answer(parts, CONTEXT + parts.head)
    assert len(small) < 60
    for cut in range(len(small)):
        assert squeeze.open_answer(small[:cut], CONTEXT + parts.head) is None
    found = squeeze.open_answer(small, CONTEXT + parts.head)
    assert found is not None
    assert parts.head == found.head


def test_an_unknown_context_is_told_and_nothing_is_guessed() -> None:
    """The child then sends the whole."""
    parts = squeeze.split(STREAM)
    assert parts is not None
    with pytest.raises(UnknownContext):
        squeeze.open_request(squeeze.squeezed_request(parts, CONTEXT), kept(b"another"))


def test_a_head_that_is_too_long_or_not_there_is_not_squeezed() -> None:
    """Such a stream goes as it is."""
    long = Frame(frames.HELLO, bytes(squeeze.HEAD_BYTES_MAX))
    assert squeeze.split(frames.encode_stream([long])) is None
    assert squeeze.split(STREAM[: len(STREAM) - len(EVENTS) - 1]) is None
    assert squeeze.split(b"") is None


def test_a_head_that_stretches_without_end_is_malformed() -> None:
    """A few bytes do not become many."""
    bomb = squeeze.Split(bytes(squeeze.HEAD_BYTES_MAX + 1), b"")
    with pytest.raises(Malformed):
        squeeze.open_request(squeeze.squeezed_request(bomb, CONTEXT), kept(CONTEXT))


def test_a_parents_memory_is_bounded_and_keeps_the_newest() -> None:
    """Thousands of children do not fill it; the predecessor goes first."""
    contexts = kept(*(bytes([n % 256, n // 256]) * 700 for n in range(squeeze.CONTEXTS_MAX * 2)))
    assert contexts.get(squeeze.name_of(bytes([0, 0]) * 700)) is None
    newest = squeeze.CONTEXTS_MAX * 2 - 1
    assert contexts.get(squeeze.name_of(bytes([newest % 256, newest // 256]) * 700))


@FEW
@given(st.binary(max_size=300), st.binary(min_size=1, max_size=300))
def test_any_head_comes_back_under_any_context(head: bytes, context: bytes) -> None:
    """Squeezing loses nothing."""
    small = squeeze.squeezed_answer(squeeze.Split(head, b"rest"), context)
    found = squeeze.open_answer(small, context)
    assert found is not None
    assert (head, b"rest") == (found.head, small[found.rest_at :])


@FUZZ
@given(st.binary(max_size=80))
def test_damaged_heads_never_fail_otherwise(junk: bytes) -> None:
    """Malformed, unknown, or read as something that no signature will fit."""
    contexts = kept(CONTEXT)
    for raw in (squeeze.MARK + junk, squeeze.MARK + squeeze.name_of(CONTEXT) + junk):
        try:
            squeeze.open_request(raw, contexts)
            squeeze.open_answer(raw, CONTEXT)
        except PeerProtocolError:
            continue
