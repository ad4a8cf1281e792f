"""The case of `yibao.cli.bench_assess` in zen-engine; to be imported only where that is installed."""

from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import zen

from yibao.benefit import Case
from yibao.cli.bench_assess import Contender, Figures

ENCODER = msgspec.json.Encoder(decimal_format="number")  # Its numbers are decimal: nothing passes through a float.
STEPS = {
    "limited": "map(lines, {amount: #.amount_fen, own_pay: #.own_pay_rate,"
    " full_own: #.charge_class == 'C' ? #.amount_fen : 0,"
    " over_limit: #.charge_class == 'C' or #.price_limit == null or #.unit_price <= #.price_limit ? 0"
    " : min([#.amount_fen, round((#.unit_price - #.price_limit) * #.quantity * 100)])})",
    "split": "map($.limited, {amount: #.amount, full_own: #.full_own, over_limit: #.over_limit,"
    " first_own: round((#.amount - #.full_own - #.over_limit) * #.own_pay)})",
    "in_scope": "sum(map($.split, #.amount - #.full_own - #.over_limit - #.first_own))",
    "base": "$.in_scope - min([max([deductible - met, 0]), $.in_scope])",
    "wanted": "round($.base * min([rate + points, 100]) / 100)",
    "fund": "min([$.wanted, max([ceiling - paid, 0])])",
}


def contenders(figures: Figures) -> list[Contender]:
    """Return the graph compiled beforehand and asked in JSON, the fastest of the ways that were tried."""
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rules": decision_graph(figures)}}})

    def fund_fen(known: bytes, *, trace: bool = False) -> int:
        return int(engine.evaluate("rules", known, {"trace": trace})["result"]["fund"])

    return [
        Contender("zen-engine", lambda case: partial(fund_fen, _context(case))),
        Contender("zen-engine，留下各步", lambda case: partial(fund_fen, _context(case), trace=True)),
        Contender("zen-engine，案例每次新建", lambda case: lambda: fund_fen(_context(case))),
    ]


def _context(case: Case) -> bytes:
    return ENCODER.encode(
        {
            "kind": case.person_kind,
            "level": case.institution_level,
            "met": case.tallies.get("outpatient.deductible_met", 0),
            "paid": case.tallies.get("outpatient.fund_paid", 0),
            "lines": case.lines,
        }
    )


def decision_graph(figures: Figures) -> dict[str, Any]:
    """Return the rules in the JSON Decision Model: two tables that choose the values, and a list of expressions."""
    expressions = [{"id": key, "key": key, "value": value} for key, value in STEPS.items()]
    nodes = [
        {"id": "case", "name": "case", "type": "inputNode"},
        _table("kind", {name: figures[name] for name in ("deductible", "points", "ceiling")}),
        _table("level", {"rate": figures["rate"]}),
        {"id": "steps", "name": "steps", "type": "expressionNode", "content": {"expressions": expressions}},
        {"id": "answer", "name": "answer", "type": "outputNode"},
    ]
    edges = [{"id": b["id"], "type": "edge", "sourceId": a["id"], "targetId": b["id"]} for a, b in pairwise(nodes)]
    return {"nodes": nodes, "edges": edges}


def _table(field: str, outputs: Figures) -> dict[str, Any]:
    """Return a decision table with a row for each word of a field."""
    words = next(iter(outputs.values()))
    rows = [
        {"_id": word, "word": f'"{word}"', **{name: str(of_word[word]) for name, of_word in outputs.items()}}
        for word in words
    ]
    content = {
        "hitPolicy": "first",
        "passThrough": True,
        "inputs": [{"id": "word", "name": field, "field": field}],
        "outputs": [{"id": name, "name": name, "field": name} for name in outputs],
        "rules": rows,
    }
    return {"id": field, "name": field, "type": "decisionTableNode", "content": content}
