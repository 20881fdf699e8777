-- Who works in the halls: accounts, their sessions, and who changed what of them (R9, R112-R114).
-- Times in bigint columns are microseconds since the Unix epoch, UTC.

CREATE TABLE tidehall.account (
    staff       text PRIMARY KEY,
    login       text NOT NULL UNIQUE,
    employer    text,              -- the department that dispatched the person; null is the hall authority (R113)
    active      boolean NOT NULL,
    must_change boolean NOT NULL,  -- the password was set by somebody else
    password    text NOT NULL,     -- argon2, encoded with its parameters and salt
    posts       jsonb NOT NULL,
    created_at  bigint NOT NULL
);

CREATE TABLE tidehall.account_name ( -- a person's name, sealed like all names and erasable alone (law 11)
    staff  text PRIMARY KEY REFERENCES tidehall.account (staff),
    id     text NOT NULL,
    sealed bytea NOT NULL
);

CREATE TABLE tidehall.session (
    digest     bytea PRIMARY KEY, -- sha256 of the token, which only the browser has
    staff      text NOT NULL REFERENCES tidehall.account (staff),
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    ends_at    bigint NOT NULL
);
CREATE INDEX session_by_staff ON tidehall.session (staff);

CREATE TABLE tidehall.account_change ( -- by its key a repeated request is known; the rows stay for audit
    actor       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    at          bigint NOT NULL,
    action      text NOT NULL,
    staff       text NOT NULL, -- '*': everybody
    posts       jsonb,         -- as they were from then on, where they changed
    PRIMARY KEY (actor, key)
);
CREATE INDEX account_change_by_staff ON tidehall.account_change (staff, at);
