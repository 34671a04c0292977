"""What to do about a reply: nothing, give up, ask again, wait, or never ask again.

One table for every service: `STATUS`, and `CODES` for words that say more than a status does.
Sources: vendors' error references and recorded traffic; in short, 408, 409, 425, 429 and 5xx
may pass, other refusals are final, and what money or a month must lift is never asked again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from activities.waiting import exhausted, waiting
from activities.wire import Reply

NONSENSE = "nonsense"
"""Our code for what is no answer at all, or only the beginning of one, whatever its status."""
FILTERED = "content_filter"
"""Azure's code for a prompt its filter stopped."""
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
    def limited(self) -> bool:
        """Say whether the other side turned the call away for a limit of its rate."""
        return self.status == 429 and self.posture in (Posture.RETRY, Posture.RETRY_AFTER)

    @property
    def hopeless(self) -> bool:
        """Say whether asking the same again soon cannot help."""
        too_long = self.wait is not None and self.wait > LONGEST_WAIT
        return self.posture in (Posture.FINAL, Posture.NEVER) or too_long


# ---- the table ---------------------------------------------------------------------------------

RETRYABLE = frozenset({408, 409, 425, 429, 498, *range(500, 600)}) - {501, 505, 511}
STATUS: Mapping[int, Posture] = {
    status: Posture.RETRY if status in RETRYABLE else Posture.FINAL for status in range(300, 600)
} | {402: Posture.NEVER}

_NEVER = (
    "insufficient_quota credit_balance_exhausted billing_hard_limit_reached billing_error "
    "billing_not_active enforced_spend_limit_reached exceeded_current_quota_error "
    "insufficient_balance daily_quota spend_limit apiKeyExhausted"
)
_FINAL = (
    "context_length_exceeded request_too_large model_not_found invalid_api_key "
    "invalid_request_error invalid_prompt invalid_request unsupported_parameter "
    "authentication_error permission_error not_found_error tool_use_failed "
    "INVALID_ARGUMENT FAILED_PRECONDITION PERMISSION_DENIED UNAUTHENTICATED NOT_FOUND "
    "OUT_OF_RANGE UNIMPLEMENTED " + FILTERED
)
_RETRY = (
    "rate_limit_exceeded rate_limit_error slow_down server_is_overloaded overloaded_error "
    "service_unavailable_error engine_overloaded_error server_error api_error timeout_error "
    "conflict_error json_validate_failed "
    "RESOURCE_EXHAUSTED UNAVAILABLE INTERNAL DEADLINE_EXCEEDED ABORTED CANCELLED UNKNOWN"
)
CODES: Mapping[str, Posture] = {
    code: posture
    for posture, codes in (
        (Posture.NEVER, _NEVER),
        (Posture.FINAL, _FINAL),
        (Posture.RETRY, _RETRY),
    )
    for code in codes.split()
}
"""Words of errors. Of those that only name a kind of status the status itself decides."""

_PHRASES = (
    (
        "spend_limit",
        r"spend(ing)? limit|credit balance is too low|you will regain access|key limit exceeded"
        r"|(insufficient|no|not have any|doesn't have any) credits",
    ),
    ("daily_quota", r"free-models-per-day|\blimit: 0\b"),
    ("request_too_large", r"request too large for"),
    (
        "context_length_exceeded",
        r"maximum context length|prompt is too long|exceeds? (the |your )?context"
        r"|input token count .* exceeds|context (window|size|length) exceeded",
    ),
)
"""What vendors say in sentences only."""

NEVER_SERVICES = frozenset({"opensanctions"})
"""Services whose 429 without a waiting time is a monthly quota."""


def judge(service: str, reply: Reply, now: datetime, *, wants_json: bool = True) -> Advice:
    """Say what to do about a reply of `service`; posture `none` means it can be read."""
    if reply.status >= 300:
        return judge_error(service, reply, error_in(reply.body), now)
    if is_web_page(reply.body):
        return Advice(Posture.RETRY, NONSENSE, f"{service} answered with a web page")
    if not wants_json:
        return Advice(Posture.NONE)
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Advice(Posture.RETRY, NONSENSE, f"the answer of {service} is not JSON")
    if not isinstance(value, dict):
        return Advice(Posture.RETRY, NONSENSE, f"the answer of {service} is not a JSON object")
    error = error_of(value)
    return judge_error(service, reply, error, now) if error else Advice(Posture.NONE)


def judge_error(service: str, reply: Reply, error: Mapping[str, Any], now: datetime) -> Advice:
    """Say what to do about an error, under its own status or inside a reply of 200.

    Under 200 the headers speak of the exchange, not of the error: no wait is taken from them.
    What the error itself reports counts.
    """
    inside = reply.status < 300
    headers = ({} if inside else dict(reply.headers)) | _reported(error)
    words = _words(error)
    code = words[0] if words else f"http_{_inner_status(error) or reply.status}"
    posture = _posture(reply.status, words, error, headers)
    wait = waiting(headers, error, now)
    if wait is None and reply.status == 429:
        wait = exhausted(headers, now)
        if wait is None and service in NEVER_SERVICES:
            posture, code = Posture.NEVER, code if words else "quota"
    place = "an error under 200," if inside else f"{reply.status}"
    detail = f"{service} answered {place} {code}"
    if posture is not Posture.RETRY:
        return Advice(posture, code, detail, status=reply.status)
    posture = Posture.RETRY if wait is None else Posture.RETRY_AFTER
    return Advice(posture, code, detail, wait, reply.status)


def _posture(
    status: int, words: list[str], error: Mapping[str, Any], headers: Mapping[str, str]
) -> Posture:
    known = [CODES[word] for word in words if word in CODES]
    if Posture.NEVER in known or status == 402:
        return Posture.NEVER
    if (told := headers.get("x-should-retry")) in ("true", "false"):
        return Posture.RETRY if told == "true" else Posture.FINAL
    if status >= 300:
        # The type of an error only repeats its status; a code may know better.
        telling = [CODES[w] for w in words if w in CODES and w not in _kinds(error)]
        return telling[0] if telling else STATUS.get(status, Posture.FINAL)
    if known:
        return known[0]
    return STATUS.get(_inner_status(error), Posture.RETRY)


def _kinds(error: Mapping[str, Any]) -> set[object]:
    return {error.get("type"), error.get("status")} - {error.get("code")}


def _inner_status(error: Mapping[str, Any]) -> int:
    for name in ("status_code", "code", "status"):
        found = str(error.get(name, ""))
        if found.isdecimal() and len(found) == 3:
            return int(found)
    return 0


# ---- reading errors ----------------------------------------------------------------------------


def is_web_page(body: bytes) -> bool:
    """Say whether a body is a web page, whatever its content type claims."""
    return body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))


def error_in(body: bytes) -> Mapping[str, Any]:
    """Give the error of an error answer's body in any vendor's envelope, or without one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    return (error_of(value) or value) if isinstance(value, dict) else {}


def error_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the error object a JSON object holds, as an answer or as an event; else empty."""
    error = value.get("error")
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"message" if " " in error else "code": error}
    if value.get("type") == "error" or value.get("object") == "error":
        return value
    if value.get("type") == "response.failed" and isinstance(value.get("response"), dict):
        return error_of(value["response"]) or {"code": "server_error"}
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        error = choices[0].get("error")
        return error if isinstance(error, dict) else {}
    return {}


def _words(error: Mapping[str, Any]) -> list[str]:
    """List the words an error goes by, the most telling first."""
    details, message = error.get("details"), error.get("message")
    inner = details.get("error_code") if isinstance(details, dict) else None
    words = [inner]
    if _of_the_day(details):
        words.append("daily_quota")
    if isinstance(message, str):
        found = (code for code, phrase in _PHRASES if re.search(phrase, message, re.IGNORECASE))
        words.extend(found)
    words += [error.get("code"), error.get("status"), error.get("type")]
    return [word for word in words if isinstance(word, str) and re.fullmatch(r"[\w.-]{1,64}", word)]


def _of_the_day(details: object) -> bool:
    """Say whether a quota of Gemini that is used up lasts till tomorrow."""
    for entry in details if isinstance(details, list) else []:
        violations = entry.get("violations") if isinstance(entry, dict) else None
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict) and "PerDay" in str(violation.get("quotaId", "")):
                return True
    return False


def _reported(error: Mapping[str, Any]) -> dict[str, str]:
    """Give the headers a router passes on inside its error, and the wait it tells (OpenRouter)."""
    metadata = error.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    headers = told.get("headers")
    found = headers.items() if isinstance(headers, dict) else ()
    seconds = told.get("retry_after_seconds")
    after = {} if seconds is None else {"retry-after": str(seconds)}
    return after | {str(name).lower(): str(value) for name, value in found}


def is_up(advice: Advice) -> bool:
    """Say whether an error answer shows a service that works: it refused us, or is busy."""
    broken = advice.status >= 500 or advice.code == NONSENSE or advice.posture is Posture.NEVER
    shut = advice.status == 429 and advice.hopeless
    return not broken and not shut and advice.status >= 300
