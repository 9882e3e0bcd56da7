"""What the notebooks' charts share: one look that is readable in grey, titles, intervals, sentences."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pandas as pd
from IPython.display import Markdown, display

# The default output loads its library from the web, and is blank without it; a SVG needs nothing.
alt.renderers.enable("svg")

FATES = {
    "delivered": "#1b4f72",
    "undelivered": "#d9695f",
    "unconfirmed": "#e8c547",
    "pending": "#dfe4e4",
    "scheduled": "#f7f9f9",
}
"""Fates that charts show, from dark to light: printed in grey they stay apart."""
INK, ACCENT, PALE = "#1b2631", "#b03a2e", "#aab7b8"
Z = 1.959963984540054
WIDTH = 640


@alt.theme.register("clicksend", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig(
        {
            "config": {
                "font": "DejaVu Sans, Noto Sans, sans-serif",
                "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": 260},
                "title": {
                    "anchor": "start",
                    "fontSize": 15,
                    "color": INK,
                    "subtitleColor": "#5d6d7e",
                    "subtitleFontSize": 11,
                    "offset": 12,
                },
                "axis": {
                    "labelColor": INK,
                    "titleColor": INK,
                    "gridColor": "#eaeded",
                    "titleFontWeight": "normal",
                },
                "legend": {"titleFontWeight": "normal", "orient": "top", "direction": "horizontal"},
                "range": {"category": [INK, "#d9695f", "#85c1e9", "#7d6608", "#85929e", "#117a65"]},
            }
        }
    )


def title(finding: str, unit: str, n: int, as_of: pd.Timestamp) -> alt.TitleParams:
    """Return a title that states what the chart shows, with its unit, how many there are, and as of when."""
    return alt.TitleParams(finding, subtitle=f"{unit}; n = {n:,}; as of {as_of:%Y-%m-%d %H:%M} UTC")


def say(sentence: str) -> None:
    """Show a sentence under a chart."""
    display(Markdown(sentence))


def wilson(part: float, whole: float) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not whole:
        return math.nan, math.nan
    centre = part + Z * Z / 2
    half = Z * math.sqrt(part * (whole - part) / whole + Z * Z / 4)
    return (centre - half) / (whole + Z * Z), (centre + half) / (whole + Z * Z)


def with_rate(counts: pd.DataFrame, part: str, whole: str, least: int = 30) -> pd.DataFrame:
    """Return counts with their rate and its interval (low, high); rows of fewer than ``least`` are left out."""
    enough = counts[counts[whole] >= least].copy()
    ends: list[tuple[float, float]] = [
        wilson(float(one[part]), float(one[whole])) for one in enough.to_dict("records")
    ]
    enough["rate"] = enough[part].astype(float) / enough[whole].astype(float)
    enough["low"], enough["high"] = [low for low, _ in ends], [high for _, high in ends]
    return enough


def percent(share: float, digits: int = 1) -> str:
    """Return a share as text."""
    return "unknown" if share is None or math.isnan(share) else f"{share:.{digits}%}"


def span(seconds: float) -> str:
    """Return a time in the unit that people would use."""
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (129_600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as Altair reads it: categories as text, exact numbers as floats."""
    result = frame.copy()
    for name, kind in frame.dtypes.items():
        if isinstance(kind, pd.CategoricalDtype):
            result[name] = frame[name].astype(object)
        elif isinstance(kind, pd.Int64Dtype):
            result[name] = frame[name].astype(float)
    return result


Figures = dict[str, Any]
