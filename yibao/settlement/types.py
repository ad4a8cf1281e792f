"""What is settled, what is shown before it, and what is answered."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from yibao import benefit

QUANTITY_MAX, QUANTITY_PLACES = Decimal(100_000), 4
PRICE_MAX, PRICE_PLACES = Decimal(10_000_000), 6
Code = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[0-9A-Za-z._-]+$")]
Token = Annotated[str, Meta(min_length=1, max_length=64)]
RequestId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z._:-]+$")]
SettlementId = Annotated[str, Meta(pattern=r"^[0-9]{30}$")]
VisitChoice = Literal["", "pharmacy", "outpatient", "chronic", "inpatient"]
"""For what a bill is settled; left empty, for what the institution ordinarily does."""

DiseaseCode = Annotated[str, Meta(pattern=r"^(M[0-9]{5})?$")]
"""National code of the disease that a chronic visit is for; empty for every other visit."""

Medium = Literal["01", "02", "03", "face"]
"""mdtrt_cert_type: by what a person was identified, the code, a certificate or the social-security card.

The national dictionary has no face: towards the national interface it counts as a certificate, 02.
"""

FEN_MAX = 10**13
Fen = Annotated[int, Meta(ge=0, le=FEN_MAX)]


class BasketLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One item at the till. Without a unit price, the directory's price applies."""

    code: Code
    quantity: Decimal
    unit_price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what no bill can hold; finer numbers would be rounded behind everybody's back when they are stored."""
        if not _fits(self.quantity, QUANTITY_MAX, QUANTITY_PLACES):
            raise ValueError("a quantity is above 0, at most 100000, with at most 4 decimals")
        if self.unit_price is not None and not _fits(self.unit_price, PRICE_MAX, PRICE_PLACES):
            raise ValueError("a unit price is above 0, at most 10000000, with at most 6 decimals")


def _fits(number: Decimal, most: Decimal, places: int) -> bool:
    return number.is_finite() and 0 < number <= most and number == round(number, places)


class Basket(Struct, frozen=True, forbid_unknown_fields=True):
    """What a till wants settled for the person whom the visit token leads to."""

    token: Token
    lines: Annotated[tuple[BasketLine, ...], Meta(min_length=1, max_length=200)]
    use_account: bool = True
    visit_kind: VisitChoice = ""
    disease: DiseaseCode = ""


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """The amounts that somebody saw and agreed to; a settlement with others is never booked."""

    total_fen: Fen
    fund_fen: Fen
    account_fen: Fen
    cash_fen: Fen


class Order(Struct, frozen=True):
    """A basket with the split that was agreed to, and the bill on the phone that it came from, if any.

    `place` is the insured place that was shown to pay; empty where nobody was shown one.
    """

    basket: Basket
    expected: Split
    bill_id: str = ""
    place: str = ""


class QuotedLine(Struct, frozen=True):
    line_no: int
    code: str
    name: str
    unit: str
    charge_class: str
    quantity: Decimal
    unit_price: Decimal
    amount_fen: int
    in_scope_fen: int


class Quote(Struct, frozen=True):
    """What a basket would cost at this moment, and who pays.

    `place` is the insured place whose funds pay, `chosen_place` the one that the person chose, empty where they have
    chosen none; `medium` says by what they were identified. Without an account there is neither a password nor a phone
    to send the bill to.
    """

    split: Split
    full_own_fen: int
    over_limit_fen: int
    first_own_fen: int
    in_scope_fen: int
    deductible_fen: int
    balance_fen: int  # of the personal account, before paying
    needs_password: bool
    lines: tuple[QuotedLine, ...]
    place: str = ""
    chosen_place: str = ""
    medium: Medium = "01"
    has_account: bool = True
    unpaid: str = ""  # Why no fund pays for a visit of this kind; empty where funds may pay.
    unpaid_assumed: bool = False  # Nobody published that: it is assumed.
    lent: bool = False  # A relative's phone showed the code: the password is theirs, and so is the phone for the bill.


class Settled(Struct, frozen=True):
    """The answer to a settlement or its cancelling; a retry gets the same one."""

    settlement_id: str
    settled_at: datetime
    institution: str
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    balance_fen: int  # of the personal account, afterwards
    reverses: str | None = None


class Visit(Struct, frozen=True):
    """Leave to serve a person. Of somebody who holds no credential, the chosen place and the account are empty."""

    institution: str
    expires_at: datetime
    place: str
    account_id: str
    free_limit_fen: int
    device_unbound: bool
    medium: Medium = "01"
    lent: bool = False  # A relative's phone showed the code; the account is theirs.


class Institution(Struct, frozen=True):
    name: str
    place: str
    kind: str
    level: str
    services: tuple[str, ...]
    active: bool


class Qualification(Struct, frozen=True):
    kind: str
    code: str
    from_on: date
    until_on: date | None

    def holds(self, on: date) -> bool:
        return self.from_on <= on and (self.until_on is None or on < self.until_on)


class Relation(Struct, frozen=True):
    psn_no: str
    place: str
    insutype: str
    psn_type: str
    state: str
    synced: bool
    entitled_from: date | None
    birth_on: date
    qualifications: tuple[Qualification, ...]


class Item(Struct, frozen=True):
    code: str
    name: str
    unit: str
    kind: benefit.ItemKind
    charge_class: benefit.ChargeClass
    own_pay_rate: Decimal
    price: Decimal
    price_limit: Decimal | None


class Account(Struct, frozen=True):
    account: str
    balance_fen: int
    version: int


class Tally(Struct, frozen=True):
    person_id: str
    place: str
    insutype: str
    year: int
    counters: dict[str, int]


class Answer(Struct, frozen=True):
    digest: str
    answer: dict[str, Any]


class BillState(Struct, frozen=True):
    state: str
    expires_at: datetime
    institution: str


class Facts(Struct, frozen=True):
    """All that was read for one request, at one moment."""

    caller_person: str | None
    answer: Answer | None
    visit: Visit | None
    institution: Institution | None
    coverage: tuple[Relation, ...] | None
    items: tuple[Item, ...] | None
    accounts: tuple[Account, ...] | None
    serial: int | None
    tallies: tuple[Tally, ...] | None
    bill: BillState | None


class FactsRequest(Struct, frozen=True):
    person_id: str
    caller: str
    operation: str
    id: str
    token: str
    institution: str
    codes: tuple[str, ...]
    year: int
    bill_id: str = ""


class Guard(Struct, frozen=True):
    """What must still be true when the entry is written, and the caller's id that it claims."""

    person_id: str
    serial: int
    account: str | None
    account_version: int | None
    caller: str
    operation: str
    id: str


class Amounts(Struct, frozen=True):
    """Every amount of a settlement, in fen; negative throughout in a cancelling."""

    total_fen: int
    full_own_fen: int
    over_limit_fen: int
    first_own_fen: int
    in_scope_fen: int
    deductible_fen: int
    fund_fen: int
    account_fen: int
    mutual_aid_fen: int
    cash_fen: int
    hospital_fen: int

    @classmethod
    def of(cls, assessment: benefit.Assessment) -> "Amounts":
        return cls(*(getattr(assessment, name) for name in cls.__struct_fields__))

    def negated(self) -> "Amounts":
        return Amounts(*(-getattr(self, name) for name in self.__struct_fields__))


class Entry(Struct, frozen=True):
    """One settlement or cancelling, as rows of the one write. `answer` is what its caller gets when it is posted."""

    guard: Guard
    answer: Settled
    settlement: dict[str, object]
    lines: list[dict[str, object]]
    funds: list[dict[str, object]]
    tallies: list[dict[str, object]]
    bill: dict[str, object] | None
    transfers: list[dict[str, object]]
    remembered: dict[str, object]
    event: dict[str, object]
