"""Why money is not booked."""

from yibao.core.refusal import Refusal


class AccountUnknown(Refusal):
    code = "ledger.account_unknown"
    status = 404
    title = "没有个人账户"
    detail = "此人在该参保地没有开立医保个人账户。"
    hint = "请核对参保地；职工医保参保登记后先开户，城乡居民医保不设个人账户。"
    remedy = "请向参保地医保经办机构核实个人账户（12393）。"


class CauseReused(Refusal):
    code = "ledger.cause_reused"
    status = 422
    title = "同一凭证号已记入另一金额"
    detail = "该凭证号已经入账，金额与本次不同。"
    hint = "重发同一笔划入时金额须相同；新的划入须用新的凭证号。"
    remedy = "请联系参保地医保经办机构核对个人账户划入（12393）。"
