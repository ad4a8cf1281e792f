"""What of the bill is within the policy: 全自费, then 超限价, then 先行自付, and the rest is in scope (政策范围内).

Each part is rounded per line by the rounding the policy names; the rest is found by subtraction, so that no fen is
counted twice. Class, price limit and own-pay rate come with the line from the catalogue of the place of treatment.

The insured place may add to it: `class_b_rate`, the own-pay rate of class B where the catalogue states none;
`first_own_share`, how much of the own-pay rate applies at all (`"0.00"`: none of it); `bed_limit`, what a day in bed
may cost; `material_first_own`, the share of a material that is paid first, by its unit price, whatever its class says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self, TypeVar

from yibao.benefit.bands import Bands, read_bands
from yibao.benefit.bill import Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import Basis, Line, LineShare, TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, yuan_text

T = TypeVar("T")
Rounding = Callable[[Decimal], int]

_FULL_OWN, _OVER_LIMIT, _FIRST_OWN = "101", "103", "102"  # National polItemCode of the three parts outside.


@dataclass(frozen=True, slots=True)
class Scope(Step):
    head: Head
    over_limit_rounding: Rounding
    first_own_rounding: Rounding
    class_b_rate: Dated[Decimal] | None
    first_own_share: Dated[Decimal] | None
    bed_limit: Dated[int] | None
    material_first_own: Dated[Bands] | None

    without_fund: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("over_limit_rounding", "first_own_rounding")
    optional: ClassVar[tuple[str, ...]] = ("class_b_rate", "first_own_share", "bed_limit", "material_first_own")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        over_limit, first_own = (ROUNDINGS[fields[name].choice(tuple(ROUNDINGS))] for name in cls.required)

        def rate(node: Node) -> Decimal:
            return node.decimal(0, 1)

        def added(name: str, leaf: Callable[[Node], T]) -> Dated[T] | None:
            return read_dated(fields[name], refs, leaf) if name in fields else None

        return cls(
            head,
            over_limit,
            first_own,
            class_b_rate=added("class_b_rate", rate),
            first_own_share=added("first_own_share", rate),
            bed_limit=added("bed_limit", refs.amount),
            material_first_own=added("material_first_own", read_bands),
        )

    def bind(self, facts: Facts) -> Bound:
        def chosen(each: Dated[T] | None) -> T | None:
            return each.at(facts).value if each is not None else None

        def basis_of(each: Dated[T] | None) -> tuple[Basis, ...]:
            return each.at(facts).basis if each is not None else ()

        class_b, share = chosen(self.class_b_rate), chosen(self.first_own_share)
        bed, materials = chosen(self.bed_limit), chosen(self.material_first_own)
        class_b_basis, share_basis = basis_of(self.class_b_rate), basis_of(self.first_own_share)
        bed_basis, materials_basis = basis_of(self.bed_limit), basis_of(self.material_first_own)
        over_limit_rounding, first_own_rounding = self.over_limit_rounding, self.first_own_rounding
        bed_limit = Decimal(bed) / 100 if bed is not None else None

        def divide(line: Line) -> LineShare:
            amount = line.amount_fen
            if line.charge_class == "C":
                return LineShare(line.line_no, amount, amount, 0, 0, 0)
            over_limit, limit = 0, line.price_limit
            if bed_limit is not None and line.kind == "bed":
                limit = bed_limit if limit is None else min(limit, bed_limit)
            if limit is not None and line.unit_price > limit:
                over_limit = min(amount, over_limit_rounding((line.unit_price - limit) * line.quantity * 100))
            rate = line.own_pay_rate
            if materials is not None and line.kind == "material":
                rate = _rate_at(materials, line.unit_price)
            elif rate is None and line.charge_class == "B":
                if class_b is None:
                    raise facts.no_rule("class_b_rate（目录没有写明先行自付比例的乙类）")
                rate = class_b
            if rate and share is not None:
                rate *= share
            left = amount - over_limit
            first_own = first_own_rounding(left * rate) if rate else 0
            return LineShare(line.line_no, amount, 0, over_limit, first_own, left - first_own)

        def used(lines: tuple[Line, ...]) -> dict[str, tuple[Basis, ...]]:
            """Return what each part outside rests on; what the catalogue states rests on nothing of the place."""
            if not basis:
                return {}
            inside = [line for line in lines if line.charge_class != "C"]
            by_price = [materials is not None and line.kind == "material" for line in inside]
            unstated = any(
                line.charge_class == "B" and line.own_pay_rate is None and not priced
                for line, priced in zip(inside, by_price, strict=True)
            )
            return {
                _OVER_LIMIT: bed_basis if any(line.kind == "bed" for line in inside) else (),
                _FIRST_OWN: (
                    *(class_b_basis if unstated else ()),
                    *share_basis,
                    *(materials_basis if any(by_price) else ()),
                ),
            }

        basis = (*class_b_basis, *share_basis, *bed_basis, *materials_basis)
        return Bound(lambda bill: self._run(bill, divide, used), basis)

    def _run(
        self,
        bill: Bill,
        divide: Callable[[Line], LineShare],
        used: Callable[[tuple[Line, ...]], dict[str, tuple[Basis, ...]]],
    ) -> None:
        shares = tuple([divide(line) for line in bill.case.lines])
        total = full_own = over_limit = first_own = 0
        full_own_lines = over_limit_lines = first_own_lines = 0
        for share in shares:
            total += share.amount_fen
            if share.full_own_fen:
                full_own += share.full_own_fen
                full_own_lines += 1
            if share.over_limit_fen:
                over_limit += share.over_limit_fen
                over_limit_lines += 1
            if share.first_own_fen:
                first_own += share.first_own_fen
                first_own_lines += 1
        bill.lines = shares
        bill.total_fen = total
        bill.full_own_fen = bill.full_own_left_fen = full_own
        bill.over_limit_fen = bill.over_limit_left_fen = over_limit
        bill.first_own_fen = bill.first_own_left_fen = first_own
        bill.in_scope_fen = bill.base_fen = bill.copay_left_fen = total - full_own - over_limit - first_own
        for code, label, lines, part in (
            (_FULL_OWN, "全自费", full_own_lines, full_own),
            (_OVER_LIMIT, "超限价", over_limit_lines, over_limit),
            (_FIRST_OWN, "先行自付", first_own_lines, first_own),
        ):
            if lines:
                bill.trace.append(
                    TraceStep(
                        self.head.kind,
                        code,
                        label,
                        self.head.rule,
                        {"lines": lines},
                        {"part_fen": part},
                        used(bill.case.lines).get(code, ()),
                    )
                )
        bill.trace.append(
            self.head.trace(
                {"total_fen": total, "outside_fen": full_own + over_limit + first_own},
                {"in_scope_fen": bill.in_scope_fen},
            )
        )

    @staticmethod
    def sentence(step: TraceStep) -> str:
        inputs, results = step.inputs, step.results
        if step.code not in _PARTS:
            return (
                f"总费用 {yuan_text(int(inputs['total_fen']))} 元，减去政策范围外 "
                f"{yuan_text(int(inputs['outside_fen']))} 元，政策范围内 {yuan_text(int(results['in_scope_fen']))} 元"
            )
        return f"{inputs['lines']} 项{_PARTS[step.code]}，共 {yuan_text(int(results['part_fen']))} 元由个人负担"


def _rate_at(bands: Bands, unit_price: Decimal) -> Decimal:
    """Return the rate that holds at a unit price: a bound still belongs to what lies below it (5000 元及以下)."""
    price_fen = unit_price * 100
    return next(rate for low_fen, rate in reversed(bands) if price_fen > low_fen or low_fen == 0)


_PARTS = {
    _FULL_OWN: "属于丙类或不在医保目录内，全自费",
    _OVER_LIMIT: "单价高于医保支付限价，高出的部分",
    _FIRST_OWN: "按目录规定的比例先行自付",
}
