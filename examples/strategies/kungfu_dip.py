"""Buys a dip below the mean of the last quotes and sells above it, in Kungfu's API: the file runs there as it runs here.

python -m gcg_quant strategies load examples/strategies/kungfu_dip.py
"""

from collections import deque

from kungfu.wingchun.constants import Exchange, Offset, OrderStatus, PriceType, Side

SOURCE = "ctp"
TICKER = "rb2501"
QUOTES = 50
DISTANCE = 0.0002  # of the price, from the mean
VOLUME = 1


def pre_start(context):
    context.prices = deque(maxlen=QUOTES)
    context.waits = False
    context.add_account(SOURCE, "10001")
    context.subscribe(SOURCE, [TICKER], Exchange.SHFE)


def held(context):
    return context.book.get_position(TICKER, Exchange.SHFE).volume


def on_quote(context, quote, location, dest):
    context.prices.append(quote.last_price)
    if len(context.prices) < QUOTES or context.waits:
        return
    mean = sum(context.prices) / QUOTES
    if held(context) == 0 and quote.last_price < mean * (1 - DISTANCE):
        order(context, Side.Buy, Offset.Open)
    elif held(context) > 0 and quote.last_price > mean * (1 + DISTANCE):
        order(context, Side.Sell, Offset.CloseToday)


def order(context, side, offset):
    context.waits = True
    context.insert_order(TICKER, Exchange.SHFE, SOURCE, 0, VOLUME, PriceType.Any, side, offset)


def on_order(context, order, location, dest):
    if order.status in (OrderStatus.Filled, OrderStatus.Cancelled, OrderStatus.Error):
        context.waits = False
    if order.error_msg:
        context.log.warning(f"order {order.order_id}: {order.error_msg}")


def on_trade(context, trade, location, dest):
    context.log.info(f"{trade.side} {trade.volume:g} at {trade.price:g}, now holding {held(context):g}")
