"""Context: what a model is told besides the question, chosen to fit and never silently cut.

`told = fit(pieces, window=128_000, reserve=8_000, about=question)` keeps what is most relevant;
`told.record` says what was left out and why. `told.before(prompt)` puts it first, word for word the
same for every question, so that vendors bill it as cached input.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from workflows.data.context import ContextRecord, LeftOut, Piece
from workflows.data.llm import Prompt, RoleBook
from workflows.data.tokens import tokens
from workflows.errors import ContextTooLarge, Misuse
from workflows.patterns.checks import is_number, is_whole, listed
from workflows.patterns.relevance import relevance

MEND = (
    "read it in parts (Reading), sum it up (Memory), mark fewer pieces as required, or name a role"
    " with a larger window"
)
_OPEN, _CLOSE = "<context>\n", "\n</context>\n"


@dataclass(frozen=True)
class Context:
    """Pieces in a fixed order. A value: what one branch adds, no other sees.

    `record` says what was chosen and what was left out; None before anything was fitted.
    """

    pieces: tuple[Piece, ...] = ()
    record: ContextRecord | None = None

    def __post_init__(self) -> None:
        names = [p.name for p in listed(self.pieces, Piece, "a context", "give it Pieces")]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Misuse(f"pieces of a context named twice: {', '.join(twice)}; rename one")

    def with_(self, *pieces: Piece) -> "Context":
        """Give a context with these pieces after those here; this one stays as it is."""
        return Context((*self.pieces, *pieces))

    def fit(self, window: int, reserve: int, about: str = "", least: float = 0.0) -> "Context":
        """Give a context with what fits; see the function `fit`."""
        return fit(self.pieces, window=window, reserve=reserve, about=about, least=least)

    @property
    def text(self) -> str:
        """The pieces as a model reads them: material between marks, one line of JSON each."""
        return _OPEN + "\n".join(map(_line, self.pieces)) + _CLOSE if self.pieces else ""

    def before(self, prompt: Prompt) -> Prompt:
        """Put this context before a question, as the prefix that many questions share."""
        if prompt.prefix:
            raise Misuse(
                f"prompt {prompt.name!r} has a prefix already; put all that is shared into one"
                " context, and what is the question's own into its `user`"
            )
        return prompt.model_copy(update={"prefix": self.text})


def window_of(book: RoleBook, role: str) -> int:
    """Give the smallest window of a role's models, in tokens: any of them may be asked.

    Raises Misuse where the catalogue does not say one.
    """
    chain = book.chain(role)
    windows = {target.model: book.facts_of(target).window for target in chain.models}
    if unknown := [model for model, window in windows.items() if not window]:
        raise Misuse(
            f"the window of {', '.join(unknown)}, for role {role!r}, is not known; write `window`"
            " for it in llm.toml"
        )
    return min(windows.values())


def fit(
    pieces: Sequence[Piece], *, window: int, reserve: int, about: str = "", least: float = 0.0
) -> Context:
    """Choose what is told: all that is required, then the most relevant that fits.

    `window` is the model's in tokens, `reserve` what question and answer take of it. Pieces are
    rated by their relevance to `about`, equals in their order, and left out below `least` of the
    best one's (0 to 1). The chosen ones keep their order. Raises ContextTooLarge when the required
    ones do not fit, and Misuse.
    """
    whole = Context(tuple(pieces)).pieces
    _check(window, reserve, least)
    costs = [tokens(_line(piece)) + 1 for piece in whole]
    frame = tokens(_OPEN + _CLOSE)
    needed = sum(cost for piece, cost in zip(whole, costs, strict=True) if piece.required)
    if (left := window - reserve - frame - needed) < 0:
        raise _too_large(whole, costs, window, reserve)
    out = _left_out(whole, costs, left, relevance(about, [p.text for p in whole]), least)
    kept = tuple(piece for place, piece in enumerate(whole) if place not in out)
    record = ContextRecord(
        window=window,
        reserve=reserve,
        used=frame + sum(cost for place, cost in enumerate(costs) if place not in out),
        chosen=tuple(p.name for p in kept),
        left_out=tuple(
            LeftOut(name=whole[place].name, tokens=costs[place], why=out[place])
            for place in sorted(out)
        ),
    )
    return Context(kept, record)


def _left_out(
    pieces: Sequence[Piece], costs: Sequence[int], left: int, scores: Sequence[float], least: float
) -> dict[int, str]:
    """Say of each place that is not told why: the most relevant take what is left, first."""
    bound = least * max(scores, default=0.0)
    out: dict[int, str] = {}
    for place in sorted(range(len(scores)), key=lambda place: (-scores[place], place)):
        if pieces[place].required:
            continue
        if scores[place] < bound:
            out[place] = f"its relevance {scores[place]:.2f} is below {bound:.2f}"
        elif costs[place] > left:
            out[place] = f"it takes {costs[place]} tokens, {left} were left"
        else:
            left -= costs[place]
    return out


def _line(piece: Piece) -> str:
    """Write a piece so that its text cannot end the block it stands in."""
    line = json.dumps({"name": piece.name, "text": piece.text}, ensure_ascii=False)
    return line.replace("<", r"\u003c").replace(">", r"\u003e")


def _check(window: int, reserve: int, least: float) -> None:
    if not is_whole(window) or not is_whole(reserve) or not 0 <= reserve < window:
        raise Misuse(
            f"a window of {window!r} tokens with {reserve!r} in reserve leaves no room; give whole"
            " numbers, the window being the larger"
        )
    if not is_number(least) or not 0 <= least <= 1:
        raise Misuse(f"least={least!r} is no share of the best relevance; it goes from 0 to 1")


def _too_large(
    pieces: Sequence[Piece], costs: Sequence[int], window: int, reserve: int
) -> ContextTooLarge:
    sizes = [(p.name, cost) for p, cost in zip(pieces, costs, strict=True) if p.required]
    named = ", ".join(f"{name} {cost}" for name, cost in sizes)
    return ContextTooLarge(
        f"the required pieces take {sum(cost for _, cost in sizes)} tokens ({named}), a window of"
        f" {window} has room for {window - reserve} beside question and answer: {MEND}"
    )
