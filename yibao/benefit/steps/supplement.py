"""A further fund pays for what the earlier ones left to the person: 大病保险, 大额补助, 公务员补助, 医疗救助, 倾斜救助.

`counts` says which money of the bill it looks at: `copay`, what is left in scope above the deductible; `deductible`,
what the deductibles of the basic insurance took; `first_own`, the part that was paid first (先行自付); or `beyond`, and
nothing else, the money in scope beyond a ceiling of the basic insurance. From it goes its own `deductible`, if there is
one, and the rest is paid by `bands`, counted from the first yuan above that. With a `tally` both are of the year: what
earlier bills counted comes before this one; without, each bill stands alone. What it pays is booked on the copay first,
then on the deductible, then on what was paid first; a share that the person bore first (`first_pay`) is copay too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bands import Bands, parts_of, pay, read_bands, sentence_of_part, trace_parts
from yibao.benefit.bill import PARTS, Bill, Bound, Head, Step, TallyName, read_fund, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, yuan_text

_PARTS = {
    "copay": "政策范围内个人负担",
    "deductible": "基本医保起付线",
    "first_own": "先行自付",
    "beyond": "超过封顶线的费用",
}
_START_CODES = {"PL": "PS01", "GB": "GBS1"}  # The national polItemCode of the deductible that belongs to the segments.


@dataclass(frozen=True, slots=True)
class Supplement(Step):
    head: Head
    fund: str
    counts: tuple[str, ...]
    deductible: Dated[int] | None
    bands: Dated[Bands]
    rounding: Callable[[Decimal], int]
    tally: TallyName | None

    required: ClassVar[tuple[str, ...]] = ("fund", "counts", "bands", "rounding")
    optional: ClassVar[tuple[str, ...]] = ("deductible", "tally")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(
            head,
            fund=read_fund(fields["fund"]),
            counts=_read_counts(fields["counts"]),
            deductible=read_dated(fields["deductible"], refs, refs.amount) if "deductible" in fields else None,
            bands=read_dated(fields["bands"], refs, read_bands),
            rounding=ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
            tally=read_tally(fields["tally"]) if "tally" in fields else None,
        )

    def bind(self, facts: Facts) -> Bound:
        cited = self.bands.at(facts)
        deductible = self.deductible.at(facts) if self.deductible else None
        threshold_fen = deductible.value if deductible else 0
        bands, fund, counts, rounding, head = cited.value, self.fund, self.counts, self.rounding, self.head
        tally = self.tally.of(facts) if self.tally else None
        basis = (*(deductible.basis if deductible else ()), *cited.basis)
        start = Head(head.kind, _START_CODES.get(head.code[:2], ""), head.label, head.rule, head.when)
        counted_words = "、".join(_PARTS[part] for part in counts)
        beyond = counts == ("beyond",)
        # In the order in which what is paid is booked, whatever the order in the file.
        fields = tuple(field for field in PARTS if field.removesuffix("_left_fen") in counts)

        def run(bill: Bill) -> None:
            counted_fen = bill.beyond_fen if beyond else sum([getattr(bill, field) for field in fields])
            before_fen = bill.tally(tally) if tally else 0
            after_fen = before_fen + counted_fen
            # Both ends lie above the threshold, so that what earlier bills of the year used of it is not used again.
            parts = parts_of(bands, max(0, before_fen - threshold_fen), max(0, after_fen - threshold_fen))
            paid = pay(parts, rounding)
            entered_fen, paid_fen = sum(part[0] for part in parts), sum(paid)
            if beyond:
                bill.pay_beyond(fund, base_fen=entered_fen, fund_fen=paid_fen)
            else:
                bill.pay_parts(fund, parts=fields, base_fen=entered_fen, fund_fen=paid_fen)
            if tally:
                bill.tallies[tally] = after_fen
            bill.trace.append(
                start.trace(
                    {"counts": counted_words, "before_fen": before_fen, "threshold_fen": threshold_fen},
                    {"counted_fen": counted_fen, "base_fen": entered_fen, "fund": fund},
                    deductible.basis if deductible else basis,
                )
            )
            bill.trace.extend(trace_parts(head, fund, bands, parts, paid, cited.basis))

        return Bound(run, basis)

    @property
    def paying_fund(self) -> str:
        return self.fund

    @staticmethod
    def sentence(step: TraceStep) -> str:
        if "rate" in step.inputs:
            return sentence_of_part(step)
        inputs, results = step.inputs, step.results
        counted, threshold, base = (
            yuan_text(int(fen)) for fen in (results["counted_fen"], inputs["threshold_fen"], results["base_fen"])
        )
        said = f"本次计入 {counted} 元（{inputs['counts']}）"
        if inputs["before_fen"]:
            said += f"，此前本年已计入 {yuan_text(int(inputs['before_fen']))} 元"
        if not inputs["threshold_fen"]:
            return f"{said}，{base} 元进入报销"
        if not results["base_fen"]:
            return f"{said}，没有超过起付标准 {threshold} 元，本次不支付"
        return f"{said}，超过起付标准 {threshold} 元的部分中，本次有 {base} 元进入报销"


def _read_counts(node: Node) -> tuple[str, ...]:
    counts = tuple(item.choice(tuple(_PARTS)) for item in node.items())
    if counts != ("beyond",) and ("copay" not in counts or "beyond" in counts):
        raise node.error("不能这样合计", "copay，可以加 deductible、first_own；或者只有 beyond")
    return counts
