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
    "accounts": (0.05, 0.15),
    "mail": (0.1, 0.2),
    "chat": (0.1, 0.2),
}
"""Seconds at speed 1 between which 90 % of the answers come."""


def seconds(service: str, seed: int, request_hash: str, speed: float, fault: Fault | None) -> float:
    """Give the real seconds until the answer; a `slow` fault adds its own, unscaled."""
    usual = log_normal(*RANGES[service], seed, "latency", request_hash) / speed
    late = fault.seconds if fault is not None and fault.kind is FaultKind.SLOW else 0.0
    return usual + late
