import cjs from "./fastify.js";

export const verifySession = cjs.verifySession;
export default cjs;
