"""Templates: what they give, and that they reach nothing but JSON values, at bounded work."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.settings import ROOT
from workflows.data.blueprints.filters import FILTERS, BadTemplate
from workflows.data.blueprints.language import parse
from workflows.data.blueprints.templates import filled, holds, render
from workflows.data.common import JSON

KNOWN: dict[str, JSON] = {
    "input": {"name": "Ada", "n": 3, "items": [{"t": "p", "s": 2}, {"t": "q", "s": 1}]},
    "steps": {"check": {"ok": True, "text": "hi"}, "skipped": None},
}


@pytest.mark.parametrize(
    ("template", "gives"),
    [
        ("no braces", "no braces"),
        ("{{ input.n }}", 3),
        ("  {{ input.items }}\n", [{"t": "p", "s": 2}, {"t": "q", "s": 1}]),
        ("n={{ input.n }}, {{ steps.check.ok }}", "n=3, true"),
        ("{{ input.items }}!", '[{"t": "p", "s": 2}, {"t": "q", "s": 1}]!'),
        ("{{ steps.skipped.text }}", None),
        ("<{{ steps.skipped.text }}>", "<>"),
        ("{{ input.gone | default('d') }}", "d"),
        ("{{ input.items | sort('s') | map('t') }}", ["q", "p"]),
        ("{{ input.items | selectattr('s', 2) | length }}", 1),
        ("{{ input.items | map(attribute='s') | sum }}", 3),
        ("{% for i in input.items %}{{ loop.index }}{{ i.t }} {% endfor %}", "1p 2q "),
        ("{{ 'a' ~ input.n ~ none ~ true }}", "a3true"),
        ("{{ input.name if steps.check.ok else 'x' }}", "Ada"),
        ("{{ input['name'] }}/{{ input.items[-1].t }}", "Ada/q"),
        ("{{ 2.5 | round }}", 3),
        ("{{ {'a': [input.n, (1, 2)]} }}", {"a": [3, [1, 2]]}),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ],
)
def test_a_whole_expression_gives_its_value_and_all_else_text(template: str, gives: JSON) -> None:
    assert render(template, KNOWN) == gives


def test_json_values_are_filled_within() -> None:
    given: JSON = {"to": "{{ input.name }}", "lines": ["{{ input.n }}", 7, None]}
    assert filled(given, KNOWN) == {"to": "Ada", "lines": [3, 7, None]}


def test_conditions_are_expressions() -> None:
    assert holds("{{ input.n > 2 and steps.check.ok }}", KNOWN)
    assert not holds("{{ steps.skipped }}", KNOWN)
    with pytest.raises(BadTemplate, match="one expression"):
        holds("steps.check.ok", KNOWN)


HOSTILE = [
    ("{{ ''.__class__.__mro__ }}", "no field begins with __"),
    ("{{ input['__class__'] }}", "no field begins with __"),
    ("{{ input.__init__.__globals__ }}", "no field begins with __"),
    ("{{ range(1000000000) }}", "nothing can be called"),
    ("{{ input.name.format(1) }}", "nothing can be called"),
    ("{{ lipsum }}", "nothing is called lipsum"),
    ("{{ self }}", "nothing is called self"),
    ("{% include 'etc' %}", "included"),
    ("{% import 'os' as os %}", "imported"),
    ("{% macro m() %}{% endmacro %}", "macros"),
    ("{% set x = 1 %}", "set"),
    ("{{ 'x' * 1000000000 }}", r"only numbers take \*"),
    ("{{ [1] * 1000000000 }}", r"only numbers take \*"),
    ("{{ '%999999999d' % 1 }}", "only numbers take %"),
    ("{{ 9 ** 9 ** 9 }}", "multiply"),
    ("{{ input.name | center(1000000000) }}", "no filter is called center"),
    ("{{ input.name | attr('x') }}", "no filter is called attr"),
    ("{{ steps }}", "name of one step"),
    ("{{ steps[input.name].text }}", "name of one step"),
    ("{% for item in input.items %}{% endfor %}", "is taken"),
    ("{% for i in input.items recursive %}{{ i }}{% endfor %}", "recursive"),
    ("{{" + "(" * 3000 + "1" + ")" * 3000 + "}}", "nested"),
    ("{{ " + "not " * 100 + "1 }}", "nested"),
    ("x" * 20_001, "characters"),
    ("{{ input.name", "end of template"),
    ("{{ " + "9" * 5000 + " }}", "too large"),
    ("{{ 1e999 }}", "too large"),
]


@pytest.mark.parametrize(("template", "why"), HOSTILE)
def test_what_reaches_too_far_is_refused_before_it_runs(template: str, why: str) -> None:
    with pytest.raises(BadTemplate, match=why):
        parse(template)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ input.gone }}", "no field 'gone'; there are: name, n, items"),
        ("{{ input.name.upper }}", "text has no field 'upper'"),
        ("{{ input.items[9] }}", "the list has 2"),
        ("{{ input.n > 'a' }}", "not supported"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ input.items | join(1) }}", "text is needed"),
        ("{{ input.items | round(2, 3, 4) }}", "round takes digits"),
        ("{{ input.items | default('x', boolean=true) }}", "takes instead, empty_too"),
        ("{{ input.items | join(*input.items) }}", "join takes between"),
        ("{{ input.name * 3 }}", "cannot be reckoned"),
        ("{% for c in input.name %}{% endfor %}", "a loop needs a list"),
        ("{% for i in input.items %}{{ loop.cycle }}{% endfor %}", "no field 'cycle'"),
        ("{% for i in input.items %}{{ loop }}{% endfor %}", "no place in JSON"),
    ],
)
def test_what_cannot_be_filled_says_why(template: str, why: str) -> None:
    with pytest.raises(BadTemplate, match=why):
        render(template, KNOWN)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in input.l %}{% for b in input.l %}{% endfor %}{% endfor %}",
        "{% for a in input.l %}{% for b in input.l %}{{ input.text }}{% endfor %}{% endfor %}",
        "{% for a in input.l %}{{ input.l | tojson }}{% endfor %}",
        "{{ input.l | join(input.text) }}",
        "{% for a in input.l %}{% for b in input.l %}{% if 'y' in input.text %}{% endif %}"
        "{% endfor %}{% endfor %}",
        "{% for a in input.l %}{{ input.text + input.text }}{% endfor %}",
        "{{ [" + "input.l," * 100 + "] }}",
        "{{ " + "*".join(["input.big"] * 20) + " }}",
    ],
)
def test_work_and_output_are_bounded(template: str) -> None:
    known: dict[str, JSON] = {
        "input": {"l": list(range(3000)), "text": "x" * 10_000, "big": 10**18}
    }
    with pytest.raises(BadTemplate, match=r"too much work|more than|too large"):
        render(template, known)


_TOKENS = re.findall(
    r"\S+",
    "{{ }} {% %} {# #} if else elif endif for endfor in not and or is defined none true loop . [ ] "
    "( ) | ~ + - * / // % == < > , : input steps check text items name n item last default length "
    "join sort map first tojson 'a' 1 2.5 x set macro raw endraw __class__ -%} {%- recursive",
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(_TOKENS), max_size=14))
def test_whatever_is_written_gives_json_or_a_reason(tokens: list[str]) -> None:
    for template in (" ".join(tokens), f"{{{{ {' '.join(tokens)} }}}}"):
        try:
            value = render(template, KNOWN)
        except BadTemplate:
            continue
        json.dumps(value, allow_nan=False)


def test_the_page_tells_of_every_filter_and_its_examples_can_be_taken() -> None:
    page = (ROOT / "docs" / "blueprints.md").read_text(encoding="utf-8")
    section = page.partition("## Templates")[2].partition("## ")[0]
    listed = section.partition("Filters: ")[2].partition(". As")[0]
    assert re.findall(r"`(\w+)`", listed) == sorted(FILTERS)
    examples = re.findall(r"`(\{\{ .+? \}\})`", section)
    assert len(examples) == 3
    assert all(parse(example).whole for example in examples)
