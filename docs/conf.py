"""How Sphinx builds this documentation; scripts/docs calls it, and a warning is an error."""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.ext.napoleon.docstring import GoogleDocstring

from dashscope_aa import (
    AnimateAnyone,
    Client,
    Schedule,
    TemplateId,
    Url,
    WanAnimate,
    __version__,
    models,
)
from dashscope_aa.emulator import Clock

project = "dashscope-aa"
author = copyright = "The dashscope-aa authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"dashscope-aa {release}"
html_static_path = ["style"]
html_css_files = ["phone.css"]

# ── scripts/docs --links ─────────────────────────────────────────────────────────────────

linkcheck_ignore = [r"http://127\.0\.0\.1", r"https://example\.com"]
linkcheck_anchors = False  # pages that scripts make have theirs only in a browser
linkcheck_timeout = 20
linkcheck_retries = 2

# ── the reference, read from the docstrings ──────────────────────────────────────────────

default_role = "py:obj"  # what stands in `backticks` is a link if there is something to link to
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {"exclude-members": "model_config, strikes, take, answer"}

_MADE_BY_USERS = (Client, AnimateAnyone, WanAnimate, Schedule, Url, TemplateId, Clock)
"""Classes whose arguments are shown. The others come from the library; their fields are enough."""


def _signature(
    _app: Sphinx,
    what: str,
    _name: str,
    thing: object,
    _options: object,
    given: str | None,
    *_: object,
) -> tuple[str, None] | None:
    """Leave out the arguments of what nobody makes."""
    hidden = what in {"class", "exception"} and thing not in _MADE_BY_USERS
    return ("", None) if given and hidden else None


def _docstring(
    _app: Sphinx, what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Turn a docstring into what Sphinx reads."""
    if what == "module":
        lines.clear()  # it is about the code, for those who read that
    elif what not in {"attribute", "property"}:  # theirs are sentences, whatever colons they have
        lines[:] = GoogleDocstring(list(_unfenced(lines))).lines()


def _unfenced(lines: list[str]) -> Iterator[str]:
    """Turn Markdown's fences into directives."""
    inside = False
    for line in lines:
        if line.startswith("```"):
            inside = not inside
            yield from (f".. code-block:: {line[3:]}", "") if inside else ("",)
        else:
            yield f"   {line}" if inside else line


def _plain(kind: Any) -> Any:  # noqa: ANN401 - an annotation is anything
    """Take off what checks a field, so that its type can be read."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    united = get_origin(kind) in {Union, UnionType}
    return reduce(or_, map(_plain, get_args(kind))) if united else kind


def setup(app: Sphinx) -> None:
    """Have types, signatures and docstrings made readable."""
    for name in models.__all__:
        kind = getattr(models, name)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            given = kind.__annotations__
            kind.__annotations__ = {name: _plain(given[name]) for name in given}
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _docstring)
