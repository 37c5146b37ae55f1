"""Where a webhook may not go: names and numbers that lead to private addresses."""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
from pathlib import Path

import pytest

from forge.errors import PermanentError
from forge.handlers.addresses import permitted
from forge.handlers.config import EVERYWHERE, WebhookConfig
from forge.handlers.resolve import Resolver
from forge.handlers.webhook import WebhookFailed, WebhookHandler

from .conftest import MakeJob
from .http_server import http_server

pytestmark = pytest.mark.anyio

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
REFUSED = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1
    203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8
    ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1
    2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1
    ff02::1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_permitted(text: str) -> None:
    assert permitted(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", REFUSED)
def test_any_other_address_is_refused_unless_all_are_allowed(text: str) -> None:
    address = ipaddress.ip_address(text)

    assert not permitted(address, ())
    assert permitted(address, EVERYWHERE)


def test_an_allowed_network_lets_in_itself_and_no_more() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("64:ff9b::/96"))

    assert permitted(ipaddress.ip_address("10.1.2.3"), allowed)
    assert not permitted(ipaddress.ip_address("10.2.0.1"), allowed)
    assert permitted(ipaddress.ip_address("64:ff9b::8.8.8.8"), allowed)
    assert permitted(ipaddress.ip_address("64:ff9b::10.1.2.3"), allowed)
    assert not permitted(ipaddress.ip_address("64:ff9b::10.2.0.1"), allowed)
    assert not permitted(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f.1", "017700000001"),
        *("0", "[::1]", "[::ffff:127.0.0.1]"),
    ],
)
async def test_every_way_to_write_loopback_is_refused(make_job: MakeJob, host: str) -> None:
    async with http_server() as server:
        with pytest.raises(PermanentError, match="FORGE_WEBHOOK_ALLOW_PRIVATE"):
            await WebhookHandler(WebhookConfig())(
                make_job({"url": f"http://{host}:{server.port}/"})
            )

    assert server.requests == []


def answers(*rounds: list[str]) -> tuple[Resolver, list[str]]:
    """A resolver that gives the first list, then the second …; and the names it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return rounds[min(len(asked), len(rounds)) - 1]

    return resolve, asked


async def test_a_name_that_turns_private_after_the_check_is_not_asked_again(
    make_job: MakeJob,
) -> None:
    # 192.0.2.1 is unreachable everywhere (RFC 5737); allowed here, it stands for a public address.
    stand_in = (ipaddress.ip_network("192.0.2.0/24"),)
    resolver, asked = answers(["192.0.2.1"], ["127.0.0.1"])
    config = WebhookConfig(allowed=stand_in, timeout=0.5, connect_timeout=0.3)
    async with http_server() as server:
        handler = WebhookHandler(config, resolver)
        job = make_job({"url": f"http://rebind.example:{server.port}/"})
        with pytest.raises(WebhookFailed):
            await handler(job)
        with pytest.raises(PermanentError, match=r"127\.0\.0\.1, no public address"):
            await handler(job)

    assert asked == ["rebind.example", "rebind.example"]
    assert server.requests == []


async def test_of_mixed_addresses_only_the_permitted_are_tried(make_job: MakeJob) -> None:
    resolver, _ = answers(["10.0.0.1", "127.0.0.9", "127.0.0.1"])
    async with http_server() as server:  # on 127.0.0.1 only: the next one is tried
        handler = WebhookHandler(WebhookConfig(allowed=LOOPBACK, timeout=5), resolver)
        result = await handler(make_job({"url": f"http://many.example:{server.port}/"}))

    assert result["status"] == 200
    assert server.requests[0].headers["host"] == f"many.example:{server.port}"


async def test_a_name_that_does_not_resolve_is_worth_another_attempt(make_job: MakeJob) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(WebhookFailed, match="cannot be resolved"):
        await WebhookHandler(WebhookConfig(), nowhere)(make_job({"url": "http://x.example/"}))


async def test_a_proxy_in_the_environment_does_not_get_around_the_check(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_server() as proxy, http_server() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        handler = WebhookHandler(WebhookConfig(allowed=LOOPBACK))
        await handler(make_job({"url": f"http://127.0.0.1:{server.port}/"}))

    assert proxy.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example, with its key."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hooks.example"
    extra = ["-addext", "subjectAltName=DNS:hooks.example", "-keyout", "-", "-out", "-"]
    try:
        made = subprocess.run([*command.split(), *extra], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    file.write_bytes(made.stdout)
    return file


@pytest.mark.parametrize(("name", "trusted"), [("hooks.example", True), ("other.example", False)])
async def test_tls_checks_the_name_though_the_connection_goes_to_an_address(
    make_job: MakeJob,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    resolver, _ = answers(["127.0.0.1"])
    async with http_server(tls=tls) as server:
        handler = WebhookHandler(WebhookConfig(allowed=LOOPBACK, timeout=5), resolver)
        job = make_job({"url": f"https://{name}:{server.port}/"})
        if trusted:
            assert (await handler(job))["status"] == 200
        else:
            with pytest.raises(WebhookFailed, match="certificate"):
                await handler(job)

    assert server.server_name == name
    assert len(server.requests) == int(trusted)
