"""Why somebody is not registered, not signed in, or not believed; in the order in which the actions look for it."""

from yibao.core.refusal import Refusal


class AccountUnknown(Refusal):
    code = "identity.account_unknown"
    status = 404
    title = "没有找到账户"
    detail = "账户不存在。"
    hint = "请核对账户标识。"
    remedy = "请重新登录后再试。"


# Phones and SMS codes.


class PhoneMalformed(Refusal):
    code = "identity.phone_malformed"
    status = 422
    title = "手机号格式不正确"
    detail = "请填写以 1 开头的 11 位手机号。"
    hint = "请核对手机号位数。"
    remedy = "请检查手机号后重新填写。"


class CodeTooSoon(Refusal):
    code = "identity.code_too_soon"
    status = 429
    title = "验证码发送过于频繁"
    detail = "每分钟只能获取一次，请 {seconds} 秒后再试。"
    hint = "请等待倒计时结束后再获取。"
    remedy = "请先查看手机短信；没有收到的，请 {seconds} 秒后重新获取。"


class CodeTooOften(Refusal):
    code = "identity.code_too_often"
    status = 429
    title = "今天获取验证码的次数已用完"
    detail = "同一台设备每天最多为一个手机号获取 10 次同一用途的验证码。"
    hint = "请核对短信是否被手机拦截。"
    remedy = "请检查短信拦截设置，明天再试，或改用登录密码、人脸识别；急着就医的，身份证、社会保障卡照常使用。"


class CodeNeedsKnownDevice(Refusal):
    code = "identity.code_needs_known_device"
    status = 429
    title = "今天不再向陌生设备发送验证码"
    detail = "今天有多台陌生设备为这个手机号获取验证码。平时使用的手机不受影响，仍可获取。"
    hint = "请在平时使用的手机上获取，或改用人脸识别。"
    remedy = (
        "请在平时使用的手机上获取，或改用登录密码、人脸识别；也可明天再试，急着就医的，身份证、社会保障卡照常使用。"
    )


class CodeExpired(Refusal):
    code = "identity.code_expired"
    status = 403
    title = "验证码已失效"
    detail = "验证码只在获取它的设备上、5 分钟内有效，只能使用一次，输错 5 次后作废；重新获取后，以前的验证码也作废。"
    hint = "请重新获取验证码。"
    remedy = "请重新获取验证码，并填写最新一条短信中的数字。"


class CodeWrong(Refusal):
    code = "identity.code_wrong"
    status = 403
    title = "验证码不正确"
    detail = "还可以再试 {left} 次。"
    hint = "请填写最新一条短信中的 6 位数字。"
    remedy = "请核对最新一条短信中的 6 位数字后重新填写。"


class AlreadyRegistered(Refusal):
    code = "identity.already_registered"
    title = "该手机号已注册"
    detail = "一个手机号只能注册一个账户。"
    hint = "请引导用户直接登录。"
    remedy = "请直接登录；忘记密码的，请在登录页点「忘记密码」。"


class PhoneUnchanged(Refusal):
    code = "identity.phone_unchanged"
    status = 422
    title = "新旧手机号相同"
    detail = "填写的就是账户现在的手机号，没有作任何改动。"
    remedy = "请填写要更换成的新手机号。"


class OldPhoneMissing(Refusal):
    code = "identity.old_phone_missing"
    title = "账户还没有手机号"
    detail = "账户没有手机号，收不到验证码，也不能用手机号和密码登录；从渠道进入的照常使用。"
    remedy = (
        "请先用人脸识别设置手机号（登录页「手机号已停用」，或「我的 › 手机号」）；"
        "也可带身份证件和手机到医保经办窗口办理（12393）。"
    )


class OldPhoneCodeWrong(Refusal):
    code = "identity.old_phone_code_wrong"
    status = 403
    title = "原手机号的验证码不正确"
    detail = "还可以再试 {left} 次。"
    remedy = "两个手机号各收到一个验证码，请核对原手机号最新一条短信中的 6 位数字。"


# The counter.


class CertificateNotChecked(Refusal):
    code = "identity.certificate_not_checked"
    status = 422
    title = "请先核对本人和证件"
    detail = "没有勾选「已核对本人和证件原件」，没有查找账户。"
    hint = "请核对证件原件和本人相貌后勾选。"
    remedy = "请出示本人的证件原件。"


class ReasonMissing(Refusal):
    code = "identity.reason_missing"
    status = 422
    title = "请写明办理原因"
    detail = "原因不能为空，最多 200 字，本人能看到。"
    hint = "例如：手机丢失，本人到窗口申请更换手机号。"
    remedy = "请向窗口说明办理原因。"


class AccountOfCertificateMissing(Refusal):
    code = "identity.account_of_certificate_missing"
    status = 404
    title = "没有找到以此证件实名的账户"
    detail = "没有账户用这个证件做过实名认证。"
    hint = "请核对证件类型和号码；本人可能用另一种证件实名。尚未实名的，请到「窗口实名认证」办理。"
    remedy = "请核对证件；还没有实名认证的，用现在的手机号注册，再在窗口实名认证。"


class AccountOfPhoneMissing(Refusal):
    code = "identity.account_of_phone_missing"
    status = 404
    title = "这个手机号还没有账户"
    detail = "验证码正确，但没有账户使用这个手机号，没有作任何改动。"
    hint = "请本人在手机上打开本平台网页，用这个手机号注册，约一分钟，再回到这里办理。"
    remedy = "请先用这个手机号注册账户，再由窗口办理实名认证。"


class CaseUnknown(Refusal):
    code = "identity.case_unknown"
    status = 404
    title = "没有这次窗口办理"
    detail = "窗口办理由打开它的经办人在 30 分钟内完成。"
    hint = "请重新核对证件，再次查找。"
    remedy = "请窗口重新核对证件后办理。"


# What a password must be.


class LoginPasswordLength(Refusal):
    code = "identity.login_password_length"
    status = 422
    title = "登录密码长度不符合要求"
    detail = "登录密码须为 8 到 64 位。"
    hint = "请按长度要求设置。"
    remedy = "请换一个 8 位以上、含字母和数字的密码。"


class LoginPasswordTooPlain(Refusal):
    code = "identity.login_password_too_plain"
    status = 422
    title = "登录密码过于简单"
    detail = "登录密码须同时包含字母和数字。"
    hint = "请同时使用字母和数字。"
    remedy = "请在密码中同时使用字母和数字。"


class LoginPasswordHoldsPhone(Refusal):
    code = "identity.login_password_holds_phone"
    status = 422
    title = "登录密码不能包含手机号"
    detail = "手机号容易被他人知道，不能用作密码。"
    hint = "请使用与手机号无关的密码。"
    remedy = "请换一个与手机号无关的密码。"


class PayPasswordMalformed(Refusal):
    code = "identity.pay_password_malformed"
    status = 422
    title = "交易密码应为 6 位数字"
    detail = "交易密码由 6 位数字组成，与登录密码分开设置。"
    hint = "请只输入数字。"
    remedy = "请设置 6 位数字的交易密码。"


class PayPasswordTooSimple(Refusal):
    code = "identity.pay_password_too_simple"
    status = 422
    title = "交易密码过于简单"
    detail = "不能使用相同的数字（如 111111）或连续的数字（如 123456、654321）。"
    hint = "请使用不易猜到的数字。"
    remedy = "请换一组不易被猜到的 6 位数字。"


class PayPasswordPersonal(Refusal):
    code = "identity.pay_password_personal"
    status = 422
    title = "交易密码不能取自证件号码或手机号"
    detail = "证件号码（含出生日期）和手机号中连续的 6 位数字容易被猜到。"
    hint = "请使用与证件号码、手机号无关的数字。"
    remedy = "请换一组与生日、证件号码和手机号无关的 6 位数字。"


class PayPasswordAlreadySet(Refusal):
    code = "identity.pay_password_already_set"
    title = "已经设置过交易密码"
    detail = "本账户已有交易密码，没有作任何改动。"
    hint = "请使用修改交易密码的功能。"
    remedy = "请到「个人中心 › 交易密码修改」修改；忘记的请点「忘记密码」。"


class PayPasswordNotSet(Refusal):
    code = "identity.pay_password_not_set"
    title = "还没有设置交易密码"
    detail = "交易密码在绑定医保关系时设置；绑定了却没有设的，可以补设。"
    hint = "请参保人在手机上打开「我的 › 设置交易密码」，用人脸识别、银联认证或手机号和证件设好，再来付款。"
    remedy = "请到「我的 › 设置交易密码」设置；还没有绑定医保关系的，绑定时一并设置。"


class PayPasswordUnchanged(Refusal):
    code = "identity.pay_password_unchanged"
    status = 422
    title = "新旧交易密码相同"
    detail = "新密码与原密码相同，没有作任何改动。"
    hint = "请设置不同的新密码。"
    remedy = "请设置一个与原来不同的交易密码。"


class PasswordsDiffer(Refusal):
    code = "identity.passwords_differ"
    status = 422
    title = "两次输入的交易密码不一致"
    detail = "没有作任何改动。"
    remedy = "请重新输入两次，注意数字一致。"


class ConsentMissing(Refusal):
    code = "identity.consent_missing"
    status = 422
    title = "请先同意核对您的信息"
    detail = "没有勾选同意，信息没有提交给银联。"
    hint = "请引导用户阅读后勾选。"
    remedy = "请阅读说明，勾选同意后再提交。"


# Passwords that are not right, and locks. For a phone without an account they are the same as for one with it.


class LoginNeedsCode(Refusal):
    code = "identity.login_needs_code"
    status = 429
    title = "请先用短信验证码确认是您本人"
    detail = "近一小时内，有多台陌生设备输错本账户的登录密码。新设备须先验证短信，平时使用的手机不受影响。"
    hint = "请通过短信验证后再登录。"
    remedy = "请点「短信验证」后再登录，或在平时使用的手机上登录；也可 {minutes} 分钟后再试。"


class LoginLocked(Refusal):
    code = "identity.login_locked"
    status = 429
    title = "登录密码已锁定"
    detail = "在本设备上输错 5 次，还有 {minutes} 分钟自动解锁；其他设备不受影响。"
    hint = "请用短信验证码解锁，或等待自动解锁。"
    remedy = "请点「短信解锁」立即解锁，或 {minutes} 分钟后再试；忘记密码的请点「忘记密码」。"


class PayPasswordAtLogin(Refusal):
    code = "identity.pay_password_at_login"
    status = 403
    title = "这里要输入登录密码"
    detail = "6 位数字是交易密码的格式，只用于支付；登录密码含有字母和数字。本设备还可以再试 {left} 次。"
    hint = "请输入登录密码，不要输入交易密码。"
    remedy = "请输入注册时设置的登录密码；忘记的请点「忘记密码」。"


class WrongPassword(Refusal):
    code = "identity.wrong_password"
    status = 403
    title = "手机号或密码不正确"
    detail = "本设备还可以再试 {left} 次，之后锁定 20 分钟。"
    hint = "请核对手机号和登录密码，注意字母大小写。"
    remedy = "请核对后重新输入；忘记密码的请点「忘记密码」，没有账户的请先注册。"


class PayNeedsCode(Refusal):
    code = "identity.pay_needs_code"
    status = 429
    title = "请先用短信验证码确认是您本人"
    detail = "近一小时内，交易密码在多台陌生设备上输错。新设备须先验证短信，平时使用的手机不受影响。"
    hint = "请参保人在平时使用的手机上确认，或改用社会保障卡结算。"
    remedy = "请点「短信验证」，或在平时使用的手机上确认；也可 {minutes} 分钟后再试。"


class PayLocked(Refusal):
    code = "identity.pay_locked"
    status = 429
    title = "交易密码已锁定"
    detail = "在本设备上输错 5 次，还有 {minutes} 分钟自动解锁；其他设备不受影响。"
    hint = "请参保人在自己的手机上确认，或改用社会保障卡结算。"
    remedy = "请用短信验证码解锁，或 {minutes} 分钟后再试；忘记的请到「个人中心 › 交易密码修改」重设。"


class PayLockedWithoutPhone(Refusal):
    code = "identity.pay_locked_without_phone"
    status = 429
    title = "现在不能用交易密码"
    detail = "输错的次数太多，{minutes} 分钟后自动恢复；账户没有设置手机号，不能用短信解锁。"
    hint = "请参保人在自己的手机上确认，或改用社会保障卡结算。"
    remedy = "请 {minutes} 分钟后再试；忘记的请点「忘记交易密码」，用人脸识别或银联认证重新设置，立即可用。"


class LoginPasswordAtPay(Refusal):
    code = "identity.login_password_at_pay"
    status = 403
    title = "这里要输入交易密码"
    detail = "交易密码是 6 位数字，与登录密码不同。本设备还可以再试 {left} 次。"
    hint = "请参保人输入 6 位数字的交易密码，不要输入登录密码。"
    remedy = "请输入绑定医保关系时设置的 6 位数字交易密码。"


class WrongPayPassword(Refusal):
    code = "identity.wrong_pay_password"
    status = 403
    title = "交易密码不正确"
    detail = "本设备还可以再试 {left} 次，之后锁定 20 分钟。"
    hint = "请参保人重新输入 6 位数字的交易密码。"
    remedy = "请重新输入；忘记的请到「个人中心 › 交易密码修改 › 忘记密码」重设。"


class StaffNeedsKnownDevice(Refusal):
    code = "identity.staff_needs_known_device"
    status = 429
    title = "请在平时使用的电脑上登录"
    detail = "近一小时内，有多台陌生设备输错本工号的密码，新设备暂不能登录；平时使用的电脑不受影响。"
    hint = "请在登录过的电脑上登录，或 {minutes} 分钟后再试；不是本人操作的，请通知系统管理员。"
    remedy = "请在平时使用的电脑上登录，或 {minutes} 分钟后再试。"


class StaffLocked(Refusal):
    code = "identity.staff_locked"
    status = 429
    title = "工号已在本设备锁定"
    detail = "在本设备上输错 5 次，还有 {minutes} 分钟自动解锁；其他设备不受影响。"
    hint = "请 {minutes} 分钟后再试，或请系统管理员重设密码。"
    remedy = "请 {minutes} 分钟后再试；忘记密码的请联系系统管理员。"


class WrongStaffPassword(Refusal):
    code = "identity.wrong_staff_password"
    status = 403
    title = "工号或密码不正确"
    detail = "本设备还可以再试 {left} 次，之后锁定 20 分钟。"
    hint = "请核对工号和密码，注意字母大小写。"
    remedy = "请核对后重新输入；忘记密码的请联系系统管理员。"


# Real names.


class RealNameMissing(Refusal):
    code = "identity.real_name_missing"
    status = 403
    title = "请先完成实名认证"
    detail = "这项操作要先确认账户属于您本人。"
    hint = "请引导用户完成实名认证。"
    remedy = "请到「我的 › 实名认证」完成认证后再试。"


class WhoIncomplete(Refusal):
    code = "identity.who_incomplete"
    status = 422
    title = "请填写姓名、证件类型和证件号码"
    detail = "三项都要填写，证件类型从列表中选择。"
    hint = "请对照证件原件，把姓名和号码填写完整。"
    remedy = "请按证件填写姓名和号码；外籍人员按护照或永久居留身份证上的姓名填写。"


class NumberMistyped(Refusal):
    code = "identity.number_mistyped"
    status = 422
    title = "证件号码填错了"
    detail = "居民身份证号码是 18 位，末位是校验码；填写的号码不是这样。还没有提交，不计次数。"
    hint = "请对照身份证原件逐位核对证件号码。"
    remedy = "请对照身份证原件逐位核对「证件号码」；用别的证件的，请改选「证件类型」。核对无误的，请拨打 12393。"


class CertificateNotOfAccount(Refusal):
    code = "identity.certificate_not_of_account"
    status = 403
    title = "证件号码与账户不符"
    detail = "填写的证件号码不是本账户实名认证时的号码。"
    hint = "请核对实名认证时使用的证件。"
    remedy = "请填写实名认证时使用的证件号码；证件已更换的，请带新证件和手机到医保经办窗口更换。"


class AccountOfNameMissing(Refusal):
    code = "identity.account_of_name_missing"
    status = 404
    title = "没有找到您实名的账户"
    detail = "人脸识别已通过，但没有账户用您的证件做过实名认证。"
    hint = "请核对证件类型；未实名的账户只能用注册的手机号找回。"
    remedy = "请用注册的手机号找回；手机号已停用的，用现在的手机号重新注册即可：没有实名的账户里没有医保信息。"


class RealNameOfAnother(Refusal):
    code = "identity.real_name_of_another"
    title = "本账户已由另一人实名"
    detail = "一个账户只能由一人实名，填写的证件与已认证的不同。"
    hint = "请勿用他人账户办理实名认证；本人换了证件的，填写原证件，姓名须与原来相同。"
    remedy = "请用您自己的手机号注册账户；为家人办理的，请使用「亲情账户」。"


class RealNameTooOften(Refusal):
    code = "identity.real_name_too_often"
    status = 429
    title = "今天的实名认证次数已用完"
    detail = "每个账户每天最多认证 5 次。"
    hint = "请核对四项信息后次日再试。"
    remedy = "请核对姓名、证件号码、银行卡号和银行预留手机号，明天再试，或改用人脸识别。"


class BankNotConnected(Refusal):
    code = "identity.bank_not_connected"
    status = 503
    title = "暂未开通银联认证"
    detail = "本平台还没有接通银联的实名认证服务。"
    hint = "请系统管理员设置 YIBAO_UNIONPAY_URL 和 YIBAO_UNIONPAY_KEYS。"
    remedy = "请改用人脸识别，或带证件和手机到医保经办窗口实名认证。"


class NameDiffers(Refusal):
    code = "identity.name_differs"
    title = "姓名与银行登记的不一致"
    detail = "银行核对后，姓名不符。"
    hint = "请核对生僻字、间隔号和姓名顺序。"
    remedy = "请按证件填写姓名（注意生僻字和间隔号）；改过名的请先到银行更新，或改用人脸识别。"


class CertificateDiffers(Refusal):
    code = "identity.certificate_differs"
    title = "证件与银行登记的不一致"
    detail = "银行核对后，证件类型或证件号码不符。"
    hint = "请核对证件类型和号码。"
    remedy = "请核对证件类型和号码；换过证件的请先到银行更新，或改用人脸识别。"


class CardDiffers(Refusal):
    code = "identity.card_differs"
    title = "银行卡号不正确"
    detail = "银行核对后，没有找到这张卡。"
    hint = "请核对银行卡号。"
    remedy = "请核对卡面上的银行卡号，或换一张本人的银行卡。"


class BankPhoneDiffers(Refusal):
    code = "identity.bank_phone_differs"
    title = "手机号与银行预留的不一致"
    detail = "银行核对后，预留手机号不符。"
    hint = "请使用办卡时在银行预留的手机号。"
    remedy = "请填写在银行预留的手机号；已换号的请先到银行更新，或换一张本人的银行卡。"


class ElementsDiffer(Refusal):
    code = "identity.elements_differ"
    title = "填写的信息与银行登记的不一致"
    detail = "银行没有说明是姓名、证件号码还是预留手机号不符。"
    hint = "请逐项核对姓名、证件和银行预留手机号。"
    remedy = "请逐项核对后再试，或换一张本人的银行卡，也可改用人脸识别。"


class BankCardUnsupported(Refusal):
    code = "identity.bank_card_unsupported"
    title = "这张银行卡不支持实名认证"
    detail = "发卡银行没有为这张卡提供认证，卡可能已挂失、停用，或未开通此项服务。"
    hint = "请换一张银行卡，或改用人脸识别。"
    remedy = "请换一张本人的银行卡，或改用人脸识别；卡状态有疑问请致电发卡银行。"


class BankUnknown(Refusal):
    code = "identity.bank_unknown"
    status = 503
    title = "银联暂未答复"
    detail = "认证结果待确认，既没有通过，也没有被拒绝。"
    hint = "请用相同的信息再次提交，10 分钟内不另计次数。"
    remedy = "请稍候用相同的信息再次提交，不会重复认证；一直没有结果的，请改用人脸识别。"


class StillBound(Refusal):
    code = "identity.still_bound"
    title = "请先解除医保关系的绑定"
    detail = "账户还绑定着医保关系，没有注销。"
    hint = "先解除绑定，再注销账户。"
    remedy = "请先解除绑定，再注销账户。"


class AttachedElsewhere(Refusal):
    code = "identity.attached_elsewhere"
    title = "账户与医保关系已另有绑定"
    detail = "一个账户只绑定一人的医保关系，一人的医保关系也只绑定一个账户。"
    hint = "请先解除原有绑定。"
    remedy = "请用原手机号登录后解除绑定，或到医保经办窗口核验身份后解除（12393）。"
