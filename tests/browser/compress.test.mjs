// herald_compress in Chromium: EventSource reads gzip, and WebSocket permessage-deflate, as it flows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startBrowser } from './demo.mjs';
import { startServices } from './services.mjs';

const kText = 'an item of many that are alike, '.repeat(100);

let services, browser, page;

before(async () => {
    services = await startServices('compress.pl');
    browser = await startBrowser();
    page = await browser.context.newPage();
    await page.goto(services.address + '/');
});
after(async () => {
    await browser?.close();
    await services?.stop();
});

const seen = (wanted) => page.waitForFunction(
    (n) => window.log.find((event) => event.n === n), wanted, { polling: 20 });
const publish = (event) => services.ask('publish', 'x:1', JSON.stringify(event));
// A header of the response to what `start` asks for, in the browser's own words.
async function responseHeader(start, event, header) {
    const client = await page.context().newCDPSession(page);
    await client.send('Network.enable');
    const received = new Promise((resolve) => client.on(event, ({ response }) => {
        if (response.url?.endsWith('/events') ?? true) // a handshake's has none
            resolve(response.headers);
    }));
    await start();
    const headers = await received;
    await client.detach();
    return Object.entries(headers).find(([name]) => name.toLowerCase() === header)?.[1];
}

test('EventSource reads gzip as it flows', async () => {
    const coding = await responseHeader(() => page.evaluate(() => {
        window.log = [];
        window.errors = 0;
        const source = new EventSource('/events');
        source.onmessage = ({ data }) => window.log.push(JSON.parse(data));
        source.addEventListener('hello', source.onmessage);
        source.onerror = () => { ++window.errors; };
    }), 'Network.responseReceived', 'content-encoding');
    assert.equal(coding, 'gzip');
    await seen(0);
    for (let n = 1; n <= 5; ++n) {
        await publish({ n, text: kText });
        await seen(n);
    }
    const log = await page.evaluate(() => window.log);
    assert.equal(log.find(({ n }) => n === 3).text, kText);
    await page.waitForFunction(() => window.log.at(-1).beat);
    assert.equal(await page.evaluate(() => window.errors), 0);
});

test('WebSocket reads permessage-deflate', async () => {
    const extensions = await responseHeader(() => page.evaluate(() => {
        window.log = [];
        window.socket = new WebSocket(`ws://${location.host}/events`);
        window.ending = new Promise((resolve) => { window.socket.onclose = ({ code }) => resolve(code); });
        window.socket.onmessage = ({ data }) => window.log.push(JSON.parse(data));
    }), 'Network.webSocketHandshakeResponseReceived', 'sec-websocket-extensions');
    assert.match(extensions, /^permessage-deflate/);
    await seen(0);
    for (let n = 11; n <= 15; ++n) {
        await publish({ n, text: kText });
        await seen(n);
    }
    await page.evaluate((text) => window.socket.send(text), kText);    // compressed, by the browser
    await publish({ n: 16 });
    await seen(16);
    await publish({ type: 'end' });
    assert.equal(await page.evaluate(() => window.ending), 1000);
});
