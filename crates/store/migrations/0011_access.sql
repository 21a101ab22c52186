-- What access keys may do, rates that were set, and replicas of user pools.

-- Policy documents by name, as JSON. Keys from before there were policies keep doing everything.
ALTER TABLE access_keys ADD COLUMN policies {text} NOT NULL DEFAULT
    '{"full-access":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"cognito-idp:*\",\"Resource\":\"*\"}]}"}';

CREATE TABLE provisioned_limits (
    category {text} NOT NULL PRIMARY KEY,
    per_second {int} NOT NULL
){compact};

-- One for each pool at most.
CREATE TABLE replicas (
    pool_id {text} NOT NULL PRIMARY KEY,
    region {text} NOT NULL,
    is_active {int} NOT NULL,
    tags {text} NOT NULL,
    created_at {int} NOT NULL
){wide};
CREATE INDEX replicas_by_region ON replicas (region);
