"""What an event is told as. Pure; names of institutions and places are looked up before."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from yibao import identity
from yibao.core.money import yuan_text
from yibao.service.message.types import Told

WAYS = {"sms": "短信", "sms_former": "短信（原手机号）"}  # in which a message goes out besides the app
_SIGNATURE = "【医保公共服务】"
_NOT_ME = "如非本人操作，请立即到「我的」解除绑定，或拨打 12393。"
_NOT_OURS = "如非本单位的人操作，请立即解绑单位码，或拨打 12393。"
_NOT_ME_PHONE = "如非本人操作，请立即到「登录 › 手机号已停用」用人脸识别换回，或拨打 12393。"
_NOT_ME_ACCOUNT = "如非本人操作，请立即到「登录 › 忘记密码」用人脸识别找回，或拨打 12393。"
_SCOPES = {
    "sign_in": "登录",
    "identity": "身份（部分隐去）",
    "identity_full": "身份（完整）",
    "insured_status": "参保情况",
}
_PURPOSES = {
    "register": "注册账户",
    "login": "登录",
    "reset_login": "重设登录密码",
    "reset_pay": "重设交易密码",
    "unlock": "解除密码锁定",
    "change_phone_old": "更换手机号（原手机号）",
    "change_phone_new": "更换手机号（新手机号）",
    "counter_phone": "在窗口更换手机号",
    "counter_name": "在窗口办理实名认证",
}
_TO_THE_CLERK = ("counter_phone", "counter_name")


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
    return Told("医保关系已绑定", f"参保地：{where}。{_NOT_ME}", "/me", by_sms=True)


def _identified(payload: Mapping[str, Any], where: str) -> Told:
    if payload["medium"] == "face":
        body = f"{where}的收款台为您刷脸核对了身份，15 分钟内可以为您结算。如非您本人到场，请拨打 12393。"
        return Told("有人用您的身份刷脸就诊", body, "/me/looks", by_sms=True)
    document = {"02": "身份证件", "03": "社会保障卡"}[payload["medium"]]
    body = f"{where}的收费员凭您的{document}核对了身份，15 分钟内可以为您结算。如非您本人到场，请拨打 12393。"
    return Told("有人凭您的证件就诊", body, "/me/looks", by_sms=True)


def _activated(payload: Mapping[str, Any], where: str) -> Told:
    channel: str = payload["channel"]
    body = f"一部手机上从{channel}激活了您的医保码，参保地：{where}。{_NOT_ME}"
    return Told("医保码已激活", body, "/code", by_sms=True)


_UNBOUND_BY = {"person": "您", "channel": "渠道客服", "agency": "医保经办机构"}


def _device_unbound(payload: Mapping[str, Any], _: str) -> Told:
    who, channel = _UNBOUND_BY[payload["by"]], payload["channel"]
    body = f"{who}解绑了{channel}的医保码，那里的码即时失效，其他渠道不受影响。{_NOT_ME}"
    return Told("医保码已解绑", body, "/me/channels", by_sms=True)


def _channel_linked(payload: Mapping[str, Any], _: str) -> Told:
    channel: str = payload["channel"]
    body = f"一个{channel}账号关联到了您的医保账户，从它进来就能看到您的账户，可以在「渠道与设备」取消关联。{_NOT_ME}"
    return Told("渠道账号已关联", body, "/me/channels", by_sms=True)


def _unbound(_: Mapping[str, Any], where: str) -> Told:
    body = "所有手机上的医保码即时失效，结算记录仍为您保留。如非本人操作，请立即重新设置登录密码，或拨打 12393。"
    return Told("医保关系已解除绑定", body, "/me", by_sms=True)


def _free_limit_set(payload: Mapping[str, Any], where: str) -> Told:
    limit_fen: int = payload["limit_fen"]
    if not limit_fen:
        return Told("免密限额已取消", f"今后每笔支付都要输入交易密码。{_NOT_ME}", by_sms=True)
    body = f"今后每笔不超过 {yuan_text(limit_fen)} 元的支付不再输入交易密码。{_NOT_ME}"
    return Told("免密限额已设置", body, by_sms=True)


def _data_taken(_: Mapping[str, Any], where: str) -> Told:
    return Told("已导出您的信息", f"有人登录您的账户，导出了平台保存的您的信息。{_NOT_ME}", "/me/data", by_sms=True)


def _asked(payload: Mapping[str, Any], where: str) -> Told:
    body = f"{where}请求您的授权，请在三分钟内答复；不是您本人在办理的，请拒绝。"
    return Told("授权申请", body, f"/authorise/{payload['request_id']}")


def _granted(payload: Mapping[str, Any], where: str) -> Told:
    lasts = f"{payload['days']} 天内有效" if payload["days"] else "仅此一次"
    body = f"您允许{where}使用：{payload['what']}，{lasts}。如非本人操作，请立即撤回，或拨打 12393。"
    return Told("已授权", body, "/me/authorisations")


def _used(payload: Mapping[str, Any], where: str) -> Told:
    return Told("授权已使用", f"{where}按您的授权使用了：{payload['what']}。", "/me/authorisations")


def _withdrawn(payload: Mapping[str, Any], where: str) -> Told:
    body = f"您撤回了给{where}的授权（{payload['what']}），即时生效。"
    return Told("授权已撤回", body, "/me/authorisations")


def _unit_activated(payload: Mapping[str, Any], _: str) -> Told:
    return Told("单位码已激活", f"一部手机上激活了{payload['unit']}的单位码。{_NOT_OURS}", "/unit-code")


def _unit_signed_in(payload: Mapping[str, Any], _: str) -> Told:
    return Told("单位码登录", f"有人用{payload['unit']}的单位码登录了单位网页。{_NOT_OURS}", "/unit-code")


def _unit_unbound(payload: Mapping[str, Any], _: str) -> Told:
    return Told(
        "单位码已解绑", f"{payload['unit']}的单位码在部分或全部手机上解绑，立即失效，可以重新激活。", "/unit-code"
    )


def _operator_appointed(payload: Mapping[str, Any], _: str) -> Told:
    body = f"{payload['unit']}的法定代表人指定您为经办人，您可以在手机上激活单位码。不为该单位办事的，请让其取消。"
    return Told("您成为单位经办人", body, "/unit-code")


def _operator_removed(payload: Mapping[str, Any], _: str) -> Told:
    body = (
        f"{payload['unit']}的法定代表人取消了您的经办人身份，您不能再出示单位码、登录单位网页。您本人的医保码不受影响。"
    )
    return Told("不再是单位经办人", body, "/unit-code")


def _legal_changed(payload: Mapping[str, Any], _: str) -> Told:
    body = f"{payload['unit']}的法定代表人在医保经办窗口变更，今后由新的法定代表人增减经办人。"
    return Told("单位法定代表人已变更", f"{body}不是本单位办理的，请立即拨打 12393。", "/unit-code")


def _login_password_reset(_: Mapping[str, Any], where: str) -> Told:
    return Told("登录密码已重新设置", f"所有设备上的登录都已退出。{_NOT_ME_ACCOUNT}", "/me/devices", by_sms=True)


def _device_met(_: Mapping[str, Any], where: str) -> Told:
    body = f"有人用您的密码或短信验证码，在一部新设备上登录了账户或解除了锁定。{_NOT_ME_ACCOUNT}"
    return Told("新设备登录", body, "/me/devices", by_sms=True)


def _guesses_braked(payload: Mapping[str, Any], where: str) -> Told:
    which = {"login": "登录密码", "pay": "交易密码"}[payload["password"]]
    body = (
        f"一小时内有人在新设备上多次输错您的{which}，新设备暂时要先用短信验证码，您用过的设备不受影响。"
        "是您自己输错的，不必理会；不是的，请勿把验证码告诉任何人，有疑问请拨打 12393。"
    )
    return Told(f"有人多次输错{which}", body, "/me/devices", by_sms=True)


def _pay_password(title: str) -> Callable[[Mapping[str, Any], str], Told]:
    def told(_: Mapping[str, Any], where: str) -> Told:
        return Told(title, f"今后支付请使用新密码。{_NOT_ME}", "/me", by_sms=True)

    return told


def _phone_changed(payload: Mapping[str, Any], where: str) -> Told:
    by = "医保经办窗口核验身份后，更换了账户的手机号。" if payload.get("by") == "counter" else ""
    return Told("手机号已更换", f"{by}今后用新手机号登录和接收验证码。{_NOT_ME_PHONE}", "/me/phone", by_sms=True)


def _phone_unbound(_: Mapping[str, Any], where: str) -> Told:
    body = f"医保经办窗口核验身份后，解除了账户的手机号，登录都已退出。{_NOT_ME_PHONE}"
    return Told("手机号已解绑", body, "/me/phone", by_sms=True)


def _account_closed(_: Mapping[str, Any], where: str) -> Told:
    body = "这个手机号的账户已经注销，绑定的医保关系随之解除，参保和待遇不受影响。如非本人操作，请立即拨打 12393。"
    return Told("账户已注销", body, by_sms=True)


def _sessions_ended(_: Mapping[str, Any], where: str) -> Told:
    return Told(
        "登录都已退出", f"医保经办窗口核验身份后，退出了账户在所有设备上的登录。{_NOT_ME_ACCOUNT}", "/me/devices"
    )


def _named_at_counter(payload: Mapping[str, Any], where: str) -> Told:
    done = {"real_name_proved": "用您的证件为账户办理了实名认证", "certificate_changed": "更换了账户里的证件"}[
        payload["act"]
    ]
    body = f"{where}医保经办窗口核对本人和证件后，{done}。不是您本人到场的，请立即拨打 12393。"
    return Told("窗口已办理实名", body, "/me/real-name", by_sms=True)


_REMOVE = "非经您同意的，请立即到「我的家庭成员」移除。"


def _family_asked(payload: Mapping[str, Any], where: str) -> Told:
    who = payload["relative"]
    return Told(
        "亲情账户申请", f"有人以您{who}的身份申请在手机上出示您的医保码，请确认是不是您的家人。", "/family", by_sms=True
    )


def _family_guardian_joined(_: Mapping[str, Any], where: str) -> Told:
    return Told(
        "又有人可以出示孩子的医保码", f"又有一位监护人可以出示您孩子的医保码。{_REMOVE}", "/family", by_sms=True
    )


def _family_declined(_: Mapping[str, Any], where: str) -> Told:
    return Told("家人没有同意", "您的亲情账户申请被对方拒绝，没有添加。", "/family")


def _family_joined(payload: Mapping[str, Any], where: str) -> Told:
    who = payload["relative"]
    return Told(
        "家人可以出示您的医保码", f"您的{who}从现在起可以在手机上出示您的医保码。{_REMOVE}", "/family", by_sms=True
    )


def _family_added(payload: Mapping[str, Any], where: str) -> Told:
    body = f"您可以在手机上出示对方的医保码（关系：{payload['member']}），付款用您的交易密码。"
    return Told("已添加家庭成员", body, "/family")


def _family_removed(payload: Mapping[str, Any], where: str) -> Told:
    body = f"{payload['member']}的亲情账户已移除，手机上不能再出示其医保码。您自己的医保码不受影响。"
    return Told("家庭成员已移除", body, "/family")


def _family_shown_no_more(payload: Mapping[str, Any], where: str) -> Told:
    body = f"您的{payload['relative']}不能再在手机上出示您的医保码。您自己手机上的医保码不受影响。"
    return Told("家庭成员已移除", body, "/family")


def _family_code_shown(payload: Mapping[str, Any], where: str) -> Told:
    who = payload["relative"]
    return Told("家人出示了您的医保码", f"您的{who}在手机上打开了您的医保码。{_REMOVE}", "/family")


def _family_application(title: str, body: str) -> Callable[[Mapping[str, Any], str], Told]:
    def told(payload: Mapping[str, Any], where: str) -> Told:
        return Told(title, body, f"/family/applications/{payload['application_id']}")

    return told


def _family_handover_near(payload: Mapping[str, Any], where: str) -> Told:
    return Told(
        "儿童码即将移交本人",
        f"{payload['days']} 天后孩子成年，监护人不能再出示其医保码。请孩子本人注册并激活医保码。",
        "/family",
    )


def _family_handed_over(_: Mapping[str, Any], where: str) -> Told:
    return Told("儿童码已移交本人", "孩子已成年，监护人手机上的医保码已停用，请本人激活医保码。", "/family")


def _family_bill_sent(payload: Mapping[str, Any], where: str) -> Told:
    total = yuan_text(payload["total_fen"])
    body = f"{where}发来家庭成员的账单，合计 {total} 元，请在 15 分钟内用您的交易密码确认。"
    return Told("家庭成员待缴费", body, f"/bills/{payload['bill_id']}")


def _family_settled(payload: Mapping[str, Any], where: str) -> Told:
    body = f"孩子在{where}结算 {yuan_text(payload['total_fen'])} 元。"
    return Told("孩子的医保结算", body, f"/family/records/{payload['settlement_id']}")


def _family_reversed(payload: Mapping[str, Any], where: str) -> Told:
    body = f"孩子在{where}的 {yuan_text(-payload['total_fen'])} 元消费已整笔撤销。"
    return Told("孩子的结算已撤销", body, f"/family/records/{payload['settlement_id']}")


TOLD: dict[str, Callable[[Mapping[str, Any], str], Told]] = {
    "authorisation.asked": _asked,
    "authorisation.granted": _granted,
    "authorisation.used": _used,
    "authorisation.withdrawn": _withdrawn,
    "settlement.settled": _settled,
    "settlement.reversed": _reversed,
    "settlement.bill_sent": _bill_sent,
    "settlement.bill_declined": _bill_declined,
    "settlement.bill_withdrawn": _bill_withdrawn,
    "identity.account_closed": _account_closed,
    "identity.device_met": _device_met,
    "identity.guesses_braked": _guesses_braked,
    "identity.login_password_reset": _login_password_reset,
    "identity.named_at_counter": _named_at_counter,
    "identity.pay_password_changed": _pay_password("交易密码已修改"),
    "identity.pay_password_reset": _pay_password("交易密码已重新设置"),
    "identity.pay_password_set": _pay_password("交易密码已设置"),
    "identity.phone_changed": _phone_changed,
    "identity.phone_unbound": _phone_unbound,
    "identity.sessions_ended": _sessions_ended,
    "credential.bound": _bound,
    "credential.activated": _activated,
    "credential.channel_linked": _channel_linked,
    "credential.identified": _identified,
    "credential.device_unbound": _device_unbound,
    "credential.unbound": _unbound,
    "credential.free_limit_set": _free_limit_set,
    "site.data_taken": _data_taken,
    "unit.activated": _unit_activated,
    "unit.legal_changed": _legal_changed,
    "unit.operator_appointed": _operator_appointed,
    "unit.operator_removed": _operator_removed,
    "unit.signed_in": _unit_signed_in,
    "unit.unbound": _unit_unbound,
    "family.added": _family_added,
    "family.application_accepted": _family_application("儿童码申请已通过", "孩子的医保码可以在「我的家庭成员」出示。"),
    "family.application_expired": _family_application(
        "儿童码申请已失效", "证件一直没有补正，照片已经删除；需要时请重新申请。"
    ),
    "family.application_refused": _family_application("儿童码申请未通过", "请查看原因，备齐材料后可以重新申请。"),
    "family.asked": _family_asked,
    "family.bill_sent": _family_bill_sent,
    "family.code_shown": _family_code_shown,
    "family.declined": _family_declined,
    "family.guardian_joined": _family_guardian_joined,
    "family.handed_over": _family_handed_over,
    "family.handover_near": _family_handover_near,
    "family.joined": _family_joined,
    "family.papers_differ": _family_application("证件需要补正", "上传的证件与登记没有全部核对上，请查看后重新上传。"),
    "family.removed": _family_removed,
    "family.reversed": _family_reversed,
    "family.review_began": _family_application("已转人工核对", "参保地医保经办机构将在期限内核对您的申请。"),
    "family.settled": _family_settled,
    "family.shown_no_more": _family_shown_no_more,
}


def is_for_nobody(topic: str, happened_at: datetime, *, forgotten_at: datetime | None, has_account: bool) -> bool:
    """Tell whether an event is not told to its person, who has closed their account.

    Whoever never had an account is told: they will read it when they have one. Whoever opened another one after the
    closing is told what has happened since; so is whoever a counter says has one, though nothing is bound to it yet.
    """
    if forgotten_at is None:
        return False
    return happened_at <= forgotten_at or not (has_account or topic == "identity.named_at_counter")


def sms_text(told: Told) -> str:
    """Return a message as the phone shows it."""
    return f"{_SIGNATURE}{told.title}。{told.body}"


def code_text(request: identity.CodeRequest) -> str:
    """Return the SMS for a phone that asked for a code, or for one that somebody tried to register again."""
    if request.purpose == "already_registered":
        return f"{_SIGNATURE}有人用您的手机号注册账户，该号码已注册，请直接登录。如非本人操作，不必理会。"
    minutes = int(identity.CODE_LASTS.total_seconds() // 60)
    whom = (
        "请当面报给窗口经办人；您不在窗口的，请勿告诉任何人。"
        if request.purpose in _TO_THE_CLERK
        else "工作人员不会索要，请勿告诉任何人。"
    )
    return f"{_SIGNATURE}验证码 {request.code}，用于{_PURPOSES[request.purpose]}，{minutes} 分钟内有效。{whom}"
