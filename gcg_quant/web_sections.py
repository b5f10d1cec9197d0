"""[web] of the settings: where the pages are served, and who may look."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import SecretStr, field_validator, model_validator

from gcg_quant.section import Section, setting

__all__ = ["WebSettings"]


class WebSettings(Section):
    """[web]."""

    host: str = setting("127.0.0.1", "address to listen on; any but loopback needs a token", min_length=1)
    port: int = setting(8000, "TCP port; 0 takes a free one", ge=0, le=65535)
    token: SecretStr = setting(SecretStr(""), "secret that page and REST calls must show; empty = none asked on loopback", secret=True)
    open_browser: bool = setting(False, "open the chart page at the start")
    names: tuple[str, ...] = setting((), "other names that it answers to, as behind a TLS proxy: host or host:port; they need a token")
    trusted_proxies: tuple[str, ...] = setting(
        (), "addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed, such as 127.0.0.1"
    )
    session_h: float = setting(12.0, "time after which a browser that was not used asks for the token again, h", gt=0, le=24 * 366)
    max_pages: int = setting(200, "most chart pages connected at once", ge=1, le=10_000)
    max_upload_mb: float = setting(1_000.0, "largest file that may be imported over REST, MB", gt=0, le=1_000_000)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for one in proxies:
            try:
                ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f"expected an address or a network such as 127.0.0.1 or 10.0.0.0/8, found {one!r}") from None
        return proxies

    @model_validator(mode="after")
    def _token_outside_loopback(self) -> WebSettings:
        loopback = self.host in ("localhost", "::1") or self.host.startswith("127.")
        if not self.token.get_secret_value():
            if not loopback:
                raise ValueError(
                    f"host {self.host!r} can be reached from outside: set GCG_QUANT_WEB__TOKEN in the environment, or use 127.0.0.1"
                )
            if self.names:
                raise ValueError(f"names {', '.join(self.names)} can be reached from outside: set GCG_QUANT_WEB__TOKEN in the environment")
        return self
