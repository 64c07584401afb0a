"""The table of endpoints against the documents' own words, written here a second time."""

from datetime import date

import pytest

from dashscope_aa._endpoints import (
    API_PATH,
    DETECT,
    ENDPOINTS,
    REGIONS,
    RETIREMENTS,
    SYNTHESIS,
    TASK_ENDPOINTS,
    TEMPLATE,
    Endpoint,
    region_of_host,
)
from dashscope_aa.models._base import Answer

I2V = "/services/aigc/image2video"
ROWS = {
    # name: method, path, model, asynchronous, paid
    "detect": ("POST", f"{I2V}/aa-detect", "animate-anyone-detect-gen2", False, True),
    "template": (
        "POST",
        f"{I2V}/aa-template-generation",
        "animate-anyone-template-gen2",
        True,
        True,
    ),
    "synthesis": ("POST", f"{I2V}/video-synthesis/", "animate-anyone-gen2", True, True),
    "move": ("POST", f"{I2V}/video-synthesis", "wan2.2-animate-move", True, True),
    "mix": ("POST", f"{I2V}/video-synthesis", "wan2.2-animate-mix", True, True),
    "query_task": ("GET", "/tasks/{task_id}", "", False, False),
    "list_tasks": ("GET", "/tasks", "", False, False),
    "cancel_task": ("POST", "/tasks/{task_id}/cancel", "", False, False),
    "upload_policy": ("GET", "/uploads", "", False, False),
    "create_token": ("POST", "/tokens", "", False, False),
}


def test_rows_are_the_documents() -> None:
    assert {
        row.name: (row.method, row.path, row.model, row.asynchronous, row.paid) for row in ENDPOINTS
    } == ROWS


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ENDPOINTS])
def test_every_row_is_whole(row: Endpoint[Answer]) -> None:
    assert row.source
    assert row.path.startswith("/")
    assert issubclass(row.answer, Answer)
    assert (row in TASK_ENDPOINTS) == row.asynchronous
    assert bool(row.model) == (row.family is not None) == row.paid


def test_models_of_a_family_are_named_after_it() -> None:
    for row in ENDPOINTS:
        if row.family:
            assert row.model.startswith(
                {"animate-anyone": "animate-anyone", "wan": "wan2.2"}[row.family]
            )


def test_all_of_animate_anyone_is_listed_for_retirement() -> None:
    assert {*RETIREMENTS} == {row.model for row in (DETECT, TEMPLATE, SYNTHESIS)}
    for retirement in RETIREMENTS.values():
        assert retirement.on == date(2026, 10, 10)
        assert "wan2.2-animate-move" in retirement.successor


@pytest.mark.parametrize(
    ("host", "region"),
    [
        pytest.param("dashscope.aliyuncs.com", "cn-beijing", id="Beijing"),
        pytest.param("ws-1.cn-beijing.maas.aliyuncs.com", "cn-beijing", id="workspace in Beijing"),
        pytest.param("dashscope-intl.aliyuncs.com", "ap-southeast-1", id="Singapore"),
        pytest.param(
            "ws-1.ap-southeast-1.maas.aliyuncs.com", "ap-southeast-1", id="workspace in Singapore"
        ),
        pytest.param("dashscope-us.aliyuncs.com", "us-east-1", id="Virginia"),
        pytest.param("ws-1.eu-central-1.maas.aliyuncs.com", "eu-central-1", id="Frankfurt"),
        pytest.param("ws-1.ap-northeast-1.maas.aliyuncs.com", "ap-northeast-1", id="Tokyo"),
        pytest.param("cn-hongkong.dashscope.aliyuncs.com", "cn-hongkong", id="Hong Kong"),
        pytest.param("dashscope-finance.aliyuncs.com", "finance", id="finance cloud"),
        pytest.param("DASHSCOPE-INTL.aliyuncs.com", "ap-southeast-1", id="capitals"),
        pytest.param("dashscope-intl.aliyuncs.com.", "ap-southeast-1", id="full stop at the end"),
        pytest.param("127.0.0.1", None, id="loopback"),
        pytest.param("", None, id="nothing"),
        pytest.param("proxy.example", None, id="proxy"),
        pytest.param("aliyuncs.com", None, id="domain alone"),
        pytest.param("evil-dashscope.aliyuncs.com.example", None, id="host that pretends"),
        pytest.param("dashscope.aliyuncs.com.example", None, id="domain that pretends"),
        pytest.param("notdashscope.aliyuncs.com", None, id="longer name"),
        pytest.param("cn-beijing.maas.aliyuncs.com", None, id="no workspace"),
    ],
)
def test_region_of_host(host: str, region: str | None) -> None:
    found = region_of_host(host)
    assert (found and found.name) == region


def test_where_models_are_served() -> None:
    served = {region.name: set(region.families) for region in REGIONS}
    assert served.pop("cn-beijing") == {"animate-anyone", "wan"}
    assert served.pop("ap-southeast-1") == {"wan"}
    assert all(not families for families in served.values())


def test_every_region_can_be_reached() -> None:
    assert API_PATH == "/api/v1"
    assert len({region.name for region in REGIONS}) == len(REGIONS)
    assert all(region.shared_host or region.workspace_suffix for region in REGIONS)
