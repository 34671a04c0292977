"""How a proposal looks to a person: its path, the reviews, the offer, and what was done of it."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from cli.facts import headed, listed, plain
from workflows.data.proposal import ProposalOutcome, ProposalResult


def proposal(record: ProposalResult) -> RenderableType:
    """Show what became of a proposal, or what is known of it so far."""
    good = record.outcome is ProposalOutcome.SENT
    parts: list[RenderableType] = [
        headed(record.case, record.outcome or "under way", good=good, pairs=_pairs(record)),
        *listed("gaps", record.gaps),
    ]
    if record.draft:
        title = record.draft.title if good else f"{record.draft.title} (not sent)"
        offer = Text(plain(record.draft.text))
        parts.append(Panel(offer, title=Text(plain(title)), title_align="left", expand=False))
    return Group(*parts)


def _pairs(record: ProposalResult) -> Iterator[tuple[str, str]]:
    yield "path", record.path or "not chosen yet"
    yield "why", record.why
    for name, review in record.reviews.items():
        yield f"{name} review", "; ".join((review.verdict, *review.remarks))
    yield "cleared by", "; ".join(record.cleared)
    score = "without a score" if record.score is None else f"the best scored {record.score:.2f}"
    yield "drafts", f"{record.rounds}, {score}; ended by {record.stopped}" if record.stopped else ""
    yield "done", _words(record.done)
    yield "not done", _words(a for a in record.plan if record.outcome and a not in record.done)
    yield "undone", _words(record.undone)
    yield "read back", _words(record.verified)
    yield "by hand", _words(record.by_hand)
    yield "customer", f"told by {record.told}" if record.told else ""


def _words(names: Iterable[str]) -> str:
    return ", ".join(names).replace("_", " ")
