"""Why a code is not accepted, or a credential not given; each in the order in which its action looks for it."""

from yibao.core.refusal import Refusal


class BadCode(Refusal):
    """A scan of what no phone has shown; an institution's bad scans are counted.

    A code that is merely old, spent or unbound is none: nobody guessed it, and a gun that reads a code twice must not
    slow its till.
    """


class CodeMalformed(BadCode):
    code = "credential.code_malformed"
    status = 422
    title = "这不是医保码"
    detail = "医保码是 28 位数字，末六位是本地的省级区划。"
    hint = "请扫描医保码页面上的二维码或条形码，不要扫支付码。"
    remedy = "请打开「医保码」页面再出示。"


class CodeUnknown(BadCode):
    code = "credential.code_unknown"
    status = 404
    title = "无法识别的医保码"
    detail = "没有手机出示过这个码。"
    hint = "请让参保人刷新后重新出示；反复出现请核对扫码设备。"
    remedy = "请刷新医保码再出示一次。"


class CodeExpired(Refusal):
    code = "credential.code_expired"
    title = "医保码已过期"
    detail = "医保码一分钟内有效，截屏或照片不能使用。"
    hint = "请让参保人在手机上刷新后重新出示。"
    remedy = "请点一下医保码刷新，再出示一次。"


class CodeSpent(Refusal):
    code = "credential.code_spent"
    title = "医保码已使用过"
    detail = "每个医保码只能用一次。"
    hint = "若刚才已扫码成功，请继续结算；否则请让参保人刷新后重扫。"
    remedy = "请刷新医保码再出示一次；如不是您本人使用，请立即解绑并拨打 12393。"


class DeviceUnbound(Refusal):
    code = "credential.device_unbound"
    status = 403
    title = "这部手机上的医保码已解绑"
    detail = "解绑之后，这部手机的医保码全部失效。"
    hint = "请改用身份证或社会保障卡。"
    remedy = "请在手机上重新激活医保码。"


class TillSlowed(Refusal):
    code = "credential.till_slowed"
    status = 429
    title = "扫码失败次数过多，请稍候"
    detail = "本收款台一分钟内有 10 次无法识别的码，或本机构一小时内有 200 次。"
    hint = "请检查扫码设备，一分钟后再试；可改用身份证或社会保障卡。"
    remedy = "请稍候，或出示身份证、社会保障卡。"


class RealNameFirst(Refusal):
    code = "credential.real_name_first"
    status = 403
    title = "请先完成实名认证"
    detail = "绑定医保关系要先确认是本人。"
    remedy = "请到「我的 › 实名认证」完成认证，再回来绑定。"


class CardUnknown(Refusal):
    code = "credential.card_unknown"
    status = 404
    title = "社会保障卡号与本人不符"
    detail = "没有找到登记在您名下的这张卡。"
    remedy = "请核对卡面左下角的卡号；换过卡的请用新卡号，仍不符请到参保地社保局核对制卡信息。"


class CardLost(Refusal):
    code = "credential.card_lost"
    title = "社会保障卡已挂失"
    detail = "这张卡已办理挂失，不能用来绑定。"
    remedy = "找到卡的请先解除挂失，否则请补办新卡后再绑定（12333）。"


class CardFrozen(Refusal):
    code = "credential.card_frozen"
    title = "社会保障卡已冻结"
    detail = "这张卡被发卡机构冻结，不能用来绑定。"
    remedy = "请带身份证到参保地社保局查明原因并解冻（12333）。"


class CardInactive(Refusal):
    code = "credential.card_inactive"
    title = "社会保障卡的医保功能未启用"
    detail = "卡已发放，但医保功能还没有激活。"
    remedy = "请带身份证和卡到参保地医保或社保窗口启用医保功能。"


class NotInsured(Refusal):
    code = "credential.not_insured"
    title = "没有查到医保关系"
    detail = "卡可用，但您名下没有医保关系，或关系已终止。"
    remedy = "请向单位或参保地医保局（12393）核实；刚换过参保地的请先办理转移接续。"


class NotSynced(Refusal):
    code = "credential.not_synced"
    title = "参保信息还在同步中"
    detail = "参保地尚未上传您的信息，有的系统显示为「系统异常」「未知错误」。"
    remedy = "通常一个工作日内完成，请明天再试；仍不行请联系参保地医保局（12393）。"


class BoundElsewhere(Refusal):
    code = "credential.bound_elsewhere"
    title = "医保关系已绑定在另一个账户"
    detail = "一人一码：同一个人的医保关系只能绑定一个账户。"
    remedy = "请用原手机号登录后解绑，或到经办窗口核验身份后解绑（12393）。"


class PasswordsDiffer(Refusal):
    code = "credential.passwords_differ"
    status = 422
    title = "两次输入的交易密码不一致"
    detail = "没有作任何改动。"
    remedy = "请重新输入两次，注意数字一致。"


class PlaceNotYours(Refusal):
    code = "credential.place_not_yours"
    status = 422
    title = "您在该地没有医保关系"
    detail = "只能选择您参保的地区。"
    remedy = "请从列表中选择参保地；列表里没有的，请联系当地医保局确认登记（12393）。"


class TermsNotAgreed(Refusal):
    code = "credential.terms_not_agreed"
    status = 422
    title = "请先阅读并同意服务协议"
    detail = "没有勾选同意，医保码未激活。"
    remedy = "请阅读协议后勾选同意，再点激活。"


class NotBound(Refusal):
    code = "credential.not_bound"
    title = "还没有绑定医保关系"
    detail = "医保码要先绑定医保关系。"
    remedy = "请到「公共服务 › 用户认证」绑定医保关系。"


class NotActivated(Refusal):
    code = "credential.not_activated"
    title = "这部手机还没有激活医保码"
    detail = "每部手机要各自激活一次。"
    remedy = "请点「激活医保码」。"


class LimitInvalid(Refusal):
    code = "credential.limit_invalid"
    status = 422
    title = "免密限额不在范围内"
    detail = "可设 0 到 {most} 元。"
    remedy = "请重新输入，设为 0 表示每次都要交易密码。"
