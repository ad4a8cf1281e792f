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
    """The place is known, but not this insurance, visit, day or kind of person. Facts: label, insurance, visit, filing,
    on, lacking."""

    code = "benefit.no_rule"
    title = "没有适用于本次就医的待遇规则"
    detail = "{label}的规则中没有 {on} 适用于{insurance}“{visit}”（{filing}）的一条，无法计算报销金额。"
    hint = "规则文件中缺少：{lacking}。"
    remedy = _ASK
