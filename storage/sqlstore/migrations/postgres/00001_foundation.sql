-- Times are microseconds since the Unix epoch, UTC; 0 means "never".
-- Durations are microseconds. Ids are UUIDv7 as text, compared byte by byte.

-- +goose Up
CREATE TABLE users (
    id                TEXT COLLATE "C" PRIMARY KEY,
    email             TEXT   NOT NULL,
    email_key         TEXT   NOT NULL UNIQUE,
    email_verified_at BIGINT NOT NULL DEFAULT 0,
    name              TEXT   NOT NULL DEFAULT '',
    role              TEXT   NOT NULL DEFAULT '',
    profile           JSONB  NOT NULL DEFAULT '{}',
    language          TEXT   NOT NULL DEFAULT '',
    disabled_at       BIGINT NOT NULL DEFAULT 0,
    -- When the account was made, while an operator has to accept it.
    awaits_approval   BIGINT NOT NULL DEFAULT 0,
    -- When the account will be deleted, and when it was.
    deletion_at       BIGINT NOT NULL DEFAULT 0,
    deleted_at        BIGINT NOT NULL DEFAULT 0,
    -- When two-step sign-in was turned on.
    two_step_at       BIGINT NOT NULL DEFAULT 0,
    auth_epoch        BIGINT NOT NULL DEFAULT 0,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

CREATE TABLE credentials (
    user_id       TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT   NOT NULL DEFAULT '',
    failures      BIGINT NOT NULL DEFAULT 0,
    changed_at    BIGINT NOT NULL,
    signed_in_at  BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE tokens (
    hash       BYTEA PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    user_id    TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
    address    TEXT   NOT NULL DEFAULT '',
    sign_up    TEXT   NOT NULL DEFAULT '',
    payload    BYTEA  NOT NULL DEFAULT '',
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
-- One live token per purpose and user, or address where there is no user yet.
CREATE UNIQUE INDEX tokens_newest ON tokens (purpose, coalesce(user_id, address));
CREATE INDEX tokens_sign_up ON tokens (sign_up) WHERE sign_up <> '';
CREATE INDEX tokens_expires_at ON tokens (expires_at);

-- What two-step sign-in needs. The secret is that of the app, sealed; empty when
-- passkeys alone are the second factor. The step is the last one used.
CREATE TABLE two_step (
    user_id  TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret   BYTEA  NOT NULL DEFAULT '',
    step     BIGINT NOT NULL DEFAULT 0,
    app_at   BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE backup_codes (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE trusted_browsers (
    id         TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash       BYTEA  NOT NULL UNIQUE,
    epoch      BIGINT NOT NULL,
    user_agent TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX trusted_browsers_user_id ON trusted_browsers (user_id);
CREATE INDEX trusted_browsers_expires_at ON trusted_browsers (expires_at);

CREATE TABLE passkeys (
    credential_id BYTEA PRIMARY KEY,
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rp_id         TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    -- Whether it signs in without a list of passkeys.
    discoverable  BOOLEAN NOT NULL,
    -- The public key and what the authenticator said of itself.
    data          BYTEA  NOT NULL,
    sign_count    BIGINT NOT NULL,
    backed_up     BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL,
    used_at       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- WebAuthn challenges that wait for an answer.
CREATE TABLE ceremonies (
    hash       BYTEA PRIMARY KEY,
    data       BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);

CREATE TABLE sessions (
    hash          BYTEA PRIMARY KEY,
    id            TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    data          BYTEA  NOT NULL,
    seen_at       BIGINT NOT NULL,
    seen_ip       TEXT   NOT NULL,
    expires_at    BIGINT NOT NULL,
    idle          BIGINT NOT NULL,
    -- The earlier of the idle and the absolute limit.
    deadline      BIGINT NOT NULL,
    -- The hash before the last rotation, and when that was.
    previous_hash BYTEA,
    rotated_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_deadline ON sessions (deadline);

CREATE TABLE revocations (
    -- All zero when every session of the user is meant.
    hash       BYTEA  NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    except_id  TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    -- Sessions of the user with a lower auth epoch end too, whenever they were made.
    epoch      BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (hash, user_id, except_id, at)
);
CREATE INDEX revocations_expires_at ON revocations (expires_at);

-- Users whose rights have changed while sessions of theirs may live.
CREATE TABLE changed_rights (
    user_id    TEXT COLLATE "C" PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX changed_rights_expires_at ON changed_rights (expires_at);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    algorithm  TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    active_at  BIGINT NOT NULL
);

CREATE TABLE audit_events (
    id         TEXT COLLATE "C" PRIMARY KEY,
    at         BIGINT NOT NULL,
    action     TEXT   NOT NULL,
    actor_type TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    target_id  TEXT   NOT NULL,
    org_id     TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    user_agent TEXT   NOT NULL,
    metadata   JSONB  NOT NULL
);

CREATE INDEX audit_events_user_id ON audit_events (user_id, id);

CREATE TABLE jobs (
    id         TEXT COLLATE "C" PRIMARY KEY,
    kind       TEXT   NOT NULL,
    -- What it is about, if one that waits does for all.
    subject    TEXT   NOT NULL DEFAULT '',
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it is tried next; while an attempt runs, when its lease ends.
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    lease      TEXT   NOT NULL DEFAULT '',
    dead_at    BIGINT NOT NULL DEFAULT 0,
    error      TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX jobs_due_at ON jobs (dead_at, due_at);
CREATE INDEX jobs_subject ON jobs (subject, kind) WHERE subject <> '';

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Who uses the database now. It need not survive a crash.
CREATE UNLOGGED TABLE nodes (
    id      TEXT PRIMARY KEY,
    seen_at TIMESTAMPTZ NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
