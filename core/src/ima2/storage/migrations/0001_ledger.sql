-- Times are epoch milliseconds. JSON columns hold the frozen models by their camelCase aliases.

CREATE TABLE job (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    state           TEXT    NOT NULL,
    phase           TEXT    NOT NULL,
    surface         TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    model           TEXT,
    session_id      TEXT,
    owner           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    phase_at        INTEGER NOT NULL,
    finished_at     INTEGER,
    idempotency_key TEXT    UNIQUE,
    body_hash       TEXT,
    request         TEXT    NOT NULL,
    resolution      TEXT    NOT NULL,
    plan            TEXT,
    warnings        TEXT    NOT NULL DEFAULT '[]',
    usage           TEXT,
    error           TEXT
);
CREATE INDEX job_by_state ON job (state, created_at, seq);
CREATE INDEX job_by_owner ON job (owner, state);

CREATE TABLE call (
    key         TEXT    PRIMARY KEY,
    job_id      TEXT    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    state       TEXT    NOT NULL,
    sent_at     INTEGER,
    upstream_id TEXT,
    account     TEXT,
    updated_at  INTEGER NOT NULL,
    call        TEXT    NOT NULL,
    media       TEXT    NOT NULL DEFAULT '[]',
    usage       TEXT,
    error       TEXT
) WITHOUT ROWID;
CREATE INDEX call_by_job ON call (job_id, key);

CREATE TABLE event (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    data   TEXT    NOT NULL,
    at     INTEGER NOT NULL
);
CREATE INDEX event_by_job ON event (job_id, seq);

CREATE TABLE artifact (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    filename    TEXT    NOT NULL UNIQUE,
    sha256      TEXT    NOT NULL,
    media_type  TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    duration    REAL,
    created_at  INTEGER NOT NULL,
    job_id      TEXT,
    call_key    TEXT,
    session_id  TEXT,
    provider    TEXT,
    model       TEXT,
    prompt      TEXT    NOT NULL DEFAULT '',
    trashed_at  INTEGER,
    sidecar     TEXT    NOT NULL
);
CREATE INDEX artifact_by_time ON artifact (created_at DESC, filename DESC) WHERE trashed_at IS NULL;
CREATE INDEX artifact_by_job ON artifact (job_id);
CREATE INDEX artifact_by_session ON artifact (session_id, created_at DESC, filename DESC) WHERE trashed_at IS NULL;

CREATE TABLE favorite (
    identity     TEXT    NOT NULL,
    filename     TEXT    NOT NULL,
    favorited_at INTEGER NOT NULL,
    PRIMARY KEY (identity, filename)
) WITHOUT ROWID;
