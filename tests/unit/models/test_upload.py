"""Upload certificates and temporary keys: read whatever the wire sends, show no secret."""

import copy
import pickle
from typing import Any, Final

import pytest
from pydantic import ValidationError

from dashscope_aa.models import TokenRequest, TokenResponse, UploadPolicy, UploadPolicyResponse

POLICY: Final[dict[str, Any]] = {
    "policy": "POLICY-SECRET",
    "signature": "SIGNATURE-SECRET",
    "oss_access_key_id": "ACCESS-SECRET",
    "security_token": "NEW-SECRET",
    "upload_dir": "dashscope-instant/a",
    "upload_host": "https://dashscope-file-a.oss-cn-beijing.aliyuncs.com",
}
SECRETS: Final = ("POLICY-SECRET", "SIGNATURE-SECRET", "ACCESS-SECRET", "NEW-SECRET")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        pytest.param(300, 300, id="integer, as seen"),
        pytest.param("300", 300, id="text, as printed"),
        pytest.param(300.0, 300, id="float"),
        pytest.param("soon", None, id="a word"),
    ],
)
def test_numbers_of_a_policy(sent: Any, read: int | None) -> None:
    policy = UploadPolicy.model_validate(
        {**POLICY, "expire_in_seconds": sent, "max_file_size_mb": sent, "capacity_limit_mb": sent}
    )
    assert policy.expire_in_seconds == policy.max_file_size_mb == read
    assert policy.capacity_limit_mb == read
    assert (policy.x_oss_object_acl, policy.x_oss_forbid_overwrite) == ("private", "true")


@pytest.mark.parametrize(
    "missing", ["policy", "signature", "oss_access_key_id", "upload_dir", "upload_host"]
)
def test_policy_needs(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        UploadPolicy.model_validate({key: it for key, it in POLICY.items() if key != missing})


def test_policy_shows_no_secret() -> None:
    response = UploadPolicyResponse.model_validate({"data": POLICY})
    for text in (repr(response), str(response), repr(response.data), f"{response.data}"):
        assert "dashscope-instant/a" in text
        assert not any(secret in text for secret in SECRETS)


def test_token_shows_no_secret() -> None:
    token = TokenResponse.model_validate({"token": "st-hidden", "expires_at": 1, "old": "st-old"})
    for text in (repr(token), str(token), f"{token}", repr([token])):
        assert "expires_at" in text
        assert "st-" not in text
    assert token.token == "st-hidden"


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(UploadPolicy.model_validate(POLICY), id="policy"),
        pytest.param(UploadPolicyResponse.model_validate({"data": POLICY}), id="its answer"),
        pytest.param(TokenResponse.model_validate({"token": "st-x", "expires_at": 1}), id="token"),
    ],
)
def test_secrets_are_never_pickled(secret: Any) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(secret, protocol)
    assert copy.copy(secret) == secret
    assert copy.deepcopy(secret) == secret


@pytest.mark.parametrize("seconds", [1, 60, 1800])
def test_token_request_takes(seconds: int) -> None:
    assert TokenRequest(expire_in_seconds=seconds).model_dump() == {"expire_in_seconds": seconds}


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(0, id="nothing"),
        pytest.param(1801, id="too long"),
        pytest.param(-1, id="less than nothing"),
        pytest.param(1.5, id="a fraction"),
        pytest.param("soon", id="a word"),
        pytest.param(None, id="null"),
    ],
)
def test_token_request_refuses(seconds: Any) -> None:
    with pytest.raises(ValidationError):
        TokenRequest.model_validate({"expire_in_seconds": seconds})
