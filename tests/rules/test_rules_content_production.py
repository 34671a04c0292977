"""Content production without a server: what stands in, what is sourced, what was revised."""

import pytest
from pydantic import ValidationError

from tests.support.world import example
from workflows.data.content_production import (
    ContentDraft,
    ContentLayout,
    ContentOrder,
    ContentOutcome,
    Figure,
    FigurePlan,
    Placement,
    Section,
    SourcedFact,
)
from workflows.rules import content_production as rules

ORDER = example("content-production/heat_pumps", ContentOrder)
DRAFT = ContentDraft(title="T", sections=(Section(heading="A", text="a"),))


def figure(name: str, shows: str = "") -> Figure:
    return Figure(name=name, shows=shows, caption="")


def test_a_fact_that_cites_nothing_or_unknown_material_is_no_fact() -> None:
    good = SourcedFact(text="x", cites=("field-trial",))
    half = SourcedFact(text="y", cites=("field-trial", "hearsay"))
    none = SourcedFact(text="z", cites=())
    assert rules.sourced((good, half, none), ORDER) == (good,)


def test_a_revision_names_what_was_added_changed_and_dropped() -> None:
    sketch = FigurePlan(figures=(figure("kept"), figure("other", "x"), figure("gone")))
    final = FigurePlan(figures=(figure("kept"), figure("other", "y"), figure("new")))
    told = rules.revision(sketch, final, ("order",))
    assert (told.added, told.changed, told.dropped) == (("new",), ("other",), ("gone",))


def test_a_layout_that_loses_a_figure_or_invents_a_heading_does_not_fit() -> None:
    def placed(*pairs: tuple[str, str]) -> ContentLayout:
        placements = tuple(Placement(figure=f, heading=h) for f, h in pairs)
        return ContentLayout(standfirst="", placements=placements)

    figures = (figure("one"), figure("two"))
    assert rules.fits(rules.layout_of(DRAFT, figures), DRAFT, figures)
    assert not rules.fits(placed(("one", "A")), DRAFT, figures)
    assert not rules.fits(placed(("one", "A"), ("two", "B")), DRAFT, figures)


def test_only_a_piece_without_gap_or_objection_is_ready() -> None:
    assert rules.outcome(DRAFT, (), ()) is ContentOutcome.READY
    assert rules.outcome(DRAFT, ("x",), ()) is ContentOutcome.NEEDS_EDITOR
    assert rules.outcome(DRAFT, (), ("x",)) is ContentOutcome.NEEDS_EDITOR
    assert rules.outcome(None, (), ()) is ContentOutcome.NOT_WRITTEN


def test_two_materials_of_one_id_are_refused() -> None:
    twice = ORDER.model_dump() | {"material": (ORDER.material[0], ORDER.material[0])}
    with pytest.raises(ValidationError, match="'field-trial' is there twice; give each"):
        ContentOrder.model_validate(twice)
