"""The command line, `ovop`: each group of commands is a module `services/commands_*.py` that adds itself to the app."""

import importlib
import pkgutil

import typer

import services

app = typer.Typer(
    name="ovop",
    help="The record-keeping of a One Village One Product network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

#: A group is any module of this prefix with a function `add_to(app: typer.Typer) -> None`.
COMMANDS = "commands_"


def _add_all() -> None:
    for module in sorted(found.name for found in pkgutil.iter_modules(services.__path__)):
        if module.startswith(COMMANDS):
            importlib.import_module(f"services.{module}").add_to(app)


_add_all()


def main() -> None:
    """The entry point of the installed command."""
    app()


if __name__ == "__main__":
    main()
