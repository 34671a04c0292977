"""A report in three steps, each at another vendor and made of the answer before it."""

from temporalio import workflow

from workflows.calls import ASK_MODEL, ask
from workflows.data.common import Record
from workflows.data.llm import VENDOR_QUEUE, ModelAnswer, ModelRef, ModelRequest, Prompt
from workflows.patterns.join import Branch, join
from workflows.patterns.until import all_settled

VENDORS = {
    "facts": ModelRef(vendor="openai", model="gpt-6-luna"),
    "draft": ModelRef(vendor="gemini", model="gemini-3.8-flash"),
    "final": ModelRef(vendor="anthropic", model="claude-sonnet-5-5"),
}


class Topic(Record):
    """What the report is about."""

    case: str
    about: str


class Written(Record):
    """The answers, and how many of them were read back."""

    texts: tuple[str, ...]
    reused: int


@workflow.defn(name="report-writer")
class Writer:
    """Facts, then a draft of them, then the final text; in between a branch that asks again."""

    @workflow.run
    async def run(self, given: Topic) -> Written:
        before, texts, reused = given.about, [], 0
        for step in VENDORS:
            answer = await asked(step, before)
            before, reused = f"{answer.text} {step}", reused + answer.reused
            texts.append(answer.text)

        async def check() -> bool:
            return (await asked("facts", given.about)).reused

        joined = await join([Branch("check", check)], until=all_settled())
        return Written(texts=tuple(texts), reused=reused + joined.require("check"))


async def asked(step: str, about: str) -> ModelAnswer:
    target = VENDORS[step]
    prompt = Prompt(name=step, version=1, system="Be brief.", user=f"{step}: {about}", answer="")
    request = ModelRequest(target=target, prompt=prompt, max_output_tokens=200)
    return await ask(ASK_MODEL, request, queue=VENDOR_QUEUE + target.vendor)
