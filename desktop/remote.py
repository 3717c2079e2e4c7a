"""The beginning of a remote file, as a stream: each read() is one request for a range.

The address that the Hub redirects to is asked again for the next range. A server that ignores Range is read on and on instead, no
further than is wanted; closing the stream hangs up.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from desktop.errors import ServerRefused, Unreachable
from desktop.network import Client, Response, refusal
from desktop.part import OTHER_PART, WEB_PAGE, Source

MAX_REQUESTS = 256  # for the beginning of one file, which takes about five


class RemoteFile:
    """A remote file as a stream from its beginning. `received` is called with the bytes that came so far."""

    def __init__(self, client: Client, source: Source, received: Callable[[int], None] | None = None) -> None:
        self.kept = bytearray()  # of the file, from its beginning
        self.received_bytes = 0
        self._client, self._source, self._received = client, source, received
        self._url = source.url  # that answered last
        self._etag: str | None = None
        self._size_bytes: int | None = None
        self._requests = 0
        self._rest: Iterator[bytes] | None = None  # of an answer that is the whole file
        self._open = ExitStack()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes more; nothing at the end. Raises Offline, Unreachable, ServerRefused, Gated, NotFound, Forbidden."""
        if self._rest is None:
            piece = b"" if len(self.kept) == self._size_bytes else self._range(len(self.kept), size)
        else:
            piece = next(self._rest, b"")
        self.kept += piece
        return piece

    def __enter__(self) -> "RemoteFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _range(self, start: int, size: int) -> bytes:
        self._requests += 1
        headers = {**self._source.headers_to(self._url), "Range": f"bytes={start}-{start + size - 1}"}
        with ExitStack() as answer:
            response = answer.enter_context(self._client.stream("GET", self._url, headers=headers))
            if response.status_code == 416:  # there is nothing from here on
                return b""
            if response.status_code >= 400 and self._url != self._source.url:  # what was redirected to holds no longer
                self._url = self._source.url
                return self._range(start, size)
            self._judge(response, start)
            chunks = self._chunks(response)
            if response.status_code == 206:
                self._url = str(response.url)
                return self._piece(chunks, size)
            self._open, self._rest = answer.pop_all(), chunks
        skipped = 0
        for chunk in self._rest:  # what came before, once more
            skipped += len(chunk)
            if skipped > start:
                return chunk[len(chunk) - (skipped - start) :]
        return b""

    def _judge(self, response: Response, start: int) -> None:
        """Raise what an answer says that is not the wanted one."""
        source, host, etag = self._source, response.url.host, response.headers.get("ETag")
        if response.status_code >= 400:
            raise refusal(response, what=f"file {source.name} in {source.repo}", repo=source.repo, page=source.page)
        if "text/html" in response.headers.get("Content-Type", ""):
            raise ServerRefused(host=host, status=response.status_code, why=WEB_PAGE)
        if response.status_code == 206:
            told = re.fullmatch(r"bytes (\d{1,19})-\d+/(\d{1,19}|\*)", response.headers.get("Content-Range", ""))
            if not told or int(told[1]) != start:
                raise ServerRefused(host=host, status=206, why=OTHER_PART)
            self._size_bytes = int(told[2]) if told[2] != "*" else None
        if self._etag not in (None, etag):
            raise Unreachable(host=host, why="the file was replaced there while it was being read")
        self._etag = etag
        if self._requests > MAX_REQUESTS:
            raise ServerRefused(host=host, status=response.status_code, why="it sends the file in too many small pieces")

    def _piece(self, chunks: Iterator[bytes], size: int) -> bytes:
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > size:  # more than was asked for
                break
        return bytes(content[:size])

    def _chunks(self, response: Response) -> Iterator[bytes]:
        for chunk in response.iter_raw():
            self.received_bytes += len(chunk)
            if self._received:
                self._received(self.received_bytes)
            yield chunk
