-- Passkeys of users, and registrations that were started. What the words in braces mean is in
-- 0001_initial.sql.

CREATE TABLE passkeys (
    pool_id {text} NOT NULL,
    -- In base64url: up to 1,364 characters.
    credential_id {text} NOT NULL,
    sub {text} NOT NULL,
    relying_party_id {text} NOT NULL,
    public_key {blob} NOT NULL,
    sign_count {int} NOT NULL,
    attachment {text},
    -- A JSON list.
    transports {text} NOT NULL,
    friendly_name {text} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (pool_id, credential_id)
){wide};
CREATE INDEX passkeys_by_user ON passkeys (pool_id, sub);

CREATE TABLE pending_passkeys (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    client_id {text} NOT NULL,
    challenge {blob} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, sub)
){wide};
CREATE INDEX pending_passkeys_by_end ON pending_passkeys (expires_at);
