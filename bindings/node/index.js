// supertokens-rs: sessions by the engine of supertokens-rs, under the names of supertokens-node.
"use strict";

const { SuperTokensError } = require("./lib/error.js");
const { NotInThisPackage, refuse } = require("./lib/not-here.js");
const { RecipeUserId } = require("./lib/recipe-user-id.js");
const { Sdk } = require("./lib/sdk.js");
const { current, isThere, set } = require("./lib/state.js");

// Checks all settings at once, and opens nothing: that does the first call. A second one is passed over.
function init(config) {
    if (!isThere()) set(new Sdk(config));
}

const isRecipeInitialized = (recipeId) => current().recipes.includes(recipeId);
const getAllCORSHeaders = () => {
    const { recipes } = current();
    return recipes.includes("session") ? ["rid", "fdi-version", "anti-csrf", "authorization", "st-auth-mode"] : ["rid", "fdi-version"];
};
const convertToRecipeUserId = (recipeUserId) => new RecipeUserId(recipeUserId);
const getRequestFromUserContext = (userContext) => userContext?._default?.request;

// Opens the core now, and says what is wrong.
async function ready() {
    const state = current();
    await state.engine.start("open", {}, state.callOf());
}

// Lets go of the core, so that another `init` counts. Done when what is under way has ended and the core has too; it lives on while a session
// that was made or changed is still held. For tests.
async function close() {
    if (!isThere()) return;
    const state = current();
    set(undefined);
    await state.close();
}

// As `close`, under the name that the official SDKs' tests know.
function resetForTests() {
    if (process.env.NODE_ENV !== "test") throw new Error("resetForTests is for tests: set NODE_ENV to \"test\"");
    return close();
}

const notHere = Object.fromEntries(
    [
        "getUserCount", "getUsersOldestFirst", "getUsersNewestFirst", "deleteUser", "createUserIdMapping", "getUserIdMapping",
        "deleteUserIdMapping", "updateOrDeleteUserIdMappingInfo", "getUser", "listUsersByAccountInfo", "getAvailableFirstFactors",
    ].map((name) => [name, () => refuse(`${name}()`)]),
);

const SuperTokens = {
    init, Error: SuperTokensError, RecipeUserId, getAllCORSHeaders, convertToRecipeUserId, getRequestFromUserContext, isRecipeInitialized, ready,
    close, resetForTests, NotInThisPackage, ...notHere,
};

module.exports = { ...SuperTokens, default: SuperTokens };
Object.defineProperty(module.exports, "__esModule", { value: true });
