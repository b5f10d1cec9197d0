"""`--where "fast < slow"`: which combinations of parameters make sense, as an expression that can do nothing but compare and count."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gcg_quant.errors import BacktestError, nearest

__all__ = ["Condition"]

LONGEST = 500
ALLOWED = "names of parameters, numbers, texts in quotes, + - * / // %, < <= > >= == != in, and, or, not, ( )"
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


class Condition:
    """One expression over parameters. It is walked, never executed: there are no calls, no attributes and no powers in it.

    Raises:
        BacktestError: it is no such expression, or names a parameter that there is not (the nearest is named).
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self._names = names
        if len(text) > LONGEST:
            raise BacktestError(f"A condition may have {LONGEST} characters, this one has {len(text)}: {text[:40]!r}...", condition=text)
        try:
            self._root = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BacktestError(f"The condition {text!r} cannot be read: write it like 'fast < slow'.", condition=text) from None
        self._check(self._root)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether the condition holds for these parameters; raise BacktestError if it cannot be computed for them."""
        try:
            return bool(self._value(self._root, values))
        except (TypeError, ZeroDivisionError, OverflowError, ValueError) as error:
            listed = ", ".join(f"{name}={values[name]!r}" for name in self._names if name in values)
            raise BacktestError(f"The condition {self.text!r} cannot be computed for {listed}: {error}.", condition=self.text) from None

    def _check(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                if name not in self._names:
                    listed = ", ".join(self._names)
                    raise BacktestError(
                        f"The condition {self.text!r} names {name!r}, which is no parameter (known: {listed}).{nearest(name, self._names)}",
                        condition=self.text,
                    )
                return
            case ast.Constant(value=bool() | int() | float() | str()):
                return
            case ast.BinOp(op=op) if type(op) in ARITHMETIC:
                pass
            case ast.Compare(ops=ops) if all(type(op) in COMPARISONS for op in ops):
                pass
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.USub()) | ast.Tuple() | ast.List():
                pass
            case _:
                place = ast.unparse(node)
                raise BacktestError(f"A condition cannot hold {place!r} (in {self.text!r}); it is made of {ALLOWED}.", condition=self.text)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._check(child)

    def _value(self, node: ast.AST, values: Mapping[str, Any]) -> Any:
        match node:
            case ast.Name(id=name):
                return values[name]
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=op, operand=operand):
                found = self._value(operand, values)
                return not found if isinstance(op, ast.Not) else -_number(found)
            case ast.BinOp(left=left, op=op, right=right):
                return ARITHMETIC[type(op)](_number(self._value(left, values)), _number(self._value(right, values)))
            case ast.BoolOp(op=op, values=parts):
                found = (bool(self._value(part, values)) for part in parts)
                return all(found) if isinstance(op, ast.And) else any(found)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self._value(one, values) for one in (left, *others)]
                return all(COMPARISONS[type(op)](sides[at], sides[at + 1]) for at, op in enumerate(ops))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return [self._value(part, values) for part in parts]
        raise TypeError(type(node).__name__)


# A text times a number, or "%s" % ..., would be something else than counting.
def _number(value: Any) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value
