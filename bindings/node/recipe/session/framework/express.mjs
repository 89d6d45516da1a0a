import cjs from "./express.js";

export const verifySession = cjs.verifySession;
export default cjs;
