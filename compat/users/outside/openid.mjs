// A small OpenID provider on loopback that stands for Google: its page asks who you are and believes it. It does check what a client
// may get wrong: its id and secret, where it is, a code used twice, the PKCE verifier, a bearer token.

import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

const CLIENT = { id: "users", secret: "the client's secret" };
const KEY_ID = "of-the-stand-in";

const base64url = (value) => Buffer.from(value).toString("base64url");
const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A refusal: an HTTP status and OAuth's word for it. */
class Refused extends Error {
    constructor(status, error) {
        super(error);
        this.status = status;
    }
}
const must = (holds, status, error) => {
    if (!holds) throw new Refused(status, error);
};

export class OpenId {
    #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    #codes = new Map();
    #tokens = new Map();
    #people = new Map();

    constructor(address, website) {
        Object.assign(this, { address, website });
    }

    /** Somebody who has an account here: a subject, an e-mail address and whether the provider has verified it. */
    knows(person) {
        this.#people.set(person.sub, person);
    }

    #discovery() {
        return {
            issuer: this.address,
            authorization_endpoint: `${this.address}/authorize`,
            token_endpoint: `${this.address}/token`,
            userinfo_endpoint: `${this.address}/userinfo`,
            jwks_uri: `${this.address}/jwks`,
            response_types_supported: ["code"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
            code_challenge_methods_supported: ["S256"],
        };
    }

    #jwks() {
        const key = this.#keys.publicKey.export({ format: "jwk" });
        return { keys: [{ ...key, kid: KEY_ID, use: "sig", alg: "RS256" }] };
    }

    #idToken(person, nonce) {
        const now = Math.floor(Date.now() / 1000);
        const { sub, email, email_verified } = person;
        const claims = { iss: this.address, aud: CLIENT.id, sub, email, email_verified, iat: now, exp: now + 300, nonce };
        const signed = `${base64url(JSON.stringify({ alg: "RS256", typ: "JWT", kid: KEY_ID }))}.${base64url(JSON.stringify(claims))}`;
        return `${signed}.${sign("sha256", Buffer.from(signed), this.#keys.privateKey).toString("base64url")}`;
    }

    #checkedAsk(query) {
        must(query.get("client_id") === CLIENT.id, 400, "unknown client");
        must(query.get("response_type") === "code", 400, "unsupported_response_type");
        must(query.get("scope")?.split(" ").includes("openid"), 400, "invalid_scope");
        must(query.get("redirect_uri") === `${this.website}/auth/callback/google`, 400, "redirect_uri mismatch");
        // A client with a secret may do without PKCE, as the one of supertokens-python does.
        must(query.has("code_challenge") === (query.get("code_challenge_method") === "S256"), 400, "code challenge of another method");
    }

    #page(query) {
        this.#checkedAsk(query);
        const choices = [...this.#people.values()].map(
            ({ sub, email }) => `<p><button name="sub" value="${escape(sub)}">${escape(email)}</button></p>`,
        );
        return `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>Choose an account</title>
            <h1>Choose an account</h1><form method="post" action="/authorize?${escape(query.toString())}">${choices.join("")}</form></html>`;
    }

    /** Where the browser goes with the answer. */
    #chosen(query, form) {
        this.#checkedAsk(query);
        const person = this.#people.get(form.get("sub"));
        must(person, 400, "nobody with that name here");
        const code = randomUUID();
        this.#codes.set(code, { person, query });
        const back = new URL(query.get("redirect_uri"));
        back.searchParams.set("code", code);
        if (query.has("state")) back.searchParams.set("state", query.get("state"));
        return back.href;
    }

    #token(form) {
        must(form.get("client_id") === CLIENT.id && form.get("client_secret") === CLIENT.secret, 401, "invalid_client");
        must(form.get("grant_type") === "authorization_code", 400, "unsupported_grant_type");
        const { person, query } = this.#codes.get(form.get("code")) ?? {};
        this.#codes.delete(form.get("code"));
        must(query && form.get("redirect_uri") === query.get("redirect_uri"), 400, "invalid_grant");
        const verifier = form.get("code_verifier");
        const challenge = verifier && createHash("sha256").update(verifier).digest("base64url");
        must(challenge === query.get("code_challenge"), 400, "invalid_grant");
        const token = randomUUID();
        this.#tokens.set(token, person);
        const nonce = query.get("nonce") ?? undefined;
        return { access_token: token, token_type: "Bearer", expires_in: 300, scope: query.get("scope"), id_token: this.#idToken(person, nonce) };
    }

    #userInfo(request) {
        const person = this.#tokens.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
        must(person, 401, "invalid_token");
        return person;
    }

    async #answer(request, response) {
        const { pathname, searchParams } = new URL(request.url, this.address);
        let text = "";
        for await (const part of request) text += part;
        const form = new URLSearchParams(text);
        const json = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
        switch (`${request.method} ${pathname}`) {
            case "GET /.well-known/openid-configuration":
                return json(this.#discovery());
            case "GET /jwks":
                return json(this.#jwks());
            case "GET /authorize":
                return response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(this.#page(searchParams));
            case "POST /authorize":
                return response.writeHead(303, { location: this.#chosen(searchParams, form) }).end();
            case "POST /token":
                return json(this.#token(form));
            case "GET /userinfo":
                return json(this.#userInfo(request));
            default:
                throw new Refused(404, "no such page");
        }
    }

    server() {
        return createServer(async (request, response) => {
            try {
                await this.#answer(request, response);
            } catch (error) {
                if (!(error instanceof Refused)) console.error(error);
                response.writeHead(error.status ?? 500, { "content-type": "application/json" }).end(JSON.stringify({ error: error.message }));
            }
        });
    }
}
