"""Ceilings on everything a peer may send. Checked before anything is allocated or parsed."""

from __future__ import annotations

PROTOCOL_VERSION = 1
"""Version of the protocol this code speaks; `versions` says what else it reads and carries."""

ENVELOPE_BYTES_MAX = 8 * 1024
BODY_BYTES_MAX = 64 * 1024
JSON_DEPTH_MAX = 16
AUDIENCE_MAX = 64
STATEMENT_BYTES_MAX = 256 * 1024

FRAME_BYTES_MAX = 256 * 1024
"""Encoded payload of one frame."""
FRAME_DECODED_BYTES_MAX = 1024 * 1024
"""What one frame may decode to; a compression bomb stops here."""
FRAME_BYTES_TARGET = 64 * 1024
"""A frame of events is not larger than this as sent, unless one event is."""
FRAME_PLAIN_BYTES_TARGET = 192 * 1024
"""By columns a frame of events is closed when its plain size passes this, else at the above."""
STATEMENTS_PER_FRAME_MAX = 4096
"""Each costs a parse and maybe a signature; a frame of empty ones would be minutes of work."""
FRAME_PLAIN_BYTES_MIN = 16 * 1024
ROUND_BYTES_MAX = 8 * 1024 * 1024
ROUND_BYTES_TARGET = 1024 * 1024
"""Plain content of one side of a round."""
ROUND_SENT_BYTES_MIN = 16 * 1024
ROUND_SENT_BYTES_TARGET = 512 * 1024
"""The same as sent, unless the link's budget is smaller."""
ROUND_FRAMES_MAX = 512

RECEIPTS_MAX = 4096
REFUSED_LISTED_MAX = 256
EDITIONS_MAX = 4096
EDITION_MS_MAX = 250_000_000_000_000
"""Editions are publication times; beyond this (the year 9892) there is no calendar day."""
SEQUENCE_MAX = 2**63 - 1
"""Of a link, as a database can count."""
BLOB_PARTS_MAX = 64
"""Ranges in one ask of the second lane."""
BLOB_ASK_BYTES_MAX = 16 * 1024
BLOB_REQUEST_BYTES_MAX = 320 * 1024
BLOB_PUT_BYTES_MAX = 128 * 1024
"""What one ask brings along to be kept."""
BLOB_ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""What one ask may bring; the rest is asked for again."""
BLOB_SLICE_BYTES = 8 * 1024
"""Unit of sending on a slow link; two of them are under way at most."""
BLOB_ALONG_BYTES_MAX = 8 * 1024
"""A pack up to this size goes along with its manifest, in the same answer of a round."""
CHUNK_BYTES = 256 * 1024
"""Piece of a case's file that has a name of its own."""
FILE_BYTES_MAX = 32 * 1024 * 1024
FILE_MANIFEST_BYTES_MAX = 16 * 1024
BLOBS_PER_EVENT_MAX = 16
CASE_FILES_BYTES_MAX = 256 * 1024 * 1024
"""All files of one case together; beyond it nothing more is taken from below."""
CARRIED_MAX = 2000
"""Statements of unknown kinds held; each is small, and a release brings few."""
CARRIED_OF_STATION_MAX = 64
AUTHORS_MAX = 2000
"""Lines of a COMPARE frame."""
LACKING_MAX = 64
BODIES_WANTED_MAX = 64
"""Bodies a hello asks for."""
PURGED_MAX = 2000
"""Events one purge names; a larger order is several purges."""
PACK_BYTES_MAX = 4 * 1024 * 1024
PACK_DECODED_BYTES_MAX = 64 * 1024 * 1024
SHELF_ENTRIES_MAX = 200_000

CLOCK_AHEAD_MS_MAX = 5 * 60 * 1000
"""A hybrid clock never follows a remote time further ahead than this (DESIGN 6)."""

BUNDLE_BYTES_MAX = 1024 * 1024 * 1024
"""Sealed part of a bundle."""
BUNDLE_HEAD_BYTES_MAX = 512 * 1024
BUNDLE_PART_BYTES_MAX = ROUND_BYTES_MAX
BUNDLE_PART_BYTES_TARGET = ROUND_BYTES_TARGET
"""A maker closes a part at this many plain bytes."""
BUNDLE_RATIO_MAX = 250
"""Decoded bytes per plain byte over a whole bundle, beyond one frame's worth."""
BUNDLE_READERS_MAX = 16
BUNDLE_RANGES_MAX = 2000
BUNDLE_FACTS_MAX = 64
