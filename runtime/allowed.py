"""The allow-list of endpoints: what blueprints may call, by name, and never a private address."""

import asyncio
import re
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

PREFIX = "endpoint-"
"""How the services of endpoints are called; the endpoint's name follows."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_LOCAL = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")


def allowed(said: str) -> Mapping[str, str]:
    """Read `crm=https://crm.company.example/api,...`. Raises ValueError with the mend."""
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in said.split(","))):
        name, _, url = entry.partition("=")
        if not _NAME.fullmatch(name) or name in found:
            raise ValueError(f"BRAID_ENDPOINTS: {entry!r}; write name=https://..., each name once")
        if why := refused(url):
            raise ValueError(f"BRAID_ENDPOINTS: {name}: {why}")
        found[name] = url.rstrip("/")
    return found


def refused(url: str) -> str:
    """Say why an address may not be called, as far as its text tells; empty if it may."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return f"{url!r} is no address; write https://host/path"
    if parts.scheme != "https" or not host or parts.username or parts.query or parts.fragment:
        return f"{url!r} is refused; write https://host/path, nothing more"
    if host.endswith(_LOCAL) or ("." not in host.strip("[]") and ":" not in host):
        return f"{host!r} is a private address; only public hosts are called"
    return "" if _is_public(host) else f"{host!r} is a private address; only public ones are called"


async def leads_inside(url: str) -> str:
    """Give the private address a host's name leads to; empty if it leads to none."""
    host = urlsplit(url).hostname or ""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ""  # no address at all: the exchange itself will say so
    addresses = (str(entry[4][0]).partition("%")[0] for entry in found)
    return next((address for address in addresses if not ip_address(address).is_global), "")


def _is_public(host: str) -> bool:
    """Say whether this is a public address, or a name (`127.1` is an address in disguise)."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return not re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", host.lower())
