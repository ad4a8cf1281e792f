"""The settlement slip as it is printed, read back from the PDF (C14)."""

import io
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from PIL import Image, ImageChops

from yibao.settlement import slip
from yibao.settlement.queries import Document, DocumentFund, DocumentLine
from yibao.settlement.types import Amounts

NUMBER = "510500111122223333444455556666"
OTHER_NUMBER = "510500999988887777666655554444"
MISSING, OTHER_MISSING = "\ue000", "\ue001"  # Private use: no font draws them, so the empty box stands in their place.
RARE = "\u4dae", "\U00020164"  # 䶮 and 𠅤 stand in real names and outside the fonts of many systems.


def document(*names: str, sign: int = 1, **changes: Any) -> Document:
    """Return the published purchase of 420.00 (SC-LZ-01), with lines of these names instead of its own."""
    lines = tuple(
        DocumentLine(
            line_no=number,
            code=f"A{number}",
            name=name,
            unit="盒",
            charge_class="ABC"[number % 3],
            own_pay_rate="0.0000",
            quantity=f"{sign * 2}.0000",
            unit_price="200.000000",
            amount_fen=sign * 400_00,
            full_own_fen=0,
            over_limit_fen=0,
            first_own_fen=0,
            in_scope_fen=sign * 400_00,
        )
        for number, name in enumerate(names or ("苯磺酸氨氯地平片", "地喹氯铵含片"), start=1)
    )
    made = Document(
        settlement_id=NUMBER,
        institution="P51050000001",
        place="510500",
        insutype="310",
        visit_kind="pharmacy",
        settled_at=datetime(2026, 5, 12, 2, 0, 0, 123456, tzinfo=UTC),
        amounts=Amounts(
            total_fen=sign * 420_00,
            full_own_fen=sign * 20_00,
            over_limit_fen=0,
            first_own_fen=0,
            in_scope_fen=sign * 400_00,
            deductible_fen=sign * 150_00,
            fund_fen=sign * 175_00,
            account_fen=sign * 100_00,
            mutual_aid_fen=0,
            cash_fen=sign * 145_00,
            hospital_fen=0,
        ),
        lines=lines,
        funds=(DocumentFund("310102", sign * 175_00),),
        policy="",
        trace=[],
        reverses=None,
        reversed_by=None,
    )
    return msgspec.structs.replace(made, **changes)


def slip_of(of: Document, *, person_name: str = "医小川") -> slip.Slip:
    return slip.slip_of(of, institution_name="示例大药房", person_name=person_name, place_name="泸州市")


def pdf(of: Document, *, person_name: str = "医小川") -> bytes:
    return slip.slip_pdf(of, institution_name="示例大药房", person_name=person_name, place_name="泸州市")


def texts(of: bytes) -> list[str]:
    """Return the texts of a PDF, one for each that is set in a piece, as copying it gives them."""
    streams = []
    for packed in re.findall(rb"stream\n(.*?)\nendstream", of, re.DOTALL):
        try:
            streams.append(zlib.decompress(packed))
        except zlib.error:
            continue
    [mapping] = [stream for stream in streams if b"begincmap" in stream]
    characters = {
        int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
        for glyph, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", mapping)
    }
    found = []
    for page in (stream for stream in streams if b"TJ" in stream or b"Tj" in stream):
        for piece in re.findall(rb"BT(.*?)ET\n", page, re.DOTALL):
            glyphs = _strings(piece)
            numbers = [int.from_bytes(glyphs[place : place + 2]) for place in range(0, len(glyphs), 2)]
            found.append("".join(characters.get(number, "\ufffd") for number in numbers))
    return found


HEX = re.compile(rb"<([0-9A-F]*)>")
SIGN = re.compile(rb"\\([0-7]{1,3}|.)|.", re.DOTALL)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _strings(piece: bytes) -> bytes:
    """Return the strings of a piece of a page, one after the other: hexadecimal ones, and those in brackets."""
    found, depth, place = b"", 0, 0
    while place < len(piece):
        if depth == 0 and (digits := HEX.match(piece, place)):
            found += bytes.fromhex(digits[1].decode())
            place = digits.end()
            continue
        sign = SIGN.match(piece, place)
        assert sign
        place = sign.end()
        if sign[1]:
            found += bytes([int(sign[1], 8)]) if sign[1].isdigit() else ESCAPES.get(sign[1], sign[1])
            continue
        depth -= sign[0] == b")"
        found += sign[0] if depth > 0 else b""  # Brackets within brackets are not escaped if they are balanced.
        depth += sign[0] == b"("
    return found


def test_the_text_of_a_slip_can_be_copied() -> None:
    whole = "\n".join(texts(pdf(document())))
    for text in (
        "医保结算单",
        "示例大药房",
        NUMBER,
        "2026-05-12 10:00:00",
        "医小川",
        "泸州市",
        "职工基本医疗保险",
        "定点药店购药",
        "苯磺酸氨氯地平片",
        "2 盒",
        "200.00",
        "420.00",
        "其中职工门诊统筹基金",
        "175.00",
        "145.00",
        "12393",
    ):
        assert text in whole
    assert "撤销" not in whole


def test_a_slip_says_who_pays_what() -> None:
    made = slip_of(document())
    assert dict(made.parts) == {
        "费用总额": "420.00",
        "全自费": "20.00",
        "超限价自费": "0.00",
        "先行自付": "0.00",
        "政策范围内": "400.00",
        "其中起付线": "150.00",
    }
    assert dict(made.payments) == {
        "基金支付": "175.00",
        "其中职工门诊统筹基金": "175.00",
        "个人账户支付": "100.00",
        "个人现金支付": "145.00",
    }
    assert made.lines[0] == ("1", "苯磺酸氨氯地平片", "乙", "2 盒", "200.00", "400.00", "400.00")
    assert (made.cash_label, made.cash) == ("个人现金支付", "145.00")


@pytest.mark.parametrize(
    ("visit_kind", "disease", "printed"),
    [
        ("chronic", "M03900", "门诊慢特病（高血压）"),
        ("chronic", "M99900", "门诊慢特病（M99900）"),
        ("inpatient", "", "住院"),
    ],
)
def test_a_slip_names_the_visit_and_the_disease_it_was_for(visit_kind: str, disease: str, printed: str) -> None:
    of = document(visit_kind=visit_kind, disease=disease)
    assert dict(slip_of(of).facts)["就医类别"] == printed
    assert printed in "".join(texts(pdf(of)))


@pytest.mark.parametrize(
    ("medium", "printed"), [("01", "医保码"), ("02", "身份证件"), ("03", "社会保障卡"), ("face", "刷脸")]
)
def test_a_slip_says_by_what_the_person_was_known(medium: str, printed: str) -> None:
    """B5."""
    assert dict(slip_of(document(medium=medium)).facts)["就诊凭证"] == printed
    assert "就诊凭证" not in dict(slip_of(document(medium=medium, reverses=OTHER_NUMBER)).facts)


def test_other_payers_are_named() -> None:
    of = document(funds=(DocumentFund("310102", 100_00), DocumentFund("999999", 75_00)))
    amounts = msgspec.structs.replace(of.amounts, mutual_aid_fen=5_00, hospital_fen=1_00)
    payments = dict(slip_of(msgspec.structs.replace(of, amounts=amounts)).payments)
    assert payments["其中基金 999999"] == "75.00"
    assert payments["个人账户共济支付"] == "5.00"
    assert payments["医院负担"] == "1.00"


def test_a_cancelling_is_marked_and_negative() -> None:
    of = document(sign=-1, reverses=OTHER_NUMBER)
    whole = "\n".join(texts(pdf(of)))
    for text in ("医保结算单（撤销）", "撤销", OTHER_NUMBER, "-420.00", "-2 盒", "退还现金"):
        assert text in whole
    assert "换开发票" not in whole
    assert slip_of(of).cash == "145.00"


def test_a_cancelled_settlement_says_so() -> None:
    whole = "\n".join(texts(pdf(document(reversed_by=OTHER_NUMBER))))
    for text in ("已撤销", OTHER_NUMBER, "420.00"):
        assert text in whole
    assert "换开发票" not in whole


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x") *粗* _斜_ `码` $x^2$ @ref <label>',
        '"] #import "/etc/passwd": * // ',
        "\\u{41} \\ #{1+1} [方括号] = 题 - 列 ~ --- ...",
        '{"json": "\\"}',
    ],
)
def test_markup_in_a_name_is_printed_as_it_stands(name: str) -> None:
    whole = "".join(texts(pdf(document(name), person_name=name)))
    assert "".join(whole.split()).count("".join(name.split())) == 2


def test_rare_characters_have_their_own_glyphs() -> None:
    def picture(name: str) -> Image.Image:
        return Image.open(io.BytesIO(slip.render(slip_of(document(), person_name=name), "png"))).convert("L")

    def differ(one: str, other: str) -> bool:
        return ImageChops.difference(picture(one), picture(other)).getbbox() is not None

    assert not differ(MISSING, OTHER_MISSING), "both are the box of a missing glyph"
    for character in RARE:
        assert differ(character, MISSING)
        assert character in "".join(texts(pdf(document(), person_name=character)))
    assert differ(*RARE)


def test_a_long_bill_is_printed_whole_on_numbered_pages() -> None:
    found = texts(pdf(document(*(f"示例药品{number:03d}号" for number in range(200)))))
    whole = "".join(found)
    assert all(f"示例药品{number:03d}号" in whole for number in range(200))
    [pages] = {int(last) for last in re.findall(r"页共(\d+)页", "".join(whole.split()))}
    assert pages > 3
    assert f"第{pages}页共{pages}页" in "".join(whole.split())
    assert whole.count("政策范围内") >= pages, "the head of the table is on every page"


def test_printed_again_it_is_the_same_file() -> None:
    assert pdf(document()) == pdf(document())


def test_slips_set_at_once_do_not_mix() -> None:
    names = [f"甲{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda name: pdf(document(), person_name=name), names))
    for name, one in zip(names, made, strict=True):
        assert [other for other in names if other in texts(one)] == [name]


@pytest.mark.parametrize(
    ("number", "text"),
    [("2.0000", "2"), ("-0.5000", "-0.5"), ("100.0000", "100"), (Decimal("1E+3"), "1000"), ("0.3333", "0.3333")],
)
def test_a_quantity_is_printed_short(number: Decimal | str, text: str) -> None:
    assert slip.short(number) == text
