"""Why a record was not taken or must wait: the stable reason codes as sentences."""

from __future__ import annotations

from typing import Final

REASON_SENTENCES: Final = {
    "not_in_audience": "写这一条的站点与该办件无关,没有采用。",
    "audience_too_large": "涉及的站点太多,超过限度,没有采用。",
    "waiting_for_stream": "前面的记录还没有收到,收到后自动处理。",
    "waiting_for_right": "说明办理权的记录还没有收到,收到后自动处理。",
    "bad_signature": "签名核对不上,没有接收。",
    "no_certificate": "没有有效的站点证书,没有接收。",
    "malformed": "内容格式不对,没有接收。",
    "limit_exceeded": "内容超过允许的大小,没有接收。",
    "revoked": "写这一条的站点已停用,没有接收。",
    "above_cut": "撤销信任后的记录:写这一条的站点已停用,这一条在截点之后,保留但不算数。",
    "right_revoked": "撤销信任后的记录:这一步的权限来自停用站点作废的记录,保留但不算数。",
    "recovered": "恢复出来的真实记录,没有算数;内容见“上报情况”页,请对照纸质凭证核对。",
    "lost": "原件已丢失,找不到内容。",
}


def reason_words(reason: str) -> str:
    """A stable reason code as a sentence."""
    return REASON_SENTENCES.get(reason, f"原因代码 {reason},请报给县运维。")
