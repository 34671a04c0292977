"""Errors of activities as the workflow sees them: a type, whether to retry, and when."""

from datetime import timedelta
from decimal import Decimal

from temporalio.exceptions import ApplicationError

from activities.journalled import Answered
from activities.posture import FILTERED, LONGEST_WAIT, NONSENSE, Posture
from activities.wire import LeftAlone, WireError
from runtime.settings import SettingsError
from store.budgets import BudgetShort, BudgetUnknown
from workflows.errors import usd_of

LAST_PAUSE = timedelta(seconds=30)


def pause(attempt: int, first: timedelta) -> timedelta:
    """Wait before the next attempt when the other side names no time: `first`, doubling to 30 s.

    The policy's own first retry comes after 50 ms, which is for crashed workers.
    """
    return min(first * (1 << min(attempt - 1, 10)), LAST_PAUSE)


def failure(
    kind: str, trouble: Exception, wait: timedelta, *, patient: bool = True
) -> ApplicationError:
    """Translate what broke an exchange into the error of a `kind` (Model, Source, Effect).

    `wait` is the pause before another attempt, where the other side names none. A `patient` call
    tries an open breaker again when a probe may be sent; any other leaves it at once.
    """
    if isinstance(trouble, Answered):
        return _answered(kind, trouble, wait)
    if isinstance(trouble, LeftAlone):
        if not patient:
            return final(f"{kind}CircuitOpen", str(trouble))
        return retryable(f"{kind}Unavailable", str(trouble), max(trouble.wait, wait))
    if isinstance(trouble, BudgetShort):
        return _budget_spent(trouble)
    if isinstance(trouble, BudgetUnknown):
        return final("BudgetUnknown", str(trouble))
    if isinstance(trouble, WireError):
        return retryable(f"{kind}Unavailable", str(trouble), wait)
    if isinstance(trouble, SettingsError):
        return final("NotConfigured", str(trouble))
    raise trouble


def retryable(name: str, message: str, wait: timedelta) -> ApplicationError:
    """Make an error that is worth another attempt after `wait`."""
    return ApplicationError(message, type=name, next_retry_delay=wait)


def final(name: str, message: str, **details: str) -> ApplicationError:
    """Make an error that no further attempt mends; `details` are for the report."""
    extra = (details,) if details else ()
    return ApplicationError(message, *extra, type=name, non_retryable=True)


def costing(error: ApplicationError, usd: Decimal) -> ApplicationError:
    """Add to an error's report what replies before it cost, in US dollars."""
    told = error.details[0] if error.details and isinstance(error.details[0], dict) else {}
    return ApplicationError(
        error.message,
        {**told, "usd": str(usd + usd_of(error))},
        type=error.type,
        non_retryable=error.non_retryable,
        next_retry_delay=error.next_retry_delay,
    )


def _budget_spent(short: BudgetShort) -> ApplicationError:
    numbers = {"left": str(short.left), "needed": str(short.needed)}
    return final("BudgetSpent", str(short), budget=short.name, unit=short.unit, **numbers)


def _answered(kind: str, trouble: Answered, wait: timedelta) -> ApplicationError:
    advice = trouble.advice
    if advice.posture is Posture.NEVER:
        return final(f"{kind}QuotaSpent", advice.detail)
    if advice.posture is Posture.FINAL:
        name = "Blocked" if advice.code == FILTERED else "RequestRefused"
        return final(f"{kind}{name}", advice.detail)
    if advice.wait is not None and advice.wait > LONGEST_WAIT:
        asked = f"{advice.detail}; it asks to wait {advice.wait.total_seconds():.0f} s"
        return final(f"{kind}Busy", asked)
    name = "Nonsense" if advice.code == NONSENSE else "Unavailable"
    return retryable(f"{kind}{name}", advice.detail, advice.wait or wait)
