"""Why somebody is not registered, or not found."""

from yibao.core.refusal import Refusal


class PersonUnknown(Refusal):
    code = "registry.person_unknown"
    status = 404
    title = "没有找到此人的登记信息"
    detail = "人员编号不在登记库中。"
    hint = "请按证件号码重新查找；查不到的，先办理登记。"
    remedy = "请携带有效身份证件到参保地医保经办机构核实登记信息。"


class PersonTaken(Refusal):
    code = "registry.person_taken"
    title = "该人员编号已登记"
    detail = "一个人员编号只能登记一个人。"
    hint = "请核对是否重复导入；登记新的人员须用新的编号。"
    remedy = "请联系参保地医保经办机构核对登记信息。"


class CertificateTaken(Refusal):
    code = "registry.certificate_taken"
    title = "该证件已登记"
    detail = "同一种证件的一个号码只能登记一个人。"
    hint = "请按证件查出已有的登记，不要重复建档。"
    remedy = "请携带证件原件到参保地医保经办机构核对。"


class CardTaken(Refusal):
    code = "registry.card_taken"
    title = "该社会保障卡已登记"
    detail = "一张社会保障卡只能登记一个人。"
    hint = "请核对卡号；换发的新卡应使用新的卡号。"
    remedy = "请携带社会保障卡和身份证件到参保地经办机构核对。"


class RelationTaken(Refusal):
    code = "registry.relation_taken"
    title = "该参保关系已登记"
    detail = "同一参保关系在此人名下出现了两次。"
    hint = "请核对导入数据中的参保关系编号。"
    remedy = "请联系参保地医保经办机构核对参保信息。"
