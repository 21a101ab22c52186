-- Groups of users. What the words in braces mean is in 0001_initial.sql.

-- A group has an id beside its name, drawn when it is made. Memberships name the id, so that those
-- of a deleted group can never become those of a later group with the same name.
CREATE TABLE groups (
    pool_id {text} NOT NULL,
    -- The name, folded: names that differ by case only are the same.
    name_key {text} NOT NULL,
    id {text} NOT NULL,
    name {text} NOT NULL,
    description {text},
    role_arn {text},
    precedence {int},
    created_at {int} NOT NULL,
    modified_at {int} NOT NULL,
    PRIMARY KEY (pool_id, name_key)
){wide};
CREATE UNIQUE INDEX groups_by_id ON groups (pool_id, id);

CREATE TABLE memberships (
    pool_id {text} NOT NULL,
    group_id {text} NOT NULL,
    sub {text} NOT NULL,
    PRIMARY KEY (pool_id, group_id, sub)
){compact};
CREATE UNIQUE INDEX memberships_by_user ON memberships (pool_id, sub, group_id);

-- Groups whose memberships are being removed in the background.
CREATE TABLE deleted_groups (
    pool_id {text} NOT NULL,
    group_id {text} NOT NULL,
    deleted_at {int} NOT NULL,
    PRIMARY KEY (pool_id, group_id)
){compact};
CREATE INDEX deleted_groups_in_order ON deleted_groups (deleted_at);
