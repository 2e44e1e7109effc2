#!/usr/bin/env python3
"""Polls a job's events as the service's page does, with requests: the newest hundred, again and again, until it completes."""
import os
import time

import requests

URL = "http://127.0.0.1:8008/api/v1/jobs/job_id/events"
HEADERS = {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}

newest = ""
while True:
    response = requests.get(URL, headers=HEADERS, params={"limit": 100}, timeout=10)
    if response.status_code != 200:
        raise SystemExit(f"{response.status_code} {response.text}")
    for event in response.json().get("events", []):
        at = event.get("ts") or event.get("timestamp", "")
        if at <= newest:
            continue
        newest = at
        print(event.get("type"), event.get("message"))
        if event.get("type") == "job_completed":
            raise SystemExit(0)
    time.sleep(0.2)
