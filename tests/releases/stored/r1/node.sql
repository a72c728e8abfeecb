PRAGMA user_version = 1;

CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);

CREATE TABLE accounts (
    staff_no TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    code_until_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked_until_ms INTEGER NOT NULL
) STRICT
;

CREATE TABLE audiences (
    stream TEXT NOT NULL,
    station TEXT NOT NULL,
    PRIMARY KEY (stream, station)
) STRICT, WITHOUT ROWID;

CREATE TABLE casework_audience (
        stream TEXT NOT NULL REFERENCES casework_case (stream) ON DELETE CASCADE,
        station TEXT NOT NULL,
        opened_day TEXT NOT NULL,
        PRIMARY KEY (stream, station)
    ) STRICT, WITHOUT ROWID;

CREATE TABLE casework_case (
        stream TEXT PRIMARY KEY,
        receipt_no TEXT NOT NULL,
        official_no TEXT NOT NULL,
        status TEXT NOT NULL,
        tab TEXT NOT NULL,
        holder TEXT NOT NULL,
        to_check INTEGER NOT NULL CHECK (to_check IN (0, 1)),
        opened_day TEXT NOT NULL,
        words TEXT NOT NULL,
        row_json TEXT NOT NULL,
        state_json TEXT NOT NULL
    ) STRICT;

CREATE TABLE casework_open_task (
        stream TEXT NOT NULL REFERENCES casework_case (stream) ON DELETE CASCADE,
        name TEXT NOT NULL,
        station TEXT NOT NULL,
        PRIMARY KEY (station, stream, name)
    ) STRICT, WITHOUT ROWID;

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

CREATE TABLE form_keys (
    form_key TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    used_ms INTEGER NOT NULL
) STRICT
;

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

CREATE TABLE matter_list (
    code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    forms TEXT NOT NULL,
    words TEXT NOT NULL
) STRICT;

CREATE TABLE matter_search_doc (
        id INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        alias TEXT NOT NULL,
        dept TEXT NOT NULL,
        initials TEXT NOT NULL
    ) STRICT;

CREATE TABLE matter_search_exact (
        form TEXT NOT NULL,
        id INTEGER NOT NULL,
        PRIMARY KEY (form, id)
    ) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE matter_search_initials
        USING fts5(initials, content='', detail=none, prefix='2 3', tokenize='unicode61');

CREATE TABLE matter_search_recipe (
        recipe INTEGER NOT NULL
    ) STRICT;

CREATE VIRTUAL TABLE matter_search_text
        USING fts5(name, alias, dept, content='', tokenize='unicode61');

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

CREATE TABLE row_dictionaries (
    id INTEGER NOT NULL PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE sequences (
    link TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL CHECK (last > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    staff_no TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT
;

CREATE TABLE statements (
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (kind, ref)
) STRICT;

INSERT INTO "_sqlite_migrations" ("id", "migration_set", "name", "applied_at") VALUES (1, 'node', 'm0001_first_tables', '2026-11-22 22:41:42.618159+00:00');

INSERT INTO "_sqlite_migrations" ("id", "migration_set", "name", "applied_at") VALUES (2, 'program', 'm0001_case_rows', '2026-11-22 22:41:42.626009+00:00');

INSERT INTO "audiences" ("stream", "station") VALUES ('CG0111/1760000000000/1', 'CG0101');

INSERT INTO "audiences" ("stream", "station") VALUES ('CG0111/1760000000000/1', 'CG0111');

INSERT INTO "casework_audience" ("stream", "station", "opened_day") VALUES ('CG0111/1760000000000/1', 'CG0101', '2026-11-22');

INSERT INTO "casework_audience" ("stream", "station", "opened_day") VALUES ('CG0111/1760000000000/1', 'CG0111', '2026-11-22');

INSERT INTO "casework_case" ("stream", "receipt_no", "official_no", "status", "tab", "holder", "to_check", "opened_day", "words", "row_json", "state_json") VALUES ('CG0111/1760000000000/1', '演示-1', '', '已收件', '办理中', 'CG0111', 0, '2026-11-22', '
演示事项

演示-1
', '{"stream": "CG0111/1760000000000/1", "receipt_no": "演示-1", "official_no": "", "matter_code": "", "matter_name": "演示事项", "status": "已收件", "result": "", "holder": "CG0111", "offered_to": "", "mode": "", "receiving": "", "handling": "", "delivery": "", "applicant_name": "", "opened_day": "2026-11-22", "accepted_day": "", "tab": "办理中", "to_check": false, "flags": [], "audience": ["CG0101", "CG0111"], "tasks": [], "doubts": [], "state_hash": "", "cannot_be_shown": ""}', '{}');

INSERT INTO "editions" ("id", "register", "division", "tier", "edition", "dictionary", "trained") VALUES (1, 'matters', '530114000000', 'village', 1760000000000, 0, 1);

INSERT INTO "entries" ("shelf", "key", "dictionary", "raw") VALUES (1, 'M1', 0, X'7B22636F6465223A224D31222C226E616D65223A22E6BC94E7A4BA227D');

INSERT INTO "events" ("arrival", "station", "epoch", "position", "hlc", "stream", "type", "actor", "audience", "envelope", "signature", "salt", "body", "received_ms", "source", "standing", "reason", "chain") VALUES (1, 'CG0111', 1760000000000, 1, 1802240000000001, 'CG0111/1760000000000/1', 'received', 'S001', 'CG0111 CG0101', X'7B22656E76656C6F7065223A224347303131312F313736303030303030303030302F31227D', X'73737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373737373', X'78787878787878787878787878787878', X'7B2261745F6D73223A317D', 1760000000001, '', 'good', '', X'00000000000000000000000000000001');

INSERT INTO "logs" ("station", "epoch", "position", "chain", "source", "parent_position", "central_position", "backup_position", "frozen") VALUES ('CG0111', 1760000000000, 1, X'00000000000000000000000000000001', '', 0, 0, 0, '');

INSERT INTO "meta" ("key", "value") VALUES ('release_note', '演示');

INSERT INTO "statements" ("kind", "ref", "raw") VALUES ('time_mark', '演示', X'726177206279746573');

CREATE INDEX audiences_by_station ON audiences (station, stream);

CREATE TRIGGER audiences_never_change BEFORE UPDATE ON audiences
BEGIN SELECT RAISE(ABORT, 'an audience never shrinks'); END;

CREATE TRIGGER audiences_never_shrink BEFORE DELETE ON audiences
BEGIN SELECT RAISE(ABORT, 'an audience never shrinks'); END;

CREATE INDEX casework_audience_opened ON casework_audience (station, opened_day DESC, stream);

CREATE INDEX casework_case_official ON casework_case (official_no);

CREATE INDEX casework_case_opened ON casework_case (opened_day DESC, stream);

CREATE INDEX casework_case_receipt ON casework_case (receipt_no);

CREATE INDEX casework_open_task_stream ON casework_open_task (stream);

CREATE TRIGGER events_body_only_dropped_or_restored BEFORE UPDATE OF salt, body ON events
WHEN (OLD.body IS NOT NULL AND NEW.body IS NOT NULL AND OLD.body IS NOT NEW.body)
    OR (OLD.salt <> x'' AND NEW.salt <> x'' AND OLD.salt <> NEW.salt)
BEGIN SELECT RAISE(ABORT, 'a body may be dropped or restored, not changed'); END;

CREATE UNIQUE INDEX events_by_name ON events (station, epoch, position)
    WHERE standing <> 'recovered';

CREATE INDEX events_by_stream ON events (stream, arrival);

CREATE TRIGGER events_never_changed BEFORE UPDATE OF
    arrival, station, epoch, position, hlc, stream, type, actor, audience, envelope,
    signature, received_ms, source, chain ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE INDEX events_not_good ON events (standing, arrival) WHERE standing <> 'good';

CREATE INDEX events_recovered ON events (station, epoch, position)
    WHERE standing = 'recovered';

CREATE INDEX form_keys_by_age ON form_keys (used_ms);

CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");

CREATE INDEX logs_by_source ON logs (source);

CREATE INDEX logs_frozen ON logs (source) WHERE frozen <> '';

CREATE INDEX logs_unsent ON logs (station, epoch) WHERE position > parent_position;

CREATE INDEX routes_by_link ON routes (link, stream);

