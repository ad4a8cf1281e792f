"""What cannot be asked. That a place or a case has no rules is for `benefit` to say."""

from yibao.core.refusal import Refusal


class MalformedQuestion(Refusal):
    """Something in the form is not what the field is for. Facts: what."""

    code = "policy_query.malformed_question"
    status = 400
    title = "填写的内容不对"
    detail = "{what}"
    remedy = "请改正后重新查询。"
