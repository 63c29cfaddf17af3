"""`ovop broker`: what somebody from outside needs to connect, and the configuration of an outlet's own server."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.settings import NoBroker, Settings, settings
from services.terminal import AsJson, fail, say_json

if TYPE_CHECKING:
    from events.nats_config import BrokerUsers

Users = Annotated[
    Path | None, typer.Option(help="The file of the broker's users; the embedded broker's when left out.")
]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    broker = typer.Typer(help="Who connects to the broker, and how.", no_args_is_help=True)
    broker.command()(address)
    broker.command()(outlet)
    app.add_typer(broker, name="broker")


def address(
    who: Annotated[str, typer.Argument(help="`subscriber`, `reader.NAME`, or an actor such as `till/karakol-1`.")],
    users: Users = None,
    as_json: AsJson = False,
) -> None:
    """Print the address with which somebody connects; it holds a password."""
    from events.broker import BrokerAddress, actor_user, inbox_prefix, receipt_subject
    from events.outlet_config import user_address

    given = settings()
    known = _users(given, users)
    reads = who in known.readers
    user = who if reads else actor_user(who)
    if user not in known.passwords:
        fail(f"{who} is not known to the broker; name it in OVOP_BROKER_ACTORS, _READERS or _OUTLETS and start again.")
    try:
        server = BrokerAddress.of_url(given.nats_for("intake")).server.removeprefix("nats://")
    except NoBroker as error:
        fail(str(error))
    told = {"address": user_address(known, user, server), "inbox_prefix": inbox_prefix(user)}
    if not reads:
        told |= {
            "reports": f"ovop.intake.{user.removeprefix('actor.')}.<module>.<event>",
            "receipts": receipt_subject(who),
        }
    if as_json:
        say_json(told)
    else:
        typer.echo(told["address"])


def outlet(
    name: Annotated[str, typer.Argument(metavar="OUTLET", help="An outlet of OVOP_BROKER_OUTLETS.")],
    directory: Annotated[Path, typer.Argument(help="Where the files are written; carry them to the outlet's machine.")],
    hub: Annotated[str, typer.Option(help="Where the outlet finds OVOP_BROKER_LEAF, as host:port.")],
    host: Annotated[str, typer.Option(help="Where the outlet's server listens for its devices.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 4222,
    store: Annotated[Path, typer.Option(help="Where it keeps reports, on the outlet's machine.")] = Path("store"),
    authority: Annotated[
        Path | None, typer.Option(help="The certificates to trust (PEM), on the outlet's machine: the link is TLS.")
    ] = None,
    users: Users = None,
) -> None:
    """Write the configuration of the server of an outlet, and the addresses of its devices."""
    from events.broker import actor_user
    from events.nats_config import write_private
    from events.outlet_config import outlet_config, user_address

    given = settings()
    actors = given.broker_outlets.get(name)
    if actors is None:
        fail(f"OVOP_BROKER_OUTLETS has no outlet {name}.")
    known = _users(given, users)
    text = outlet_config(known, name, actors, hub, port, store, host=host, authority=authority)
    addresses = {actor: user_address(known, actor_user(actor), f"{host}:{port}") for actor in actors}
    write_private(directory / "nats-server.conf", text)
    write_private(directory / "devices.json", json.dumps(addresses, indent=1, sort_keys=True) + "\n")
    typer.echo(f"wrote {directory / 'nats-server.conf'} and {directory / 'devices.json'}", err=True)


def _users(given: Settings, file: Path | None) -> "BrokerUsers":
    """The users of the broker, and those that the settings name beside them."""
    from events.nats_config import load_users
    from services.up import broker_users_file

    return load_users(
        file or broker_users_file(given), given.broker_devices, given.broker_outlets, given.broker_readers
    )
