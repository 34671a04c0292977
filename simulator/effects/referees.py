"""Synthetic referees and customers: the local part of an address at `*.example` says what they
answer.
"""

import re
from dataclasses import dataclass

from simulator.chance import log_normal
from simulator.effects.records import Mail

QUICK = (8.0, 40.0)
"""Seconds at speed 1 between which 90 % of the answers come."""
SIX_DAYS = 6 * 86_400.0

_PROMPT = (
    "We have dealt with this customer for six years on 30 days net. Invoices are paid within"
    " terms; high credit EUR 80,000, nothing past due. Happy to deal with them again."
)


@dataclass(frozen=True)
class Referee:
    """What a referee writes, and after how long at speed 1; None for the usual delay."""

    text: str
    delay: float | None = None


REFEREES: dict[str, Referee | None] = {
    "prompt": Referee(_PROMPT),
    "late": Referee(
        "Customer since 2019, terms 30 days net. They pay 20 days beyond terms on average, but"
        " always in full. No complaints otherwise, we would extend credit again."
    ),
    "vague": Referee(
        "Thank you for your letter. We are not in a position to say anything about this firm's"
        " payments, as our records have moved to another office."
    ),
    "silent": None,
    "bad": Referee(
        "Two invoices from spring are unpaid and now 95 days past due; we have handed them to a"
        " collection agency and would not extend credit again."
    ),
    "slow": Referee(_PROMPT, delay=SIX_DAYS),
}
"""By the first word of the local part; any other word answers as `prompt`."""


CUSTOMER = Referee(
    "Please find our answers below. The goods are for our own production; the funds come from"
    " trading income, as the accounts show. We enclose the list of our ten largest suppliers."
)
"""What a customer answers who is asked for information, unless the address says `silent`."""


def referee_for(mail: Mail) -> Referee | None:
    """Give the referee, or the customer, who will answer this mail; None if nobody will."""
    local, _, domain = mail.to.lower().rpartition("@")
    if mail.reply is None or not domain.endswith(".example"):
        return None
    word = re.split(r"[^a-z]", local, maxsplit=1)[0]
    if mail.reply.signal == "information":
        return None if word == "silent" else CUSTOMER
    return REFEREES.get(word, REFEREES["prompt"])


def delay(referee: Referee, mail: Mail, seed: int, speed: float) -> float:
    """Draw the real seconds until the referee answers."""
    if referee.delay is not None:
        return referee.delay / speed
    return log_normal(*QUICK, seed, "referee", mail.message_id, mail.to) / speed
