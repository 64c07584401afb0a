"""Settings: where the key is found, where the client points, and what is never shown."""

import contextlib
import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa import AnimateAnyone, WanAnimate
from dashscope_aa._config import ApiKey, Settings
from dashscope_aa._engines import Family
from dashscope_aa.errors import ConfigurationError, DashScopeError, RegionError

KEY: Final = "sk-0123456789abcdef"


def load(**settings: Any) -> Settings:
    return Settings.load(**{"api_key": KEY, "environ": {}, **settings})


def whole(error: BaseException | None) -> str:
    """Give all that an error and those behind it say, as a crash reporter would."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error)), repr(error.args)]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


# ── the key ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def put(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def found(environ: dict[str, str] | None = None, api_key: str | None = None) -> tuple[str, str]:
    key = Settings.load(api_key=api_key, environ=environ or {}).api_key
    return key.reveal(), key.source


def test_sources_of_the_key_in_their_order(home: Path) -> None:
    """Lay out every source, then take away the first each time."""
    file = put(home / "secrets" / "key", "sk-from-file\n")
    toml = put(home / ".dashscope" / "config.toml", 'api_key = "sk-from-toml"\n')
    plain = put(home / ".dashscope" / "api_key", "sk-from-plain\n")
    ini = put(home / ".alibabacloud" / "credentials", "[default]\ndashscope_api_key=sk-from-ini\n")
    environ = {"DASHSCOPE_API_KEY": "sk-from-env", "DASHSCOPE_API_KEY_FILE_PATH": str(file)}

    assert found(environ, "sk-given") == ("sk-given", "the api_key argument")
    assert found(environ) == ("sk-from-env", "DASHSCOPE_API_KEY")
    del environ["DASHSCOPE_API_KEY"]
    assert found(environ) == ("sk-from-file", str(file))
    del environ["DASHSCOPE_API_KEY_FILE_PATH"]
    assert found(environ) == ("sk-from-toml", str(toml))
    toml.unlink()
    assert found(environ) == ("sk-from-plain", str(plain))
    plain.unlink()
    assert found(environ) == ("sk-from-ini", str(ini))
    ini.unlink()
    with pytest.raises(ConfigurationError, match="there is no API key") as caught:
        found(environ)
    assert "DASHSCOPE_API_KEY" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("config.toml", "", id="empty TOML"),
        pytest.param("config.toml", 'api_key = ""', id="empty key in TOML"),
        pytest.param("config.toml", "api_key = 1", id="number in TOML"),
        pytest.param("config.toml", '[other]\napi_key = "sk-other"', id="key of a table in TOML"),
        pytest.param("api_key", " \n ", id="blank file"),
    ],
)
def test_file_without_a_key_is_passed_over(home: Path, name: str, text: str) -> None:
    put(home / ".dashscope" / name, text)
    put(home / ".alibabacloud" / "credentials", "[default]\ndashscope_api_key = sk-ini")
    assert found()[0] == "sk-ini"


def test_directory_in_the_place_of_a_file_is_passed_over(home: Path) -> None:
    (home / ".dashscope" / "config.toml").mkdir(parents=True)
    put(home / ".dashscope" / "api_key", "sk-plain")
    assert found()[0] == "sk-plain"


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        pytest.param({}, "sk-default", id="default"),
        pytest.param({"ALIBABA_CLOUD_PROFILE": "work"}, "sk-work", id="profile"),
        pytest.param({"ALICLOUD_PROFILE": "work"}, "sk-work", id="older name"),
        pytest.param(
            {"ALIBABA_CLOUD_PROFILE": "work", "ALICLOUD_PROFILE": "default"},
            "sk-work",
            id="both: the newer name wins",
        ),
        pytest.param({"ALIBABA_CLOUD_PROFILE": ""}, "sk-default", id="empty"),
    ],
)
def test_profile(home: Path, environ: dict[str, str], key: str) -> None:
    put(
        home / ".alibabacloud" / "credentials",
        "[default]\ndashscope_api_key = sk-default\n[work]\ndashscope_api_key = sk-work\n",
    )
    assert found(environ)[0] == key


def test_profile_that_is_not_there_has_no_key(home: Path) -> None:
    put(home / ".alibabacloud" / "credentials", "[default]\ndashscope_api_key = sk-default\n")
    with pytest.raises(ConfigurationError, match="there is no API key"):
        found({"ALIBABA_CLOUD_PROFILE": "play"})


def test_percent_in_credentials_is_no_reference(home: Path) -> None:
    put(home / ".alibabacloud" / "credentials", "[default]\ndashscope_api_key = sk-%(x)s%z\n")
    assert found()[0] == "sk-%(x)s%z"


@pytest.mark.parametrize("name", [".dashscope/config.toml", ".dashscope/api_key"])
def test_mark_of_a_windows_editor_is_no_part_of_the_key(home: Path, name: str) -> None:
    text = 'api_key = "sk-bom"' if name.endswith("toml") else "sk-bom\r\n"
    put(home / name, b"\xef\xbb\xbf" + text.encode())
    assert found()[0] == "sk-bom"


def test_home_is_expanded(home: Path) -> None:
    put(home / "keys" / "one", "sk-home")
    assert found({"DASHSCOPE_API_KEY_FILE_PATH": "~/keys/one"})[0] == "sk-home"


def test_nobody_knows_where_home_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def expanduser(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expanduser)
    with pytest.raises(ConfigurationError, match="there is no API key"):
        found()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"api_key = {KEY}", id="no quotes"),
        pytest.param(f'api_key = "{KEY}', id="open quote"),
        pytest.param(f'api_key = "{KEY}"\napi_key = "{KEY}"', id="twice"),
        pytest.param(f"{KEY}", id="plain key"),
        pytest.param(f"# {KEY}\nx = " + "1" * 5000, id="number without end"),
        pytest.param(f"# {KEY}\nx = " + "[" * 5000, id="nested without end"),
        pytest.param(f"# {KEY}\n\xff".encode("latin-1"), id="no UTF-8"),
    ],
)
def test_malformed_toml_is_never_quoted(home: Path, text: str | bytes) -> None:
    path = put(home / ".dashscope" / "config.toml", text)
    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        found()
    assert KEY not in whole(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"dashscope_api_key = {KEY}", id="no section"),
        pytest.param(f"[default]\n{KEY}", id="no name"),
        pytest.param(f"[default]\ndashscope_api_key={KEY}\ndashscope_api_key={KEY}", id="twice"),
        pytest.param(f"[default\ndashscope_api_key = {KEY}", id="open bracket"),
        pytest.param(f"[default]\ndashscope_api_key = {KEY}\xff".encode("latin-1"), id="no UTF-8"),
    ],
)
def test_malformed_credentials_are_never_quoted(home: Path, text: str | bytes) -> None:
    path = put(home / ".alibabacloud" / "credentials", text)
    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        found()
    assert KEY not in whole(caught.value)


@given(text=st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_file_raises_anything_of_its_own(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("home")
    places = (".dashscope/config.toml", ".dashscope/api_key", ".alibabacloud/credentials")
    for place in places:
        path = put(folder / place, text.encode("utf-8", "surrogatepass"))
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("HOME", str(folder))
            monkeypatch.setenv("USERPROFILE", str(folder))
            with contextlib.suppress(DashScopeError):
                found()
        path.unlink()


@pytest.mark.parametrize("name", ["missing", "directory"])
def test_named_file_must_be_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(ConfigurationError, match=rf"FILE_PATH names .*{name}, which is not a file"):
        found({"DASHSCOPE_API_KEY_FILE_PATH": str(tmp_path / name)})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f"{KEY}\n{KEY}", id="two lines"),
        pytest.param(f"{KEY}é".encode("latin-1"), id="no UTF-8"),
    ],
)
def test_named_file_must_hold_a_key(tmp_path: Path, text: str | bytes) -> None:
    path = put(tmp_path / "key", text)
    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        found({"DASHSCOPE_API_KEY_FILE_PATH": str(path)})
    assert KEY not in whole(caught.value)


def test_unreadable_file_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_file(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", is_file)
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read: PermissionError"):
        found()


@pytest.mark.parametrize(
    "given_key",
    [
        pytest.param("", id="empty"),
        pytest.param("  ", id="blank"),
        pytest.param("Bearer sk-0123", id="space inside"),
        pytest.param("sk-01\n23", id="line break inside"),
        pytest.param("sk-0123\x7f", id="control character"),
        pytest.param("sk-ключ", id="not ASCII"),
        pytest.param("sk-\u200b0123", id="space of no width"),
    ],
)
def test_no_key_looks_like_that(given_key: str) -> None:
    with pytest.raises(ConfigurationError, match="the api_key argument") as caught:
        load(api_key=given_key)
    assert "0123" not in whole(caught.value)
    assert "Copy the key again" in caught.value.hint


def test_spaces_around_a_key_are_no_part_of_it() -> None:
    assert load(api_key=f" {KEY}\r\n").api_key.reveal() == KEY


def test_key_is_never_shown() -> None:
    settings = load()
    for text in (repr(settings), str(settings), f"{settings.api_key}", repr(vars_of(settings))):
        assert KEY not in text
        assert KEY[3:] not in text
    assert repr(settings.api_key) == "<key from the api_key argument>"


def vars_of(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__slots__}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_key_is_never_pickled(protocol: int) -> None:
    for holder in (load(), load().api_key):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(holder, protocol)
    with pytest.raises(TypeError, match="never pickled"):
        copy.deepcopy(load())


def test_fingerprint_tells_keys_apart_and_gives_none_away() -> None:
    one, same, other = (ApiKey(key, "a test") for key in (KEY, f" {KEY} ", "sk-other"))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert KEY not in one.fingerprint
    assert len(one.fingerprint) == 16


# ── the base URL ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        pytest.param("https://host", "https://host/api/v1", id="host alone"),
        pytest.param("https://host/", "https://host/api/v1", id="slash"),
        pytest.param("https://host/api/v1", "https://host/api/v1", id="as it shall be"),
        pytest.param("https://host/api/v1/", "https://host/api/v1", id="slash after"),
        pytest.param("https://host/api/v1//", "https://host/api/v1", id="slashes after"),
        pytest.param(" https://host/api/v1\n", "https://host/api/v1", id="spaces around"),
        pytest.param("HTTPS://Host.Example", "https://host.example/api/v1", id="capitals"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1", id="port"),
        pytest.param("http://[::1]:8080/", "http://[::1]:8080/api/v1", id="IPv6"),
        pytest.param("https://host/Prefix", "https://host/Prefix/api/v1", id="prefix"),
        pytest.param("https://host/p/api/v1", "https://host/p/api/v1", id="prefix and path"),
        pytest.param(
            "https://host_name", "https://host_name/api/v1", id="underscore, as in Docker"
        ),
        pytest.param(
            "https://xn--bcher-kva.example", "https://xn--bcher-kva.example/api/v1", id="xn"
        ),
    ],
)
def test_base_url(given_url: str, url: str) -> None:
    assert load(base_url=given_url).base_url == url
    assert load(base_url=url).base_url == url
    assert load(environ={"DASHSCOPE_BASE_URL": given_url}).base_url == url


@pytest.mark.parametrize(
    "given_url",
    [
        pytest.param(" ", id="blank"),
        pytest.param("host", id="no scheme"),
        pytest.param("host:8080/api/v1", id="port without a scheme"),
        pytest.param("//host", id="only slashes"),
        pytest.param("ftp://host", id="ftp"),
        pytest.param("oss://host", id="oss"),
        pytest.param("file:///srv", id="file"),
        pytest.param("https://", id="no host"),
        pytest.param("https:///api/v1", id="no host but a path"),
        pytest.param("https://:8080", id="only a port"),
        pytest.param("https://host:port", id="port is a word"),
        pytest.param("https://host:99999", id="port is too large"),
        pytest.param("https://host:0", id="port is zero"),
        pytest.param("https://[::1", id="IPv6 left open"),
        pytest.param("https://ho st", id="space in the host"),
        pytest.param("https://host/a b", id="space in the path"),
        pytest.param("https://ho\nst", id="line break"),
        pytest.param("https://host/?x=1", id="query"),
        pytest.param("https://host/#x", id="fragment"),
        pytest.param("https://höst", id="host not ASCII"),
        pytest.param("https://host/é", id="path not ASCII"),
        pytest.param("https://host\\evil", id="backslash"),
        pytest.param("https://host%00", id="null in the host"),
        pytest.param("https://host,other", id="comma"),
    ],
)
def test_base_url_is_refused(given_url: str) -> None:
    with pytest.raises(ConfigurationError, match="must look like https://host/api/v1"):
        load(base_url=given_url)


@pytest.mark.parametrize(
    "given_url",
    [
        pytest.param(f"https://user:{KEY}@host", id="password"),
        pytest.param(f"https://{KEY}@host", id="user"),
        pytest.param(f"https://user:{KEY}@host:port", id="password, and a bad port"),
        pytest.param(f"https://user:/{KEY}@host", id="password with a slash"),
        pytest.param(f"ftp://user:{KEY}@host", id="password, and another scheme"),
        pytest.param(f"https://host?key={KEY}", id="query"),
        pytest.param(f"https://host#{KEY}", id="fragment"),
        pytest.param(KEY, id="key set as URL by mistake"),
        pytest.param(f"https://@host {KEY}", id="key after a space"),
        pytest.param(f"https://[{KEY}", id="key in brackets"),
    ],
)
def test_secret_in_a_base_url_is_not_quoted(given_url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(base_url=given_url)
    assert KEY not in whole(caught.value)


def test_empty_user_is_a_user() -> None:
    with pytest.raises(ConfigurationError, match="user name"):
        load(base_url="https://@host")


@given(st.text() | st.from_regex(r"https?://[^/]*(/.*)?", fullmatch=True))
def test_any_text_is_refused_or_becomes_a_base_url(text: str) -> None:
    try:
        url = load(base_url=text).base_url if text else "https://x/api/v1"
    except ConfigurationError:
        return
    assert url.startswith(("http://", "https://"))
    assert url.endswith("/api/v1")
    assert url.isascii()
    assert url.isprintable()
    assert load(base_url=url).base_url == url


@pytest.mark.parametrize(
    ("argument", "environ", "url"),
    [
        pytest.param(None, {}, "https://dashscope.aliyuncs.com/api/v1", id="nothing"),
        pytest.param("", {}, "https://dashscope.aliyuncs.com/api/v1", id="empty argument"),
        pytest.param(
            "https://a",
            {"DASHSCOPE_HTTP_BASE_URL": "https://b"},
            "https://a/api/v1",
            id="argument first",
        ),
        pytest.param(
            None,
            {"DASHSCOPE_HTTP_BASE_URL": "https://b", "DASHSCOPE_BASE_URL": "https://c"},
            "https://b/api/v1",
            id="official name before the other",
        ),
        pytest.param(
            None,
            {"DASHSCOPE_HTTP_BASE_URL": "", "DASHSCOPE_BASE_URL": "https://c"},
            "https://c/api/v1",
            id="empty is not there",
        ),
    ],
)
def test_sources_of_the_base_url(argument: str | None, environ: dict[str, str], url: str) -> None:
    assert load(base_url=argument, environ=environ).base_url == url


def test_environment_is_read_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-env")
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-pro")
    settings = Settings.load()
    assert settings.api_key.reveal() == "sk-env"
    assert settings.base_url == "http://127.0.0.1:1/api/v1"
    assert settings.engine == WanAnimate(mode="wan-pro")


# ── regions, workspaces and gateways ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("region", "workspace", "url"),
    [
        pytest.param("cn-beijing", None, "https://dashscope.aliyuncs.com", id="Beijing"),
        pytest.param(
            "cn-beijing",
            "llm-1",
            "https://llm-1.cn-beijing.maas.aliyuncs.com",
            id="workspace in Beijing",
        ),
        pytest.param(
            "cn-beijing",
            "LLM-1",
            "https://llm-1.cn-beijing.maas.aliyuncs.com",
            id="workspace in capitals",
        ),
        pytest.param("ap-southeast-1", None, "https://dashscope-intl.aliyuncs.com", id="Singapore"),
        pytest.param(
            "ap-southeast-1",
            "llm-1",
            "https://llm-1.ap-southeast-1.maas.aliyuncs.com",
            id="workspace in Singapore",
        ),
        pytest.param("us-east-1", None, "https://dashscope-us.aliyuncs.com", id="Virginia"),
        pytest.param(
            "us-east-1", "llm-1", "https://dashscope-us.aliyuncs.com", id="workspace in Virginia"
        ),
        pytest.param(
            "eu-central-1",
            "llm-1",
            "https://llm-1.eu-central-1.maas.aliyuncs.com",
            id="workspace in Frankfurt",
        ),
        pytest.param(
            "ap-northeast-1",
            "llm-1",
            "https://llm-1.ap-northeast-1.maas.aliyuncs.com",
            id="workspace in Tokyo",
        ),
        pytest.param(
            "cn-hongkong", None, "https://cn-hongkong.dashscope.aliyuncs.com", id="Hong Kong"
        ),
        pytest.param("finance", None, "https://dashscope-finance.aliyuncs.com", id="finance"),
    ],
)
def test_gateway(region: str, workspace: str | None, url: str) -> None:
    settings = load(region=region, workspace=workspace)
    assert settings.base_url == f"{url}/api/v1"
    assert settings.region == region
    assert settings.workspace_header == (workspace is not None and "llm-1" not in url)
    assert load(base_url=url).region == region


@pytest.mark.parametrize("region", ["eu-central-1", "ap-northeast-1"])
def test_region_of_workspaces_only(region: str) -> None:
    with pytest.raises(ConfigurationError, match="single workspaces only") as caught:
        load(region=region)
    assert "workspace=" in caught.value.hint


@pytest.mark.parametrize("region", ["", "beijing", "CN-BEIJING", "cn-beijing ", "mars"])
def test_no_such_region(region: str) -> None:
    with pytest.raises(RegionError, match="there is no region") as caught:
        load(region=region)
    assert "cn-beijing, ap-southeast-1" in caught.value.hint


@pytest.mark.parametrize(
    "workspace",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b", id="dot"),
        pytest.param("a/b", id="slash"),
        pytest.param("evil.example/", id="host"),
        pytest.param("a b", id="space"),
        pytest.param("a\r\nX-Header: 1", id="header"),
        pytest.param("a" * 64, id="too long"),
        pytest.param("wörk", id="not ASCII"),
        pytest.param("a\n", id="line break at the end"),
    ],
)
def test_workspace_is_refused(workspace: str) -> None:
    with pytest.raises(ConfigurationError, match="workspace id"):
        load(workspace=workspace)


def test_workspace_is_named_in_a_header_where_the_host_does_not() -> None:
    assert load(workspace="llm-1", base_url="http://127.0.0.1:1").workspace_header
    own = load(workspace="llm-1", base_url="https://llm-1.cn-beijing.maas.aliyuncs.com")
    assert not own.workspace_header


@pytest.mark.parametrize(
    ("region", "url"),
    [
        pytest.param("ap-southeast-1", "https://dashscope.aliyuncs.com", id="Singapore, Beijing"),
        pytest.param("us-east-1", "https://dashscope-intl.aliyuncs.com", id="Virginia, Singapore"),
        pytest.param(
            "ap-southeast-1", "https://a.cn-beijing.maas.aliyuncs.com", id="Singapore, workspace"
        ),
    ],
)
def test_region_and_gateway_must_agree(region: str, url: str) -> None:
    with pytest.raises(RegionError, match=f"region {region} does not fit"):
        load(region=region, base_url=url)


@pytest.mark.parametrize(
    ("settings", "served"),
    [
        pytest.param({}, {"animate-anyone", "wan"}, id="Beijing"),
        pytest.param({"workspace": "a"}, {"animate-anyone", "wan"}, id="workspace in Beijing"),
        pytest.param({"region": "ap-southeast-1"}, {"wan"}, id="Singapore"),
        pytest.param({"region": "ap-southeast-1", "workspace": "a"}, {"wan"}, id="workspace there"),
        pytest.param({"region": "us-east-1"}, set(), id="Virginia"),
        pytest.param({"region": "eu-central-1", "workspace": "a"}, set(), id="Frankfurt"),
        pytest.param({"region": "cn-hongkong"}, set(), id="Hong Kong"),
        pytest.param({"region": "finance"}, set(), id="finance"),
        pytest.param(
            {"base_url": "https://dashscope-intl.aliyuncs.com"}, {"wan"}, id="host of Singapore"
        ),
        pytest.param(
            {"base_url": "https://DASHSCOPE-INTL.aliyuncs.com.:443/api/v1"},
            {"wan"},
            id="the same host, written otherwise",
        ),
        pytest.param(
            {"environ": {"DASHSCOPE_BASE_URL": "https://a.eu-central-1.maas.aliyuncs.com"}},
            set(),
            id="host of Frankfurt, by the environment",
        ),
        pytest.param({"base_url": "http://127.0.0.1:1"}, {"animate-anyone", "wan"}, id="emulator"),
        pytest.param(
            {"base_url": "https://proxy.example/x"}, {"animate-anyone", "wan"}, id="proxy"
        ),
        pytest.param(
            {"base_url": "http://127.0.0.1:1", "region": "ap-southeast-1"},
            {"wan"},
            id="emulator that is said to be in Singapore",
        ),
    ],
)
def test_where_the_families_are_taken(settings: dict[str, Any], served: set[str]) -> None:
    loaded = load(**settings)
    for family in get_args(Family):
        if family in served:
            loaded.require(family)
            continue
        with pytest.raises(RegionError, match=r"is served in cn-beijing") as caught:
            loaded.require(family)
        assert loaded.region in str(caught.value)
        assert "region='cn-beijing'" in caught.value.hint


# ── engine and paths ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argument", "environ", "engine"),
    [
        pytest.param(None, {}, AnimateAnyone(), id="nothing"),
        pytest.param(None, {"DASHSCOPE_AA_ENGINE": ""}, AnimateAnyone(), id="empty"),
        pytest.param(
            None, {"DASHSCOPE_AA_ENGINE": "wan-std"}, WanAnimate(mode="wan-std"), id="environment"
        ),
        pytest.param(
            WanAnimate(mode="wan-pro"),
            {"DASHSCOPE_AA_ENGINE": "wan-std"},
            WanAnimate(mode="wan-pro"),
            id="argument first",
        ),
    ],
)
def test_engine(argument: Any, environ: dict[str, str], engine: Any) -> None:
    assert load(engine=argument, environ=environ).engine == engine


def test_engine_nobody_knows() -> None:
    with pytest.raises(ConfigurationError, match="but is 'sora'"):
        load(environ={"DASHSCOPE_AA_ENGINE": "sora"})


def test_paths_are_copied() -> None:
    paths = {"animate-anyone-gen2": "/a"}
    settings = load(paths=paths)
    paths["animate-anyone-gen2"] = "/b"
    assert settings.paths == {"animate-anyone-gen2": "/a"}
    assert load().paths == {}
    assert replace(settings, workspace="a").paths == {"animate-anyone-gen2": "/a"}


@pytest.mark.parametrize("path", ["", "services", "https://evil.example", "@evil.example"])
def test_path_must_begin_with_a_slash(path: str) -> None:
    with pytest.raises(ConfigurationError, match="must begin with /"):
        load(paths={"animate-anyone-gen2": path})
