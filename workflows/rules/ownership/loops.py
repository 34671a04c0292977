"""Companies that own each other: where they are, and what flows through them. Pure.

Follow a share of the subject upwards: from a company it goes to each holder with the holder's
fraction. What a holder has of the subject is the probability that the walk ever meets it, so a loop
of cross-holdings only delays the walk and counts nothing twice. In a loop with the fractions A the
expected visits are g = (I - A)^-1 b, b being how the walk enters it.
"""

from collections.abc import Mapping, Sequence

Linked = Mapping[str, Mapping[str, object]]
"""Company -> its holders, whatever they have."""
WORK = 500_000
"""Multiplications a loop may cost to solve; a larger one is bounded instead."""
_TINY = 1e-12


def components(links: Linked, subject: str) -> list[list[str]]:
    """Give all above `subject` in groups of companies that own each other, companies before
    their holders. A party in no loop is a group of its own. Tarjan's algorithm, without recursion.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    open_: set[str] = set()
    found: list[list[str]] = []
    work = [(subject, iter(links.get(subject, ())))]
    number[subject] = low[subject] = 0
    stack.append(subject)
    open_.add(subject)
    while work:
        party, holders = work[-1]
        for holder in holders:
            if holder not in number:
                number[holder] = low[holder] = len(number)
                stack.append(holder)
                open_.add(holder)
                work.append((holder, iter(links.get(holder, ()))))
                break
            if holder in open_:
                low[party] = min(low[party], number[holder])
        else:
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[party])
            if low[party] == number[party]:
                at = _last(stack, party)
                found.append(stack[at:])
                open_.difference_update(stack[at:])
                del stack[at:]
    return found[::-1]


def _last(stack: Sequence[str], party: str) -> int:
    """Give where `party` stands, looked for from the end: it is near it."""
    return next(n for n in range(len(stack) - 1, -1, -1) if stack[n] == party)


def is_loop(group: Sequence[str], links: Linked) -> bool:
    """Say whether the members of a group own each other, or a single one itself."""
    return len(group) > 1 or group[0] in links.get(group[0], ())


def visits(
    members: Sequence[str], inside: Mapping[str, Mapping[str, float]], entry: Mapping[str, float]
) -> dict[str, float] | None:
    """Solve g = entry + A g exactly; None if it has no finite solution or is too large to solve.

    Elimination without exchange of rows: I - A has only positive pivots exactly if the walk leaves
    the loop in the end (an M-matrix); a pivot that is not says that it never does.
    """
    place = {m: n for n, m in enumerate(members)}
    rows: list[dict[int, float]] = [{n: 1.0} for n in range(len(members))]
    for company in members:
        for holder, fraction in inside.get(company, {}).items():
            if holder in place:
                row, column = rows[place[holder]], place[company]
                row[column] = row.get(column, 0.0) - fraction
    right = [entry.get(m, 0.0) for m in members]
    if not _eliminated(rows, right):
        return None
    for n in range(len(rows) - 1, -1, -1):
        known = sum(a * right[m] for m, a in rows[n].items() if m > n)
        right[n] = (right[n] - known) / rows[n][n]
    return dict(zip(members, right, strict=True))


def _eliminated(rows: list[dict[int, float]], right: list[float]) -> bool:
    """Bring sparse rows into upper triangular form, in place; False if that cannot be done."""
    using: dict[int, set[int]] = {n: set() for n in range(len(rows))}
    for n, row in enumerate(rows):
        for column in row:
            using[column].add(n)
    work = 0
    for n, pivot in enumerate(rows):
        if pivot[n] <= _TINY:
            return False
        above = {m: a for m, a in pivot.items() if m > n}
        for below in [m for m in using[n] if m > n]:
            factor = rows[below].pop(n) / pivot[n]
            for m, a in above.items():
                rows[below][m] = rows[below].get(m, 0.0) - factor * a
                using[m].add(below)
            right[below] -= factor * right[n]
            work += len(above) + 1
        if work > WORK:
            return False
    return True
