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
    detail = "医保码是 28 位数字，末六位是省级区划；扫到的不是。"
    hint = "请扫描医保码页面上的二维码或条形码，不要扫支付码。"
    remedy = "请打开「医保码」页面再出示。"


class CodeUnknown(BadCode):
    code = "credential.code_unknown"
    status = 404
    title = "无法识别的医保码"
    detail = "没有手机出示过这个码。"
    hint = "请让参保人刷新后重新出示；反复出现请核对扫码设备。"
    remedy = "请刷新医保码再出示一次。"


class UnitCodeShown(Refusal):
    """No bad scan: nobody guessed it, somebody opened the wrong page."""

    code = "credential.unit_code_shown"
    status = 422
    title = "这是单位码"
    detail = "单位码代表单位，只用来登录单位网页，不能为个人结算。"
    hint = "请让参保人打开「医保码」页面再出示。"
    remedy = "请打开「医保码」页面，出示您本人的医保码。"


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


class OfflineOver(Refusal):
    code = "credential.offline_over"
    status = 403
    title = "这部手机的离线医保码已停用"
    detail = "手机太久没有联网，或者已经退出登录，没有联网时出示的码不再有效。"
    hint = "请让参保人把手机连上网络，刷新医保码后重新出示；不能联网的，请改用身份证或社会保障卡。"
    remedy = "请连接网络，重新打开医保码再出示；不能联网的，请出示身份证或社会保障卡。"


class ScreenLocked(Refusal):
    code = "credential.screen_locked"
    status = 423
    title = "医保码已锁住"
    detail = "这部手机上的医保码设了锁屏保护，要先打开。"
    hint = "请让参保人在手机上解锁；打不开的，请改用身份证或社会保障卡。"
    remedy = "请用手机的指纹、面容或锁屏密码解锁，或者输入交易密码打开；急用请出示身份证、社会保障卡。"


class LockUnproved(Refusal):
    code = "credential.lock_unproved"
    status = 403
    title = "锁屏没有通过"
    detail = "没有收到这部手机有效的锁屏确认，或者等得太久（两分钟）。"
    hint = "请重新解锁一次。"
    remedy = "请再试一次；还不行的，请用交易密码打开，或拨打 12393。"


class TicketsUsedUp(Refusal):
    code = "credential.tickets_used_up"
    status = 429
    title = "今天的离线医保码已领完"
    detail = "这部手机今天备的离线码已经够多。"
    hint = "联网时照常出示医保码，不受影响；24 小时后再领取离线码。"
    remedy = "联网时照常出示医保码；没有网络时请用身份证或社会保障卡。"


class CodeOfSuspendedChannel(Refusal):
    code = "credential.code_of_suspended_channel"
    status = 403
    title = "该渠道的医保码已暂停使用"
    detail = "{channel}的医保码服务已暂停，这个码没有使用。"
    hint = "请改用身份证、社会保障卡，或请参保人出示其他渠道的医保码。"
    remedy = "请出示其他渠道的医保码、身份证或社会保障卡；疑问请拨打{channel} {hotline}。"


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


class CardNotIssued(Refusal):
    code = "credential.card_not_issued"
    status = 404
    title = "没有查到您的社会保障卡"
    detail = "您名下没有已发放的社会保障卡，不能用电子社保卡人脸识别。"
    remedy = "请改用银联认证，或带证件和手机到医保经办窗口实名认证，不用卡；刚领卡的次日再试，申领问 12333。"


class NoCardToBind(Refusal):
    code = "credential.no_card_to_bind"
    status = 404
    title = "没有查到您的社会保障卡"
    detail = "参保登记正常，但您名下没有已发放的社会保障卡，不能用卡号绑定。"
    remedy = (
        "不用卡也能办：从微信、支付宝等渠道打开医保码，刷脸激活；或带证件原件和手机到参保地医保经办窗口，当面核对后绑定不用卡号（12393）。"
        "刚领卡的次日再试。"
    )


class CardLost(Refusal):
    code = "credential.card_lost"
    title = "社会保障卡已挂失"
    detail = "这张卡已办理挂失，不能使用。"
    remedy = "找到卡的请先解除挂失，否则请补办新卡（12333）；就医可先用身份证，以前激活过的医保码也照常使用。"


class CardFrozen(Refusal):
    code = "credential.card_frozen"
    title = "社会保障卡已冻结"
    detail = "这张卡被发卡机构冻结，不能使用。"
    remedy = "请带身份证到参保地社保局查明原因并解冻（12333）。"


class CardInactive(Refusal):
    code = "credential.card_inactive"
    title = "社会保障卡的医保功能未启用"
    detail = "卡已发放，但医保功能还没有激活。"
    remedy = "请带身份证和卡到参保地医保或社保窗口启用医保功能。"


def require_usable(state: str) -> None:
    """Refuse a social-security card that is not in order. Refusals: CardLost, CardFrozen, CardInactive."""
    refusal = {"lost": CardLost, "frozen": CardFrozen, "inactive": CardInactive}.get(state)
    if refusal is not None:
        raise refusal


class DocumentMalformed(Refusal):
    code = "credential.document_malformed"
    status = 422
    title = "证件信息没有填完整"
    detail = "社会保障卡要填卡号；身份证件要填证件类型、号码和姓名。"
    hint = "请照证件上的写法填写，或用读卡器读取。"
    remedy = "请把证件交给收费员核对。"


class PersonNotChecked(Refusal):
    code = "credential.person_not_checked"
    status = 422
    title = "请先核对本人与证件"
    detail = "凭证件就诊，收费员须确认证件是面前这位参保人的。"
    hint = "核对相貌与证件照片相符后，勾选「已核对本人与证件」。"
    remedy = "请让收费员核对您本人和证件；代人办理的，请用参保人的医保码。"


class DocumentsSlowed(Refusal):
    code = "credential.documents_slowed"
    status = 429
    title = "查询证件失败次数过多，请稍候"
    detail = "本收款台一分钟内有 5 次、或本机构一小时内有 60 次没有查到的证件。"
    hint = "请一分钟后再试；扫医保码不受影响。"
    remedy = "请稍候，或出示医保码。"


class DocumentUnknown(Refusal):
    """A number that nobody has, or a name that does not fit it: which of the two is not said."""

    code = "credential.document_unknown"
    status = 404
    title = "没有查到这张证件的参保人"
    detail = "号码没有登记，或姓名与登记的不一致。"
    hint = "请核对证件类型、号码和姓名；换过卡的用新卡号，也可换一种证件。"
    remedy = "请出示另一种证件或医保码；登记有误的，请到参保地医保经办机构更正（12393）。"


class NotInsured(Refusal):
    code = "credential.not_insured"
    title = "没有查到医保关系"
    detail = "证件有效，但名下没有医保关系，或关系已终止。"
    remedy = "请向单位或参保地医保局（12393）核实；刚换过参保地的请先办理转移接续。"


class NotSynced(Refusal):
    code = "credential.not_synced"
    title = "参保信息还在同步中"
    detail = "参保地尚未上传您的信息，有的系统显示为「系统异常」「未知错误」。"
    remedy = "通常一个工作日内完成，请明天再试；仍不行请联系参保地医保局（12393）。"


class NotTransferred(Refusal):
    code = "credential.not_transferred"
    title = "参保关系已终止，还没有转到新的参保地"
    detail = "原参保地的关系已经终止，没有查到新参保地的关系。"
    remedy = "换了参保地的，请先在新参保地办理参保登记和转移接续，办好后再来；疑问请拨打参保地 12393。"


class NotRegistered(Refusal):
    code = "credential.not_registered"
    status = 404
    title = "没有查到您的参保登记"
    detail = "医保系统里没有这个证件的登记信息。"
    remedy = "请核对证件类型和号码；从未参保的请先参保，已参保的请带身份证件到参保地医保局核对（12393）。"


class DetailsDiffer(Refusal):
    code = "credential.details_differ"
    title = "参保登记的个人信息与身份信息不一致"
    detail = "姓名与参保地登记的不同，有的系统显示为「个人信息不正确」「未知错误」。"
    hint = "请核对填写的姓名；与证件一致的，先为本人更正参保登记。"
    remedy = "请带身份证件到参保地医保局或社保局更正登记信息，更正后再办（12393）。"


class BoundElsewhere(Refusal):
    code = "credential.bound_elsewhere"
    title = "医保关系已绑定在另一个账户"
    detail = "一人一码：同一个人的医保关系只能绑定一个账户。"
    remedy = (
        "原手机号还在用的，请用它登录。已停用的，请点「手机号已停用」，人脸识别后给那个账户换上现在的手机号，医保关系不用重新绑定；"
        "也可到经办窗口核验身份后解绑（12393）。"
    )


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


class NotYourself(Refusal):
    code = "credential.not_yourself"
    status = 403
    title = "这里只能激活您本人的医保码"
    detail = "要激活的人与这个账户的实名信息不是同一人。"
    remedy = "给父母、子女等家人使用的，请先激活您本人的，再添加亲情账户；账户的实名信息不是本人的，请先在渠道里更换。"


class NameUntold(Refusal):
    code = "credential.name_untold"
    status = 422
    title = "请填写姓名和证件"
    detail = "渠道没有您的实名信息，要由您填写，再用人脸确认是您本人。"
    remedy = "请填写姓名、证件类型和证件号码。"


class NotVouched(Refusal):
    code = "credential.not_vouched"
    status = 403
    title = "请先确认这个渠道账号是您的"
    detail = "您已有医保账户，渠道没有说明来的人是您。关联到您的账户之前，要输入账户的交易密码。"
    remedy = "请输入您设过的交易密码；没有设过的，请先在渠道里完成实名认证，再重新激活，疑问请拨打 12393。"


class OwnBankCardFirst(Refusal):
    code = "credential.own_bank_card_first"
    status = 403
    title = "请先绑定本人的银行卡"
    detail = "{channel}只为绑定了本人银行卡的用户激活医保码，没有查到您的绑定。"
    remedy = "请在{channel}里绑定您本人的银行卡后再来，或从其他渠道激活；疑问请拨打 {hotline}。"


class PlaceUnknown(Refusal):
    code = "credential.place_unknown"
    status = 422
    title = "请选择参保地"
    detail = "没有选择参保地，或选择的不在列表中。"
    remedy = "请选择您参加医保的省、市；不清楚的先选居住地，确认本人后会列出您实际的参保地。"


class ActivationNotBegun(Refusal):
    code = "credential.activation_not_begun"
    title = "激活没有开始，或停留太久"
    detail = "激活要从第一步做起，人脸识别之后半小时内完成。"
    remedy = "请从「选择参保地」重新开始，约一分钟即可完成。"


class ActivationUnknown(Refusal):
    code = "credential.activation_unknown"
    status = 404
    title = "没有这次激活"
    detail = "要解绑的激活不在您名下。"
    remedy = "请返回「渠道与设备」，从列表里选择。"


class UnbindingNotAgreed(Refusal):
    code = "credential.unbinding_not_agreed"
    status = 422
    title = "请先同意解绑说明"
    detail = "没有勾选同意，人脸识别没有开始。"
    remedy = "请阅读说明，勾选同意后再开始人脸识别。"


class NobodyFound(Refusal):
    code = "credential.nobody_found"
    status = 404
    title = "没有查到这个人"
    detail = "没有用这个证件或社会保障卡登记的人。"
    hint = "请核对证件类型和号码。"
    remedy = "请核对证件后重试。"


class ReasonMissing(Refusal):
    code = "credential.reason_missing"
    status = 422
    title = "请写明原因"
    detail = "查看、解绑和暂停都要记录原因，参保人可以看到。"
    hint = "请写 2 到 100 个字。"
    remedy = "请写明原因后再提交。"


# Channels, and the calls of their servers.


class CallUnsigned(Refusal):
    code = "credential.call_unsigned"
    status = 401
    title = "渠道签名不正确"
    detail = "没有签名，或渠道、密钥、签名不符。"
    hint = "请按接口说明用登记的 SM2 密钥签名，并核对密钥编号和有效期。"
    remedy = "请稍后再试；反复出现请拨打渠道客服。"


class CallsSlowed(Refusal):
    code = "credential.calls_slowed"
    status = 429
    title = "签名错误过多，请稍候"
    detail = "这个来源一分钟内有 20 次签名错误。"
    hint = "请改正签名，一分钟后再试；签名正确过的来源不受限制。"
    remedy = "请稍后再试；反复出现请拨打渠道客服。"


class CallStale(Refusal):
    code = "credential.call_stale"
    status = 401
    title = "渠道请求的时间不对"
    detail = "签名里的时间与平台相差超过 5 分钟。"
    hint = "请校准服务器时钟，每次请求重新签名。"
    remedy = "请稍后再试；反复出现请拨打渠道客服。"


class CallRepeated(Refusal):
    code = "credential.call_repeated"
    title = "渠道请求重复"
    detail = "同一个随机串只能用一次。"
    hint = "请换一个随机串重新签名。"
    remedy = "请返回渠道重新进入。"


class ChannelNotAdmitted(Refusal):
    code = "credential.channel_not_admitted"
    status = 403
    title = "渠道还没有准入"
    detail = "{channel}已申请，还没有通过准入。"
    hint = "请联系医保经办机构办理准入。"
    remedy = "请从其他渠道使用医保码；疑问请拨打 {hotline}。"


class ChannelSuspended(Refusal):
    code = "credential.channel_suspended"
    status = 403
    title = "渠道已暂停"
    detail = "{channel}的医保码服务已暂停。"
    hint = "请联系医保经办机构。"
    remedy = "请从其他渠道使用医保码，或用身份证、社会保障卡；疑问请拨打{channel} {hotline}。"


class ChannelNotPermitted(Refusal):
    code = "credential.channel_not_permitted"
    status = 403
    title = "这个渠道没有开通此功能"
    detail = "{channel}没有获准办理这项业务。"
    hint = "请向医保经办机构申请开通。"
    remedy = "请从其他渠道办理；疑问请拨打{channel} {hotline}。"


class ReturnNotRegistered(Refusal):
    code = "credential.return_not_registered"
    status = 422
    title = "返回地址没有登记"
    detail = "渠道只能让用户返回登记过的地址。"
    hint = "请使用登记的返回地址，或向医保经办机构申请变更。"
    remedy = "请返回渠道重新进入；反复出现请拨打渠道客服。"


class TicketUsed(Refusal):
    code = "credential.ticket_used"
    status = 403
    title = "入口已失效"
    detail = "从渠道进入的链接两分钟内有效，只能用一次。"
    remedy = "请返回您使用的渠道（如微信、支付宝），重新点击医保入口。"


class CookiesOff(Refusal):
    code = "credential.cookies_off"
    status = 403
    title = "浏览器没有保存 Cookie"
    detail = "没有 Cookie 就认不出这部手机，不能登录和出示医保码。"
    remedy = "请在浏览器设置里允许 Cookie，再从渠道重新进入。"


class ChannelUserUnknown(Refusal):
    code = "credential.channel_user_unknown"
    status = 404
    title = "没有这个渠道用户"
    detail = "这个用户没有从渠道进入过。"
    hint = "请核对用户编号。"
    remedy = "请核对后再试，或拨打 12393。"


class ChannelUnknown(Refusal):
    code = "credential.channel_unknown"
    status = 404
    title = "没有这个渠道"
    detail = "渠道编码不存在。"
    hint = "请从渠道列表进入。"
    remedy = "请从渠道列表进入。"


class ChannelMalformed(Refusal):
    code = "credential.channel_malformed"
    status = 422
    title = "渠道资料不完整"
    detail = "{what}"
    hint = "请改正后重新提交。"
    remedy = "请改正后重新提交。"


class ChannelMoveIllegal(Refusal):
    code = "credential.channel_move_illegal"
    title = "渠道现在的状态不能这样办"
    detail = "页面打开以后，渠道的状态已经改变。"
    hint = "请刷新页面，查看现在的状态。"
    remedy = "请刷新页面后再办。"


class KeyMalformed(Refusal):
    code = "credential.key_malformed"
    status = 422
    title = "公钥或有效期不正确"
    detail = "公钥应为 SM2 公钥的 128 位十六进制数（x‖y，可带前缀 04），有效期的终止日应在起始日之后。"
    hint = "请向渠道核对公钥；私钥由渠道自己保管，不要提交。"
    remedy = "请核对后重新提交。"


class KeyTaken(Refusal):
    code = "credential.key_taken"
    title = "这个公钥已经登记过"
    detail = "同一个公钥只登记一次，吊销以后也不能再用。"
    hint = "请让渠道换一对新密钥。"
    remedy = "请让渠道换一对新密钥。"
