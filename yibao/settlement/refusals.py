"""Why a bill is not settled; in the order in which `confirm` looks for them."""

from yibao.core.refusal import Refusal


class IdReused(Refusal):
    code = "settlement.id_reused"
    status = 422
    title = "同一流水号已用于另一笔业务"
    detail = "流水号相同，但人员或内容不同。"
    hint = "请为每笔新业务生成新的流水号；重试同一笔业务时内容须完全相同。"
    remedy = "请收费员重新发起结算，不会重复扣款。"


class ReversedBeforeArrival(Refusal):
    code = "settlement.reversed_before_arrival"
    title = "该笔业务已先行冲正"
    detail = "本流水号的冲正先于原交易到达，原交易不再受理。"
    hint = "请用新的流水号重新发起。"
    remedy = "没有扣款。请收费员重新发起结算。"


class VisitUnknown(Refusal):
    code = "settlement.visit_unknown"
    status = 404
    title = "没有找到本机构的就诊凭据"
    detail = "凭据不存在，或不是发给本机构的。"
    hint = "请重新扫描参保人的医保码。"
    remedy = "请出示医保码，由收费员重新扫码。"


class VisitExpired(Refusal):
    code = "settlement.visit_expired"
    title = "扫码已超过 15 分钟"
    detail = "为防止他人冒用，扫码后 15 分钟内有效。"
    hint = "请重新扫描参保人的医保码，已录入的项目不变。"
    remedy = "请刷新医保码，由收费员重新扫码。"


class DeviceUnbound(Refusal):
    code = "settlement.device_unbound"
    status = 403
    title = "该手机上的医保码已解绑"
    detail = "扫码之后，这部手机上的医保码被解除绑定。"
    hint = "请改用身份证、社会保障卡，或重新激活后的医保码。"
    remedy = "如非本人解绑，请拨打医保服务热线 12393。"


class BillUnknown(Refusal):
    code = "settlement.bill_unknown"
    status = 404
    title = "没有找到这张账单"
    detail = "账单不存在，不属于您，或家人已移除您的亲情账户。"
    hint = "请重新发送账单；家人已移除亲情账户的，请撤回账单，改用参保人本人的凭证。"
    remedy = "请向收费员确认账单是否已经发出；家人已移除的，请收费员撤回账单，改用本人的医保码、社会保障卡或身份证件。"


class BillClosed(Refusal):
    code = "settlement.bill_closed"
    title = "这张账单已经关闭"
    detail = "账单已被拒付、撤回，或超过 15 分钟未确认。"
    hint = "请重新扫码并发送账单。"
    remedy = "没有扣款。需要时请收费员重新发送账单。"


class InstitutionClosed(Refusal):
    code = "settlement.institution_closed"
    status = 403
    title = "本机构未开通此项医保结算"
    detail = "医保协议已中止，或协议中不含此类服务。"
    hint = "请联系属地医保经办机构核对协议。"
    remedy = "请到其他定点医药机构，或自费后申请零星报销。"


class NotInsuredHere(Refusal):
    """No relation pays at this institution. Facts: here, held (insured places, by code, or by name to be read)."""

    code = "settlement.not_insured_here"
    title = "在本地没有医保关系"
    detail = "本机构按{here}的医保结算；参保人的参保地：{held}。异地就医暂不能直接结算。"
    hint = (
        "没有可切换的参保地：有几个参保地的，系统自动选用能在本机构结算的那个。请参保人在手机上核对参保地、是否刚换过"
        "参保地；不能结算的先按自费办理，发票和清单交给参保人。"
    )
    remedy = (
        "请到参保地的定点医药机构结算；在这里先自费的，保留发票，向参保地医保局（12393）咨询零星报销。"
        "您应已在{here}参保的，可能还没有同步：等一个工作日，或联系{here}医保局（12393）。"
    )


class NotSynced(Refusal):
    code = "settlement.not_synced"
    title = "参保信息还在同步中"
    detail = "参保地尚未上传您的参保信息，有的系统显示为「系统异常」。"
    hint = "请稍后重试，或先用社会保障卡结算。"
    remedy = "通常一个工作日内完成；仍不行请联系参保地医保局（12393）。"


class InsuranceSuspended(Refusal):
    code = "settlement.insurance_suspended"
    title = "医保待遇已暂停"
    detail = "参保状态不是正常参保，可能是单位或个人断缴。"
    hint = "统筹基金暂不支付，可按自费结算。"
    remedy = "请向单位或参保地医保局（12393）核实缴费，补缴后恢复。"


class KindUnsupported(Refusal):
    code = "settlement.kind_unsupported"
    title = "这类人员暂不能在本平台结算"
    detail = "登记的人员类别（如离休）有单独的待遇办法。"
    hint = "请按当地专门办法结算。"
    remedy = "请出示社会保障卡按原办法结算，或咨询参保地医保局（12393）。"


class ItemUnknown(Refusal):
    code = "settlement.item_unknown"
    status = 422
    title = "医保目录中没有该项目"
    detail = "第 {line_no} 行的编码不在目录内。"
    hint = "请核对医保编码，或在目录中按名称、拼音首字母查找。"
    remedy = "请收费员核对项目后重新结算。"


class PriceOverLimit(Refusal):
    code = "settlement.price_over_limit"
    status = 422
    title = "单价高于最高售价"
    detail = "第 {line_no} 行单价 {unit_price} 元，最高售价 {price} 元。"
    hint = "请按不高于目录的价格结算。"
    remedy = "请收费员更正价格后重新结算。"


class AmountMismatch(Refusal):
    code = "settlement.amount_mismatch"
    status = 422
    title = "金额不一致"
    detail = "发来的总额与各行单价乘数量之和不同，应为 {total} 元。"
    hint = "请核对各行金额（每行四舍五入到分）后重新试算。"
    remedy = "没有扣款。请收费员核对后重新结算。"


class QuoteChanged(Refusal):
    code = "settlement.quote_changed"
    title = "应付金额有变化，需要重新确认"
    detail = "确认之后余额、累计或政策有了变化：基金支付 {fund} 元，个人账户 {account} 元，现金 {cash} 元。"
    hint = "请重新试算，并由参保人重新确认。"
    remedy = "没有扣款。请核对新的金额后再确认。"


class PasswordRequired(Refusal):
    code = "settlement.password_required"
    status = 403
    title = "需要交易密码"
    detail = "本次总额 {total} 元，超过免密限额 {limit} 元。"
    hint = "请把账单发送到参保人手机，或由其在本机密码框输入交易密码。"
    remedy = "请在手机上确认，或在收费处输入 6 位线上交易密码。"


class DocumentLimit(Refusal):
    """More of a personal account than a pharmacy may take by a document or a face alone. Facts: account, most."""

    code = "settlement.document_limit"
    status = 403
    title = "没有交易密码，个人账户金额超过限额"
    detail = "这笔要用个人账户 {account} 元。没有交易密码的参保人凭证件或刷脸购药，每笔最多用个人账户 {most} 元。"
    hint = "请减少项目，或关掉「使用个人账户」，由参保人用现金支付个人部分。"
    remedy = "激活医保码、设置交易密码以后没有这个限额；也可以这次用现金支付个人部分。"


class NoPhone(Refusal):
    code = "settlement.no_phone"
    title = "参保人没有绑定医保关系的手机"
    detail = "这次凭证件或刷脸就诊，本平台上没有此人的账户，账单发不到手机。"
    hint = "已核对本人与证件，或已刷脸的，可以直接结算。"
    remedy = "请在收费处核对金额后由收费员结算。"


class SettlementBusy(Refusal):
    code = "settlement.busy"
    status = 503
    title = "此人正在另一处结算"
    detail = "同一参保人的另一笔结算尚未完成。"
    hint = "请用同一流水号重试。"
    remedy = "请稍候片刻再试，不会重复扣款。"


class SettlementUnknown(Refusal):
    code = "settlement.settlement_unknown"
    status = 404
    title = "没有找到这笔结算"
    detail = "结算单号不存在，或不是本机构、您本人或您的孩子的结算。"
    hint = "请核对结算单号。"
    remedy = "请带结算单到原结算机构办理；孩子的结算，您能在「我的家庭成员」出示其医保码时可以查看。"


class VisitNotOffered(Refusal):
    code = "settlement.visit_not_offered"
    title = "本机构没有开通这类就医"
    detail = "本机构没有开通所选就医类别的医保结算。"
    hint = "请核对所选的就医类别；需要开通的，向当地医保经办机构申请。"
    remedy = "请向收费员说明您是门诊、门诊慢特病还是住院，或改到开通的机构就医。"


class DiseaseNotRegistered(Refusal):
    """The disease for which a chronic visit is to be settled. Facts: disease."""

    code = "settlement.disease_not_registered"
    title = "没有查到这个病种的门诊慢特病资格"
    detail = "参保地没有登记参保人病种 {disease} 的门诊慢特病资格，或者资格不在有效期内。"
    hint = "请核对病种；没有资格的，按普通门诊结算。"
    remedy = "请先申请门诊慢特病资格；已经申请的，请向参保地医保经办机构查询进度。"


class LaterSettlementExists(Refusal):
    code = "settlement.later_settlement_exists"
    title = "之后还有结算，不能先退这一笔"
    detail = "结算单 {later} 用到了相同的年度累计，须先退较晚的一笔。"
    hint = "请先撤销结算单 {later}，再撤销本笔。"
    remedy = "请到办理较晚一笔结算的机构先退费。"


class MalformedOrder(Refusal):
    code = "settlement.malformed_order"
    status = 422
    title = "结算内容不符合要求"
    detail = "{what}"
    hint = "请按接口文档更正后重新提交。"
    remedy = "请收费员更正后重新结算。"


class DraftLocked(Refusal):
    code = "settlement.draft_locked"
    title = "这张单现在不能修改"
    detail = "账单已发送到参保人手机，或已经结算。"
    hint = "等待确认的请先撤回账单；已结算的请点「下一位」。"
    remedy = "请收费员先撤回账单，再作修改。"


class DraftChanged(Refusal):
    code = "settlement.draft_changed"
    title = "收款台上的内容已经变化"
    detail = "刚才的页面不是最新的，所点的操作没有执行。"
    hint = "下面是最新内容，请核对后再操作。"
    remedy = "没有扣款。请收费员核对后重新操作。"
