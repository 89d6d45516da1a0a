import { CreateJWTResult, JsonWebKey, RecipeListFunction, UserContext } from "../../types";

export type { JsonWebKey } from "../../types";

/** The recipe is always there; list it to change how long, in s, JWTs are valid whose maker does not say. */
export declare function init(config?: { jwtValiditySeconds?: number }): RecipeListFunction;
/** Makes a JWT with this payload. Its `iss` is the API's domain, unless the payload has one. */
export declare function createJWT(
    payload: any,
    validitySeconds?: number,
    useStaticSigningKey?: boolean,
    userContext?: UserContext,
): Promise<CreateJWTResult>;
export declare function getJWKS(userContext?: UserContext): Promise<{ keys: JsonWebKey[]; validityInSeconds?: number }>;

declare const JWT: { init: typeof init; createJWT: typeof createJWT; getJWKS: typeof getJWKS };
export default JWT;
