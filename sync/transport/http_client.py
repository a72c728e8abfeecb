"""The child's end of the HTTP road: one POST per round over one kept connection."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as SilenceError
from urllib3.util import SKIP_HEADER

from sync.protocol.errors import PeerBusy, PeerProtocolError, PeerTimedOut, PeerUnreachable
from sync.protocol.limits import ROUND_BYTES_MAX

ROUND_PATH = "/sync/v1/round"
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""How long the parent may send nothing before the round counts as unanswered."""


_NO_HEADERS = {"User-Agent": SKIP_HEADER, "Accept-Encoding": SKIP_HEADER}
"""Both ends know what a round is: on an idle link the headers would outweigh the content."""


class RefusedByParent(PeerProtocolError):
    """The parent answered that the request cannot be taken; `code` of its reason in `detail`."""

    code = "refused_by_parent"
    sentence = "上级没有接受本站的请求。办件都已保存在本站,请联系县运维。"


class HttpLink:
    """Carries requests to one parent."""

    def __init__(
        self,
        url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._url = url.rstrip("/") + ROUND_PATH
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=connect_seconds, read=silence_seconds),
        )

    def round(self, request: bytes) -> bytes:
        """Return the parent's answer to one request.

        Bounds: `limits.ROUND_BYTES_MAX`.
        Raises: PeerUnreachable, PeerTimedOut, PeerBusy, RefusedByParent.
        """
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=request,
                headers=_NO_HEADERS,
                preload_content=False,
                redirect=False,
            )
            try:
                body: bytes = response.read(ROUND_BYTES_MAX + 1)
            finally:
                response.release_conn()
        except NewConnectionError as error:  # a timeout to urllib3, but nobody kept silent
            raise PeerUnreachable(type(error).__name__) from error
        except SilenceError as error:
            raise PeerTimedOut(type(error).__name__) from error
        except HTTPError as error:
            raise PeerUnreachable(type(error).__name__) from error
        if response.status in (429, 503):
            raise PeerBusy(str(response.status))
        if response.status != 200:
            raise RefusedByParent(f"{response.status} {body[:200].decode('utf-8', 'replace')}")
        if len(body) > ROUND_BYTES_MAX:
            raise RefusedByParent("answer too large")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()
