"""What to do about a reply: nothing, give up, ask again, wait, or never ask again.

One table for every service (`STATUS`), and before it what overrides a status: a limit that
money or a month must lift, the header x-should-retry. Sources: vendors' error references and
recorded traffic; in short, 408, 409, 425, 429 and 5xx may pass, other refusals are final.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from activities.wire import Reply

NONSENSE = "nonsense"
"""Our code for what is no answer at all, whatever its status says."""
LONGEST_WAIT = timedelta(seconds=60)
"""A longer wait is not sat out in a retry: the next model or source is asked instead."""


class Posture(StrEnum):
    """What a reply asks of us. `never`: only money, a plan or a new month will help."""

    NONE = "none"
    FINAL = "final"
    RETRY = "retry"
    RETRY_AFTER = "retry_after"
    NEVER = "never"


@dataclass(frozen=True)
class Advice:
    """A posture with its reason; `code` is the other side's word for it, or ours."""

    posture: Posture
    code: str = ""
    detail: str = ""
    wait: timedelta | None = None
    status: int = 200

    @property
    def hopeless(self) -> bool:
        """Say whether asking the same again soon cannot help."""
        too_long = self.wait is not None and self.wait > LONGEST_WAIT
        return self.posture in (Posture.FINAL, Posture.NEVER) or too_long


RETRYABLE = frozenset({408, 409, 425, 429, *range(500, 600)}) - {501, 505, 511}
STATUS: Mapping[int, Posture] = {
    status: Posture.RETRY if status in RETRYABLE else Posture.FINAL for status in range(300, 600)
} | {402: Posture.NEVER}

NEVER_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "billing_error",
        "enforced_spend_limit_reached",
    }
)
NEVER_SERVICES = frozenset({"opensanctions"})
"""Services whose 429 without a waiting time is a monthly quota."""


def judge(service: str, reply: Reply, now: datetime, *, wants_json: bool = True) -> Advice:
    """Say what to do about a reply of `service`; posture `none` means it can be read."""
    if reply.status < 300:
        return _under_200(reply, wants_json)
    error = error_in(reply.body)
    codes = _codes(error)
    code = codes[0] if codes else f"http_{reply.status}"
    detail = f"{service} answered {reply.status} {code}"
    spent = next((c for c in codes if c in NEVER_CODES), None)
    wait = waiting(reply.headers, error, now)
    if spent or (reply.status == 429 and wait is None and service in NEVER_SERVICES):
        return Advice(Posture.NEVER, spent or "quota", detail, status=reply.status)
    match reply.headers.get("x-should-retry"):
        case "true":
            posture = Posture.RETRY
        case "false":
            posture = Posture.FINAL
        case _:
            posture = STATUS.get(reply.status, Posture.FINAL)
    if posture is not Posture.RETRY:
        return Advice(posture, code, detail, status=reply.status)
    posture = Posture.RETRY if wait is None else Posture.RETRY_AFTER
    return Advice(posture, code, detail, wait, reply.status)


def _under_200(reply: Reply, wants_json: bool) -> Advice:
    """Look for what is no answer under 200: a web page, broken JSON, an error object."""
    if is_web_page(reply.body):
        return Advice(Posture.RETRY, NONSENSE, "a web page instead of an answer")
    if not wants_json:
        return Advice(Posture.NONE)
    try:
        value = json.loads(reply.body)
    except ValueError:
        return Advice(Posture.RETRY, NONSENSE, "the answer is not JSON")
    if not isinstance(value, dict):
        return Advice(Posture.RETRY, NONSENSE, "the answer is not a JSON object")
    codes = _codes(error_in(reply.body))
    if not codes:
        return Advice(Posture.NONE)
    if spent := next((c for c in codes if c in NEVER_CODES), None):
        return Advice(Posture.NEVER, spent, "an error under 200")
    return Advice(Posture.RETRY, codes[0], "an error under 200")


def is_web_page(body: bytes) -> bool:
    """Say whether a body is a web page, whatever its content type claims."""
    return body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))


def error_in(body: bytes) -> Mapping[str, object]:
    """Give the error object of a body in any vendor's envelope; empty if there is none."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"code": error}
    return value if value.get("object") == "error" else {}


def _codes(error: Mapping[str, object]) -> list[str]:
    """List the words an error goes by, the most telling first."""
    details = error.get("details")
    inner = details.get("error_code") if isinstance(details, dict) else None
    words = (inner, error.get("code"), error.get("status"), error.get("type"))
    return [word for word in words if isinstance(word, str) and word]


def waiting(
    headers: Mapping[str, str], error: Mapping[str, object], now: datetime
) -> timedelta | None:
    """Read how long to wait: retry-after-ms, retry-after (seconds or date), Gemini RetryInfo."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return timedelta(milliseconds=milliseconds)
    after = headers.get("retry-after", "")
    if (seconds := _number(after)) is not None:
        return timedelta(seconds=seconds)
    if (until := _date(after)) is not None:
        return max(until - now, timedelta(0))
    return _retry_info(error)


def _retry_info(error: Mapping[str, object]) -> timedelta | None:
    details = error.get("details")
    for entry in details if isinstance(details, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str) and (seconds := _number(delay.removesuffix("s"))) is not None:
            return timedelta(seconds=seconds)
    return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 1e9 else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
