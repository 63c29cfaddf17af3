-- The log, what is kept beside it, and the roles that may touch it. Run by events/migrate.py as the owner.

CREATE SCHEMA log;
CREATE SCHEMA quarantine;
CREATE SCHEMA access;
CREATE SCHEMA personal;

CREATE TABLE log.events (
    position     bigint PRIMARY KEY CHECK (position > 0),
    event_id     uuid NOT NULL UNIQUE,
    -- The hash of what the sender sent; NULL on the second and later events of one request, which follow the first
    -- without a gap. So a request ends where the next hash begins.
    request_hash bytea,
    stream       text COLLATE "C" NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    type         text COLLATE "C" NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    leaf         bytea NOT NULL,
    leaf_hash    bytea NOT NULL,
    UNIQUE (stream, version)
);
COMMENT ON COLUMN log.events.leaf IS
    'RFC 8785 bytes of the whole event with its nonce and recorded_at, final; position and version are not in it';
COMMENT ON COLUMN log.events.leaf_hash IS 'sha256(0x00 || leaf), the leaf of a Merkle tree as in RFC 6962';

-- Whoever appends holds this one row locked until commit, so positions are given in the order of commits. It is only
-- ever locked: a row that every append updated would leave a chain of dead versions behind any open snapshot, and the
-- append would slow down with each of them.
CREATE TABLE log.head (one boolean PRIMARY KEY CHECK (one));
INSERT INTO log.head VALUES (true);

-- What the founding event fixed for ever.
CREATE TABLE log.network (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    network text COLLATE "C" NOT NULL,
    clock   text COLLATE "C" NOT NULL CHECK (clock IN ('real', 'simulated'))
);

-- Bytes that must be erasable, beside the event that holds their hash: reports that could not be understood,
-- documents of other systems.
CREATE TABLE quarantine.messages (
    event_id    uuid PRIMARY KEY,
    stream      text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    content     bytea NOT NULL
);

CREATE TABLE access.keys (
    prefix     text COLLATE "C" PRIMARY KEY,
    sha256     bytea NOT NULL UNIQUE,
    actor      text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('till', 'admin', 'integrator')),
    outlet     text COLLATE "C",
    scopes     text[] COLLATE "C" NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON COLUMN access.keys.sha256 IS 'of the whole key; the key itself is shown once and kept nowhere';

-- Names, phones, free text. The log holds only the commitment; forgetting deletes the row, value and salt.
CREATE TABLE personal.vault (
    commitment bytea PRIMARY KEY,
    subject    text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    value      text NOT NULL,
    salt       bytea NOT NULL CHECK (octet_length(salt) >= 16),
    stored_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vault_subject ON personal.vault (subject, kind);

CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is never changed: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'OV002';
END $$;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
CREATE TRIGGER never_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON log.head
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log.network
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();

-- Appends one group of requests; one call, one commit.
--
-- The first nine arrays have an element for each event, the next three for each request; `distinct_streams` has each
-- stream once and `stream_numbers` points into it. `expected_versions` is NULL for a fact (any version).
-- No event id occurs twice in a call: the caller holds a repeated one for the next group.
-- `given_recorded_at` is NULL unless some event brings its own instant, `contents` unless some bring bytes to quarantine.
--
-- Answers one row for each request, in order:
--   outcome 0 appended, 1 duplicate, 2 conflict, 3 lost race; `first` and `last` are its positions (a conflict's: of
--   what is stored under its id; a lost race's `first` is the stream's actual version).
CREATE FUNCTION log.append(
    event_ids uuid[], request_hashes bytea[], streams text[], types text[], occurred timestamptz[], actors text[],
    heads bytea[], tails bytea[],
    sizes integer[], expected_versions integer[], stream_numbers integer[], distinct_streams text[],
    given_recorded_at timestamptz[], contents bytea[]
) RETURNS TABLE (outcome integer, first bigint, last bigint, recorded_at timestamptz, leaf_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    requests       integer := cardinality(sizes);
    events         integer := cardinality(event_ids);
    before         bigint;
    next_position  bigint;
    previous       timestamptz;
    stamp          timestamptz;
    any_known      boolean;
    known          bigint[];
    current        integer[];
    positions      bigint[] := array_fill(NULL::bigint, ARRAY[events]);
    versions       integer[] := array_fill(NULL::integer, ARRAY[events]);
    stamps         timestamptz[];
    hashes         bytea[];
    outcomes       integer[] := array_fill(0, ARRAY[requests]);
    firsts         bigint[] := array_fill(NULL::bigint, ARRAY[requests]);
    event          integer := 1;
    stream_number  integer;
    version_now    integer;
    found_at       bigint;
    stored         record;
BEGIN
    PERFORM 1 FROM log.head WHERE one FOR UPDATE;

    -- A statement of its own: its snapshot is younger than the lock, so it sees what the last holder committed.
    SELECT e.position, e.recorded_at INTO before, previous FROM log.events e ORDER BY e.position DESC LIMIT 1;
    before := coalesce(before, 0);
    next_position := before + 1;
    previous := coalesce(previous, '-infinity');
    stamp := greatest(previous, clock_timestamp());

    SELECT count((SELECT e.position FROM log.events e WHERE e.event_id = u.id)) > 0 INTO any_known
    FROM unnest(event_ids) AS u(id);
    IF any_known THEN
        SELECT array_agg((SELECT e.position FROM log.events e WHERE e.event_id = u.id) ORDER BY u.n) INTO known
        FROM unnest(event_ids) WITH ORDINALITY AS u(id, n);
    END IF;
    SELECT array_agg(coalesce(
        (SELECT e.version FROM log.events e WHERE e.stream = s.stream ORDER BY e.version DESC LIMIT 1), 0) ORDER BY s.n)
    INTO current FROM unnest(distinct_streams) WITH ORDINALITY AS s(stream, n);

    FOR request IN 1 .. requests LOOP
        stream_number := stream_numbers[request];
        version_now := current[stream_number];
        found_at := NULL;
        IF any_known THEN
            FOR i IN event .. event + sizes[request] - 1 LOOP
                found_at := coalesce(found_at, known[i]);
            END LOOP;
        END IF;
        IF found_at IS NOT NULL THEN
            outcomes[request] := CASE WHEN known[event] IS NOT NULL AND EXISTS (
                SELECT 1 FROM log.events e WHERE e.position = known[event] AND e.request_hash = request_hashes[event]
            ) THEN 1 ELSE 2 END;
            firsts[request] := found_at;
        ELSIF expected_versions[request] <> version_now THEN
            outcomes[request] := 3;
            firsts[request] := version_now;
        ELSE
            firsts[request] := next_position;
            FOR i IN event .. event + sizes[request] - 1 LOOP
                version_now := version_now + 1;
                positions[i] := next_position;
                versions[i] := version_now;
                next_position := next_position + 1;
            END LOOP;
            current[stream_number] := version_now;
        END IF;
        event := event + sizes[request];
    END LOOP;

    IF next_position > before + 1 THEN
        IF 'network.network_founded.v1' = ANY (types) THEN
            INSERT INTO log.network (network, clock)
            SELECT founded.data ->> 'network', founded.data ->> 'clock'
            FROM unnest(types, heads, tails, positions) AS u(type, head, tail, position),
                 LATERAL (SELECT convert_from(u.head || u.tail, 'UTF8')::jsonb -> 'data' AS data) AS founded
            WHERE u.type = 'network.network_founded.v1' AND u.position IS NOT NULL
            ORDER BY u.position
            ON CONFLICT DO NOTHING;
        END IF;
        IF given_recorded_at IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM log.network n WHERE n.clock = 'simulated') THEN
            RAISE EXCEPTION 'a network with a real clock takes no recorded_at from outside' USING ERRCODE = 'OV001';
        END IF;
        IF given_recorded_at IS NULL THEN
            WITH appended AS (
                INSERT INTO log.events
                SELECT u.position, u.event_id, u.request_hash, u.stream, u.version, u.type, u.occurred_at, stamp,
                       u.actor, l.leaf, sha256('\x00'::bytea || l.leaf)
                FROM unnest(positions, event_ids, request_hashes, streams, versions, types, occurred, actors, heads, tails)
                     AS u(position, event_id, request_hash, stream, version, type, occurred_at, actor, head, tail),
                     LATERAL (SELECT u.head || log.instant(stamp) || u.tail AS leaf) AS l
                WHERE u.position IS NOT NULL
                RETURNING events.position, events.leaf_hash
            )
            SELECT array_agg(a.leaf_hash ORDER BY a.position) INTO hashes FROM appended a;
        ELSE
            WITH stamped AS (
                SELECT u.*, greatest(previous, max(coalesce(u.given, stamp)) OVER (ORDER BY u.position)) AS recorded_at
                FROM unnest(positions, event_ids, request_hashes, streams, versions, types, occurred, actors, heads, tails,
                            given_recorded_at)
                     AS u(position, event_id, request_hash, stream, version, type, occurred_at, actor, head, tail, given)
                WHERE u.position IS NOT NULL
            ), appended AS (
                INSERT INTO log.events
                SELECT s.position, s.event_id, s.request_hash, s.stream, s.version, s.type, s.occurred_at, s.recorded_at,
                       s.actor, l.leaf, sha256('\x00'::bytea || l.leaf)
                FROM stamped s, LATERAL (SELECT s.head || log.instant(s.recorded_at) || s.tail AS leaf) AS l
                RETURNING events.position, events.recorded_at, events.leaf_hash
            )
            SELECT array_agg(a.leaf_hash ORDER BY a.position), array_agg(a.recorded_at ORDER BY a.position)
            INTO hashes, stamps FROM appended a;
        END IF;
        IF contents IS NOT NULL THEN
            INSERT INTO quarantine.messages (event_id, stream, recorded_at, content)
            SELECT u.event_id, u.stream, coalesce(stamps[u.position - before], stamp), u.content
            FROM unnest(event_ids, streams, positions, contents) AS u(event_id, stream, position, content)
            WHERE u.position IS NOT NULL AND u.content IS NOT NULL;
        END IF;
        PERFORM pg_notify('ovop_log', (next_position - 1)::text);
    END IF;

    FOR request IN 1 .. requests LOOP
        outcome := outcomes[request];
        first := firsts[request];
        IF outcome = 0 THEN
            last := first + sizes[request] - 1;
            recorded_at := coalesce(stamps[first - before], stamp);
            leaf_hash := hashes[first - before];
        ELSIF outcome = 3 THEN
            last := NULL;
            recorded_at := NULL;
            leaf_hash := NULL;
        ELSE
            SELECT e.recorded_at, e.leaf_hash INTO stored FROM log.events e WHERE e.position = first;
            recorded_at := stored.recorded_at;
            leaf_hash := stored.leaf_hash;
            last := log.last_of_request(first);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- RFC 3339 in UTC with microseconds, as bytes: how every instant stands in a leaf.
CREATE FUNCTION log.instant(moment timestamptz) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN convert_to(to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8');

-- The last position of the request that begins at this one.
CREATE FUNCTION log.last_of_request(first_position bigint) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(
    (SELECT e.position - 1 FROM log.events e
     WHERE e.position > first_position AND e.request_hash IS NOT NULL ORDER BY e.position LIMIT 1),
    (SELECT e.position FROM log.events e ORDER BY e.position DESC LIMIT 1));

-- The greatest position recorded at or before a moment, 0 if none: recorded_at never falls from one position to the
-- next and there are no gaps, so halving finds it without an index that every append would have to feed.
CREATE FUNCTION log.position_at(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low  bigint := 0;
    high bigint := coalesce((SELECT e.position FROM log.events e ORDER BY e.position DESC LIMIT 1), 0);
    middle bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM log.events e WHERE e.position = middle) <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;

-- Who may do what. The owner has no login; the writer appends by the one function and by nothing else.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA log FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA log, quarantine, access, personal FROM PUBLIC;

GRANT USAGE ON SCHEMA log TO ovop_writer, ovop_relay, ovop_projector, ovop_reader;
GRANT SELECT ON log.events, log.network TO ovop_writer, ovop_relay, ovop_projector, ovop_reader;
GRANT EXECUTE ON FUNCTION log.position_at, log.last_of_request TO ovop_writer, ovop_relay, ovop_projector, ovop_reader;

GRANT EXECUTE ON FUNCTION log.append TO ovop_writer;
GRANT USAGE ON SCHEMA quarantine, access, personal TO ovop_writer;
GRANT SELECT, DELETE ON quarantine.messages TO ovop_writer;
GRANT SELECT, INSERT ON access.keys TO ovop_writer;
GRANT UPDATE (expires_at, revoked_at) ON access.keys TO ovop_writer;
GRANT SELECT, INSERT, DELETE ON personal.vault TO ovop_writer;
