"""How a run of the data pipeline looks to a person: what was brought, and how far it is."""

from rich.console import RenderableType

from cli.facts import headed
from workflows.data.pipeline import PipelineResult, PipelineState


def pipeline(record: PipelineState) -> RenderableType:
    """Show a run that ended, or how far it is."""
    ended = record if isinstance(record, PipelineResult) else None
    reasons = sorted(record.reasons.items(), key=lambda r: -r[1])
    return headed(
        ended.case if ended else "so far",
        ended.outcome if ended else f"up to {record.watermark}",
        good=not record.why,
        pairs=(
            ("why", record.why),
            ("batches", str(record.batches)),
            ("loaded", f"{record.loaded} rows"),
            ("set aside", ", ".join(f"{n} x {why}" for why, n in reasons) or "nothing"),
            ("watermark", f"{record.watermark}{record.epoch and f' of {record.epoch}'}"),
        ),
    )
