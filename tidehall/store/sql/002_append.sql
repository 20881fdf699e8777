-- Append: one statement, one transaction, one round trip, for one hall or several (laws 3, 4 and 6).
--
-- Every writer of a hall first locks the hall's row. What is checked afterwards can therefore not change before the
-- commit, and no unique index is ever hit: each conflict is an outcome of its own hall and leaves the others alone.
-- Halls are locked in the order of their names, so that two flushes cannot wait for each other.
-- `place` says by position (1, 2, …) to which entry of halls a row belongs. One array of rows costs half of ten
-- arrays of columns, here and in the driver.

CREATE TYPE tidehall.new_fact AS (
    place integer, seq bigint, at bigint, due bigint, kind text, version integer, body bytea, actor text, cause text,
    digest bytea
);
CREATE TYPE tidehall.new_command AS (
    place integer, principal text, key text, fingerprint bytea, body bytea, now bigint, first_seq bigint,
    last_seq bigint, status integer, answer bytea
);
CREATE TYPE tidehall.new_sealed AS (place integer, id text, kind text, lookup bytea, sealed bytea);

CREATE FUNCTION tidehall.append(
    halls text[], expected_seqs bigint[], expected_digests bytea[], new_seqs bigint[], new_digests bytea[],
    facts tidehall.new_fact[], commands tidehall.new_command[], sealed_rows tidehall.new_sealed[]
) RETURNS TABLE (place integer, outcome text, epoch text, seq bigint, digest bytea)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    winners integer[] := '{}';
    found_hall record;
BEGIN
    FOR found_hall IN
        SELECT asked.place::integer AS place, asked.hall, asked.expected_seq, asked.expected_digest,
               kept.epoch, kept.seq, kept.digest
        FROM unnest(halls, expected_seqs, expected_digests)
             WITH ORDINALITY AS asked (hall, expected_seq, expected_digest, place)
        JOIN tidehall.hall AS kept ON kept.hall = asked.hall
        ORDER BY kept.hall
        FOR NO KEY UPDATE OF kept
    LOOP
        place := found_hall.place;
        epoch := found_hall.epoch;
        seq := found_hall.seq;
        digest := found_hall.digest;
        -- A known command is told before a moved head: a repeat after a lost answer must find its first answer.
        -- LIMIT keeps each look-up a look-up: planned on empty tables, a join would read all commands of the hall.
        IF EXISTS (
            SELECT FROM unnest(commands) AS given
            CROSS JOIN LATERAL (
                SELECT FROM tidehall.command AS kept
                WHERE kept.hall = found_hall.hall AND kept.principal = given.principal AND kept.key = given.key
                LIMIT 1
            ) AS known
            WHERE given.place = found_hall.place
        ) THEN
            outcome := 'repeated';
        ELSIF found_hall.seq <> found_hall.expected_seq OR found_hall.digest <> found_hall.expected_digest THEN
            outcome := 'behind';
        ELSIF EXISTS (
            SELECT FROM unnest(sealed_rows) AS given
            CROSS JOIN LATERAL (
                SELECT FROM tidehall.sealed AS kept
                WHERE kept.hall = found_hall.hall AND kept.id = given.id
                LIMIT 1
            ) AS known
            WHERE given.place = found_hall.place
        ) OR EXISTS (
            SELECT FROM unnest(sealed_rows) AS given
            CROSS JOIN LATERAL (
                SELECT FROM tidehall.sealed AS kept
                WHERE kept.hall = found_hall.hall AND kept.lookup = given.lookup
                LIMIT 1
            ) AS known
            WHERE given.place = found_hall.place
        ) THEN
            outcome := 'person_exists';
        ELSE
            outcome := 'committed';
            winners := winners || found_hall.place;
            seq := new_seqs[found_hall.place];
            digest := new_digests[found_hall.place];
        END IF;
        RETURN NEXT;
    END LOOP;

    UPDATE tidehall.hall AS kept
    SET seq = new_seqs[given.place], digest = new_digests[given.place]
    FROM unnest(winners) AS given (place)
    WHERE kept.hall = halls[given.place];

    INSERT INTO tidehall.event (hall, seq, at, due, kind, version, body, actor, cause, digest)
    SELECT halls[given.place], given.seq, given.at, given.due, given.kind, given.version, given.body, given.actor,
           given.cause, given.digest
    FROM unnest(facts) AS given
    WHERE given.place = ANY (winners);

    INSERT INTO tidehall.command
        (hall, principal, key, fingerprint, body, now, first_seq, last_seq, status, answer)
    SELECT halls[given.place], given.principal, given.key, given.fingerprint, given.body, given.now, given.first_seq,
           given.last_seq, given.status, given.answer
    FROM unnest(commands) AS given
    WHERE given.place = ANY (winners);

    INSERT INTO tidehall.sealed (hall, id, kind, lookup, sealed)
    SELECT halls[given.place], given.id, given.kind, given.lookup, given.sealed
    FROM unnest(sealed_rows) AS given
    WHERE given.place = ANY (winners);
END
$$;

-- Keeps the newest three snapshots of each schema, so that a step back to the last release still finds its own.
CREATE FUNCTION tidehall.save_snapshot(
    the_hall text, the_seq bigint, the_schema integer, the_body bytea, the_digest bytea
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO tidehall.snapshot (hall, seq, schema, body, digest)
    VALUES (the_hall, the_seq, the_schema, the_body, the_digest)
    ON CONFLICT (hall, schema, seq)
    DO UPDATE SET body = excluded.body, digest = excluded.digest, made_at = clock_timestamp();

    DELETE FROM tidehall.snapshot AS old
    WHERE old.hall = the_hall AND old.schema = the_schema AND old.seq < (
        SELECT min(newest.seq) FROM (
            SELECT kept.seq FROM tidehall.snapshot AS kept
            WHERE kept.hall = the_hall AND kept.schema = the_schema ORDER BY kept.seq DESC LIMIT 3
        ) AS newest
    );
END
$$;
