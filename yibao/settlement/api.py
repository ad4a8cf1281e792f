"""Settling for institutions' own systems."""

from datetime import datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.params import HeaderParameter, JSONBody, PathParameter
from msgspec import Meta, Struct

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool
from yibao.core.money import PLAIN, number_of
from yibao.settlement import actions, queries
from yibao.settlement.actions import Desk, Prove
from yibao.settlement.types import (
    Basket,
    BasketLine,
    Code,
    DiseaseCode,
    Order,
    Quote,
    RequestId,
    Settled,
    Split,
    Token,
    VisitChoice,
)
from yibao.web.principal import SignedIn, institution, now_for

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=64,
        pattern=r"^[0-9A-Za-z._:-]+$",
        description="调用方为每笔业务生成的流水号；重试时不变。",
    ),
]
SettlementNumber = Annotated[str, PathParameter(pattern=r"^[0-9]{30}$", description="结算单号")]


Number = Annotated[str, Meta(pattern=f"^{PLAIN}$")] | Annotated[int, Meta(ge=0, le=10**12)]
"""Text, because a number with decimals passes through floats in most systems; a whole number may be one."""


class LineAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One item; without a unit price, the directory's applies."""

    code: Code
    quantity: Number
    unit_price: Number | None = None

    def __post_init__(self) -> None:
        self.line()

    def line(self) -> BasketLine:
        """Return the line as it is settled; ValueError for what no bill can hold."""
        price = self.unit_price
        return BasketLine(self.code, number_of(str(self.quantity)), None if price is None else number_of(str(price)))


class BasketAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be settled for the person whom the visit token leads to."""

    token: Token
    lines: Annotated[tuple[LineAsked, ...], Meta(min_length=1, max_length=200)]
    use_account: bool = True
    visit_kind: VisitChoice = ""
    disease: DiseaseCode = ""

    def basket(self) -> Basket:
        lines = tuple(line.line() for line in self.lines)
        return Basket(self.token, lines, self.use_account, self.visit_kind, self.disease)


class QuoteRequest(Struct, frozen=True, forbid_unknown_fields=True):
    basket: BasketAsked


class SettlementRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A basket, the split that was agreed to, and the transaction password if it was typed at the till."""

    basket: BasketAsked
    expected: Split
    password: Annotated[str, Meta(pattern=r"^[0-9]{6}$")] | None = None


class RequestReversal(Struct, frozen=True, forbid_unknown_fields=True):
    """The request whose answer never came, and the visit it was made for."""

    token: Token
    original_id: RequestId


class RequestReversed(Struct, frozen=True):
    """`reversal` is null where nothing had been settled; the original is refused if it still arrives."""

    reversal: Settled | None


@post("/quotes", status_code=200, summary="试算：费用由谁支付（不记账）")
async def quote(request: SignedIn, data: JSONBody[QuoteRequest], desk: Desk) -> Quote:
    return await actions.quote(
        desk, basket=data.basket.basket(), institution=request.auth.institution, at=now_for(request)
    )


@post("/settlements", summary="结算：按已确认的金额记账")
async def settle(request: SignedIn, data: JSONBody[SettlementRequest], key: IdempotencyKey, desk: Desk) -> Settled:
    code = request.auth.institution
    at = now_for(request)
    prove = None
    if data.password is not None:
        prove = by_password(desk.pool, request.app.state.house.hasher, data.password, device=f"system:{code}", at=at)
    return await actions.confirm(
        desk,
        order=Order(data.basket.basket(), data.expected),
        institution=code,
        caller=code,
        request_id=key,
        prove=prove,
        at=at,
    )


def by_password(pool: Pool, hasher: identity.Hasher, password: str, *, device: str, at: datetime) -> Prove:
    """Return the proof of a typed transaction password; a wrong one is counted against the till it was typed at."""

    async def prove(account_id: str) -> None:
        await identity.check_pay_password(
            pool, hasher=hasher, account_id=account_id, password=password, device=device, at=at
        )

    return prove


@get("/settlements/{settlement_id:str}", summary="查询本机构的一笔结算")
async def show(request: SignedIn, settlement_id: SettlementNumber, desk: Desk, pool: Pool) -> queries.Document:
    return await queries.document_of_institution(
        pool,
        person_id=desk.person_of_number(settlement_id),
        settlement_id=settlement_id,
        institution=request.auth.institution,
    )


@post("/settlements/{settlement_id:str}/reversal", summary="撤销整笔结算")
async def reverse(
    request: SignedIn, settlement_id: SettlementNumber, key: IdempotencyKey, desk: Desk, clock: Clock
) -> Settled:
    code = request.auth.institution
    return await actions.reverse(
        desk, settlement_id=settlement_id, institution=code, caller=code, request_id=key, at=clock()
    )


@post("/reversals", summary="冲正：撤销没有收到应答的结算请求")
async def reverse_request(
    request: SignedIn, data: JSONBody[RequestReversal], key: IdempotencyKey, desk: Desk, clock: Clock
) -> RequestReversed:
    code = request.auth.institution
    reversal = await actions.reverse_request(
        desk,
        token=data.token,
        original_id=data.original_id,
        institution=code,
        caller=code,
        request_id=key,
        at=clock(),
    )
    return RequestReversed(reversal)


routes = [
    Router(
        "/api",
        route_handlers=[quote, settle, show, reverse, reverse_request],
        guards=[institution],
        tags=["settlement"],
    )
]
