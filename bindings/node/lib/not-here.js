// What this package does not have, under the names that applications may know: said where it is called, never on import.
"use strict";

class NotInThisPackage extends Error {
    constructor(what) {
        super(
            `supertokens-rs has sessions, claims and JWTs only. ${what} needs supertokens-node: keep that package for it, with the ` +
                "same connectionURI; sessions of both are the same sessions.",
        );
        this.name = "NotInThisPackage";
        this.type = "NOT_IN_THIS_PACKAGE";
    }
}

const refuse = (what) => {
    throw new NotInThisPackage(what);
};

// A recipe of another name: any member of it can be read, and says what it is when it is called.
const recipe = (name) => {
    const members = new Map();
    const member = (key) => {
        if (!members.has(key)) members.set(key, () => refuse(`${name}.${String(key)}()`));
        return members.get(key);
    };
    const target = Object.defineProperty({}, "__esModule", { value: true });
    const proxy = new Proxy(target, {
        get(_, key) {
            if (key === "__esModule") return true;
            if (key === "default") return proxy;
            // Who waits for it, prints it or inspects it asks for no member.
            return typeof key === "symbol" || key === "then" || key === "toJSON" ? undefined : member(key);
        },
    });
    return proxy;
};

module.exports = { NotInThisPackage, refuse, recipe };
