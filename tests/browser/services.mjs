// The services of a browser test, as a Perl script of this folder starts them (t/lib/Herald/Commands.pm).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));

// { address, ask(...words), stop() }. `ask` resolves with the answer to a command.
export async function startServices(script) {
    const child = spawn('perl', ['-It/lib', `tests/browser/${script}`],
        { cwd: kRoot, stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => {
        const { value, done } = await lines.next();
        assert.ok(!done, `${script} has ended`);
        return value;
    };
    return {
        address: await next(),
        async ask(...words) {
            child.stdin.write(words.join(' ') + '\n');
            return next();
        },
        async stop() {
            child.stdin.end();
            assert.deepEqual(await exited, [0, null]);
        },
    };
}
