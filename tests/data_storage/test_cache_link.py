"""The link to Redis: what is wrong with a server or URL is one sentence without a secret; a prefix has one owner; writes are whole."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.data_storage.cache.cache_reader import CacheReader
from gcg_quant.data_storage.cache.layout import Layout
from gcg_quant.data_storage.cache.link import CacheLink, open_client
from gcg_quant.errors import SettingsError, StorageError
from gcg_quant.settings import Settings

from .redis_server import RedisServer

LAYOUT = Layout("gcg:test", "paper")
ALIVE = {"state": "live", "lag": "0"}
PASSWORD = "pa55w0rd"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a Redis with a password, one database and little memory."""
    folder = tmp_path_factory.mktemp("redis")
    with RedisServer(folder, tcp=True, requirepass=PASSWORD, databases="1", enable_debug_command="local") as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """Return a client of an empty Redis."""
    with server.client(decode_responses=True) as opened:
        opened.flushall()
        yield opened


def url_of(server: RedisServer, password: str = PASSWORD, scheme: str = "redis", database: str = "0") -> str:
    """Return a URL of the server's port."""
    return f"{scheme}://{f':{password}@' if password else ''}127.0.0.1:{server.port}/{database}"


def refusal(url: str, *, reads: bool = False) -> str:
    """Return the sentence with which a link to this URL fails; a reader gets one, too, unless it may read."""
    link = CacheLink(url, LAYOUT, {"bus": "b"})
    try:
        with pytest.raises(StorageError) as caught:
            link.connect()
    finally:
        link.close()
    assert caught.value.context["retry"] is True
    with CacheReader(url) as reader, nullcontext() if reads else pytest.raises(StorageError):
        reader.strategies()
    return str(caught.value)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"password": "wr0ng-one"}, r"refuses the user or the password: set GCG_QUANT_REDIS__URL"),
        ({"password": ""}, r"asks for a password: set GCG_QUANT_REDIS__URL to redis://:PASSWORD@host:port/db"),
        ({"database": "7"}, r"has no such database \(DB index is out of range\): change the number at the end of the URL"),
        (
            {"scheme": "rediss", "database": "0?socket_timeout=0.1"},
            r"does not answer in time; if it speaks no TLS, its URL begins with redis://",
        ),
    ],
)
def test_a_wrong_url_is_one_sentence(server: RedisServer, where: dict[str, str], words: str) -> None:
    """Password, database and TLS: what is wrong, what helps, and no secret."""
    url = url_of(server, **where)
    text = refusal(url)
    assert text.startswith("Redis at redis")
    assert text.count(". ") == 0
    assert text.endswith(".")
    assert PASSWORD not in text
    assert "wr0ng-one" not in text
    assert re.search(words, text), text


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """Neither a socket nor a port that nobody listens on, nor a name that nobody knows."""
    assert "cannot be reached" in refusal(f"unix://{tmp_path}/nobody.sock")
    assert "redis://:***@127.0.0.1:1/0 cannot be reached" in refusal("redis://:s3cret@127.0.0.1:1/0")


def test_a_full_server_is_one_sentence(server: RedisServer, client: Any) -> None:
    """At maxmemory nothing is half written, and deleting still works."""
    link = CacheLink(server.url.replace("unix://", f"unix://:{PASSWORD}@"), LAYOUT, {"bus": "b"})
    link.connect()
    link.renew([("HSET", "gcg:test:paper:tick:A@B", "x", "1")], ALIVE, last=True)
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StorageError, match=r"is out of memory: raise its maxmemory, or keep less by \[redis\] kinds, bars and ttl_s\."):
            link.write([("DEL", "gcg:test:paper:tick:A@B"), ("HSET", "gcg:test:paper:tick:A@B", "x", "2")], ALIVE)
    finally:
        client.config_set("maxmemory", "0")
    assert client.hgetall("gcg:test:paper:tick:A@B") == {"x": "1"}
    assert link.connect() == ""
    assert link.holds(), "nothing of it was carried out"
    link.close()


def test_a_replica_is_one_sentence(server: RedisServer, client: Any) -> None:
    """A replica takes no writes: the sentence says so."""
    client.replicaof("127.0.0.1", "1")
    try:
        assert "is a read-only replica: give the URL of its primary" in refusal(url_of(server), reads=True)
    finally:
        client.replicaof("NO", "ONE")


def test_a_user_without_rights_is_one_sentence(server: RedisServer, client: Any) -> None:
    """An ACL that forbids the cache's keys is named, and the password is not."""
    client.acl_setuser("reader", enabled=True, passwords=["+pw-of-reader"], categories=["+@read", "+@connection"], keys=["*"])
    text = refusal(url_of(server).replace(f":{PASSWORD}", "reader:pw-of-reader"), reads=True)
    assert "does not allow its user what the cache needs" in text
    assert "pw-of-reader" not in text
    client.acl_deluser("reader")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://localhost", "expected redis://host:port/db, rediss:// or unix:///path, found http://"),
        ("redis://localhost/cache", "the number of a database ends the URL, as in redis://host:port/0; found '/cache'"),
        ("redis://localhost/0?password=s3cret", "a password stands before the host"),
        ("localhost:6379", "expected a URL such as"),
    ],
)
def test_settings_refuse_what_is_no_url_of_redis(url: str, words: str) -> None:
    """A wrong URL is found before anything starts."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(None, None, {"GCG_QUANT_REDIS__URL": url})
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h:port/0", "redis://:s3cret@h/0?no_such_option=1", "redis://:s3cret@h/0?socket_timeout=soon"])
def test_an_option_that_redis_does_not_know_is_refused(url: str) -> None:
    """What only the Redis library can judge is a sentence, too."""
    with pytest.raises(StorageError, match="is no URL of Redis") as caught:
        open_client(url)
    assert "s3cret" not in str(caught.value)


def test_tls_is_spoken_with_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    """rediss:// works with the server's own certificate authority, and is refused without it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on the PATH")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    make += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    server = RedisServer(tmp_path, tcp=True)
    port, server.port = server.port, 0
    server.options = {
        "tls_port": str(port),
        "tls_cert_file": str(certificate),
        "tls_key_file": str(key),
        "tls_ca_cert_file": str(certificate),
        "tls_auth_clients": "no",
    }
    with server:
        assert "speaks no TLS that can be trusted" in refusal(f"rediss://127.0.0.1:{port}/0")
        link = CacheLink(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}", LAYOUT, {"bus": "b"})
        assert link.connect() == ""
        link.renew([("SET", "a", "1")], ALIVE, last=True)
        assert server.ask("GET", "a") == b"$1\r\n1\r\n"
        link.close()


# ---- one owner, whole writes


def two_links(server: RedisServer) -> tuple[CacheLink, CacheLink]:
    """Return two links that want the same prefix."""
    url = url_of(server)
    return CacheLink(url, LAYOUT, {"bus": "one"}), CacheLink(url, LAYOUT, {"bus": "two"})


def test_a_prefix_has_one_owner(server: RedisServer, client: Any) -> None:
    """The second is told who the first is; when the first leaves, the second may."""
    first, second = two_links(server)
    assert first.connect() == ""
    assert second.connect().endswith("bus one")
    first.renew([], ALIVE, last=True)
    assert first.write([("SET", "a", "1")], ALIVE)
    first.leave({"state": "stopped"})
    first.close()
    assert second.connect() == ""
    assert not second.holds(), "what the first wrote says nothing about the second"
    second.close()


def test_an_owner_who_was_replaced_writes_nothing(server: RedisServer, client: Any) -> None:
    """A system that slept for longer than its lock lives finds another one there, and its write is not carried out."""
    first, second = two_links(server)
    first.connect()
    first.renew([], ALIVE, last=True)
    client.delete(LAYOUT.owner)  # as if its time had run out
    second.connect()
    with pytest.raises(StorageError, match=r"The prefix gcg:test:paper is kept by .* bus two\."):
        first.write([("SET", "a", "first")], ALIVE)
    assert not client.exists("a")
    assert first.connect().endswith("bus two")
    second.close()


def test_a_lock_that_ran_out_is_taken_again(server: RedisServer, client: Any) -> None:
    """If nobody else came meanwhile, the cache is still ours and still whole."""
    first, _ = two_links(server)
    first.connect()
    first.renew([], ALIVE, last=True)
    client.delete(LAYOUT.owner)
    assert first.write([("SET", "a", "1")], ALIVE)
    assert 0 < client.pttl(LAYOUT.owner) <= 5000
    first.close()


def test_a_lost_cache_is_noticed_before_anything_is_written(server: RedisServer, client: Any) -> None:
    """FLUSHALL, and an older state as a failover leaves it: both are found out, and nothing is written on top."""
    link, _ = two_links(server)
    link.connect()
    assert not link.write([("SET", "a", "0")], ALIVE), "it was never filled"
    link.renew([], ALIVE, last=True)
    assert link.write([("SET", "a", "1")], ALIVE)
    older = client.hgetall(LAYOUT.meta)
    assert link.write([("SET", "a", "2")], ALIVE)
    client.hset(LAYOUT.meta, mapping=older)
    assert not link.holds()
    assert not link.write([("SET", "a", "3")], ALIVE)
    assert client.get("a") == "2"
    link.renew([], ALIVE, last=False)
    assert not link.holds(), "a fill that was not finished is not whole"
    link.renew([], ALIVE, last=True)
    assert link.holds()
    client.flushall()
    assert not link.write([("SET", "a", "4")], ALIVE)
    assert not client.exists("a")
    link.close()


def test_a_cache_lost_during_a_write_is_noticed_too(server: RedisServer, client: Any) -> None:
    """FLUSHALL between the look and the write: nothing is written, and it is no error."""
    link, _ = two_links(server)
    link.connect()
    link.renew([], ALIVE, last=True)

    def commands() -> Iterator[tuple[str, ...]]:
        client.flushall()
        yield ("SET", "a", "1")

    assert not link.write(commands(), ALIVE)
    assert not client.exists("a")
    link.renew([], ALIVE, last=True)
    assert link.write([("SET", "a", "2")], ALIVE)
    link.close()


def test_a_command_that_fails_leaves_a_cache_that_counts_as_lost(server: RedisServer, client: Any) -> None:
    """A key that another program has made something else of is a sentence, and then a reason to fill."""
    link, _ = two_links(server)
    link.connect()
    link.renew([], ALIVE, last=True)
    client.set("gcg:test:paper:tick:A@B", "text")
    with pytest.raises(StorageError, match=r"refuses what the cache writes \(WRONGTYPE"):
        link.write([("HSET", "gcg:test:paper:tick:A@B", "x", "1")], ALIVE)
    assert link.connect() == ""
    assert not link.holds()
    assert link.stored_keys() == ["gcg:test:paper:tick:A@B"]
    link.close()
