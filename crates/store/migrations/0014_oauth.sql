-- Authorization codes of the OAuth endpoints. What the words in braces mean is in 0001_initial.sql.

-- Codes that were given and not exchanged yet, under keyed hashes.
CREATE TABLE authorization_codes (
    hash {text} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    grant_content {text} NOT NULL,
    expires_at {int} NOT NULL
){wide};
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);
CREATE INDEX authorization_codes_by_user ON authorization_codes (pool_id, sub);
