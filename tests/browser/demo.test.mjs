// The demo's page in Chromium: native EventSource and WebSocket against the real nginx, through reloads
// and killed workers. SCREENSHOT=FILE keeps a picture of a run at its half.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { batches, nextRun, openPage, startBrowser, startDemo, waitForBatch, waitForEnd } from './demo.mjs';

const kAllBatches = Array.from({ length: 20 }, (_, i) => i + 1);

let demo, browser, page;

before(async () => {
    demo = await startDemo({ interval: 0.4 });
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    await demo?.stop();
});
beforeEach(async () => {
    page = await openPage(browser.context, demo.address);
});
afterEach(async () => {
    assert.deepEqual(page.errors, [], 'no exception in the page');
    await page.close();
});

// Waits until the connection was lost and is there again.
const reconnected = () => page.waitForFunction(() => {
    const lost = window.states.indexOf('reconnecting');
    return lost >= 0 && window.states.indexOf('open', lost) > lost;
});

test('progress advances over EventSource up to the end of the run', async () => {
    const bom = await nextRun(page);
    assert.equal(await page.textContent('#state'), 'open');
    await waitForBatch(page, bom, 10);
    assert.ok(await page.$eval('#progress', (bar) => bar.value) >= 50);
    assert.match(await page.textContent('#last-id'), /^[0-9a-f]{8}-\d+$/);
    if (process.env.SCREENSHOT)
        await page.screenshot({ path: process.env.SCREENSHOT });

    await waitForEnd(page, bom);
    assert.deepEqual(await batches(page, bom), kAllBatches);
    assert.equal(await page.$eval('#progress', (bar) => bar.value), 100);
    assert.equal(await page.textContent('#percent'), '100 %');
});

test('the page follows one run after the other', async () => {
    const first = await nextRun(page);
    await waitForEnd(page, first);
    const second = await nextRun(page);
    assert.notEqual(second, first);
    await waitForBatch(page, second, 1);
});

test('progress advances over WebSocket up to the end of the run', async () => {
    await page.selectOption('#transport', 'websocket');
    const opened = page.waitForEvent('websocket');
    const bom = await nextRun(page);
    assert.match((await opened).url(), /^ws:.*\/api\/enrichment\/stream\//);
    await waitForEnd(page, bom);
    assert.deepEqual(await batches(page, bom), kAllBatches);
});

test('a run goes on where it was when the transport changes', async () => {
    const bom = await nextRun(page);
    await waitForBatch(page, bom, 5);
    await page.selectOption('#transport', 'websocket');
    await waitForBatch(page, bom, 12);
    await page.selectOption('#transport', 'sse');
    await waitForEnd(page, bom);
    assert.deepEqual(await batches(page, bom), kAllBatches);
});

for (const transport of ['sse', 'websocket']) {
    test(`no batch is missing after a reload of nginx (${transport})`, async () => {
        await page.selectOption('#transport', transport);
        const bom = await nextRun(page);
        await waitForBatch(page, bom, 2);
        process.kill(await demo.nginx(), 'SIGHUP');
        await reconnected();
        await waitForEnd(page, bom);
        assert.deepEqual(await batches(page, bom), kAllBatches);
        assert.deepEqual(await page.$$eval('#notices li', (all) => all.length), 0, 'no gap');
    });

    test(`no batch is missing after a killed worker (${transport})`, async () => {
        await page.selectOption('#transport', transport);
        const bom = await nextRun(page);
        await waitForBatch(page, bom, 3);
        for (const worker of await demo.workers())
            process.kill(worker, 'SIGKILL');
        await reconnected();
        await waitForEnd(page, bom);
        assert.deepEqual(await batches(page, bom), kAllBatches);
    });
}

test('the end of a run ends its stream, and the browser stays away', async () => {
    const bom = await nextRun(page);
    const told = page.evaluate((id) => new Promise((done) => {
        const log = [];
        const source = new EventSource('/api/enrichment/stream/' + id);
        for (const name of ['connected', 'enrichment.completed', 'stream_end'])
            source.addEventListener(name, () => log.push(name));
        source.onerror = () => {
            log.push(source.readyState === EventSource.CLOSED ? 'closed' : 'reconnecting');
            if (source.readyState === EventSource.CLOSED)
                done(log);
        };
    }), bom);
    assert.deepEqual(await told, ['connected', 'enrichment.completed', 'stream_end', 'reconnecting', 'closed']);
});

test('a run can be polled, beside its stream and in the same form', async () => {
    const bom = await nextRun(page);
    await waitForEnd(page, bom);
    const [poll, again, newest] = await page.evaluate(async (id) => {
        const path = '/api/enrichment/events/' + id;
        const first = await fetch(path + '?limit=1000', { cache: 'no-store' });
        const second = await fetch(path + '?limit=1000',
            { cache: 'no-store', headers: { 'If-None-Match': first.headers.get('ETag') } });
        return [await first.json(), second.status, await (await fetch(path + '?limit=1')).json()];
    }, bom);
    assert.equal(poll.count, 22);  // its start, twenty batches, its end
    assert.equal(poll.events.at(0).event_type, 'enrichment.started');
    assert.equal(poll.events.at(-1).event_type, 'enrichment.completed');
    assert.equal(again, 304, 'a poll that brings nothing new costs nothing');
    assert.deepEqual(newest.events, [poll.events.at(-1)]);
});

test('a run can be chosen by its id', async () => {
    await page.fill('#bom', 'of-my-own');
    await page.press('#bom', 'Enter');
    await page.waitForSelector('#events li[data-bom="of-my-own"][data-event="connected"]', { state: 'attached' });
    assert.equal(await page.isChecked('#follow'), false);
});

test('an error that the server sends is not taken for a lost connection', async () => {
    await page.route('**/api/enrichment/stream/broken', (route) => route.fulfill({
        contentType: 'text/event-stream',
        body: 'retry: 60000\n\nevent: error\ndata: {"type":"error","message":"Redis connection error"}\n\n',
    }));
    await page.fill('#bom', 'broken');
    await page.press('#bom', 'Enter');
    await page.waitForSelector('#events li[data-bom="broken"][data-event="error"]', { state: 'attached' });
    assert.equal(await page.textContent('#notices li[data-kind=error]'), 'Redis connection error');
    assert.equal((await page.$$('#events li[data-event=error]')).length, 1);
});

test('a gap is told', async () => {
    await page.route('**/api/enrichment/stream/gappy', (route) => route.fulfill({
        contentType: 'text/event-stream',
        body: 'retry: 60000\n\nevent: gap\n'
            + 'data: {"type":"gap","reason":"evicted","from":"00000001-1","to":"00000001-9"}\n\n',
    }));
    await page.fill('#bom', 'gappy');
    await page.press('#bom', 'Enter');
    await page.waitForSelector('#notices li[data-kind=gap]');
    assert.match(await page.textContent('#notices li[data-kind=gap]'), /evicted.*00000001-1.*00000001-9/);
});

test('the list of events is bounded', async () => {
    await page.evaluate(() => {
        for (let n = 0; n < 300; ++n)
            addEvent('progress', `{"n":${n}}`, '', null);
    });
    assert.equal(await page.$$eval('#events li', (all) => all.length), 200);
});
