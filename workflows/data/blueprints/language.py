"""What may stand in a template: Jinja without calls, macros, assignments or attributes of Python.

Checked when it is read, so that a hostile or mistyped template is refused before anything runs.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import signature
from typing import cast

from jinja2 import TemplateError, nodes
from jinja2.nodes import Node

from workflows.data.blueprints.filters import FILTERS, BadTemplate
from workflows.data.blueprints.sandbox import COUNTED, LANGUAGE, TEXT, WEIGHED

LONGEST = 20_000
"""Characters of a template."""
DEEPEST = 40
"""Levels of nesting in it."""
ROOTS = ("input", "steps", "item", "last")
"""What a template knows: the case's input, finished steps, the item, the round before."""

_HALF = re.compile("[\ud800-\udfff]")
_CALLS = "nothing can be called; use a filter, as in {{ x | length }}"
_REFUSED: Mapping[type[Node], str] = {
    nodes.Call: _CALLS,
    nodes.Pow: "** is not taken; multiply",
    nodes.Assign: "nothing can be set; write the expression where it is used",
    nodes.AssignBlock: "nothing can be set; write the text where it is used",
    nodes.Macro: "there are no macros; write the text where it is used",
    nodes.Import: "nothing can be imported",
    nodes.Include: "nothing can be included",
    nodes.Extends: "nothing can be extended",
}
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.CondExpr),
    *(nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat),
    *(nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword),
)


@dataclass(frozen=True)
class Path:
    """What a template reads, as `("steps", "summary", "text")`, and in which of its lines.

    `guarded`: the template says what holds if it is empty, by `if`, `or`, `default` and the like.
    """

    parts: tuple[str, ...]
    line: int
    guarded: bool = False


@dataclass(frozen=True)
class Parsed:
    """A template that may run. `whole`: it is one expression, which gives a value, not a text."""

    tree: nodes.Template
    whole: bool
    paths: tuple[Path, ...]


@lru_cache(maxsize=500)
def parse(source: str) -> Parsed:
    """Read a template. Raises BadTemplate: what is wrong, its line, how to mend it."""
    if len(source) > LONGEST:
        raise BadTemplate(f"a template of {len(source)} characters; at most {LONGEST} are taken")
    try:
        tree = LANGUAGE.parse(source)
        whole = _whole(LANGUAGE.parse(source.strip()))
        _check_depth(tree)
        paths = tuple(_Walk().paths(tree, frozenset(ROOTS)))
    except TemplateError as error:
        said = str(error.message).rstrip(".")
        line = int(getattr(error, "lineno", 1))
        raise BadTemplate(f"{said}; see docs/blueprints.md, Templates", line) from error
    except (RecursionError, MemoryError) as error:
        raise BadTemplate(f"nested deeper than {DEEPEST} levels; make it simpler") from error
    except BadTemplate:
        raise
    except ValueError as error:  # of a number with thousands of digits
        raise BadTemplate("a number too large to be read; write a smaller one") from error
    _meter(tree)
    if whole is None:
        return Parsed(tree, False, paths)
    result = nodes.Assign(nodes.Name("result", "store", lineno=1), whole, lineno=1)
    _meter(giving := nodes.Template([result], lineno=1))
    giving.set_environment(LANGUAGE)
    return Parsed(giving, True, paths)


def _whole(tree: nodes.Template) -> nodes.Expr | None:
    """Give the expression if there is nothing besides."""
    if len(tree.body) != 1 or not isinstance(output := tree.body[0], nodes.Output):
        return None
    only = output.nodes[0] if len(output.nodes) == 1 else None
    return None if isinstance(only, nodes.TemplateData) else only


def _check_depth(tree: Node) -> None:
    level: list[Node] = [tree]
    for _ in range(DEEPEST):
        level = [inner for node in level for inner in node.iter_child_nodes()]
        if not level:
            return
    raise BadTemplate(f"nested deeper than {DEEPEST} levels; make it simpler", level[0].lineno)


class _Walk:
    """Check each node of a template and collect what it reads."""

    def paths(self, node: Node, names: frozenset[str]) -> Iterator[Path]:
        """Walk one node, in which `names` are known."""
        self._check(node)
        if isinstance(node, nodes.For):
            yield from self._loop(node, names)
        elif parts := parts_of(node):
            yield from self._reading(node, parts, names)
        elif isinstance(node, nodes.If | nodes.CondExpr):
            yield from self._choice(node, names)
        elif isinstance(node, nodes.And | nodes.Or | nodes.Not):
            yield from self._tested(node, names)
        else:
            inside = [p for inner in node.iter_child_nodes() for p in self.paths(inner, names)]
            yield from [replace(p, guarded=True) for p in inside] if _guards(node) else inside

    def _choice(self, node: nodes.If | nodes.CondExpr, names: frozenset[str]) -> Iterator[Path]:
        tested = [*self._tested(node.test, names)]
        yield from tested
        for inner in node.iter_child_nodes():
            if inner is not node.test:
                yield from _also_guarded(self.paths(inner, names), tested)

    def _tested(self, node: Node, names: frozenset[str]) -> Iterator[Path]:
        """Walk what is asked whether it holds: nothing does not, unless it is reckoned with."""
        if isinstance(node, nodes.And | nodes.Or):
            self._check(node)
            yield from (first := [*self._tested(node.left, names)])
            yield from _also_guarded(self._tested(node.right, names), first)
        elif isinstance(node, nodes.Not) or _takes_nothing(node):
            self._check(node)
            for inner in node.iter_child_nodes():
                yield from self._tested(inner, names)
        else:
            whole = bool(parts_of(node))
            yield from (replace(p, guarded=p.guarded or whole) for p in self.paths(node, names))

    def _check(self, node: Node) -> None:
        if not isinstance(node, _ALLOWED):
            said = _REFUSED.get(type(node), f"{type(node).__name__.lower()} is not taken")
            raise BadTemplate(said, node.lineno)
        value = node.value if isinstance(node, nodes.Const) else None
        if isinstance(value, float) and not math.isfinite(value):
            raise BadTemplate("a number too large to be read", node.lineno)
        if isinstance(value, str) and _HALF.search(value):
            said = "half a character, which JSON cannot say; write the character itself, not \\u..."
            raise BadTemplate(said, node.lineno)
        if isinstance(node, nodes.Getattr) and node.attr.startswith("__"):
            raise BadTemplate(f"{node.attr}: no field begins with __", node.lineno)
        reckoned = node if isinstance(node, nodes.BinExpr) else None
        sides = [reckoned.left, reckoned.right] if reckoned else []
        if reckoned and reckoned.operator in ("*", "%") and any(map(_is_no_number, sides)):
            raise BadTemplate(f"only numbers take {reckoned.operator}", node.lineno)
        if isinstance(node, nodes.Filter):
            _check_filter(node)
        if isinstance(node, nodes.Test) and node.name not in LANGUAGE.tests:
            known = ", ".join(sorted(LANGUAGE.tests))
            raise BadTemplate(f"no test is called {node.name}; there are {known}", node.lineno)

    def _loop(self, node: nodes.For, names: frozenset[str]) -> Iterator[Path]:
        if node.recursive:
            raise BadTemplate("a loop cannot be recursive", node.lineno)
        targets = frozenset(name.name for name in node.target.find_all(nodes.Name))
        if isinstance(node.target, nodes.Name):
            targets |= {node.target.name}
        if taken := targets & {*ROOTS, "loop"}:
            raise BadTemplate(f"the loop's name {min(taken)} is taken; rename it", node.lineno)
        yield from self.paths(node.iter, names)
        inside: Sequence[Node] = [*node.body, *([node.test] if node.test else [])]
        for inner in inside:
            yield from self.paths(inner, names | targets | {"loop"})
        for inner in node.else_:
            yield from self.paths(inner, names)

    def _reading(self, node: Node, parts: Sequence[str], names: frozenset[str]) -> Iterator[Path]:
        root = parts[0]
        if root not in names:
            known = ", ".join(ROOTS)
            raise BadTemplate(f"nothing is called {root}; a template knows {known}", node.lineno)
        if any(part.startswith("__") for part in parts):
            raise BadTemplate(f"{'.'.join(parts)}: no field begins with __", node.lineno)
        if root == "steps" and len(parts) == 1:
            said = "steps must be followed by the name of one step, as steps.summary.text"
            raise BadTemplate(said, node.lineno)
        if root in ROOTS:
            yield Path(tuple(parts), node.lineno)
        for inner in _keys(node):
            yield from self.paths(inner, names)


def _check_filter(node: nodes.Filter) -> None:
    """Refuse a filter there is not, and one that is given what it does not take."""
    if (work := FILTERS.get(node.name)) is None:
        known = ", ".join(sorted(FILTERS))
        raise BadTemplate(f"no filter is called {node.name}; there are {known}", node.lineno)
    takes = signature(work)
    try:
        if node.dyn_args or node.dyn_kwargs:
            raise TypeError
        takes.bind(None, *node.args, **{str(given.key): None for given in node.kwargs})
    except TypeError:
        names = ", ".join([*takes.parameters][1:]) or "nothing"
        raise BadTemplate(f"filter {node.name} takes {names} in brackets", node.lineno) from None


def parts_of(node: Node) -> list[str]:
    """Give `a.b["c"]` as its parts, as far as they are written out; nothing of other nodes."""
    if isinstance(node, nodes.Name):
        return [node.name]
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return []
    parts = parts_of(node.node)
    key = [node.attr] if isinstance(node, nodes.Getattr) else _key(node)
    return [*parts, *key] if parts and not _open(node.node) else parts


def _is_no_number(node: Node) -> bool:
    text = isinstance(node, nodes.Const) and isinstance(node.value, str)
    return text or isinstance(node, nodes.List | nodes.Tuple | nodes.Dict)


def _guards(node: Node) -> bool:
    """Tell whether what is read in here may be empty without harm."""
    if isinstance(node, nodes.Compare):
        ops = {operand.op for operand in node.ops}
        fixed = all(isinstance(operand.expr, nodes.List) for operand in node.ops)
        return ops <= {"eq", "ne"} or (ops <= {"in", "notin"} and fixed)
    named = ("default", "defined", "undefined", "none")
    return isinstance(node, nodes.Filter | nodes.Test) and node.name in named


def _takes_nothing(node: Node) -> bool:
    """Tell filters that make nothing, or what is empty, of nothing."""
    empty = ("first", "join", "last", "map", "max", "min", "selectattr", "sort", "sum", "unique")
    return isinstance(node, nodes.Filter) and node.name in empty


def _also_guarded(paths: Iterable[Path], tested: Sequence[Path]) -> Iterator[Path]:
    """Take for guarded what was tested before."""
    about = {path.parts[:2] for path in tested}
    for path in paths:
        yield replace(path, guarded=path.guarded or path.parts[:2] in about)


def _open(node: Node) -> bool:
    """Tell whether a key before this one was worked out, so that what follows is not known."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem) and not _key(node):
            return True
        node = node.node
    return False


def _key(node: nodes.Getitem) -> list[str]:
    arg = node.arg
    return [arg.value] if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else []


def _keys(node: Node) -> Iterator[Node]:
    """Give the keys in brackets of a chain, which may read something themselves."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem):
            yield node.arg
        node = node.node


def _meter(tree: Node) -> None:
    """Have each loop pay for its rounds, by what stands in it, and show values as JSON does."""
    for loop in [*tree.find_all(nodes.For)]:
        cost = sum(1 for inner in loop.body for _ in inner.find_all(Node))
        loop.iter = _filtered(loop.iter, COUNTED, nodes.Const(cost + 1, lineno=loop.lineno))
    for sought in [*tree.find_all(nodes.Operand)]:
        if sought.op in ("in", "notin"):
            sought.expr = _filtered(sought.expr, WEIGHED)
    for joined in [*tree.find_all(nodes.Concat)]:
        joined.nodes = [_filtered(inner, TEXT) for inner in joined.nodes]


def _filtered(node: Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    made = nodes.Filter(cast(nodes.Expr, node), name, [*args], [], None, None, lineno=node.lineno)
    made.set_environment(LANGUAGE)
    return made
