import { FetchValue, JSONPrimitive, SessionClaim, SessionClaimValidator, UserContext } from "../../types";

export { SessionClaim } from "../../types";
export type { SessionClaimValidator } from "../../types";

/** A claim with one value. Where `fetchValue` finds none, the session has none either. */
export declare class PrimitiveClaim<T extends JSONPrimitive> extends SessionClaim<T> {
    readonly fetchValue: FetchValue<T>;
    readonly defaultMaxAgeInSeconds: number | undefined;
    constructor(config: { key: string; fetchValue: FetchValue<T>; defaultMaxAgeInSeconds?: number });
    addToPayload_internal(payload: any, value: T, userContext: UserContext): any;
    removeFromPayloadByMerge_internal(payload: any, userContext: UserContext): any;
    removeFromPayload(payload: any, userContext: UserContext): any;
    getValueFromPayload(payload: any, userContext: UserContext): T | undefined;
    /** In ms since 1970. */
    getLastRefetchTime(payload: any, userContext: UserContext): number | undefined;
    validators: {
        hasValue: (val: T, maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
    };
}

/** A claim with a list of values. */
export declare class PrimitiveArrayClaim<T extends JSONPrimitive> extends SessionClaim<T[]> {
    readonly fetchValue: FetchValue<T[]>;
    readonly defaultMaxAgeInSeconds: number | undefined;
    constructor(config: { key: string; fetchValue: FetchValue<T[]>; defaultMaxAgeInSeconds?: number });
    addToPayload_internal(payload: any, value: T[], userContext: UserContext): any;
    removeFromPayloadByMerge_internal(payload: any, userContext: UserContext): any;
    removeFromPayload(payload: any, userContext: UserContext): any;
    getValueFromPayload(payload: any, userContext: UserContext): T[] | undefined;
    /** In ms since 1970. */
    getLastRefetchTime(payload: any, userContext: UserContext): number | undefined;
    validators: {
        includes: (val: T, maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
        excludes: (val: T, maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
        includesAll: (val: T[], maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
        includesAny: (val: T[], maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
        excludesAll: (val: T[], maxAgeInSeconds?: number, id?: string) => SessionClaimValidator;
    };
}

export declare class BooleanClaim extends PrimitiveClaim<boolean> {
    constructor(config: { key: string; fetchValue: FetchValue<boolean>; defaultMaxAgeInSeconds?: number });
    validators: PrimitiveClaim<boolean>["validators"] & {
        isTrue: (maxAge?: number, id?: string) => SessionClaimValidator;
        isFalse: (maxAge?: number, id?: string) => SessionClaimValidator;
    };
}
