"""The written schemas say about the models what the models say about themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dashscope_aa import models

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
MODELS = [
    it
    for it in (getattr(models, name) for name in models.__all__)
    if isinstance(it, type) and issubclass(it, BaseModel)
]


def test_every_model_has_its_schema() -> None:
    written = {path.name for path in (REFERENCE / "schema").iterdir()}
    assert written == {f"{model.__name__}.json" for model in MODELS}


@pytest.mark.parametrize("model", [pytest.param(it, id=it.__name__) for it in MODELS])
def test_every_field_has_its_sentence(model: type[BaseModel]) -> None:
    text = (REFERENCE / "schema" / f"{model.__name__}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    fields = schema["properties"]
    assert set(fields) == set(model.model_fields)
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert schema["description"]
    assert schema["additionalProperties"] == (model.model_config["extra"] == "allow")
    assert "``" not in text


def test_a_field_is_described_by_the_words_under_it() -> None:
    text = (REFERENCE / "schema" / "SynthesisParameters.json").read_text(encoding="utf-8")
    fields = json.loads(text)["properties"]
    assert fields["use_ref_img_bg"]["description"] == (
        "True: the picture's background; false: that of the template's clip."
    )


def test_a_field_of_a_forebear_is_described_too() -> None:
    text = (REFERENCE / "schema" / "TemplateOutput.json").read_text(encoding="utf-8")
    assert json.loads(text)["properties"]["task_id"]["description"] == "Id of the task."
