#!/usr/bin/env python3
import requests
from sseclient import SSEClient

# Configuration
CNS_API_URL = "http://localhost:27200"
BOM_ID = "123e4567-e89b-12d3-a456-426614174000"
TOKEN = "your-jwt-or-admin-token"

# Connect to SSE stream
url = f"{CNS_API_URL}/api/enrichment/stream/{BOM_ID}?token={TOKEN}"
response = requests.get(url, stream=True, timeout=300)

if response.status_code != 200:
    print(f"Error: {response.status_code} - {response.text}")
    exit(1)

print(f"Connected to enrichment stream for BOM: {BOM_ID}")

# Parse SSE events
client = SSEClient(response)
for event in client.events():
    print(f"\nEvent: {event.event}")
    print(f"Data: {event.data}")

    # Parse JSON data
    import json
    try:
        data = json.loads(event.data)

        if event.event == 'progress':
            state = data.get('state', {})
            print(f"  Progress: {state.get('enriched_items')}/{state.get('total_items')} ({state.get('percent_complete')}%)")

        elif event.event == 'enrichment.completed':
            print("  Enrichment completed!")
            break

        elif event.event == 'enrichment.failed':
            print(f"  Enrichment failed: {data.get('error')}")
            break

    except json.JSONDecodeError:
        pass
