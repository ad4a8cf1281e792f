"""Why a benefit cannot be worked out. The engine never guesses a rule: without one it refuses."""

from yibao.core.refusal import Refusal

_ASK = "请拨打参保地医保局服务热线 12393（在外地拨打时加参保地区号）询问，或到参保地医保经办窗口办理。"


class NoPolicy(Refusal):
    """The rules of the insured place are not loaded. Facts: place."""

    code = "benefit.no_policy"
    title = "参保地的待遇规则尚未载入"
    detail = "参保地（区划代码 {place}）的医保待遇规则尚未载入本系统，无法计算报销金额。"
    hint = "请由运维人员在 benefit/policies 中加入该参保地的规则文件。"
    remedy = _ASK


class NoRule(Refusal):
    """The place is known, but not this insurance, matter, day or kind of person. Facts: label, insurance, matter, on,
    lacking."""

    code = "benefit.no_rule"
    title = "没有适用的待遇规则"
    detail = "{label}的规则中没有 {on} 适用于{insurance}“{matter}”的一条，无法计算。"
    hint = "规则文件中缺少：{lacking}。"
    remedy = _ASK


class WageUnknown(Refusal):
    """An amount is a share of the wage, and no wage was given. Facts: label, what."""

    code = "benefit.wage_unknown"
    title = "不知道缴费工资，无法计算"
    detail = "{label}的“{what}”按月缴费工资的一定比例计算，还没有填写缴费工资。"
    hint = "请在询问中给出月缴费工资。"
    remedy = "请填写月缴费工资再试；缴费工资可向用人单位或参保地医保经办机构查询。"
