-- Sessions that users can see and end, and the settings about them. What the words in braces mean
-- is in 0001_initial.sql.

-- Null while never set.
ALTER TABLE user_pools ADD COLUMN session_tracking {int};
ALTER TABLE user_pools ADD COLUMN sessions_per_user {int};
ALTER TABLE app_clients ADD COLUMN sso_minutes {int};

-- In pools that track sessions, one row for each chain of refresh tokens ('TOKEN') and for each
-- browser that signed in at the managed login pages ('SSO').
CREATE TABLE user_sessions (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    id {text} NOT NULL,
    kind {text} NOT NULL,
    slot {int} NOT NULL,
    client_id {text} NOT NULL,
    created_at {int} NOT NULL,
    last_active_at {int} NOT NULL,
    device {text} NOT NULL,
    address {text},
    origin_session_id {text},
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, sub, id)
){wide};
-- Keeps to the maximum of sessions when sign-ins of one user meet.
CREATE UNIQUE INDEX user_sessions_by_slot ON user_sessions (pool_id, sub, kind, slot);
CREATE INDEX user_sessions_expiry ON user_sessions (expires_at);
