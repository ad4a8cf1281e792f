"""Why a request, an answer or a reading is refused; each in the order in which its action looks for it."""

from yibao.core.refusal import Refusal


class ScopeUnknown(Refusal):
    code = "authorisation.scope_unknown"
    status = 422
    title = "不能申请这样的授权"
    detail = "可以申请的内容：{known}。"
    hint = "请按接口文档填写 scopes，至少一项。"
    remedy = "请联系提出申请的机构更正后再试。"


class PurposeInvalid(Refusal):
    code = "authorisation.purpose_invalid"
    status = 422
    title = "用途没有写明"
    detail = "用途要用 2 到 {most} 个字写给本人看。"
    hint = "请写清楚要这些信息做什么，例如「办理住院登记」。"
    remedy = "请联系提出申请的机构更正后再试。"


class TooLong(Refusal):
    code = "authorisation.too_long"
    status = 422
    title = "授权时间过长"
    detail = "最长 {most} 天；0 表示只用一次。"
    hint = "请缩短 days，到期可以再次申请。"
    remedy = "请联系提出申请的机构更正后再试。"


class RequestNumberTaken(Refusal):
    code = "authorisation.request_number_taken"
    title = "这个流水号已用于另一次申请"
    detail = "同一流水号再次提交时，内容与第一次不同。"
    hint = "内容相同的重发用原流水号，新的申请用新流水号。"
    remedy = "请在机构的页面上重新发起。"


class VisitUnknown(Refusal):
    code = "authorisation.visit_unknown"
    status = 404
    title = "没有这次扫码，或已经过期"
    detail = "就诊凭据只给扫码的机构，15 分钟内有效。"
    hint = "请重新扫描医保码，或不带 token，改为显示二维码。"
    remedy = "请重新出示医保码。"


class RequestUnknown(Refusal):
    code = "authorisation.request_unknown"
    status = 404
    title = "没有这个授权申请"
    detail = "链接不完整，或申请不是给您的。"
    hint = "请核对申请编号；只能查询本机构的申请。"
    remedy = "请在机构的页面上重新发起，再用手机扫描新的二维码。"


class RequestExpired(Refusal):
    code = "authorisation.request_expired"
    status = 410
    title = "授权申请已过期"
    detail = "申请提出后三分钟内有效，没有提供任何信息。"
    hint = "请重新发起申请。"
    remedy = "请在机构的页面上重新发起，再用手机扫描新的二维码。"


class RequestAnswered(Refusal):
    code = "authorisation.request_answered"
    title = "这个授权申请已经答复"
    detail = "每个申请只能答复一次。"
    hint = "请查询申请的状态。"
    remedy = "答复过的可以在「我的授权」中查看或撤回；不是您答复的，请在机构的页面上重新发起。"


class NotBound(Refusal):
    code = "authorisation.not_bound"
    status = 403
    title = "请先绑定医保关系"
    detail = "授权以绑定的医保关系确认是您本人。"
    remedy = "请到「我的」完成实名认证和绑定，再回来答复。"


class AuthNoUnknown(Refusal):
    code = "authorisation.auth_no_unknown"
    status = 404
    title = "授权编号无效"
    detail = "没有这个授权编号，或不是给本机构的。"
    hint = "请用查询申请状态时得到的 auth_no，只能由提出申请的机构使用。"
    remedy = "请在机构的页面上重新发起。"


class AuthNoUsed(Refusal):
    code = "authorisation.auth_no_used"
    title = "授权编号已使用过"
    detail = "授权编号只能用一次，用来换取凭据和授权的信息。"
    hint = "长期授权请用已换得的 token 再次读取；一次性授权请重新申请。"
    remedy = "请在机构的页面上重新发起。"


class AuthNoExpired(Refusal):
    code = "authorisation.auth_no_expired"
    status = 410
    title = "授权编号已过期"
    detail = "授权编号在本人允许后 15 分钟内有效。"
    hint = "请重新申请。"
    remedy = "请在机构的页面上重新发起。"


class GrantUnknown(Refusal):
    code = "authorisation.grant_unknown"
    status = 404
    title = "没有这项授权"
    detail = "没有这项授权，或不是给本机构的。"
    hint = "请用换取授权时得到的 token。"
    remedy = "请到「我的授权」核对；机构需要信息时会重新申请。"


class GrantWithdrawn(Refusal):
    code = "authorisation.grant_withdrawn"
    status = 403
    title = "本人已撤回授权"
    detail = "撤回以后不再提供任何信息。"
    hint = "确有需要的，请重新申请并说明用途。"
    remedy = "撤回已经生效；需要再次授权时，请在机构的页面上重新发起。"


class GrantEnded(Refusal):
    code = "authorisation.grant_ended"
    status = 410
    title = "授权已到期或已使用"
    detail = "一次性授权只能读取一次，限期授权到期后不再提供信息。"
    hint = "请重新申请。"
    remedy = "需要再次授权时，请在机构的页面上重新发起。"
