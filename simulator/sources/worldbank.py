"""The list of barred firms, in the shape of the World Bank's own."""

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts.barred import BARRED

PATH = "/dvsvc/v1.0/json/APPLICATION/ADOBE_EXPRNCE_MGR/FIRM/SANCTIONED_FIRM"


def answer(asked: Asked) -> Reply:
    """Answer the whole list."""
    if asked.method != "GET" or asked.path != PATH:
        return _error(404, "Resource not found")
    return Reply(200, {"response": {"ZPROCSUPP": list(BARRED)}})


def _error(status: int, message: str) -> Reply:
    return Reply(status, {"statusCode": status, "message": message})


def failure(fault: Fault) -> Reply:
    """Word a fault as the bank's gateway does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            limited = _error(fault.status or 429, "Rate limit is exceeded")
            return Reply(limited.status, limited.body, retry_after(fault, 60.0))
        case FaultKind.OVERLOADED:
            return _error(fault.status or 503, "Service Unavailable")
        case _:
            return _error(fault.status or 500, "Internal server error")


SERVICE = Service(answer, failure)
