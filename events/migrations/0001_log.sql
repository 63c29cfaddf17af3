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
-- `sizes` has the number of events of each request; every other array has an element for each event, but for
-- `distinct_streams`, which has each stream once. `stream_numbers` points into it, `offsets` counts 1, 2, 3 ... the
-- group's events of each stream. `expected_versions` is NULL, whole or at an event, where any version is right; it is
-- read at the first event of a request. `given_recorded_at` is NULL unless some event brings its own instant,
-- `contents` unless some bring bytes to quarantine. No event id occurs twice in a call: the caller holds a repeated
-- one for the next group.
--
-- Answers one row for each event, in order; a request's answer is that of its first.
--   outcome 0 appended, 1 duplicate, 2 conflict, 3 lost race. `first` and `last` are positions: of this event, of what
--   is stored under the request's id; a lost race's `first` is the stream's actual version.
CREATE FUNCTION log.append(
    event_ids uuid[], request_hashes bytea[], streams text[], types text[], occurred timestamptz[], actors text[],
    heads bytea[], tails bytea[],
    sizes integer[], expected_versions integer[], stream_numbers integer[], offsets integer[], distinct_streams text[],
    given_recorded_at timestamptz[], contents bytea[]
) RETURNS TABLE (outcome integer, first bigint, last bigint, recorded_at timestamptz, leaf_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    before      bigint;
    previous    timestamptz;
    stamp       timestamptz;
    stamp_bytes bytea;
    any_known   boolean;
    any_lost    boolean := false;
    current     integer[];
BEGIN
    PERFORM 1 FROM log.head WHERE one FOR UPDATE;

    -- A statement of its own: its snapshot is younger than the lock, so it sees what the last holder committed.
    SELECT coalesce((SELECT e.position FROM log.events e ORDER BY e.position DESC LIMIT 1), 0),
           coalesce((SELECT e.recorded_at FROM log.events e ORDER BY e.position DESC LIMIT 1), '-infinity'),
           EXISTS (SELECT 1 FROM log.events e WHERE e.event_id = ANY (event_ids)),
           (SELECT array_agg(coalesce((SELECT e.version FROM log.events e WHERE e.stream = s.stream
                                       ORDER BY e.version DESC LIMIT 1), 0) ORDER BY s.n)
            FROM unnest(distinct_streams) WITH ORDINALITY AS s(stream, n))
    INTO before, previous, any_known, current;
    stamp := greatest(previous, clock_timestamp());

    IF expected_versions IS NOT NULL THEN
        SELECT coalesce(bool_or(u.expected_version <> current[u.stream_number] + u.number - 1), false) INTO any_lost
        FROM unnest(expected_versions, stream_numbers, offsets) AS u(expected_version, stream_number, number);
    END IF;
    IF any_known OR any_lost OR given_recorded_at IS NOT NULL OR contents IS NOT NULL
       OR 'network.network_founded.v1' = ANY (types) THEN
        RETURN QUERY SELECT * FROM log.append_each(
            event_ids, request_hashes, streams, types, occurred, actors, heads, tails, sizes, expected_versions,
            stream_numbers, current, given_recorded_at, contents, before, previous, stamp);
        RETURN;
    END IF;

    -- The common case: everything is new and nothing lost a race.
    stamp_bytes := log.instant(stamp);
    RETURN QUERY
    INSERT INTO log.events
    SELECT before + n, event_ids[n], request_hashes[n], streams[n], current[stream_numbers[n]] + offsets[n], types[n],
           occurred[n], stamp, actors[n], l.leaf, sha256('\x00'::bytea || l.leaf)
    FROM generate_series(1, cardinality(event_ids)) AS n,
         LATERAL (SELECT heads[n] || stamp_bytes || tails[n] AS leaf OFFSET 0) AS l
    RETURNING 0, events.position, events.position, events.recorded_at, events.leaf_hash;
    PERFORM pg_notify('ovop_log', (before + cardinality(event_ids))::text);
END $$;

-- The same for the commonest group of all: one request of one event, new and first in its race. Anything else it passes
-- on, so it decides nothing of its own. Without arrays it takes less than half the time.
CREATE FUNCTION log.append_one(
    event_id uuid, request_hash bytea, stream text, type text, occurred_at timestamptz, actor text,
    head bytea, tail bytea, expected_version integer,
    OUT outcome integer, OUT first bigint, OUT last bigint, OUT recorded_at timestamptz, OUT leaf_hash bytea
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    known    bigint;
    current  integer;
    previous timestamptz;
    leaf     bytea;
    notified text;
BEGIN
    PERFORM 1 FROM log.head WHERE one FOR UPDATE;

    -- A statement of its own, as in log.append. No row: the log is empty.
    SELECT e.position, e.recorded_at,
           (SELECT k.position FROM log.events k WHERE k.event_id = append_one.event_id),
           (SELECT s.version FROM log.events s WHERE s.stream = append_one.stream ORDER BY s.version DESC LIMIT 1)
    INTO last, previous, known, current
    FROM log.events e ORDER BY e.position DESC LIMIT 1;
    current := coalesce(current, 0);

    IF known IS NOT NULL OR expected_version <> current OR type = 'network.network_founded.v1' THEN
        SELECT a.* INTO outcome, first, last, recorded_at, leaf_hash FROM log.append(
            ARRAY[event_id], ARRAY[request_hash], ARRAY[stream], ARRAY[type], ARRAY[occurred_at], ARRAY[actor],
            ARRAY[head], ARRAY[tail], ARRAY[1], ARRAY[expected_version], ARRAY[1], ARRAY[1], ARRAY[stream], NULL, NULL
        ) AS a;
        RETURN;
    END IF;

    outcome := 0;
    first := coalesce(last, 0) + 1;
    last := first;
    recorded_at := greatest(previous, clock_timestamp());
    leaf := head || log.instant(recorded_at) || tail;
    leaf_hash := sha256('\x00'::bytea || leaf);
    INSERT INTO log.events VALUES (
        first, event_id, request_hash, stream, current + 1, type, occurred_at, recorded_at, actor, leaf, leaf_hash);
    notified := pg_notify('ovop_log', first::text);  -- an assignment: PERFORM would be a query of its own
END $$;

-- The same, one request after the other: for groups in which some are known, lost a race or bring their own instant.
-- Only ever called by log.append, under its lock.
CREATE FUNCTION log.append_each(
    event_ids uuid[], request_hashes bytea[], streams text[], types text[], occurred timestamptz[], actors text[],
    heads bytea[], tails bytea[],
    sizes integer[], expected_versions integer[], stream_numbers integer[], current integer[],
    given_recorded_at timestamptz[], contents bytea[], before bigint, previous timestamptz, stamp timestamptz
) RETURNS TABLE (outcome integer, first bigint, last bigint, recorded_at timestamptz, leaf_hash bytea)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    events      integer := cardinality(event_ids);
    known       bigint[];
    positions   bigint[] := array_fill(NULL::bigint, ARRAY[events]);
    versions    integer[] := array_fill(NULL::integer, ARRAY[events]);
    stamps      timestamptz[] := array_fill(NULL::timestamptz, ARRAY[events]);
    outcomes    integer[] := array_fill(0, ARRAY[events]);
    found       bigint[] := array_fill(NULL::bigint, ARRAY[events]);
    hashes      bytea[];
    head_now    bigint := before;
    event       integer := 1;
    last_event  integer;
    number      integer;
    known_at    bigint;
    stored      record;
BEGIN
    SELECT array_agg((SELECT e.position FROM log.events e WHERE e.event_id = u.id) ORDER BY u.n) INTO known
    FROM unnest(event_ids) WITH ORDINALITY AS u(id, n);

    FOR request IN 1 .. cardinality(sizes) LOOP
        last_event := event + sizes[request] - 1;
        number := stream_numbers[event];
        known_at := known[event];
        FOR i IN event + 1 .. last_event LOOP
            known_at := coalesce(known_at, known[i]);
        END LOOP;
        IF known_at IS NOT NULL THEN
            found[event] := known_at;
            outcomes[event] := CASE WHEN known[event] IS NOT NULL AND request_hashes[event] = (
                SELECT e.request_hash FROM log.events e WHERE e.position = known_at) THEN 1 ELSE 2 END;
        ELSIF expected_versions[event] <> current[number] THEN
            found[event] := current[number];
            outcomes[event] := 3;
        ELSE
            FOR i IN event .. last_event LOOP
                head_now := head_now + 1;
                current[number] := current[number] + 1;
                previous := greatest(previous, coalesce(given_recorded_at[i], stamp));
                positions[i] := head_now;
                versions[i] := current[number];
                stamps[i] := previous;
            END LOOP;
        END IF;
        event := last_event + 1;
    END LOOP;

    IF head_now > before THEN
        INSERT INTO log.network (network, clock)
        SELECT founded.data ->> 'network', founded.data ->> 'clock'
        FROM unnest(types, heads, tails, positions) AS u(type, head, tail, position),
             LATERAL (SELECT convert_from(u.head || u.tail, 'UTF8')::jsonb -> 'data' AS data OFFSET 0) AS founded
        WHERE u.type = 'network.network_founded.v1' AND u.position IS NOT NULL
        ORDER BY u.position
        ON CONFLICT DO NOTHING;
        IF given_recorded_at IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM log.network n WHERE n.clock = 'simulated') THEN
            RAISE EXCEPTION 'a network with a real clock takes no recorded_at from outside' USING ERRCODE = 'OV001';
        END IF;
        WITH appended AS (
            INSERT INTO log.events
            SELECT u.position, u.event_id, u.request_hash, u.stream, u.version, u.type, u.occurred_at, u.recorded_at,
                   u.actor, l.leaf, sha256('\x00'::bytea || l.leaf)
            FROM unnest(positions, event_ids, request_hashes, streams, versions, types, occurred, stamps, actors, heads,
                        tails)
                 AS u(position, event_id, request_hash, stream, version, type, occurred_at, recorded_at, actor, head,
                      tail),
                 LATERAL (SELECT u.head || log.instant(u.recorded_at) || u.tail AS leaf OFFSET 0) AS l
            WHERE u.position IS NOT NULL
            RETURNING events.position, events.leaf_hash
        )
        SELECT array_agg(a.leaf_hash ORDER BY a.position) INTO hashes FROM appended a;
        INSERT INTO quarantine.messages (event_id, stream, recorded_at, content)
        SELECT u.event_id, u.stream, u.recorded_at, u.content
        FROM unnest(event_ids, streams, positions, stamps, contents) AS u(event_id, stream, position, recorded_at, content)
        WHERE u.position IS NOT NULL AND u.content IS NOT NULL;
        PERFORM pg_notify('ovop_log', head_now::text);
    END IF;

    FOR i IN 1 .. events LOOP
        outcome := outcomes[i];
        first := coalesce(positions[i], found[i]);
        last := first;
        recorded_at := stamps[i];
        leaf_hash := hashes[first - before];
        IF outcome IN (1, 2) THEN
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

GRANT EXECUTE ON FUNCTION log.append, log.append_one TO ovop_writer;
GRANT USAGE ON SCHEMA quarantine, access, personal TO ovop_writer;
GRANT SELECT, DELETE ON quarantine.messages TO ovop_writer;
GRANT SELECT, INSERT ON access.keys TO ovop_writer;
GRANT UPDATE (expires_at, revoked_at) ON access.keys TO ovop_writer;
GRANT SELECT, INSERT, DELETE ON personal.vault TO ovop_writer;
