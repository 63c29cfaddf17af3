"""Everything about one person: the values that are kept, what the log says about the pseudonym, and the income."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from events.mentions import mentions
from projections import income_queries, overview
from services.books import Look
from services.personal.vault import Value

#: Fields that hold a producer's bare id; anywhere else a pseudonym stands with its kind, as `producer/p-001`.
_BARE: Final = frozenset({"producer", "producers", "participants"})
_COMMITMENT: Final = "commitment"
_GIVEN: Final = "network.consent_given.v1"
_WITHDRAWN: Final = "network.consent_withdrawn.v1"


def about(look: Look, subject: str, values: Sequence[Value]) -> dict[str, Any]:
    """What the log and the read models say about a pseudonym, beside the values that are kept."""
    bare = subject.removeprefix("producer/") if subject.startswith("producer/") else None
    needles = [f'"{name}"'.encode() for name in (subject, bare) if name]
    head = overview.head(look.connection)
    events = []
    for event in mentions(look.connection, needles, head):
        said = orjson.loads(event["data"])
        if subject in (event["actor"], event["stream"]) or _names(said, subject, bare):
            events.append({**event, "data": said})
    kept = {value.commitment.hex() for value in values}
    card = income_queries.producer_card(look.connection, bare) if bare else None
    return {
        "subject": subject,
        "position": head,
        "values": [
            {
                "kind": value.kind,
                "value": value.value,
                "salt": value.salt.hex(),
                "commitment": value.commitment.hex(),
                "stored_at": value.stored_at,
            }
            for value in values
        ],
        "commitments": [
            {"commitment": made, "position": event["position"], "type": event["type"], "is_kept": made in kept}
            for event in events
            for made in _commitments(event["data"])
        ],
        "consents": _consents(events),
        "events": events,
        "income": card,
        "income_position": look.standing.position,
    }


def _names(value: Any, subject: str, bare: str | None, field: str = "") -> bool:
    """Whether somewhere in an event's data the pseudonym stands."""
    if isinstance(value, dict):
        return any(_names(inner, subject, bare, key) for key, inner in value.items())
    if isinstance(value, list):
        return any(_names(inner, subject, bare, field) for inner in value)
    return value == subject or (bare is not None and value == bare and field in _BARE)


def _commitments(data: Mapping[str, Any]) -> Iterator[str]:
    return (value for key, value in data.items() if key.endswith(_COMMITMENT) and isinstance(value, str))


def _consents(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each consent, when it was given and when withdrawn; a withdrawal ends every earlier one of its purpose."""
    consents: list[dict[str, Any]] = []
    for event in events:
        purpose = event["data"].get("purpose")
        if event["type"] == _GIVEN:
            given = {"purpose": purpose, "event_id": event["event_id"], "given_at": event["occurred_at"]}
            consents.append({**given, "withdrawn_at": None})
        elif event["type"] == _WITHDRAWN:
            for consent in consents:
                if consent["purpose"] == purpose and consent["withdrawn_at"] is None:
                    consent["withdrawn_at"] = event["occurred_at"]
    return consents
