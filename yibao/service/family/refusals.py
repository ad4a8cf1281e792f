"""Why a family member is not added, or their code not shown; in the order in which the actions look for it."""

from yibao.core.refusal import Refusal


class PromiseMissing(Refusal):
    code = "family.promise_missing"
    status = 422
    title = "请先阅读并同意个人承诺书"
    detail = "没有勾选个人承诺书，申请没有提交。"
    hint = "请引导用户阅读承诺书后勾选。"
    remedy = "请阅读个人承诺书，勾选同意后再提交。"


class RelationNotOffered(Refusal):
    code = "family.relation_not_offered"
    status = 422
    title = "请选择与家庭成员的关系"
    detail = "所在地的亲情账户只能添加列出的几种关系。"
    hint = "请从列表中选择。"
    remedy = "请从列表中选择该成员是您的什么人。"


class TriedTooOften(Refusal):
    code = "family.tried_too_often"
    status = 429
    title = "今天提交的次数已用完"
    detail = "为防止冒用他人信息，添加成员和上传证件每天合计最多 {most} 次。"
    hint = "请核对姓名和证件号码后再提交。"
    remedy = "请核对家庭成员的姓名和证件号码，明天再试；急用请到医保经办窗口办理，或拨打 12393。"


class MemberUnknown(Refusal):
    code = "family.member_unknown"
    status = 404
    title = "没有查到该成员的参保登记"
    detail = "姓名、证件类型和证件号码须与参保登记完全一致；新生儿须先办理参保登记。"
    hint = "请核对证件，或先为其办理参保登记。"
    remedy = "请对照证件检查后重新填写；仍查不到的，请到参保地医保经办窗口核实，或拨打 12393。"


class MemberIsYourself(Refusal):
    code = "family.member_is_yourself"
    status = 422
    title = "不能把自己添加为家庭成员"
    detail = "填写的是您本人的证件。"
    hint = "本人的医保码在「医保码」页面。"
    remedy = "本人的码请直接打开「医保码」；添加家人请填写家人的证件。"


class ChildNeedsProof(Refusal):
    code = "family.child_needs_proof"
    status = 409
    title = "未成年人须由监护人申请"
    detail = "该成员不满 {age} 周岁，不能用这种方式添加。"
    hint = "请选择「为孩子申请」。"
    remedy = "请返回选择「为孩子申请儿童医保电子码」，上传户口簿或出生医学证明。"


class NotAChild(Refusal):
    code = "family.not_a_child"
    status = 409
    title = "该成员已成年"
    detail = "已满 {age} 周岁的成员由本人同意或本人刷脸添加。"
    hint = "请改用其他绑定方式。"
    remedy = "请返回选择「对方手机确认」或「家人在身边，刷脸添加」。"


class AlreadyMember(Refusal):
    code = "family.already_member"
    title = "该成员已经添加"
    detail = "您的手机已经可以出示该成员的医保码。"
    hint = "已经添加过，不用再办；请家人在手机「我的家庭成员」里打开。"
    remedy = "请到「管理亲情账户」打开该成员的医保码。"


class FamilyFull(Refusal):
    code = "family.family_full"
    title = "家庭成员已满"
    detail = "一个账户最多添加 {most} 位家庭成员。"
    hint = "移除不再需要的成员后可以再添加。"
    remedy = "请先在「管理亲情账户」移除不再需要的成员；家里人多的，可由其他家人分别添加。"


class NotCheckedAtCounter(Refusal):
    code = "family.not_checked_at_counter"
    status = 422
    title = "请先核对本人和证件"
    detail = "没有勾选已核对本人和证件原件，没有办理。"
    hint = "请核对证件原件和本人意愿后勾选；添加须双方在场，孩子还须核对户口簿或出生医学证明。"
    remedy = "请本人带证件原件到窗口；添加家庭成员的，双方一起到。"


class RelativeNotReady(Refusal):
    code = "family.relative_not_ready"
    status = 404
    title = "出示的人还没有绑定医保关系的账户"
    detail = "没有账户以这个姓名和证件绑定了医保关系。"
    hint = "请核对出示医保码的家人的姓名和证件；还没有账户的，请先在其手机上注册、实名认证、绑定医保关系。"
    remedy = "请家人先在自己的手机上注册并绑定医保关系，再办理。"


class MemberElsewhere(Refusal):
    code = "family.member_elsewhere"
    status = 403
    title = "该成员不在本地参保"
    detail = "窗口只为在本地参保的成员办理。"
    hint = "请其到参保地的经办窗口，或在手机上添加。"
    remedy = "请到该成员参保地的医保经办窗口办理，或在手机上由本人同意、本人刷脸添加。"


class RequestUnknown(Refusal):
    code = "family.request_unknown"
    status = 404
    title = "没有找到这次申请"
    detail = "申请不存在，或不是向您提出的。"
    hint = "请核对登录的账户。"
    remedy = "请回到「我的家庭成员」查看。"


class RequestClosed(Refusal):
    code = "family.request_closed"
    title = "这次申请已经结束"
    detail = "申请已处理、已撤回，或超过期限没有答复。"
    hint = "需要时请重新申请。"
    remedy = "请回到「我的家庭成员」查看；需要时请家人重新申请。"


class NotTheElder(Refusal):
    code = "family.not_the_elder"
    status = 403
    title = "刷脸的不是要添加的家人"
    detail = "通过人脸识别的人与申请中填写的家人不是同一个人。"
    hint = "请让要添加的家人本人面对镜头。"
    remedy = "请让要添加的家人本人重新刷脸。"


class PapersMissing(Refusal):
    code = "family.papers_missing"
    status = 422
    title = "请上传证件照片"
    detail = "须上传 1 到 {most} 张照片：户口簿的孩子页和监护人页，或出生医学证明。"
    hint = "请引导用户拍照上传。"
    remedy = "请拍摄户口簿中孩子和您本人的页，或出生医学证明，再提交。"


class ApplicationUnknown(Refusal):
    code = "family.application_unknown"
    status = 404
    title = "没有找到这件申请"
    detail = "申请不存在，或不属于当前账户或经办机构。"
    hint = "请从待办列表打开。"
    remedy = "请回到「我的家庭成员」查看。"


class ApplicationClosed(Refusal):
    code = "family.application_closed"
    title = "这件申请现在不能这样办"
    detail = "申请已有结果，或正在识别、正在人工核对。"
    hint = "请刷新后按当前状态办理。"
    remedy = "请刷新页面，按页面上的提示办理。"


class ReasonMissing(Refusal):
    code = "family.reason_missing"
    status = 422
    title = "请填写不予通过的原因"
    detail = "申请人要知道为什么没有通过、怎样补正。"
    hint = "请写明哪一项不符、需要补什么材料。"
    remedy = "请填写原因后再提交。"


class MemberMissing(Refusal):
    code = "family.member_missing"
    status = 404
    title = "没有找到这位家庭成员"
    detail = "该成员不在您的亲情账户中。"
    hint = "请从「管理亲情账户」打开。"
    remedy = "请回到「管理亲情账户」查看。"


class LinkEnded(Refusal):
    code = "family.link_ended"
    status = 410
    title = "不能再出示该成员的医保码"
    detail = "该成员或您已移除，或该成员已解除医保码的绑定。"
    hint = "需要时请重新添加。"
    remedy = "请与家人联系；仍需要的，请重新添加家庭成员。"


class SingleUseOver(Refusal):
    code = "family.single_use_over"
    status = 410
    title = "同意出示的时间已过"
    detail = "家人只同意在本机出示 {minutes} 分钟，时间已到。"
    hint = "需要时请家人重新刷脸。"
    remedy = "需要再次出示时，请家人本人重新刷脸添加。"


class HandedOver(Refusal):
    code = "family.handed_over"
    status = 410
    title = "孩子已成年，医保码由本人使用"
    detail = "孩子已满 {age} 周岁，监护人不能再出示其医保码。"
    hint = "请本人注册并激活医保码。"
    remedy = "请孩子本人注册并激活医保码；仍需您代为出示的，可由孩子本人同意后重新添加。"
