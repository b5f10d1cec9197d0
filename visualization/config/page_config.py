"""The configuration of the chart page as a document: its keys, what each may hold, and what a fresh page begins with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from gcg_quant.errors import EventError
from gcg_quant.sections import ChartSettings

__all__ = ["MOST_BYTES", "Document", "PageConfig", "checked", "first_document", "merged"]

Document: TypeAlias = dict[str, Any]
MOST_BYTES = 65_536
Colour: TypeAlias = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")]
Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=120)]
Word: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Period: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,3}(s|m|h|d|w|M)$")]
Number: TypeAlias = int | float


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    pass


class Indicator(_Part, frozen=True, kw_only=True):
    """An indicator of a pane; `id` is the page's own name of it, `colours` are by line."""

    id: Word
    name: Word
    parameters: Annotated[dict[Word, bool | int | float | Name], msgspec.Meta(max_length=32)] = {}
    source: Word = "close"
    colours: Annotated[dict[Word, Colour], msgspec.Meta(max_length=16)] = {}
    hidden: bool = False


class Pane(_Part, frozen=True, kw_only=True):
    """One chart: its instrument ("" = the first one there is), its period, and how it is drawn."""

    name: Name = ""
    period: Period = "1m"
    style: Literal["candles", "bars", "line"] = "candles"
    volume: bool = True
    log: bool = False
    sessions: bool = True
    plots: bool = True
    indicators: Annotated[list[Indicator], msgspec.Meta(max_length=24)] = []


class Layout(_Part, frozen=True, kw_only=True):
    """How many charts stand where, and which of them the watch list and the depth belong to."""

    grid: Literal["1", "2h", "2v", "3", "4"] = "1"
    linked: bool = True
    active: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    panes: Annotated[list[Pane], msgspec.Meta(min_length=1, max_length=4)] = msgspec.field(default_factory=lambda: [Pane()])


class Colours(_Part, frozen=True, kw_only=True):
    """The reader's own colours in the place of the theme's."""

    up: Colour | None = None
    down: Colour | None = None
    accent: Colour | None = None


class Drawer(_Part, frozen=True, kw_only=True):
    """The tables below: height in pixels, whether only their bar is there, and which tab is open."""

    height: Annotated[int, msgspec.Meta(ge=64, le=2000)] = 208
    folded: bool = False
    tab: Word = "strategies"


class PageConfig(_Part, frozen=True, kw_only=True):
    """All of it. `up_is_red` null: as the language has it; `watch` null: every instrument."""

    theme: Literal["dark", "light", "system"] = "dark"
    language: Literal["en", "zh"] = "en"
    up_is_red: bool | None = None
    zone: Literal["local", "UTC", "exchange"] = "local"
    colours: Colours = Colours()
    watch: Annotated[list[Name], msgspec.Meta(max_length=500)] | None = None
    layout: Layout = Layout()
    layouts: Annotated[dict[Word, Layout], msgspec.Meta(max_length=24)] = {}
    drawer: Drawer = Drawer()


def merged(target: Any, patch: Any) -> Any:
    """Return a JSON merge patch (RFC 7386) applied to a value; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def first_document(chart: ChartSettings) -> Document:
    """Return what a fresh page begins with: the section [chart] of the settings."""
    own = {"theme": chart.theme, "language": chart.language, "layout": {"panes": [{"period": chart.period}]}}
    return own | ({"up_is_red": True} if chart.up_is_red else {})


def checked(document: Document) -> Document:
    """Return a document with every key.

    Raises:
        EventError: an unknown key, a value that it cannot have, or more than 64 kB; the text names the place.
    """
    size = len(msgspec.json.encode(document))
    if size > MOST_BYTES:
        raise EventError(f"The page's configuration may take {MOST_BYTES:,} bytes, and with this change it takes {size:,}.", size=size)
    try:
        whole: Document = msgspec.to_builtins(msgspec.convert(document, PageConfig))
    except msgspec.ValidationError as error:
        raise EventError(f"The page's configuration cannot be changed so: {error}.", reason=str(error)) from error
    return whole
