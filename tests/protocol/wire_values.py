"""Hypothesis strategies for what may stand on the wire."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from sync.protocol import bodies, frames
from sync.protocol.canonical import INTEGER_MAX
from sync.protocol.envelope import Envelope, Event
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import EDITION_MS_MAX
from sync.protocol.receipts import LogReceipt, Refusal
from sync.protocol.registers import Entry
from sync.protocol.rounds import VERDICTS, Answer, Hello, Hole
from sync.protocol.statements import Below, Health, Statement

FEW = settings(max_examples=60, deadline=None, database=None)
FUZZ = settings(max_examples=150, deadline=None, database=None)
"""Times `INPUTS_PER_EXAMPLE` of the fuzz: 3,000 inputs."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
integers = st.integers(-INTEGER_MAX, INTEGER_MAX)
positives = st.integers(1, 10**15)
stations = st.from_regex(r"[A-Z0-9]{4,12}", fullmatch=True)
incarnations = st.from_regex(r"[0-9A-Za-z-]{1,64}", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32)
shas = hashes.map(bytes.hex)
small = st.binary(max_size=24)

values: st.SearchStrategy[Any] = st.recursive(
    texts | integers | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(texts, values, max_size=5)
event_names = st.builds(lambda s, e, p: f"{s}/{e}/{p}", stations, positives, positives)

envelopes = st.builds(
    Envelope,
    v=st.just(1),
    alg=texts,
    station=stations,
    epoch=positives,
    pos=positives,
    hlc=integers,
    stream=event_names,
    type=texts,
    actor=texts,
    body=hashes,
    aud=st.lists(stations, max_size=5),
)
events = st.builds(Event, small, small, small, st.none() | small)
statement_values = st.builds(Statement, texts, small, small, texts)
holes = st.builds(Hole, stations, positives, positives, texts, hashes)
belows = st.builds(Below, positives, positives, positives, positives, texts)
healths = st.builds(
    Health,
    release=texts,
    started_ms=integers,
    clock_trusted=st.booleans(),
    below=st.dictionaries(stations, belows, max_size=3),
)
hellos = st.builds(
    Hello,
    v=st.just(1),
    station=stations,
    epoch=positives,
    incarnation=incarnations,
    nonce=small,
    token=small,
    position=integers,
    chain=small,
    acknowledged=integers,
    acknowledged_incarnation=texts,
    digest=small,
    tree=texts,
    proof=small,
    editions=st.dictionaries(texts, st.integers(0, EDITION_MS_MAX), max_size=3),
    holes=st.lists(holes, max_size=3),
    health=st.none() | healths,
    ask_receipts=st.booleans(),
)
receipts = st.builds(
    LogReceipt,
    stations,
    positives,
    positives,
    small,
    st.lists(st.builds(Refusal, positives, texts), max_size=3),
    st.lists(positives, max_size=3),
)
answers = st.builds(
    Answer,
    v=st.just(1),
    station=stations,
    epoch=positives,
    incarnation=incarnations,
    nonce=small,
    verdict=st.sampled_from(VERDICTS),
    token=small,
    receipts=st.lists(receipts, max_size=3),
    through=integers,
    statements=integers,
    frozen=st.lists(texts, max_size=2),
    reason=texts,
)
known_frames = st.builds(
    Frame, st.sampled_from(sorted(frames.KNOWN_TYPES)), st.binary(max_size=600)
)
blob_pieces = st.builds(
    BlobPiece, shas, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=40)
)
entries = st.lists(
    st.builds(lambda key, raw: Entry(key, raw.encode()), texts, texts), max_size=8, unique=True
)
author_digests = st.builds(bodies.AuthorDigest, stations, positives, hashes)
