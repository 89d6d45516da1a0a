import { CreateJWTResult, OpenIdDiscoveryConfiguration, RecipeListFunction, UserContext } from "../../types";

/** The recipe is always there, and has no setting. */
export declare function init(config?: {}): RecipeListFunction;
export declare function getOpenIdDiscoveryConfiguration(userContext?: UserContext): Promise<OpenIdDiscoveryConfiguration>;
/** Makes a JWT that carries `iss`, unless the payload has one. */
export declare function createJWT(
    payload?: any,
    validitySeconds?: number,
    useStaticSigningKey?: boolean,
    userContext?: UserContext,
): Promise<CreateJWTResult>;

declare const OpenId: {
    init: typeof init;
    getOpenIdDiscoveryConfiguration: typeof getOpenIdDiscoveryConfiguration;
    createJWT: typeof createJWT;
};
export default OpenId;
