"""What a reply asks of us: a table of replies, and its completeness."""

import json
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.failures import failure, pause
from activities.journalled import Answered
from activities.posture import CODES, STATUS, Advice, Posture, judge
from activities.wire import Reply

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SERVICES = ("openai", "anthropic", "gemini", "gleif", "opensanctions", "companies_house")


def reply(status: int, body: object = None, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


def error(**fields: object) -> dict[str, object]:
    return {"error": fields}


QUOTA = error(code="insufficient_quota", type="insufficient_quota", message="m")
SPENT = {
    "type": "error",
    "error": {
        "type": "rate_limit_error",
        "details": {"error_code": "enforced_spend_limit_reached"},
    },
}
RETRY_INFO = error(
    code=429,
    status="RESOURCE_EXHAUSTED",
    details=[{"@type": "x/QuotaFailure"}, {"@type": "x/RetryInfo", "retryDelay": "34.4s"}],
)
DAILY = error(
    status="RESOURCE_EXHAUSTED",
    details=[
        {"@type": "x/QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerProject"}]},
        {"@type": "x/RetryInfo", "retryDelay": "34s"},
    ],
)
TOO_LARGE = error(
    code="rate_limit_exceeded",
    type="tokens",
    message="Request too large for m on tokens per min (TPM): Limit 30000, Requested 40000.",
)
WAITING = error(code=429, message="m", metadata={"retry_after_seconds": 14})
ROUTED = error(
    code=429,
    message="Rate limit exceeded",
    metadata={"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795262403000"}},
)


def used(left: str, reset: str) -> dict[str, str]:
    return {"x_ratelimit_remaining_requests": left, "x_ratelimit_reset_requests": reset}


def spoken(message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


NONE, FINAL, RETRY = Posture.NONE, Posture.FINAL, Posture.RETRY
AFTER, NEVER = Posture.RETRY_AFTER, Posture.NEVER

CASES = [
    ("fine", "gleif", reply(200, {"data": 1}), NONE, None),
    ("retry-after on a fine answer", "anthropic", reply(200, retry_after="61"), NONE, None),
    ("bad request", "openai", reply(400, error(code="x")), FINAL, None),
    ("bad key", "anthropic", reply(401, x_should_retry="false"), FINAL, None),
    ("out of money", "gemini", reply(402), NEVER, None),
    ("no such model", "openai", reply(404), FINAL, None),
    ("timeout", "openai", reply(408), RETRY, None),
    ("conflict", "anthropic", reply(409), RETRY, None),
    ("too large", "anthropic", reply(413), FINAL, None),
    ("busy", "openai", reply(429, error(code="rate_limit_exceeded")), RETRY, None),
    ("busy, seconds", "openai", reply(429, retry_after="7"), AFTER, 7.0),
    (
        "milliseconds first",
        "openai",
        reply(429, retry_after="7", retry_after_ms="250"),
        AFTER,
        0.25,
    ),
    (
        "busy, date",
        "companies_house",
        reply(429, retry_after="Sat, 21 Nov 2026 12:00:30 GMT"),
        AFTER,
        30.0,
    ),
    (
        "a date gone by",
        "gleif",
        reply(503, retry_after="Sat, 21 Nov 2026 11:00:00 GMT"),
        AFTER,
        0.0,
    ),
    ("gemini's body", "gemini", reply(429, RETRY_INFO), AFTER, 34.4),
    ("gemini's body in a list", "gemini", reply(429, [RETRY_INFO]), AFTER, 34.4),
    ("unreadable wait", "openai", reply(429, retry_after="soon"), RETRY, None),
    ("endless wait", "openai", reply(429, retry_after="inf"), RETRY, None),
    ("quota", "openai", reply(429, QUOTA, retry_after="1"), NEVER, None),
    ("credit", "openai", reply(429, error(code="credit_balance_exhausted")), NEVER, None),
    ("spend limit", "anthropic", reply(429, SPENT), NEVER, None),
    ("month's quota", "opensanctions", reply(429, {"detail": "x"}), NEVER, None),
    ("busy list service", "opensanctions", reply(429, retry_after="2"), AFTER, 2.0),
    ("server error", "gemini", reply(500), RETRY, None),
    ("not implemented", "gemini", reply(501), FINAL, None),
    ("overloaded", "anthropic", reply(529), RETRY, None),
    ("told to retry", "openai", reply(400, x_should_retry="true"), RETRY, None),
    ("told not to", "openai", reply(500, x_should_retry="false"), FINAL, None),
    ("web page", "edgar", reply(200, b"  <!DOCTYPE html><html>"), RETRY, None),
    ("broken JSON", "gleif", reply(200, b'{"data": '), RETRY, None),
    ("no object", "gleif", reply(200, b"[1]"), RETRY, None),
    ("error under 200", "openai", reply(200, error(code="server_error")), RETRY, None),
    ("quota under 200", "openai", reply(200, QUOTA), NEVER, None),
    ("no error under 200", "openai", reply(200, {"error": None}), NONE, None),
    ("flat error", "openai", reply(200, {"object": "error", "type": "x"}), RETRY, None),
    ("redirect of a POST", "openai", reply(307), FINAL, None),
    ("a duration", "openai", reply(429, retry_after="1m30s"), AFTER, 90.0),
    ("in words", "groq", reply(429, error(message="Please try again in 7m12.5s.")), AFTER, 432.5),
    ("in full words", "azure", reply(429, error(message="Retry after 26 seconds.")), AFTER, 26.0),
    ("in vague words", "x", reply(429, error(message="retry in 5 sprints")), RETRY, None),
    ("reset of a used limit", "openai", reply(429, **used("0", "6m0s")), AFTER, 360.0),
    ("reset of a limit with room", "openai", reply(429, **used("3", "6m0s")), RETRY, None),
    ("no reset under 500", "openai", reply(500, **used("0", "6m0s")), RETRY, None),
    ("reset in seconds", "together", reply(429, **used("0", "7")), AFTER, 7.0),
    (
        "azure's reset in milliseconds",
        "azure",
        reply(429, x_ratelimit_renewalperiod_requests="60", **used("0", "500")),
        AFTER,
        0.5,
    ),
    (
        "anthropic's reset is a time",
        "anthropic",
        reply(
            429,
            anthropic_ratelimit_input_tokens_remaining="0",
            anthropic_ratelimit_input_tokens_reset="2026-11-21T12:00:42Z",
            anthropic_ratelimit_requests_remaining="9",
            anthropic_ratelimit_requests_reset="2026-11-21T13:00:00Z",
        ),
        AFTER,
        42.0,
    ),
    ("openrouter's inner headers", "openrouter", reply(429, ROUTED), AFTER, 3.0),
    ("openrouter's wait", "openrouter", reply(429, WAITING), AFTER, 14.0),
    ("openrouter's wait inside", "openrouter", reply(200, WAITING, retry_after="61"), AFTER, 14.0),
    (
        "a key's own limit",
        "openrouter",
        reply(403, error(message="Key limit exceeded")),
        NEVER,
        None,
    ),
    ("a new team", "xai", reply(403, {"error": "It doesn't have any credits yet."}), NEVER, None),
    ("day's quota", "gemini", reply(429, DAILY), NEVER, None),
    (
        "own spend limit",
        "anthropic",
        reply(400, spoken("Your own spend limit was reached")),
        NEVER,
        None,
    ),
    ("no credit", "anthropic", reply(400, spoken("Your credit balance is too low")), NEVER, None),
    ("too long", "openai", reply(400, error(code="context_length_exceeded")), FINAL, None),
    ("too long for a minute", "openai", reply(429, TOO_LARGE), FINAL, None),
    (
        "starting too fast",
        "openai",
        reply(429, error(code="slow_down"), retry_after="5"),
        AFTER,
        5.0,
    ),
    ("no JSON made", "groq", reply(400, error(code="json_validate_failed")), RETRY, None),
    (
        "a type repeats its status",
        "x",
        reply(503, error(type="invalid_request_error")),
        RETRY,
        None,
    ),
    ("vllm", "vllm", reply(400, {"object": "error", "type": "BadRequestError"}), FINAL, None),
    ("a list of complaints", "mistral", reply(422, {"detail": [{"loc": ["x"]}]}), FINAL, None),
    ("the status inside", "openrouter", reply(200, error(code=503, message="m")), RETRY, None),
    ("the key inside", "openrouter", reply(200, error(code=401, message="m")), FINAL, None),
]


@pytest.mark.parametrize(
    ("service", "answer", "posture", "seconds"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_posture(service: str, answer: Reply, posture: Posture, seconds: float | None) -> None:
    advice = judge(service, answer, NOW)
    assert advice.posture is posture
    assert (advice.wait.total_seconds() if advice.wait is not None else None) == seconds


def test_a_list_file_need_not_be_json() -> None:
    assert judge("ofac", reply(200, b"1,x"), NOW, wants_json=False).posture is NONE
    assert judge("ofac", reply(200, b"<html>"), NOW, wants_json=False).posture is RETRY


def test_every_status_has_a_posture() -> None:
    assert set(STATUS) == set(range(300, 600))
    assert set(STATUS.values()) == {FINAL, RETRY, NEVER}
    assert all(
        judge(service, reply(status), NOW).posture is not NONE
        for service in SERVICES
        for status in range(300, 600)
    )


def test_every_word_of_the_vendors_has_a_posture() -> None:
    """Words of the vendors' references and recordings, by what is to be done about them."""
    money = "insufficient_quota credit_balance_exhausted billing_error enforced_spend_limit_reached"
    wrong = (
        "context_length_exceeded model_not_found invalid_api_key invalid_request_error "
        "authentication_error permission_error not_found_error request_too_large "
        "unsupported_parameter tool_use_failed INVALID_ARGUMENT FAILED_PRECONDITION "
        "PERMISSION_DENIED NOT_FOUND"
    )
    passing = (
        "rate_limit_exceeded rate_limit_error slow_down server_is_overloaded overloaded_error "
        "service_unavailable_error server_error api_error timeout_error conflict_error "
        "RESOURCE_EXHAUSTED INTERNAL UNAVAILABLE DEADLINE_EXCEEDED"
    )
    for words, posture in ((money, NEVER), (wrong, FINAL), (passing, RETRY)):
        for word in words.split():
            assert CODES[word] is posture
            assert judge("v", reply(200, error(code=word)), NOW).posture is posture


def test_every_posture_becomes_an_error_but_none() -> None:
    for posture in set(Posture) - {NONE}:
        raised = failure("Model", Answered(Advice(posture, "c", "d")), timedelta(seconds=0.5))
        assert raised.non_retryable is (posture in (FINAL, NEVER))


@pytest.mark.parametrize(("seconds", "again"), [(60.0, True), (60.1, False), (86_400.0, False)])
def test_a_long_wait_is_not_sat_out(seconds: float, again: bool) -> None:
    advice = judge("openai", reply(429, retry_after=str(seconds)), NOW)
    raised = failure("Model", Answered(advice), timedelta(seconds=0.5))
    assert raised.non_retryable is not again
    assert raised.next_retry_delay == (timedelta(seconds=seconds) if again else None)


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pause(n, timedelta(seconds=0.5)).total_seconds() for n in (1, 2, 3, 9, 500)] == [
        0.5,
        1,
        2,
        30,
        30,
    ]


@hypothesis.settings(max_examples=50, deadline=None)
@given(st.integers(100, 999), st.binary(max_size=60), st.text(max_size=12))
def test_nothing_upsets_the_judge(status: int, body: bytes, wait: str) -> None:
    answer = Reply(status, {"retry-after": wait, "retry-after-ms": wait}, body)
    assert judge("gemini", answer, NOW).posture in set(Posture)


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "details", "code", "status", "type", "retryDelay", "object"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@hypothesis.settings(deadline=None)
@given(json_values)
def test_no_error_object_upsets_the_judge(body: object) -> None:
    answer = Reply(429, {}, json.dumps({"error": body}).encode())
    assert judge("gemini", answer, NOW).posture is not NONE
