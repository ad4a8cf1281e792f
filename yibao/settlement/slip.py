"""The settlement slip (医保结算单): one settlement on A5 paper, as a PDF whose text can be searched and copied."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec import Struct

from yibao.benefit.types import DISEASE_NAMES
from yibao.core.clock import local_text
from yibao.core.money import yuan_text
from yibao.credential import media
from yibao.settlement.queries import Document
from yibao.settlement.rules import plain
from yibao.web.typeset import typeset

INSURANCE_NAMES = {"310": "职工基本医疗保险", "390": "城乡居民基本医疗保险"}  # insutype
VISIT_NAMES = {"pharmacy": "定点药店购药", "outpatient": "普通门诊", "chronic": "门诊慢特病", "inpatient": "住院"}
CLASS_NAMES = {"A": "甲", "B": "乙", "C": "丙"}
FUND_NAMES = {  # fund_pay_type
    "310100": "职工医保统筹基金",
    "310102": "职工门诊统筹基金",
    "310300": "职工大病补助基金",
    "320100": "公务员医疗补助基金",
    "330100": "大额医疗费用补助基金",
    "390100": "居民医保基金",
    "390102": "居民门诊统筹基金",
    "390200": "居民大病保险基金",
    "610100": "医疗救助基金",
}

_TEMPLATE = Path(__file__).parent / "templates" / "slip.typ"

Row = tuple[str, ...]
Labelled = tuple[str, str]


class Slip(Struct, frozen=True):
    """The words and figures of a slip, in the order in which they are printed."""

    at: datetime
    title: str
    stamp: str
    institution: str
    number: str
    facts: tuple[Labelled, ...]
    note: str
    lines: tuple[Row, ...]
    parts: tuple[Labelled, ...]
    payments: tuple[Labelled, ...]
    cash_label: str
    cash: str
    number_label: str = "结算单号"
    columns: Row = ("序", "项目", "类别", "数量", "单价", "金额", "政策范围内")
    parts_title: str = "费用构成（元）"
    payments_title: str = "支付方式（元）"
    foot: str = "金额如有疑问，请咨询结算机构，或拨打医保服务热线 12393。"


def slip_pdf(document: Document, *, institution_name: str, person_name: str, place_name: str) -> bytes:
    """Return the slip of a settlement, or of its cancelling, as a PDF.

    It bears the full name, for the paper is the person's own. It takes some milliseconds of computing, so faces call
    it in a thread.
    """
    return render(
        slip_of(document, institution_name=institution_name, person_name=person_name, place_name=place_name), "pdf"
    )


def slip_of(document: Document, *, institution_name: str, person_name: str, place_name: str) -> Slip:
    """Return what stands on the slip of a document; a cancelling has negative amounts and says what it cancels."""
    a = document.amounts
    cancelling = document.reverses is not None
    if document.reverses is not None:
        stamp, note = "撤销", f"本单撤销结算单 {document.reverses}，各项金额退回原支付渠道。"
    elif document.reversed_by is not None:
        stamp, note = "已撤销", f"本单已由 {document.reversed_by} 撤销，不再作为开票和报销凭据。"
    else:
        stamp, note = "", "凭本单可在结算机构换开发票、办理退费。"
    return Slip(
        at=document.settled_at,
        title="医保结算单（撤销）" if cancelling else "医保结算单",
        stamp=stamp,
        institution=institution_name,
        number=document.settlement_id,
        facts=(
            ("姓名", person_name),
            ("结算时间", local_text(document.settled_at)),
            ("险种", INSURANCE_NAMES.get(document.insutype, document.insutype)),
            ("就医类别", visit_name(document.visit_kind, document.disease)),
            ("参保地", place_name),
            ("机构编码", document.institution),
            *(() if cancelling else (("就诊凭证", media.NAMES.get(document.medium, "医保码")),)),
        ),
        note=note,
        lines=tuple(
            (
                str(line.line_no),
                line.name,
                CLASS_NAMES.get(line.charge_class, line.charge_class),
                f"{short(line.quantity)} {line.unit}",
                plain(Decimal(line.unit_price)),
                yuan_text(line.amount_fen),
                yuan_text(line.in_scope_fen),
            )
            for line in document.lines
        ),
        parts=(
            ("费用总额", yuan_text(a.total_fen)),
            ("全自费", yuan_text(a.full_own_fen)),
            ("超限价自费", yuan_text(a.over_limit_fen)),
            ("先行自付", yuan_text(a.first_own_fen)),
            ("政策范围内", yuan_text(a.in_scope_fen)),
            ("其中起付线", yuan_text(a.deductible_fen)),
        ),
        payments=(
            ("基金支付", yuan_text(a.fund_fen)),
            *((f"其中{fund_name(fund.fund)}", yuan_text(fund.amount_fen)) for fund in document.funds),
            ("个人账户支付", yuan_text(a.account_fen)),
            *((("个人账户共济支付", yuan_text(a.mutual_aid_fen)),) if a.mutual_aid_fen else ()),
            *((("医院负担", yuan_text(a.hospital_fen)),) if a.hospital_fen else ()),
            ("个人现金支付", yuan_text(a.cash_fen)),
        ),
        cash_label="退还现金" if cancelling else "个人现金支付",
        cash=yuan_text(abs(a.cash_fen)),
    )


def short(number: Decimal | str) -> str:
    """Return a decimal without trailing zeros: `2.0000` gives `2`, `0.5000` gives `0.5`."""
    return f"{Decimal(number).normalize():f}"


def visit_name(visit_kind: str, disease: str = "") -> str:
    """Return the kind of a visit, and the disease of a chronic one: `门诊慢特病（高血压）`."""
    name = VISIT_NAMES.get(visit_kind, visit_kind)
    return f"{name}（{DISEASE_NAMES.get(disease, disease)}）" if disease else name


def fund_name(fund: str) -> str:
    return FUND_NAMES.get(fund, f"基金 {fund}")


def render(slip: Slip, form: Literal["pdf", "png"]) -> bytes:
    """Set a slip: the PDF, or a picture of its only page."""
    return typeset(_TEMPLATE, slip, at=slip.at, form=form)
