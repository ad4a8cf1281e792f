"""Proves that settlements, their parts, their transfers and the year's counters say the same."""

from yibao.core.database import Tx

# Each names what is wrong and finds the settlements with which it is; empty everywhere in a sound house.
_QUESTIONS = (
    (
        "各行之和不等于总额",
        """
        SELECT s.settlement_id FROM settlement.settlement s
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount_fen), 0) AS amount, coalesce(sum(in_scope_fen), 0) AS in_scope
            FROM settlement.line l WHERE l.person_id = s.person_id AND l.settlement_id = s.settlement_id
        ) l ON true
        WHERE l.amount <> s.total_fen OR l.in_scope <> s.in_scope_fen
        """,
    ),
    (
        "各基金之和不等于基金支付",
        """
        SELECT s.settlement_id FROM settlement.settlement s
        WHERE s.fund_fen <> (SELECT coalesce(sum(amount_fen), 0) FROM settlement.fund f
                             WHERE f.person_id = s.person_id AND f.settlement_id = s.settlement_id)
        """,
    ),
    (
        "记账与结算不一致",
        """
        SELECT s.settlement_id FROM settlement.settlement s
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(CASE 'institution:' || s.institution
                                WHEN to_account THEN amount_fen WHEN from_account THEN -amount_fen END), 0) AS total,
                   coalesce(sum(CASE WHEN from_account LIKE 'fund:%' THEN amount_fen
                                     WHEN to_account LIKE 'fund:%' THEN -amount_fen END), 0) AS fund,
                   coalesce(sum(CASE WHEN from_account LIKE 'personal:%' THEN amount_fen
                                     WHEN to_account LIKE 'personal:%' THEN -amount_fen END), 0) AS account,
                   coalesce(sum(CASE WHEN from_account = 'cash' THEN amount_fen
                                     WHEN to_account = 'cash' THEN -amount_fen END), 0) AS cash
            FROM ledger.transfer t WHERE t.person_id = s.person_id AND t.cause = s.settlement_id
        ) t ON true
        WHERE (t.total, t.fund, t.account, t.cash)
            <> (s.total_fen - s.hospital_fen, s.fund_fen, s.account_fen + s.mutual_aid_fen, s.cash_fen)
        """,
    ),
    (
        "撤销与原结算不是相反数",
        """
        SELECT r.settlement_id FROM settlement.settlement r
        LEFT JOIN settlement.settlement o ON o.person_id = r.person_id AND o.settlement_id = r.reverses
        WHERE r.reverses IS NOT NULL
          AND (o.settlement_id IS NULL OR (o.total_fen, o.fund_fen, o.account_fen, o.cash_fen)
               <> (-r.total_fen, -r.fund_fen, -r.account_fen, -r.cash_fen))
        """,
    ),
    (
        "年度累计不等于历次结算之和",
        """
        SELECT t.person_id FROM settlement.tally t, jsonb_each_text(t.counters) AS c (name, fen)
        WHERE c.fen::bigint <> (
            SELECT coalesce(sum(coalesce((s.tally_after->>c.name)::bigint, 0)
                                - coalesce((s.tally_before->>c.name)::bigint, 0)), 0)
            FROM settlement.settlement s
            WHERE s.person_id = t.person_id
              AND (s.place, s.insutype, CASE WHEN c.name ~ '^(carried|owed)[.]' THEN 0 ELSE s.year END)
                  = (t.place, t.insutype, t.year))
        """,
    ),
    (
        "已结算的账单没有关闭",
        """
        SELECT b.bill_id FROM settlement.bill b, core.answer_of(b.person_id, b.institution, 'settle', b.bill_id) a
        WHERE b.state <> 'settled' AND a.answer->>'settlement_id' IS NOT NULL
        """,
    ),
    (
        "已结算的账单没有对应的结算",
        """
        SELECT b.bill_id FROM settlement.bill b
        LEFT JOIN settlement.settlement s ON s.person_id = b.person_id AND s.settlement_id = b.settlement_id
        WHERE b.state = 'settled' AND s.settlement_id IS NULL
        """,
    ),
)


async def check(tx: Tx) -> list[str]:
    """Return what is wrong, one line a kind with how many; nobody is named."""
    findings = []
    for what, question in _QUESTIONS:
        wrong = await tx.fetchval(f"SELECT count(*) FROM ({question}) q")  # noqa: S608 - the questions are above.
        if wrong:
            findings.append(f"{what}：{wrong} 处")
    return findings
