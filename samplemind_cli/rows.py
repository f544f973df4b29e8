"""Turns results into rows: the columns of the CSV, and its cells."""

import re
from typing import Any

Report = dict[str, Any]

COLUMNS = (
    "path", "status", "file_id", "filename", "file_size", "duration", "sample_rate", "channels", "format", "subtype",
    "kind", "kind_confidence", "tempo", "tempo_confidence", "time_signature",
    "key", "mode", "key_confidence", "camelot", "tuning_cents",
    "pitch_midi", "pitch_note", "pitch_cents", "pitch_confidence", "instrument", "instrument_confidence",
    "loudness_lufs", "true_peak_dbtp", "brightness", "centroid_hz", "descriptors", "tags",
    "ai_provider", "ai_summary", "production_tips", "creative_ideas",
    "fl_studio_recommendations", "ai_state", "ai_reason", "ai_model", "ai_task", "ai_prompt_version",
    "analyzed_at", "skip_reason", "error_code", "error_message",
)  # fmt: skip

_DIGITS = {
    "duration": 3,
    "kind_confidence": 2,
    "tempo": 2,
    "tempo_confidence": 2,
    "key_confidence": 2,
    "tuning_cents": 1,
    "pitch_cents": 1,
    "pitch_confidence": 2,
    "instrument_confidence": 2,
    "loudness_lufs": 1,
    "true_peak_dbtp": 1,
    "centroid_hz": 0,
}
"""Digits after the decimal point of measured values. More digits would suggest a precision that they do not have."""

# https://owasp.org/www-community/attacks/CSV_Injection: what makes a spreadsheet read a text as a formula.
# Also after a character within a cell at which a spreadsheet with other separators may begin a new cell.
_FORMULA = re.compile("^(?=[=+@\t\r\n＝＋－＠-])|(?<=[;\t\r\n])(?=[=+@＝＋－＠-])")  # noqa: RUF001 -- the full-width ones too


def values_of(report: Report) -> Report:
    """Return the fields of a report, with the columns that only tables have: its error, and words for its sound."""
    error = report.get("error") or {}
    values = report | {"error_code": error.get("code"), "error_message": error.get("message")}
    return values | _in_words(report) if report["status"] == "analyzed" else values


def _in_words(report: Report) -> Report:
    """Return brightness for the kind of sound, and the describer's words for noise, level and dynamics."""
    from samplemind_worker.describer.adjectives import in_words  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts  # noqa: PLC0415 -- slow import

    # The report has their fields, by the same names.
    brightness, words = in_words(AudioFacts.model_validate(report), AnalysisFacts.model_validate(report))
    centroid = report["spectral_features"].get("centroid_hz", {}).get("mean")
    return {"brightness": brightness, "centroid_hz": centroid, "descriptors": list(words)}


def csv_row(report: Report) -> list[str | int | float]:
    """Return the cells of a result in the order of `COLUMNS`; a list becomes one text."""
    values = values_of(report)
    return [_cell(values.get(column), _DIGITS.get(column)) for column in COLUMNS]


def _cell(value: object, digits: int | None = None) -> str | int | float:
    match value:
        case None:
            return ""
        case float() if digits is not None:
            # A whole number has no decimal point; adding 0.0 turns -0.0 into 0.0.
            return round(value) if digits == 0 else round(value, digits) + 0.0
        case bool() | int() | float():
            return value
        case [int(beats), int(unit)]:
            return f"{beats}/{unit}"
        case list():
            return neutral("; ".join(map(str, value)))
        case _:
            return neutral(str(value))


def neutral(text: str) -> str:
    """Return the text with an apostrophe before every part that a spreadsheet would read as a formula."""
    return _FORMULA.sub("'", text)
