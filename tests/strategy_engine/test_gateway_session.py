"""Connections of gateways: made in the background, with backoff, watched, and made again."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_venue.floor import live_bus, order
from fake_venue.gateway import FakeVenueGateway
from fake_venue.process import VenueProcess

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError, GatewayError, OrderError
from gcg_quant.events import OrderCommand, Side, World
from gcg_quant.strategy_engine.gateways import GatewayReport, ReportKind

PATIENCE_S = 30.0  # only a failure takes that long


@pytest.fixture
def live(tmp_path: Path) -> Iterator[EventBus]:
    """Return a live bus."""
    with live_bus(tmp_path / "bus") as bus:
        yield bus


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[VenueProcess]:
    """Return a venue that moves by steps."""
    process = VenueProcess(tmp_path)
    yield process
    process.kill()


@pytest.fixture
def open_gateway(live: EventBus) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a gateway and returns it with what it reports."""
    made: list[FakeVenueGateway] = []

    def make(port: int, **options: Any) -> tuple[FakeVenueGateway, list[GatewayReport]]:
        gateway, reports = FakeVenueGateway(port, {"USD": 1000.0}, **options), []
        made.append(gateway)
        gateway.open(live, reports.append)
        return gateway, reports

    yield make
    for gateway in made:
        gateway.close()


def command(client_id: str) -> OrderCommand:
    """Return the command of an order."""
    wanted = order(client_id, 3.0, 100.0)
    return OrderCommand(
        symbol=wanted.symbol,
        venue=wanted.venue,
        client_id=client_id,
        quantity=3.0,
        price=100.0,
        side=Side.BUY,
        order_type=wanted.order_type,
    )


def test_gateway_connects_in_the_background_and_orders_wait_for_the_reconciliation(
    venue: VenueProcess, open_gateway: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    """A connection alone lets no order out; `reconciled` with its number does."""
    gateway, reports = open_gateway(venue.port)
    assert gateway.wait_connected(PATIENCE_S)
    assert (gateway.session, gateway.connected) == (1, False)
    with pytest.raises(OrderError, match="is not reconciled with its venue yet: nothing was sent"):
        gateway.submit(command("a"))
    gateway.reconciled(1)
    assert gateway.connected
    gateway.submit(command("a"))
    wait_until(lambda: [one.client_id for one in gateway.query_orders()] == ["a"], "the order's arrival")
    venue.do("step", step=1, now_ns=1, market={"COIN": [199, 9, 200, 2]})
    wait_until(lambda: len(reports) == 2, "the reports")
    assert [(one.kind, one.quantity) for one in reports] == [(ReportKind.ACCEPTED, 3.0), (ReportKind.FILLED, 2.0)]
    assert reports[1].price == 100.0
    assert gateway.query_positions() == {("COIN", "FAKE"): 2.0}
    assert gateway.query_account() == {"USD": 1000.0 - 200.0}


def test_gateway_comes_back_after_each_loss_with_a_new_number(
    venue: VenueProcess, open_gateway: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    """Thrown out or killed, the venue is found again; until it is reconciled nothing goes out."""
    gateway, _ = open_gateway(venue.port)
    assert gateway.wait_connected(PATIENCE_S)
    gateway.reconciled(1)
    venue.fault("disconnect_now")
    assert gateway.wait_connected(PATIENCE_S, after=1)
    assert gateway.session == 2
    with pytest.raises(OrderError, match="not reconciled"):
        gateway.submit(command("a"))
    venue.kill()
    wait_until(lambda: not gateway.session, "the loss")
    assert gateway.failure
    with pytest.raises(OrderError, match="is not connected: nothing was sent"):
        gateway.submit(command("a"))
    with pytest.raises(GatewayError, match="is not connected"):
        gateway.query_orders()
    venue.start()
    assert gateway.wait_connected(PATIENCE_S, after=2)


def test_who_sees_the_end_of_a_connection_sees_why(venue: VenueProcess, live: EventBus, wait_until: Callable[..., None]) -> None:
    """The reason is there before the connection is gone: others look at both without a lock."""
    seen: list[str] = []

    class Watched(FakeVenueGateway):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "_session" and not value and getattr(self, "_session", 0):
                seen.append(self.failure)
            super().__setattr__(name, value)

    gateway = Watched(venue.port, {"USD": 1000.0})
    gateway.open(live, print)
    try:
        assert gateway.wait_connected(PATIENCE_S)
        venue.kill()
        wait_until(lambda: not gateway.session, "the loss")
    finally:
        gateway.close()
    assert seen[0]


def test_unanswered_question_ends_the_connection(venue: VenueProcess, open_gateway: Callable[..., Any]) -> None:
    """A venue that is connected and says nothing is as good as gone."""
    gateway, _ = open_gateway(venue.port, patience_s=0.2)
    assert gateway.wait_connected(PATIENCE_S)
    venue.fault("silence", 1)
    with pytest.raises(GatewayError, match="did not answer within 0.2 s: the connection is ended"):
        gateway.query_orders()
    assert gateway.wait_connected(PATIENCE_S, after=1)
    gateway._patience_s = PATIENCE_S  # the venue answers again, however busy the machine is
    assert gateway.query_orders() == []


def test_question_on_a_breaking_connection_ends_with_it(venue: VenueProcess, open_gateway: Callable[..., Any]) -> None:
    """Nobody waits for an answer that cannot come."""
    gateway, _ = open_gateway(venue.port, patience_s=60.0)
    assert gateway.wait_connected(PATIENCE_S)
    venue.fault("die_before", 1)
    begin = time.monotonic()
    with pytest.raises(GatewayError, match="lost its connection before the venue answered"):
        gateway.ask(lambda number: gateway._send({"type": "do", "do": "cancel", "client_id": "x", "number": number}))
    assert time.monotonic() - begin < 30


def test_nobody_listening_is_a_failure_with_words(open_gateway: Callable[..., Any], wait_until: Callable[..., None]) -> None:
    """Where nothing listens the gateway stays down, says why, and goes on trying."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    gateway, _ = open_gateway(port)
    wait_until(lambda: "refused" in gateway.failure.lower(), "the failure")
    assert gateway.session == 0


def test_closed_gateway_stays_closed(venue: VenueProcess, open_gateway: Callable[..., Any]) -> None:
    """After close() its thread has ended, and the venue sees nobody."""
    gateway, _ = open_gateway(venue.port)
    assert gateway.wait_connected(PATIENCE_S)
    thread = gateway._thread
    gateway.close()
    assert not thread.is_alive()
    assert gateway.session == 0


@pytest.mark.parametrize("world", [World.PAPER, World.BACKTEST, World.IMPORT, World.REPLAY])
def test_fake_venue_is_as_real_as_any(tmp_path: Path, venue: VenueProcess, world: World) -> None:
    """It refuses any world but the live one, before it connects."""
    gateway = FakeVenueGateway(venue.port, {})
    with (
        EventBus(tmp_path / "other", world=world, page_mb=0.25, sync="none") as bus,
        pytest.raises(ComponentError, match=f"refuses a {world.name.lower()} bus"),
    ):
        gateway.open(bus, print)
    assert gateway._thread is None
