// step 3: the SuperTokens APIs
import { middleware } from "supertokens-node/framework/express";
import { route } from "../../../lib/pages";

export default route(async (req, res, next) => {
    await middleware()(req, res, next);
    if (!res.writableEnded) res.status(404);
    return { message: "not found" };
});
