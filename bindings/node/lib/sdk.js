// The SDK of one `init`: settings for the engine, calls on behalf of frameworks, checks of sessions.
"use strict";

const { Call } = require("./call.js");
const { Engine, told } = require("./engine.js");
const { hasAnswer } = require("./error.js");
const { isLater } = require("./later.js");
const { NotInThisPackage } = require("./not-here.js");
const { SessionFunctions } = require("./recipe.js");
const { SessionContainer } = require("./session.js");

const FRAMEWORKS = ["express", "fastify", "hapi", "loopback", "koa", "awsLambda", "custom"];
const RECIPE = Symbol.for("supertokens-rs.recipe");
const HANDLERS = ["onUnauthorised", "onTryRefreshToken", "onTokenTheftDetected", "onInvalidClaim", "onClearDuplicateSessionCookies"];
// How the paths of the SDK's endpoints end: a request without any of these is the application's, and need not cross.
const ENDS = ["refresh", "signout", "jwks.json", "openid-configuration"];

// A recipe for the list of `init`.
const recipe = (id, config) => {
    const listed = () => {
        throw new Error(`the recipe ${id} is for the recipeList of supertokens-rs's init`);
    };
    listed[RECIPE] = { id, config };
    return listed;
};

function recipesOf(list) {
    if (!Array.isArray(list) || list.length === 0) {
        throw new Error("Please provide at least one recipe to the supertokens.init function call");
    }
    const found = {};
    for (const listed of list) {
        const known = listed?.[RECIPE];
        if (known === undefined) throw new NotInThisPackage("a recipe of another package in recipeList");
        if (found[known.id] !== undefined) throw new Error(`the ${known.id} recipe has already been initialised: list it once`);
        found[known.id] = known.config;
    }
    return found;
}

const isFunction = (value, name) => {
    if (value === undefined || value === null) return false;
    if (typeof value === "function") return true;
    throw new Error(`${name} must be a function`);
};

const embedded = (core) => {
    if (core === undefined || core === null) return undefined;
    if (typeof core === "string") return { database: core };
    if (typeof core === "object") return core;
    throw new Error("supertokens.embedded must be the address of a database (sqlite:PATH or postgresql://…), or an object with one");
};

function settingsOf(config, found, session) {
    const { origin, ...appInfo } = config.appInfo ?? {};
    const { networkInterceptor, embedded: core, ...supertokens } = config.supertokens ?? {};
    const { override, errorHandlers = {}, getTokenTransferMethod, getCookieNameForTokenType, getResponseHeaderNameForTokenType, ...plain } =
        found.session ?? {};
    for (const [name, handler] of Object.entries(errorHandlers)) {
        if (!HANDLERS.includes(name)) throw new Error(`Session.init: errorHandlers.${name} is no handler: there are ${HANDLERS.join(", ")}`);
        isFunction(handler, `errorHandlers.${name}`);
    }
    return {
        appInfo: isOrigin(origin) ? { ...appInfo, originIsAFunction: true } : { ...appInfo, origin },
        core: config.supertokens && {
            ...supertokens,
            embedded: embedded(core),
            networkInterceptor: isFunction(networkInterceptor, "supertokens.networkInterceptor"),
        },
        session: found.session && {
            ...plain,
            errorHandlers: HANDLERS.filter((name) => errorHandlers[name] !== undefined),
            choosesTransfer: isFunction(getTokenTransferMethod, "getTokenTransferMethod"),
            choosesCookieNames: isFunction(getCookieNameForTokenType, "getCookieNameForTokenType"),
            choosesHeaderNames: isFunction(getResponseHeaderNameForTokenType, "getResponseHeaderNameForTokenType"),
        },
        jwt: found.jwt,
        overrides: session?.overridden ?? [],
        disabled: session?.disabled ?? [],
        debug: config.debug === true || isNamed(process.env.DEBUG),
    };
}

// As the package `debug` reads it: names with stars, those with a hyphen in front are not meant.
function isNamed(names) {
    const fits = (name) => new RegExp(`^${name.split("*").map((part) => part.replace(/[^\w:]/g, "\\$&")).join(".*")}$`).test("com.supertokens");
    const all = (names ?? "").split(/[\s,]+/).filter(Boolean);
    return all.some((name) => !name.startsWith("-") && fits(name)) && !all.some((name) => name.startsWith("-") && fits(name.slice(1)));
}

const isOrigin = (origin) => typeof origin === "function";

class Sdk {
    constructor(config) {
        if (typeof config !== "object" || config === null) throw new Error("supertokens.init needs a configuration");
        const framework = config.framework ?? "express";
        if (!FRAMEWORKS.includes(framework)) throw new Error(`framework must be one of ${FRAMEWORKS.join(", ")}`);
        if (config.experimental !== undefined) throw new NotInThisPackage("experimental");
        if (typeof config.appInfo !== "object" || config.appInfo === null) throw new Error("supertokens.init needs appInfo");
        this.config = config;
        this.framework = framework;
        this.isInServerlessEnv = config.isInServerlessEnv === true;
        const found = recipesOf(config.recipeList);
        this.recipes = Object.keys(found);
        this.session = found.session ?? {};
        this.functions = new SessionFunctions(this, this.session);
        this.chooses = {
            origin: isOrigin(config.appInfo.origin) ? config.appInfo.origin.bind(config.appInfo) : undefined,
            transfer: this.session.getTokenTransferMethod?.bind(this.session),
            cookies: this.session.getCookieNameForTokenType?.bind(this.session),
            headers: this.session.getResponseHeaderNameForTokenType?.bind(this.session),
        };
        this.hasChoices = Object.values(this.chooses).some((choice) => choice !== undefined);
        this.engine = new Engine(settingsOf(config, found, found.session && this.functions), {
            ...this.functions.callbacks(),
            networkInterceptor: async (request, call) => ({ value: await config.supertokens.networkInterceptor(request, call.userContext) }),
        });
        this.adapters = require("./adapters.js");
    }

    // A call for a request of the framework, or of one that the application has wrapped; or for none.
    callOf(req, res, userContext, adapter) {
        if (req === undefined || req === null) return new Call(this, undefined, undefined, undefined, undefined, userContext);
        const own = adapter ?? this.adapters[this.framework];
        const of = (one) => (one?.wrapperUsed === true ? this.adapters.wrapped : own);
        return new Call(this, of(req), of(res), req, res ?? undefined, userContext);
    }

    // Answers of functions that the engine cannot wait for where it needs them.
    choices(call) {
        if (!this.hasChoices) return undefined;
        const { origin, transfer, cookies, headers } = this.chooses;
        const { request, userContext } = call;
        const chosen = {};
        if (origin !== undefined) {
            // Most calls have no use for it: what is wrong with it is said by those that do.
            try {
                chosen.origin = text(origin({ request: request ?? userContext?._default?.request, userContext }), "appInfo.origin");
            } catch (error) {
                call.originError = { error };
            }
        }
        if (request === undefined) return JSON.stringify(chosen);
        if (transfer !== undefined) {
            const of = (forCreateNewSession) => oneOf(transfer({ req: request, forCreateNewSession, userContext }));
            chosen.transfer = { existing: of(false), ...(call.makesSession ? { new: of(true) } : {}) };
        }
        const both = (name, what) => ({
            access: text(name(request, "access", userContext), what),
            refresh: text(name(request, "refresh", userContext), what),
        });
        if (cookies !== undefined) chosen.cookies = both(cookies, "getCookieNameForTokenType");
        if (headers !== undefined) chosen.headers = both(headers, "getResponseHeaderNameForTokenType");
        return JSON.stringify(chosen);
    }

    // What the access token's cookie is called, for who has a request without its headers.
    cookieNames(request) {
        const name = this.chooses.cookies;
        if (name === undefined) return ["sAccessToken", "sRefreshToken", "sIdRefreshToken"];
        return [name(request, "access", {}), name(request, "refresh", {}), "sIdRefreshToken"];
    }

    flagsOf(options) {
        if (options === undefined || options === null) return 0;
        return (
            (options.sessionRequired === false ? 1 : 0) |
            (options.checkDatabase === true ? 2 : 0) |
            (options.antiCsrfCheck === true ? 4 : options.antiCsrfCheck === false ? 8 : 0) |
            (options.overrideGlobalClaimValidators !== undefined ? 16 : 0)
        );
    }

    // A session, undefined, or a promise of either where something has to be waited for.
    verify(call, options, flags) {
        call.options = options ?? undefined;
        const p = call.parts();
        if (p === undefined) throw new TypeError("getSession needs a request: for a token alone there is getSessionWithoutRequestResponse");
        const step = this.engine.native.verify(flags, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], call.choices());
        if (typeof step === "string") return new SessionContainer(call, { checked: step });
        const found = this.engine.settle(step, call);
        return isLater(found) ? found.then((found) => SessionContainer.of(call, found)) : SessionContainer.of(call, found);
    }

    // The check of a route, which an application may override for all routes.
    verifyRoute(call, options, flags) {
        const { functions } = this;
        if (!functions.verifies) return this.verify(call, options, flags);
        const input = { verifySessionOptions: options, options: functions.optionsOf(call), userContext: call.userContext };
        return functions.apis.verifySession(input);
    }

    mayBeOurs(url) {
        return ENDS.some((end) => url.includes(end));
    }

    // Answers a request for one of our endpoints. False: it is the application's.
    async handle(call) {
        const { value } = await this.engine.start("handle", {}, call);
        if (value === undefined) return false;
        call.send(value);
        return true;
    }

    // Answers an error of ours; any other is thrown again.
    async refuse(error, call) {
        if (!hasAnswer(error)) throw error;
        const { value } = await this.engine.start("errorResponse", told(error), call);
        call.send(value);
    }

    close() {
        this.engine.close();
    }
}

function text(value, name) {
    if (typeof value === "string") return value;
    throw new TypeError(`${name} must give a string, and not later`);
}

function oneOf(method) {
    if (["any", "cookie", "header"].includes(method)) return method;
    throw new TypeError('getTokenTransferMethod must give "any", "cookie" or "header", and not later');
}

module.exports = { Sdk, recipe };
