#!/usr/bin/env python3
"""Follows a job's events over SSE as the service's own client does, with aiohttp: a line each, until the job completes."""
import asyncio
import json
import os

import aiohttp

URL = "http://127.0.0.1:8008/api/v1/jobs/job_id/events/stream"


async def follow():
    headers = {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(URL) as response:
            print(response.status, response.headers["Content-Type"])
            async for line in response.content:
                text = line.decode("utf-8").strip()
                if not text.startswith("data: "):
                    continue
                event = json.loads(text[6:])
                print(event["type"], event["stage"], event["message"])
                if event["type"] == "job_completed":
                    return


asyncio.run(follow())
