PRAGMA user_version = 1;

CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);

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

CREATE TABLE notes (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE owed (
    sha256 TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    turn INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

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

INSERT INTO "_sqlite_migrations" ("id", "migration_set", "name", "applied_at") VALUES (1, 'blobs', 'm0001_first_tables', '2026-11-22 22:41:42.758247+00:00');

INSERT INTO "blobs" ("id", "sha256", "size", "held", "complete") VALUES (1, '1c5f8fe190561cdc610b67aa59d2e2157dbb9c4640513261d4a3a087b2c034da', 15, 15, 1);

INSERT INTO "named" ("sha256", "event", "bytes", "size", "stream", "source") VALUES ('abababababababababababababababababababababababababababababababab', 'CG0111/1760000000000/1', 180, 300000, 'CG0111/1760000000000/1', '');

INSERT INTO "owed" ("sha256", "size", "turn") VALUES ('abababababababababababababababababababababababababababababababab', 300000, 0);

INSERT INTO "pieces" ("blob", "start", "stop", "data") VALUES (1, 0, 15, X'6279746573206F662061207061636B');

CREATE INDEX file_chunks_by_chunk ON file_chunks (chunk);

CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");

CREATE INDEX named_by_event ON named (event, sha256, size);

CREATE INDEX named_by_stream ON named (stream);

CREATE INDEX owed_by_size ON owed (turn, size, sha256);

