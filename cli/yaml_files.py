"""YAML files of people: nothing in them but data, and the place of every field is known."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cli.errors import BadInput

LARGEST = 1_000_000
"""Bytes of such a file; documents travel by other ways."""
DEEPEST = 40
"""Levels of nesting; the parser's time grows with their square."""
Loc = Sequence[int | str]
"""Where a field stands, by names and numbers from the outside in."""


class _Loader(yaml.CSafeLoader):
    """YAML in which only null and true/false are not text.

    YAML 1.1 would read the company number 00041424 as an octal number and 2026-02-30 as an
    error of its own; here the record decides what a word means.
    """


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag.endswith(":null")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Not the `no` of YAML 1.1: NO is Norway.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class _WithNumbers(_Loader):
    """The same with numbers, for values no record tells the type of: as JSON writes them."""


_DIGITS = list("-0123456789")
_WithNumbers.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), _DIGITS
)
_WithNumbers.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})[.][0-9]{1,17}$"), _DIGITS
)


class YamlFile:
    """A file as data, with the places of its fields. Raises BadInput, naming line and mend.

    `examples` is the folder a person is sent to. With `numbers`, 5 and 0.5 are numbers.
    """

    def __init__(self, path: Path, examples: str = "cases/", numbers: bool = False) -> None:
        self.path = path
        self._examples = examples
        loader = _WithNumbers if numbers else _Loader
        text = self._text()
        try:
            self._refuse_events(text)
            reader = loader(text)
            root = reader.get_single_node()
            if root is None:
                raise self._empty()
            self._refuse_names(root)
            self.data: Any = reader.construct_document(root)
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from error
        self._root = root

    def line(self, loc: Loc) -> int:
        """Give the line of a field, or of the nearest thing around it."""
        return self.place(loc)[0]

    def place(self, loc: Loc, inner: int = 1) -> tuple[int, int]:
        """Give line and column of a field, or of line `inner` of its text, each from 1."""
        node = self._root
        mark = node.start_mark
        for part in loc:
            found = _step(node, part)
            if found is None:
                return int(mark.line) + 1, int(mark.column) + 1
            mark, node = found
        block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        if inner == 1 and not block:
            return int(mark.line) + 1, int(mark.column) + 1
        # A folded text joins lines: its place is then that of its first one.
        inner = 1 if isinstance(node, yaml.ScalarNode) and node.style != "|" else inner
        return int(node.start_mark.line) + inner + block, int(mark.column) + 1

    def _text(self) -> str:
        path = self.path
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
            text = raw.decode("utf-8") if len(raw) <= LARGEST else ""
        except FileNotFoundError as error:
            raise BadInput(f"{path}: no such file; examples are in {self._examples}") from error
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise BadInput(f"{path}: cannot be read as text ({why}); give a YAML file") from error
        if len(raw) > LARGEST:
            raise BadInput(f"{path}: larger than {LARGEST} bytes; see {self._examples}")
        if not text.strip():
            raise self._empty()
        return text

    def _empty(self) -> BadInput:
        return BadInput(f"{self.path}: the file is empty; copy an example from {self._examples}")

    def _refuse_events(self, text: str) -> None:
        """Refuse what such a file has no use for: aliases, tags, bottomless nesting."""
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            where = f"{self.path}: line {_at(event.start_mark)}"
            if isinstance(event, yaml.AliasEvent):
                raise BadInput(f"{where}: aliases (*name) are not taken; write the value out")
            if getattr(event, "tag", None) is not None:
                raise BadInput(f"{where}: tags (as !!int) are not taken; write the value alone")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                said = f"nested deeper than {DEEPEST} levels; see {self._examples}"
                raise BadInput(f"{where}: {said}")

    def _not_yaml(self, error: yaml.YAMLError) -> BadInput:
        mark = getattr(error, "problem_mark", None)
        where = f"line {_at(mark)}: " if mark else ""
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not parsed"
        said = f"not YAML: {printable(what)}; check indentation, quotes and colons"
        return BadInput(f"{self.path}: {where}{said}")

    def _refuse_names(self, node: yaml.Node) -> None:
        """Refuse a field given twice (YAML would keep the last) and names that are no text."""
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                where = f"{self.path}: line {_at(key.start_mark)}"
                if not isinstance(key, yaml.ScalarNode):
                    raise BadInput(f"{where}: a list or fields stand where a field's name belongs")
                if key.value in seen:
                    said = f"{printable(key.value)} stands there twice; remove one"
                    raise BadInput(f"{where}: {said}")
                seen.add(key.value)
                self._refuse_names(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._refuse_names(item)


def printable(text: str) -> str:
    """Keep a message on one line and free of what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _step(node: yaml.Node, part: int | str) -> tuple[Any, yaml.Node] | None:
    """Go one step inwards: where that begins, and what it is."""
    if isinstance(node, yaml.MappingNode):
        return next(((k.start_mark, v) for k, v in node.value if k.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None


def _at(mark: Any) -> int:
    return int(mark.line) + 1
