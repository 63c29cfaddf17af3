-- Credentials: who may knock, with what. Nothing of it is in the log; what a role may do is (RoleGranted). One database
-- role keeps them and can do nothing else; whoever writes the log can no longer read a key's hash.

REVOKE ALL ON access.keys FROM ovop_writer;
REVOKE UPDATE (expires_at, revoked_at) ON access.keys FROM ovop_writer;
REVOKE USAGE ON SCHEMA access FROM ovop_writer;
GRANT USAGE ON SCHEMA access TO ovop_keeper;

ALTER TABLE access.keys
    ADD COLUMN label        text,
    ADD COLUMN made_by      text COLLATE "C",
    ADD COLUMN last_used_at timestamptz;

-- A device's own key: we hold the public half. `outlet` is set for a till; another device acts in the roles of `actor`.
CREATE TABLE access.devices (
    key_id        text COLLATE "C" PRIMARY KEY,
    actor         text COLLATE "C" NOT NULL,
    outlet        text COLLATE "C",
    algorithm     text COLLATE "C" NOT NULL CHECK (algorithm IN ('ed25519', 'p256')),
    public_key    bytea NOT NULL UNIQUE,
    enrolled_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz,
    last_used_at  timestamptz,
    -- The newest report of the device's chain that we have seen; a judgement about the next one, never a condition.
    chain_counter bigint,
    chain_hash    bytea
);
CREATE INDEX devices_actor ON access.devices (actor);

-- Codes that are used once: to enrol a device, or to choose a password.
CREATE TABLE access.codes (
    sha256     bytea PRIMARY KEY,
    purpose    text COLLATE "C" NOT NULL CHECK (purpose IN ('device', 'password', 'challenge')),
    actor      text COLLATE "C" NOT NULL,
    outlet     text COLLATE "C",
    key_id     text COLLATE "C",
    made_by    text COLLATE "C",
    made_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX codes_over ON access.codes (expires_at);

-- Somebody who signs in: by a name and a password, or by what another provider says.
CREATE TABLE access.people (
    actor         text COLLATE "C" PRIMARY KEY,
    sign_in       text COLLATE "C" NOT NULL UNIQUE,
    password_hash text,
    oidc_subject  text COLLATE "C" UNIQUE,
    made_at       timestamptz NOT NULL DEFAULT now(),
    changed_at    timestamptz,
    ended_at      timestamptz
);

CREATE TABLE access.sessions (
    sha256     bytea PRIMARY KEY,
    actor      text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('person', 'device')),
    key_id     text COLLATE "C",
    made_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX sessions_actor ON access.sessions (actor);

-- A sign-in with another provider that is under way: its state is in the browser, the rest stays here.
CREATE TABLE access.oidc_flows (
    state_sha256 bytea PRIMARY KEY,
    nonce        text NOT NULL,
    verifier     text NOT NULL,
    expires_at   timestamptz NOT NULL
);

-- A second person's yes to a command that two must decide, by the hash of the command's content.
CREATE TABLE access.agreements (
    content_hash bytea NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    agreed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (content_hash, actor)
);

-- How often somebody knocked within a window. Counts for a minute or some; a crash may forget them.
CREATE UNLOGGED TABLE access.counts (
    bucket       text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    count        bigint NOT NULL,
    PRIMARY KEY (bucket, window_start)
);
CREATE INDEX counts_window ON access.counts (window_start);

GRANT SELECT, INSERT ON access.keys, access.devices, access.codes, access.people, access.sessions,
    access.oidc_flows, access.agreements, access.counts TO ovop_keeper;
GRANT UPDATE (expires_at, revoked_at, last_used_at) ON access.keys TO ovop_keeper;
GRANT UPDATE (revoked_at, last_used_at, chain_counter, chain_hash) ON access.devices TO ovop_keeper;
GRANT UPDATE (used_at) ON access.codes TO ovop_keeper;
GRANT UPDATE (password_hash, oidc_subject, changed_at, ended_at) ON access.people TO ovop_keeper;
GRANT UPDATE (expires_at, ended_at) ON access.sessions TO ovop_keeper;
GRANT UPDATE (agreed_at) ON access.agreements TO ovop_keeper;
GRANT UPDATE (count) ON access.counts TO ovop_keeper;
-- What is over leaves nothing behind; keys, devices, people and agreements stay as a list of who there was.
GRANT DELETE ON access.codes, access.sessions, access.oidc_flows, access.counts TO ovop_keeper;
