-- Passwords that users replaced, in pools that remember them. `position` is the version of the
-- user's row when the password was replaced, so that later ones have higher positions.
CREATE TABLE former_passwords (
    pool_id {text} NOT NULL,
    sub {text} NOT NULL,
    position {int} NOT NULL,
    sealed_password {blob} NOT NULL,
    PRIMARY KEY (pool_id, sub, position)
){wide};
