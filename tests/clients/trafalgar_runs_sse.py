import asyncio
import httpx


async def consume_ingest_events():
    async with httpx.AsyncClient(base_url="http://localhost:8001") as client:
        async with client.stream("GET", "/runs/stream") as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    payload = line.removeprefix("data: ").strip()
                    if payload and payload != "{}":
                        print(payload)


asyncio.run(consume_ingest_events())
