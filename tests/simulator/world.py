"""What the simulator's tests share: questions to models and how each vendor is asked."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from simulator.config import SimulatorConfig
from workflows.data.common import Record
from workflows.data.readings import CreditReading

Simulate = Callable[[SimulatorConfig], httpx.AsyncClient]
"""Puts up a fresh simulator without referees and gives its client."""

FAST = 100_000.0
"""A speed at which no delay matters."""

SYSTEM = "You read documents and answer in JSON."


def prompt(documents: object) -> str:
    return f"Read this.\n<documents>\n{json.dumps(documents)}\n</documents>\nAnswer."


CREDIT = prompt(
    {
        "register": None,
        "facts": [],
        "filings": [
            {"form": "8-K", "filed": "2020-03-30", "accession": "a-1", "items": ["1.01", "1.03"]}
        ],
    }
)


def strict(schema: dict[str, object]) -> dict[str, object]:
    """Close every object and require every property, as vendors demand."""
    for part in [schema, *_inner(schema.get("$defs"))]:
        if part.get("type") == "object":
            part["additionalProperties"] = False
            properties = part["properties"]
            assert isinstance(properties, dict)
            part["required"] = list(properties)
    return schema


def _inner(definitions: object) -> list[dict[str, object]]:
    return list(definitions.values()) if isinstance(definitions, dict) else []


@dataclass(frozen=True)
class Ask:
    """One way to put a question to one vendor."""

    vendor: str
    path: str
    headers: dict[str, str]
    body: dict[str, object]

    async def send(
        self,
        client: httpx.AsyncClient,
        changes: Mapping[str, object] | None = None,
        sample: int = 0,
    ) -> httpx.Response:
        headers = {**self.headers, "x-braid-sample": str(sample)}
        return await client.post(self.path, headers=headers, json={**self.body, **(changes or {})})


def ask(
    vendor: str,
    user: str = CREDIT,
    record: type[Record] = CreditReading,
    model: str = "",
    limit: int = 2048,
) -> Ask:
    schema = strict(record.model_json_schema())
    match vendor:
        case "openai":
            form = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
            body: dict[str, object] = {
                "model": model or "gpt-6.1-terra",
                "instructions": SYSTEM,
                "input": user,
                "text": {"format": form},
                "max_output_tokens": limit,
            }
            return Ask(vendor, "/openai/v1/responses", {"authorization": "Bearer none"}, body)
        case "anthropic":
            body = {
                "model": model or "claude-sonnet-5-5",
                "max_tokens": limit,
                "system": SYSTEM,
                "messages": [{"role": "user", "content": user}],
                "output_config": {"format": {"type": "json_schema", "schema": schema}},
            }
            headers = {"x-api-key": "none", "anthropic-version": "2023-06-01"}
            return Ask(vendor, "/anthropic/v1/messages", headers, body)
        case _:
            body = {
                "systemInstruction": {"parts": [{"text": SYSTEM}]},
                "contents": [{"role": "user", "parts": [{"text": user}]}],
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": schema,
                    "maxOutputTokens": limit,
                },
            }
            path = f"/gemini/v1beta/models/{model or 'gemini-3.8-flash'}:generateContent"
            return Ask(vendor, path, {"x-goog-api-key": "none"}, body)


def text(vendor: str, reply: httpx.Response) -> str:
    """Take the answer's text out of a vendor's reply."""
    body = reply.json()
    found = {
        "openai": lambda: body["output"][0]["content"][0]["text"],
        "anthropic": lambda: body["content"][0]["text"],
        "gemini": lambda: body["candidates"][0]["content"]["parts"][0]["text"],
    }[vendor]()
    return str(found)


def usage(vendor: str, reply: httpx.Response) -> tuple[int, int]:
    """Take (input, output) tokens out of a vendor's reply."""
    body = reply.json()
    if vendor == "gemini":
        counts = body["usageMetadata"]
        return counts["promptTokenCount"], counts["candidatesTokenCount"]
    return body["usage"]["input_tokens"], body["usage"]["output_tokens"]
