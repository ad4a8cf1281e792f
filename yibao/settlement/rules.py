"""From facts to a case, what is refused on the way, and the quote; pure. What is written of it is in `entries`."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from yibao import benefit
from yibao.benefit.types import CARRIED, OWED
from yibao.core.money import yuan_text
from yibao.settlement import refusals
from yibao.settlement.types import (
    FEN_MAX,
    Basket,
    Facts,
    Institution,
    Item,
    Order,
    Quote,
    QuotedLine,
    Relation,
    Settled,
    Split,
    Tally,
    VisitChoice,
)

INSURANCE = {"310": "employee", "390": "resident"}  # insutype
PERSON_KIND = {  # psn_type, by its first two digits, then the four-digit kinds that are told apart
    "11": "employed",
    "12": "retired",
    "15": "adult",
    "16": "aged",
    "1401": "child",
    "1402": "child",
    "1403": "student",
    "1404": "student",
}
DOCUMENT_ACCOUNT_FEN_MAX = 500_00
NORMAL, ENDED = "1", ("0", "3", "4")  # psn_insu_stas


def digest(order: Order) -> str:
    """Return what two orders under one id are compared by.

    What an order of an earlier version could not say is left out where it is not said, so that a retry across an
    upgrade still gets the first answer.
    """
    said = msgspec.to_builtins(order)  # In the order of the fields.
    for name in ("visit_kind", "disease"):
        if not said["basket"][name]:
            del said["basket"][name]
    if not said["place"]:
        del said["place"]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def earlier_answer(facts: Facts, order: Order, person_id: str) -> Settled | None:
    """Return the first answer to this id, if it was given to the same order.

    Refusals: IdReused, ReversedBeforeArrival.
    """
    if facts.caller_person is None:
        return None
    if facts.caller_person != person_id or facts.answer is None:
        raise refusals.IdReused
    if not facts.answer.answer:
        raise refusals.ReversedBeforeArrival
    if facts.answer.digest != digest(order):
        raise refusals.IdReused
    return msgspec.convert(facts.answer.answer, Settled)


def require_visit(facts: Facts, *, institution: str, bill_id: str, at: datetime) -> None:
    """Refuse a visit that does not let this institution settle now.

    A bill on the phone outlives the scan: it was sent while the visit was valid, and has its own end.
    Refusals: VisitUnknown, BillUnknown, BillClosed, VisitExpired, DeviceUnbound.
    """
    if facts.visit is None or facts.visit.institution != institution:
        raise refusals.VisitUnknown
    if bill_id:
        if facts.bill is None or facts.bill.institution != institution:
            raise refusals.BillUnknown
        if facts.bill.state != "sent" or facts.bill.expires_at <= at:
            raise refusals.BillClosed
    elif facts.visit.expires_at <= at:
        raise refusals.VisitExpired
    if facts.visit.device_unbound:
        raise refusals.DeviceUnbound


def visit_kind_of(institution: Institution | None, wanted: VisitChoice) -> str:
    """Return the kind of visit for which this institution settles: the one wanted, else what it ordinarily does.

    A chronic disease is treated wherever the ordinary visit is. Refusals: InstitutionClosed, VisitNotOffered.
    """
    if institution is None or not institution.active:
        raise refusals.InstitutionClosed
    ordinary = "pharmacy" if institution.kind == "pharmacy" else "outpatient"
    kind = wanted or ordinary
    if (ordinary if kind == "chronic" else kind) not in institution.services:
        raise refusals.VisitNotOffered if wanted else refusals.InstitutionClosed
    return kind


def choices(institution: Institution | None, relation: Relation | None, *, on: date) -> list[tuple[VisitChoice, str]]:
    """Return for what an institution may settle somebody: the ordinary visit first, chronic ones with their disease."""
    found: list[tuple[VisitChoice, str]] = [("", "")]
    if institution is None:
        return found
    diseases = {
        held.code for held in (relation.qualifications if relation else ()) if held.kind == "chronic" and held.holds(on)
    }
    found += [("chronic", disease) for disease in sorted(diseases)]
    return found + [("inpatient", "")] * ("inpatient" in institution.services)


def require_disease(relation: Relation, *, visit_kind: str, disease: str, on: date) -> None:
    """Refuse a chronic visit for a disease that the person is not registered with in the insured place.

    Refusals: MalformedOrder, DiseaseNotRegistered.
    """
    if (visit_kind == "chronic") != bool(disease):
        raise refusals.MalformedOrder(what="门诊慢特病须写明病种，其他就医不写病种。")
    if disease and not any(
        held.kind == "chronic" and held.code == disease and held.holds(on) for held in relation.qualifications
    ):
        raise refusals.DiseaseNotRegistered(disease=disease)


def qualifications_on(relation: Relation, on: date) -> frozenset[str]:
    """Return what benefit rules know a person for on a day; of two of one kind, the one that holds longer already."""
    held: dict[str, str] = {}
    for each in sorted(relation.qualifications, key=lambda each: each.from_on):
        if each.holds(on) and each.code in benefit.QUALIFICATIONS.get(each.kind, ()):
            held.setdefault(each.kind, each.code)
    return frozenset(held.values())


def relation_at(coverage: Iterable[Relation], *, treated: str, chosen: str, policies: benefit.Policies) -> Relation:
    """Return the insurance relation that pays at an institution which settles in the place `treated`.

    One in force comes before one that is not; then the place that the person chose, if the institution lies at home
    from there; then the institution's own; then whichever else is at home there, as the capital is for the pool of a
    province (省直). Nobody has to switch places for a bill that one of their relations can pay.

    Refusals: NotInsuredHere, NotSynced, InsuranceSuspended.
    """
    return _best(
        coverage,
        lambda place: is_home(place, treated, policies=policies),
        place=treated,
        order=lambda r: (r.place != chosen, r.place != treated),
    )


def relation_in(coverage: Iterable[Relation], place: str) -> Relation:
    """Return the insurance relation of a person in a place. Refusals: those of `relation_at`."""
    return _best(coverage, lambda each: each == place, place=place, order=lambda _: ())


def _best(
    coverage: Iterable[Relation],
    fits: Callable[[str], bool],
    *,
    place: str,
    order: Callable[[Relation], tuple[bool, ...]],
) -> Relation:
    held = [r for r in coverage if r.state not in ENDED and r.insutype in INSURANCE]
    here = [r for r in held if fits(r.place)]
    if not here:
        raise refusals.NotInsuredHere(here=place, held=tuple(sorted({r.place for r in held})))
    relation = min(here, key=lambda r: (r.state != NORMAL, not r.synced, *order(r), r.psn_no))
    if not relation.synced:
        raise refusals.NotSynced
    if relation.state != NORMAL:
        raise refusals.InsuranceSuspended
    return relation


def is_home(place: str, treated: str, *, policies: benefit.Policies) -> bool:
    """Whether whoever is insured in a place is treated at home in another; that is for the insured place to say."""
    if place == treated:
        return True
    try:
        return policies.of(place).treated_in(treated) == "home"
    except benefit.NoPolicy:
        return False


def age_on(birth_on: date, day: date) -> int:
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def person_kind(psn_type: str) -> str:
    """Return the kind of person that benefit rules tell apart; refuses KindUnsupported."""
    kind = PERSON_KIND.get(psn_type[:4]) or PERSON_KIND.get(psn_type[:2])
    if kind is None:
        raise refusals.KindUnsupported
    return kind


def line_amount(quantity: Decimal, unit_price: Decimal) -> int:
    """Return quantity times unit price in fen, each line rounded half up, as the national interface has it."""
    return int((quantity * unit_price * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def price(basket: Basket, items: Mapping[str, Item]) -> tuple[benefit.Line, ...]:
    """Return the priced lines of a basket. Refusals, by line: ItemUnknown, PriceOverLimit."""
    lines = []
    for line_no, line in enumerate(basket.lines, start=1):
        item = items.get(line.code)
        if item is None:
            raise refusals.ItemUnknown(line_no=line_no)
        unit_price = item.price if line.unit_price is None else line.unit_price
        if unit_price > item.price:
            raise refusals.PriceOverLimit(line_no=line_no, unit_price=plain(unit_price), price=plain(item.price))
        lines.append(
            benefit.Line(
                line_no=line_no,
                code=item.code,
                name=item.name,
                charge_class=item.charge_class,
                quantity=line.quantity,
                unit_price=unit_price,
                amount_fen=line_amount(line.quantity, unit_price),
                price_limit=item.price_limit,
                own_pay_rate=item.own_pay_rate,
                kind=item.kind,
            )
        )
    return tuple(lines)


def plain(number: Decimal) -> str:
    """Return a decimal without trailing zeros, but with two places at least: `12.50`, `0.3333`."""
    text = f"{number.normalize():f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


class Assessed(msgspec.Struct, frozen=True):
    """A basket priced and assessed against the facts that were read."""

    facts: Facts
    relation: Relation
    visit_kind: str
    counters: dict[str, int]
    account_version: int | None
    balance_fen: int
    lines: tuple[benefit.Line, ...]
    items: dict[str, Item]
    case: benefit.Case
    assessment: benefit.Assessment

    @property
    def split(self) -> Split:
        a = self.assessment
        return Split(a.total_fen, a.fund_fen, a.account_fen, a.cash_fen)

    @property
    def account_id(self) -> str:
        assert self.facts.visit is not None
        return self.facts.visit.account_id

    @property
    def needs_password(self) -> bool:
        """Whether the person has to type the password. Who has no account has none: then the cashier knows them."""
        assert self.facts.visit is not None
        return bool(self.account_id) and self.assessment.total_fen > self.facts.visit.free_limit_fen


def account_name(place: str) -> str:
    return f"personal:{place}"


def tally_of(tallies: Iterable[Tally] | None, place: str, insutype: str, year: int) -> dict[str, int]:
    """Return the counters of a year, with those that belong to no year."""
    counters: dict[str, int] = {}
    for tally in tallies or ():
        if (tally.place, tally.insutype) == (place, insutype) and tally.year in (year, 0):
            counters |= tally.counters
    return counters


def is_open(name: str) -> bool:
    """Whether a counter says what a cancelling left open, and belongs to no year."""
    return name.startswith((CARRIED, OWED))


def require_document_limit(assessed: "Assessed") -> None:
    """Refuse to spend much of a personal account at a pharmacy where only the cashier's word says whose it is.

    Who has no account has no password, and a hospital's bill must not fail for that; a shop's can. Refusals:
    DocumentLimit.
    """
    spent = assessed.assessment.account_fen
    if not assessed.account_id and assessed.visit_kind == "pharmacy" and spent > DOCUMENT_ACCOUNT_FEN_MAX:
        raise refusals.DocumentLimit(account=yuan_text(spent), most=yuan_text(DOCUMENT_ACCOUNT_FEN_MAX))


def assess(facts: Facts, basket: Basket, *, policies: benefit.Policies, on: date) -> Assessed:
    """Choose the relation, price the lines and let the benefit engine decide who pays.

    Refusals: those of `visit_kind_of`, `relation_at`, `require_disease`, `price`, and of the benefit engine,
    DocumentLimit.
    """
    visit_kind = visit_kind_of(facts.institution, basket.visit_kind)
    assert facts.institution is not None
    assert facts.visit is not None
    relation = relation_at(
        facts.coverage or (), treated=facts.institution.place, chosen=facts.visit.place, policies=policies
    )
    require_disease(relation, visit_kind=visit_kind, disease=basket.disease, on=on)
    items = {item.code: item for item in facts.items or ()}
    lines = price(basket, items)
    if sum(line.amount_fen for line in lines) > FEN_MAX:
        raise refusals.MalformedOrder(what="合计金额超过一张单据能记的上限。")
    counters = tally_of(facts.tallies, relation.place, relation.insutype, on.year)
    account = next((a for a in facts.accounts or () if a.account == account_name(relation.place)), None)
    case = benefit.Case(
        insured_place=relation.place,
        treated_place=facts.institution.place,
        insurance=INSURANCE[relation.insutype],  # type: ignore[arg-type]
        person_kind=person_kind(relation.psn_type),  # type: ignore[arg-type]
        age=age_on(relation.birth_on, on),
        visit_kind=visit_kind,  # type: ignore[arg-type]
        institution_kind=facts.institution.kind,  # type: ignore[arg-type]
        institution_level=facts.institution.level,  # type: ignore[arg-type]
        filing="local",
        on=on,
        lines=lines,
        tallies=counters,
        qualifications=qualifications_on(relation, on),
        account_fen=account.balance_fen if account else 0,
        use_account=basket.use_account,
        disease=basket.disease,
        entitled_from=relation.entitled_from,
    )
    assessed = Assessed(
        facts=facts,
        relation=relation,
        visit_kind=visit_kind,
        counters=counters,
        account_version=account.version if account else None,
        balance_fen=account.balance_fen if account else 0,
        lines=lines,
        items=items,
        case=case,
        assessment=benefit.assess(case, using=policies),
    )
    require_document_limit(assessed)
    return assessed


def quote_of(assessed: Assessed) -> Quote:
    a, visit = assessed.assessment, assessed.facts.visit
    assert visit is not None
    unpaid, unpaid_assumed = benefit.why_unpaid(a.trace)
    return Quote(
        split=assessed.split,
        full_own_fen=a.full_own_fen,
        over_limit_fen=a.over_limit_fen,
        first_own_fen=a.first_own_fen,
        in_scope_fen=a.in_scope_fen,
        deductible_fen=a.deductible_fen,
        balance_fen=assessed.balance_fen,
        needs_password=assessed.needs_password,
        lines=tuple(
            QuotedLine(
                line_no=line.line_no,
                code=line.code,
                name=line.name,
                unit=assessed.items[line.code].unit,
                charge_class=line.charge_class,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount_fen=line.amount_fen,
                in_scope_fen=share.in_scope_fen,
            )
            for line, share in zip(assessed.lines, a.lines, strict=True)
        ),
        place=assessed.relation.place,
        chosen_place=visit.place,
        medium=visit.medium,
        has_account=bool(visit.account_id),
        unpaid=unpaid,
        unpaid_assumed=unpaid_assumed,
        lent=visit.lent,
    )


def require_agreed(assessed: Assessed, order: Order, *, password_given: bool) -> None:
    """Refuse what nobody agreed to. Refusals: AmountMismatch, QuoteChanged, PasswordRequired."""
    split = assessed.split
    if split.total_fen != order.expected.total_fen:
        raise refusals.AmountMismatch(total=yuan_text(split.total_fen))
    if split != order.expected or order.place not in ("", assessed.relation.place):
        raise refusals.QuoteChanged(
            fund=yuan_text(split.fund_fen), account=yuan_text(split.account_fen), cash=yuan_text(split.cash_fen)
        )
    if assessed.needs_password and not password_given:
        assert assessed.facts.visit is not None
        raise refusals.PasswordRequired(
            total=yuan_text(split.total_fen), limit=yuan_text(assessed.facts.visit.free_limit_fen)
        )
