"use strict";

// The id of a user who logged in, apart from the primary user's, so that one is not taken for the other.
class RecipeUserId {
    constructor(id) {
        if (id === undefined) throw new Error("recipeUserId cannot be undefined. Please check for bugs in code");
        if (typeof id !== "string") throw new TypeError("a recipe user id must be a string");
        this.recipeUserId = id;
        this.getAsString = () => this.recipeUserId;
    }
}

const textOf = (id) => {
    const text = typeof id?.getAsString === "function" ? id.getAsString() : undefined;
    if (typeof text === "string") return text;
    throw new TypeError("recipeUserId must be a RecipeUserId: use supertokens.convertToRecipeUserId(id)");
};

module.exports = { RecipeUserId, textOf };
