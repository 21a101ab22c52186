-- Who else may vouch for the users of a pool, and whose identities there are linked to which user.

CREATE TABLE identity_providers (
    pool_id {text} NOT NULL,
    name {text} NOT NULL,
    provider_type {text} NOT NULL,
    created_at {int} NOT NULL,
    modified_at {int} NOT NULL,
    -- With the provider's details, but without secrets.
    settings {text} NOT NULL,
    sealed_secrets {blob} NOT NULL,
    -- What the metadata of a SAML provider said when it was last read.
    saml {text},
    version {int} NOT NULL,
    PRIMARY KEY (pool_id, name)
){wide};

CREATE TABLE idp_identifiers (
    pool_id {text} NOT NULL,
    identifier {text} NOT NULL,
    provider_name {text} NOT NULL,
    PRIMARY KEY (pool_id, identifier)
){compact};
CREATE INDEX idp_identifiers_by_provider ON idp_identifiers (pool_id, provider_name);

CREATE TABLE linked_identities (
    pool_id {text} NOT NULL,
    provider_name {text} NOT NULL,
    attribute_name {text} NOT NULL,
    attribute_value {text} NOT NULL,
    sub {text} NOT NULL,
    -- 1 if the user came to be by signing in with it; others were linked by an administrator.
    is_primary {int} NOT NULL,
    PRIMARY KEY (pool_id, provider_name, attribute_name, attribute_value)
){compact};
CREATE INDEX linked_identities_by_user ON linked_identities (pool_id, sub);

-- The key with which a pool signs SAML requests, and its newest certificate.
CREATE TABLE saml_keys (
    pool_id {text} NOT NULL PRIMARY KEY,
    sealed_pkcs8 {blob} NOT NULL,
    certificate {blob} NOT NULL,
    issued_at {int} NOT NULL
){wide};
