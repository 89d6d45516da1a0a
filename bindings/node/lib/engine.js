// A call to the engine is a row of steps: a checked session (a text), or {kind: 0 done | 1 failed | 2 we are asked | 3 wait}. The
// functions of the application run here, in its own thread and context; nothing of the engine ever calls one.
"use strict";

const { OF_SESSIONS, SessionError, SuperTokensError, hasAnswer } = require("./error.js");
const { RecipeUserId } = require("./recipe-user-id.js");
const native = require("./native.js");

// An error that crosses as itself: by number, until it comes out or its call ends.
let nextNumber = 1;

class Row {
    constructor(call, resolve, reject) {
        Object.assign(this, { call, resolve, reject, id: undefined, kept: undefined, thrown: undefined, waits: false });
    }

    // What the engine is told of an error that one of the application's functions has thrown.
    keep(error) {
        try {
            if (hasAnswer(error)) {
                const { code, message, data } = told(error);
                const text = JSON.stringify({ code, message, data });
                this.thrown = { error, code, message };
                return text;
            }
        } catch {
            // One that cannot be read even so crosses as any other does.
        }
        const number = String(nextNumber++);
        (this.kept ??= new Map()).set(number, error);
        return JSON.stringify({ code: "HOST", message: number });
    }

    failure({ name, value }) {
        const { message, data } = JSON.parse(value);
        if (name === "HOST") return this.kept?.has(message) ? this.kept.get(message) : new Error("a function of the application failed");
        if (name === "SETTINGS" && this.call.originError !== undefined) return this.call.originError.error;
        if (this.thrown?.code === name && this.thrown.message === message) return this.thrown.error;
        return errorOf(name, message, data);
    }
}

// A session error in the engine's words, and no more of it than the engine reads: an application may put anything beside.
function told({ type, message, payload }) {
    return { code: type, message: sound(String(message)), data: dataOf(type, payload) };
}

function dataOf(type, payload) {
    switch (type) {
        case "UNAUTHORISED":
            return { clearTokens: payload?.clearTokens !== false };
        case "TOKEN_THEFT_DETECTED": {
            const { sessionHandle, userId, recipeUserId } = payload ?? {};
            return { sessionHandle: text(sessionHandle), userId: text(userId), recipeUserId: text(recipeUserId?.getAsString?.() ?? recipeUserId) };
        }
        case "INVALID_CLAIMS":
            return Array.isArray(payload) ? payload.map((failure) => ({ id: text(failure?.id), reason: plain(failure?.reason) })) : [];
        default:
            return null;
    }
}

// Halves of characters are no text anywhere else, and are no reason not to log a user out.
const sound = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");
const text = (value) => (typeof value === "string" ? sound(value) : undefined);

// A reason goes to the browser, as far as JSON can say it.
function plain(reason) {
    try {
        // JSON writes halves of characters as escapes, everywhere.
        return JSON.parse(JSON.stringify(reason).replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === "\\\\" ? found : "\ufffd")));
    } catch {
        return undefined;
    }
}

function errorOf(code, message, data) {
    if (OF_SESSIONS.has(code)) {
        const payload = code === "TOKEN_THEFT_DETECTED" ? { ...data, recipeUserId: new RecipeUserId(data.recipeUserId) } : (data ?? undefined);
        return new SessionError({ type: code, message, payload });
    }
    if (code === "BAD_INPUT_ERROR") return new SuperTokensError({ type: code, message });
    // Not as members of the error: frameworks take a `status` for the one to answer with.
    return Object.assign(new Error(message), { code, ...(data ? { details: data } : {}) });
}

class Engine {
    // `callbacks`: what the engine may ask, by name: (input, call, session) => {value?, session?}.
    constructor(settings, callbacks) {
        this.callbacks = callbacks;
        this.rows = new Map();
        // What tells us of steps keeps no process alive; a call that is under way does. One that asks the application does not: what its
        // function waits for, if anything, does.
        this.busy = 0;
        this.isClosed = false;
        this.alive = setInterval(() => {}, 0x7fffffff).unref();
        const { Engine: Native, logLines } = native();
        this.native = new Native(JSON.stringify(settings), (id) => {
            if (id === 0) return write(logLines());
            const row = this.rows.get(id);
            if (row !== undefined) this.go(row, () => this.native.step(id));
        });
    }

    // Done when the calls under way have ended and the core has been let go, unless sessions of it are still held. A function of the
    // application that never answers keeps the core, and nobody waiting.
    close() {
        this.isClosed = true;
        this.closing ??= new Promise((resolve) => {
            this.closed = resolve;
        });
        this.leave();
        return this.closing;
    }

    leave() {
        if (!this.isClosed || this.busy > 0) return;
        if (this.rows.size > 0) return this.closed();
        clearInterval(this.alive);
        this.closed(this.native.close());
    }

    // Begins a function. What ends at once is given at once, everything else as a promise.
    start(name, input, call, session) {
        return this.settle(this.native.start(name, JSON.stringify(input), call.parts(), call.choices(), session), call);
    }

    settle(step, call) {
        if (typeof step === "string") return { checked: step };
        if (step.kind < 2) {
            call.apply(step.changes);
            if (step.kind === 1) throw new Row(call).failure(step);
            return done(step);
        }
        return new Promise((resolve, reject) => this.take(step, new Row(call, resolve, reject)));
    }

    // The next step of a row, wherever it comes from: if it cannot be had, that is the end of the row, and of nothing else.
    go(row, next) {
        let step;
        try {
            step = next();
        } catch (error) {
            return this.end(row, () => row.reject(error), true);
        }
        this.take(step, row);
    }

    take(step, row) {
        try {
            if (typeof step === "string") return this.end(row, () => row.resolve({ checked: step }));
            row.call.apply(step.changes);
            if (step.kind < 2) return this.end(row, () => (step.kind === 1 ? row.reject(row.failure(step)) : row.resolve(done(step))));
        } catch (error) {
            row.id ??= step.id || undefined;
            if (row.id !== undefined) this.rows.set(row.id, row);
            return this.end(row, () => row.reject(error), true);
        }
        if (row.id === undefined) {
            row.id = step.id;
            this.rows.set(step.id, row);
        }
        this.wait(row, step.kind === 3);
        if (step.kind !== 2) return;
        this.leave();
        void this.ask(step, row);
    }

    wait(row, waits) {
        if (row.waits === waits) return;
        row.waits = waits;
        this.busy += waits ? 1 : -1;
        if (waits && this.busy === 1) this.alive.ref();
        if (this.busy === 0) this.alive.unref();
    }

    end(row, tell, forgets = false) {
        if (row.id !== undefined && this.rows.delete(row.id) && forgets) this.native.forget(row.id);
        this.wait(row, false);
        this.leave();
        tell();
    }

    async ask(step, row) {
        let value, session, thrown;
        try {
            const given = await this.callbacks[step.name](JSON.parse(step.value), row.call, step.session ?? undefined);
            session = given?.session;
            value = JSON.stringify(given?.value);
        } catch (error) {
            thrown = row.keep(error);
        }
        this.go(row, () => this.native.resume(row.id, value, session, thrown));
    }
}

const done = ({ value, session }) => ({ value: value === null || value === undefined ? undefined : JSON.parse(value), session: session ?? undefined });

function write(lines) {
    for (let at = 0; at < lines.length; at += 2) {
        const out = lines[at] === "ERROR" ? console.error : lines[at] === "WARN" ? console.warn : console.log;
        out(`com.supertokens {t: "${new Date().toISOString()}", message: ${JSON.stringify(lines[at + 1])}}`);
    }
}

module.exports = { Engine, told };
