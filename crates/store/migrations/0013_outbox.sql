-- Messages that wait to be sent.
CREATE TABLE outbox (
    id {text} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    -- Whom it is about; empty for a message that nobody gets.
    sub {text} NOT NULL,
    medium {text} NOT NULL,
    created_at {int} NOT NULL,
    -- When it is to be tried next, or the lease of who tries it ends. Null once it was given up.
    due_at {int},
    attempts {int} NOT NULL,
    -- The process that has taken it, empty at first.
    courier {text} NOT NULL,
    -- When it is of no use any more.
    gone_at {int} NOT NULL,
    -- Why it was not sent the last time.
    failure {text} NOT NULL,
    sealed_message {blob} NOT NULL
){wide};
CREATE INDEX outbox_due ON outbox (medium, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_given_up ON outbox (id) WHERE due_at IS NULL;
CREATE INDEX outbox_of_user ON outbox (pool_id, sub);
CREATE INDEX outbox_gone ON outbox (gone_at);
