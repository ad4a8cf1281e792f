"""What an event is told as. Pure; names of institutions and places are looked up before."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from yibao import identity
from yibao.core.money import yuan_text
from yibao.service.message.types import Told

_SIGNATURE = "【医保公共服务】"
_NOT_ME = "如非本人操作，请立即到「我的」解除绑定，或拨打 12393。"
_PURPOSES = {
    "register": "注册账户",
    "login": "登录",
    "reset_login": "重设登录密码",
    "reset_pay": "重设交易密码",
    "unlock": "解除密码锁定",
}


class _Settled(Struct, frozen=True):
    settlement_id: str
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    balance_fen: int
    reverses: str | None = None


def _parts(fund_fen: int, account_fen: int, cash_fen: int) -> str:
    """Name every part, the empty ones too, so that nobody has to work out what a sum leaves open."""
    fund, account, cash = yuan_text(fund_fen), yuan_text(account_fen), yuan_text(cash_fen)
    return f"医保基金 {fund} 元，个人账户 {account} 元，现金 {cash} 元"


def _settled(payload: Mapping[str, Any], where: str) -> Told:
    paid = msgspec.convert(payload, _Settled)
    body = f"在{where}消费 {yuan_text(paid.total_fen)} 元：{_parts(paid.fund_fen, paid.account_fen, paid.cash_fen)}。"
    if paid.account_fen:
        body += f"个人账户余额 {yuan_text(paid.balance_fen)} 元。"
    return Told("结算成功", body, f"/records/{paid.settlement_id}")


def _reversed(payload: Mapping[str, Any], where: str) -> Told:
    back = msgspec.convert(payload, _Settled)
    returned = _parts(-back.fund_fen, -back.account_fen, -back.cash_fen)
    body = f"在{where}的 {yuan_text(-back.total_fen)} 元消费已整笔撤销，退回：{returned}。"
    return Told("结算已撤销", body, f"/records/{back.reverses}")


def _bill_sent(payload: Mapping[str, Any], where: str) -> Told:
    total = yuan_text(payload["total_fen"])
    return Told("待缴费", f"{where}发来账单，合计 {total} 元，请在 15 分钟内确认。", f"/bills/{payload['bill_id']}")


def _bill_declined(_: Mapping[str, Any], where: str) -> Told:
    return Told("已拒绝付款", f"您拒绝了{where}的账单，没有扣款。")


def _bill_withdrawn(_: Mapping[str, Any], where: str) -> Told:
    return Told("账单已撤回", f"{where}撤回了账单，没有扣款。")


def _bound(_: Mapping[str, Any], where: str) -> Told:
    return Told("医保关系已绑定", f"参保地：{where}。{_NOT_ME}", "/me")


def _activated(_: Mapping[str, Any], where: str) -> Told:
    return Told("医保码已激活", f"一部手机上激活了您的医保码，参保地：{where}。{_NOT_ME}", "/code")


def _unbound(_: Mapping[str, Any], where: str) -> Told:
    return Told("医保关系已解除绑定", "所有手机上的医保码即时失效，结算记录仍为您保留。", "/me")


def _free_limit_set(payload: Mapping[str, Any], where: str) -> Told:
    limit_fen: int = payload["limit_fen"]
    if not limit_fen:
        return Told("免密限额已取消", f"今后每笔支付都要输入交易密码。{_NOT_ME}")
    return Told("免密限额已设置", f"今后每笔不超过 {yuan_text(limit_fen)} 元的支付不再输入交易密码。{_NOT_ME}")


TOLD: dict[str, Callable[[Mapping[str, Any], str], Told]] = {
    "settlement.settled": _settled,
    "settlement.reversed": _reversed,
    "settlement.bill_sent": _bill_sent,
    "settlement.bill_declined": _bill_declined,
    "settlement.bill_withdrawn": _bill_withdrawn,
    "credential.bound": _bound,
    "credential.activated": _activated,
    "credential.unbound": _unbound,
    "credential.free_limit_set": _free_limit_set,
}


def code_text(request: identity.CodeRequest) -> str:
    """Return the SMS for a phone that asked for a code, or for one that somebody tried to register again."""
    if request.purpose == "already_registered":
        return f"{_SIGNATURE}有人用您的手机号注册账户，该号码已注册，请直接登录。如非本人操作，不必理会。"
    minutes = int(identity.CODE_LASTS.total_seconds() // 60)
    return (
        f"{_SIGNATURE}验证码 {request.code}，用于{_PURPOSES[request.purpose]}，{minutes} 分钟内有效。"
        "工作人员不会索要，请勿告诉任何人。"
    )
