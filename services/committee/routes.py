"""The committee's decisions by HTTP, and the problems that people report."""

from fastapi import APIRouter

from services.commands import Commands
from services.committee.decider import (
    CERTIFICATE,
    FACTS,
    RECALL,
    AcceptConditionally,
    AdviseImprovement,
    CertifyProduct,
    CloseRecall,
    ExtendRecall,
    ReceiveSample,
    ReinstateCertificate,
    RejectProduct,
    RevokeCertificate,
    ScoreAssessment,
    StartRecall,
    SubmitProduct,
    SuspendCertificate,
    TickOffRecall,
)
from services.facts import add_facts
from services.front import Front


def routes(front: Front) -> APIRouter:
    """Every command of the committee, and its facts."""
    commands = Commands("committee", front, APIRouter())
    commands.add(
        CERTIFICATE,
        SubmitProduct,
        ReceiveSample,
        ScoreAssessment,
        AdviseImprovement,
        CertifyProduct,
        AcceptConditionally,
        RejectProduct,
        SuspendCertificate,
        ReinstateCertificate,
        RevokeCertificate,
    )
    commands.add(RECALL, StartRecall, ExtendRecall, TickOffRecall, CloseRecall)
    add_facts(commands.router, front, "committee", FACTS)
    return commands.router
