"""The REST interface under /api/v1: the console's commands and questions for other programs. /docs describes it."""

from __future__ import annotations

from fastapi import APIRouter

from gcg_quant.bus import EventBus
from gcg_quant.settings import Settings

from ..import_jobs import ImportJobs
from ..monitor import Monitor
from ..strategy_files import StrategyFiles
from .admin_page import create_admin_page_router
from .backtests import create_backtests_router
from .collectors import create_collectors_router
from .components import create_components_router
from .data import create_data_router
from .docs_page import create_docs_router
from .imports import create_imports_router
from .journal import create_journal_router
from .models import create_models_router
from .settings import create_settings_router
from .strategies import create_strategies_router
from .strategy_check import create_strategy_check_router
from .strategy_files import create_strategy_files_router
from .system import create_system_router
from .trading import create_trading_router

__all__ = ["create_routers"]


def create_routers(bus: EventBus, monitor: Monitor, settings: Settings, imports: ImportJobs | None = None) -> list[APIRouter]:
    """Return every router of the interface; `monitor` must run on `bus`, and `imports` are those of the process."""
    files = StrategyFiles(settings)
    return [
        create_system_router(bus, monitor),
        create_components_router(bus, monitor),
        create_settings_router(bus, monitor, settings),
        create_journal_router(bus),
        create_strategy_files_router(monitor, files),
        create_strategy_check_router(settings, files),
        create_strategies_router(bus, monitor, files),
        create_models_router(bus, monitor, settings),
        create_backtests_router(bus, monitor, settings),
        create_trading_router(bus, monitor, settings.home),
        create_imports_router(imports or ImportJobs(settings)),
        create_data_router(settings),
        create_collectors_router(bus, monitor),
        create_docs_router(),
        create_admin_page_router(settings),
    ]
