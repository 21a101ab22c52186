-- One text for both engines. `migrations.rs` replaces the words in braces:
--   {text}     text that is compared and ordered by its bytes
--   {int}      a 64-bit integer; also points in time (microseconds since the epoch) and flags (0, 1)
--   {blob}     bytes
--   {wide}     end of a table with long rows
--   {compact}  end of a table with short rows, which SQLite keeps inside the primary key's index
-- Columns named sealed_* hold nothing that can be read without the data keys.

CREATE TABLE data_keys (
    id {int} NOT NULL PRIMARY KEY,
    wrapped {blob} NOT NULL,
    master_key_id {text} NOT NULL,
    created_at {int} NOT NULL
){wide};

CREATE TABLE access_keys (
    id {text} NOT NULL PRIMARY KEY,
    sealed_secret {blob} NOT NULL,
    name {text} NOT NULL,
    created_at {int} NOT NULL
){wide};

CREATE TABLE user_pools (
    id {text} NOT NULL PRIMARY KEY,
    settings {text} NOT NULL,
    sms_factor {int} NOT NULL,
    software_token_factor {int} NOT NULL,
    email_factor {text},
    web_authn {text},
    version {int} NOT NULL,
    -- 1 once deletion has begun: invisible, and emptied in the background.
    is_deleting {int} NOT NULL,
    -- When the sweep found the last of its users gone.
    emptied_at {int}
){wide};
CREATE INDEX user_pools_deleting ON user_pools (id) WHERE is_deleting = 1;

CREATE TABLE app_clients (
    client_id {text} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    settings {text} NOT NULL,
    sealed_secrets {blob},
    version {int} NOT NULL
){wide};
CREATE INDEX app_clients_by_pool ON app_clients (pool_id, client_id);

CREATE TABLE signing_keys (
    pool_id {text} NOT NULL,
    kid {text} NOT NULL,
    key_use {text} NOT NULL,
    sealed_pkcs8 {blob} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (pool_id, kid)
){wide};

CREATE TABLE users (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    username {text} NOT NULL,
    username_key {text} NOT NULL,
    status {text} NOT NULL,
    -- 'Enabled' or 'Disabled', the words of a ListUsers filter.
    enabled {text} NOT NULL,
    attributes {text} NOT NULL,
    pending_attributes {text},
    created_at {int} NOT NULL,
    modified_at {int} NOT NULL,
    sealed_password {blob},
    password_set_at {int},
    sealed_software_token {blob},
    mfa {text},
    signed_out_at {int},
    version {int} NOT NULL,
    -- What ListUsers can search, folded for comparison; null where the user has no such attribute.
    email_key {text},
    phone_key {text},
    name_key {text},
    given_name_key {text},
    family_name_key {text},
    preferred_username_key {text},
    PRIMARY KEY (pool_id, sub)
){wide};
CREATE UNIQUE INDEX users_by_username ON users (pool_id, username_key);
CREATE INDEX users_by_status ON users (pool_id, status, sub);
CREATE INDEX users_by_enabled ON users (pool_id, enabled, sub);
CREATE INDEX users_by_email ON users (pool_id, email_key, sub) WHERE email_key IS NOT NULL;
CREATE INDEX users_by_phone ON users (pool_id, phone_key, sub) WHERE phone_key IS NOT NULL;
CREATE INDEX users_by_name ON users (pool_id, name_key, sub) WHERE name_key IS NOT NULL;
CREATE INDEX users_by_given_name ON users (pool_id, given_name_key, sub)
    WHERE given_name_key IS NOT NULL;
CREATE INDEX users_by_family_name ON users (pool_id, family_name_key, sub)
    WHERE family_name_key IS NOT NULL;
CREATE INDEX users_by_preferred_username ON users (pool_id, preferred_username_key, sub)
    WHERE preferred_username_key IS NOT NULL;

-- The number of users, spread over several rows so that sign-ups rarely wait for each other.
CREATE TABLE user_counts (
    pool_id {text} NOT NULL,
    shard {int} NOT NULL,
    users {int} NOT NULL,
    PRIMARY KEY (pool_id, shard)
){compact};

-- The key of a value belongs to one user for each attribute; lookups don't know the attribute.
CREATE TABLE aliases (
    pool_id {text} NOT NULL,
    alias_key {text} NOT NULL,
    attribute {text} NOT NULL,
    sub {text} NOT NULL,
    PRIMARY KEY (pool_id, alias_key, attribute)
){compact};
CREATE UNIQUE INDEX aliases_by_user ON aliases (pool_id, sub, attribute);

CREATE TABLE codes (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    purpose {text} NOT NULL,
    hash {blob} NOT NULL,
    attribute {text} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, sub, purpose)
){compact};
CREATE INDEX codes_expiry ON codes (expires_at);

CREATE TABLE attempts (
    pool_id {text} NOT NULL,
    subject {text} NOT NULL,
    attempted {text} NOT NULL,
    tries {int} NOT NULL,
    since {int} NOT NULL,
    last_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, subject, attempted)
){compact};
CREATE INDEX attempts_expiry ON attempts (expires_at);

CREATE TABLE spent (
    id {text} NOT NULL PRIMARY KEY,
    spent_at {int} NOT NULL,
    expires_at {int} NOT NULL
){compact};
CREATE INDEX spent_expiry ON spent (expires_at);

CREATE TABLE revoked_origins (
    pool_id {text} NOT NULL,
    origin_jti {text} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, origin_jti)
){compact};
CREATE INDEX revoked_origins_expiry ON revoked_origins (expires_at);
