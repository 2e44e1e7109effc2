"""An event service as people write it with FastAPI: one Redis subscription, a queue for each client. No history, no
ids; a client that does not read is buffered without bound.
"""

import asyncio
import os
from collections import defaultdict

import redis.asyncio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

app = FastAPI()
queues = defaultdict(set)  # channel -> queues of its clients


@app.on_event("startup")
async def subscribe():
    client = redis.asyncio.Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
    subscription = client.pubsub()
    await subscription.psubscribe("bench:*")

    async def forward():
        async for message in subscription.listen():
            if message["type"] == "pmessage":
                for queue in queues[message["channel"].decode()]:
                    queue.put_nowait(message["data"].decode())

    app.state.forwarding = asyncio.create_task(forward())


@app.get("/s/{channel}")
async def stream(channel: str):
    queue = asyncio.Queue()
    queues[f"bench:{channel}"].add(queue)

    async def events():
        try:
            while True:
                yield f"data: {await queue.get()}\n\n"
        finally:
            queues[f"bench:{channel}"].discard(queue)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@app.websocket("/s/{channel}")
async def socket(websocket: WebSocket, channel: str):
    await websocket.accept()
    queue = asyncio.Queue()
    queues[f"bench:{channel}"].add(queue)
    try:
        while True:
            await websocket.send_text(await queue.get())
    except WebSocketDisconnect:
        pass
    finally:
        queues[f"bench:{channel}"].discard(queue)
