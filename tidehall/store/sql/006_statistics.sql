-- Read models of the statistics: what the measures keep, by service day, and waits by quarters of an hour
-- (design.md sections 6 and 7). All of it can be dropped and made again. No persons (law 11).

CREATE TABLE tidehall.day_record ( -- a visit, an opening, a case part … as it was last
    hall     text NOT NULL,
    day      text NOT NULL,    -- YYYY-MM-DD, the service day of its beginning
    sort     text NOT NULL,
    id       text NOT NULL,
    going_on boolean NOT NULL, -- it may change on a later day
    body     bytea NOT NULL,   -- one line of JSON
    PRIMARY KEY (hall, day, sort, id)
) WITH (fillfactor = 70); -- a visit is written some six times
CREATE INDEX day_record_going_on ON tidehall.day_record (hall) WHERE going_on;

CREATE TABLE tidehall.quarter_waits ( -- how long those first called in a quarter of an hour had waited, µs
    hall    text NOT NULL,
    day     text NOT NULL,
    zone    text NOT NULL,
    quarter integer NOT NULL,  -- 0: the first after midnight
    n       bigint NOT NULL,
    sum     bigint NOT NULL,
    longest bigint NOT NULL,
    PRIMARY KEY (hall, day, zone, quarter)
);
