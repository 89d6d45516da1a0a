import { BaseRequest, NotInThisPackage, RecipeUserId, SuperTokensError, TypeInput, UserContext } from "./types";

export type { TypeInput as SuperTokensConfig, AppInfo, EmbeddedCore, RecipeListFunction, SuperTokensInfo, UserContext } from "./types";
export { NotInThisPackage, RecipeUserId };

/** Checks all settings at once and throws what is wrong, with what to do. Opens nothing; a second one is passed over. */
export declare function init(config: TypeInput): void;
export declare function getAllCORSHeaders(): string[];
export declare function convertToRecipeUserId(recipeUserId: string): RecipeUserId;
export declare function getRequestFromUserContext(userContext: UserContext | undefined): BaseRequest | undefined;
export declare function isRecipeInitialized(recipeId: string): boolean;
/** Opens the core now and says what is wrong. Not needed: the first call opens it. */
export declare function ready(): Promise<void>;
/**
 * Lets go of the core, so that another `init` counts. Done when what is under way has ended and the core has too; it lives on while a session
 * that was made or changed is still held. For tests.
 */
export declare function close(): Promise<void>;
/** As `close`; only where `NODE_ENV` is `test`. */
export declare function resetForTests(): Promise<void>;

/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getUserCount(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getUsersOldestFirst(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getUsersNewestFirst(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function deleteUser(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function createUserIdMapping(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getUserIdMapping(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function deleteUserIdMapping(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function updateOrDeleteUserIdMappingInfo(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getUser(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function listUsersByAccountInfo(...args: any[]): never;
/** @deprecated Needs supertokens-node: throws `NotInThisPackage`. */
export declare function getAvailableFirstFactors(...args: any[]): never;

export { SuperTokensError as Error };

declare const SuperTokens: {
    init: typeof init;
    Error: typeof SuperTokensError;
    RecipeUserId: typeof RecipeUserId;
    NotInThisPackage: typeof NotInThisPackage;
    getAllCORSHeaders: typeof getAllCORSHeaders;
    convertToRecipeUserId: typeof convertToRecipeUserId;
    getRequestFromUserContext: typeof getRequestFromUserContext;
    isRecipeInitialized: typeof isRecipeInitialized;
    ready: typeof ready;
    close: typeof close;
    resetForTests: typeof resetForTests;
    getUserCount: typeof getUserCount;
    getUsersOldestFirst: typeof getUsersOldestFirst;
    getUsersNewestFirst: typeof getUsersNewestFirst;
    deleteUser: typeof deleteUser;
    createUserIdMapping: typeof createUserIdMapping;
    getUserIdMapping: typeof getUserIdMapping;
    deleteUserIdMapping: typeof deleteUserIdMapping;
    updateOrDeleteUserIdMappingInfo: typeof updateOrDeleteUserIdMappingInfo;
    getUser: typeof getUser;
    listUsersByAccountInfo: typeof listUsersByAccountInfo;
    getAvailableFirstFactors: typeof getAvailableFirstFactors;
};
export default SuperTokens;
