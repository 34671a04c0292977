"""Which call a question to a model is: the same entry of the journal, however it travels."""

import json

from activities.wire import HttpRequest
from runtime.context import CallContext
from store.journal import CallEntry, call_key
from workflows import calls
from workflows.data.llm import ModelRequest


def entry_of(request: ModelRequest, context: CallContext, http: HttpRequest) -> CallEntry:
    """Give the entry of the question that `http` asks alone: in a batch it has the same one."""
    sent = {"path": http.path, "body": json.loads(http.content)}
    call = calls.ASK_MODEL

    def key(scope: str) -> str:
        return call_key(scope, call.name, call.version, sent, request.sample)

    return CallEntry(
        key=key(context.scope),
        scope=context.scope,
        branch=context.branch,
        call=call.name,
        worker=context.worker,
        vendor=request.target.vendor,
        model=request.target.model,
        origins=tuple(key(scope) for scope in context.origins),
        # No scope begins so: cases of one tenant share answers, those of two never.
        content_key=key(f"//tenant/{context.tenant}"),
        max_age=request.max_age,
    )
