-- Who asked for the books of an earlier position, until they are there. Run by events/migrate.py as the owner.

-- One row for each position that is waited for. Whoever builds them takes the row asked for first, tells in it how far
-- it is, and removes it when the copy is in `projection.scratch`; a row that stays failed, and says why.
CREATE TABLE projection.asked (
    position bigint PRIMARY KEY CHECK (position >= 0),
    asked_by text COLLATE "C" NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state    text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'building', 'failed')),
    reached  bigint NOT NULL DEFAULT 0,
    tries    integer NOT NULL DEFAULT 0,
    error    text
);

GRANT SELECT ON projection.asked TO ovop_projector, ovop_reader, ovop_writer;
GRANT UPDATE, DELETE ON projection.asked TO ovop_projector;

-- The API's own part: it may ask, and say that it looked, and write nothing of a read model. False when as many wait as
-- may wait.
CREATE FUNCTION projection.ask(wanted bigint, who text, waiting_max integer) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM projection.asked WHERE state = 'failed' AND asked_at < clock_timestamp() - interval '1 day';
    IF NOT EXISTS (SELECT FROM projection.asked WHERE position = wanted AND state <> 'failed')
       AND (SELECT count(*) FROM projection.asked WHERE state <> 'failed') >= waiting_max THEN
        RETURN false;
    END IF;
    INSERT INTO projection.asked AS a (position, asked_by) VALUES (wanted, who)
    ON CONFLICT (position) DO UPDATE
        SET asked_by = excluded.asked_by, asked_at = excluded.asked_at, state = 'waiting', reached = 0, tries = 0,
            error = NULL
        WHERE a.state = 'failed';
    NOTIFY ovop_asked;
    RETURN true;
END $$;

CREATE FUNCTION projection.looked_at(seen bigint) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE projection.scratch SET last_used = clock_timestamp()
    WHERE position = seen AND last_used < clock_timestamp() - interval '10 seconds'
$$;

REVOKE ALL ON FUNCTION projection.ask, projection.looked_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projection.ask, projection.looked_at TO ovop_writer;
