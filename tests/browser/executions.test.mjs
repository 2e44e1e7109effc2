// conf.d/executions.* in Chromium: native EventSource, and a client over fetch() that behaves as the one that Integr8sCode
// generates: it takes a clean end for the end, and comes back, three times at most, after anything else.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startBrowser } from './demo.mjs';
import { startServices } from './services.mjs';

let services, browser, page, runs = 0;

// In the page: `window.follow(path)` starts a client, whose log grows as things happen.
function defineClient() {
    window.follow = (path, delay = 50) => {
        const log = { events: [], errors: 0, statuses: [], ended: false };
        (async () => {
            for (let attempt = 1; attempt <= 3; ++attempt) {
                try {
                    const response = await fetch(path, { headers: { Accept: 'text/event-stream' } });
                    log.statuses.push(response.status);
                    if (!response.ok)
                        throw new Error(`status ${response.status}`);
                    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
                    for (let text = '';;) {
                        const { done, value } = await reader.read();
                        if (done)
                            break;
                        text = (text + value).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
                        const blocks = text.split('\n\n');
                        text = blocks.pop();
                        for (const block of blocks) {
                            const field = (name) => block.match(new RegExp(`^${name}: ?(.*)$`, 'm'))?.[1];
                            if (field('data') !== undefined)
                                log.events.push({ event: field('event') ?? null, id: field('id') ?? null, data: JSON.parse(field('data')) });
                        }
                    }
                    break;
                } catch {
                    ++log.errors;
                    await new Promise((resolve) => setTimeout(resolve, delay * 2 ** (attempt - 1)));
                }
            }
            log.ended = true;
        })();
        return log;
    };
}

const stream = (id) => `/api/v1/events/executions/${id}`;
const lookUp = (id) => `/api/v1/executions/${id}/result`;
const answer = (id, status, body) => services.ask('answer', lookUp(id), status, JSON.stringify(body));
const publish = (id, type, status = null) => services.ask('publish', `sse:exec:${id}`, JSON.stringify(
    { event_type: type, execution_id: id, timestamp: '2026-02-15T10:00:01Z', event_id: 'e1', status, result: null }));

async function newRun() {
    const id = `run-${++runs}`;
    await answer(id, 200, { execution_id: id, status: 'running', stdout: null });
    return id;
}
// Follows `path` under the name `log`, and waits for the first of its events where `opens`.
async function follow(path, opens = true) {
    await page.evaluate((where) => { window.log = window.follow(where); }, path);
    if (opens)
        await seen(1);
}
const seen = (count) => page.waitForFunction((n) => window.log.events.length >= n, count);
const ended = async () => {
    await page.waitForFunction(() => window.log.ended);
    return page.evaluate(() => window.log);
};
const types = (log) => log.events.map(({ data }) => data.event_type);

before(async () => {
    services = await startServices('executions.pl');
    await services.ask('answer', '/', 200, '"a page"');
    browser = await startBrowser();
    await browser.context.addCookies([{ name: 'access_token', value: 'jwt', url: services.address, httpOnly: true, sameSite: 'Strict' }]);
    page = await browser.context.newPage();
    await page.addInitScript(defineClient);
    await page.goto(services.address + '/');
});
after(async () => {
    await browser?.close();
    await services?.stop();
});

test('an execution is followed from its status to its result, and then left alone', async () => {
    const id = await newRun();
    await follow(stream(id));
    await publish(id, 'pod_running', 'running');
    await seen(2);
    await answer(id, 200, { execution_id: id, status: 'completed', stdout: 'µ\r\n' });
    await publish(id, 'result_stored');
    const log = await ended();
    assert.deepEqual(types(log), ['status', 'pod_running', 'result_stored']);
    assert.deepEqual(Object.keys(log.events[0].data), ['event_type', 'execution_id', 'timestamp', 'event_id', 'status', 'result']);
    assert.equal(log.events[2].data.result.stdout, 'µ\r\n');
    assert.ok(log.events.every(({ event, id }) => event === null && id === null), 'bare frames');
    assert.deepEqual([log.errors, log.statuses], [0, [200]], 'it has not come back');
});

test('a reload of nginx is no end: the client comes back, and misses no result', async () => {
    const id = await newRun();
    await follow(stream(id));
    await services.ask('reload');
    await seen(2);
    await answer(id, 200, { execution_id: id, status: 'completed', stdout: '1' });
    await publish(id, 'result_stored');
    const log = await ended();
    assert.deepEqual(types(log), ['status', 'status', 'result_stored']);
    assert.deepEqual([log.errors, log.statuses], [1, [200, 200]]);
});

test('a finished execution gives its result and ends', async () => {
    const id = await newRun();
    await publish(id, 'execution_failed', 'failed');
    await answer(id, 200, { execution_id: id, status: 'failed' });
    // The event may still be on its way: then it comes live.
    await follow(stream(id));
    assert.deepEqual(types(await ended()), ['status', 'execution_failed']);
});

test('native EventSource hears every frame as a message', async () => {
    const id = await newRun();
    await page.evaluate((path) => {
        window.messages = [];
        const source = new EventSource(path);
        source.onmessage = (event) => {
            window.messages.push(JSON.parse(event.data).event_type);
            if (window.messages.at(-1) === 'execution_timeout')
                source.close();
        };
    }, stream(id));
    await page.waitForFunction(() => window.messages.length === 1);
    await publish(id, 'pod.running');
    await publish(id, 'execution_timeout');
    await page.waitForFunction(() => window.messages.length === 3);
    assert.deepEqual(await page.evaluate(() => window.messages), ['status', 'pod.running', 'execution_timeout']);
});

test('a refusal is an error, and three are enough', async () => {
    await answer('bobs', 403, { detail: 'Access denied' });
    await follow(stream('bobs'), false);
    assert.deepEqual((await ended()).statuses, [403, 403, 403]);
});

test('notifications come by their name to whom the cookie says', async () => {
    await services.ask('answer', '/api/v1/auth/me', 200, JSON.stringify({ user_id: 'u1', role: 'user' }));
    await follow('/api/v1/events/notifications/stream', false);
    await page.waitForFunction(() => window.log.statuses.length === 1);
    await services.ask('publish', 'sse:notif:u2', '{"channel":"in_app","subject":"not yours"}');
    await services.ask('publish', 'sse:notif:u1', '{"channel":"in_app","subject":"yours"}');
    await seen(1);
    assert.deepEqual(await page.evaluate(() => window.log.events), [{ event: 'notification', id: null, data: { channel: 'in_app', subject: 'yours' } }]);
});
