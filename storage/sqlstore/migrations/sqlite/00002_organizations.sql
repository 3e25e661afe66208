-- Times are microseconds since the Unix epoch, UTC; 0 means "never". A node of the
-- version before neither reads nor writes what is added here.

-- +goose Up
CREATE TABLE organizations (
    id          TEXT PRIMARY KEY NOT NULL,
    slug        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    -- The user whose personal workspace it is.
    personal_of TEXT    NOT NULL DEFAULT '',
    rules       TEXT    NOT NULL DEFAULT '{}',
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    -- A deleted organization keeps its memberships, so that all sessions are told, and
    -- is swept with them after 30 days.
    deleted_at  INTEGER NOT NULL DEFAULT 0,
    -- How often name or slug have changed within the hour that began at a time.
    renames       INTEGER NOT NULL DEFAULT 0,
    renames_since INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX organizations_slug ON organizations (slug) WHERE deleted_at = 0;
CREATE UNIQUE INDEX organizations_personal_of ON organizations (personal_of) WHERE deleted_at = 0 AND personal_of <> '';
CREATE INDEX organizations_deleted_at ON organizations (deleted_at) WHERE deleted_at <> 0;

-- The slugs that organizations had until lately, also those that were deleted.
CREATE TABLE org_slugs (
    slug       TEXT PRIMARY KEY NOT NULL,
    org_id     TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX org_slugs_org_id ON org_slugs (org_id);
CREATE INDEX org_slugs_expires_at ON org_slugs (expires_at);

CREATE TABLE memberships (
    org_id    TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id   TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role      TEXT    NOT NULL,
    joined_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user_id ON memberships (user_id);

CREATE TABLE invitations (
    id          TEXT PRIMARY KEY NOT NULL,
    org_id      TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email       TEXT    NOT NULL,
    email_key   TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    hash        BLOB    NOT NULL UNIQUE,
    -- Empty when an operator has invited.
    invited_by  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    -- The time of its use or revocation, once there was one.
    expires_at  INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL DEFAULT 0,
    revoked_at  INTEGER NOT NULL DEFAULT 0,
    -- How often a use was refused and noted.
    refusals    INTEGER NOT NULL DEFAULT 0
) STRICT;
-- One open invitation per organization and address.
CREATE UNIQUE INDEX invitations_open ON invitations (org_id, email_key) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE INDEX invitations_org_id ON invitations (org_id);
CREATE INDEX invitations_email_key ON invitations (email_key) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE INDEX invitations_expires_at ON invitations (expires_at);

-- The mails that members had sent to strangers, for the quotas. It outlives the
-- organization: who deletes one does not get a new quota.
CREATE TABLE org_mails (
    id      TEXT PRIMARY KEY NOT NULL,
    purpose TEXT    NOT NULL,
    org_id  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX org_mails_org_id ON org_mails (org_id, purpose, at);
CREATE INDEX org_mails_user_id ON org_mails (user_id, purpose, at);
CREATE INDEX org_mails_at ON org_mails (at);

CREATE TABLE org_domains (
    org_id      TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    ask         INTEGER NOT NULL,
    challenge   TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    verified_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX org_domains_verified ON org_domains (name) WHERE verified_at <> 0;

CREATE TABLE join_requests (
    org_id  TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX join_requests_user_id ON join_requests (user_id);

-- No event has an organization yet, so that building it keeps no writer waiting.
CREATE INDEX audit_events_org_id ON audit_events (org_id, id) WHERE org_id <> '';
