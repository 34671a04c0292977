"""How the effect services word their failures: one JSON object with a message."""

from pydantic import ValidationError

from simulator.config import Fault, FaultKind
from simulator.exchange import Reply, retry_after


def refuse(status: int, message: str) -> Reply:
    """Refuse a request, saying why."""
    return Reply(status, {"error": message})


def misfit(wrong: ValidationError) -> Reply:
    """Refuse a body that does not fit, naming the first field that is wrong."""
    first = wrong.errors()[0]
    return refuse(422, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


def failure(fault: Fault) -> Reply:
    """Word a fault."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            limited = refuse(fault.status or 429, "too many requests")
            return Reply(limited.status, limited.body, retry_after(fault, 1.0))
        case FaultKind.OVERLOADED:
            return refuse(fault.status or 503, "temporarily unavailable")
        case _:
            return refuse(fault.status or 500, "internal error")
