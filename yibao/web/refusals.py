"""Refusals of the kit itself, before any room is asked."""

from yibao.core.refusal import Refusal


class SignInFirst(Refusal):
    code = "web.sign_in_first"
    status = 401
    title = "请先登录"
    detail = "这个页面要登录后才能使用。"
    hint = "接口请在 Authorization 头中带上机构密钥。"
    remedy = "登录或注册后会回到这里。"


class NotPermitted(Refusal):
    code = "web.not_permitted"
    status = 403
    title = "没有权限"
    detail = "当前登录的身份不能使用这个功能。"
    hint = "请用有权限的工号或机构密钥。"
    remedy = "请返回首页；如有疑问请拨打 12393。"


class NotFound(Refusal):
    code = "web.not_found"
    status = 404
    title = "没有这个页面"
    detail = "地址有误，或内容已不存在。"
    hint = "请核对接口地址。"
    remedy = "请返回首页重新查找。"


class NotFoundAtTill(NotFound):
    hint = ""
    remedy = "请点「返回」回到收款台重新操作。找以前的结算，请在「今日结算」里输入结算单号。"


class NotFoundAtConsole(NotFound):
    hint = ""
    remedy = "请点「返回」回到经办首页，从那里重新进入；要办的事可能已经办完，或者已经撤回。"


class NotFoundAtUnit(NotFound):
    hint = ""
    remedy = "请点「返回」回到单位首页，从那里重新进入。"


NOT_FOUND_AT = {"/till": NotFoundAtTill, "/console": NotFoundAtConsole, "/unit": NotFoundAtUnit}
"""Whoever works in an area of their own knows nothing of the phone's pages, nor of addresses."""


class MethodNotAllowed(Refusal):
    code = "web.method_not_allowed"
    status = 405
    title = "不支持这种请求方式"
    detail = "该地址不接受此方法。"
    hint = "请用页面上的按钮重新操作；接口请核对文档中的请求方法。"
    remedy = "请返回首页重新操作。"


class Malformed(Refusal):
    code = "web.malformed_request"
    status = 400
    title = "提交的内容不符合要求"
    detail = "{what}"
    hint = "请核对所填的内容；接口请按文档更正后重新提交。"
    remedy = "请返回上一页，核对后重新提交。"


class TooLarge(Refusal):
    code = "web.too_large"
    status = 413
    title = "提交的内容过大"
    detail = "超过了允许的大小。"
    hint = "请缩小后重新提交。"
    remedy = "请缩小图片或内容后重试。"


class PageExpired(Refusal):
    code = "web.page_expired"
    status = 403
    title = "页面已失效"
    detail = "页面打开过久，或浏览器没有保存 Cookie。"
    hint = "请允许 Cookie。"
    remedy = "请刷新页面后重新提交。"


class Unexpected(Refusal):
    code = "web.unexpected"
    status = 500
    title = "系统暂时出了问题"
    detail = "问题已记录，编号 {number}。"
    hint = "请带编号联系系统管理员；写入类请求可用同一流水号重试。"
    remedy = "请稍后再试，不会重复扣款；急用请拨打 12393。"
