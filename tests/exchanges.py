"""What tests share about papers, copies and cases."""

import json
from pathlib import Path
from typing import Any

import psycopg
from typer.testing import CliRunner, Result

from services import settings as settings_module
from services.cli import app
from tests.door import Door

AUDITORS = Path(__file__).parents[1] / "docs" / "auditors.md"


def ovop(door: Door, *arguments: str) -> Result:
    """`ovop` on the machine on which the API runs."""
    settings_module.settings.cache_clear()
    given = {
        "OVOP_DATA_DIR": str(door.front.settings.data_dir),
        "OVOP_PORT": door.url.rpartition(":")[2],
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    try:
        return CliRunner().invoke(app, list(arguments), env=given, catch_exceptions=False)
    finally:
        settings_module.settings.cache_clear()


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def unreadable(door: Door, stream: str) -> None:
    """Break the bytes of a stream in the log, so that whoever opens them fails."""
    with psycopg.connect(door.database.admin) as connection:
        connection.execute("SET session_replication_role = replica")  # the log itself refuses every change
        connection.execute("UPDATE log.events SET leaf = 'broken' WHERE stream = %s", [stream])
