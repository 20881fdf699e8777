-- Read models: what is folded from the journal for questions that a hall's state cannot answer (design.md section 7).
-- Everything here can be dropped and made again. No persons: bodies hold the ids under which they are sealed (law 11).

CREATE TABLE tidehall.projection ( -- how far each one has come; whoever moves `seq` says where it found it
    hall    text NOT NULL,
    name    text NOT NULL,
    epoch   text NOT NULL,    -- of which journal
    version integer NOT NULL, -- of the rows' form and meaning
    seq     bigint NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (hall, name)
) WITH (fillfactor = 50);

CREATE TABLE tidehall.case_register ( -- every case as the engine had it last
    hall    text NOT NULL,
    "case"  text NOT NULL,
    receipt text NOT NULL,
    seq     bigint NOT NULL, -- of the case's last change
    body    bytea NOT NULL,
    PRIMARY KEY (hall, "case")
);
CREATE INDEX case_by_receipt ON tidehall.case_register (hall, receipt);

CREATE TABLE tidehall.event_name ( -- which events name a thing: a ticket, a case, a hand-off, a question, a matter
    hall text NOT NULL,
    name text NOT NULL,
    seq  bigint NOT NULL,
    PRIMARY KEY (hall, name, seq)
);
