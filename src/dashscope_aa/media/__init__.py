"""Look before you send: find out what a picture or a clip is, what is wrong with it, and mend it.

`probe` gives facts, `preflight` judges them for an engine, `convert` mends what can be mended.
PyAV and Pillow are loaded when a file is first looked at, in a worker thread.
"""

from dashscope_aa.media._add_sound import add_sound
from dashscope_aa.media._convert import Converted, convert, plan
from dashscope_aa.media._facts import Facts, ImageFacts, Unreadable, VideoFacts
from dashscope_aa.media._judging.findings import Finding, Rule, Severity
from dashscope_aa.media._judging.plan import Plan
from dashscope_aa.media._preflight import check, check_content, preflight
from dashscope_aa.media._probe import probe
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._reporting.report import Report

__all__ = [
    "Checked",
    "Converted",
    "Facts",
    "Finding",
    "ImageFacts",
    "Plan",
    "Report",
    "Rule",
    "Severity",
    "Unreadable",
    "VideoFacts",
    "add_sound",
    "check",
    "check_content",
    "convert",
    "plan",
    "preflight",
    "probe",
]
