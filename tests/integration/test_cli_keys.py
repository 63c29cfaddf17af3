"""`ovop keys`: what it makes opens the door, what it ends does not, and what it prints is shown once."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from services import settings as settings_module
from services.cli import app
from tests.access import PASSWORD, choose, ed25519_tablet, enrol, sign_in
from tests.door import Door, accepted, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase, environment


class Shell:
    """`ovop keys` on a terminal without colours, with the keeper's address and no other."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def run(self, *arguments: str, columns: int = 200) -> Result:
        settings_module.settings.cache_clear()
        given = {"OVOP_KEEPER_DATABASE_URL": self.door.database.keeper, "COLUMNS": str(columns), "NO_COLOR": "1"}
        try:
            return CliRunner().invoke(app, ["keys", *arguments], env=given, catch_exceptions=False)
        finally:
            settings_module.settings.cache_clear()

    def json(self, *arguments: str) -> dict[str, Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def get(self, path: str, key: str) -> int:
        return httpx.get(f"{self.door.url}{path}", headers={"Authorization": f"Bearer {key}"}).status_code


@pytest.fixture
def shell(log_database: LogDatabase, tmp_path: Path) -> Iterator[Shell]:
    with opened(log_database, tmp_path, believed_seconds=0) as door:
        yield Shell(door)


def test_a_narrow_terminal_shows_whole_names_one_key_a_line(shell: Shell) -> None:
    shell.json("make", "integrator/the-office-of-karakol", "--scope", "read:quarantine", "--days", "30")
    shown = shell.run("list", columns=80).stdout
    [line] = [line for line in shown.splitlines() if "integrator" in line]
    assert "integrator/the-office-of-karakol  read:quarantine" in re.sub(r" {2,}", "  ", line)


def test_a_key_is_made_listed_without_its_secret_and_ended(shell: Shell) -> None:
    made = shell.json("make", "integrator/office", "--scope", "read", "--days", "30", "--label", "the office")
    assert shell.get("/api/v1/inventory", made["key"]) == 200

    listed = shell.run("list").stdout
    assert made["key_id"] in listed
    assert made["key"].split("_")[2] not in listed
    [row] = [row for row in shell.json("list")["keys"] if row["key_id"] == made["key_id"]]
    assert (row["actor"], row["kind"], row["scopes"], row["label"]) == (
        "integrator/office", "integrator", ["read"], "the office",
    )  # fmt: skip
    assert row["last_used_at"]

    assert shell.run("revoke", made["key_id"]).exit_code == 0
    assert shell.get("/api/v1/inventory", made["key"]) == 401
    assert shell.run("revoke", made["key_id"]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["integrator/office"], "name what the key may"),
        (["integrator/office", "--scope", "everything"], "there is no scope everything"),
        (["Integrator Office", "--scope", "read"], "pseudonymous id"),
    ],
)
def test_a_key_for_nothing_or_for_anything_is_not_made(shell: Shell, arguments: list[str], why: str) -> None:
    result = shell.run("make", *arguments)
    assert result.exit_code == 1
    assert why in result.stderr


def test_another_administrator_s_key_may_everything(shell: Shell) -> None:
    made = shell.json("make", "center/second", "--admin")
    assert shell.get("/api/v1/events", made["key"]) == 200


def test_a_person_is_let_in_chooses_a_password_and_is_shut_out_again(shell: Shell) -> None:
    made = shell.json("person", "user/aigul", "--name", "aigul")
    assert choose(shell.door, made["code"], PASSWORD).status_code == 200
    session = sign_in(shell.door).json()["token"]
    assert shell.get("/api/v1/session", session) == 200

    renewed = shell.json("password", "user/aigul")
    assert sign_in(shell.door).status_code == 200, "the old password works until the code is used"
    assert choose(shell.door, renewed["code"], "another long password").status_code == 200
    assert sign_in(shell.door).status_code == 401

    assert shell.run("revoke", "user/aigul").exit_code == 0
    assert shell.get("/api/v1/session", session) == 401
    assert sign_in(shell.door, password="another long password").status_code == 401
    assert shell.run("password", "user/aigul").exit_code == 1


def test_a_name_is_given_once(shell: Shell) -> None:
    shell.json("person", "user/aigul", "--name", "aigul")
    assert "has that name" in shell.run("person", "user/other", "--name", "aigul").stderr


def test_a_till_that_was_lost_its_code_gets_another(shell: Shell) -> None:
    found(shell.door)
    first = accepted(shell.door.command("network/enroll-till", till="karakol-1", outlet="karakol", credential="code"))
    second = shell.json("code", "till/karakol-1")
    assert second["outlet"] == "karakol"
    assert enrol(shell.door, ed25519_tablet(), first["code"]).status_code == 401, "the code of before is over"
    assert enrol(shell.door, ed25519_tablet(), second["code"]).status_code == 200


def test_a_till_of_no_known_outlet_gets_no_code(shell: Shell) -> None:
    assert "no outlet is known" in shell.run("code", "till/never-seen").stderr


def test_without_the_keeper_s_address_there_is_an_explanation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings_module.settings.cache_clear()
    result = CliRunner().invoke(app, ["keys", "list"], catch_exceptions=False)
    settings_module.settings.cache_clear()
    assert (result.exit_code, "OVOP_DATABASE_URL" in result.stderr) == (1, True)


KEY = re.compile(rb"ovop_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


@pytest.mark.slow
def test_the_first_start_shows_the_administrators_key_on_the_terminal_once_and_in_no_log(tmp_path: Path) -> None:
    first, second = start_on_terminal(tmp_path), start_on_terminal(tmp_path)

    [shown] = KEY.findall(first)
    assert shown.decode() == (tmp_path / "data" / "admin.key").read_text().strip()
    assert KEY.findall(second) == []
    for log in (tmp_path / "data" / "logs").iterdir():
        assert not KEY.search(log.read_bytes()), log.name


def start_on_terminal(directory: Path) -> bytes:
    """What `ovop up` shows on a terminal until it is ready; then it is stopped."""
    ours, theirs = pty.openpty()
    given = environment(OVOP_DATA_DIR=str(directory / "data"), OVOP_PORT="0")
    command = [sys.executable, "-m", "services.cli", "up"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=given)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 120
    try:
        while b"ready: " not in shown and process.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.5)[0]:
                shown += os.read(ours, 65_536)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        os.close(ours)
    assert b"ready: " in shown, shown.decode(errors="replace")
    return shown
