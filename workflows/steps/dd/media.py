"""Due diligence: search the press for a party and have a model read what names it near crime."""

from functools import partial

from workflows import calls
from workflows.data.findings import Check, CheckResult
from workflows.data.readings import MediaReading
from workflows.patterns.join import Branch, join
from workflows.patterns.until import all_settled
from workflows.prompts import press
from workflows.rules.dd.media import Reader
from workflows.rules.dd.media import media as judged
from workflows.rules.dd.press_search import Candidate, news_query, press_subject
from workflows.rules.dd.sheet import unavailable
from workflows.steps.dd.desk import CheckDesk

AT_ONCE = 5
"""Items of one party that are read at once."""


async def media(desk: CheckDesk) -> CheckResult:
    """Search by all names; read each candidate. Late readings are gaps (`deadline`), and so are
    all without a model (`keywords_only`).
    """
    about, deadline = press_subject(desk.case, desk.party), desk.case.screening.press
    search = Branch("search", partial(desk.query, calls.NEWS, news_query(about)))
    searched = await join([search], until=all_settled(), deadline=deadline)
    answer = searched.values.get("search")
    if answer is None:
        why = f"media: the search did not answer within {deadline}"
        late = unavailable(Check.MEDIA, why, about.party_id)
        return late.model_copy(update={"fallback": "deadline"})
    reader = Reader(about, answer, desk.case.opened)

    async def read(candidate: Candidate) -> MediaReading | None:
        return await desk.read("triage", press.article(about, candidate.item), MediaReading)

    if not reader.worth:
        return judged(reader, {})
    branches = [Branch(f"item {n}", partial(read, c)) for n, c in enumerate(reader.worth, 1)]
    joined = await join(branches, until=all_settled(), deadline=deadline, limit=AT_ONCE)
    found = zip(reader.worth, branches, strict=True)
    readings = {c.item.url: joined.values.get(b.name) for c, b in found}
    kept = {url: reading for url, reading in readings.items() if reading is not None}
    return judged(reader, kept, late=joined.reason == "deadline")
