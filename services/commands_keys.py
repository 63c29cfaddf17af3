"""`ovop keys`: who may knock, with what. Run where the keeper's address is known; nothing of it is in the log."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from services.settings import NoDatabase, settings

if TYPE_CHECKING:
    from services.access.people_store import PeopleStore

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Actor = Annotated[str, typer.Argument(help="The pseudonymous id by which the log knows the bearer.")]
DAYS_DEFAULT = 365.0
DAYS_MAX = 3_650.0
BY = "center/admin"
_ACTOR = r"[a-z0-9][a-z0-9._/-]{0,95}"


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    keys = typer.Typer(help="Keys, devices, and people who sign in.", no_args_is_help=True)
    keys.command(name="list")(list_keys)
    for command in (make, revoke, code, person, password):
        keys.command()(command)
    keys.command()(rotate_signing)
    keys.command()(signing)
    app.add_typer(keys, name="keys")


def make(
    actor: Actor,
    scope: Annotated[list[str] | None, typer.Option(help="`report:outlets`, `read:income`, `read`; several.")] = None,
    days: Annotated[float, typer.Option(min=0.001, max=DAYS_MAX, help="How long it is good.")] = DAYS_DEFAULT,
    label: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="An administrator's key, which may everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key for another system (or an administrator's); it is shown this once."""
    from services.access.permissions import SCOPES
    from services.access.secrets import new_key
    from services.access.sender import Sender

    _must_be_actor(actor)
    unknown = sorted(set(scope or ()) - SCOPES)
    if unknown:
        _stop(f"there is no scope {', '.join(unknown)}; there are {', '.join(sorted(SCOPES))}")
    if not scope and not admin:
        _stop("name what the key may with --scope; nothing is allowed that is not named")
    key = new_key()
    sender = Sender(actor, "admin") if admin else Sender(actor, "integrator", scopes=frozenset(scope or ()))
    with _store() as store:
        store.add_key(key, sender, label=label, days=days, by=BY)
    told = {"key_id": key.key_id, "key": key.text, "actor": actor, "scopes": sorted(scope or ())}
    _tell(as_json, f"{key.text}\n", told)


def list_keys(as_json: AsJson = False) -> None:
    """Every key and device: whose, since when, last used, until when. Secrets are not kept, so none is shown."""
    from dataclasses import asdict

    with _store() as store:
        rows = [asdict(row) for row in store.every_key()]
    if as_json:
        _tell(True, "", {"keys": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("key", "kind", "whose", "scopes", "made", "last used", "ends", box=None)
    for row in rows:
        ended = row["revoked_at"]
        ends = f"revoked {ended:%Y-%m-%d}" if ended else f"{row['expires_at']:%Y-%m-%d}" if row["expires_at"] else ""
        used = f"{row['last_used_at']:%Y-%m-%d %H:%M}" if row["last_used_at"] else "never"
        may = " ".join(row["scopes"]) or (row["label"] or "")
        table.add_row(row["key_id"], row["kind"], row["actor"], may, f"{row['created_at']:%Y-%m-%d}", used, ends)
    # As wide as it is, so that no name is cut: `till/till-kar…` could be any of ten, and a pipe wants one line each.
    narrow = Console()
    wide = Console(width=max(narrow.width, narrow.measure(table, options=narrow.options.update(width=1_000)).maximum))
    wide.print(table)


def revoke(
    whose: Annotated[str, typer.Argument(help="A key's id, or an actor: then everything that actor holds.")],
    as_json: AsJson = False,
) -> None:
    """End a key, or all that an actor holds: keys, devices, sessions, the sign-in. In force within a minute."""
    with _store() as store:
        ended = int(store.revoke_key(whose)) or store.revoke_actor(whose)
    if not ended:
        _stop(f"nothing stands under {whose}")
    _tell(as_json, f"{ended} ended; in force within {settings().believed_seconds:g} s\n", {"ended": ended})


def code(
    actor: Actor,
    outlet: Annotated[str | None, typer.Option(help="Of a till that never had a credential here.")] = None,
    as_json: AsJson = False,
) -> None:
    """A code with which a device enrols a key of its own: `till/<till>`, or a device that acts in somebody's roles."""
    _must_be_actor(actor)
    with _store() as store:
        if actor.startswith("till/"):
            outlet = outlet or store.outlet_of_till(actor)
            if outlet is None:
                _stop(f"no outlet is known of {actor}: enrol it first (network/enroll-till), or name --outlet")
        elif outlet is not None:
            _stop("only a till belongs to an outlet")
        minutes = settings().enrol_code_minutes
        text = store.add_code("device", actor, minutes, outlet=outlet, by=BY)
    _tell(as_json, f"{text}  (good once, for {minutes:g} minutes)\n", {"code": text, "actor": actor, "outlet": outlet})


def person(
    actor: Actor,
    name: Annotated[str | None, typer.Option(help="By which they sign in; the actor unless given.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="What the other provider calls them (OpenID Connect `sub`).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody sign in; prints the code with which they choose a password. What they may, the log says (roles)."""
    from psycopg.errors import UniqueViolation

    _must_be_actor(actor)
    with _store() as store:
        try:
            store.add_person(actor, name or actor, subject)
        except UniqueViolation:
            _stop("another person has that name or that subject")
    _password_code(actor, as_json)


def password(actor: Actor, as_json: AsJson = False) -> None:
    """A new code for somebody who forgot the password; the old one works until the code is used."""
    _password_code(actor, as_json)


def _password_code(actor: str, as_json: bool) -> None:
    with _store() as store:
        known = store.person_of_actor(actor)
        if known is None:
            _stop(f"{actor} does not sign in here: ovop keys person {actor}")
        minutes = settings().password_code_minutes
        text = store.add_code("password", actor, minutes, by=BY)
    told = {"code": text, "actor": actor, "name": known.sign_in}
    _tell(as_json, f"{text}  (good once, for {minutes / 60:g} hours; signs in as {known.sign_in})\n", told)


def rotate_signing(
    key_id: Annotated[
        str | None, typer.Option("--name", help="What the new key is called; drawn unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key that signs what the network states about its log, let the one in use sign for it, and record it.

    Run where the keys lie, with the API running. The first key stands for itself: hand its public half to auditors.
    """
    from uuid import uuid4

    from services.signed import succession_text
    from services.signer import KeyFileThere, SigningKeys
    from services.terminal import api_client, ask_api, envelope

    kept = SigningKeys(settings().signing_key_dir)
    name = key_id or f"log-{uuid4().hex[:8]}"
    with api_client() as client:
        used = ask_api(client, "GET", "/signing/keys")["keys"]
        try:
            public_key = kept.make(name)
        except (KeyFileThere, OSError) as error:
            _stop(str(error))
        said = {"key_id": name, "public_key": public_key}
        if used:
            signature = kept.sign(used[-1]["key_id"], succession_text(name, public_key))
            if signature is None:
                kept.drop(name)
                _stop(f"the key in use does not lie here: {kept.path(used[-1]['key_id'])}")
            said |= {"cosigned_by": used[-1]["key_id"], "cosignature": signature}
        told = ask_api(client, "POST", "/signing/rotate-signing-key", body=envelope() | said)
    lies = kept.path(name)
    text = f"{name}  {public_key}\nkept in {lies}; keep a copy where nobody else comes, and the old keys too\n"
    _tell(as_json, text, said | {"file": str(lies), "position": told["position"]})


def signing(as_json: AsJson = False) -> None:
    """The keys that signed for this network, the first one first; each was signed for by the one before it."""
    from services.signed import is_signed, succession_text
    from services.terminal import api_client, ask_api

    with api_client() as client:
        found = ask_api(client, "GET", "/signing/keys")["keys"]
    before = None
    for key in found:
        text = succession_text(key["key_id"], key["public_key"])
        key["follows"] = before is None or is_signed(before, key.get("cosignature") or "", text)
        before = key["public_key"]
    lines = [f"{key['key_id']}  {key['public_key']}{'' if key['follows'] else '  NOT SIGNED FOR'}" for key in found]
    _tell(as_json, "\n".join(lines) or "no signing key is in use", {"keys": found})
    if not all(key["follows"] for key in found):
        raise typer.Exit(1)


@contextmanager
def _store() -> "Iterator[PeopleStore]":
    import psycopg
    from psycopg_pool import PoolTimeout

    from services.access.people_store import PeopleStore

    try:
        store = PeopleStore(settings().database_for("keeper"), connections=1)
    except NoDatabase as error:
        _stop(str(error))
    try:
        yield store
    except (psycopg.OperationalError, PoolTimeout) as error:
        _stop(f"the database does not answer ({error})")
    finally:
        store.close()


def _must_be_actor(actor: str) -> None:
    import re

    if not re.fullmatch(_ACTOR, actor):
        _stop("an actor is a pseudonymous id: lower case, digits, . _ / -, at most 96 characters")


def _tell(as_json: bool, text: str, told: dict[str, Any]) -> None:
    typer.echo(json.dumps(told, default=str, ensure_ascii=False, indent=1) if as_json else text.rstrip("\n"))


def _stop(why: str) -> NoReturn:
    typer.echo(f"ovop keys: {why}", err=True)
    raise typer.Exit(1)
