"""What a backtest needs to know: the same whether a command line, a program or a `BacktestRequestEvent` asks for it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gcg_quant.errors import BacktestError, nearest
from gcg_quant.events import BacktestRequestEvent
from gcg_quant.periods import period_ns

from ..history.bars import basis_of
from .presets import check_preset

__all__ = ["BacktestSpec"]

PRESET_TICKS = 1
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
OPTIONS = (
    "venue",
    "journal",
    "basis",
    "stamp",
    "periods_per_year",
    "mirror",
    "slippage",
    "stake",
    "matching",
    "paper",
    "fees",
    "report",
    "preset",
    "slippage_ticks",
)
MATCHING = ("stock", "native")
FEES = ("commission", "terms")


class BacktestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One backtest: a strategy file over bars of some symbols.

    Args:
        file: the strategy file, or the name of a shipped strategy. `class_name`: which class of it, if it holds several.
        symbols: "SPY" or "SPY@VENUE"; each becomes a feed, in this order.
        period: of the bars. `start_ns`, `end_ns`: the range, everything stored if None.
        cash: at the start, in the account's currency. `commission`: fraction of a trade's value.
        parameters: of the strategy.
        run: the run's name and folder; "" makes one from the class and the time.
        journal: a bus folder to take the bars from; "" takes stored history.
        basis: "last", "bid", "ask", "mid" or "auto" (the first of last, mid, bid, ask that there is).
        stamp: which end of a bar the strategy sees as its time, "start" or "end".
        periods_per_year: trading days a year, to annualise the Sharpe ratio.
        mirror: tell bars, orders and fills on the run's own bus.
        matching: who matches the orders of a Backtrader class: "stock", Backtrader itself, or "native", a paper gateway of the run's own.
            Our own classes always have the latter.
        paper: the paper gateway's terms, and `risk`, the limits; see `PaperTerms`. With `matching="native"` and a journal the gateway sees
            all that the journal holds of the symbols, ticks and books too; else the bars.
        fees: where a paper gateway matches, "commission" (as said above) or "terms" (the instruments' own).
        report: save the HTML report (report.html) beside the result.
        preset: "auto" or a market ("cn_stock", "cn_future", "us", "hk", "crypto", "fx", "cme") whose usual terms are traded on: fees,
            ticks, lots, multiplier, margin, T+1, price limits. "" trades without any but `commission`.
        slippage_ticks: with a preset, ticks by which what takes the price there is trades worse; None is 1.
        slippage: fraction of the price. `stake`: units an order takes where the strategy names no size; None leaves Backtrader's 1.

    Raises:
        BacktestError: from `check()`, naming the field.
    """

    file: str
    class_name: str = ""
    symbols: list[str] = []
    period: str = "1d"
    start_ns: int | None = None
    end_ns: int | None = None
    cash: float = 10_000.0
    commission: float = 0.0
    parameters: dict[str, Any] = {}
    run: str = ""
    venue: str = ""
    journal: str = ""
    basis: str = "auto"
    stamp: str = "start"
    periods_per_year: float = 252.0
    mirror: bool = True
    slippage: float = 0.0
    stake: float | None = None
    matching: str = "stock"
    paper: dict[str, Any] = {}
    fees: str = "commission"
    report: bool = True
    preset: str = ""
    slippage_ticks: int | None = None

    @classmethod
    def from_event(cls, event: BacktestRequestEvent) -> BacktestSpec:
        """Return the checked spec of a request; raise BacktestError for an unknown option or a value that makes no sense."""
        for name in event.options:
            if name not in OPTIONS:
                raise BacktestError(
                    f"A backtest has no option {name!r} (known: {', '.join(OPTIONS)}).{nearest(name, OPTIONS)}", option=name
                )
        fields = {name: getattr(event, name) for name in REQUESTED}
        try:
            spec = msgspec.convert({**fields, **event.options}, cls)
        except msgspec.ValidationError as error:
            raise BacktestError(f"The backtest {event.run!r} cannot be read: {error}.", run=event.run) from error
        return spec.check()

    def to_event(self) -> BacktestRequestEvent:
        """Return the request that asks for this spec: `from_event` gives it back."""
        plain = type(self)(file=self.file)
        options = {name: value for name in OPTIONS if (value := getattr(self, name)) != getattr(plain, name)}
        return BacktestRequestEvent(**{name: getattr(self, name) for name in REQUESTED}, options=options)

    def check(self) -> BacktestSpec:
        """Return the spec; raise BacktestError naming the first field that makes no sense."""
        self._need(bool(self.file), "file", "the path of a strategy file")
        self._need(bool(self.symbols) and all(self.symbols), "symbols", "at least one symbol")
        self._need(len(set(self.symbols)) == len(self.symbols), "symbols", "different symbols")
        self._need(self.cash > 0, "cash", "more than 0")
        self._need(0 <= self.commission < 1, "commission", "a fraction from 0 to below 1")
        self._need(0 <= self.slippage < 1, "slippage", "a fraction from 0 to below 1")
        self._need(self.periods_per_year > 0, "periods_per_year", "more than 0")
        self._need(self.stake is None or self.stake > 0, "stake", "more than 0")
        self._need(self.stamp in ("start", "end"), "stamp", "'start' or 'end'")
        self._need(self.matching in MATCHING, "matching", "'stock' or 'native'")
        self._need(self.fees in FEES, "fees", "'commission' or 'terms'")
        basis_of(self.basis)
        if self.paper:
            from .paper_terms import PaperTerms  # with it comes a part of the trading engine

            PaperTerms.read(self.paper)
        self._need(not self.run or RUN_NAME.fullmatch(self.run) is not None, "run", "a name of letters, digits, '.', '_' and '-'")
        ordered = self.start_ns is None or self.end_ns is None or self.start_ns < self.end_ns
        self._need(ordered, "end_ns", "later than start_ns")
        period_ns(self.period)
        check_preset(self.preset)
        self._need(not self.preset or not self.commission, "commission", "0 where a preset has the fees")
        self._need(not self.preset or not self.slippage, "slippage", "0 where a preset has slippage_ticks")
        self._need(bool(self.preset) or self.slippage_ticks is None, "slippage_ticks", "None without a preset, which knows the ticks")
        self._need(self.slippage_ticks is None or self.slippage_ticks >= 0, "slippage_ticks", "0 or more")
        return self

    def check_for(self, name: str, *, backtrader: bool) -> None:
        """Raise BacktestError for an option that does not go with the strategy class of that name, one of Backtrader's or of ours."""
        mirrored = ("mirror", True, "it tells everything")
        if not backtrader:
            for option, plain, _ in (("slippage", 0.0, ""), ("stake", None, ""), mirrored):
                if getattr(self, option) != plain:
                    raise BacktestError(f"{option} is an option for Backtrader's classes; {name} is none.", option=option)
        elif self.matching == "native":
            for option, plain, instead in (("slippage", 0.0, "give paper={'slippage_ticks': 1}"), mirrored):
                if getattr(self, option) != plain:
                    raise BacktestError(f"{option} is an option of stock matching; with matching='native' {instead}.", option=option)
        elif self.paper:
            raise BacktestError(
                "paper holds the terms of a paper gateway, and stock matching has none: add matching='native'.", option="paper"
            )

    @property
    def preset_ticks(self) -> int:
        """Return the slippage of a preset in ticks."""
        return PRESET_TICKS if self.slippage_ticks is None else self.slippage_ticks

    @property
    def paper_terms(self) -> dict[str, Any]:
        """Return what `PaperTerms` reads: `paper`, and the slippage of a preset."""
        return {"slippage_ticks": self.preset_ticks, **self.paper} if self.preset else self.paper

    def places(self) -> list[tuple[str, str | None]]:
        """Return (symbol, venue or None) of each feed; "SPY@" is what is stored of SPY without a venue."""
        found: list[tuple[str, str | None]] = []
        for text in self.symbols:
            symbol, at, venue = text.rpartition("@") if "@" in text else (text, "", "")
            found.append((symbol, venue if at else self.venue or None))
        return found

    def _need(self, holds: bool, name: str, rule: str) -> None:
        if not holds:
            raise BacktestError(f"{name} of a backtest must be {rule}, not {getattr(self, name)!r}.", field=name, value=getattr(self, name))


REQUESTED = ("file", "class_name", "symbols", "period", "start_ns", "end_ns", "cash", "commission", "parameters", "run")
