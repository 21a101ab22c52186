-- Domains, the look of pages, and terms documents. What the words in braces mean is in
-- 0001_initial.sql.

-- Names are unique over all pools.
CREATE TABLE domains (
    name {text} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    settings {text} NOT NULL,
    -- Which of the few places for custom domains this one takes; null for a prefix.
    place {int},
    version {int} NOT NULL
){wide};
CREATE INDEX domains_by_pool ON domains (pool_id);
CREATE UNIQUE INDEX domains_by_place ON domains (place) WHERE place IS NOT NULL;

-- Styles of managed login, one for an app client.
CREATE TABLE styles (
    pool_id {text} NOT NULL,
    id {text} NOT NULL,
    client_id {text} NOT NULL,
    settings {text} NOT NULL,
    version {int} NOT NULL,
    PRIMARY KEY (pool_id, id)
){wide};
CREATE UNIQUE INDEX styles_by_client ON styles (client_id);

-- The images of styles.
CREATE TABLE style_assets (
    style_id {text} NOT NULL,
    category {text} NOT NULL,
    color_mode {text} NOT NULL,
    -- Tells images of a category and mode apart, where there can be several; empty elsewhere.
    place {text} NOT NULL,
    pool_id {text} NOT NULL,
    extension {text} NOT NULL,
    resource_id {text},
    bytes {blob} NOT NULL,
    PRIMARY KEY (style_id, category, color_mode, place)
){wide};
CREATE INDEX style_assets_by_pool ON style_assets (pool_id);

-- Style sheets and logos of the classic pages.
CREATE TABLE ui_customizations (
    pool_id {text} NOT NULL,
    -- 'ALL' for all clients that have none of their own.
    client_id {text} NOT NULL,
    css {text},
    logo {blob},
    logo_name {text},
    created_at {int} NOT NULL,
    modified_at {int} NOT NULL,
    PRIMARY KEY (pool_id, client_id)
){wide};

CREATE TABLE terms (
    pool_id {text} NOT NULL,
    id {text} NOT NULL,
    client_id {text} NOT NULL,
    name {text} NOT NULL,
    details {text} NOT NULL,
    version {int} NOT NULL,
    PRIMARY KEY (pool_id, id)
){wide};
CREATE UNIQUE INDEX terms_by_client ON terms (client_id, name);
