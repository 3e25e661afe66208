-- Times are microseconds since the Unix epoch, UTC; 0 means "never".
-- Durations are microseconds. Ids are UUIDv7 as text, compared byte by byte.

-- +goose Up
CREATE TABLE users (
    id                TEXT PRIMARY KEY NOT NULL,
    email             TEXT    NOT NULL,
    email_key         TEXT    NOT NULL UNIQUE,
    email_verified_at INTEGER NOT NULL DEFAULT 0,
    name              TEXT    NOT NULL DEFAULT '',
    role              TEXT    NOT NULL DEFAULT '',
    profile           TEXT    NOT NULL DEFAULT '{}',
    language          TEXT    NOT NULL DEFAULT '',
    disabled_at       INTEGER NOT NULL DEFAULT 0,
    -- When the account was made, while an operator has to accept it.
    awaits_approval   INTEGER NOT NULL DEFAULT 0,
    -- When the account will be deleted, and when it was.
    deletion_at       INTEGER NOT NULL DEFAULT 0,
    deleted_at        INTEGER NOT NULL DEFAULT 0,
    -- When two-step sign-in was turned on.
    two_step_at       INTEGER NOT NULL DEFAULT 0,
    auth_epoch        INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    user_id       TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT    NOT NULL DEFAULT '',
    failures      INTEGER NOT NULL DEFAULT 0,
    changed_at    INTEGER NOT NULL,
    signed_in_at  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tokens (
    hash       BLOB PRIMARY KEY NOT NULL,
    purpose    TEXT    NOT NULL,
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    address    TEXT    NOT NULL DEFAULT '',
    sign_up    TEXT    NOT NULL DEFAULT '',
    payload    BLOB    NOT NULL DEFAULT x'',
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
-- One live token per purpose and user, or address where there is no user yet.
CREATE UNIQUE INDEX tokens_newest ON tokens (purpose, coalesce(user_id, address));
CREATE INDEX tokens_sign_up ON tokens (sign_up) WHERE sign_up <> '';
CREATE INDEX tokens_expires_at ON tokens (expires_at);

-- What two-step sign-in needs. The secret is that of the app, sealed; empty when
-- passkeys alone are the second factor. The step is the last one used.
CREATE TABLE two_step (
    user_id  TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret   BLOB    NOT NULL DEFAULT x'',
    step     INTEGER NOT NULL DEFAULT 0,
    app_at   INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE backup_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT;

CREATE TABLE trusted_browsers (
    id         TEXT PRIMARY KEY NOT NULL,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash       BLOB    NOT NULL UNIQUE,
    epoch      INTEGER NOT NULL,
    user_agent TEXT    NOT NULL,
    ip         TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX trusted_browsers_user_id ON trusted_browsers (user_id);
CREATE INDEX trusted_browsers_expires_at ON trusted_browsers (expires_at);

CREATE TABLE passkeys (
    credential_id BLOB PRIMARY KEY NOT NULL,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rp_id         TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    -- Whether it signs in without a list of passkeys.
    discoverable  INTEGER NOT NULL,
    -- The public key and what the authenticator said of itself.
    data          BLOB    NOT NULL,
    sign_count    INTEGER NOT NULL,
    backed_up     INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    used_at       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- WebAuthn challenges that wait for an answer.
CREATE TABLE ceremonies (
    hash       BLOB PRIMARY KEY NOT NULL,
    data       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);

CREATE TABLE sessions (
    hash          BLOB PRIMARY KEY NOT NULL,
    id            TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    data          BLOB    NOT NULL,
    seen_at       INTEGER NOT NULL,
    seen_ip       TEXT    NOT NULL,
    expires_at    INTEGER NOT NULL,
    idle          INTEGER NOT NULL,
    -- The earlier of the idle and the absolute limit.
    deadline      INTEGER NOT NULL,
    -- The hash before the last rotation, and when that was.
    previous_hash BLOB,
    rotated_at    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_deadline ON sessions (deadline);

CREATE TABLE revocations (
    -- All zero when every session of the user is meant.
    hash       BLOB    NOT NULL,
    user_id    TEXT    NOT NULL,
    except_id  TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    -- Sessions of the user with a lower auth epoch end too, whenever they were made.
    epoch      INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (hash, user_id, except_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_expires_at ON revocations (expires_at);

-- Users whose rights have changed while sessions of theirs may live.
CREATE TABLE changed_rights (
    user_id    TEXT PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX changed_rights_expires_at ON changed_rights (expires_at);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY NOT NULL,
    algorithm  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    active_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_events (
    id         TEXT PRIMARY KEY NOT NULL,
    at         INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    actor_type TEXT    NOT NULL,
    actor_id   TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    target_id  TEXT    NOT NULL,
    org_id     TEXT    NOT NULL,
    ip         TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    metadata   TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_events_user_id ON audit_events (user_id, id);

CREATE TABLE jobs (
    id         TEXT PRIMARY KEY NOT NULL,
    kind       TEXT    NOT NULL,
    -- What it is about, if one that waits does for all.
    subject    TEXT    NOT NULL DEFAULT '',
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    -- When it is tried next; while an attempt runs, when its lease ends.
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    lease      TEXT    NOT NULL DEFAULT '',
    dead_at    INTEGER NOT NULL DEFAULT 0,
    error      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_due_at ON jobs (dead_at, due_at);
CREATE INDEX jobs_subject ON jobs (subject, kind) WHERE subject <> '';

CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;
-- +goose StatementEnd
