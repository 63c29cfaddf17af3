"""Every FastStream subscriber says what happens to a message that it fails on: the default one throws it away."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for room in ("events", "projections", "services") for path in sorted((ROOT / room).rglob("*.py"))]
#: Discards a message on an error, or before it was worked on.
FORBIDDEN = {"REJECT_ON_ERROR", "ACK_FIRST", "ACK"}


def faults(source: str) -> Iterator[str]:
    """What is wrong with the subscribers in a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "subscriber":
            continue
        stated = {keyword.arg: keyword.value for keyword in node.keywords}
        policy = stated.get("ack_policy")
        if not isinstance(policy, ast.Attribute):
            yield f"line {node.lineno}: no ack_policy, so a failed message is terminated"
        elif policy.attr in FORBIDDEN:
            yield f"line {node.lineno}: {policy.attr} loses messages"
        if not (isinstance(stated.get("no_reply"), ast.Constant) and stated["no_reply"].value is True):  # type: ignore[attr-defined]
            yield f"line {node.lineno}: without no_reply it answers the publisher's own acknowledgement"
        if "batch" in stated or "max_workers" in stated:
            yield f"line {node.lineno}: messages would be lost or reordered"
        stream = stated.get("stream")
        declares = not isinstance(stream, ast.Call) or not any(
            k.arg == "declare" and isinstance(k.value, ast.Constant) and k.value.value is False for k in stream.keywords
        )
        if declares:
            yield f"line {node.lineno}: a subscriber must not declare its stream"


def test_every_subscriber_states_a_policy_that_loses_nothing() -> None:
    found = {f"{path.relative_to(ROOT)}: {fault}" for path in SOURCES for fault in faults(path.read_text())}
    assert not found


def test_there_are_subscribers_to_look_at() -> None:
    assert sum(".subscriber(" in path.read_text() for path in SOURCES) >= 2


OWN_STREAM = "stream=JStream('S', declare=False)"
LOSES_NOTHING = "ack_policy=AckPolicy.MANUAL"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (f"{OWN_STREAM}, no_reply=True", "terminated"),
        (f"{OWN_STREAM}, no_reply=True, ack_policy=AckPolicy.REJECT_ON_ERROR", "loses"),
        (f"{OWN_STREAM}, {LOSES_NOTHING}", "acknowledgement"),
        (f"stream=JStream('S'), no_reply=True, {LOSES_NOTHING}", "declare"),
        (f"{OWN_STREAM}, no_reply=True, {LOSES_NOTHING}, max_workers=4", "reordered"),
    ],
)
def test_each_fault_is_seen(arguments: str, fault: str) -> None:
    assert [found for found in faults(f"broker.subscriber('x', {arguments})") if fault in found]
