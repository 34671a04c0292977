"""Records of limits: what a vendor allows, and what people set instead."""

from typing import Annotated

from pydantic import Field

from workflows.data.common import Record


class Limits(Record):
    """What may be sent: requests and tokens (input and output together) `per` so many seconds,
    and calls at once. None is no limit of ours; 0 pauses.
    """

    requests: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    concurrency: Annotated[int, Field(ge=0)] | None = None
    per: Annotated[float, Field(gt=0, le=86_400)] = 60.0

    @property
    def unlimited(self) -> bool:
        """Say whether nothing is limited."""
        return self.requests is None and self.tokens is None and self.concurrency is None
