"""Why somebody cannot act for a unit, or a unit's code is not accepted."""

from yibao.core.refusal import Refusal


class CreditCodeInvalid(Refusal):
    code = "unit.credit_code_invalid"
    status = 422
    title = "统一社会信用代码不正确"
    detail = "统一社会信用代码是 18 位数字和大写字母，末位是校验码。"
    hint = "请对照营业执照或法人证书录入。"
    remedy = "请对照营业执照或法人证书，逐位核对后重新输入。"


class UnitIncomplete(Refusal):
    code = "unit.unit_incomplete"
    status = 422
    title = "单位信息不完整"
    detail = "单位名称、所在地和法定代表人的姓名、证件都要填写；医药机构还要有机构编码。"
    hint = "请核对登记材料后补齐。"
    remedy = "请把缺少的内容补齐后再提交。"


class UnitTaken(Refusal):
    code = "unit.unit_taken"
    title = "这个单位已经登记"
    detail = "统一社会信用代码、机构编码，或同一地方用人单位的名称，已属于一个登记过的单位；一个单位只有一个码。"
    hint = "请按名称或代码查找已登记的单位；同名的两个用人单位，先核对参保登记中各自的名称。"
    remedy = "请由该单位的法定代表人在手机「单位码」中添加经办人。"


class UnitUnknown(Refusal):
    code = "unit.unit_unknown"
    status = 404
    title = "没有这个单位"
    detail = "没有登记过，或页面已经过时。"
    hint = "请按名称或统一社会信用代码重新查找。"
    remedy = "请核对单位名称和统一社会信用代码。"


class NotOperator(Refusal):
    code = "unit.not_operator"
    status = 403
    title = "您不是这个单位的经办人"
    detail = "单位没有用您的实名信息指定您办事，或已经取消。"
    hint = "法定代表人可以在手机「单位码 › 经办人」中添加。"
    remedy = "请先完成实名认证；仍看不到的，请让单位法定代表人核对您的姓名和证件号码后添加。"


class OnlyLegal(Refusal):
    code = "unit.only_legal"
    status = 403
    title = "只有法定代表人可以增减经办人"
    detail = "当前登录的是一般经办人。"
    hint = "请由法定代表人本人在手机上操作。"
    remedy = "请由法定代表人操作；法定代表人变更的，请带登记证件到单位登记地的医保经办窗口。"


class OperatorIncomplete(Refusal):
    code = "unit.operator_incomplete"
    status = 422
    title = "经办人信息不完整"
    detail = "要有姓名、证件类型和证件号码。"
    hint = "请对照证件原件填写姓名和号码。"
    remedy = "请按经办人的证件填写姓名和号码。"


class NumberInvalid(Refusal):
    """A slip of the keys would name somebody whom nobody can prove to be."""

    code = "unit.number_invalid"
    status = 422
    title = "证件号码不正确"
    detail = "居民身份证是 18 位，末位是校验码；填写的号码不符，没有作任何改动。"
    hint = "请对照证件原件逐位核对，重新填写。"
    remedy = "请对照证件原件逐位核对，重新填写；核对无误仍不能办的，请拨打 12393。"


class OriginalsNotChecked(Refusal):
    code = "unit.originals_not_checked"
    status = 422
    title = "请先核对本人和证件"
    detail = "没有勾选已核对证件原件，没有作任何改动。"
    hint = "请核对登记证件和法定代表人的证件原件后勾选。"
    remedy = "请带登记证件和法定代表人的证件原件到窗口办理。"


class LegalAlready(Refusal):
    code = "unit.legal_already"
    title = "已经是法定代表人"
    detail = "填写的人就是这个单位现在的法定代表人，没有作任何改动。"
    hint = "请核对变更后的登记证件，填写新的法定代表人；手机丢失的，请用「解绑单位码」。"
    remedy = "不用变更；手机丢失的，可在窗口解绑单位码，再重新激活。"


class OperatorAppointed(Refusal):
    code = "unit.operator_appointed"
    title = "已经是经办人"
    detail = "这个证件号码已在本单位的经办人名单上。"
    remedy = "不用重复添加；姓名填错的，请先取消再重新添加。"


class OperatorUnknown(Refusal):
    code = "unit.operator_unknown"
    status = 404
    title = "没有这位经办人"
    detail = "名单上没有，或已经取消。"
    remedy = "请刷新名单核对。"


class LegalStays(Refusal):
    code = "unit.legal_stays"
    title = "法定代表人不能在这里取消"
    detail = "每个单位始终要有法定代表人。"
    hint = "请核对登记证件，为单位更换法定代表人。"
    remedy = "法定代表人变更的，请带登记证件到单位登记地的医保经办窗口办理。"


class AgreementNotTicked(Refusal):
    code = "unit.agreement_not_ticked"
    status = 422
    title = "请先同意单位码使用协议"
    detail = "没有勾选同意，单位码没有激活。"
    remedy = "请阅读协议，勾选同意后再激活。"


class NotActivated(Refusal):
    code = "unit.not_activated"
    title = "这部手机上还没有激活单位码"
    detail = "没有激活过，或已经解绑。"
    remedy = "请在「单位码」页面激活后再出示。"


class BadCode(Refusal):
    """A code that no operator's phone has shown; the try stays counted."""


class CodeMalformed(BadCode):
    code = "unit.code_malformed"
    status = 422
    title = "这不是单位码"
    detail = "单位码是 28 位数字，末六位是省级区划。"
    remedy = "请在手机上打开「单位码」页面，扫描或输入上面的 28 位数字。"


class CodeUnknown(BadCode):
    code = "unit.code_unknown"
    status = 404
    title = "无法识别的单位码"
    detail = "没有经办人的手机出示过这个码。"
    remedy = "请在手机上刷新单位码，再扫描或输入一次。"


class TooManyTries(Refusal):
    code = "unit.too_many_tries"
    status = 429
    title = "尝试次数过多，请稍候"
    detail = "这个浏览器一分钟内有 10 次无法识别的码。"
    remedy = "请一分钟后在手机上刷新单位码，再试一次。"


class PersonCodeShown(Refusal):
    """The try is forgiven: nobody guessed it, somebody opened the wrong page on the phone."""

    code = "unit.person_code_shown"
    status = 422
    title = "这是个人医保码"
    detail = "个人医保码代表您本人，不能代表单位登录。"
    remedy = "请在手机上打开「单位码」页面，用单位码登录；个人医保码请不要在这里输入。"


class CodeExpired(Refusal):
    code = "unit.code_expired"
    title = "单位码已过期"
    detail = "单位码一分钟内有效，截屏或照片不能使用。"
    remedy = "请在手机上刷新单位码，再扫描或输入一次。"


class CodeSpent(Refusal):
    code = "unit.code_spent"
    title = "单位码已使用过"
    detail = "每个单位码只能用一次。"
    remedy = "请刷新单位码再试；如不是本单位的人使用，请立即在「单位码」页面解绑，并拨打 12393。"


class DeviceUnbound(Refusal):
    code = "unit.device_unbound"
    status = 403
    title = "这部手机上的单位码已失效"
    detail = "单位码已解绑，或经办人、单位已经取消。"
    remedy = "请由单位现在的经办人在手机上重新激活单位码。"


class NotEmployer(Refusal):
    code = "unit.not_employer"
    status = 404
    title = "这个单位没有职工名单"
    detail = "职工名单按参保登记的用人单位列出，医药机构的单位码不列。"
    remedy = "请用用人单位的单位码登录后查看。"


class ReasonMissing(Refusal):
    code = "unit.reason_missing"
    status = 422
    title = "请填写原因"
    detail = "在窗口解绑单位码、变更法定代表人，要记下谁、为什么。"
    hint = "请写明申请人、核对过的证件和原因。"
    remedy = "请向窗口说明原因，例如手机丢失。"


class UnitOfAnotherPlace(Refusal):
    code = "unit.unit_of_another_place"
    status = 403
    title = "单位不在本窗口登记"
    detail = "法定代表人只能在单位登记地的医保经办窗口变更。"
    hint = "请让单位到登记地的窗口办理。"
    remedy = "请带登记证件到单位登记地的医保经办窗口办理。"
