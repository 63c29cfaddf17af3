"""The committee's decisions by HTTP, the problems that people report, and what waits for the committee."""

import asyncio
from datetime import date
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, Maker, ProductId, RegionCode
from projections.certificates import CertificateOn, certificates_on, to_do
from projections.traceability_trace import certificate_on
from services.access.permissions import CERTIFICATES, ONE_CERTIFICATE
from services.access.sender import NETWORK, About
from services.books import Look
from services.commands import Commands
from services.committee.decider import CERTIFICATE, FACTS
from services.committee.membership import Membership
from services.committee.recalls import RECALL, CloseRecall, ExtendRecall, StartRecall, TickOffRecall
from services.committee.requests import (
    AcceptConditionally,
    AdviseImprovement,
    CertifyProduct,
    ReceiveSample,
    ReinstateCertificate,
    RejectProduct,
    RevokeCertificate,
    ScoreAssessment,
    SubmitProduct,
    SuspendCertificate,
)
from services.committee.sealing import Sealing
from services.facts import add_facts
from services.front import Front
from services.paging import Behind, Key, Limit, cut
from services.polling import POLLED, answered

On = Annotated[date | None, Query(description="The day in Bishkek; today when none is said.")]
Region = Annotated[RegionCode | None, Query(description="Of one region's committee only.")]
After = Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait until the answer speaks for this position.")]


def routes(front: Front) -> APIRouter:
    """Every command of the committee, its facts, and its reads."""
    commands = Commands("committee", front, APIRouter())
    sealing = Sealing(front)
    commands.add(CERTIFICATE, SubmitProduct, ReceiveSample, AdviseImprovement)
    commands.add(CERTIFICATE, ScoreAssessment, prepare=sealing.seal, finish=sealing.drop_unused)
    commands.add(CERTIFICATE, CertifyProduct, AcceptConditionally, RejectProduct, prepare=sealing.open)
    members = Membership(front)
    commands.add(
        CERTIFICATE, SuspendCertificate, ReinstateCertificate, RevokeCertificate, prepare=members.of_certificate
    )
    commands.add(RECALL, StartRecall, ExtendRecall, CloseRecall, prepare=members.of_recall)
    commands.add(RECALL, TickOffRecall)
    add_facts(commands.router, front, "committee", FACTS)
    _add_reads(commands.router, front)
    return commands.router


def certificate_key(certificate: CertificateOn) -> Key:
    return (certificate.maker, certificate.product)


def _add_reads(router: APIRouter, front: Front) -> None:
    def day(on: date | None, db: Look) -> date:
        return on or front.clock.day_of(db.standing.recorded_at)

    @router.get("/api/v1/committee/certificates", tags=["committee"], openapi_extra=POLLED)
    async def certificates(
        request: Request,
        on: On = None,
        region: Region = None,
        behind: Behind = "",
        limit: Limit = None,
        after: After = 0,
    ) -> Response:
        """Every certificate as it stands on a day: certified, not yet valid, suspended, expired or revoked."""
        await front.admit(request, CERTIFICATES, About(regions=(region,)) if region else NETWORK)
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, object]:
            rows = certificates_on(db, day(on, db), region)
            found, more = cut(rows, certificate_key, behind, rows_max)
            return {"certificates": found, "next": more}

        told = await front.books.ask_soon(question, ("traceability",), after=after)
        return answered(request, told.answer, *told.standing)

    @router.get("/api/v1/committee/to-do", tags=["committee"], openapi_extra=POLLED)
    async def waiting(
        request: Request,
        on: On = None,
        region: Region = None,
        behind: Behind = "",
        limit: Limit = None,
        after: After = 0,
    ) -> Response:
        """What waits: submissions to decide, conditions to see to, certificates to renew, expired or suspended."""
        await front.admit(request, CERTIFICATES, About(regions=(region,)) if region else NETWORK)
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, object]:
            rows = to_do(db, day(on, db), region)
            key = attrgetter("waiting", "day", "maker", "product")
            found, more = cut(rows, lambda each: tuple(str(part) for part in key(each)), behind, rows_max)
            return {"to_do": found, "next": more}

        told = await front.books.ask_soon(question, ("traceability",), after=after)
        return answered(request, told.answer, *told.standing)

    @router.get("/api/v1/committee/certificate", tags=["committee"], openapi_extra=POLLED)
    async def one(request: Request, maker: Maker, product: ProductId, on: On = None) -> Response:
        """One maker's product: its certificate, and of an open submission who has scored, but never what."""
        await front.admit(request, ONE_CERTIFICATE, About(places=(maker,)))
        told = await front.books.ask_soon(lambda db: certificate_on(db, maker, product, day(on, db)), ("traceability",))
        stands = told.answer
        stream = f"certificate/{maker}/{product}"
        found = await asyncio.to_thread(front.handler.log.read_streams, [stream])
        events: list[Any] = [recorded.event for recorded in found[stream]]
        state = CERTIFICATE.state(events)
        submission = None
        if state.submission is not None:
            submission = {
                "submission": state.submission,
                "region": state.region,
                "assessors": sorted(state.assessors),
                "scored": sorted(state.scored),
                "missing": sorted(state.assessors - state.scored.keys()),
            }
        answer = {
            "standing": stands.standing,
            "certificate": stands.certificate,
            "valid_from": stands.valid_from,
            "valid_until": stands.valid_until,
            "score_milli": stands.score_milli,
            "submission": submission,
        }
        return answered(request, answer, told.standing.position, dated=False)
