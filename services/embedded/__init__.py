"""PostgreSQL and NATS of our own, run from the programs that two Python wheels carry (or that are on PATH).

Of the wheels we use the programs alone. Configuration, users, start, stop and recovery are ours: the servers keep their
data below one directory, listen on a unix socket and on loopback, and end when the process that started them ends.
Start them from a main thread: Linux ties the death signal to the thread that started a child.
"""

from services.embedded.keeping import (
    DataDirectoryInUse,
    EmbeddedServerError,
    ServerDidNotStart,
    ServerProgramMissing,
    free_port,
    only_owner,
    owner_only,
    secret,
)
from services.embedded.nats import EmbeddedNats, NatsConfig, bare_nats_config, nats_program
from services.embedded.postgres import ADMIN_USER, EmbeddedPostgres, postgres_program

__all__ = [
    "ADMIN_USER",
    "DataDirectoryInUse",
    "EmbeddedNats",
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "NatsConfig",
    "ServerDidNotStart",
    "ServerProgramMissing",
    "bare_nats_config",
    "free_port",
    "nats_program",
    "only_owner",
    "owner_only",
    "postgres_program",
    "secret",
]
