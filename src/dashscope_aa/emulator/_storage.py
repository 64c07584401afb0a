"""Temporary storage: certificates, what was uploaded under them, and ``oss://`` URLs.

Source: UPL (the call, the 48 hours, what a URL is bound to), CAP (the certificate as it
really looks), the OSS PostObject reference (the checks of a form post).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dashscope_aa.emulator._answers import (
    BAD_STORAGE,
    OSS_BAD_ARGUMENT,
    OSS_BAD_KEY_ID,
    OSS_BAD_SIGNATURE,
    OSS_EXISTS,
    OSS_POLICY_EXPIRED,
    OSS_POLICY_FAILED,
    Refused,
)
from dashscope_aa.emulator._clock import Clock, service_time, utc_time
from dashscope_aa.emulator._limits import (
    CAPACITY_MB,
    CERTIFICATE_REAL_S,
    CERTIFICATE_SAID_S,
    UPLOAD_KEPT_S,
    UPLOAD_MB,
)
from dashscope_aa.emulator._names import Names

SCHEME: Final = "oss://"
ACL: Final = "private"
FORBID_OVERWRITE: Final = "true"
BUCKET: Final = "dashscope-file-emulated"
ACCESS_KEY_ID: Final = "LTAIemulated"
MAX_BYTES: Final = UPLOAD_MB * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was handed out to upload with."""

    account: str
    model: str
    upload_dir: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in temporary storage."""

    key: str
    """Its object key; the URL is ``oss://`` and this."""
    account: str
    """The account it belongs to."""
    model: str
    """The model it was uploaded for."""
    size_bytes: int
    """Its size."""
    uploaded_at: float
    """When it came, on the emulator's clock."""
    path: Path
    """Where its bytes are, as long as the emulator runs."""

    @property
    def url(self) -> str:
        """The URL the service reads it by."""
        return SCHEME + self.key


class Storage:
    """The bucket behind ``oss://``."""

    def __init__(self, *, clock: Clock, names: Names) -> None:
        self._clock = clock
        self._names = names
        self._secret = secrets.token_bytes(16)
        self._certificates: dict[str, Certificate] = {}
        self._uploads: dict[str, Upload] = {}

    # ── certificates ─────────────────────────────────────────────────────────────────────

    def certificate(self, *, account: str, model: str, host: str) -> dict[str, object]:
        """Hand out a certificate: the ``data`` of a getPolicy answer, numbers as integers."""
        now = self._clock.now()
        day = service_time(now)[:10]
        upload_dir = f"dashscope-instant/{account}/{day}/{self._names.uuid()}"
        expires_at = now + CERTIFICATE_REAL_S
        policy = _policy(upload_dir, expires_at=expires_at)
        self._certificates[policy] = Certificate(account, model, upload_dir, expires_at)
        return {
            "policy": policy,
            "signature": self._sign(policy),
            "upload_dir": upload_dir,
            "upload_host": host,
            "expire_in_seconds": CERTIFICATE_SAID_S,
            "max_file_size_mb": UPLOAD_MB,
            "capacity_limit_mb": CAPACITY_MB,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": ACL,
            "x_oss_forbid_overwrite": FORBID_OVERWRITE,
        }

    def _sign(self, policy: str) -> str:
        digest = hmac.digest(self._secret, policy.encode(), hashlib.sha1)
        return base64.b64encode(digest).decode()

    # ── the form post ────────────────────────────────────────────────────────────────────

    def admit(self, form: Mapping[str, str]) -> Certificate:
        """Check the fields of a form post, as far as they come before the file."""
        for name in ("OSSAccessKeyId", "policy", "Signature", "key"):
            if not form.get(name):
                raise Refused(OSS_BAD_ARGUMENT.filled(f"The form field {name} is missing."))
        if form["OSSAccessKeyId"] != ACCESS_KEY_ID:
            raise Refused(OSS_BAD_KEY_ID)
        certificate = self._certificates.get(form["policy"])
        right = hmac.compare_digest(self._sign(form["policy"]).encode(), form["Signature"].encode())
        if certificate is None or not right:
            raise Refused(OSS_BAD_SIGNATURE)
        if self._clock.now() >= certificate.expires_at:
            raise Refused(OSS_POLICY_EXPIRED)
        _check_conditions(form, certificate)
        if form["key"] in self._uploads:
            raise Refused(OSS_EXISTS)
        return certificate

    def keep(self, key: str, certificate: Certificate, *, path: Path, size_bytes: int) -> Upload:
        """Take in a file that has arrived whole."""
        if key in self._uploads:
            raise Refused(OSS_EXISTS)
        now = self._clock.now()
        upload = Upload(key, certificate.account, certificate.model, size_bytes, now, path)
        self._uploads[key] = upload
        return upload

    # ── reading ──────────────────────────────────────────────────────────────────────────

    def find(self, url: str, *, account: str, model: str | None) -> Upload:
        """Give the file behind an ``oss://`` URL; *model* None reads it for any model."""
        upload = self._uploads.get(url.removeprefix(SCHEME))
        if (
            upload is None
            or upload.account != account
            or model not in (None, upload.model)
            or self._clock.now() >= upload.uploaded_at + UPLOAD_KEPT_S
        ):
            raise Refused(BAD_STORAGE)
        return upload

    def uploads(self) -> tuple[Upload, ...]:
        """Give the files that can still be read, oldest first."""
        oldest = self._clock.now() - UPLOAD_KEPT_S
        return tuple(up for up in list(self._uploads.values()) if up.uploaded_at > oldest)

    def sweep(self) -> None:
        """Forget what has expired, and free its room on disk."""
        now = self._clock.now()
        for policy, certificate in list(self._certificates.items()):
            if now >= certificate.expires_at + UPLOAD_KEPT_S:
                del self._certificates[policy]
        for key, upload in list(self._uploads.items()):
            if now >= upload.uploaded_at + UPLOAD_KEPT_S:
                upload.path.unlink(missing_ok=True)
                del self._uploads[key]


def _policy(upload_dir: str, *, expires_at: float) -> str:
    conditions: list[Any] = [
        ["content-length-range", 0, MAX_BYTES],
        ["starts-with", "$key", upload_dir],
        {"bucket": BUCKET},
        {"x-oss-object-acl": ACL},
        {"x-oss-forbid-overwrite": FORBID_OVERWRITE},
    ]
    text = json.dumps({"expiration": utc_time(expires_at), "conditions": conditions})
    return base64.b64encode(text.encode()).decode()


def _check_conditions(form: Mapping[str, str], certificate: Certificate) -> None:
    if not form["key"].startswith(certificate.upload_dir + "/"):
        condition = json.dumps(["starts-with", "$key", certificate.upload_dir])
        raise Refused(OSS_POLICY_FAILED.filled(condition))
    fixed = {"x-oss-object-acl": ACL, "x-oss-forbid-overwrite": FORBID_OVERWRITE}
    for name, value in fixed.items():
        if form.get(name) != value:
            raise Refused(OSS_POLICY_FAILED.filled(json.dumps(["eq", f"${name}", value])))
