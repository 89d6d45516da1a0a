// Where the applications' e-mails and text messages end: nothing leaves the machine.

import assert from "node:assert/strict";
import { createServer } from "node:http";

const LIMIT = 20_000;

/** Messages for one address each, in the order of their coming. */
export class Messages {
    #kept = new Map();
    #waiting = new Map();

    /** The next message to somebody that nobody has taken yet; waits for it, 20 s at most. */
    async next(to, type) {
        const message = this.#kept.get(to)?.shift() ?? (await this.#arrival(to, type));
        assert.equal(message.type, type, `what was sent to ${to}`);
        return message;
    }

    /** No message is left that nobody asked for. */
    noneLeft() {
        const left = [...this.#kept.values()].flat().map(({ type, to }) => `${type} to ${to}`);
        assert.deepEqual(left, [], "messages that nobody asked for");
    }

    #arrival(to, type) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#waiting.delete(to);
                reject(new Error(`no ${type} came to ${to} within ${LIMIT} ms`));
            }, LIMIT);
            this.#waiting.set(to, (message) => {
                clearTimeout(timer);
                this.#waiting.delete(to);
                resolve(message);
            });
        });
    }

    #arrived(message) {
        const taker = this.#waiting.get(message.to);
        if (taker) return taker(message);
        this.#kept.set(message.to, [...(this.#kept.get(message.to) ?? []), message]);
    }

    /** An HTTP server that takes each POST as a message. */
    server() {
        return createServer(async (request, response) => {
            let text = "";
            for await (const part of request) text += part;
            this.#arrived(JSON.parse(text));
            response.writeHead(204).end();
        });
    }
}
