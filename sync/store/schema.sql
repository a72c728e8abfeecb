-- node.db, release 1

CREATE TABLE audiences (
    stream TEXT NOT NULL,
    station TEXT NOT NULL,
    PRIMARY KEY (stream, station)
) STRICT, WITHOUT ROWID;

CREATE INDEX audiences_by_station ON audiences (station, stream);

CREATE TRIGGER audiences_never_change BEFORE UPDATE ON audiences
BEGIN SELECT RAISE(ABORT, 'an audience never shrinks'); END;

CREATE TRIGGER audiences_never_shrink BEFORE DELETE ON audiences
BEGIN SELECT RAISE(ABORT, 'an audience never shrinks'); END;

CREATE TABLE certificates (
    station TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (station, epoch)
) STRICT;

CREATE TABLE child_links (
    station TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    incarnation TEXT NOT NULL,
    token BLOB NOT NULL,
    token_before BLOB NOT NULL,
    challenge BLOB NOT NULL,
    acknowledged INTEGER NOT NULL,
    digest BLOB NOT NULL,
    healed BLOB NOT NULL,
    last_contact_ms INTEGER NOT NULL,
    first_contact_ms INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    suspect TEXT NOT NULL,
    health BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE doubts (
    station TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position > 0),
    times INTEGER NOT NULL CHECK (times > 0),
    PRIMARY KEY (station, epoch, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE editions (
    id INTEGER NOT NULL PRIMARY KEY,
    register TEXT NOT NULL,
    division TEXT NOT NULL,
    tier TEXT NOT NULL,
    edition INTEGER NOT NULL,
    dictionary INTEGER NOT NULL,
    trained INTEGER NOT NULL,
    UNIQUE (register, division, tier)
) STRICT;

CREATE TABLE entries (
    shelf INTEGER NOT NULL REFERENCES editions (id),
    key TEXT NOT NULL,
    dictionary INTEGER NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (shelf, key)
) STRICT;

CREATE TABLE events (
    arrival INTEGER NOT NULL PRIMARY KEY,
    station TEXT NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    position INTEGER NOT NULL CHECK (position > 0),
    hlc INTEGER NOT NULL,
    stream TEXT NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    audience TEXT NOT NULL,
    envelope BLOB NOT NULL,
    signature BLOB NOT NULL,
    salt BLOB NOT NULL,
    body BLOB,
    received_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    standing TEXT NOT NULL CHECK (standing IN
        ('good', 'incomplete', 'set_aside', 'revoked', 'recovered')),
    reason TEXT NOT NULL,
    chain BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_by_name ON events (station, epoch, position)
    WHERE standing <> 'recovered';

CREATE INDEX events_by_stream ON events (stream, arrival);

CREATE INDEX events_not_good ON events (standing, arrival) WHERE standing <> 'good';

CREATE INDEX events_recovered ON events (station, epoch, position)
    WHERE standing = 'recovered';

CREATE TRIGGER events_body_only_dropped_or_restored BEFORE UPDATE OF salt, body ON events
WHEN (OLD.body IS NOT NULL AND NEW.body IS NOT NULL AND OLD.body IS NOT NEW.body)
    OR (OLD.salt <> x'' AND NEW.salt <> x'' AND OLD.salt <> NEW.salt)
BEGIN SELECT RAISE(ABORT, 'a body may be dropped or restored, not changed'); END;

CREATE TRIGGER events_never_changed BEFORE UPDATE OF
    arrival, station, epoch, position, hlc, stream, type, actor, audience, envelope,
    signature, received_ms, source, chain ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE logs (
    station TEXT NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    position INTEGER NOT NULL CHECK (position >= 0),
    chain BLOB NOT NULL,
    source TEXT NOT NULL,
    parent_position INTEGER NOT NULL CHECK (parent_position >= 0),
    central_position INTEGER NOT NULL CHECK (central_position >= 0),
    backup_position INTEGER NOT NULL CHECK (backup_position >= 0),
    frozen TEXT NOT NULL,
    PRIMARY KEY (station, epoch)
) STRICT, WITHOUT ROWID;

CREATE INDEX logs_by_source ON logs (source);

CREATE INDEX logs_frozen ON logs (source) WHERE frozen <> '';

CREATE INDEX logs_unsent ON logs (station, epoch) WHERE position > parent_position;

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    link TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    kind TEXT NOT NULL CHECK (kind <> ''),
    ref TEXT NOT NULL,
    PRIMARY KEY (link, sequence),
    UNIQUE (link, kind, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE parent_link (
    single INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
    station TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    token BLOB NOT NULL,
    challenge BLOB NOT NULL,
    nonce BLOB NOT NULL,
    received INTEGER NOT NULL,
    digest BLOB NOT NULL,
    told_editions INTEGER NOT NULL CHECK (told_editions IN (0, 1)),
    last_attempt_ms INTEGER NOT NULL,
    last_success_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    hint_ms INTEGER NOT NULL,
    dictionary INTEGER NOT NULL
) STRICT;

CREATE TABLE refusals (
    station TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    position INTEGER NOT NULL CHECK (position > 0),
    reason TEXT NOT NULL CHECK (reason <> ''),
    hash BLOB NOT NULL,
    PRIMARY KEY (station, epoch, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE routes (
    stream TEXT NOT NULL,
    link TEXT NOT NULL,
    PRIMARY KEY (stream, link)
) STRICT, WITHOUT ROWID;

CREATE INDEX routes_by_link ON routes (link, stream);

CREATE TABLE row_dictionaries (
    id INTEGER NOT NULL PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE sequences (
    link TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL CHECK (last > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE statements (
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (kind, ref)
) STRICT;

-- blobs.db, release 1

CREATE TABLE blobs (
    id INTEGER NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    size INTEGER NOT NULL CHECK (size >= 0),
    held INTEGER NOT NULL CHECK (held BETWEEN 0 AND size),
    complete INTEGER NOT NULL CHECK (complete IN (0, 1))
) STRICT;

CREATE TABLE file_chunks (
    file TEXT NOT NULL,
    place INTEGER NOT NULL,
    chunk TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (file, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX file_chunks_by_chunk ON file_chunks (chunk);

CREATE TABLE loose_packs (
    sha256 TEXT NOT NULL PRIMARY KEY,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE named (
    sha256 TEXT NOT NULL,
    event TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    size INTEGER NOT NULL,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (sha256, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX named_by_event ON named (event, sha256, size);

CREATE INDEX named_by_stream ON named (stream);

CREATE TABLE notes (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE owed (
    sha256 TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    turn INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX owed_by_size ON owed (turn, size, sha256);

CREATE TABLE pieces (
    blob INTEGER NOT NULL REFERENCES blobs (id),
    start INTEGER NOT NULL CHECK (start >= 0),
    stop INTEGER NOT NULL CHECK (stop > start),
    data BLOB NOT NULL CHECK (length(data) = stop - start),
    PRIMARY KEY (blob, start, stop)
) STRICT;

CREATE TABLE set_aside (
    id INTEGER NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE wishes (
    id INTEGER NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE
) STRICT;

