-- Devices that users have confirmed, in pools that track devices. What the words in braces mean is
-- in 0001_initial.sql.

CREATE TABLE devices (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    device_key {text} NOT NULL,
    name {text},
    is_remembered {int} NOT NULL,
    sealed_verifier {blob} NOT NULL,
    last_ip {text},
    -- The sealed session of a sign-in that waits for this device's proof.
    waiting_session {text},
    created_at {int} NOT NULL,
    modified_at {int} NOT NULL,
    last_authenticated_at {int} NOT NULL,
    PRIMARY KEY (pool_id, sub, device_key)
){wide};
