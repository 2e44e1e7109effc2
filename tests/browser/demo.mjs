// What the browser tests stand on: the demo as a child process on ports of its own, and Chromium with a
// profile of its own. Both are gone when the test file ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const kRun = fileURLToPath(new URL('../../demo/run', import.meta.url));
const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const kFlags = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

// Starts demo/run and waits for the address that it prints: { address, nginx(), workers(), publish(), stop() }.
// `env` is added to its environment.
export async function startDemo({ interval, env = {} }) {
    const child = spawn(kRun, ['--port', '0', '--redis-port', '0', '--interval', String(interval)],
        { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const exited = once(child, 'exit');
    let output = '';
    child.stderr.on('data', (text) => output += text);

    const found = {};
    for await (const line of createInterface({ input: child.stdout })) {
        output += line + '\n';
        found.address ??= line.match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0];
        found.directory ??= line.match(/^Logs and configuration: (.*)$/)?.[1];
        if (found.directory)
            break;
    }
    assert.ok(found.address && found.directory, `demo/run did not start:\n${output}`);

    return {
        address: found.address,
        // The pid of nginx' master process.
        async nginx() {
            return Number(await readFile(join(found.directory, 'nginx.pid'), 'utf8'));
        },
        async workers() {
            const pid = await this.nginx();
            const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
            return children.trim().split(/\s+/).map(Number);
        },
        // PUBLISH to the demo's Redis; resolves to the number of its subscribers.
        async publish(channel, data) {
            const toml = await readFile(join(found.directory, 'herald.toml'), 'utf8');
            const socket = connect(Number(toml.match(/redis:\/\/127\.0\.0\.1:(\d+)/)[1]), '127.0.0.1');
            const words = ['PUBLISH', channel, data].map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
            socket.write(`*3\r\n${words.join('')}`);
            const [reply] = await once(socket, 'data');
            socket.destroy();
            assert.match(String(reply), /^:\d+\r\n$/);
            return Number(String(reply).slice(1));
        },
        async stop() {
            child.kill('SIGTERM');
            const [code] = await exited;
            assert.equal(code, 0, `demo/run ended with ${code}:\n${output}`);
        },
    };
}

// A Chromium context that `close` ends together with its profile.
export async function startBrowser() {
    const profile = await mkdtemp(join(tmpdir(), 'herald-browser-'));
    // `headless: false` keeps playwright from adding a --headless of another kind than ours.
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: kChromium, headless: false, args: kFlags,
    });
    return {
        context,
        async close() {
            await context.close();
            await rm(profile, { recursive: true, force: true, maxRetries: 5 });
        },
    };
}

// Opens the demo's page, with every text that #state ever has in `window.states`.
export async function openPage(context, address) {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.errors = [];
    page.on('pageerror', (error) => page.errors.push(error));
    await page.goto(address);
    await page.evaluate(() => {
        const state = document.getElementById('state');
        window.states = [state.textContent];
        new MutationObserver(() => window.states.push(state.textContent))
            .observe(state, { childList: true, characterData: true, subtree: true });
    });
    return page;
}

// Waits until the page shows the start of a run, and returns the run's id.
export async function nextRun(page) {
    const before = await page.$$eval('#events li[data-event="enrichment.started"]', (all) => all.length);
    await page.waitForFunction(
        (n) => document.querySelectorAll('#events li[data-event="enrichment.started"]').length > n, before);
    return page.inputValue('#bom');
}

export function waitForBatch(page, bom, batch) {
    return page.waitForFunction(
        ([b, n]) => [...document.querySelectorAll(`#events li[data-bom="${b}"]`)]
            .some((item) => Number(item.dataset.batch) >= n), [bom, batch]);
}

export function waitForEnd(page, bom) {
    return page.waitForSelector(`#events li[data-bom="${bom}"][data-event="enrichment.completed"]`,
        { state: 'attached' });
}

// The batch numbers that the page shows of a run, in the order of their arrival.
export function batches(page, bom) {
    return page.$$eval(`#events li[data-bom="${bom}"][data-batch]`,
        (items) => items.map((item) => Number(item.dataset.batch)).reverse());
}
