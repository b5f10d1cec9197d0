"""What the venue's errors mean for an order: refused for certain, or nobody knows."""

from __future__ import annotations

import ccxt
import pytest

from gcg_quant.strategy_engine.gateways.crypto.failures import Outcome, outcome_of, said


def broken() -> ccxt.ExchangeError:
    """Return what ccxt makes of a connection that breaks in the middle of an answer."""
    try:
        raise ccxt.ExchangeError("binance POST http://127.0.0.1/api/v3/order") from ValueError("payload")
    except ccxt.ExchangeError as error:
        return error


CASES = [
    (ccxt.InsufficientFunds('binance {"code":-2010,"msg":"Account has insufficient balance for requested action."}'), Outcome.REFUSED),
    (ccxt.InvalidOrder('binance {"code":-1013,"msg":"Filter failure: NOTIONAL"}'), Outcome.REFUSED),
    (ccxt.InvalidOrder('binance {"code":-2010,"msg":"Duplicate order sent."}'), Outcome.DUPLICATE),
    (ccxt.InvalidOrder('okx {"code":"1","data":[{"sCode":"51016","sMsg":"Client order ID already exists."}],"msg":""}'), Outcome.DUPLICATE),
    (ccxt.OrderNotFound('okx {"code":"51603","msg":"Order does not exist"}'), Outcome.MISSING),
    (ccxt.DDoSProtection('binance 429 Too Many Requests {"code":-1003,"msg":"Too much request weight used."}'), Outcome.BUSY),
    (ccxt.RateLimitExceeded('okx {"code":"50011","msg":"Too Many Requests"}'), Outcome.BUSY),
    (ccxt.DDoSProtection('binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'), Outcome.KEY),
    (ccxt.AuthenticationError('okx {"code":"50113","msg":"Invalid Sign"}'), Outcome.KEY),
    (ccxt.InvalidNonce('binance {"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'), Outcome.CLOCK),
    (ccxt.RequestTimeout("binance POST ..."), Outcome.UNKNOWN),
    (ccxt.OperationFailed('binance {"code":-1006,"msg":"Execution status unknown."}'), Outcome.UNKNOWN),
    (ccxt.ExchangeNotAvailable("binance 502 Bad Gateway"), Outcome.UNKNOWN),
    (ccxt.OnMaintenance('okx {"code":"50001","msg":"Service temporarily unavailable."}'), Outcome.UNKNOWN),
    (ccxt.BadResponse("okx <html>"), Outcome.UNKNOWN),
    (ccxt.ExchangeError('binance {"code":-9999,"msg":"New rule"}'), Outcome.REFUSED),
    (ccxt.ExchangeError("binance something else"), Outcome.UNKNOWN),
    (broken(), Outcome.UNKNOWN),
    (KeyError("orderId"), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("error", "outcome"), CASES, ids=lambda one: str(one)[:60])
def test_an_order_is_given_up_only_if_the_venue_has_said_no(error: Exception, outcome: Outcome) -> None:
    """Whatever is not clearly an answer leaves the order in doubt."""
    assert outcome_of(error) is outcome


def test_the_words_of_the_venue_are_kept() -> None:
    """Message and code are told without the wrapping."""
    assert said(CASES[0][0]) == "Account has insufficient balance for requested action (-2010)"
    assert said(CASES[3][0]) == "Client order ID already exists (51016)"
    assert said(ccxt.RequestTimeout("binance POST http://x")) == "POST http://x"
    assert said(ccxt.RequestTimeout("okx GET http://x/y?timestamp=1&signature=ab12")) == "GET http://x/y"
    okx = 'okx {"code":"1","msg":"All operations failed","data":[{"sCode":"51008","sMsg":"Insufficient balance."}]}'
    assert said(ccxt.InsufficientFunds(okx)) == "Insufficient balance (51008)"
    assert said(KeyError()) == "KeyError"
