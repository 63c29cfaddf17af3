"""The search for what was erased: its bytes are nowhere, and the log still verifies.

The search is by bytes: every table of every schema as a dump has it, the files of the database server, everything that
can be asked for over HTTP, and everything that was written to a log. It runs on a server of its own, whose files can be
looked into.
"""

import base64
import hashlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from events.catalogue.network import ConsentGiven
from events.migrate import login, migrate
from services.verification import verify
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.integration.test_personal import NAME, PERSON, PHONE, erase, export, join, store
from tests.servers import LOGINS, LogDatabase, PostgresServer, use_containers

#: So long that the database keeps it in another table than the rest of its row.
TEXT = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(60))
CASE: Final = "case/case-1"
#: Papers that speak of the person: one that the search for her values finds, and one whose bytes spell them otherwise.
PAPERS: Final = {
    "note-1": ("text/plain", f"{NAME}, {PHONE}".encode()),
    "scan-1": ("application/pdf", b"%PDF-1.7\n" + NAME.encode("utf-16-le")),
}
#: What is answered in the form of the API: the search asks at every such address of the description but these.
NOT_SEARCHED: Final = {
    "/api/v1/stream",  # never ends
    "/api/v1/as-of/{position}",  # tells how far the books of a past position are, in numbers
}


def forms(value: str) -> set[bytes]:
    """The bytes of a value as text, in JSON with escapes, in the hexadecimal of a dump, and in base64."""
    plain = value.encode(), value.encode("utf-16-le")
    spelled = {*plain, json.dumps(value)[1:-1].encode()}
    return spelled | {each.hex().encode() for each in spelled} | {form for each in plain for form in in_base64(each)}


def in_base64(content: bytes) -> Iterator[bytes]:
    """What base64 makes of these bytes wherever they begin, without the characters that their neighbours share."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + content)
        yield written[-(before * -8 // 6) : (before + len(content)) * 8 // 6]


def dumped(admin_url: str) -> Iterator[tuple[str, bytes]]:
    """Every table and view of every schema, as COPY writes it."""
    with psycopg.connect(admin_url) as connection:
        tables = connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname <> 'information_schema'"
        ).fetchall()
        for schema, table in tables:
            name = sql.Identifier(schema, table)
            statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(name)
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                yield f"{schema}.{table}", b"".join(bytes(part) for part in copy)


def in_tables(admin_url: str, needles: set[bytes]) -> set[str]:
    return {table for table, content in dumped(admin_url) if any(needle in content for needle in needles)}


def in_files(directory: Path, needles: set[bytes]) -> set[str]:
    found = set()
    for path in directory.rglob("*"):
        if path.is_file() and any(needle in path.read_bytes() for needle in needles):
            found.add(str(path.relative_to(directory)))
    return found


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[LogDatabase, Path]]:
    """A PostgreSQL whose files lie below a directory. Its old WAL files are removed, not kept for the next writing."""
    if use_containers():
        pytest.skip("the files of a container's server cannot be looked into")
    from services.embedded import EmbeddedPostgres

    with ExitStack() as until:
        tuning = {"wal_recycle": "off", "fsync": "off", "min_wal_size": "32MB"}
        server = EmbeddedPostgres(tmp_path / "postgres", tuning=tuning)
        until.callback(server.stop)
        server.start()
        postgres = PostgresServer(server.url())
        postgres.create("ovop_own")
        migrate(postgres.url("ovop_own"))
        for name, role in LOGINS.items():
            login(postgres.url("ovop_own"), name, role, password=name)
        yield LogDatabase(postgres, "ovop_own"), tmp_path / "postgres"


def test_after_an_erasure_its_bytes_are_nowhere_and_the_log_verifies(
    own_server: tuple[LogDatabase, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A person joins, consents, delivers, is spoken of in reports, in papers and in an audit, and is forgotten."""
    database, directory = own_server
    caplog.set_level(logging.DEBUG)
    with opened(database, tmp_path / "data") as door:
        papers, messages = live_through(door)
        needles = forms(NAME) | forms(PHONE) | forms(TEXT[:64])
        with psycopg.connect(database.admin, autocommit=True) as connection:
            connection.execute("ANALYZE")  # as the database does by itself from time to time
        salts = {bytes.fromhex(value["salt"]) for kept in (PERSON, CASE) for value in export(door, kept)["values"]}
        assert len(salts) == 4
        needles |= salts | {salt.hex().encode() for salt in salts}
        # Seen red: before the erasure the search finds them, in the tables, in the files and in what is answered.
        assert in_tables(database.admin, needles) == {"personal.vault", "quarantine.messages"}
        checkpoint(database)
        assert in_files(directory, needles)
        assert told(door, needles, erased=False) == {
            "/api/v1/personal?subject=producer/p-001", f"/api/v1/personal?subject={CASE}", "/api/v1/audit/cases/case-1",
            *(f"/api/v1/documents/{paper}/content" for paper in PAPERS),
            *(f"/api/v1/quarantine/{message}" for message in messages),
            *(f"/quarantine/{message}" for message in messages),
        }  # fmt: skip

        assert set(erase(door, messages=[papers["scan-1"]])["messages"]) == {*papers.values(), *messages}
        assert erase(door, CASE)["kinds"] == ["case_note"]

        accepted(door.command("audit/make-export", export="after"))
        assert in_tables(database.admin, needles) == set()
        checkpoint(database)
        assert in_files(directory, needles) == set()
        assert told(door, needles, erased=True) == set()
        verified = verify(database.reader)
        assert (verified.is_sound, verified.events) == (True, door.log.head().position)
    assert not any(needle in caplog.text.encode() for needle in needles)
    assert in_files(tmp_path / "data", needles) == set()


def live_through(door: Door) -> tuple[dict[str, str], set[str]]:
    """What is kept of a person; the events of the papers that were captured, by their ids, and those in quarantine."""
    name = store(door)
    store(door, "phone", PHONE)
    store(door, "text", TEXT)
    join(door, personal_commitment=name)
    door.ask("network/give-consent", make.consent_given(commitment=name))
    answers = door.tell(
        report(make.lot_collected()),
        report(make.batch_packed(lot="lot-apricots-1")),
        report(make.lot_collected()) | {"data": {"producer": NAME, "phone": PHONE}},
        report(make.lot_collected()) | {"data": {"producer": NAME}},
    )
    wrong = door.post("/api/v1/personal/values", {"subject": PERSON, "kind": "name", "value": NAME, "phone": PHONE})
    assert wrong.status_code == 422
    # A command with a name in it is refused, and nothing of it is kept.
    assert door.command("network/register-producer", producer=NAME, village="tosor", joined_on=NOW).status_code == 422
    consent = door.log.read(0, 10)[3].event
    assert isinstance(consent, ConsentGiven)
    papers = {document: capture(door, document) for document in PAPERS}
    accepted(door.command("audit/note-case", case="case-1", note=f"{NAME} was not asked; her phone is {PHONE}."))
    accepted(door.command("audit/make-export", export="before"))
    door.fold()
    return papers, {answer["receipt"]["event_id"] for answer in answers if answer["status"] == "quarantined"}


def capture(door: Door, document: str) -> str:
    media_type, content = PAPERS[document]
    paper = {"kind": "delivery_note", "place": "workshop/tosor-jam", "content": base64.b64encode(content).decode()}
    answer = accepted(door.command("documents/capture-document", document=document, media_type=media_type, **paper))
    event_id: str = answer["receipt"]["event_id"]
    return event_id


def told(door: Door, needles: set[bytes], *, erased: bool) -> set[str]:
    """The addresses whose answers hold one of these, of everything that can be asked for."""
    door.fold()
    description = door.get("/openapi.json").json()["paths"]
    paths = list(asked_for(door, description))
    found = set()
    for path in paths:
        answer = door.client.get(path)
        assert answer.status_code == expected(path, erased=erased), (path, answer.text)
        if any(needle in answer.content for needle in needles):
            found.add(path)
    asked = [path.partition("?")[0] for path in paths]
    reads = {path for path, verbs in description.items() if path.startswith("/api/") and "get" in verbs}
    unsearched = {read for read in reads if not any(re.fullmatch(re.sub("{.*?}", "[^/]+", read), at) for at in asked)}
    assert unsearched == NOT_SEARCHED
    return found


def expected(path: str, *, erased: bool) -> int:
    """How this address answers: what was erased is not there, nor is what never was."""
    is_gone = erased and path.endswith("/content")
    never_was = path.endswith("/statement") or path.startswith("/api/v1/center/orders/")
    return 404 if is_gone or never_was else 200


def asked_for(door: Door, description: dict[str, Any]) -> Iterator[str]:
    """The addresses of everything that can be asked for, pages too."""
    yield from (
        "/", "/todo", "/quarantine", f"/l/{make.batch_packed().code}", "/metrics", "/readyz", "/api/v1/session",
        "/api/v1/events?limit=200", "/api/v1/network", "/api/v1/todo", "/api/v1/signing/keys",
        "/api/v1/personal?subject=producer/p-001", f"/api/v1/personal?subject={CASE}", "/api/v1/personal/erasures",
        "/api/v1/income?producer=p-001", "/api/v1/logistics/differences", "/api/v1/outlets/karakol/shifts",
        "/api/v1/settlement/disputes", "/api/v1/center/orders/order-1", "/api/v1/committee/certificates",
        "/api/v1/committee/to-do", "/api/v1/committee/certificate?maker=producer/p-001&product=apricot-jam-300",
    )  # fmt: skip
    yield from (f"/api/v1/lots/lot-apricots-1{more}" for more in ("", "/trace", "/forward"))
    for path in ("/api/v1/inventory", "/api/v1/income"):
        yield from (f"{path}?by={by}" for by in choices(description, path, "by"))
    of_region = "/api/v1/regions/{region}/{what}"
    yield from (f"/api/v1/regions/KG-Y/{what}" for what in choices(description, of_region, "what"))
    messages = door.get("/api/v1/quarantine", state="all").json()["messages"]
    assert len(messages) == 2
    yield "/api/v1/quarantine?state=all"
    yield from (f"{at}/{each['quarantine']}" for each in messages for at in ("/api/v1/quarantine", "/quarantine"))
    documents = door.get("/api/v1/documents").json()["documents"]
    assert {each["document"] for each in documents} == set(PAPERS)
    yield "/api/v1/documents"
    yield from (f"/api/v1/documents/{paper}{more}" for paper in PAPERS for more in ("", "/content"))
    yield from ("/api/v1/audit/cases", "/api/v1/audit/cases/case-1", "/api/v1/audit/exports")
    exports = [each["export"] for each in door.get("/api/v1/audit/exports").json()["exports"]]
    yield from (f"/api/v1/audit/exports/{export}{what}" for export in exports for what in ("", "/file", "/statement"))


def choices(description: dict[str, Any], path: str, name: str) -> list[str]:
    """What a parameter of the description may be."""
    [schema] = [each["schema"] for each in description[path]["get"]["parameters"] if each.get("name") == name]
    found: list[str] = schema["enum"]
    return found


def checkpoint(database: LogDatabase) -> None:
    """Write everything to its place, and let the write-ahead log of before go. Two are needed: one keeps the last."""
    with psycopg.connect(database.admin, autocommit=True) as connection:
        for _ in range(2):
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
