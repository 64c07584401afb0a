"""What things cost, against the published lists written here a second time."""

import pytest

from dashscope_aa._endpoints import ENDPOINTS
from dashscope_aa._prices import PRICES, cost_cny

LIST = {
    ("animate-anyone-detect-gen2", "standard"): 0.004,
    ("animate-anyone-template-gen2", "standard"): 0.08,
    ("animate-anyone-gen2", "standard"): 0.08,
    ("wan2.2-animate-move", "standard"): 0.4,
    ("wan2.2-animate-move", "pro"): 0.6,
    ("wan2.2-animate-mix", "standard"): 0.6,
    ("wan2.2-animate-mix", "pro"): 0.9,
}


def test_prices_are_the_published_ones() -> None:
    assert {(price.model, price.tier): price.cny for price in PRICES} == LIST
    assert len(PRICES) == len(LIST)


def test_every_paid_model_has_a_price() -> None:
    assert {row.model for row in ENDPOINTS if row.paid} == {price.model for price in PRICES}


def test_pictures_by_the_piece_and_videos_by_the_second() -> None:
    for price in PRICES:
        assert price.unit == ("image" if "detect" in price.model else "second")


@pytest.mark.parametrize(
    ("model", "tier", "units", "cost"),
    [
        pytest.param("wan2.2-animate-move", "standard", 4, 1.6, id="the run that was seen"),
        pytest.param("wan2.2-animate-mix", "pro", 10.0, 9.0, id="dearest"),
        pytest.param("animate-anyone-gen2", "standard", 10.23, 0.8184, id="fraction of a second"),
        pytest.param("animate-anyone-detect-gen2", None, 1, 0.004, id="no tier means standard"),
        pytest.param("animate-anyone-gen2", "", 1, 0.08, id="empty tier too"),
        pytest.param("animate-anyone-gen2", "standard", 0, 0.0, id="nothing"),
        pytest.param("animate-anyone-gen2", "standard", None, None, id="length unknown"),
        pytest.param("animate-anyone-gen2", "pro", 1, None, id="tier it has not"),
        pytest.param("animate-anyone-gen3", "standard", 1, None, id="model unknown"),
    ],
)
def test_cost(model: str, tier: str | None, units: float | None, cost: float | None) -> None:
    assert cost_cny(model, tier, units) == cost
