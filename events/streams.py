"""The two streams, owned here and by nobody else: made, put back after a loss, and never declared by a subscriber."""

import logging

from nats.js import JetStreamContext
from nats.js.api import (
    DiscardPolicy,
    PersistMode,
    RetentionPolicy,
    StorageType,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import NotFoundError

from events.broker import EVENTS_STREAM, EVENTS_SUBJECTS, INTAKE_STREAM, INTAKE_SUBJECTS

#: How many of the last events the broker keeps for whoever replays from it.
WINDOW_EVENTS = 200_000
#: A report that nobody could store for so long is given up by the broker; its sender still has it.
INTAKE_AGE_SECONDS_MAX = 30 * 24 * 3600
INTAKE_BYTES_MAX = 2 * 1024 * 1024 * 1024
INTAKE_MESSAGES_MAX = 1_000_000

logger = logging.getLogger(__name__)


def events_stream(window: int = WINDOW_EVENTS, first_position: int = 1) -> StreamConfig:
    """OVOP_EVENTS: the last `window` events. Its first message will have the sequence `first_position`."""
    return StreamConfig(
        name=EVENTS_STREAM,
        description="A window on the log of the network; the sequence of an event is its position.",
        subjects=[EVENTS_SUBJECTS],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_msgs=window,
        storage=StorageType.FILE,
        num_replicas=1,
        allow_direct=True,
        first_seq=first_position,
        # The log can always fill this stream again, so no write waits for the disk.
        persist_mode=PersistMode.ASYNC,
    )


def intake_stream(name: str = INTAKE_STREAM) -> StreamConfig:
    """OVOP_INTAKE, or OVOP_OUTBOX on an outlet's own server: a work queue of reports.

    A full queue refuses new ones, so that the sender keeps them.
    """
    return StreamConfig(
        name=name,
        description="Reports that nobody has stored yet.",
        subjects=[INTAKE_SUBJECTS],
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.NEW,
        max_msgs=INTAKE_MESSAGES_MAX,
        max_bytes=INTAKE_BYTES_MAX,
        max_age=INTAKE_AGE_SECONDS_MAX,
        storage=StorageType.FILE,
        num_replicas=1,
    )


async def ensure_stream(jetstream: JetStreamContext, wanted: StreamConfig) -> StreamInfo:
    """The stream as it is, made when there is none. Limits that have changed since are set."""
    name = wanted.name or ""
    try:
        found = await jetstream.stream_info(name)
    except NotFoundError:
        logger.info("stream %s is made", name)
        return await jetstream.add_stream(wanted)
    limits = {"max_msgs": wanted.max_msgs, "max_bytes": wanted.max_bytes, "max_age": wanted.max_age}
    differing = {k: v for k, v in limits.items() if v is not None and getattr(found.config, k) != v}
    if differing:
        logger.info("stream %s gets new limits: %s", name, differing)
        return await jetstream.update_stream(found.config.evolve(**differing))
    return found
