import cjs from "./claims.js";

export const SessionClaim = cjs.SessionClaim;
export const PrimitiveClaim = cjs.PrimitiveClaim;
export const PrimitiveArrayClaim = cjs.PrimitiveArrayClaim;
export const BooleanClaim = cjs.BooleanClaim;
export default cjs;
