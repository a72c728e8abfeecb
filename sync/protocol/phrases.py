"""What heads and statements say over and over: a dictionary for two who never met before.

Unfolded samples of the first round of a link and of the statements in rounds, with nothing in the
places of names, keys and times, but as long as those are: so one stretch of the dictionary lies
beside the whole of a statement. A constant of the wire: once released its bytes never change
(golden bytes: `phrases`).
"""

from __future__ import annotations

from sync.protocol import unfolding

_MS = b"1700000000000"
_CODE = b"AA0000"
_SIGNED = b"@" + bytes(64)
_LOG = _CODE + b"/" + _MS
_SHELVES = (
    b"calendar/000000000000/all", b"matters/530000000000/village",
    b"services/530000000000/village", b"staff/530000000000/village",
    b"stations/530000000000/all",
)  # fmt: skip


def _raw(count: int) -> bytes:
    return bytes([unfolding.BASE64, count]) + bytes(count)


def _hex(count: int) -> bytes:
    return bytes([unfolding.HEX, count]) + bytes(count)


def _layer(text: bytes) -> bytes:
    return bytes([unfolding.OPEN]) + text + bytes([unfolding.CLOSE])


def _life() -> bytes:
    return _MS + b"-" + _hex(8)


def _said(kind: bytes, payload: bytes, signer: bytes) -> bytes:
    return (
        b'{"kind":"' + kind + b'","payload":"' + _layer(b"{" + payload + b"}") + b'","signature":"'
        + _raw(64) + b'","signer":"' + signer + b'"}'
    )  # fmt: skip


def _certificate() -> bytes:
    voucher = (
        b'"epoch":' + _MS + b',"issued_ms":' + _MS + b',"key":"' + _raw(32) + b'","not_after_ms":'
        + _MS + b',"profile":"online","serial":"' + _hex(8) + b'","station":"' + _CODE + b'","v":1'
    )  # fmt: skip
    return _said(
        b"certificate",
        b'"encrypt_key":"' + _raw(32) + b'","epoch":' + _MS + b',"sign_key":"' + _raw(32)
        + b'","station":"' + _CODE + b'","v":1,"voucher":"'
        + _layer(_said(b"voucher", voucher, b"authority")) + b'"',
        b"voucher",
    )  # fmt: skip


def _receipt(rung: bytes) -> bytes:
    return _said(
        b"receipt",
        b'"chain":"' + _raw(16) + b'","epoch":' + _MS + b',"incarnation":"' + _life()
        + b'","issued_ms":' + _MS + b',"pos":1,"rung":"' + rung + b'","station":"' + _CODE
        + b'","v":1',
        _LOG,
    )  # fmt: skip


def _rare() -> bytes:
    pack = b'{"bytes":1,"entries":1,"sha256":"' + _hex(32) + b'"}'
    return b"".join(
        (
            _said(
                b"revocation",
                b'"cuts":[[' + _MS + b',1]],"issued_ms":' + _MS + b',"reason":"","station":"'
                + _CODE + b'","trusted_from":0,"v":1',
                b"authority",
            ),
            _said(
                b"purge",
                b'"basis":"","events":["' + _LOG + b'/1"],"issued_ms":' + _MS + b',"v":1',
                b"authority",
            ),
            _said(
                b"manifest",
                b'"base":[' + pack + b'],"base_edition":' + _MS + b',"chain":[],"edition":' + _MS
                + b',"effective_from":"","entries":1,"profile":"online","root":"' + _hex(32)
                + b'","schema":1,"shelf":"' + _SHELVES[0] + b'","stale_after_ms":86400000,"v":1',
                b"authority",
            ),
            _said(
                b"time_mark",
                b'"at_ms":' + _MS + b',"incarnation":"' + _life() + b'","serial":1,"v":1',
                _LOG,
            ),
            _receipt(b"backup"),
        )
    )  # fmt: skip


_TOKEN = bytes([unfolding.BASE64, 16]) + bytes(7) + b"\1" + bytes(8)


def _answer() -> bytes:
    return (
        _SIGNED + b'{"d":"AAAAAAAAAAAAAAAAAAAAAA==","di":1,"e":' + _MS + b',"hi":300000,"i":"'
        + _life() + b'","m":true,"n":"' + _raw(8) + b'","r":[{"chain":"' + _raw(16)
        + b'","epoch":' + _MS + b',"pos":1,"station":"' + _CODE + b'"}],"s":"' + _CODE
        + b'","st":1,"t":"' + _TOKEN + b'","th":1,"tr":"'
        + _hex(4) + b'","v":1,"vd":"ok"}'
    )  # fmt: skip


def _hello() -> bytes:
    editions = b",".join(b'"' + shelf + b'":' + _MS for shelf in _SHELVES)
    return (
        _SIGNED + b'{"a":0,"ai":"","c":"' + _raw(16) + b'","d":"' + _raw(16) + b'","di":1,"e":'
        + _MS + b',"ed":{' + editions + b'},"g":1,"he":{"clock_trusted":true,"database_bytes":1,'
        b'"disk_free_bytes":1,"oldest_unsent_ms":' + _MS + b',"release":"0.1.0","started_ms":'
        + _MS + b',"unsent":1},"i":"' + _life() + b'","k":"' + _raw(24) + b'","n":"' + _raw(8)
        + b'","o":1,"s":"' + _CODE + b'","t":"","tr":"' + _hex(4) + b'","v":1}'
    )  # fmt: skip


def _attachment() -> bytes:
    return _said(
        b"attachment",
        b'"parent":"' + _CODE + b'","since_ms":' + _MS + b',"station":"' + _CODE + b'","v":1',
        _LOG,
    )


_START = b"\1\0\0\0\0"
_STATEMENTS = b"\3\0\0" + bytes(8)
PHRASES = b"".join(
    (
        _STATEMENTS, b"\0\0\1\0", _rare(), b'\7\0\0["', _CODE, b'",1,"', _raw(16), b'"]',
        b"\2\0\0", _answer(), _START, _STATEMENTS,
        b"\0\0\4\x89", _certificate(), b"\0\0\1\x9a", _receipt(b"central"),
        b"\1\2\0", _hello(), _STATEMENTS, b"\0\0\1\5", _attachment(),
    )
)  # fmt: skip
