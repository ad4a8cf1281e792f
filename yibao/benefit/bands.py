"""Segments (分段): rates that hold between bounds, and how a fund's rounded amount is shared out among them."""

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from yibao.benefit.bill import Head
from yibao.benefit.document import Node
from yibao.benefit.types import Basis, TraceStep
from yibao.core.money import percent_text, yuan_text

Bands = tuple[tuple[int, Decimal], ...]  # The amount from which a rate holds, in fen, and the rate; lowest first.
Part = tuple[int, int, int | None, Decimal]  # How much lies in a segment, its bounds, its rate.

_LAST = {"C": 4, "L": 4, "PL": 7, "GB": 4}  # The national polItemCode has so many segments of each kind.


def read_bands(node: Node) -> Bands:
    """Read where each rate begins; PolicyError unless the first begins at 0 and they rise."""
    bands = tuple((key.amount_fen(), rate.decimal(0, 1)) for key, rate in node.entries())
    if bands[0][0] != 0 or any(one >= other for (one, _), (other, _) in pairwise(bands)):
        raise node.error("各段的起点不是从 0 开始、由低到高", '例如 {"0": "0.60", "5000": "0.85"}')
    return bands


def parts_of(bands: Bands, start_fen: int, end_fen: int) -> list[Part]:
    """Return the parts into which the money from `start_fen` to `end_fen` falls, lowest first."""
    parts: list[Part] = []
    for at, (low_fen, rate) in enumerate(bands):
        high_fen = bands[at + 1][0] if at + 1 < len(bands) else None
        part_fen = (end_fen if high_fen is None else min(end_fen, high_fen)) - max(start_fen, low_fen)
        if part_fen > 0:
            parts.append((part_fen, low_fen, high_fen, rate))
    return parts


def pay(parts: Iterable[Part], rounding: Callable[[Decimal], int]) -> list[int]:
    """Return what a fund pays for each part; rounded as one amount, so that the parts sum to it."""
    paid: list[int] = []
    exact, so_far = Decimal(0), 0
    for part_fen, _, _, rate in parts:
        exact += part_fen * rate
        rounded = rounding(exact)
        paid.append(rounded - so_far)
        so_far = rounded
    return paid


def trace_parts(
    head: Head, fund: str, bands: Bands, parts: list[Part], paid: list[int], basis: tuple[Basis, ...]
) -> Iterator[TraceStep]:
    """Yield a step for each part, under the national code of its segment: C001, C002, ….

    A policy with one segment for everything has one step, under the code of the head as it stands.
    """
    lows = [low_fen for low_fen, _ in bands]
    for (part_fen, low_fen, high_fen, rate), fund_fen in zip(parts, paid, strict=True):
        at = lows.index(low_fen)
        inputs: dict[str, int | str] = {"base_fen": part_fen, "rate": percent_text(rate)}
        if len(bands) > 1:
            inputs["segment"] = _segment(low_fen, high_fen)
        yield TraceStep(
            head.kind,
            _code(head.code, at) if len(bands) > 1 else head.code,
            head.label,
            head.rule,
            inputs,
            {"fund": fund, "fund_fen": fund_fen},
            basis,
        )


def sentence_of_part(step: TraceStep) -> str:
    """Say what a fund pays for one part."""
    base, fund = yuan_text(int(step.inputs["base_fen"])), yuan_text(int(step.results["fund_fen"]))
    where = f"{step.inputs['segment']}的一段：" if "segment" in step.inputs else ""
    return f"{where}{base} 元按 {step.inputs['rate']} 报销，基金支付 {fund} 元"


def _segment(low_fen: int, high_fen: int | None) -> str:
    if high_fen is None:
        return f"{yuan_text(low_fen)} 元以上"
    return f"{yuan_text(low_fen)} 元至 {yuan_text(high_fen)} 元"


def _code(code: str, at: int) -> str:
    numbered = re.fullmatch(r"([A-Z]+)([0-9]+)", code)
    if not numbered or numbered[1] not in _LAST:
        return code
    prefix, first = numbered[1], int(numbered[2])
    return f"{prefix}{min(first + at, _LAST[prefix]):0{len(numbered[2])}d}"
