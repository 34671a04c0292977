"""Sentiment: what a pack told of a remark, who is asked about alone, how many feel how. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from workflows.data.sentiment import Remark, RemarkTone, Tone
from workflows.patterns.pack import Packed


def told(remark: Remark, packed: Packed[Tone], asked: str = "packed") -> RemarkTone:
    """Say what a pack told of a remark, or why it told nothing."""
    said = packed.values.get(remark.id)
    if said is None:
        why = packed.record.unanswered.get(remark.id, "no answer")
        return RemarkTone(id=remark.id, sentiment=None, why=why)
    more = {"sentiment": said.sentiment, "confidence": said.confidence, "asked": asked}
    return RemarkTone.model_validate({"id": remark.id, **more})


def unsure(
    remarks: Iterable[Remark], tones: Mapping[str, RemarkTone], sure: float
) -> tuple[Remark, ...]:
    """Give the remarks that have a tone nobody is sure of; one without any would get none again."""
    rated = ((r, tones[r.id]) for r in remarks)
    return tuple(r for r, t in rated if t.sentiment is not None and t.confidence < sure)


def totals(tones: Sequence[RemarkTone]) -> dict[str, int]:
    """Count the tones, by name."""
    counted = Counter(str(t.sentiment) for t in tones if t.sentiment is not None)
    return dict(sorted(counted.items()))
