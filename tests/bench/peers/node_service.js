// An event service as people write it on Node's own http: one Redis connection subscribes, every client of a channel is
// written to in turn. No history, no ids; a client that does not read is buffered without bound.
//
//     node node_service.js PORT REDIS_PORT
'use strict';

const crypto = require('crypto');
const http = require('http');
const net = require('net');

const [port, redisPort] = process.argv.slice(2).map(Number);
const clients = new Map(); // channel -> Set of {write, websocket}

function join(channel, client, socket) {
    if (!clients.has(channel)) {
        clients.set(channel, new Set());
    }
    clients.get(channel).add(client);
    socket.on('close', () => clients.get(channel).delete(client));
    socket.on('error', () => {});
}

function textFrame(data) {
    const head = data.length < 126 ? Buffer.from([0x81, data.length])
                                   : Buffer.from([0x81, 126, data.length >> 8, data.length & 255]);
    return Buffer.concat([head, data]);
}

function fanOut(channel, data) {
    const members = clients.get(channel);
    if (!members) {
        return;
    }
    const event = Buffer.concat([Buffer.from('data: '), data, Buffer.from('\n\n')]);
    const frame = textFrame(data);
    for (const client of members) {
        client.to.write(client.websocket ? frame : event);
    }
}

const channelOf = (url) => 'bench:' + url.slice(url.lastIndexOf('/') + 1);

const server = http.createServer((request, response) => {
    response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache'});
    response.flushHeaders();
    join(channelOf(request.url), {to: response, websocket: false}, request.socket);
});

server.on('upgrade', (request, socket) => {
    const accept = crypto.createHash('sha1')
        .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.setNoDelay(true);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
                 `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.resume();
    join(channelOf(request.url), {to: socket, websocket: true}, socket);
});

// Takes complete messages out of a subscription's bytes; returns what is left.
function takeMessages(bytes) {
    let done = 0;
    for (;;) {
        const parts = [];
        let at = bytes.indexOf('\r\n', done) + 2; // behind "*4"
        while (at >= 2 && parts.length < 4) {
            const end = bytes.indexOf('\r\n', at);
            if (end < 0) {
                break;
            }
            if (bytes[at] === 0x3a) { // an integer
                parts.push(null);
                at = end + 2;
                continue;
            }
            const size = Number(bytes.latin1Slice(at + 1, end));
            if (bytes.length < end + 2 + size + 2) {
                break;
            }
            parts.push(bytes.subarray(end + 2, end + 2 + size));
            at = end + 2 + size + 2;
        }
        if (parts.length < 4) {
            return bytes.subarray(done);
        }
        done = at;
        fanOut(parts[2].latin1Slice(), parts[3]);
    }
}

const redis = net.connect(redisPort, '127.0.0.1', () => redis.write('PSUBSCRIBE bench:*\r\n'));
let left = null;
redis.on('data', (part) => {
    if (left === null) {
        const end = part.indexOf(':1\r\n'); // the answer to PSUBSCRIBE
        part = part.subarray(end + 4);
        left = Buffer.alloc(0);
    }
    left = takeMessages(left.length === 0 ? part : Buffer.concat([left, part]));
});
redis.on('close', () => process.exit(1));
server.listen(port, '127.0.0.1', 4096);
