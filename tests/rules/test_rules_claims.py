"""A claim of the summary stays only if what it cites bears it out, to the letter."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.brain.mind import Question, answer
from simulator.config import SimulatorConfig
from tests.rules.dd_records import NOW, checks, example, result
from workflows.data.case_file import CaseFile
from workflows.data.due_diligence import Claim, Synthesis
from workflows.data.findings import (
    Check,
    CheckOutcome,
    CheckResult,
    Evidence,
    Finding,
    FindingCode,
    Gap,
    MatchedOn,
    Strength,
)
from workflows.data.sources import Liveness
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import routing
from workflows.rules.dd.claims import checked

F = FindingCode
CITED = {
    "clear": "UNILEVER PLC, active, plc, number 00041424, incorporated 1894-06-21",
    "figures": "Z'' is -1.33; total assets 12345678 USD; 2 of 4 replies; own funds 0.425",
    "filing": "8-K of 2020-03-30, items 1.03, 2.04; bankruptcy or receivership",
    "name": "name like entry 4642 of us_ofac_sdn (0.91): SADERAT, Bank",
}


def seen(number: str, text: str, source: str = "companies_house") -> Evidence:
    return Evidence(
        id=number,
        source=source,
        record="r",
        liveness=Liveness.SIMULATED,
        retrieved_at=NOW,
        excerpt=text,
    )


def held() -> tuple[CheckResult, ...]:
    """Four checks: one clear, one inconclusive, two with findings."""
    evidence = {name: seen(name, text) for name, text in CITED.items()}
    hit = Finding(
        id="hit",
        code=F.POSSIBLE_SANCTIONS_MATCH,
        party_id="subject",
        summary="name like entry 4642",
        strength=Strength.NAME,
        evidence=("name",),
        score=0.91,
        matched_on=MatchedOn(field="name", query="UNILEVER", candidate="UNILEVEL"),
    )
    filed = Finding(
        id="filed",
        code=F.INSOLVENCY_FILING,
        party_id="subject",
        summary="bankruptcy (8-K of 2020-03-30)",
        strength=Strength.RECORD,
        evidence=("filing",),
    )
    gap = Gap(id="gap", check=Check.REFERENCES, reason="1 of 2 conclusive references, no match")
    more = {"confidence": 0.9}
    return (
        CheckResult(
            check=Check.EXISTENCE,
            outcome=CheckOutcome.CLEAR,
            evidence=(evidence["clear"],),
            **more,
        ),
        CheckResult(
            check=Check.REFERENCES,
            outcome=CheckOutcome.INCONCLUSIVE,
            gaps=(gap,),
            evidence=(evidence["figures"],),
            **more,
        ),
        CheckResult(
            check=Check.SANCTIONS,
            outcome=CheckOutcome.FINDING,
            findings=(hit,),
            evidence=(evidence["name"],),
            **more,
        ),
        CheckResult(
            check=Check.CREDIT,
            outcome=CheckOutcome.FINDING,
            findings=(filed,),
            evidence=(evidence["filing"],),
            **more,
        ),
    )


KEPT = [
    ("Unilever PLC is active and was incorporated on 21 June 1894.", "clear"),
    ("Its number is 00041424 in the register of Companies House.", "clear"),
    ("The existence check is clear.", "clear"),
    ("It is not insolvent as far as the register says.", "clear"),
    ("Total assets are 12.3 million USD and own funds 42.5 %.", "figures"),
    ("Total assets are 12,345,678 USD; the score Z'' is -1.33.", "figures"),
    ("Two of four referees replied.", "figures"),
    ("A bankruptcy was filed in March 2020.", "filed"),
    ("An insolvency filing (8-K of 2020-03-30, item 1.03) is on record.", "filed"),
    ("The name is like entry 4642, a possible match at 0.91.", "hit"),
    ("The references have a gap: 1 of 2 conclusive references, no match", "gap"),
    ("Two items speak of the filing of 2020.", "filed filing"),
]
DROPPED = [
    ("Unilever PLC is active.", "", "it cites nothing"),
    ("It is active.", "clear nowhere", "it cites nowhere, which"),
    ("It was incorporated on 22 June 1894.", "clear", "1894-06-22"),
    ("A bankruptcy was filed in April 2020.", "filed", "2020-04"),
    ("A bankruptcy was filed in 2021.", "filed", "2021"),
    ("Its number is 41424.", "clear", "41424"),
    ("Its number is 00041425.", "clear", "00041425"),
    ("Total assets are 12.4 million USD.", "figures", "12.4"),
    ("Own funds are 43.5 %.", "figures", "43.5"),
    ("Three of four referees replied.", "figures", "three"),
    ("The owner Igor Petrov is named in the register.", "clear", "Igor"),
    ("It is insolvent.", "clear", "does not say insolvent"),
    ("It is not insolvent.", "filed", "does not say not insolvent"),
    ("The company is sanctioned.", "hit", "does not say sanctioned"),
    ("The match is confirmed.", "hit", "does not say confirmed"),
    ("The sanctions check is clear.", "name", "does not say clear"),
    ("No sanctions hit was found.", "name", "what it cites has findings"),
    ("Nothing on file speaks against the customer.", "clear", "the case has findings"),
    ("The screening found no match.", "figures", "what it cites has findings or gaps"),
]


@pytest.mark.parametrize(("text", "cites"), KEPT)
def test_a_claim_that_what_it_cites_bears_out_is_kept(text: str, cites: str) -> None:
    claim = Claim(text=text, cites=tuple(cites.split()))
    assert checked((claim,), held(), example()) == ((claim,), ())


@pytest.mark.parametrize(("text", "cites", "why"), DROPPED)
def test_a_claim_that_says_more_is_dropped_with_why(text: str, cites: str, why: str) -> None:
    kept, (dropped,) = checked((Claim(text=text, cites=tuple(cites.split())),), held(), example())
    assert kept == ()
    assert why in dropped.why
    assert dropped.text == text


def test_nothing_found_may_be_said_of_a_case_without_findings_and_gaps() -> None:
    claim = Claim(text="Nothing on file speaks against the customer.", cites=("credit-e1",))
    assert checked((claim,), checks(), example())[0] == (claim,)
    unclear = checks(media=result(Check.MEDIA, gaps=1))
    assert checked((claim,), unclear, example())[0] == ()


# ---- golden packets: each mapped to the records of a case, answered by the simulated model -----

CODES = {
    "RELATED_SANCTIONED": F.POSSIBLE_SANCTIONS_MATCH,
    "NON_EU_JURISDICTION": F.HIGH_RISK_COUNTRY,
    "COMPLEX_OWNERSHIP_LAYERS": F.COMPLEX_STRUCTURE,
    "TRUST_OR_ARRANGEMENT": F.TRUST_IN_CHAIN,
}
OF = {
    F.POSSIBLE_SANCTIONS_MATCH: Check.SANCTIONS,
    F.HIGH_RISK_COUNTRY: Check.GEOGRAPHY,
    F.COMPLEX_STRUCTURE: Check.OWNERSHIP,
    F.TRUST_IN_CHAIN: Check.OWNERSHIP,
}


def packet_case(packet: dict[str, Any]) -> CaseFile:
    """The case of a packet: another subject, everything else as in an example."""
    plain = example().model_dump(mode="json")
    plain["subject"] |= {
        "name": packet["subject_name"],
        "country": packet["jurisdiction"] or "GB",
        "listed": False,
    }
    return CaseFile.model_validate(plain)


def packet_checks(packet: dict[str, Any]) -> tuple[CheckResult, ...]:
    """Facts as evidence, risks as findings, gaps as gaps, each in the check it belongs to."""
    evidence: dict[Check, list[Evidence]] = {c: [] for c in Check}
    findings: dict[Check, list[Finding]] = {c: [] for c in Check}
    gaps: dict[Check, list[Gap]] = {c: [] for c in Check}
    for n, fact in enumerate(packet["facts"]):
        check = Check.EXISTENCE if n == 0 else Check.OWNERSHIP
        check = Check.SANCTIONS if "OpenSanctions" in fact["source_name"] else check
        evidence[check].append(seen(fact["id"], fact["statement"], fact["source_name"]))
    for risk in packet["risks"]:
        code = CODES[risk["code"]]
        findings[OF[code]].append(
            Finding(
                id=risk["id"],
                code=code,
                party_id="subject",
                summary=risk["rationale"],
                strength=Strength.NAME,
                evidence=tuple(risk["fact_ids"]),
            )
        )
    for n, reason in enumerate(packet["gaps"], 1):
        check = Check.SANCTIONS if "anctions" in reason else Check.OWNERSHIP
        gaps[check].append(Gap(id=f"g{n}", check=check, reason=reason))
    return tuple(
        CheckResult(
            check=c,
            outcome=CheckOutcome.FINDING
            if findings[c]
            else CheckOutcome.INCONCLUSIVE
            if gaps[c]
            else CheckOutcome.CLEAR,
            confidence=0.9,
            findings=tuple(findings[c]),
            gaps=tuple(gaps[c]),
            evidence=tuple(evidence[c]),
        )
        for c in Check
    )


def summarised(
    case: CaseFile, given: tuple[CheckResult, ...], *, error_rate: float, sample: str = "0"
) -> Synthesis:
    """Let the simulated model write the summary."""
    prompt = prompts.synthesis(case, routing.tier_by_rules(given), given)
    question = Question(
        vendor="openai",
        model="m",
        system=prompt.system,
        user=prompt.user,
        schema=Synthesis.model_json_schema(),
        max_output_tokens=None,
        sample=sample,
    )
    return Synthesis.model_validate_json(
        answer(question, SimulatorConfig(seed=7, error_rate=error_rate))
    )


PACKETS = 6


@pytest.mark.parametrize("number", range(PACKETS))
def test_golden_packets_every_claim_of_the_model_survives_cited(
    shared_data: Path, number: int
) -> None:
    files = sorted((shared_data / "dd/opencheck/golden_narrative").glob("*.json"))
    assert len(files) == PACKETS
    packet = json.loads(files[number].read_text(encoding="utf-8"))
    case, given = packet_case(packet), packet_checks(packet)
    ids = {i["id"] for kind in ("facts", "risks") for i in packet[kind]}
    ids |= {f"g{n}" for n in range(1, len(packet["gaps"]) + 1)}
    claims = summarised(case, given, error_rate=0).claims
    kept, dropped = checked(claims, given, case)
    assert kept
    assert dropped == ()
    assert all(c.cites and set(c.cites) <= ids for c in kept)
    open_points = {g.id for c in given for g in c.gaps} | {f.id for c in given for f in c.findings}
    assert open_points <= {i for c in kept for i in c.cites}, "no risk and no gap is left out"
    slipped = [summarised(case, given, error_rate=1, sample=str(n)).claims for n in range(8)]
    assert any(checked(said, given, case)[1] for said in slipped), "a model that errs is caught"
    # Whatever a model may say besides: a name, a number or an all-clear of its own.
    first = packet["facts"][0]["id"]
    inventions = [
        "It is registered under number 99887766.",
        "Its director Wolfgang Amadeus has been convicted of fraud.",
        "It was incorporated on 2019-05-14.",
    ]
    if packet["gaps"] or packet["risks"]:
        inventions.append("Nothing was found that speaks against the customer.")
    for text in inventions:
        assert checked((Claim(text=text, cites=(first,)),), given, case)[0] == (), text
