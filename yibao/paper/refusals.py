"""Why a picture is not taken."""

from yibao.core.refusal import Refusal


class PictureTooLarge(Refusal):
    code = "paper.picture_too_large"
    status = 413
    title = "照片太大"
    detail = "一张照片不能超过 12 MB，也不能超过 5000 万像素（PNG、WebP 为 1200 万）。"
    hint = "请用手机相机的普通分辨率拍摄。"
    remedy = "请用普通分辨率重新拍摄，或先压缩照片再上传。"


class NotAPicture(Refusal):
    code = "paper.not_a_picture"
    status = 422
    title = "上传的文件不是能打开的照片"
    detail = "只能上传 JPEG、PNG 或 WebP 格式的照片，文件须完整，每条边不少于 200 像素。"
    hint = "请核对文件格式；扫描成 PDF 的，请改用照片。"
    remedy = "请重新拍一张清楚的照片上传。"
