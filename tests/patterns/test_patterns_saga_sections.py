"""Sections, groups and marks of a saga: what is undone, in which order, and how far back."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import Trail, elapsed, run
from workflows.errors import Misuse, UndoFailed
from workflows.patterns.saga import REFUSED, Saga, Undone, current_saga, enter_saga

Work = Callable[[], Awaitable[Any]]


def plainly(trail: Trail, what: str, error: BaseException | None = None) -> Work:
    async def do() -> str:
        trail.note(what)
        if error is not None:
            raise error
        return what

    return do


async def did(saga: Saga, trail: Trail, *names: str, group: str = "") -> None:
    """Do steps that take no time, with undos that take none."""
    for name in names:
        await saga.step(name, plainly(trail, name), plainly(trail, f"undo {name}"), group=group)


async def breaks(saga: Saga, inside: Work) -> None:
    """Work inside a saga's block and leave it by an error."""

    async def block() -> None:
        async with saga:
            await inside()
            raise RuntimeError("block broke")

    with pytest.raises(RuntimeError, match="block broke"):
        await block()


# ---- the saga around -----------------------------------------------------------------------


def test_the_saga_around_is_known_inside_its_block_only() -> None:
    seen: list[Saga | None] = []

    async def look() -> None:
        seen.append(current_saga())

    async def case() -> tuple[Saga, Saga]:
        await look()
        async with Saga() as outer:
            inner = outer.inside("inner")
            await look()
            await breaks(inner, look)
            await look()
        await look()
        return outer, inner

    outer, inner = run(case())
    assert seen == [None, outer, inner, outer, None]


def test_a_task_may_enter_a_section_without_its_siblings_noticing() -> None:
    async def branch(saga: Saga) -> Saga | None:
        enter_saga(saga)
        await asyncio.sleep(1)
        return current_saga()

    async def case() -> None:
        async with Saga() as saga:
            a, b = saga.inside("a"), saga.inside("b")
            assert list(await asyncio.gather(branch(a), branch(b))) == [a, b]
            assert current_saga() is saga

    run(case())


def test_an_undo_runs_outside_any_saga() -> None:
    seen: list[Saga | None] = []

    async def undo() -> None:
        seen.append(current_saga())

    async def case() -> None:
        async with Saga() as saga:
            await saga.step("a", plainly(Trail(), "a"), undo)
            await saga.undo()
            assert current_saga() is saga

    run(case())
    assert seen == [None]


# ---- sections ------------------------------------------------------------------------------


def test_a_section_is_undone_alone_and_the_rest_stays() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            flight, hotel = saga.inside("flight"), saga.inside("hotel")
            await did(saga, trail, "plan")
            await did(flight, trail, "seat")
            await did(hotel, trail, "room")
            await did(flight, trail, "meal")
            assert saga.registered == ("plan", "flight/seat", "hotel/room", "flight/meal")
            assert flight.registered == ("flight/seat", "flight/meal")
            assert await flight.undo() == (Undone("flight/meal"), Undone("flight/seat"))
            assert list(saga.registered) == ["plan", "hotel/room"]
            assert hotel.undone == ()
            assert saga.undone == flight.undone
            await saga.undo()
            assert saga.undone[2:] == (Undone("hotel/room"), Undone("plan"))

    run(case())


def test_all_sections_are_undone_in_one_order() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            a, b = saga.inside("a"), saga.inside("b")
            deep = a.inside("deep")
            for section, name in ((a, "1"), (b, "2"), (deep, "3"), (saga, "4"), (a, "5")):
                await did(section, trail, name)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(case())
    assert trail.words[5:] == ["undo 5", "undo 4", "undo 3", "undo 2", "undo 1"]


def test_a_section_left_by_an_error_undoes_its_part_only() -> None:
    trail = Trail()

    async def case() -> Saga:
        async with Saga() as saga:
            await did(saga, trail, "a")
            part = saga.inside("part")
            await breaks(part, partial(did, part, trail, "b"))
            return saga

    assert run(case()).registered == ("a",)
    assert trail.words == ["a", "b", "undo b"]


def test_branches_may_use_the_same_step_names_and_sections_the_same_name() -> None:
    trail = Trail()

    async def case() -> tuple[str, ...]:
        async with Saga() as saga:
            for name in ("a", "b", "a", "a"):
                await did(saga.inside(name), trail, "book")
            return saga.registered

    assert run(case()) == ("a/book", "b/book", "a#2/book", "a#3/book")


def test_undos_begun_elsewhere_are_waited_for_and_not_done_twice() -> None:
    """A join undoes a loser while the process is cancelled: each undo once, all before the end."""
    trail = Trail()

    async def case() -> float:
        async with Saga() as saga:
            part = saga.inside("part")
            await saga.step("a", plainly(trail, "a"), trail.work("undo a", 1))
            await part.step("b", plainly(trail, "b"), trail.work("undo b", 5))
            await saga.step("c", plainly(trail, "c"), trail.work("undo c", 1))
            losing = asyncio.ensure_future(part.undo())
            await asyncio.sleep(1)
            await saga.undo()
            assert losing.done()
            assert [u.step for u in saga.undone] == ["c", "part/b", "a"]
            return elapsed()

    assert run(case()) == 6
    assert [at for at, what in trail.log if what == "undo b starts"] == [0]
    assert [at for at, what in trail.log if what == "undo a starts"] == [5]


def test_a_saga_that_ends_well_waits_for_undos_somebody_has_begun() -> None:
    trail = Trail()

    async def case() -> float:
        async with Saga() as saga:
            part = saga.inside("part")
            await part.step("b", plainly(trail, "b"), trail.work("undo b", 5))
            losing = asyncio.ensure_future(part.undo())
            await asyncio.sleep(1)
        ended = elapsed()
        await losing
        return ended

    assert run(case()) == 5
    assert trail.words[-1] == "undo b done"


# ---- groups --------------------------------------------------------------------------------


def test_neighbours_of_one_group_are_undone_at_once_and_others_wait() -> None:
    trail = Trail()

    async def case() -> float:
        async with Saga() as saga:
            for name, group in (
                ("a", ""),
                ("b", "g"),
                ("c", "g"),
                ("d", "h"),
                ("e", ""),
                ("f", ""),
            ):
                undo = trail.work(f"undo {name}", {"b": 3, "c": 2}.get(name, 1))
                await saga.step(name, plainly(trail, name), undo, group=group)
            await saga.undo()
        return elapsed()

    assert run(case()) == 1 + 1 + 1 + 3 + 1
    starts = {w.split()[1]: at for at, w in trail.log if w.endswith("starts")}
    assert starts == {"f": 0, "e": 1, "d": 2, "c": 3, "b": 3, "a": 6}
    assert trail.most == 2


def test_a_step_between_keeps_a_group_apart() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            for name, group in (("a", "g"), ("b", ""), ("c", "g")):
                await saga.step(
                    name, plainly(trail, name), trail.work(f"undo {name}", 1), group=group
                )
            await saga.undo()

    run(case())
    assert trail.most == 1


def test_a_group_is_one_sections_own() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            for section in (saga.inside("a"), saga.inside("b")):
                await section.step("x", plainly(trail, "x"), trail.work("undo", 1), group="g")
            await saga.undo()

    run(case())
    assert trail.most == 1


def test_a_failing_undo_of_a_group_leaves_the_others_to_their_end() -> None:
    trail = Trail()

    async def case() -> Saga:
        async with Saga() as saga:
            await did(saga, trail, "a")
            wrong = trail.work("undo b", 1, error=RuntimeError("no"))
            await saga.step("b", plainly(trail, "b"), wrong, group="g")
            await saga.step("c", plainly(trail, "c"), trail.work("undo c", 3), group="g")
            await saga.undo()
            return saga

    saga = run(case())
    assert saga.undone == (Undone("b", "RuntimeError: no"), Undone("c"), Undone("a"))
    assert trail.words[-2:] == ["undo c done", "undo a"]


# ---- marks ---------------------------------------------------------------------------------

TEN = tuple(f"step{n}" for n in range(10))


@pytest.mark.parametrize("back_to", range(11))
def test_rolling_back_to_each_of_ten_steps_and_going_on_another_way(back_to: int) -> None:
    """Only what came after the mark is undone, in reverse; the same names are free again."""
    trail = Trail()

    async def case() -> Saga:
        async with Saga() as saga:
            for number, name in enumerate(TEN):
                saga.mark(f"before{number}")
                await did(saga, trail, name)
            saga.mark("before10")
            undone = await saga.rollback_to(f"before{back_to}")
            assert undone == tuple(Undone(n) for n in reversed(TEN[back_to:]))
            assert saga.registered == TEN[:back_to]
            await did(saga, trail, *TEN[back_to:])
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(case())
    again = TEN[back_to:]
    assert trail.words == [
        *TEN,
        *(f"undo {n}" for n in reversed(again)),
        *again,
        *(f"undo {n}" for n in reversed(TEN)),
    ]


def test_a_mark_may_be_gone_back_to_again_and_later_marks_are_forgotten() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            saga.mark("a")
            saga.mark("b")
            for _ in range(3):
                await did(saga, trail, "x")
                await saga.rollback_to("a")
            with pytest.raises(Misuse, match=r"no mark 'b' to go back to; marks: a$"):
                await saga.rollback_to("b")
            saga.mark("b")
            assert await saga.rollback_to("b") == ()

    run(case())
    assert trail.words == ["x", "undo x"] * 3


def test_a_sections_mark_leaves_other_branches_alone() -> None:
    trail = Trail()

    async def case() -> tuple[str, ...]:
        async with Saga() as saga:
            a, b = saga.inside("a"), saga.inside("b")
            await did(a, trail, "1")
            a.mark("here")
            await did(b, trail, "2")
            await did(a, trail, "3")
            assert await a.rollback_to("here") == (Undone("a/3"),)
            return saga.registered

    assert run(case()) == ("a/1", "b/2")


def test_there_is_no_other_way_when_something_could_not_be_undone() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            await did(saga, trail, "a")
            saga.mark("m")
            await saga.step("b", plainly(trail, "b"), plainly(trail, "undo b", RuntimeError("no")))
            await did(saga, trail, "c")
            await saga.rollback_to("m")
            trail.note("another way")

    with pytest.raises(UndoFailed, match=r"not back at mark 'm': b \(RuntimeError: no\); a person"):
        run(case())
    assert trail.words == ["a", "b", "c", "undo c", "undo b", "undo a"]


def test_a_cancel_during_a_rollback_changes_nothing_about_it() -> None:
    trail = Trail()

    async def work() -> None:
        async with Saga() as saga:
            await saga.step("a", plainly(trail, "a"), trail.work("undo a", 2))
            saga.mark("m")
            await saga.step("b", plainly(trail, "b"), trail.work("undo b", 2))
            await saga.rollback_to("m")
            trail.note("another way")

    async def case() -> float:
        task = asyncio.ensure_future(work())
        for _ in range(2):
            await asyncio.sleep(1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return elapsed()

    assert run(case(), collect=True) == 4
    assert [w for w in trail.words if w.endswith("done")] == ["undo b done", "undo a done"]
    assert "another way" not in trail.words


# ---- names and misuse ----------------------------------------------------------------------


def test_a_step_tried_again_is_registered_once_unless_every_try_was_refused() -> None:
    trail = Trail()

    async def tries(*errors: Exception | None) -> tuple[str, ...]:
        async with Saga() as saga:
            for number, error in enumerate(errors):
                work = plainly(trail, "a", error)
                try:
                    await saga.step("a", work, plainly(trail, "undo"), again=number > 0)
                except ApplicationError:
                    continue
            return saga.registered

    refusal, unclear = ApplicationError("no", type=REFUSED), ApplicationError("down", type="Down")
    assert run(tries(unclear, unclear, None)) == ("a",)
    assert run(tries(unclear, refusal)) == ("a",)
    assert run(tries(refusal, unclear)) == ("a",)
    assert run(tries(refusal, refusal)) == ()


def test_the_name_of_a_step_that_may_have_worked_stays_taken_after_a_refusal() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            undo = plainly(trail, "undo")
            with pytest.raises(ApplicationError, match="down"):
                await saga.step("a", plainly(trail, "a", ApplicationError("down")), undo)
            refusal = ApplicationError("no", type=REFUSED)
            with pytest.raises(ApplicationError, match="no"):
                await saga.step("a", plainly(trail, "a", refusal), undo, again=True)
            with pytest.raises(Misuse, match="'a' stands there twice"):
                await saga.step("a", plainly(trail, "a"), undo)
            assert saga.registered == ("a",)

    run(case())


def test_a_step_done_again_while_it_is_being_undone_is_undone_again() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            await saga.step("a", plainly(trail, "a"), trail.work("undo", 5))
            undoing = asyncio.ensure_future(saga.undo())
            await asyncio.sleep(1)
            await saga.step("a", plainly(trail, "a"), trail.work("undo", 5), again=True)
            await undoing
            assert saga.undone == (Undone("a"), Undone("a"))

    run(case())
    assert trail.words.count("undo done") == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda s: s.step(" ", plainly(Trail(), "x")), "a step needs a name"),
        (lambda s: s.step("x", "no function"), "'x': give functions, not what they return"),
        (lambda s: s.step("x", plainly(Trail(), "x"), 3), "'x': give functions, not what they"),
        (partial(Saga.step, name="x", do=plainly(Trail(), "x"), group="g"), "has none; give the"),
        (partial(Saga.step, name="x", do=plainly(Trail(), "x"), how="call"), "has none; give the"),
        (lambda s: s.rollback_to("x"), "no mark 'x' to go back to; marks: none was set"),
    ],
    ids=["no name", "no function", "no undo function", "group", "how", "no mark"],
)
def test_misuse_is_refused_before_anything_is_done(
    wrong: Callable[[Saga], Awaitable[Any]], message: str
) -> None:
    async def case() -> None:
        async with Saga() as saga:
            with pytest.raises(Misuse, match=message):
                await wrong(saga)
            assert saga.registered == ()

    run(case())


def test_marks_and_sections_need_names_and_a_mark_stands_once() -> None:
    saga = Saga()
    saga.mark("m")
    with pytest.raises(Misuse, match="mark 'm' stands there already; choose another"):
        saga.mark("m")
    with pytest.raises(Misuse, match="a mark needs a name"):
        saga.mark("")
    with pytest.raises(Misuse, match="a section needs a name"):
        saga.inside("")


def test_an_undo_that_undoes_its_own_saga_is_refused_and_does_not_hang() -> None:
    async def case() -> tuple[Undone, ...]:
        async with Saga() as saga:
            await saga.step("a", plainly(Trail(), "a"), plainly(Trail(), "undo a"))
            await saga.step("b", plainly(Trail(), "b"), saga.undo)
            return await saga.undo()

    first, second = run(case())
    assert first.error.startswith("Misuse: an undo may not undo the saga it belongs to")
    assert second == Undone("a")


def test_a_saga_inside_an_undo_is_its_own() -> None:
    trail = Trail()

    async def undo() -> None:
        saga = Saga()
        await breaks(saga, partial(did, saga, trail, "inner"))

    async def case() -> tuple[Undone, ...]:
        async with Saga() as saga:
            await saga.step("a", plainly(trail, "a"), undo)
            return await saga.undo()

    assert run(case()) == (Undone("a"),)
    assert trail.words == ["a", "inner", "undo inner"]


# ---- property: any tree of sections, groups, marks and failures ----------------------------

PLACES = ("", "x", "y", "x/z")


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["", "g"]), st.booleans()), max_size=9
    ),
    cut=st.integers(0, 9),
    of=st.sampled_from(PLACES),
)
def test_whatever_is_registered_is_undone_once_in_reverse(
    steps: list[tuple[str, str, bool]], cut: int, of: str
) -> None:
    """Oracle: the steps of the section after the mark, reversed; the rest later, reversed."""
    trail = Trail()
    cut = min(cut, len(steps))

    async def case() -> None:
        async with Saga() as root:
            sections = {"": root, "x": root.inside("x"), "y": root.inside("y")}
            sections["x/z"] = sections["x"].inside("z")
            for number, (place, group, works) in enumerate(steps):
                if number == cut:
                    sections[of].mark("cut")
                undo = trail.work(f"{number}", 1, error=None if works else RuntimeError("no"))
                await sections[place].step(f"{number}", plainly(Trail(), ""), undo, group=group)
            if cut < len(steps):
                try:
                    await sections[of].rollback_to("cut")
                except UndoFailed:
                    trail.note("failed")
            trail.note("rest")
            await root.undo()
            assert root.registered == ()

    run(case())
    part = [
        n for n, (p, _, _) in enumerate(steps) if n >= cut and f"{p}/".startswith(of and f"{of}/")
    ]
    failed = [] if all(steps[n][2] for n in part) else ["failed"]
    rest = [n for n in range(len(steps)) if n not in part]
    starts = [w.split()[0] for w in trail.words if w.endswith(("starts", "rest", "failed"))]
    assert starts == [*map(str, part[::-1]), *failed, "rest", *map(str, rest[::-1])]
