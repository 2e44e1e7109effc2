import asyncio
import json
import os

import websockets


async def consume_render_ws():
    token = os.environ["TRAFALGAR_TOKEN"]
    uri = f"ws://localhost:8000/render/jobs/ws?token={token}"
    async with websockets.connect(uri, ping_interval=30, ping_timeout=10) as ws:
        async for message in ws:
            event = json.loads(message)
            print(event)


asyncio.run(consume_render_ws())
