"""Many calls at once through LiteLLM's own admission; run by the Python of LiteLLM's own environment.

Called with one JSON object: redis, fits (how many calls the cap pays for), model, calls (at once), seconds (in
flight); otherwise as `spending_peer.py`. What a call costs is what LiteLLM itself says that it may cost at most:
nothing is left to an estimate that might be wrong. It runs without its database, so Redis is all it remembers.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # the prices in the package, nothing fetched
os.environ["LITELLM_LOG"] = "ERROR"

from fastapi import HTTPException
from litellm import BudgetExceededError
from litellm.caching.redis_cache import RedisCache
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.auth.auth_checks import virtual_key_max_budget_check
from litellm.proxy.spend_tracking.budget_reservation import (
    reconcile_budget_reservation,
    reserve_budget_for_request,
)

MODEL, ROUTE = "claude-sonnet-4-5", "/v1/chat/completions"
NANO = 10**9

Json = dict[str, Any]


def request(model: str) -> Json:
    """Return the body that every call sends."""
    return {"model": model, "max_tokens": 700, "messages": [{"role": "user", "content": "I cannot sign in. " * 50}]}


async def reserve(order: Json) -> Json | None:
    """Ask for leave, as the proxy does for each request.

    Raises:
        BudgetExceededError: the key has spent too much.
        HTTPException: the same, in the words of the proxy.
    """
    key = UserAPIKeyAuth(api_key="sk-bench", token="bench", max_budget=order["cap_nusd"] / NANO, spend=0.0)
    await virtual_key_max_budget_check(valid_token=key, proxy_logging_obj=proxy_server.proxy_logging_obj)
    found: Json | None = await reserve_budget_for_request(
        request_body=request(order["model"]),
        route=ROUTE,
        llm_router=None,
        valid_token=key,
        team_object=None,
        user_object=None,
        prisma_client=None,
        user_api_key_cache=proxy_server.user_api_key_cache,
        proxy_logging_obj=proxy_server.proxy_logging_obj,
    )
    return found


async def main(order: Json) -> None:
    """Make the calls whenever a line comes; what it says goes over the order."""
    address = urlsplit(order["redis"])
    proxy_server.spend_counter_cache.redis_cache = RedisCache(host=address.hostname, port=address.port)
    held = await reserve(order | {"cap_nusd": 1000 * NANO})  # what one call may cost, on a key that is forgotten below
    assert held is not None
    await proxy_server.spend_counter_cache.redis_cache.async_delete_cache("spend:key:bench")
    proxy_server.spend_counter_cache.in_memory_cache.flush_cache()
    order["call_nusd"] = round(held["reserved_cost"] * NANO)
    order["cap_nusd"] = order["call_nusd"] * order["fits"]
    _say("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        _say(json.dumps(await run(order | json.loads(line))))


async def run(order: Json) -> Json:
    """Make all calls at once."""
    results: Json = {"made": 0, "denied": 0, "failed": 0, "begin_ms": [], "end_ms": []}

    async def call() -> None:
        began = time.perf_counter()
        try:
            held = await reserve(order)
        except (BudgetExceededError, HTTPException):
            results["denied"] += 1
            return
        results["begin_ms"].append((time.perf_counter() - began) * 1000)
        results["made"] += 1
        await asyncio.sleep(order["seconds"])
        began = time.perf_counter()
        await reconcile_budget_reservation(held, order["call_nusd"] / NANO)
        results["end_ms"].append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(call() for _ in range(order["calls"])))
    return results


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
