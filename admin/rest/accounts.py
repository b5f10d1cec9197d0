"""Accounts and gateways under /api/v1: what the console's `accounts` and `gateways` show and do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..halt import halt_of, halt_rows, resume_account
from ..monitor import Monitor
from ..reports.trading_report import account_rows, funding_rows, gateway_rows, strategy_profits
from .paging import PAGED, Page
from .sending import ORIGIN, done
from .trading_models import AccountRow, FundingRow, GatewayRow, HaltRow, ProfitRow, ResumeAccount, ResumeDone

__all__ = ["create_accounts_router"]


def create_accounts_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["accounts"])

    @router.get("/accounts", responses=PAGED)
    def accounts(page: Page) -> list[AccountRow]:
        """Every account by currency: cash, equity, margin, profit."""
        return [AccountRow(**row) for row in page.of(monitor.ask(account_rows))]

    @router.get("/accounts/strategies", responses=PAGED)
    def profits(page: Page) -> list[ProfitRow]:
        """What each strategy has made, by account and currency."""
        return [ProfitRow(**row) for row in page.of(monitor.ask(strategy_profits))]

    @router.get("/accounts/funding", responses=PAGED)
    def funding(page: Page) -> list[FundingRow]:
        """What positions in perpetual contracts have paid and were paid, the newest first."""
        return [FundingRow(**row) for row in page.of(monitor.ask(funding_rows))]

    @router.get("/accounts/halts", responses=PAGED)
    def halts(page: Page) -> list[HaltRow]:
        """The halted accounts, and by how much their venues' figures are above ours."""
        return [HaltRow(**row) for row in page.of(monitor.ask(halt_rows))]

    @router.post("/accounts/{account}/resume", responses=problems(409, 504))
    def resume(account: Annotated[str, Path(max_length=40)], request: ResumeAccount) -> ResumeDone:
        """Accept how a halted account differs from its venue, and let it trade again; refused if it differs otherwise by now."""

        def lift() -> dict[str, Any]:
            monitor.catch_up()
            monitor.ask(lambda view: halt_of(view, account))
            return resume_account(bus, account, request.differences, ORIGIN)

        return ResumeDone(**done(monitor, lift))

    @router.get("/gateways", responses=PAGED)
    def gateways(page: Page) -> list[GatewayRow]:
        """Every gateway: its state and since when, the orders it works on, how long its venue takes to answer."""
        return [GatewayRow(**row) for row in page.of(monitor.ask(gateway_rows))]

    return router
