"""Settings, read from the environment once, at the edge, into one frozen object."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from runtime import smtp, stores
from runtime.allowed import PREFIX, allowed
from runtime.secret_files import with_secrets
from runtime.smtp import MailServer

if TYPE_CHECKING:
    from runtime.catalogue import Catalogue

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
"""The checkout. Braid runs from it; it is not installed."""

LIVE_BASES = {
    "gleif": "https://api.gleif.org",
    "companies_house": "https://api.company-information.service.gov.uk",
    "opensanctions": "https://api.opensanctions.org",
    "ofac": "https://sanctionslistservice.ofac.treas.gov",
    "edgar": "https://data.sec.gov",
    "worldbank": "https://apigwext.worldbank.org",
    "vies": "https://ec.europa.eu/taxation_customs/vies/rest-api",
    "news": "https://newsapi.org",
    "dns": "https://dns.google",
}
"""Real addresses of sources, used only with `--live`, and then only where a key (or contact) is
given; those of model vendors stand in the catalogue.
"""

KEYS = {
    "companies_house": "COMPANIES_HOUSE_API_KEY",
    "opensanctions": "OPENSANCTIONS_API_KEY",
    "edgar": "EDGAR_CONTACT",
    "news": "NEWS_API_KEY",
    "worldbank": "WORLDBANK_API_KEY",
}
COLLECTORS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Where traces go; nowhere if neither is set. The exporter reads them itself, as other OTEL_*."""
EFFECTS = frozenset(
    {"accounts", "mail", "chat", "payments", "warehouses", "carrier", "rows", "table"}
)


@dataclass(frozen=True)
class Endpoint:
    """Where one outside service is reached. The key never shows in a repr.

    Of a model vendor, `auth` is the header that carries the key, empty for the dialect's own
    (`authorization` carries it as a bearer token), and `quirks` (`Quirk`) say where it strays from
    its dialect.
    """

    base_url: str
    simulated: bool
    key: str = field(default="", repr=False)
    auth: str = ""
    quirks: frozenset[str] = frozenset()


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and the mend."""


@dataclass(frozen=True)
class Settings:
    """All a process of ours needs to know about its surroundings.

    `store` is the address of a PostgreSQL database, empty for a file in `data`.
    `simulator` is the base URL of the simulator, `simulator_smtp` its mail server as a URL, and
    `mail_server` the real one, used only with `live`; `endpoints` are base URLs by name,
    called only with `live`; `webhook_keys` is the file with what signs events for them (None: one
    of our own making), `identity` that with the key decisions are signed with; `source_timeout` and
    `model_timeout` are seconds for one HTTP exchange, `connect_timeout` those for its connection,
    `model_idle_timeout` those for the next piece of a model's answer; `retry_pause` is the first
    pause before another attempt, where the other side names none; `breaker_pause` is how long a
    service is left alone at first when its breaker opens.
    `metrics` is where Prometheus finds this process (HOST:PORT, empty: nowhere); `traces` says that
    a collector of traces is named, `traced` which services are told the id of the trace.
    `keys_path` is the key ring if it lies elsewhere than in `data`; `encryption` is `on`, `off`, or
    empty for what fits the Temporal service; pages of `codec_origins` may ask the codec endpoint.
    """

    data: Path = ROOT / ".braid"
    store: str = ""
    store_most_mb: int = 0
    live: bool = False
    simulator: str = ""
    simulator_smtp: str = ""
    mail_server: MailServer | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    webhook_keys: Path | None = None
    catalogue: Path = ROOT / "llm.toml"
    log_format: str = "text"
    metrics: str = ""
    traces: bool = False
    traced: frozenset[str] = frozenset()
    keys_path: Path | None = None
    encryption: str = ""
    codec_origins: tuple[str, ...] = ()
    identity: Path | None = None
    connect_timeout: float = 5.0
    source_timeout: float = 10.0
    model_timeout: float = 150.0
    model_idle_timeout: float = 60.0
    retry_pause: timedelta = timedelta(seconds=0.5)
    breaker_pause: timedelta = timedelta(seconds=15)

    @staticmethod
    def from_env(env: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read the `BRAID_*` variables and the keys the catalogue names. Raises SettingsError."""
        given = _said(with_secrets, os.environ if env is None else env)
        settings = Settings(
            data=Path(given.get("BRAID_DATA") or ROOT / ".braid").absolute(),
            store=_said(stores.given, given),
            store_most_mb=_said(stores.most_mb, given),
            live=_flag(given, "BRAID_LIVE"),
            simulator=given.get("BRAID_SIMULATOR", ""),
            simulator_smtp=given.get("BRAID_SIMULATOR_SMTP", ""),
            mail_server=_said(smtp.given, given),
            endpoints=_said(lambda env: allowed(env.get("BRAID_ENDPOINTS", "")), given),
            webhook_keys=_file(given, "BRAID_WEBHOOK_KEYS"),
            catalogue=Path(given.get("BRAID_CATALOGUE") or ROOT / "llm.toml").absolute(),
            identity=_file(given, "BRAID_IDENTITY"),
            log_format=_choice(given, "BRAID_LOG", "text", ("text", "json")),
            metrics=given.get("BRAID_METRICS", ""),
            traces=any(given.get(name) for name in COLLECTORS),
            traced=frozenset(given.get("BRAID_TRACEPARENT", "").replace(",", " ").split()),
            keys_path=_file(given, "BRAID_KEYS_FILE"),
            codec_origins=tuple(
                part.strip().rstrip("/")
                for part in given.get("BRAID_CODEC_ORIGINS", "").split(",")
                if part.strip()
            ),
            encryption=_choice(given, "BRAID_ENCRYPTION", "", ("on", "off", "")),
        )
        keys = {name: given[var] for name, var in settings.key_names.items() if given.get(var)}
        return replace(settings, **{"keys": keys, **overrides})  # type: ignore[arg-type]

    @property
    def database(self) -> str:
        """SQLAlchemy address of the store; with the key ring it is sealed with, if there is one."""
        address = self.store or stores.in_file(self.data / "store.db", self.store_most_mb)
        if self.keys_path is None and not self.keys_file.exists():
            return address
        return f"{address}{'&' if '?' in address else '?'}keys={quote(str(self.keys_file))}"

    @property
    def keys_file(self) -> Path:
        """Where the key ring lies, or would."""
        return self.keys_path or self.data / "keys.json"

    @property
    def has_store(self) -> bool:
        """Say whether there may be a store already: a database that is named, or the file."""
        return bool(self.store) or (self.data / "store.db").exists()

    @cached_property
    def models(self) -> "Catalogue":
        """The catalogue of models, read when first asked for. Raises SettingsError."""
        from runtime.catalogue import CatalogueError, load  # records: a fifth of a second

        try:
            found = load(self.catalogue)
        except CatalogueError as wrong:
            raise SettingsError(str(wrong)) from wrong
        if taken := sorted(set(found.vendors) & {*LIVE_BASES, *EFFECTS}):
            raise SettingsError(
                f"{self.catalogue.name}: vendors.{taken[0]}: is the name of a source or effect;"
                " give the vendor another"
            )
        return found

    @property
    def key_names(self) -> Mapping[str, str]:
        """Names of the environment variables with keys, by service; only of those that need one."""
        return KEYS | {name: v.key for name, v in self.models.vendors.items() if v.key}

    def endpoint(self, service: str) -> Endpoint:
        """Where `service` is reached: the simulator unless `live` and, where one is needed,
        a key is at hand. Keys are not even read into the endpoint without `live`.
        """
        vendor = self.models.vendors.get(service)
        auth, quirks = (vendor.auth, vendor.quirks) if vendor else ("", frozenset[str]())
        if service.startswith(PREFIX):
            return self._of_the_list(service.removeprefix(PREFIX))
        if self.is_live(service):
            real = vendor.base_url if vendor else LIVE_BASES[service]
            return Endpoint(real, False, self.keys.get(service, ""), auth, quirks)
        if not self.simulator:
            raise SettingsError(
                f"no address for {service!r}: set BRAID_SIMULATOR to the simulator's URL, or use"
                f" --live with {self.key_names.get(service, 'a reachable service')}"
            )
        path = vendor.path if vendor else ""
        where = f"{self.simulator.rstrip('/')}/{service}{path}"
        return Endpoint(where, simulated=True, auth=auth, quirks=quirks)

    def _of_the_list(self, name: str) -> Endpoint:
        """Where an endpoint of the allow-list is reached; without `live` the simulator has any."""
        if not self.live:
            whole = self.endpoint("endpoints")
            return replace(whole, base_url=f"{whole.base_url}/{name}")
        if name not in self.endpoints:
            raise SettingsError(
                f"endpoint {name!r} is not on the allow-list; add {name}=https://... to"
                " BRAID_ENDPOINTS"
            )
        return Endpoint(self.endpoints[name], simulated=False)

    @property
    def mail(self) -> MailServer:
        """Where mail is handed over: a real server with `live` and BRAID_SMTP_URL, else the
        simulator's. Raises SettingsError.
        """
        if self.live and self.mail_server:
            return self.mail_server
        if not self.simulator_smtp:
            raise SettingsError(
                "no address for 'mail': set BRAID_SIMULATOR_SMTP to the simulator's mail server, or"
                " use --live with BRAID_SMTP_URL"
            )
        try:
            return smtp.at(self.simulator_smtp, "BRAID_SIMULATOR_SMTP", clear=True)
        except ValueError as wrong:
            raise SettingsError(str(wrong)) from wrong

    def is_live(self, service: str) -> bool:
        """Say whether the real service is called: with `live`, and its key if it needs one."""
        real = service in LIVE_BASES or service in self.models.vendors
        return self.live and real and (service in self.keys or service not in self.key_names)


def _file(env: Mapping[str, str], name: str) -> Path | None:
    return Path(given).absolute() if (given := env.get(name)) else None


def _said(read: Callable[[Mapping[str, str]], T], env: Mapping[str, str]) -> T:
    try:
        return read(env)
    except ValueError as wrong:
        raise SettingsError(str(wrong)) from wrong


def _flag(env: Mapping[str, str], name: str) -> bool:
    return _choice(env, name, "0", ("0", "1", "")) == "1"


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name, default)
    if value not in allowed:
        wanted = " or ".join(repr(a) for a in allowed if a)
        raise SettingsError(f"{name}={value!r} is not understood; set it to {wanted}")
    return value
