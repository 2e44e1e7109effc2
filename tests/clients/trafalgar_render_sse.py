import asyncio
import os
import httpx


async def consume_render_events():
    token = os.environ["TRAFALGAR_TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url="http://localhost:8000", headers=headers) as client:
        async with client.stream("GET", "/render/jobs/stream", timeout=None) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    payload = line[6:].strip()
                    if payload:
                        print(payload)


asyncio.run(consume_render_events())
