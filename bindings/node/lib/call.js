// One call on behalf of the application: the request and response that it belongs to, the user context, and the validators that the
// engine knows by their places in a list.
"use strict";

const { BaseRequest } = require("./http.js");

// Lazily, as most calls never ask for it. A context that is used for several requests has the last one's.
function withRequest(userContext, request, overwrites) {
    const defaults = (userContext._default ??= {});
    if (typeof defaults !== "object" || (!overwrites && defaults.request !== undefined)) return userContext;
    const set = (request) => Reflect.defineProperty(defaults, "request", { value: request, configurable: true, enumerable: true, writable: true });
    Reflect.defineProperty(defaults, "request", { get: request, set, configurable: true, enumerable: true });
    defaults.keepCacheAlive = true;
    return userContext;
}

class Call {
    #given;
    #context;
    #parts;
    #request;
    #response;
    #overwrites = true;

    // `adapter` knows the framework of `req`, and `answering` that of `res`: one of the two may be wrapped already. All are undefined without
    // a request.
    constructor(state, adapter, answering, req, res, userContext) {
        this.state = state;
        this.adapter = adapter;
        this.answering = answering;
        this.req = req;
        this.res = res;
        this.#given = userContext;
        this.makesSession = false;
        this.options = undefined;
        this.validators = undefined;
        this.made = undefined;
    }

    // The same request with another user context.
    with(userContext) {
        const call = new Call(this.state, this.adapter, this.answering, this.req, this.res, userContext);
        call.#overwrites = false;
        call.#parts = this.#parts;
        call.#request = this.#request;
        call.#response = this.#response;
        return call;
    }

    // What the engine reads of the request: verb, address, six headers. Once, so that a session is found again whatever has become of it.
    parts() {
        return this.req === undefined ? undefined : (this.#parts ??= this.adapter.parts(this.req, this.state));
    }

    get request() {
        return this.req === undefined ? undefined : (this.#request ??= this.req instanceof BaseRequest ? this.req : this.adapter.request(this.req));
    }

    get response() {
        return this.res === undefined ? undefined : (this.#response ??= this.answering.response(this.res));
    }

    get userContext() {
        if (this.#context !== undefined) return this.#context;
        const context = this.#given ?? {};
        return (this.#context = this.req === undefined ? context : withRequest(context, () => this.request, this.#overwrites));
    }

    choices() {
        return this.state.choices(this);
    }

    apply(changes) {
        if (changes !== undefined && changes !== null && this.res !== undefined) this.answering.apply(this.res, changes);
    }

    isSent() {
        return this.answering.isSent(this.res);
    }

    // An answer of the engine's, unless a function of the application has given one.
    send({ status, contentType, body, headers }) {
        this.apply(headers.flat());
        if (!this.isSent()) this.answering.send(this.res, status, contentType, body);
    }

    // Names for validators.
    refer(validators) {
        if (!Array.isArray(validators)) throw new TypeError("a list of claim validators was expected");
        const known = (this.validators ??= []);
        return validators.map((validator) => {
            if (typeof validator?.id !== "string" || typeof validator.validate !== "function") {
                throw new TypeError("a claim validator must have an id and a function validate");
            }
            return String(known.push(validator) - 1);
        });
    }

    validatorsOf(names) {
        return names.map((name) => this.validators[Number(name)]);
    }
}

module.exports = { Call };
