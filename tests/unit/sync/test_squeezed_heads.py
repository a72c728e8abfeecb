"""Squeezed heads: short where the last round is known, refused where it is not, never trusted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import frames
from sync.protocol.errors import FrameDamaged, LimitExceeded, Malformed, PeerProtocolError
from sync.protocol.frames import Frame
from sync.protocol.unfolding import fold, unfold
from sync.transport import fronts, squeeze
from sync.transport.contexts import CONTEXTS_MAX, Contexts, name_of
from sync.transport.squeeze import UnknownContext
from tests.protocol.golden_files import golden
from tests.protocol.wire_values import FEW, FUZZ

HELLO = Frame(frames.HELLO, bytes(range(200)) * 3)
EVENTS = frames.encode_frame(Frame(frames.EVENTS, bytes(8)))
STREAM = frames.encode_stream([Frame(frames.STATEMENTS, bytes(8)), HELLO]) + EVENTS
CONTEXT = bytes(range(256)) * 2
SAID = [golden(name) for name in ("certificate", "receipt_of_central", "order", "recovered")]
FIRST = frames.encode_stream(
    [
        frames.encode_statements(0, SAID[:2]),
        Frame(frames.HELLO, golden("hello_full")),
        frames.encode_statements(7, [*SAID[2:], b"{}", b"no statement \xf9\xff"]),
    ]
)


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
    contexts = kept(*(bytes([n % 256, n // 256]) * 700 for n in range(CONTEXTS_MAX * 2)))
    assert contexts.get(name_of(bytes([0, 0]) * 700)) is None
    newest = CONTEXTS_MAX * 2 - 1
    assert contexts.get(name_of(bytes([newest % 256, newest // 256]) * 700))


@pytest.mark.parametrize("context", [squeeze.NO_CONTEXT, CONTEXT, FIRST])
def test_statements_around_a_head_go_unfolded_and_come_out_byte_for_byte(context: bytes) -> None:
    """Certificates, unknown kinds, even what is no statement; what stands behind stays."""
    small = squeeze.request(FIRST + EVENTS, context)
    assert small is not None
    found = squeeze.open_request(small, kept(context))
    assert found is not None
    whole = found.head + small[found.rest_at :]
    assert list(frames.decode_stream(FIRST + EVENTS)) == list(frames.decode_stream(whole))
    assert small.endswith(EVENTS)
    for cut in range(len(small) - len(EVENTS)):
        assert squeeze.open_request(small[:cut], kept(context)) is None
    heads = [squeeze.split(stream) for stream in (FIRST, whole)]
    assert heads[0] is not None
    assert heads[1] is not None
    assert heads[0].head == heads[1].head  # the next context is the same at both ends


def test_a_certificate_goes_in_little_more_than_its_keys_and_signatures() -> None:
    """Of three layers of base64 nothing is left: 224 bytes of it are random."""
    alone = frames.encode_stream([frames.encode_statements(0, SAID[:1]), HELLO])
    without = frames.encode_stream([HELLO])
    sizes = [len(squeeze.request(one, squeeze.NO_CONTEXT) or one) for one in (alone, without)]
    assert sizes[0] - sizes[1] < 224 + 76


def test_a_head_alone_goes_against_the_last_one_as_before() -> None:
    """An idle round costs what it did."""
    stream = frames.encode_stream([HELLO]) + EVENTS
    assert (squeeze.request(stream, CONTEXT) or b"")[:1] == squeeze.MARK
    assert squeeze.answer(stream, CONTEXT, b"head")[:1] == squeeze.MARK
    assert squeeze.answer(stream, squeeze.NO_CONTEXT, b"head")[:1] == squeeze.MARK_FRONT


def test_an_answer_with_statements_is_squeezed_against_request_and_context() -> None:
    """Both ends know both; the context may be none."""
    stream = frames.encode_stream(
        [frames.encode_statements(0, SAID[:1]), Frame(frames.ANSWER, golden("answer_ok"))]
    )
    for context in (squeeze.NO_CONTEXT, CONTEXT):
        small = squeeze.answer(stream, context, b"head of the request")
        found = squeeze.open_answer(small, context + b"head of the request")
        assert found is not None
        whole = found.head + small[found.rest_at :]
        assert list(frames.decode_stream(stream)) == list(frames.decode_stream(whole))


def test_a_front_that_is_too_long_is_squeezed_as_far_as_it_goes() -> None:
    """What does not fit stays as it was, behind the front."""
    many = frames.encode_stream([Frame(frames.HELLO, golden("hello_full"))]) + b"".join(
        frames.encode_frame(frames.encode_statements(n, SAID)) for n in range(9)
    )
    small = squeeze.request(many, squeeze.NO_CONTEXT)
    assert small is not None
    found = squeeze.open_request(small, kept())
    assert found is not None
    assert len(golden("hello_full")) < len(found.head) <= squeeze.HEAD_BYTES_MAX
    whole = found.head + small[found.rest_at :]
    assert list(frames.decode_stream(many)) == list(frames.decode_stream(whole))


def test_a_front_that_folds_without_end_or_was_damaged_is_refused() -> None:
    """Layers in layers are a bomb; a check sum covers what comes out."""
    bomb = b"\xfa" * 9
    with pytest.raises(LimitExceeded):
        fold(bomb, bytes_max=100)
    with pytest.raises(LimitExceeded):
        fold(b"\xfa" + b"x" * 80 + b"\xfb", bytes_max=100)
    for odd in (b"\xfb", b"\xfa{}", b"\xf9", b"\xf9\0", b"\xfc\5abc"):
        with pytest.raises(Malformed):
            fold(odd, bytes_max=100)
    parts = squeeze.front(FIRST)
    assert parts is not None
    packed = bytearray(fronts.pack(parts.head, b""))
    packed[packed.index(b"CG0111")] ^= 1
    with pytest.raises(FrameDamaged):
        fronts.unpack(bytes(packed), bytes_max=squeeze.HEAD_BYTES_MAX)


@FUZZ
@given(
    st.lists(
        st.sampled_from(
            [
                *SAID,
                b'"AAAA+abc"',
                b'"aBcdAAAAAAB="',
                b"\xf9\xfa\xfb",
                b"\xfd" * 300,
                b'"0123456789abcdef"',
            ]
        )
        | st.binary(max_size=40)
        | st.binary(max_size=400).map(lambda raw: b'"' + base64.b64encode(raw) + b'"'),
        max_size=6,
    ),
    st.sampled_from([b"", *SAID]),
)
def test_whatever_is_unfolded_folds_back_to_the_same_bytes(
    pieces: list[bytes], beside: bytes
) -> None:
    """Signatures cover these bytes, so not one may be another."""
    plain = b"".join(pieces)
    assert plain == fold(unfold(plain, beside), bytes_max=len(plain))


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
    named = name_of(CONTEXT) + junk
    for raw in (
        squeeze.MARK + junk,
        squeeze.MARK + named,
        squeeze.MARK_FRONT + junk,
        squeeze.MARK_FRONT_OF_CONTEXT + named,
    ):
        try:
            squeeze.open_request(raw, contexts)
            squeeze.open_answer(raw, CONTEXT)
        except PeerProtocolError:
            continue
