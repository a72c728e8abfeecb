"""The one error tree of the sync floor.

SyncError
├── PeerProtocolError      the peer broke the rules; the same bytes will fail again
│   ├── Malformed            not canonical, not parseable, wrong shape
│   ├── LimitExceeded        larger, deeper or more than `limits` allows
│   ├── UnsupportedVersion   too new for this code
│   │   ├── PeerTooOld         too old for it
│   │   └── VersionsApart      the neighbour says so of this code
│   ├── BadSignature         signed by nobody we know, or altered
│   ├── NoCertificate        no valid certificate for (station, epoch)
│   ├── VoucherRefused       used or expired voucher
│   ├── StaleAsk             an ask of the second lane without the token of the last rounds
│   ├── FrameDamaged         a frame's check sum is wrong: transport damage, ask again
│   └── BundleRefused        a file that cannot be taken in; nothing was
│       ├── NotABundle, BundleTruncated, BundleDamaged, BundleTooLarge
│       ├── BundleNotForUs     sealed to others
│       ├── BundleWrongKey     addressed to this station, but to a key it does not have any more
│       ├── BundleNotOurs      its maker is neither above nor below this node
│       ├── BundleStopped      something in it is not allowed; what stands before it was taken
│       ├── BundleOwn          made by this node itself
│       └── BundleRevoked      its maker is revoked
├── TransportError         unknown whether the peer acted; send the same again
│   ├── PeerUnreachable
│   ├── PeerTimedOut
│   └── PeerBusy
├── StorageError
│   ├── DiskFull
│   ├── DatabaseBusy
│   │   └── DatabaseUnreachable  the database server does not answer
│   ├── DatabaseCorrupt
│   ├── SchemaTooNew
│   └── LibraryTooOld        an SQLite with the WAL-reset bug
├── LogStopped             this node's own log may not grow until a person has acted
└── RegisterRefused        an edition that does not verify, is older, or does not add up

Each class has a stable `code` (HTTP body, log field, metric label) and a Chinese `sentence`.
"""

from __future__ import annotations

from typing import ClassVar


class SyncError(Exception):
    """Root of the tree; `detail` holds facts for the log, never personal data."""

    code: ClassVar[str] = "sync_error"
    sentence: ClassVar[str] = "同步出错。本站数据没有丢失,请联系县运维。"

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail


class PeerProtocolError(SyncError):
    code = "peer_protocol_error"
    sentence = "对方发来的内容不合规,已拒收。本站数据没有变化。"


class Malformed(PeerProtocolError):
    code = "malformed"
    sentence = "收到的内容格式不对,已拒收。本站数据没有变化,请联系县运维。"


class LimitExceeded(PeerProtocolError):
    code = "limit_exceeded"
    sentence = "收到的内容超过允许的大小,已拒收。本站数据没有变化。"


class UnsupportedVersion(PeerProtocolError):
    code = "unsupported_version"
    sentence = (
        "对方的程序版本比本站新得多,暂时不能交换。资料都在本站,没有丢失。请联系县运维升级本站。"
    )


class PeerTooOld(UnsupportedVersion):
    code = "peer_too_old"
    sentence = (
        "对方的程序版本比本站旧得多,暂时不能交换。资料都在本站,没有丢失。请联系县运维升级对方。"
    )


class VersionsApart(UnsupportedVersion):
    """The neighbour answered that it cannot talk to this version; it took nothing."""

    code = "versions_apart"
    sentence = (
        "上级和本站的程序版本相差太大,暂时不能交换。办件照常办理,都已保存在本站,没有丢失。"
        "请联系县运维升级较旧的一方,升级后自动继续。"
    )


class BadSignature(PeerProtocolError):
    code = "bad_signature"
    sentence = "签名核对不上,内容可能被改动,已拒收。本站数据没有变化。"


class NoCertificate(PeerProtocolError):
    code = "no_certificate"
    sentence = "对方没有有效的站点证书,已拒绝。请联系县运维核对该站点的登记。"


class VoucherRefused(PeerProtocolError):
    code = "voucher_refused"
    sentence = "入网凭证已用过或已过期,已拒绝。请向中心申请新的入网凭证。"


class StaleAsk(PeerProtocolError):
    code = "ask_stale"
    sentence = "取文件的请求过时了,下一次联系后会自动再取,没有丢失。"


class FrameDamaged(PeerProtocolError):
    code = "frame_damaged"
    sentence = "传输中有损坏,会自动重传,没有丢失。"


class BundleRefused(PeerProtocolError):
    code = "bundle_refused"
    sentence = "这个数据包不能导入,没有导入任何内容。"


class NotABundle(BundleRefused):
    code = "not_a_bundle"
    sentence = "这不是驿站的数据包,没有导入任何内容。请选择扩展名为 .yzb 的文件。"


class BundleTruncated(BundleRefused):
    code = "bundle_truncated"
    sentence = "数据包不完整(可能没有拷完就拔了U盘),没有导入任何内容。请重新拷贝一次。"


class BundleDamaged(BundleRefused):
    code = "bundle_damaged"
    sentence = "数据包有损坏,没有导入任何内容。请重新拷贝;还不行就请对方重新导出。"


class BundleTooLarge(BundleRefused):
    code = "bundle_too_large"
    sentence = "数据包超过允许的大小,没有导入任何内容。请联系县运维。"


class BundleNotForUs(BundleRefused):
    code = "bundle_not_for_us"
    sentence = "这个数据包是给别的站点的,没有导入任何内容。请核对文件名里的站点代码。"


class BundleWrongKey(BundleRefused):
    code = "bundle_wrong_key"
    sentence = "这个数据包是用本站以前的钥匙封的,现在打不开,没有导入任何内容。请对方重新导出。"


class BundleNotOurs(BundleRefused):
    code = "bundle_not_ours"
    sentence = "做这个数据包的站点不是本站的上级,也不是本站的下级,没有导入任何内容。"


class BundleStopped(BundleRefused):
    code = "bundle_stopped"
    sentence = (
        "数据包里有一段内容不合规:它前面的已经导入,从它起的没有导入。"
        "请对方重新导出;还不行请联系县运维。"
    )


class BundleOwn(BundleRefused):
    code = "bundle_own"
    sentence = "这是本站自己导出的数据包,不用导入。请把它带到要去的站点导入。"


class BundleRevoked(BundleRefused):
    code = "bundle_revoked"
    sentence = "做这个数据包的站点已被中心停用,没有导入任何内容。请联系县运维。"


class TransportError(SyncError):
    code = "transport_error"
    sentence = "没有连上上级,稍后自动再试。办件都已保存在本站。"


class PeerUnreachable(TransportError):
    code = "peer_unreachable"


class PeerTimedOut(TransportError):
    code = "peer_timed_out"


class PeerBusy(TransportError):
    code = "peer_busy"
    sentence = "上级正忙,稍后自动再试。办件都已保存在本站。"

    def __init__(self, detail: str = "", *, retry_after: float = 0.0) -> None:
        """`retry_after`: seconds the peer asked to be left alone, 0 if it did not say."""
        super().__init__(detail)
        self.retry_after = retry_after


class StorageError(SyncError):
    code = "storage_error"
    sentence = "本机保存出错。请先用纸记录,并马上联系县运维。"


class DiskFull(StorageError):
    code = "disk_full"
    sentence = "本机磁盘已满,这一步没有保存。请联系县运维清理空间后再试。"


class DatabaseBusy(StorageError):
    code = "database_busy"
    sentence = "本机正忙,这一步没有保存,请再按一次。"


class DatabaseUnreachable(DatabaseBusy):
    code = "database_unreachable"
    sentence = "数据库服务器没有应答,这一步没有保存;以前保存的都在。请检查 PostgreSQL 服务后再试。"


class DatabaseCorrupt(StorageError):
    code = "database_corrupt"
    sentence = "本机数据库损坏或密钥不对,程序没有启动,原文件没有改动。请联系县运维。"


class SchemaTooNew(StorageError):
    code = "schema_too_new"
    sentence = "数据库来自更新的程序版本,本程序没有打开它,原文件没有改动。请安装新版本。"


class LibraryTooOld(StorageError):
    code = "library_too_old"
    sentence = "SQLite 库版本过旧,有损坏数据的已知缺陷,程序拒绝启动。请重装本程序自带的组件。"


class RegisterRefused(SyncError):
    code = "register_refused"
    sentence = "收到的目录版本没有通过核验,继续使用原来的版本。"


class LogStopped(SyncError):
    code = "log_stopped"
    sentence = (
        "本机的记录正在等中心核对,暂停办理,这一步没有保存。以前保存的都在。"
        "原因和现在该做什么,见“上报情况”页;急件请先用纸记录。"
    )
