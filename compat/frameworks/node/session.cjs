// What the applications share: making a session, which releases of the SDK spell differently, and a claim.
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { PrimitiveClaim } = require("supertokens-node/recipe/session/claims");

// Since release 15 a session belongs to a tenant.
async function createSession(req, res, userId, payload) {
    if (supertokens.convertToRecipeUserId === undefined) return Session.createNewSession(req, res, userId, payload);
    return Session.createNewSession(req, res, "public", supertokens.convertToRecipeUserId(userId), payload);
}

const role = new PrimitiveClaim({ key: "role", fetchValue: () => undefined });

module.exports = { createSession, role };
