-- The APIs that a pool's tokens open, with the scopes that each defines.

CREATE TABLE resource_servers (
    pool_id {text} NOT NULL,
    identifier {text} NOT NULL,
    settings {text} NOT NULL,
    version {int} NOT NULL,
    PRIMARY KEY (pool_id, identifier)
){wide};
