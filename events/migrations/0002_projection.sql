-- What the projector remembers beside the read models themselves. Run by events/migrate.py as the owner.

CREATE SCHEMA projection;

-- Each schema that holds a read model's tables, and the position up to which they were made from the log. The row moves
-- in the transaction that writes the tables, and only from the position that its runner believes in: a second runner
-- waits for the first and then finds another position.
CREATE TABLE projection.checkpoints (
    schema   text COLLATE "C" PRIMARY KEY,
    model    text COLLATE "C" NOT NULL,
    version  integer NOT NULL,
    position bigint NOT NULL CHECK (position >= 0)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Which schema the views of a read model show, and which they showed before.
CREATE TABLE projection.serving (
    model    text COLLATE "C" PRIMARY KEY,
    schema   text COLLATE "C" NOT NULL REFERENCES projection.checkpoints,
    previous text COLLATE "C" REFERENCES projection.checkpoints ON DELETE SET NULL
);

-- Events that a schema does not hold because its fold failed on them, or on an earlier event of their stream
-- (`cause_position`). The model is built anew once the fold is mended; nothing is folded in later.
CREATE TABLE projection.parked (
    schema         text COLLATE "C" NOT NULL REFERENCES projection.checkpoints ON DELETE CASCADE,
    position       bigint NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    type           text COLLATE "C" NOT NULL,
    cause_position bigint NOT NULL,
    error          text NOT NULL,
    PRIMARY KEY (schema, position)
);

-- Copies of the read models as they stood at a position, made by the same folds for whoever looks back.
CREATE TABLE projection.scratch (
    position  bigint PRIMARY KEY,
    is_ready  boolean NOT NULL DEFAULT false,
    last_used timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA projection TO ovop_projector, ovop_reader, ovop_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA projection TO ovop_projector, ovop_reader, ovop_writer;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA projection TO ovop_projector;
