"""Put a local file where the service can read it.

`TemporaryStorage` is the service's own place for that: a certificate (policy) for one model, a
form POST to object storage, an ``oss://`` URL that lives 48 hours. The vendor calls it "not for
production"; any callable that fits `Uploader` can take its place.

Source: UPL; CAP; PY; OSS reference (facts of section 5).
"""

import hashlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import IO, Final, Protocol

import anyio

from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._concurrency import CHUNK_BYTES, KeyedLocks, in_thread, jitter
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import UPLOAD_POLICY
from dashscope_aa._http import Http
from dashscope_aa._protocol import Reply, build, decode, encode, mask
from dashscope_aa._schedule import Retries
from dashscope_aa._sources import MediaFile
from dashscope_aa.errors import NoAnswerError, NotSentError, UploadError
from dashscope_aa.events import OnBytes, tell_bytes
from dashscope_aa.models import UploadPolicy, UploadPolicyRequest

POLICY_S: Final = 240.0
"""How long a certificate is used; the service says 300 s (open question 28)."""
REUSE_S: Final = 47 * 3600.0
"""How long an uploaded file is used again; the service keeps it for 48 hours."""
_STEP_PIECES: Final = 2
"""How many pieces are read in a step, each of which costs a thread hop. Of three steps pieces may
be held: one is being sent, one waits for its turn, one is being read."""
_RETRIES: Final = Retries(attempts=3)
_CONTENT_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
}


class Uploader(Protocol):
    """What puts a local file where the service can read it."""

    async def __call__(self, source: MediaFile, /, *, model: str) -> str:
        """Upload *source* for *model* and give a URL: ``https://`` or ``oss://``."""
        ...


class TemporaryStorage:
    """The service's temporary storage. Files younger than 47 hours are not sent again."""

    def __init__(
        self,
        http: Http,
        settings: Settings,
        books: Bookkeeper,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._settings = settings
        self._books = books
        self._clock = clock
        self._policies: dict[str, tuple[UploadPolicy, float]] = {}
        self._locks = KeyedLocks()

    async def __call__(
        self, source: MediaFile, /, *, model: str, on_bytes: OnBytes | None = None
    ) -> str:
        """Upload *source* and give its ``oss://`` URL, good for *model* and this account only.

        *on_bytes* is called after each MiB that is not the last.

        Raises:
            UploadError: it did not get through; nothing usable was left behind.
            ServiceError: the service gave no certificate.
        """
        size = f"{model} {source.size_bytes} "
        # What may have been sent is hashed first. The first of its size cannot have been: it is
        # hashed while it is sent, and others of its size wait to see what it was.
        async with self._locks.hold(size):
            if not await self._books.has_upload(size, now_s=self._clock()):
                return await self._remembered(source, size, model, on_bytes)
        name = size + await source.sha256()
        async with self._locks.hold(name):
            url = await self._books.upload(name, now_s=self._clock())
            return url or await self._remembered(source, size, model, on_bytes)

    async def _remembered(
        self, source: MediaFile, size: str, model: str, on_bytes: OnBytes | None
    ) -> str:
        """Upload the file, and remember it by the bytes that were sent."""
        url = await self._upload(source, model, on_bytes)
        name, until_s = size + await source.sha256(), self._clock() + REUSE_S
        await self._books.keep_upload(name, url=url, until_s=until_s)
        return url

    async def forget(self, urls: Iterable[str]) -> None:
        """Send files again whose URLs no longer work."""
        await self._books.forget_uploads(urls)

    async def _upload(self, source: MediaFile, model: str, on_bytes: OnBytes | None) -> str:
        """Post the file; nothing is paid for it, so what fails may be tried again."""
        attempt = 0
        while True:
            attempt += 1
            policy = await self._policy(model)  # has its own attempts
            try:
                return await self._post(policy, source, on_bytes)
            except (NotSentError, NoAnswerError) as error:
                self._policies.pop(model, None)  # it may have run out: ask for another
                pause_s = _RETRIES.pause_s(attempt, error, safe=True, jitter=jitter())
                if pause_s is None:
                    raise UploadError(error.message, hint=error.hint) from None
                await anyio.sleep(pause_s)

    async def _post(self, policy: UploadPolicy, source: MediaFile, on_bytes: OnBytes | None) -> str:
        form = _Form(policy, source, on_bytes)
        try:
            reply = await self._http.post_form(
                policy.upload_host, body=form, fill=form.read_ahead, headers=form.headers
            )
        finally:
            form.close()
        if reply.status in {200, 201, 204}:
            return f"oss://{form.key}"
        refused = _refused(reply, source)
        if reply.status >= 500 or "Policy expired" in refused.message:  # noqa: PLR2004 - HTTP's own number
            raise NoAnswerError(refused.message, http_status=reply.status)
        raise refused

    async def _policy(self, model: str) -> UploadPolicy:
        async with self._locks.hold(model):
            known = self._policies.get(model)
            if known is not None and known[1] > self._clock():
                return known[0]
            asked = self._clock()
            query = build(UploadPolicyRequest, model=model).model_dump()
            call = encode(UPLOAD_POLICY, self._settings, query=query)
            policy = decode(call, await self._http.send(call), UPLOAD_POLICY.answer).data
            life_s = min(POLICY_S, policy.expire_in_seconds or POLICY_S)
            self._policies[model] = (policy, asked + life_s)
            return policy


def _refused(reply: Reply, source: MediaFile) -> UploadError:
    """Read the XML that object storage answers with."""
    code = _element(reply.body, "Code")
    said = _element(reply.body, "Message") or "no reason given"
    msg = f"uploading {source.size_bytes} bytes was refused: {mask(said)}"
    return UploadError(
        msg, code=code, http_status=reply.status, request_id=_element(reply.body, "RequestId")
    )


def _element(xml: bytes, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<]{{1,300}})</{name}>".encode(), xml)
    return found[1].decode(errors="replace") if found else None


class _Form:
    """A form to post, streamed: the fields, then the file, read and hashed a step ahead."""

    def __init__(self, policy: UploadPolicy, source: MediaFile, on_bytes: OnBytes | None) -> None:
        # A name of our own: two files of one name would collide under one certificate, and
        # users' file names are nobody else's business. The suffix tells the kind.
        self.key = f"{policy.upload_dir}/{uuid.uuid4().hex}{source.suffix}"
        self._source = source
        self._on_bytes = on_bytes
        self._boundary = uuid.uuid4().hex
        fields = {
            "OSSAccessKeyId": policy.oss_access_key_id,
            "Signature": policy.signature,
            "policy": policy.policy,
            "key": self.key,
            "x-oss-object-acl": policy.x_oss_object_acl,
            "x-oss-forbid-overwrite": policy.x_oss_forbid_overwrite,
            "success_action_status": "200",
            "x-oss-content-type": self._content_type,
        }
        file = f'name="file"; filename="file{source.suffix}"\r\nContent-Type: {self._content_type}'
        head = "".join(
            self._part(f'name="{name}"') + f"{value}\r\n" for name, value in fields.items()
        ) + self._part(file)
        self._head = head.encode()
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._unread = source.size_bytes
        self._ended = False
        self._give, self._take = anyio.create_memory_object_stream[list[bytes]]()
        self._pieces: list[bytes] = []
        self._sent = -len(self._head)

    @property
    def _content_type(self) -> str:
        return _CONTENT_TYPES.get(self._source.suffix, "application/octet-stream")

    def _part(self, disposition: str) -> str:
        return f"--{self._boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the form."""
        length = len(self._head) + self._source.size_bytes + len(self._tail)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(length),
        }

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Give the next piece: an object and no generator, so that leaving early is clean."""
        if not self._pieces:
            try:
                self._pieces = await self._take.receive()
            except anyio.EndOfStream:
                raise StopAsyncIteration from None
        piece = self._pieces.pop(0)
        self._sent += len(piece)
        if 0 < self._sent < self._source.size_bytes:
            await tell_bytes(self._on_bytes, self._sent, self._source.size_bytes)
        return piece

    async def read_ahead(self) -> None:
        """Read the form to its end, each step while what the last one gave is being sent."""
        pieces = await in_thread(self._read)
        while pieces:
            async with anyio.create_task_group() as group:
                # Begun before the reading, it comes to be sent when that is under way.
                group.start_soon(self._give.send, pieces)
                pieces = await in_thread(self._read)
        self._give.close()

    def _read(self) -> list[bytes]:
        """Read and hash the next pieces; none are left after the end."""
        pieces: list[bytes] = []
        try:
            if self._file is None:
                self._file = self._source.path.open("rb")
                pieces.append(self._head)
            while self._unread and len(pieces) < _STEP_PIECES:
                pieces.append(self._piece(self._file))
            if not self._unread and not self._ended:
                self._end(self._file)
                pieces.append(self._tail)
        except OSError as error:
            msg = f"the file cannot be read any more: {error.strerror or error}"
            raise UploadError(msg) from error
        return pieces

    def _piece(self, file: IO[bytes]) -> bytes:
        piece = file.read(min(CHUNK_BYTES, self._unread))
        if not piece:
            msg = f"the file became shorter while it was sent: {self._unread} bytes are missing"
            raise UploadError(msg)
        self._hash.update(piece)
        self._unread -= len(piece)
        return piece

    def _end(self, file: IO[bytes]) -> None:
        """Refuse to end a form whose file is not the one that was looked at."""
        self._ended = True
        if file.read(1):
            msg = "the file became longer after it was looked at"
        elif self._source.confirm(self._hash.hexdigest()):
            return
        else:
            msg = "the file was changed after it was looked at, or while it was sent"
        raise UploadError(msg, hint="Upload it again when nothing writes to it any more.")

    def close(self) -> None:
        """Close the file, and what its pieces go through."""
        self._give.close()
        self._take.close()
        if self._file is not None:
            self._file.close()
