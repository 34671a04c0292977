"""Settings, read from the environment once, at the edge, into one frozen object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout. Braid runs from it; it is not installed."""

LIVE_BASES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "gleif": "https://api.gleif.org",
    "companies_house": "https://api.company-information.service.gov.uk",
    "opensanctions": "https://api.opensanctions.org",
    "ofac": "https://sanctionslistservice.ofac.treas.gov",
    "edgar": "https://data.sec.gov",
}
"""Real addresses, used only with `--live`, and then only where a key (or contact) is given."""

KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "companies_house": "COMPANIES_HOUSE_API_KEY",
    "opensanctions": "OPENSANCTIONS_API_KEY",
    "edgar": "EDGAR_CONTACT",
}


@dataclass(frozen=True)
class Endpoint:
    """Where one outside service is reached. The key never shows in a repr."""

    base_url: str
    simulated: bool
    key: str = field(default="", repr=False)


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and the mend."""


@dataclass(frozen=True)
class Settings:
    """All a process of ours needs to know about its surroundings.

    `simulator` is the base URL of the simulator; `source_timeout` and `model_timeout` are
    seconds for one HTTP exchange, `model_idle_timeout` those for the next piece of a model's
    answer; `retry_pause` is the first pause before another attempt, where the other side names
    none.
    """

    data: Path = ROOT / ".braid"
    live: bool = False
    simulator: str = ""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    catalogue: Path = ROOT / "llm.toml"
    log_format: str = "text"
    source_timeout: float = 10.0
    model_timeout: float = 150.0
    model_idle_timeout: float = 60.0
    retry_pause: timedelta = timedelta(seconds=0.5)

    @staticmethod
    def from_env(env: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read the `BRAID_*` variables and vendor keys. Raises SettingsError."""
        given = os.environ if env is None else env
        settings = Settings(
            data=Path(given.get("BRAID_DATA") or ROOT / ".braid").absolute(),
            live=_flag(given, "BRAID_LIVE"),
            simulator=given.get("BRAID_SIMULATOR", ""),
            keys={name: given[var] for name, var in KEYS.items() if given.get(var)},
            log_format=_choice(given, "BRAID_LOG", "text", ("text", "json")),
        )
        return replace(settings, **overrides)  # type: ignore[arg-type]

    @property
    def database(self) -> str:
        """SQLAlchemy address of the store."""
        return f"sqlite+aiosqlite:///{self.data / 'store.db'}"

    def endpoint(self, service: str) -> Endpoint:
        """Where `service` is reached: the simulator unless `live` and, where one is needed,
        a key is at hand. Keys are not even read into the endpoint without `live`.
        """
        key = self.keys.get(service, "")
        if self.live and service in LIVE_BASES and (key or service not in KEYS):
            return Endpoint(LIVE_BASES[service], simulated=False, key=key)
        if not self.simulator:
            raise SettingsError(
                f"no address for {service!r}: set BRAID_SIMULATOR to the simulator's URL, or use"
                f" --live with {KEYS.get(service, 'a reachable service')}"
            )
        version = "/v1" if service == "openai" else ""
        return Endpoint(f"{self.simulator.rstrip('/')}/{service}{version}", simulated=True)


def _flag(env: Mapping[str, str], name: str) -> bool:
    return _choice(env, name, "0", ("0", "1", "")) == "1"


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name, default)
    if value not in allowed:
        wanted = " or ".join(repr(a) for a in allowed if a)
        raise SettingsError(f"{name}={value!r} is not understood; set it to {wanted}")
    return value
