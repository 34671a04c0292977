"""How we reach Temporal: a service given explicitly, or the one of this clone's stack."""

import os
from collections.abc import Mapping
from typing import Any

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from runtime.conversion import DATA_CONVERTER
from runtime.encryption import Encryption
from runtime.errors import NoServer
from runtime.opening import Opening
from runtime.telemetry import interceptors

GIVEN_BY = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


def is_given(profile: str | None = None, env: Mapping[str, str] | None = None) -> bool:
    """Say whether a Temporal service was named explicitly.

    Only by `--profile` or a `TEMPORAL_*` variable: a profile file that merely lies in the home
    folder must not send a demo's case to somebody's production namespace.
    """
    given = os.environ if env is None else env
    return profile is not None or any(given.get(name) for name in GIVEN_BY)


async def connect_given(
    profile: str | None = None,
    identity: str | None = None,
    *,
    converter: DataConverter = DATA_CONVERTER,
) -> Client:
    """Connect to the service the environment or profile file names (SDK envconfig).

    Without a `converter` of `documents`, payloads by reference cannot be read. Raises NoServer.
    """
    try:
        config = ClientConfig.load_client_connect_config(profile)
    except Exception as error:
        raise NoServer(f"the Temporal profile cannot be read: {error}") from error
    address = config.get("target_host") or "localhost:7233"
    config.setdefault("target_host", address)
    try:
        return await Client.connect(**config, **_how(converter, identity))
    except (RuntimeError, RPCError) as error:
        raise NoServer(
            f"no Temporal service answers at {address}: check TEMPORAL_ADDRESS and the profile,"
            " or unset them to use the embedded stack"
        ) from error


async def connect_to(
    address: str, identity: str | None = None, *, converter: DataConverter = DATA_CONVERTER
) -> Client:
    """Connect to an address of our own stack. Raises NoServer."""
    try:
        return await Client.connect(address, **_how(converter, identity))
    except (RuntimeError, RPCError) as error:
        raise NoServer(f"no Temporal server answers at {address}: {error}") from error


def _how(converter: DataConverter, identity: str | None) -> dict[str, Any]:
    """Give the options of a client; one with keys reads histories in clear too."""
    codec = converter.payload_codec
    opening = [Opening(codec)] if isinstance(codec, Encryption) and codec.ring else []
    options = {"data_converter": converter, "identity": identity}
    return {**options, "interceptors": [*interceptors(), *opening]}
