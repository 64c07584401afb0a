"""Temporary storage and temporary keys.

Source: Model Studio help, "Upload a file and get a temporary URL" (UPL, 2025-10-15);
recordings in cnblogs/dashscope-sdk (CAP), whose numbers are JSON integers where the page
says strings; public notes on temporary keys.
"""

from typing import Annotated

from pydantic import Field

from dashscope_aa.models._base import Answer, Count, EpochSeconds, Request, Secret, Text


class UploadPolicyRequest(Request):
    """The query of ``GET /uploads``."""

    action: str = "getPolicy"
    """Always ``getPolicy``."""
    model: str
    """The model that will read the file; the URL works with no other."""


class UploadPolicy(Secret):
    """A certificate to upload files with: ``data`` of the answer."""

    policy: str = Field(repr=False)
    """Base64 of what may be uploaded; handed on as it is."""
    signature: str = Field(repr=False)
    """Signature of the policy; handed on as it is."""
    upload_dir: str
    """What the object key has to start with."""
    upload_host: Annotated[str, Field(pattern=r"^https?://[^/]")]
    """URL to post the form to."""
    oss_access_key_id: str = Field(repr=False)
    """Id of the key that signed the policy; handed on as it is."""
    expire_in_seconds: Count = None
    """Seconds the certificate may be used for (300)."""
    max_file_size_mb: Count = None
    """Largest file, in megabytes (100 documented, 1024 seen)."""
    capacity_limit_mb: Count = None
    """Room left, in megabytes."""
    x_oss_object_acl: str = "private"
    """Form field of the same name; handed on as it is."""
    x_oss_forbid_overwrite: str = "true"
    """Form field of the same name; handed on as it is."""


class UploadPolicyResponse(Answer):
    """The answer to ``GET /uploads?action=getPolicy``."""

    request_id: Text = None
    """Id of the request."""
    data: UploadPolicy
    """The certificate."""


class TokenRequest(Request):
    """The query of ``POST /tokens``."""

    expire_in_seconds: Annotated[int, Field(ge=1, le=1800)] = 60
    """Seconds the temporary key shall live, 1 to 1800."""


class TokenResponse(Secret):
    """A temporary key: it has every right of the key it came from and cannot be revoked."""

    token: str = Field(repr=False)
    """The key, ``st-…``. A secret."""
    expires_at: EpochSeconds
    """When it ends (sent as seconds since 1970)."""
