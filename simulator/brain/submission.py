"""What a statistician, a medical writer and a checker answer, by plain rules of their own."""

import re

from simulator.brain.documents import Document
from workflows.data.submission import (
    ClinicalReading,
    DataSet,
    DocumentCheck,
    DocumentPlan,
    DocumentText,
    Figures,
)

FEW = 10
_NUMBER = re.compile(r"\d+\.\d %")


class ReadingDocuments(Document):
    """For ClinicalReading."""

    data_set: DataSet
    figures: Figures


class _Analysed(Document):
    data_set: str
    figures: Figures
    reading: ClinicalReading | None = None


class _Analysis(Document):
    data_sets: tuple[_Analysed, ...]


class _About(Document):
    product: str
    indication: str


class WritingDocuments(Document):
    """For DocumentText."""

    about: _About
    document: DocumentPlan
    analysis: _Analysis


class _Written(Document):
    text: str


class CheckDocuments(Document):
    """For DocumentCheck."""

    analysis: _Analysis
    document: _Written


def reading(told: ReadingDocuments) -> ClinicalReading:
    """Read the interval: whom it favours, and whether events are few."""
    data, found = told.data_set, told.figures
    clear = found.low > 0 or found.high < 0
    better = (found.difference > 0) is data.wanted
    few = min(data.treated.events, data.control.events) < FEW
    return ClinicalReading(
        direction=("favours_treatment" if better else "favours_control")
        if clear
        else "no_difference",
        statement=f"{data.endpoint}: {_percent(found.treated)} treated, {_percent(found.control)}"
        f" control, difference {_percent(found.difference)}.",
        limitations=("Few events.",) if few else (),
    )


def document(told: WritingDocuments) -> DocumentText:
    """Put the statements of the analysis one after another; name what was not read."""
    read = [one for one in told.analysis.data_sets if one.reading]
    lines = [f"{told.document.title}: {told.about.product} in {told.about.indication}."]
    lines += [f"{one.data_set}: {one.reading.statement}" for one in read if one.reading]
    lines += [f"{one.data_set} was not read." for one in told.analysis.data_sets if not one.reading]
    return DocumentText(text=" ".join(lines), cites=tuple(one.data_set for one in read))


def check(told: CheckDocuments) -> DocumentCheck:
    """Object to every share in the text that the analysis does not hold."""
    known = {
        _percent(share)
        for one in told.analysis.data_sets
        for share in (one.figures.treated, one.figures.control, one.figures.difference)
    }
    strange = [n for n in _NUMBER.findall(told.document.text) if n not in known]
    return DocumentCheck(objections=tuple(f"{n} stands in no data set" for n in strange))


def _percent(share: float) -> str:
    return f"{abs(share) * 100:.1f} %"
