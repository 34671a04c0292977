"""How OpenAI, and vendors that speak like it, word errors and limits."""

from math import ceil

from pydantic import ValidationError

from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, retry_after
from simulator.limits import Limit
from simulator.vendors.vendor import Said

REFUSAL = "I'm sorry, but I can't help with that request."
OVERLOADED: dict[str, object] = {
    "message": "Our servers are currently overloaded. Please try again later.",
    "type": "service_unavailable_error",
    "param": None,
    "code": "server_is_overloaded",
}


def error(
    status: int, message: str, kind: str, param: str | None = None, code: str | None = None
) -> Reply:
    """Word an error."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    identity = digest("openai", message)[:32]
    return Reply(status, body, {"x-request-id": f"req_{identity}"})


def bad(message: str, param: str, code: str) -> Reply:
    """Refuse a request that is wrong in one place."""
    return error(400, message, "invalid_request_error", param, code)


def lost(asked: Asked) -> Reply:
    """Refuse an address nobody serves."""
    return error(404, f"Invalid URL ({asked.method} {asked.path})", "invalid_request_error")


def invalid(wrong: ValidationError) -> Reply:
    """Refuse a body that does not fit, naming the first place that is wrong."""
    first = wrong.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return error(
            400, "We could not parse the JSON body of your request.", "invalid_request_error"
        )
    if first["type"] == "missing":
        return bad(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")
    return bad(f"Invalid value for '{where}': {first['msg']}.", where, "invalid_value")


def headers(said: Said) -> dict[str, str]:
    """Build the headers of a good answer; the limits are those of a large account."""
    return {
        "x-request-id": f"req_{said.hash[16:48]}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "400",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": str(2_000_000 - said.input_tokens),
        "x-ratelimit-reset-tokens": "12ms",
    }


def announced(limit: Limit, left: float) -> dict[str, str]:
    """Tell a true limit of requests; the reset is a duration."""
    most = limit.requests or 0
    reset = (most - left) * limit.per / most if most else limit.per
    return {
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(int(left)),
        "x-ratelimit-reset-requests": f"{reset:.3f}s",
    }


def failure(vendor: str, fault: Fault) -> Reply:
    """Word a fault as OpenAI does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            return _rate_limited(fault)
        case FaultKind.QUOTA:
            text = "You exceeded your current quota, please check your plan and billing details."
            kind = "insufficient_quota"
            return error(fault.status or 429, text, kind, None, kind)
        case FaultKind.SPEND_LIMIT:
            text = "Your credit balance is exhausted. Add credits to continue."
            code = "credit_balance_exhausted"
            status = 429 if vendor == "openai" else 402
            return error(fault.status or status, text, "insufficient_quota", None, code)
        case FaultKind.OVERLOADED:
            text = str(OVERLOADED["message"])
            kind, code = str(OVERLOADED["type"]), str(OVERLOADED["code"])
            return error(fault.status or 503, text, kind, None, code)
        case _:
            text = "The server had an error while processing your request."
            return error(fault.status or 500, text, "server_error", None, "server_error")


def _rate_limited(fault: Fault) -> Reply:
    seconds = 1.0 if fault.retry_after is None else fault.retry_after
    text = f"Rate limit reached. Please try again in {seconds:.3f}s."
    reply = error(fault.status or 429, text, "requests", None, "rate_limit_exceeded")
    waits = {
        "retry-after-ms": str(ceil(seconds * 1000)),
        **retry_after(fault, 1.0),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": f"{seconds:.3f}s",
    }
    return Reply(reply.status, reply.body, {**reply.headers, **waits})
