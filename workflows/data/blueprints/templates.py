"""Filling templates: pure and deterministic, so that workflows may do it and replay it."""

import math
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import Template, TemplateError, Undefined

from workflows.data.blueprints import filters
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.language import parse
from workflows.data.blueprints.sandbox import LANGUAGE, METER, Meter
from workflows.data.common import JSON

Known = Mapping[str, JSON]
"""What a template may read: `input`, `steps`, and where there are such `item` and `last`."""


def render(template: str, known: Known) -> JSON:
    """Fill a template. One whole expression `{{ x }}` gives its value, all else gives text.

    Fields of nothing (a skipped step, say) are nothing, and nothing is written as no text.
    Raises BadTemplate: what is wrong and how to mend it.
    """
    if "{" not in template:
        return template
    code, whole = _compiled(template)
    context = code.new_context({**known, METER: Meter()})
    try:
        if not whole:
            return _joined(code, context)
        for _ in code.root_render_func(context):
            pass
        return _value(context.vars["result"])
    except BadTemplate as error:
        raise BadTemplate(f"{_shown(template)}: {error}", error.line) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise BadTemplate(f"{_shown(template)}: {str(error) or type(error).__name__}") from error
    except RecursionError as error:
        raise BadTemplate(f"{_shown(template)}: nested too deeply; give less") from error


def prepare(template: str) -> None:
    """Have a template ready to be filled. Raises BadTemplate for one not taken."""
    if "{" in template:
        _compiled(template)


def filled(value: JSON, known: Known) -> JSON:
    """Fill the templates in a JSON value; field names stay as they are."""
    if isinstance(value, str):
        return render(value, known)
    if isinstance(value, list | tuple):
        return [filled(inner, known) for inner in value]
    if isinstance(value, Mapping):
        return {key: filled(inner, known) for key, inner in value.items()}
    return value


def holds(template: str, known: Known) -> bool:
    """Tell whether a condition holds: nothing, 0, false and what is empty do not."""
    if not parse(template).whole:
        said = f"{_shown(template)}: a condition is one expression, as {{{{ steps.check.ok }}}}"
        raise BadTemplate(said)
    return bool(render(template, known))


def _joined(code: Template, context: object) -> str:
    parts: list[str] = []
    length = 0
    for part in code.root_render_func(context):  # type: ignore[arg-type]  # untyped in Jinja
        parts.append(part)
        length += len(part)
        if length > filters.LARGEST:
            raise BadTemplate(f"gives more than {filters.LARGEST} characters; give less")
    return "".join(parts)


def _value(found: object) -> JSON:
    if isinstance(found, Undefined):
        found._fail_with_undefined_error()
    filters.size(found)
    return _plain(found)


def _plain(found: object) -> JSON:
    """Give lists for tuples and plain fields; refuse what JSON cannot say."""
    if isinstance(found, Mapping):
        return {str(key): _plain(inner) for key, inner in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(inner) for inner in found]
    if isinstance(found, float) and not math.isfinite(found):
        raise BadTemplate("gives no finite number")
    if found is None or isinstance(found, str | bool | int | float):
        return found
    if isinstance(found, Undefined):
        found._fail_with_undefined_error()
    raise BadTemplate("gives no value; name a field")


def _shown(template: str) -> str:
    line = " ".join(template.split())
    return line if len(line) <= 80 else f"{line[:77]}..."


SHORT = 1_000
"""Characters of a template of which many are kept; a large one takes a megabyte."""


def _compiled(template: str) -> tuple[Template, bool]:
    return _short(template) if len(template) <= SHORT else _long(template)


@lru_cache(maxsize=4_000)
def _short(template: str) -> tuple[Template, bool]:
    return _compile(template)


@lru_cache(maxsize=100)
def _long(template: str) -> tuple[Template, bool]:
    return _compile(template)


def _compile(template: str) -> tuple[Template, bool]:
    """Compile, once: a pure function of the text, which takes a millisecond."""
    parsed = parse(template)
    try:
        return LANGUAGE.from_string(parsed.tree), parsed.whole
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise BadTemplate("nested too deeply; make it simpler") from error
