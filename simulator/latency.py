"""How long each service takes: log-normal, repeatable per request."""

from simulator.chance import log_normal
from simulator.config import Fault, FaultKind

RANGES = {
    "openai": (5.0, 15.0),
    "anthropic": (5.0, 12.0),
    "gemini": (4.0, 10.0),
    "companies_house": (0.1, 0.4),
    "gleif": (0.1, 0.4),
    "opensanctions": (0.1, 0.4),
    "ofac": (0.1, 0.4),
    "edgar": (0.1, 0.4),
    "vies": (0.2, 0.8),
    "news": (0.2, 0.8),
    "dns": (0.02, 0.1),
    "rows": (0.1, 0.4),
    "table": (0.2, 1.0),
    "worldbank": (0.2, 0.8),
    "accounts": (0.05, 0.15),
    "mail": (0.1, 0.2),
    "chat": (0.1, 0.2),
    "endpoints": (0.2, 0.8),
    "payments": (0.5, 2.0),
    "warehouses": (0.3, 1.5),
    "carrier": (0.4, 1.2),
}
"""Seconds at speed 1 between which 90 % of the answers come."""

COMPATIBLE = (2.0, 8.0)
"""The same of every other vendor of models."""


def seconds(
    service: str,
    seed: int,
    request_hash: str,
    speed: float,
    fault: Fault | None,
    fixed: float | None = None,
) -> float:
    """Give the real seconds until the answer; a `slow` fault adds its own, unscaled."""
    if fixed is None:
        fixed = log_normal(*RANGES.get(service, COMPATIBLE), seed, "latency", request_hash)
    usual = fixed / speed
    if fault is None or fault.kind is not FaultKind.SLOW:
        return usual
    return usual + (30.0 if fault.seconds is None else fault.seconds)
