// The JavaScript of the enrichment service's document, as it stands but for the port, in pages of other origins. The server is the demo's, whose configuration is conf.d/enrichment.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { startBrowser, startDemo } from './demo.mjs';

const kBom = '123e4567-e89b-12d3-a456-426614174000';
const kToken = 'your-jwt-token';    // as the document has it

const kDocument = String.raw`
const bomId = '123e4567-e89b-12d3-a456-426614174000';
const token = 'your-jwt-token'; // Get from localStorage or auth context

const eventSource = new EventSource(
  ${'`http://localhost:27200/api/enrichment/stream/${bomId}?token=${token}`'}
);

// Connection opened
eventSource.onopen = () => {
  console.log('[SSE] Connected');
};

// Listen for 'connected' event
eventSource.addEventListener('connected', (e) => {
  console.log('[SSE] Connected event:', JSON.parse(e.data));
});

// Listen for 'progress' events
eventSource.addEventListener('progress', (e) => {
  const data = JSON.parse(e.data);
  console.log('[SSE] Progress:', data.state.percent_complete + '%');
  console.log('  Enriched:', data.state.enriched_items, '/', data.state.total_items);
});

// Listen for 'enrichment.completed'
eventSource.addEventListener('enrichment.completed', (e) => {
  const data = JSON.parse(e.data);
  console.log('[SSE] Enrichment completed!', data);
  eventSource.close();
});

// Listen for 'enrichment.failed'
eventSource.addEventListener('enrichment.failed', (e) => {
  const data = JSON.parse(e.data);
  console.error('[SSE] Enrichment failed:', data.error);
  eventSource.close();
});

// Connection errors
eventSource.onerror = (err) => {
  console.error('[SSE] Error:', err);
  if (eventSource.readyState === EventSource.CLOSED) {
    console.log('[SSE] Connection closed');
  }
};
`;

let demo, browser, page, lines;
const sites = [];    // servers of pages

before(async () => {
    for (let i = 0; i < 3; ++i) {
        sites[i] = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<p>A page</p>'));
        await once(sites[i].listen(0, '127.0.0.1'), 'listening');
    }
    demo = await startDemo({ interval: 5, env: {
        ADMIN_API_TOKEN: kToken, CORS_ORIGINS: JSON.stringify([origin(0), origin(1)]),
    } });
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    await demo?.stop();
    for (const site of sites) {
        site.closeAllConnections();
        site.close();
    }
});
beforeEach(async () => {
    page = await browser.context.newPage();
    page.setDefaultTimeout(30_000);
    lines = [];
    page.on('console', (message) => lines.push(message.text()));
});
afterEach(() => page.close());

// Two are in CORS_ORIGINS, the third is not.
const origin = (i) => `http://localhost:${sites[i].address().port}`;
const served = (script) => script.replace('localhost:27200', new URL(demo.address).host.replace('127.0.0.1', 'localhost'));
const run = (script) => page.addScriptTag({ content: served(script) });
async function line(start) {
    while (!lines.some((text) => text.startsWith(start)))
        await page.waitForEvent('console');
    return lines.find((text) => text.startsWith(start));
}
const publish = (event_type, more = {}) => demo.publish(`enrichment:${kBom}`, JSON.stringify({
    event_id: crypto.randomUUID(), event_type, bom_id: kBom, ...more,
    state: { percent_complete: 45, enriched_items: 45, total_items: 100 },
}));

for (const i of [0, 1]) {
    test(`the document's script follows a run from allowed origin ${i}`, async () => {
        await page.goto(origin(i));
        await run(kDocument);
        await line('[SSE] Connected event:');
        await publish('enrichment.started');
        await publish('enrichment.progress');
        assert.equal(await line('[SSE] Progress:'), '[SSE] Progress: 45%');
        assert.equal(await line('  Enriched:'), '  Enriched: 45 / 100');
        await publish('enrichment.completed');
        await line('[SSE] Enrichment completed!');
        assert.deepEqual(lines.filter((text) => text.includes('Error')), []);
    });
}

test('the document\'s script hears of a failure', async () => {
    await page.goto(origin(0));
    await run(kDocument);
    await line('[SSE] Connected event:');
    await publish('enrichment.failed', { error: 'Rate limit exceeded' });
    assert.equal(await line('[SSE] Enrichment failed:'), '[SSE] Enrichment failed: Rate limit exceeded');
});

test('a bad token closes the connection for good', async () => {
    await page.goto(origin(0));
    await run(kDocument.replace('your-jwt-token', 'another'));
    await line('[SSE] Connection closed');
});

test('a page of another origin sees nothing', async () => {
    await page.goto(origin(2));
    await run(kDocument);
    await line('[SSE] Connection closed');
    assert.deepEqual(lines.filter((text) => text.startsWith('[SSE] Connected')), []);
});

test('a page can poll what it streams', async () => {
    await page.goto(origin(1));
    const url = served('http://localhost:27200/api/enrichment/events/polled');
    await demo.publish('enrichment:polled', '{"event_id":"p1","event_type":"enrichment.progress"}');
    const answer = await page.evaluate(async ([address, token]) => {
        for (;;) {
            const response = await fetch(address, { headers: { Authorization: 'Bearer ' + token }, credentials: 'include' });
            const body = await response.json();
            if (body.count || response.status !== 200)
                return body;
        }
    }, [url, kToken]);
    assert.deepEqual(answer.events, [{ event_id: 'p1', event_type: 'enrichment.progress' }]);
});
