"""What the directory refuses."""

from yibao.core.refusal import Refusal


class InstitutionUnknown(Refusal):
    code = "directory.institution_unknown"
    status = 404
    title = "没有这家机构"
    detail = "机构代码有误，或它已不再是医保定点机构。"
    hint = "请核对机构代码。"
    remedy = "请在“支持的医院/药店”里按名称重新查找，或拨打 12393。"


class MediumMissing(Refusal):
    code = "directory.medium_missing"
    status = 422
    title = "至少要选一种就医凭证"
    detail = "医保码、社会保障卡、身份证都没有选，参保人不知道带什么。"
    hint = "请勾选本机构能读取的凭证；实体卡在各定点机构照常使用。"
    remedy = "请以机构窗口的说明为准。"


class TextTooLong(Refusal):
    code = "directory.text_too_long"
    status = 422
    title = "文字太长"
    detail = "{what}最多 {most} 个字。"
    hint = "请精简后再保存；已填写的内容还在页面上。"
    remedy = "请以机构窗口的说明为准。"
