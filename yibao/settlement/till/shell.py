"""What the pages of the till share: the till while it answers one request, and its pages."""

from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

from litestar.params import URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import registry, settlement
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import media
from yibao.service import directory
from yibao.settlement import draft, queries, refusals, rules, slip
from yibao.settlement.actions import Desk
from yibao.settlement.draft import Draft
from yibao.settlement.types import Quote, Relation
from yibao.web.principal import SignedIn, device_of

GENDERS = {"1": "男", "2": "女"}  # gend
BILL_ENDS = {"declined": "账单在手机上被拒绝", "withdrawn": "账单已撤回", "sent": "账单超过 15 分钟没有确认，已失效"}
KNOWN_BY = {
    media.CERTIFICATE: "凭身份证件就诊，已核对本人与证件。",
    media.CARD: "凭社会保障卡就诊，已核对本人与证件。",
    media.FACE: "刷脸就诊，与公安留存的证件照片比对一致。",
}
SCAN_AGAIN = (refusals.VisitExpired, refusals.VisitUnknown, refusals.DeviceUnbound)
FOUND_MAX = 8

Form = URLEncodedBody[dict[str, str]]
Page = Template | Redirect


class Shown(Struct, frozen=True):
    """What a till shows of a person."""

    name: str
    gender: str
    age: int
    place: str  # Whose funds pay.
    chosen: str = ""  # The place that the person has chosen, where it is another one.


class Till:
    """One till while it answers one request."""

    def __init__(self, request: SignedIn, pool: Pool, vault: Vault, desk: Desk, clock: Clock) -> None:
        self.pool = pool
        self.vault = vault
        self.desk = desk
        self.at = clock()
        self.institution = request.auth.institution
        self.login = request.auth.subject
        self.device = device_of(request)

    async def draft(self) -> Draft | None:
        return await draft.draft_of(self.pool, institution=self.institution, till=self.login)

    async def draft_shown(self, data: dict[str, str]) -> Draft:
        """Return the draft, if it is the one for which the form was shown. Refusals: DraftChanged."""
        there = await self.draft()
        if there is None:
            raise refusals.DraftChanged
        require_shown(there, data)
        return there

    async def person(self, person_id: str, place: str, chosen: str = "") -> Shown:
        person = await registry.person(self.pool, self.vault, person_id)
        names = await registry.region_names(self.pool, {place, chosen or place})
        return Shown(
            name=registry.masked_name(person.name),
            gender=GENDERS.get(person.gender, "性别未说明"),
            age=rules.age_on(person.birth_on, day_of(self.at)),
            place=names[place],
            chosen=names[chosen] if chosen not in ("", place) else "",
        )

    async def page(self, *, q: str | None = None, refusal: Refusal | None = None) -> Template:
        """Show what stands on this till, with the refusal of what was tried on top.

        `q` is what was searched for. Nothing in the search box, sent with Enter, leads on to paying: so hands stay on
        the keyboard.
        """
        there = await self.draft()
        if there is None:
            return template("scan", refusal)
        person_id = self.desk.person_of_token(there.token)
        if there.settled is not None:
            # The number of a settlement begins with the place whose funds paid.
            person = await self.person(person_id, there.settled.settlement_id[:6])
            return template("settled", refusal, draft=there, person=person)
        # A visit token begins with the insured place, as the national ecToken does.
        at_scan = there.token[:6]
        if there.bill_sent:
            bill = await queries.bill(self.pool, person_id=person_id, bill_id=there.request_id)
            waits = bill is not None and bill.state == "sent" and bill.expires_at > self.at
            ended = BILL_ENDS.get(bill.state if bill else "", "账单没有发出")
            paid_by = (bill.quote.place if bill else "") or at_scan
            person = await self.person(person_id, paid_by, bill.quote.chosen_place if bill else "")
            return template("waiting", refusal, draft=there, person=person, bill=bill, waits=waits, ended=ended)
        here = await queries.here(self.pool, person_id=person_id, token=there.token, institution=self.institution)
        chosen = here.visit.place if here.visit else ""
        quote, relation = None, None
        why_not: Refusal | None = None
        try:
            relation = self.relation(here)
            if there.lines:
                quote = await settlement.quote(self.desk, basket=there.basket, institution=self.institution, at=self.at)
        except refusals.NotInsuredHere as refused:  # Said before anything is rung up.
            why_not = await queries.with_names(self.pool, refused)
        except Refusal as refused:
            why_not = refused
        return template(
            "basket",
            refusal,
            quote=quote,
            why_not=why_not,
            scan_again=isinstance(why_not, SCAN_AGAIN),
            q=q or "",
            pay=q == "",
            found=await directory.search(self.pool, q, limit=FOUND_MAX) if q else [],
            visits=self.visits(here, relation),
            draft=there,
            person=await self.person(person_id, relation.place if relation else chosen or at_scan, chosen),
            known_by=KNOWN_BY.get(here.visit.medium, "") if here.visit else "",
            lent=here.visit is not None and here.visit.lent,
            has_personal=_may_have_personal(relation, quote),
        )

    def relation(self, here: queries.Here) -> Relation:
        """Return the insurance relation that pays here. Refusals: InstitutionClosed, those of `rules.relation_at`."""
        if here.institution is None:
            raise refusals.InstitutionClosed
        return rules.relation_at(
            here.coverage,
            treated=here.institution.place,
            chosen=here.visit.place if here.visit else "",
            policies=self.desk.policies,
        )

    def visits(self, here: queries.Here, relation: Relation | None) -> list[tuple[str, str]]:
        """Return the kinds of visit that may be chosen here, with their names; the ordinary one first."""
        ordinary = "pharmacy" if here.institution is not None and here.institution.kind == "pharmacy" else "outpatient"
        return [
            (f"{kind}:{disease}", slip.visit_name(kind or ordinary, disease))
            for kind, disease in rules.choices(here.institution, relation, on=day_of(self.at))
        ]

    async def after(self, step: Awaitable[str | None]) -> Page:
        """Take a step and lead to where it says, the till unless told otherwise; if refused, show why."""
        try:
            there = await step
        except Refusal as refusal:
            return await self.page(refusal=refusal)
        return Redirect(there or "/till", status_code=303)

    async def document(self, settlement_id: str) -> queries.Document:
        """Return a settlement of this institution. Refusals: SettlementUnknown."""
        return await queries.document_of_institution(
            self.pool,
            person_id=self.desk.person_of_number(settlement_id),
            settlement_id=settlement_id,
            institution=self.institution,
        )


def _may_have_personal(relation: Relation | None, quote: Quote | None) -> bool:
    """Whether there may be a personal account to use: residents have none, unless one is left from a job."""
    is_resident = relation is not None and rules.INSURANCE.get(relation.insutype) == "resident"
    return not is_resident or bool(quote and quote.balance_fen)


def require_shown(there: Draft, data: dict[str, str]) -> None:
    if there.request_id != data.get("shown"):
        raise refusals.DraftChanged


def template(name: str, refusal: Refusal | None, **context: Any) -> Template:
    return Template(
        template_name=f"settlement/till/{name}.html",
        context={
            "refusal": refusal,
            "short": slip.short,
            "price": lambda number: rules.plain(Decimal(number)),
            "class_names": slip.CLASS_NAMES,
            **context,
        },
        status_code=refusal.status if refusal is not None else 200,
    )


def typed(text: str) -> str:
    """Return what somebody typed without what no keyboard gives, which the database would not take either."""
    return "".join(character for character in text if character.isprintable()).strip()
