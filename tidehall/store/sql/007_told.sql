-- How far people outside have been told what the journal holds (fees, alerts): each event at most once, whichever
-- server tells it. Not made from the journal: what was sent is sent.

CREATE TABLE tidehall.told (
    hall text NOT NULL,
    what text NOT NULL,    -- messages of one kind
    seq  bigint NOT NULL,  -- everything up to this event
    PRIMARY KEY (hall, what)
);
