-- Threat protection, and delivery of logs. What the words in braces mean is in 0001_initial.sql.

-- What is to be done at which risk; for a whole pool where client_id is empty.
CREATE TABLE risk_configurations (
    pool_id {text} NOT NULL,
    client_id {text} NOT NULL,
    settings {text} NOT NULL,
    PRIMARY KEY (pool_id, client_id)
){wide};

-- What happened to users' accounts. Ids sort by time.
CREATE TABLE auth_events (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    event_id {text} NOT NULL,
    created_at {int} NOT NULL,
    -- 1 for a sign-in that came to its end.
    is_sign_in {int} NOT NULL,
    content {text} NOT NULL,
    PRIMARY KEY (pool_id, sub, event_id)
){wide};
CREATE INDEX auth_events_by_age ON auth_events (created_at);
CREATE INDEX auth_events_of_sign_ins ON auth_events (pool_id, sub, event_id) WHERE is_sign_in = 1;

-- Deleted users whose events are being removed in the background.
CREATE TABLE deleted_event_owners (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    -- 0 until the background work has seen the row.
    deleted_at {int} NOT NULL,
    PRIMARY KEY (pool_id, sub)
){compact};
CREATE INDEX deleted_event_owners_in_order ON deleted_event_owners (deleted_at);

-- Where the logs of a pool go.
CREATE TABLE log_deliveries (
    pool_id {text} NOT NULL PRIMARY KEY,
    configurations {text} NOT NULL
){wide};
