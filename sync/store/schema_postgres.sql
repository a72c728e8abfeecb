-- central on PostgreSQL, release 1

CREATE TABLE schema_release (single bigint PRIMARY KEY CHECK (single = 1), release bigint NOT NULL);

INSERT INTO schema_release (single, release) VALUES (1, 0);

CREATE TABLE schema_steps (migrations text, step text, PRIMARY KEY (migrations, step));

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TABLE meta (
    key text COLLATE "C" NOT NULL PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

CREATE TABLE certificates (
    station text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (station, epoch)
);

CREATE TABLE logs (
    station text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    position bigint NOT NULL CHECK (position >= 0),
    chain bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    parent_position bigint NOT NULL CHECK (parent_position >= 0),
    central_position bigint NOT NULL CHECK (central_position >= 0),
    backup_position bigint NOT NULL CHECK (backup_position >= 0),
    frozen text COLLATE "C" NOT NULL,
    PRIMARY KEY (station, epoch)
);

CREATE INDEX logs_unsent ON logs (station, epoch) WHERE position > parent_position;

CREATE INDEX logs_by_source ON logs (source);

CREATE INDEX logs_frozen ON logs (source) WHERE frozen <> '';

CREATE TABLE refusals (
    station text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    reason text COLLATE "C" NOT NULL CHECK (reason <> ''),
    hash bytea NOT NULL,
    PRIMARY KEY (station, epoch, position)
);

CREATE TABLE doubts (
    station text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    times bigint NOT NULL CHECK (times > 0),
    PRIMARY KEY (station, epoch, position)
);

CREATE TABLE events (
    arrival bigint NOT NULL PRIMARY KEY,
    station text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    position bigint NOT NULL CHECK (position > 0),
    hlc bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    audience text COLLATE "C" NOT NULL,
    envelope bytea NOT NULL,
    signature bytea NOT NULL,
    salt bytea NOT NULL,
    body bytea,
    received_ms bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    standing text COLLATE "C" NOT NULL CHECK (standing IN
        ('good', 'incomplete', 'set_aside', 'revoked', 'recovered')),
    reason text COLLATE "C" NOT NULL,
    chain bytea NOT NULL
);

CREATE UNIQUE INDEX events_by_name ON events (station, epoch, position)
    WHERE standing <> 'recovered';

CREATE INDEX events_recovered ON events (station, epoch, position)
    WHERE standing = 'recovered';

CREATE INDEX events_by_stream ON events (stream, arrival);

CREATE INDEX events_not_good ON events (standing, arrival) WHERE standing <> 'good';

CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change('events are append-only');

CREATE TRIGGER events_never_deleted_at_once BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('events are append-only');

CREATE TRIGGER events_never_changed BEFORE UPDATE OF arrival, station, epoch, position, hlc, stream, type, actor, audience, envelope, signature, received_ms, source, chain ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change('events are append-only');

CREATE TRIGGER events_body_only_dropped_or_restored BEFORE UPDATE OF salt, body ON events
FOR EACH ROW
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NOT NULL AND OLD.body IS DISTINCT FROM NEW.body)
    OR (OLD.salt <> ''::bytea AND NEW.salt <> ''::bytea AND OLD.salt <> NEW.salt)) EXECUTE FUNCTION refuse_change('a body may be dropped or restored, not changed');

CREATE TABLE audiences (
    stream text COLLATE "C" NOT NULL,
    station text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream, station)
);

CREATE INDEX audiences_by_station ON audiences (station, stream);

CREATE TRIGGER audiences_never_shrink BEFORE DELETE ON audiences
FOR EACH ROW EXECUTE FUNCTION refuse_change('an audience never shrinks');

CREATE TRIGGER audiences_never_shrink_at_once BEFORE TRUNCATE ON audiences
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('an audience never shrinks');

CREATE TRIGGER audiences_never_change BEFORE UPDATE ON audiences
FOR EACH ROW EXECUTE FUNCTION refuse_change('an audience never shrinks');

CREATE TABLE child_links (
    station text COLLATE "C" NOT NULL PRIMARY KEY,
    epoch bigint NOT NULL,
    incarnation text COLLATE "C" NOT NULL,
    token bytea NOT NULL,
    token_before bytea NOT NULL,
    challenge bytea NOT NULL,
    acknowledged bigint NOT NULL,
    digest bytea NOT NULL,
    healed bytea NOT NULL,
    last_contact_ms bigint NOT NULL,
    first_contact_ms bigint NOT NULL,
    rounds bigint NOT NULL,
    suspect text COLLATE "C" NOT NULL,
    health bytea NOT NULL
);

CREATE TABLE parent_link (
    single bigint NOT NULL PRIMARY KEY CHECK (single = 1),
    station text COLLATE "C" NOT NULL,
    incarnation text COLLATE "C" NOT NULL,
    token bytea NOT NULL,
    challenge bytea NOT NULL,
    nonce bytea NOT NULL,
    received bigint NOT NULL,
    digest bytea NOT NULL,
    told_editions bigint NOT NULL CHECK (told_editions IN (0, 1)),
    last_attempt_ms bigint NOT NULL,
    last_success_ms bigint NOT NULL,
    failures bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    hint_ms bigint NOT NULL,
    dictionary bigint NOT NULL
);

CREATE TABLE routes (
    stream text COLLATE "C" NOT NULL,
    link text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream, link)
);

CREATE INDEX routes_by_link ON routes (link, stream);

CREATE TABLE outbox (
    link text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    kind text COLLATE "C" NOT NULL CHECK (kind <> ''),
    ref text COLLATE "C" NOT NULL,
    PRIMARY KEY (link, sequence),
    UNIQUE (link, kind, ref)
);

CREATE TABLE sequences (
    link text COLLATE "C" NOT NULL PRIMARY KEY,
    last bigint NOT NULL CHECK (last > 0)
);

CREATE TABLE statements (
    kind text COLLATE "C" NOT NULL,
    ref text COLLATE "C" NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (kind, ref)
);

CREATE TABLE editions (
    id bigint NOT NULL PRIMARY KEY,
    register text COLLATE "C" NOT NULL,
    division text COLLATE "C" NOT NULL,
    tier text COLLATE "C" NOT NULL,
    edition bigint NOT NULL,
    dictionary bigint NOT NULL,
    trained bigint NOT NULL,
    UNIQUE (register, division, tier)
);

CREATE TABLE entries (
    shelf bigint NOT NULL REFERENCES editions (id),
    key text COLLATE "C" NOT NULL,
    dictionary bigint NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (shelf, key)
);

CREATE TABLE row_dictionaries (
    id bigint NOT NULL PRIMARY KEY,
    data bytea NOT NULL
);

