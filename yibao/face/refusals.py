"""Why a proof by the face is not taken."""

from yibao.core.refusal import Refusal


class FaceMissing(Refusal):
    code = "face.face_missing"
    status = 403
    title = "请先完成人脸识别"
    detail = "没有这次人脸识别的记录，或它是在另一台设备、为另一件事做的。"
    remedy = "请回到上一步重新开始人脸识别。"


class FaceNotPassed(Refusal):
    code = "face.face_not_passed"
    status = 403
    title = "人脸识别还没有通过"
    detail = "这次人脸识别没有完成或没有通过。"
    remedy = "请回到上一步重新开始人脸识别，或改用其他方式。"


class FaceExpired(Refusal):
    code = "face.face_expired"
    status = 403
    title = "人脸识别已过期"
    detail = "人脸识别通过后十分钟内有效，只能使用一次。"
    remedy = "请重新做一次人脸识别。"


class PictureUnreadable(Refusal):
    code = "face.picture_unreadable"
    status = 422
    title = "无法读取这张图片"
    detail = "它不是 JPEG、PNG 或 WebP 图片，文件不完整，太小，或者太大：JPEG 超过四千万像素，其他超过一千二百万。"
    remedy = "请重新拍摄，或换一张照片。"


class CheckEnded(Refusal):
    code = "face.check_ended"
    status = 409
    title = "这次人脸识别已经结束"
    detail = "页面打开过久，或者在另一个页面里重新开始过。"
    remedy = "请从头再做一次。"


class ConsentMissing(Refusal):
    code = "face.consent_missing"
    status = 422
    title = "请先同意使用人脸信息"
    detail = "没有单独同意，就不会打开摄像头，也不会处理任何图像。"
    remedy = "请阅读说明，勾选同意后继续；不同意的，可以改用其他方式办理。"


class TooManyTries(Refusal):
    code = "face.too_many_tries"
    status = 429
    title = "尝试次数过多"
    detail = "一台设备一小时最多做 {most} 次人脸识别。"
    remedy = "请一小时后再试；着急办理的，请改用其他方式，或到医保经办窗口。"


class TooManyStrangers(Refusal):
    code = "face.too_many_strangers"
    status = 429
    title = "今天不能再在这台设备上识别"
    detail = "这个证件一天内在没有通过过的设备上多次人脸比对不符或正在比对，为保护本人暂停新设备。"
    remedy = "请用以前通过过的手机办理，或改用短信验证码、银联认证、经办窗口等其他方式；半小时到 24 小时后自动恢复。"


class TooManyAtTills(Refusal):
    code = "face.too_many_at_tills"
    status = 429
    title = "今天不能再刷脸就诊"
    detail = "这个证件一天内在收款台多次人脸比对不符或正在比对，为保护本人暂停刷脸就诊；手机上的人脸识别不受影响。"
    hint = "请改用医保码、社会保障卡或身份证件。"
    remedy = "请改用医保码，或出示社会保障卡、身份证件；半小时到 24 小时后自动恢复。"


class TooBusy(Refusal):
    code = "face.too_busy"
    status = 503
    title = "正在识别的人较多"
    detail = "识别服务暂时忙不过来。"
    remedy = "请稍等片刻：摄像头开着的会自动继续，上传照片的请再上传一次。"


class PoliceNotConnected(Refusal):
    code = "face.police_not_connected"
    status = 503
    title = "人脸识别还没有开通"
    detail = "本系统没有接通公安人像比对服务。"
    hint = "设置 YIBAO_POLICE_URL 和 YIBAO_POLICE_SECRET。"
    remedy = "请改用其他方式办理，或到医保经办窗口。"


# Why a check was not passed. While the person is still trying, the same words stand on the page as advice.


class NotPassed(Refusal):
    """A check that was tried and did not pass; each kind says what to do about it."""

    status = 422


class NoFace(NotPassed):
    code = "face.no_face"
    title = "未能通过人脸检测：没有看到人脸"
    detail = "画面里没有找到人脸。"
    remedy = "请正对屏幕，把脸放进框里，擦净镜头。"


class TooDark(NotPassed):
    code = "face.too_dark"
    title = "当前环境光太暗"
    detail = "脸部太暗，看不清。"
    remedy = "请到明亮的地方，让光照在脸上。"


class TooBright(NotPassed):
    code = "face.too_bright"
    title = "当前环境光太亮"
    detail = "脸部过亮或有反光，看不清。"
    remedy = "请避开强光和反光，换一个光线柔和的地方。"


class Backlit(NotPassed):
    code = "face.backlit"
    title = "逆光，脸部太暗"
    detail = "身后的光比脸上的光强得多。"
    remedy = "请转过身，让光从前面照在脸上。"


class SeveralFaces(NotPassed):
    code = "face.several_faces"
    title = "画面里不止一张脸"
    detail = "一次只能识别一个人。"
    remedy = "请其他人离开画面，身后不要有人像照片。"


class NotWhole(NotPassed):
    code = "face.not_whole"
    title = "脸没有完全在框内"
    detail = "脸的一部分在画面外面。"
    remedy = "请把整张脸移到框的中间，手机离远一点。"


class TooFar(NotPassed):
    code = "face.too_far"
    title = "脸离得太远"
    detail = "脸在画面里太小，看不清。"
    remedy = "请把手机拿近一些，让脸占满框。"


class NotStraight(NotPassed):
    code = "face.not_straight"
    title = "没有正对屏幕"
    detail = "脸偏向一侧、抬得太高或太低。"
    remedy = "请把手机举到与眼睛同高，正对屏幕。"


class Covered(NotPassed):
    code = "face.covered"
    title = "脸被遮挡"
    detail = "口罩、手、头发或别的东西挡住了脸。"
    remedy = "请摘下口罩，移开手和头发，露出整张脸。"


class TintedGlasses(NotPassed):
    code = "face.tinted_glasses"
    title = "戴着墨镜或深色眼镜"
    detail = "看不到眼睛。"
    remedy = "请摘下墨镜；无色的眼镜可以戴着。"


class EyesClosed(NotPassed):
    code = "face.eyes_closed"
    title = "眼睛闭着"
    detail = "正对屏幕时眼睛没有睁开。"
    remedy = "请睁开眼睛，看着屏幕。"


class MouthOpen(NotPassed):
    code = "face.mouth_open"
    title = "嘴张着"
    detail = "正对屏幕时嘴没有合上。"
    remedy = "请先合上嘴，不要说话，等屏幕提示再张嘴。"


class Blurred(NotPassed):
    code = "face.blurred"
    title = "画面模糊"
    detail = "手机在晃动，或者镜头没有对上焦。"
    remedy = "请拿稳手机，擦净镜头。"


class BlinkMissed(NotPassed):
    code = "face.blink_missed"
    title = "未能通过人脸检测：没有看到眨眼"
    detail = "十秒内没有看到眼睛闭上又睁开。"
    remedy = "请慢慢闭眼半秒再睁开；做不了这个动作的，可以改用「读数字验证」或「拍照验证」。"


class MouthMissed(NotPassed):
    code = "face.mouth_missed"
    title = "未能通过人脸检测：没有看到张嘴"
    detail = "规定的时间内没有看到嘴张开。"
    remedy = "请把嘴张大一些，停一下；做不了这个动作的，可以改用其他验证方式。"


class TurnMissed(NotPassed):
    code = "face.turn_missed"
    title = "未能通过人脸检测：没有看到转头"
    detail = "规定的时间内没有看到头转向要求的一侧。"
    remedy = "请按提示的方向慢慢转头，停一下再转回来；做不了这个动作的，可以改用其他验证方式。"


class Astray(NotPassed):
    code = "face.astray"
    title = "未能通过人脸检测：做的不是要求的动作"
    detail = "看到了别的动作。"
    remedy = "请看清提示再做，左右以您自己的左右为准。"


class AnotherFace(NotPassed):
    code = "face.another_face"
    title = "未能通过人脸检测：中途换了人脸"
    detail = "前后的画面不像同一张脸。"
    remedy = "请由同一个人从头做完，中途不要离开画面。"


class NoSound(NotPassed):
    code = "face.no_sound"
    title = "没有听到声音"
    detail = "麦克风没有收到声音。"
    remedy = "请允许使用麦克风，不要遮住话筒，看到数字就大声读出来。"


class TooQuiet(NotPassed):
    code = "face.too_quiet"
    title = "读数字的声音太小"
    detail = "听到了声音，但太轻。"
    remedy = "请靠近手机，大声读出数字。"


class TooNoisy(NotPassed):
    code = "face.too_noisy"
    title = "周围太吵"
    detail = "周围的声音盖过了读数字的声音。"
    remedy = "请换一个安静的地方再读。"


class MouthNotMoving(NotPassed):
    code = "face.mouth_not_moving"
    title = "没有看到嘴在动"
    detail = "读数字时没有看到嘴的动作。"
    remedy = "请把脸放在框里，看着屏幕，张口把数字读出来。"


class DigitWindowMissed(NotPassed):
    code = "face.digit_window_missed"
    title = "没有在规定时间内读出数字"
    detail = "数字显示的时候没有听到人声。"
    remedy = "请在看到数字后马上读出来，一次读一个。"


class DigitDiffers(NotPassed):
    code = "face.digit_differs"
    title = "读的不是显示的数字"
    detail = "听到的与屏幕上的数字不同。"
    remedy = "请用普通话清楚地读出屏幕上的数字。"


class IdentityUnknown(NotPassed):
    code = "face.identity_unknown"
    title = "系统未包含该身份信息"
    detail = "公安人像服务里没有这个证件的信息。"
    remedy = "请核对姓名和证件号码；无误的，请向发证机关（身份证是户籍地派出所）查询，或改用其他方式办理。"


class NameDiffers(NotPassed):
    code = "face.name_differs"
    title = "姓名与证件号码不一致"
    detail = "公安登记的姓名与填写的不同。"
    remedy = "请按证件上的姓名填写；改过名的，请先到发证机关（身份证是派出所）更新证件信息，或改用其他方式办理。"


class PhotoMissing(NotPassed):
    code = "face.photo_missing"
    title = "没有可以比对的证件照"
    detail = "公安人像服务里没有您的照片。"
    remedy = "请到发证机关（身份证是派出所）采集或更新证件照片后再试；现在可以改用其他方式办理。"


class PhotoUnclear(NotPassed):
    code = "face.photo_unclear"
    title = "留存的证件照不清晰"
    detail = "公安留存的照片太小或太模糊，无法比对。"
    remedy = "请到发证机关（身份证是派出所）更新证件照片后再试；现在可以改用其他方式办理。"


class Pending(NotPassed):
    code = "face.comparison_pending"
    status = 503
    title = "还没有得出结果"
    detail = "公安人像服务暂时没有应答。这不是未通过。"
    remedy = "请几分钟后再试一次，不影响您的账户；着急办理的，请改用其他方式。"


class Unsure(NotPassed):
    code = "face.comparison_unsure"
    title = "暂时无法确认是本人"
    detail = "画面与证件照有些像，但还不能确定。"
    remedy = "请在光线均匀的地方正对屏幕再试一次，摘下眼镜，露出额头和耳朵。"


class Different(NotPassed):
    code = "face.comparison_different"
    title = "人脸与身份信息不匹配"
    detail = "画面中的人与证件照不像同一个人。"
    remedy = (
        "请由证件本人操作。账户或渠道登记的是别人的，请先更换实名信息；相貌变化较大的，请改用其他方式办理，"
        "或到发证机关（身份证是派出所）更新证件照片。"
    )


OUTCOMES: dict[str, type[NotPassed]] = {
    "no_face": NoFace,
    "too_dark": TooDark,
    "too_bright": TooBright,
    "backlit": Backlit,
    "several_faces": SeveralFaces,
    "not_whole": NotWhole,
    "too_far": TooFar,
    "not_straight": NotStraight,
    "covered": Covered,
    "tinted_glasses": TintedGlasses,
    "eyes_closed": EyesClosed,
    "mouth_open": MouthOpen,
    "blurred": Blurred,
    "blink_missed": BlinkMissed,
    "mouth_missed": MouthMissed,
    "turn_missed": TurnMissed,
    "astray": Astray,
    "another_face": AnotherFace,
    "no_sound": NoSound,
    "too_quiet": TooQuiet,
    "too_noisy": TooNoisy,
    "mouth_not_moving": MouthNotMoving,
    "digit_window_missed": DigitWindowMissed,
    "digit_differs": DigitDiffers,
    "identity_unknown": IdentityUnknown,
    "name_differs": NameDiffers,
    "photo_missing": PhotoMissing,
    "photo_unclear": PhotoUnclear,
    "pending": Pending,
    "unsure": Unsure,
    "different": Different,
}
