"""One question to a role, in free text, for a person at the command line."""

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.llm import FreeText, Prompt, RoleChain, RoleQuery
from workflows.data.question import RoleQuestion, RoleReply
from workflows.patterns.consult import Terms, consult


@workflow.defn(name="ask")
class Ask:
    """Resolves the role and consults it, just as every process does."""

    @workflow.run
    async def run(self, asked: RoleQuestion) -> RoleReply:
        """Answer the question. Fails with ModelUnavailable if no model gave a usable answer."""
        book = await ask(RESOLVE_ROLES, RoleQuery(roles=(asked.role,)))
        chain = book.chain(asked.role)
        if asked.target is not None:
            chain = RoleChain(role=asked.role, models=(asked.target,))
        prompt = Prompt(
            name="ask",
            version=1,
            system=asked.system,
            prefix=asked.context,
            user=asked.question,
            answer="",
        )
        terms = Terms(max_output_tokens=asked.max_output_tokens)
        given = await consult(chain, prompt, FreeText, terms=terms)
        return RoleReply(answer=given.answer, tried=given.tried)
