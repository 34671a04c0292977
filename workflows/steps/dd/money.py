"""Due diligence: the roles of models it asks, and what it does when money for them runs short."""

from workflows.data.degrade import Shortage
from workflows.patterns.degrade import Degrade, below, cheaper_role

ROLES = ("triage", "analyst", "reviewer", "drafter")
SHORT_OF_MONEY = Degrade(
    "model budget",
    [
        below(Shortage.BUDGET, cheaper_role("reviewer", use="triage"), share=0.25),
        below(Shortage.BUDGET, cheaper_role("analyst", use="triage"), share=0.25),
        below(Shortage.BUDGET, cheaper_role("triage", use="drafter"), share=0.1),
    ],
)
"""A cheaper model rather than none; when nothing is left, rules alone, and a gap."""
