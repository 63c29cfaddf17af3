"""Sends a case through the front door and says what did not come of it as it must."""

import hashlib
import json
import socket
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from events.catalogue.exchange import MessageQuarantined
from events.catalogue.registry import upcast, validate_as_written

from tests.corpus.case import Case, Disputed, Each, Kept, Outcome, Quarantined, Refused, Repeated, Told
from tests.corpus.ring import Ring
from tests.door import Door

type Complaints = list[str]

_STORED = ("accepted", "flagged")


class Judge:
    """Judges cases at one door. What was kept on the way is looked at once more at the end, by `lost`."""

    def __init__(self, door: Door, ring: Ring, answer_seconds: float = 10.0) -> None:
        self.door = door
        self._ring = ring
        self._answer_seconds = answer_seconds
        self._client = httpx.Client(base_url=door.url, timeout=30)
        self._promised: dict[int, tuple[str, bytes]] = {}  # position: what was promised to be there, and what was sent

    def close(self) -> None:
        self._client.close()

    def complaints(self, case: Case) -> Complaints:
        """Everything that is wrong about the answer to this case, and about what was stored."""
        if case.folded:
            self.door.fold()
        before = self.door.log.head().position
        try:
            response = self._send(case) if case.wire is None else self._send_as_it_is(case.wire, hang_up=case.outcome == Told(0))
        except TimeoutError:
            return ["hung: neither an answer nor the end of the line"]
        after = self.door.log.head().position
        if response.status_code >= 500:
            return [f"broke: {response.status_code} {response.text}"]
        found = list(self._of_answer(case, response))
        if isinstance(case.outcome, Refused | Told) and after != before:
            found.append(f"stored {after - before} events of what was turned away")
        return found

    def _send(self, case: Case) -> httpx.Response:
        headers = {name: self._ring.said(value) for name, value in case.headers.items()}
        if case.signed is not None:
            headers |= self._ring.signature(case.signed, case.body)
        elif case.key is not None and "Authorization" not in headers:
            headers["Authorization"] = self._ring.said(f"Bearer {{{case.key}}}")
        content: Any = case.body
        if case.chunks:
            content = iter([case.body[at : at + 7] for at in range(0, len(case.body), 7)])
        raw = {name.encode(): value.encode() for name, value in headers.items()}
        return self._client.request(case.method, case.path, content=content, headers=raw)

    def _send_as_it_is(self, wire: bytes, *, hang_up: bool) -> httpx.Response:
        """A line that ends without an answer is status 0. Raises TimeoutError when it does not end."""
        address = urlsplit(self.door.url)
        with socket.create_connection((address.hostname, address.port), timeout=self._answer_seconds) as connection:
            try:
                connection.sendall(wire.replace(b"{key}", self._ring.keys["admin"].encode()))
                if hang_up:
                    connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:  # the server may hang up in the middle of it: there is nothing to shut down any more then
                pass
            answer = HTTPResponse(connection)
            try:
                answer.begin()
                return httpx.Response(answer.status, headers=dict(answer.getheaders()), content=answer.read())
            except (HTTPException, ConnectionError):
                return httpx.Response(0)

    def _of_answer(self, case: Case, response: httpx.Response) -> Iterator[str]:
        match case.outcome:
            case Told(status=status):
                if response.status_code != status:
                    yield f"{response.status_code} instead of {status}: {response.text[:300]}"
            case Refused():
                yield from _of_refusal(case.outcome, response)
            case Each(outcomes=outcomes):
                if response.status_code != 200:
                    yield f"{response.status_code} for a list: {response.text[:300]}"
                    return
                answers = response.json()
                if len(answers) != len(outcomes):
                    yield f"{len(answers)} answers to {len(outcomes)} items"
                    return
                sent = case.sent or [orjson.dumps(item) for item in orjson.loads(case.body)]
                for number, (outcome, answer, item) in enumerate(zip(outcomes, answers, sent, strict=True)):
                    yield from (f"item {number}: {what}" for what in self._of_item(outcome, answer, item))
            case _:
                wanted = {Quarantined: 202, Disputed: 409}.get(type(case.outcome), 200)
                if response.status_code != wanted:
                    yield f"{response.status_code} instead of {wanted}: {response.text[:300]}"
                    return
                said = response.json()
                [item] = case.sent or (case.body.strip(b" \t\r\n"),)
                yield from self._of_item(case.outcome, said.get("answer", said), item)

    def _of_item(self, outcome: Outcome, answer: Mapping[str, Any], sent: bytes) -> Iterator[str]:
        status, problem = answer["status"], answer["problem"]
        match outcome:
            case Kept(flags=flags):
                if status not in _STORED or not set(flags) <= set(answer["flags"]):
                    yield f"{status} {problem} {answer.get('detail')}, flags {answer['flags']}"
                else:
                    self._promised[answer["position"]] = ("fact", sent)
            case Quarantined(problem=wanted, field=field):
                if (status, problem) != ("quarantined", wanted):
                    yield f"{status} {problem} ({answer.get('detail')}) instead of quarantined {wanted}"
                    return
                detail = answer["detail"]
                if field is not None and not detail.startswith(f"{field}: "):
                    yield f"blames {detail!r} instead of {field}"
                self._promised[answer["position"]] = (wanted, sent)
            case Disputed():
                if (status, problem) != ("conflict", "id_conflict") or answer["receipt"] is None:
                    yield f"{status} {problem} instead of a conflict with evidence"
                    return
                self._promised[answer["receipt"]["position"]] = ("id_conflict", sent)
            case Repeated(problem=wanted):
                if (status, problem) != ("duplicate", wanted) or answer["receipt"] is None:
                    yield f"{status} {problem} instead of the first receipt and {wanted}"
            case Refused(code=code):
                if (status, problem, answer["receipt"]) != ("refused", code, None):
                    yield f"{status} {problem} instead of refused {code}"
            case _:
                raise TypeError(f"not the outcome of an item: {outcome}")

    def lost(self) -> Complaints:
        """What was promised to be kept and is not there as it was sent."""
        recorded = {each.position: each for each in self.door.log.read(0, 10**6)}
        found = []
        for position, (promised, sent) in self._promised.items():
            there = recorded.get(position)
            if there is None:
                found.append(f"position {position} is empty")
            elif promised == "fact":
                found += _differing(there.event, sent)
            elif not isinstance(there.event, MessageQuarantined) or there.event.problem != promised:
                found.append(f"position {position} holds {there.event} instead of a message kept for {promised}")
            else:
                kept = self.door.front.handler.log.quarantined(there.event_id)
                digest = hashlib.sha256(sent).hexdigest()
                if kept != sent or there.event.content_sha256 != digest:
                    found.append(f"position {position} keeps {(kept or b'')[:200]!r} instead of {sent[:200]!r}")
        return found


def _of_refusal(outcome: Refused, response: httpx.Response) -> Iterator[str]:
    if response.status_code != outcome.status or response.headers["content-type"] != "application/problem+json":
        yield f"{response.status_code} instead of {outcome.status}: {response.text[:300]}"
        return
    said = response.json()
    if said["code"] != outcome.code or said["status"] != outcome.status or not said["title"].endswith((".", ";")):
        yield f"{said['code']} instead of {outcome.code}: {response.text[:300]}"
    if outcome.field is not None and said.get("field") != outcome.field:
        yield f"blames {said.get('field')} instead of {outcome.field}"
    if outcome.each is not None and said["problems"][0]["code"] != outcome.each:
        yield f"{said['problems'][0]} instead of {outcome.each}"
    if not said.get("what_to_do") and not said.get("problems"):
        yield f"no advice: {response.text[:300]}"


def _differing(event: Any, sent: bytes) -> list[str]:
    """Whether a stored event says just what was sent; of a decision, as far as the command said it."""
    item = json.loads(sent)
    if "type" in item and "data" in item:
        same = upcast(validate_as_written(item["type"], orjson.dumps(item["data"]))) == event
        return [] if same else [f"{event} is stored instead of {item['data']}"]
    stored = event.model_dump(mode="json")
    wrong = [name for name, value in item.items() if name in stored and value is not None and not _same(value, stored[name])]
    return [f"{event.wire_name}: {name} is {stored[name]} instead of {item[name]}" for name in wrong]


def _same(sent: Any, stored: Any) -> bool:
    """A field that has a default need not be said."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return all(_same(value, stored.get(name)) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(stored, list):
        return len(sent) == len(stored) and all(map(_same, sent, stored))
    return bool(sent == stored)
