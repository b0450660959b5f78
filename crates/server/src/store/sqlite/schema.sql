CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- 'removed' is kept so that lists can go on behind it.
    status TEXT NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    -- As it was when the work began: a job that brings the program down and is no further has crashed once more.
    progress_before INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    completed_at INTEGER,
    expires_at INTEGER,
    is_cancelled INTEGER NOT NULL DEFAULT 0,
    is_fetched INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    seconds REAL NOT NULL,
    fingerprint BLOB NOT NULL,
    repeat_key TEXT,
    record TEXT NOT NULL,
    failure TEXT,
    made TEXT
) STRICT;
CREATE INDEX jobs_by_owner ON jobs (owner, kind, seq);
CREATE INDEX jobs_by_status ON jobs (status, since);
CREATE INDEX jobs_by_fingerprint ON jobs (owner, fingerprint);
CREATE UNIQUE INDEX jobs_by_repeat_key ON jobs (owner, repeat_key) WHERE repeat_key IS NOT NULL;

CREATE TABLE characters (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    seen TEXT NOT NULL
) STRICT;

CREATE TABLE endpoints (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    event_types TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_secret_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_time ON deliveries (next_at);

CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;
