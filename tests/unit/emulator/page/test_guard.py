"""Who may use the page: the browser on it, and programs; no page of another site."""

import pytest
from starlette.datastructures import Headers

from dashscope_aa.emulator._page.guard import BODY_BYTES, is_own, refusal

OURS = {
    "host": "127.0.0.1:8765",
    "origin": "http://127.0.0.1:8765",
    "sec-fetch-site": "same-origin",
    "content-type": "application/json",
    "content-length": "2",
}


@pytest.mark.parametrize(
    ("host", "own"),
    [
        pytest.param("127.0.0.1:8765", True, id="this machine"),
        pytest.param("[::1]:8765", True, id="this machine, the longer way"),
        pytest.param("localhost", True, id="its name"),
        pytest.param("emulator.localhost:80", True, id="a name below its name"),
        pytest.param("192.168.1.7:8765", True, id="an address of the network"),
        pytest.param("evil.example:8765", False, id="a name that may be made to lead here"),
        pytest.param("127.0.0.1.evil.example", False, id="a name that begins like an address"),
        pytest.param("evillocalhost", False, id="a name that ends like its name"),
        pytest.param("127.0.0.1@evil.example", False, id="a name behind a user's"),
        pytest.param("[::1", False, id="half an address"),
        pytest.param("", False, id="none"),
    ],
)
def test_is_own(host: str, *, own: bool) -> None:
    assert is_own(host) is own


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "left_out",
    [
        pytest.param(set[str](), id="a browser"),
        pytest.param({"origin", "sec-fetch-site"}, id="a program"),
    ],
)
def test_lets_in(method: str, left_out: set[str]) -> None:
    headers = {name: value for name, value in OURS.items() if name not in left_out}
    assert refusal(method, Headers(headers)) is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"host": "evil.example"}, "by the address", id="a name of a stranger"),
        pytest.param({"sec-fetch-site": "cross-site"}, "other sites", id="another site"),
        pytest.param({"sec-fetch-site": "same-site"}, "other sites", id="another port"),
        pytest.param({"origin": "http://evil.example"}, "this page itself", id="its origin"),
        pytest.param({"origin": "http://127.0.0.1:1"}, "this page itself", id="an own port's"),
        pytest.param({"origin": "null"}, "this page itself", id="a frame without any"),
        pytest.param({"content-type": "text/plain"}, "in JSON", id="what a form can send"),
        pytest.param({"content-type": ""}, "in JSON", id="nothing said"),
        pytest.param({"content-length": "x"}, "Content-Length", id="no length"),
        pytest.param({"content-length": str(BODY_BYTES + 1)}, "at most", id="too much"),
        pytest.param({"transfer-encoding": "chunked"}, "Content-Length", id="no end told"),
    ],
)
def test_keeps_out(changed: dict[str, str], says: str) -> None:
    assert says in (refusal("PUT", Headers(OURS | changed)) or "")
