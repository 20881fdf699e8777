-- The tables of the store (design.md section 7). Times in bigint columns are microseconds since the Unix epoch, UTC.

CREATE TABLE tidehall.hall (
    hall       text PRIMARY KEY,
    epoch      text NOT NULL,
    seq        bigint NOT NULL CHECK (seq >= 0),
    digest     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50); -- one row that is updated with every flush: leave room to do so in place

CREATE TABLE tidehall.event (
    hall    text NOT NULL, -- no foreign key: append joins the locked row of the hall, a check per event would be dear
    seq     bigint NOT NULL CHECK (seq > 0),
    at      bigint NOT NULL,
    due     bigint,
    kind    text NOT NULL,
    version integer NOT NULL,
    body    bytea NOT NULL,
    actor   text NOT NULL,
    cause   text NOT NULL,
    digest  bytea NOT NULL,
    PRIMARY KEY (hall, seq)
);

CREATE TABLE tidehall.command (
    hall        text NOT NULL,
    principal   text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    body        bytea NOT NULL,
    now         bigint NOT NULL,
    first_seq   bigint NOT NULL,
    last_seq    bigint NOT NULL,
    status      integer NOT NULL,
    answer      bytea, -- null once it is purged; the rest stays for audit
    PRIMARY KEY (hall, principal, key)
);
CREATE INDEX command_by_seq ON tidehall.command (hall, first_seq);

CREATE TABLE tidehall.sealed (
    hall   text NOT NULL,
    id     text NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('holder', 'text')),
    lookup bytea,
    sealed bytea NOT NULL,
    PRIMARY KEY (hall, id)
);
CREATE UNIQUE INDEX sealed_by_lookup ON tidehall.sealed (hall, lookup) WHERE lookup IS NOT NULL;

CREATE TABLE tidehall.snapshot (
    hall    text NOT NULL,
    seq     bigint NOT NULL,
    schema  integer NOT NULL,
    body    bytea NOT NULL,
    digest  bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hall, schema, seq)
);
