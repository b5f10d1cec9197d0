"""Who a request comes from: the connection's other end, or what a proxy that is trusted says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

__all__ = ["ClientAddresses", "Origin"]


class Origin(NamedTuple):
    """The address a request comes from (of IPv6 its network, which one customer has to himself), and whether it came by TLS."""

    address: str
    secure: bool


class ClientAddresses:
    """Finds the address behind proxies.

    Args:
        trusted: addresses or networks of proxies; what others say in X-Forwarded-For or X-Forwarded-Proto is not believed.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = [ip_network(one, strict=False) for one in trusted]

    def of(self, scope: MutableMapping[str, Any], headers: Mapping[str, str]) -> Origin:
        """Return where a request comes from: the last address of X-Forwarded-For that is no trusted proxy."""
        address = (scope.get("client") or ("", 0))[0]
        secure = scope.get("scheme") in ("https", "wss")
        if not self._trusts(address):
            return Origin(_grouped(address), secure)
        secure = secure or headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower() == "https"
        for told in reversed(headers.get("x-forwarded-for", "").split(",")):
            if not (told := told.strip()):
                continue
            address = told
            if not self._trusts(told):
                break
        return Origin(_grouped(address), secure)

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found.version == network.version and found in network for network in self._trusted)


def _grouped(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((found, 64), strict=False))
    return str(found)
