-- Forgetting: a deleted row's bytes stay in its file until the table is written anew, so whoever deletes may do that.

GRANT MAINTAIN ON personal.vault, quarantine.messages TO ovop_writer;

-- Statistics for the planner are samples of the values themselves, and they would outlive them.
ALTER TABLE personal.vault ALTER COLUMN value SET STATISTICS 0, ALTER COLUMN salt SET STATISTICS 0;
ALTER TABLE quarantine.messages ALTER COLUMN content SET STATISTICS 0;

-- Whom something was erased of, when, by whom: pseudonyms and numbers, never a value. After a backup was brought back,
-- these erasures are done once more.
CREATE TABLE personal.erasures (
    erasure     uuid PRIMARY KEY,
    subject     text COLLATE "C" NOT NULL,
    erased_at   timestamptz NOT NULL DEFAULT now(),
    erased_by   text COLLATE "C" NOT NULL,
    commitments text[] COLLATE "C" NOT NULL,
    messages    text[] COLLATE "C" NOT NULL
);
COMMENT ON COLUMN personal.erasures.messages IS 'events whose bytes beside the log were erased';

REVOKE ALL ON personal.erasures FROM PUBLIC;
GRANT SELECT, INSERT ON personal.erasures TO ovop_writer;
