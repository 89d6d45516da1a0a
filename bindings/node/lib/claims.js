// Claims and their validators (sdk-session.md 8): the one set of rules that a package has by itself, because an application may call
// each part of it, replace it and extend it.
"use strict";

class SessionClaim {
    constructor(key) {
        if (typeof key !== "string") throw new TypeError("a claim's key must be a string");
        this.key = key;
    }

    async build(userId, recipeUserId, tenantId, currentPayload, userContext) {
        const value = await this.fetchValue(userId, recipeUserId, tenantId, currentPayload, userContext);
        return value === undefined ? {} : this.addToPayload_internal({}, value, userContext);
    }
}

// A value with the time at which it was found out, in ms since 1970.
class TimedClaim extends SessionClaim {
    constructor({ key, fetchValue, defaultMaxAgeInSeconds }) {
        super(key);
        if (typeof fetchValue !== "function") throw new TypeError(`the claim ${key} needs a function fetchValue`);
        this.fetchValue = fetchValue;
        this.defaultMaxAgeInSeconds = defaultMaxAgeInSeconds;
    }

    addToPayload_internal(payload, value) {
        return { ...payload, [this.key]: { v: value, t: Date.now() } };
    }
    removeFromPayloadByMerge_internal(payload) {
        return { ...payload, [this.key]: null };
    }
    removeFromPayload(payload) {
        const { [this.key]: _, ...rest } = payload;
        return rest;
    }
    getValueFromPayload(payload) {
        return payload[this.key]?.v ?? undefined;
    }
    getLastRefetchTime(payload) {
        return payload[this.key]?.t ?? undefined;
    }

    // `fits(value)` is the test; `absent` and `wrong` describe what was expected in the words of the website's validators.
    _validator(id, maxAgeInSeconds, fits, absent, wrong = absent) {
        const maxAge = maxAgeInSeconds ?? this.defaultMaxAgeInSeconds;
        const value = (payload, context) => this.getValueFromPayload(payload, context);
        const age = (payload, context) => (Date.now() - this.getLastRefetchTime(payload, context)) / 1000;
        return {
            id: id ?? this.key,
            claim: this,
            shouldRefetch: (payload, context) =>
                value(payload, context) === undefined || (maxAge !== undefined && !(age(payload, context) <= maxAge)),
            validate: async (payload, context) => {
                const found = value(payload, context);
                if (found === undefined) return { isValid: false, reason: { message: "value does not exist", ...absent } };
                const ageInSeconds = age(payload, context);
                // A time that is no number is too long ago.
                if (maxAge !== undefined && !(ageInSeconds <= maxAge)) {
                    return { isValid: false, reason: { message: "expired", ageInSeconds, maxAgeInSeconds: maxAge } };
                }
                return fits(found) ? { isValid: true } : { isValid: false, reason: { message: "wrong value", ...wrong, actualValue: found } };
            },
        };
    }
}

class PrimitiveClaim extends TimedClaim {
    constructor(config) {
        super(config);
        this.validators = {
            hasValue: (val, maxAgeInSeconds, id) => this._validator(id, maxAgeInSeconds, (value) => value === val, { expectedValue: val }),
        };
    }
}

class BooleanClaim extends PrimitiveClaim {
    constructor(config) {
        super(config);
        const { hasValue } = this.validators;
        this.validators = {
            ...this.validators,
            isTrue: (maxAge, id) => hasValue(true, maxAge, id),
            isFalse: (maxAge, id) => hasValue(false, maxAge, id),
        };
    }
}

// What is no list includes nothing, and excludes nothing either.
const inside = (value, test) => Array.isArray(value) && test(value);

class PrimitiveArrayClaim extends TimedClaim {
    constructor(config) {
        super(config);
        const validator = (...parts) => this._validator(...parts);
        this.validators = {
            includes: (val, maxAge, id) => validator(id, maxAge, (v) => inside(v, (v) => v.includes(val)), { expectedToInclude: val }),
            excludes: (val, maxAge, id) => validator(id, maxAge, (v) => inside(v, (v) => !v.includes(val)), { expectedToNotInclude: val }),
            includesAll: (val, maxAge, id) =>
                validator(id, maxAge, (v) => inside(v, (v) => val.every((one) => v.includes(one))), { expectedToInclude: val }),
            includesAny: (val, maxAge, id) =>
                validator(id, maxAge, (v) => inside(v, (v) => val.some((one) => v.includes(one))), { expectedToIncludeAtLeastOneOf: val }),
            excludesAll: (val, maxAge, id) =>
                validator(id, maxAge, (v) => inside(v, (v) => val.every((one) => !v.includes(one))), { expectedToNotInclude: val }),
        };
    }
}

// Judges a payload. Values that a validator finds absent or too old are fetched before anything is judged.
async function validateClaims({ userId, recipeUserId, accessTokenPayload, claimValidators, userContext }) {
    const before = JSON.stringify(accessTokenPayload);
    let payload = accessTokenPayload;
    for (const validator of claimValidators) {
        const { claim } = validator;
        if (claim === undefined || !(await validator.shouldRefetch(payload, userContext))) continue;
        const value = await claim.fetchValue(userId, recipeUserId, payload.tId ?? "public", payload, userContext);
        payload = value === undefined ? claim.removeFromPayload(payload, userContext) : claim.addToPayload_internal(payload, value, userContext);
    }
    const invalidClaims = [];
    for (const validator of claimValidators) {
        const result = await validator.validate(payload, userContext);
        if (result?.isValid !== true) invalidClaims.push({ id: validator.id, reason: result?.reason });
    }
    return { invalidClaims, accessTokenPayloadUpdate: JSON.stringify(payload) === before ? undefined : payload };
}

// The members that changed; null for those that went.
function difference(before, after) {
    const update = {};
    for (const [name, value] of Object.entries(after)) {
        if (JSON.stringify(before[name]) !== JSON.stringify(value)) update[name] = value;
    }
    for (const name of Object.keys(before)) if (!(name in after)) update[name] = null;
    return update;
}

module.exports = { SessionClaim, PrimitiveClaim, PrimitiveArrayClaim, BooleanClaim, validateClaims, difference };
