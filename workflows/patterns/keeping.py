"""Lending scarce resources: the keeper's decisions, as pure functions over its state.

All a request wants is lent at once or not at all, and nobody is overtaken: a request waits as long
as an older one waits for a resource it wants too, even if there is enough for it. So whoever waits
holds nothing of the pool (no deadlock), a large request is not starved by small ones, and with `n`
requests ahead, each held for `H` at most, the wait is at most `n * H`: by induction over arrival,
a request starts at the latest when the last older one that shares a resource with it has ended,
which is `H` after that one's own start. Taking resources one after the other in sorted order has
no deadlock either, but holds the first while it waits for the second, so that waits add up along
chains of resources.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from workflows.data.common import JSON
from workflows.data.resources import (
    Granted,
    Hold,
    KeeperAct,
    KeeperCounts,
    KeeperMessage,
    KeeperState,
    Notice,
    NoticeKind,
    Pool,
    Request,
)

REMEMBERED = 1_000
"""How many ended requests a keeper knows again when one of their messages comes late."""


@dataclass(frozen=True)
class Turn:
    """The state after something happened, and who is to be told."""

    state: KeeperState
    notices: tuple[Notice, ...] = ()

    def then(self, step: Callable[[KeeperState], "Turn"]) -> "Turn":
        """Go on from here; what is to be told adds up."""
        after = step(self.state)
        return Turn(after.state, self.notices + after.notices)


def take(state: KeeperState, message: KeeperMessage, at: datetime) -> Turn:
    """Take a message. The same one again changes nothing, only its answer is sent again."""
    turn = expire(state, at).then(lambda s: _adopt(s, message.pool))
    match message.act:
        case KeeperAct.REQUEST:
            turn = turn.then(lambda s: _request(s, message))
        case KeeperAct.RENEW:
            turn = turn.then(lambda s: _renew(s, message.request, at))
        case KeeperAct.RELEASE:
            turn = turn.then(lambda s: _release(s, message.request))
    return turn.then(lambda s: _lend(s, at))


def expire(state: KeeperState, at: datetime) -> Turn:
    """End the leases that are over by `at`, and lend what that frees."""
    over = [hold for hold in state.held if hold.until <= at]
    if not over:
        return Turn(state)
    left = _ended(state, [hold.request.id for hold in over])
    told = tuple(_lost(hold.request, "the lease is over") for hold in over)
    return Turn(_counted(left, expired=len(over)), told).then(lambda s: _lend(s, at))


def gone(state: KeeperState, holder: str, at: datetime) -> Turn:
    """Take back and give up all that `holder` has or wants: its workflow has ended."""
    its = [r.id for r in (*state.waiting, *(h.request for h in state.held)) if r.holder == holder]
    return Turn(_counted(_ended(state, its), gone=len(its))).then(lambda s: _lend(s, at))


def next_expiry(state: KeeperState) -> datetime | None:
    """Say when the next lease is over; None while nothing is lent."""
    return min((hold.until for hold in state.held), default=None)


def free(state: KeeperState) -> dict[str, int]:
    """Give what is not lent of each resource; below zero if the pool was made smaller."""
    left = dict(state.pool.amounts)
    for hold in state.held:
        for name, amount in hold.request.wants.items():
            left[name] = left.get(name, 0) - amount
    return left


def why_never(pool: Pool, wants: Mapping[str, int]) -> str | None:
    """Say why a pool can never lend this; None if it can."""
    for name, amount in wants.items():
        if name not in pool.amounts:
            has = ", ".join(sorted(pool.amounts))
            return f"pool {pool.name!r} has no {name!r}, only {has}"
        if amount > pool.amounts[name]:
            return f"pool {pool.name!r} has {pool.amounts[name]} of {name!r}, never {amount}"
    return None


# ---- inside --------------------------------------------------------------------------------


def _adopt(state: KeeperState, pool: Pool) -> Turn:
    """Let a newer version of the pool count; requests it can never meet are refused."""
    if pool.version <= state.pool.version:
        return Turn(state)
    state = state.model_copy(update={"pool": pool})
    never = [(r, why) for r in state.waiting if (why := why_never(pool, r.wants))]
    told = tuple(_refused(request, why) for request, why in never)
    left = _ended(state, [request.id for request, _ in never])
    return Turn(_counted(left, refused=len(never)), told)


def _request(state: KeeperState, message: KeeperMessage) -> Turn:
    request = message.request
    if request.id in state.done or any(request.id == r.id for r in state.waiting):
        return Turn(state)
    if hold := _held(state, request.id):
        return Turn(state, (_granted(hold),))
    if why := _why_refused(state, message):
        return Turn(_counted(state, refused=1), (_refused(request, why),))
    return Turn(state.model_copy(update={"waiting": (*state.waiting, request)}))


def _why_refused(state: KeeperState, message: KeeperMessage) -> str | None:
    pool, theirs = state.pool, message.pool
    if theirs.version == pool.version and theirs != pool:
        return f"pool {pool.name!r} version {pool.version} is declared in two ways; raise one's"
    if len(state.waiting) >= pool.most_waiting:
        return f"{len(state.waiting)} wait for pool {pool.name!r} already"
    if message.request.at_most > pool.longest:
        return f"pool {pool.name!r} lends for {pool.longest} at most"
    return why_never(pool, message.request.wants)


def _renew(state: KeeperState, request: Request, at: datetime) -> Turn:
    if (hold := _held(state, request.id)) is None:
        known = request.id in state.done or any(request.id == r.id for r in state.waiting)
        return Turn(state, () if known else (_lost(request, "the keeper knows no such lease"),))
    until = max(hold.until, min(at + hold.request.lease, hold.end))
    longer = hold.model_copy(update={"until": until})
    held = tuple(longer if h is hold else h for h in state.held)
    return Turn(state.model_copy(update={"held": held}))


def _release(state: KeeperState, request: Request) -> Turn:
    """End a request wherever it stands. One not known yet is remembered: it is on its way."""
    was = 1 if _held(state, request.id) else 0
    return Turn(_counted(_ended(state, [request.id]), released=was))


def _lend(state: KeeperState, at: datetime) -> Turn:
    """Lend to whoever can start now: in order of arrival, nobody past an older rival."""
    left, wanted_before = free(state), dict.fromkeys(state.pool.amounts, False)
    held, waiting, token = list(state.held), [], state.token
    for request in state.waiting:
        if all(left[n] >= k and not wanted_before[n] for n, k in request.wants.items()):
            token = max(token + 1, int(at.timestamp() * 1000))
            held.append(Hold(request=request, token=token, granted=at, until=at + request.lease))
            left.update({n: left[n] - k for n, k in request.wants.items()})
        else:
            waiting.append(request)
            wanted_before.update(dict.fromkeys(request.wants, True))
    new = held[len(state.held) :]
    changed = {"held": tuple(held), "waiting": tuple(waiting), "token": token}
    after = _counted(state.model_copy(update=changed), granted=len(new)) if new else state
    return Turn(after, tuple(_granted(hold) for hold in new))


def _held(state: KeeperState, request: str) -> Hold | None:
    return next((hold for hold in state.held if hold.request.id == request), None)


def _ended(state: KeeperState, requests: Iterable[str]) -> KeeperState:
    """Give the state without these requests, remembering that they ended."""
    over = dict.fromkeys(requests)
    done = dict.fromkeys((*state.done, *over))
    changed = {
        "held": tuple(h for h in state.held if h.request.id not in over),
        "waiting": tuple(r for r in state.waiting if r.id not in over),
        "done": tuple(done)[-REMEMBERED:],
    }
    return state.model_copy(update=changed)


def _counted(state: KeeperState, **more: int) -> KeeperState:
    counts = state.counts.model_dump()
    added = KeeperCounts(**{name: counts[name] + more.get(name, 0) for name in counts})
    return state.model_copy(update={"counts": added})


def _granted(hold: Hold) -> Notice:
    body = Granted(token=hold.token, granted=hold.granted, until=hold.until)
    request = hold.request
    return _notice(request, NoticeKind.GRANTED, body.model_dump(mode="json"))


def _refused(request: Request, why: str) -> Notice:
    return _notice(request, NoticeKind.REFUSED, why)


def _lost(request: Request, why: str) -> Notice:
    return _notice(request, NoticeKind.LOST, why)


def _notice(request: Request, kind: NoticeKind, body: JSON) -> Notice:
    return Notice(to=request.holder, request=request.id, kind=kind, body=body)
