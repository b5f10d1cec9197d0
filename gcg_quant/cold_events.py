"""The cold events of the market lane, and the base of all: msgspec Structs, stored as msgpack."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from gcg_quant.enumerations import Lane, Side

__all__ = [
    "AccountReport",
    "Applied",
    "ColdEvent",
    "CorporateAction",
    "Funding",
    "FundingPayment",
    "GapEvent",
    "GatewayStatus",
    "InstrumentEvent",
    "SessionEvent",
    "SignalEvent",
    "SnapshotEvent",
    "TimerEvent",
]


class ColdEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all cold events. `id`, `time_ns`, `cause` and `source` are filled in by the bus."""

    TYPE: ClassVar[int] = 0
    LANE: ClassVar[Lane] = Lane.CONTROL

    id: int = 0
    time_ns: int = 0
    cause: int = 0
    source: str = ""


class SignalEvent(ColdEvent, frozen=True, kw_only=True):
    """A strategy's opinion: `direction` and `strength` (0..1), with its own name for it."""

    TYPE = 32
    LANE = Lane.MARKET

    symbol: str
    venue: str
    strategy: str
    name: str
    event_ns: int
    direction: Side = Side.NONE
    strength: float = 1.0
    price: float | None = None
    quantity: float | None = None
    text: str = ""
    data: dict[str, Any] = {}


MODEL_SIGNAL = "model"  # the name of a SignalEvent that a served model publishes after each bar, with its "probability" in `data`
REFILLED = "refilled"  # the kind of a GapEvent that ends a gap instead of telling of one


class GapEvent(ColdEvent, frozen=True, kw_only=True):
    """Market data that is known to be missing: from `start_ns` to `end_ns`, `missing` messages if the venue counts them.

    With the kind `REFILLED` it says the contrary: what `detail` names ("1m", "tick", "trade" ...) has been filled in from a source that
    has all there is.
    """

    TYPE = 33
    LANE = Lane.MARKET

    symbol: str
    venue: str
    kind: str
    start_ns: int
    end_ns: int
    missing: int | None = None
    detail: str = ""


class SessionEvent(ColdEvent, frozen=True, kw_only=True):
    """A venue's session changes: `phase` is "pre_open", "open", "break" or "closed"; of one symbol also "halted" (suspended)."""

    TYPE = 34
    LANE = Lane.MARKET

    venue: str
    phase: str
    event_ns: int
    trading_day: int = 0
    symbol: str = ""


class TimerEvent(ColdEvent, frozen=True, kw_only=True):
    """A timer of `component` is due at `event_ns`."""

    TYPE = 35
    LANE = Lane.MARKET

    component: str
    name: str
    event_ns: int
    interval_ns: int = 0


class InstrumentEvent(ColdEvent, frozen=True, kw_only=True):
    """New or changed instrument terms; the fields are those of `gcg_quant.instruments.Instrument`."""

    TYPE = 36
    LANE = Lane.MARKET

    symbol: str
    venue: str
    terms: dict[str, Any]


class CorporateAction(ColdEvent, frozen=True, kw_only=True):
    """A split, dividend, rights issue or symbol change, effective on `ex_day` (YYYYMMDD)."""

    TYPE = 37
    LANE = Lane.MARKET

    symbol: str
    venue: str
    kind: str
    ex_day: int
    ratio: float | None = None
    amount: float | None = None
    currency: str = ""
    detail: str = ""


class Funding(ColdEvent, frozen=True, kw_only=True):
    """The funding rate of a perpetual contract, as a fraction per interval."""

    TYPE = 38
    LANE = Lane.MARKET

    symbol: str
    venue: str
    event_ns: int
    rate: float
    next_ns: int = 0
    mark_price: float | None = None


class GatewayStatus(ColdEvent, frozen=True, kw_only=True):
    """A gateway's state: "connecting", "connected", "disconnected", "halted", "accepted".

    `differences` says by how much the venue's figures are above ours when the account is "halted", and from now on are taken to be when a
    person, or the first connection of a new account, has "accepted" them: by "SYMBOL@VENUE", "cash CURRENCY" and "order CLIENT_ID".
    """

    TYPE = 39
    LANE = Lane.MARKET

    gateway: str
    account: str
    status: str
    detail: str = ""
    differences: dict[str, float] = {}


class AccountReport(ColdEvent, frozen=True, kw_only=True):
    """What the venue itself says of an account, for reconciliation."""

    TYPE = 40
    LANE = Lane.MARKET

    gateway: str
    account: str
    event_ns: int
    balances: dict[str, float] = {}
    positions: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []


class SnapshotEvent(ColdEvent, frozen=True, kw_only=True):
    """A component's state after market-lane event `market_seq`; `state` is its own msgpack."""

    TYPE = 41
    LANE = Lane.MARKET

    component: str
    market_seq: int
    state: bytes
    reason: str = ""


class Applied(ColdEvent, frozen=True, kw_only=True):
    """A control event took effect: written to the market lane by whoever acted on it, before the event with the id `at` (0: not told)."""

    TYPE = 42
    LANE = Lane.MARKET

    control: int
    component: str
    ok: bool = True
    detail: str = ""
    at: int = 0


class FundingPayment(ColdEvent, frozen=True, kw_only=True):
    """What the positions of an account in a perpetual contract paid (below 0) or were paid at a funding time `due_ns`.

    `payments` are (strategy, position side, signed quantity then, amount in `currency`), of the contract's value at `price` times `rate`.
    What a venue has paid carries its own `payment_id`, and NaN where it does not tell rate and price.
    """

    TYPE = 43
    LANE = Lane.MARKET

    symbol: str
    venue: str
    account: str
    event_ns: int
    due_ns: int
    rate: float
    price: float
    currency: str
    payments: list[tuple[str, int, float, float]] = []
    payment_id: str = ""
