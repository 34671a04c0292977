"""What a history says about its run beyond its spans: identity, version, path, result, decisions.

All of it is optional: a foreign history that says nothing of it reads as empty.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from temporalio.api.enums.v1 import ContinueAsNewInitiator, EventType
from temporalio.api.history.v1 import HistoryEvent

from insight.history import payloads
from workflows.data.common import UNREAD, Record, Verdict
from workflows.data.route import PATH_ATTRIBUTE

_E = EventType
_DECIDE = "decide"
_KEEP_RESULTS = "keep_results"
"""The activity that keeps results of items: its input lists them."""
_NOT_SENT = frozenset({Verdict.DECLINE, Verdict.REFER, Verdict.MORE})
_SENT = frozenset({Verdict.APPROVE, Verdict.SUPPLY})
Decided = Mapping[str, object]
"""A decision as it was sent, decoded."""


class Drafts(Record):
    """What people made of drafts put before them at gates, one a gate.

    Unchanged: everybody approved and nobody set a condition. Changed: approved with a condition,
    or a person supplied something else. Withheld: declined, referred, or more was asked for.
    """

    unchanged: int = 0
    changed: int = 0
    withheld: int = 0


class Facts(Record):
    """What the events of one run say of it; empty or None for what they do not say.

    `first` is the run its chain of runs began with, `previous` the one this run goes on from.
    `version` is the build of the worker that did the last workflow task, `marks` what else tells
    versions apart: patches, and the policy of the result. `items` were settled in spreads.
    """

    workflow: str = ""
    run: str = ""
    first: str = ""
    previous: str = ""
    version: str = ""
    marks: tuple[str, ...] = ()
    path: str = ""
    outcome: str = ""
    confidence: float | None = None
    drafts: Drafts = Drafts()
    items: int = 0
    simulated: bool = False


def facts(events: Sequence[HistoryEvent]) -> Facts:
    """Read the facts of a run from its events, ascending."""
    result = _result(events)
    outcome, confidence = result.get("outcome"), result.get("confidence")
    policy = result.get("policy_version")
    marks = dict.fromkeys([*_patches(events), *([policy] if isinstance(policy, str) else [])])
    return Facts(
        **_identity(events),
        version=_version(events),
        marks=tuple(marks),
        path=_path(events),
        outcome=outcome if isinstance(outcome, str) else "",
        confidence=confidence if _is_share(confidence) else None,
        drafts=drafts(_decisions(events, result)),
        items=_items(events, result),
        simulated=any(
            b'"simulated":true' in payload.data
            for event in events
            for payload in event.activity_task_completed_event_attributes.result.payloads
        ),
    )


def drafts(decisions: Sequence[Decided]) -> Drafts:
    """Count drafts by what their decisions, in the order given, made of them."""
    rounds: dict[str, int] = {}
    held: dict[tuple[object, int], set[str]] = {}
    for said in decisions:
        verdict, gate = said.get("verdict"), str(said.get("gate", "review"))
        if verdict not in _NOT_SENT | _SENT:
            continue
        edited = verdict == Verdict.SUPPLY or bool(said.get("conditions"))
        kind = "withheld" if verdict in _NOT_SENT else "changed" if edited else "unchanged"
        held.setdefault((gate, rounds.setdefault(gate, 0)), set()).add(kind)
        rounds[gate] += verdict == Verdict.MORE
    worst = ("withheld", "changed", "unchanged")
    kinds = Counter(next(k for k in worst if k in said) for said in held.values())
    return Drafts(**kinds)


def _identity(events: Sequence[HistoryEvent]) -> dict[str, str]:
    for event in events:
        if event.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            begun = event.workflow_execution_started_event_attributes
            run = begun.original_execution_run_id
            cron = ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE
            alone = begun.initiator == cron  # each firing of a cron workflow is a case of its own
            return {
                "workflow": begun.workflow_id,
                "run": run,
                "first": run if alone else begun.first_execution_run_id or run,
                "previous": "" if alone else begun.continued_execution_run_id,
            }
    return {}


def _version(events: Sequence[HistoryEvent]) -> str:
    for event in reversed(events):
        if event.event_type == _E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            done = event.workflow_task_completed_event_attributes
            deployed, build = done.deployment_version.build_id, done.worker_version.build_id
            if found := deployed or build or done.binary_checksum:
                return found
    return ""


def _patches(events: Sequence[HistoryEvent]) -> Iterator[str]:
    """Name the patches a run took: `id` of Python and TypeScript, `id=version` of Go and Java."""
    for event in events:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name == "core_patch":
            name = payloads.fields(marker.details["patch-data"].payloads).get("id")
            if isinstance(name, str) and not name.startswith(UNREAD):
                yield name
        elif marker.marker_name == "Version":
            told = {
                key: [payloads.value(p) for p in held.payloads]
                for key, held in marker.details.items()
            }
            change = told.get("change-id") or told.get("changeId")
            number = told.get("version")
            if change and number:
                yield f"{change[0]}={number[0]}"


def _path(events: Sequence[HistoryEvent]) -> str:
    """Give the path shown last, as a search attribute or in the memo."""
    for event in reversed(events):
        shown = event.upsert_workflow_search_attributes_event_attributes.search_attributes
        noted = event.workflow_properties_modified_event_attributes.upserted_memo
        for found in (shown.indexed_fields, noted.fields):
            if PATH_ATTRIBUTE in found:
                value = payloads.value(found[PATH_ATTRIBUTE])
                if isinstance(value, str):
                    return value
    return ""


def _result(events: Sequence[HistoryEvent]) -> Mapping[str, object]:
    for event in reversed(events):
        if event.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            done = event.workflow_execution_completed_event_attributes
            return payloads.fields(done.result.payloads)
    return {}


def _is_share(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1


def _decisions(events: Sequence[HistoryEvent], result: Mapping[str, object]) -> list[Decided]:
    """List the decisions that counted: as the result tells them, else as they were sent.

    A history does not tell which signals were refused, a result that lists decisions does.
    """
    if isinstance(counted := result.get("decided_by"), list):
        earlier = result.get("earlier")
        listed = [*(earlier if isinstance(earlier, list) else []), *counted]
        return [said for said in listed if isinstance(said, Mapping)]
    return list(_sent(events))


def _sent(events: Sequence[HistoryEvent]) -> Iterator[Decided]:
    admitted: dict[str, Decided] = {}
    for event in events:
        early = event.workflow_execution_update_admitted_event_attributes.request
        accepted = event.workflow_execution_update_accepted_event_attributes
        if early.input.name == _DECIDE:
            admitted[early.meta.update_id] = payloads.fields(early.input.args.payloads)
        elif accepted.accepted_request.input.name == _DECIDE:
            yield payloads.fields(accepted.accepted_request.input.args.payloads)
        elif accepted.protocol_instance_id in admitted:
            yield admitted.pop(accepted.protocol_instance_id)
        elif event.workflow_execution_signaled_event_attributes.signal_name == _DECIDE:
            yield payloads.fields(event.workflow_execution_signaled_event_attributes.input.payloads)


def _items(events: Sequence[HistoryEvent], result: Mapping[str, object]) -> int:
    """Count the items of spreads: told by the run's result, its children's, or as it kept them."""
    of_children = of_calls = 0
    for event in events:
        done = event.child_workflow_execution_completed_event_attributes
        of_children += _settled(payloads.fields(done.result.payloads))
        asked = event.activity_task_scheduled_event_attributes
        if asked.activity_type.name == _KEEP_RESULTS:
            kept = payloads.fields(asked.input.payloads).get("results")
            of_calls += len(kept) if isinstance(kept, list) else 0
    return max(_settled(result), of_children, of_calls)


_COUNTS = ("succeeded", "failed", "already")


def _settled(found: Mapping[str, object]) -> int:
    """Read how many items a spread or a chunk of it says were settled now; 0 for any other."""
    counts = [found.get(name) for name in _COUNTS]
    if not all(isinstance(count, int) for count in counts):
        return 0
    succeeded, failed, already = (int(str(count)) for count in counts)
    if "page_read" in found:
        return succeeded + failed  # of a chunk: those done before are not among them
    return succeeded + failed - already if "not_run" in found else 0
