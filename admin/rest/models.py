"""Trained models under /api/v1/models: what is kept, and serving it in the running system."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from gcg_quant.bus import EventBus
from gcg_quant.errors import ModelError
from gcg_quant.events import ModelControlEvent, ModelStatusEvent
from gcg_quant.settings import Settings

from ...strategy_engine.models.store import ModelStore
from ...visualization.problems import problems
from ..client import send
from ..monitor import Monitor
from ..reports.model_report import model_detail, model_rows
from ..views.system_view import SystemView
from .answers import answered, found
from .model import Model, Ns, SymbolName
from .paging import PAGED, Page

__all__ = ["create_models_router"]

ModelPath = Annotated[str, Path(max_length=40, description="the model's id")]
Version = Annotated[int, Query(ge=0, le=1 << 31, description="0 is the newest one")]
Figure = float | None


class ScoreRow(Model):
    """How good predictions were on rows that were not trained on."""

    rows: int
    auc: Figure = Field(description="area under the ROC curve; 0.5 is chance")
    accuracy: float
    ic: Figure = Field(description="rank correlation with the return that followed")
    log_loss: float
    baseline_log_loss: float = Field(description="of always telling the training set's share of rises")


class FoldRow(Model):
    """A step of the walk-forward."""

    train_start_ns: Ns
    train_end_ns: Ns
    test_start_ns: Ns
    test_end_ns: Ns
    train_rows: int
    purged_rows: int
    score: ScoreRow


class _Named(Model):
    id: str
    version: int
    state: str = Field(description='warming_up, serving, waiting, refused; "" if it is not served; damaged if its record cannot be read')
    detail: str
    symbols: list[str] = Field(description="of which it speaks while it is served")


class ModelRow(_Named):
    """A version of a model at a glance. What its record should tell is null if that is damaged: `detail` says where it lies."""

    symbol: str | None
    venue: str | None
    period: str | None
    basis: str | None
    horizon: int | None = Field(description="so many bars ahead the close is higher or not")
    start_ns: Ns | None
    end_ns: Ns | None
    bars: int | None
    rows: int | None
    created_ns: Ns | None
    sha256: str | None = Field(description="of the ONNX file")
    score: ScoreRow | None
    features: int | None
    folds: int | None


class ModelDetail(_Named):
    """All that is kept of a version."""

    symbol: str
    venue: str
    period: str
    basis: str
    horizon: int = Field(description="so many bars ahead the close is higher or not")
    start_ns: Ns
    end_ns: Ns
    bars: int
    rows: int
    created_ns: Ns
    sha256: str = Field(description="of the ONNX file")
    score: ScoreRow
    features: list[str]
    features_digest: str
    up_share: float
    data_digest: str
    embargo: int
    parameters: dict[str, float]
    seed: int
    folds: list[FoldRow]
    onnx_difference: float
    libraries: dict[str, str]


class ServeRequest(Model):
    """Which version to serve, and of what it speaks."""

    version: int = Field(default=0, ge=0, le=1 << 31, description="0 is the newest one")
    symbols: list[SymbolName] = Field(default=[], max_length=100, description="empty: the one that it was trained on")


class ModelDone(Model):
    """What became of a model."""

    model: str
    action: str
    detail: str


def create_models_router(bus: EventBus, monitor: Monitor, settings: Settings) -> APIRouter:
    """Return the routes, for the models in the home folder of the settings; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1/models", tags=["models"])
    store = ModelStore(settings.model_folder)

    @router.get("", response_model=list[ModelRow], responses=PAGED)
    def models(page: Page) -> list[dict[str, Any]]:
        """Every version of every model, by id, the newest version first."""
        return page.of(found(lambda: model_rows(store, monitor.ask(_states))))

    @router.get("/{model}", response_model=ModelDetail, responses=problems(404))
    def detail(model: ModelPath, version: Version = 0) -> dict[str, Any]:
        """One version: data, features, parameters, folds, and the hash of its file."""
        return model_detail(found(lambda: store.find(model, version)), monitor.ask(_states))

    @router.post("/{model}/serve", response_model=ModelDone, responses=problems(404, 409, 504))
    def serve(model: ModelPath, request: ServeRequest) -> dict[str, str]:
        """Let it give signals, now and after each restart."""
        found(lambda: store.find(model, request.version))
        return _command(ModelControlEvent(action="serve", model=model, version=request.version, symbols=request.symbols))

    @router.post("/{model}/stop", response_model=ModelDone, responses=problems(404, 409, 504))
    def stop(model: ModelPath) -> dict[str, str]:
        """Let it give no more signals."""
        found(lambda: store.known(model))
        return _command(ModelControlEvent(action="stop", model=model))

    def _command(event: ModelControlEvent) -> dict[str, str]:
        answer = answered(lambda: send(bus, event, refused=ModelError))
        return {"model": event.model, "action": event.action, "detail": answer.detail}

    return router


def _states(view: SystemView) -> dict[str, ModelStatusEvent]:
    return dict(view.models)
