"""Commands of auditors, `ovop export` and `ovop case`, and of those who take papers in, `ovop document`.

They ask the running API, so whoever uses them needs a key, and everything goes the way it goes for everybody.
"""

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from services.terminal import AsJson, api_client, ask_api, envelope, fail, new_table, say, say_json

if TYPE_CHECKING:
    import httpx

#: By which ending the kind of a file is known.
_MEDIA: Final = {
    ".json": "application/json", ".jsonld": "application/json", ".pdf": "application/pdf", ".xml": "application/xml",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".csv": "text/csv",
    ".txt": "text/plain",
}  # fmt: skip

case = typer.Typer(no_args_is_help=True, help="What auditors note on their cases.")
document = typer.Typer(no_args_is_help=True, help="Papers and files of others that were taken in.")


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(export)
    app.add_typer(case, name="case")
    app.add_typer(document, name="document")


def export(
    file: Annotated[Path, typer.Argument(help="Where the copy is written.")],
    after: Annotated[int, typer.Option(min=0, help="Only events behind this position.")] = 0,
    through: Annotated[int | None, typer.Option(min=1, help="Only up to this position; else to the end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a copy of the log, to be checked off line with `ovop verify FILE`. That it was taken, the log records.

    What the network states about the copy, signed, is written beside it where a signing key is in use.
    """
    name = f"export-{uuid4().hex[:12]}"
    wanted = {"export": name, "after_position": after} | ({} if through is None else {"through_position": through})
    with api_client() as client:
        ask_api(client, "POST", "/audit/make-export", body=envelope() | wanted)
        digest = _download(client, f"/api/v1/audit/exports/{name}/file", file)
        found = client.get(f"/api/v1/audit/exports/{name}/statement")
        made = ask_api(client, "GET", f"/audit/exports/{name}")
    if digest != made["content_sha256"]:
        fail(f"{file} was cut or changed on its way; take another copy")
    statement = None
    if found.is_success:
        statement = file.with_name(f"{file.name}.statement.json")
        statement.write_bytes(found.content)
    if as_json:
        say_json(made | {"file": str(file), "statement": None if statement is None else str(statement)})
        return
    say(f"{file}: positions {made['after_position'] + 1:,} to {made['through_position']:,}, sha256 {digest}")
    say(f"signed: {statement}" if statement else "not signed: no signing key is in use (ovop keys rotate-signing)")


@case.command("note")
def note(
    name: Annotated[str, typer.Argument(help="The case, such as jars-of-march.")],
    text: Annotated[str, typer.Argument(help="What is to be kept in mind; only auditors read it.")],
    about: Annotated[str | None, typer.Option(help="The id of an event that it is about.")] = None,
    as_json: AsJson = False,
) -> None:
    """Note something on a case."""
    said = {"case": name, "note": text} | ({} if about is None else {"about": about})
    with api_client() as client:
        _tell(ask_api(client, "POST", "/audit/note-case", body=envelope() | said), as_json)


@case.command("show")
def show_case(name: Annotated[str, typer.Argument(help="The case.")], as_json: AsJson = False) -> None:
    """The notes of a case, the newest first."""
    with api_client() as client:
        told = ask_api(client, "GET", f"/audit/cases/{name}")
    if as_json:
        say_json(told)
        return
    table = new_table("recorded", "by", "about", "note")
    for each in told["notes"]:
        recorded_at = f"{datetime.fromisoformat(each['recorded_at']):%Y-%m-%d %H:%M}Z"
        table.add_row(recorded_at, each["actor"], each.get("about") or "", each["note"] or "(erased)")
    say(table)


@document.command("capture")
def capture(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A PDF, a picture, or text.")],
    place: Annotated[str, typer.Option(help="Where the paper lies, such as outlet/karakol.")],
    kind: Annotated[str, typer.Option(help="A word for it, such as delivery_note or laboratory_report.")],
    about: Annotated[str | None, typer.Option(help="What it speaks of, such as consignment/c-7.")] = None,
    name: Annotated[str | None, typer.Option(help="Its id; drawn unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a paper or file in."""
    media_type = _MEDIA.get(file.suffix.lower())
    if media_type is None:
        fail(f"{file.name} is of no kind that is taken in; there are {', '.join(sorted(_MEDIA))}")
    said = {
        "document": name or f"document-{uuid4().hex[:12]}",
        "kind": kind,
        "media_type": media_type,
        "place": place,
        "content": base64.b64encode(file.read_bytes()).decode(),
    } | ({} if about is None else {"about": about})
    with api_client() as client:
        told = ask_api(client, "POST", "/documents/capture-document", body=envelope() | said)
    _tell(told | {"document": said["document"]}, as_json)


@document.command("show")
def show_document(
    name: Annotated[str, typer.Argument(help="The id of the document.")],
    to: Annotated[Path | None, typer.Option(help="Write its bytes here.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the log says of a document; with --to its bytes too."""
    with api_client() as client:
        told = ask_api(client, "GET", f"/documents/{name}")
        if to is not None and _download(client, f"/api/v1/documents/{name}/content", to) != told["content_sha256"]:
            fail(f"{to} was cut or changed on its way")
    if as_json:
        say_json(told)
        return
    for field in ("document", "kind", "media_type", "place", "about", "content_bytes", "content_sha256", "actor"):
        say(f"{field:<16}{told.get(field) if told.get(field) is not None else '-'}")


def _download(client: "httpx.Client", address: str, file: Path) -> str:
    """Write what is there into a file; its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with client.stream("GET", address) as response:
        if response.is_error:
            response.read()
            fail(str(response.json().get("title", response.status_code)))
        try:
            with file.open("wb") as written:
                for piece in response.iter_bytes():
                    digest.update(piece)
                    written.write(piece)
        except OSError as error:
            fail(f"{file} cannot be written: {error.strerror}")
    return digest.hexdigest()


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(told)
        return
    name = f"{told['document']}: " if "document" in told else ""
    say(f"{name}{told['status']}, position {told['position']:,}")
