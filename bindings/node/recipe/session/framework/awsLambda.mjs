import cjs from "./awsLambda.js";

export const verifySession = cjs.verifySession;
export default cjs;
