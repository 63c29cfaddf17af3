"""The environment, read once and typed. Every setting is an `OVOP_*` variable; `docs/operators.md` lists them."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How this installation runs.

    Without `database_url` and `nats_url` the embedded servers are used: `ovop up` starts them below `data_dir`, makes
    their passwords, and hands each process the address of the role that it may use.
    """

    model_config = SettingsConfigDict(env_prefix="OVOP_", extra="ignore", frozen=True)

    #: PostgreSQL, as a URL or a libpq connection string. None: the embedded server.
    database_url: str | None = None
    #: Addresses for single roles; each falls back on `database_url`.
    admin_database_url: str | None = None
    writer_database_url: str | None = None
    relay_database_url: str | None = None
    projector_database_url: str | None = None
    reader_database_url: str | None = None
    keeper_database_url: str | None = None
    #: For people of the ministry, who read its views with a program of theirs; no process of ours uses it.
    ministry_database_url: str | None = None

    #: NATS with JetStream, as `nats://user:password@host:port`. None: the embedded server.
    nats_url: str | None = None
    #: Addresses for single roles; each falls back on `nats_url`.
    relay_nats_url: str | None = None
    projector_nats_url: str | None = None
    intake_nats_url: str | None = None

    #: Where the embedded servers, generated credentials and log files live.
    data_dir: Path = Path(".ovop")
    #: The network whose log this is; also the id that founds it.
    network: str = Field(default="kg", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")

    #: Actors (JSON list, such as `["user/karakol-office"]`) who may report through the embedded broker.
    broker_actors: tuple[str, ...] = ()
    #: Readers from outside (JSON list, such as `["ministry"]`) who may hear events and replay them.
    broker_readers: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")], ...] = ()
    #: Outlets with a broker of their own, and who reports there: `{"karakol": ["till/karakol-1"]}`.
    broker_outlets: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: Where these join the embedded broker, as `host:port`. None: nowhere.
    broker_leaf: str | None = Field(default=None, pattern=r"^[^\s:]+:\d{1,5}$")
    #: What they are shown there (PEM files). None: the link is in clear, for a tunnel that is safe by itself.
    broker_certificate: Path | None = None
    broker_certificate_key: Path | None = None

    #: Where the API and the pages listen.
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    #: The address under which people reach the pages, such as `https://ovop.example.kg`; None: `host` and `port`.
    public_address: str | None = None
    #: Addresses of proxies (comma-separated, or `*`) whose word about a client's address is taken.
    trusted_proxies: str = ""

    #: How long a key, session or role is believed without asking again; so long may a revoked one still work.
    believed_seconds: float = Field(default=30.0, ge=0, le=60)
    #: How long somebody stays signed in, and a device's session lasts.
    session_hours: float = Field(default=12.0, gt=0, le=720)
    device_session_hours: float = Field(default=1.0, gt=0, le=24)
    #: How long a code to enrol a device, and one to choose a password, may be used.
    enrol_code_minutes: float = Field(default=15.0, gt=0, le=60)
    password_code_minutes: float = Field(default=1440.0, gt=0, le=10_080)
    #: How long a second person's yes to a command counts.
    agreement_hours: float = Field(default=72.0, gt=0, le=720)
    #: Another provider to sign in with (OpenID Connect); None: name and password only.
    oidc_issuer: str | None = None
    oidc_client_id: str = "ovop"
    oidc_client_secret_file: Path | None = None

    #: Limits; what goes beyond one is refused by name.
    header_bytes_max: int = Field(default=32_000, ge=8_000, le=64_000)
    body_bytes_max: int = Field(default=2_000_000, ge=1_000, le=2_000_000)
    items_max: int = Field(default=500, ge=1, le=500)
    document_bytes_max: int = Field(default=1_400_000, ge=1_000, le=1_400_000)
    export_events_max: int = Field(default=1_000_000, ge=1, le=1_000_000)
    page_rows_max: int = Field(default=1_000, ge=1, le=1_000)
    device_requests_per_minute: int = Field(default=1_200, ge=1)
    account_requests_per_minute: int = Field(default=1_200, ge=1)
    address_requests_per_minute: int = Field(default=1_200, ge=1)
    account_failures_per_quarter_hour: int = Field(default=10, ge=1)
    address_failures_per_quarter_hour: int = Field(default=50, ge=1)
    read_statement_seconds: float = Field(default=20.0, gt=0, le=600)
    write_statement_seconds: float = Field(default=30.0, gt=0, le=600)

    #: What is written to the log files.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    #: How long an ordered stop may take before a process is killed.
    stop_seconds: float = Field(default=15.0, gt=0, le=300)
    #: How often one process may die within a minute before the supervisor gives up.
    restarts_per_minute: int = Field(default=20, ge=1, le=1000)

    @property
    def admin_key_file(self) -> Path:
        """The key of the administrator (mode 0600), made at the first start."""
        return self.data_dir / "admin.key"

    @property
    def signing_key_dir(self) -> Path:
        """Where the network's signing keys lie (mode 0600), outside the database."""
        return self.data_dir / "signing"

    @property
    def broker_devices(self) -> tuple[str, ...]:
        """Everybody who may report through the broker, directly or at an outlet."""
        return (*self.broker_actors, *(actor for actors in self.broker_outlets.values() for actor in actors))

    @property
    def base_url(self) -> str:
        """Where a client on this machine finds the API."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"

    @property
    def address(self) -> str:
        """Where people find the pages."""
        return (self.public_address or self.base_url).rstrip("/")

    def database_for(self, role: Literal["admin", "writer", "relay", "projector", "reader", "keeper"]) -> str:
        """The connection string of one role. Raises NoDatabase."""
        url: str | None = getattr(self, f"{role}_database_url") or self.database_url
        if url is None:
            raise NoDatabase
        return url

    def nats_for(self, role: Literal["relay", "projector", "intake"]) -> str:
        """The broker's address for one role. Raises NoBroker."""
        url: str | None = getattr(self, f"{role}_nats_url") or self.nats_url
        if url is None:
            raise NoBroker
        return url


class NoDatabase(Exception):
    """No PostgreSQL is known: set OVOP_DATABASE_URL, or start the embedded one with `ovop up`."""

    def __str__(self) -> str:
        return self.__doc__ or ""


class NoBroker(Exception):
    """No NATS server is known: set OVOP_NATS_URL, or start the embedded one with `ovop up`."""

    def __str__(self) -> str:
        return self.__doc__ or ""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read from the environment at the first call.

    Addresses that the environment does not give come from the embedded servers that `ovop up` runs in `data_dir`.
    """
    given = Settings()
    running = given.data_dir / "running.json"
    if not running.is_file():
        return given
    stated = given.model_dump(exclude_unset=True)
    if any(name.endswith("_url") for name in stated):
        return given
    found = Settings.model_validate_json(running.read_bytes())
    return found.model_copy(update=stated)
