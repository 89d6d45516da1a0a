import { sessionRoute } from "../../lib/pages";

export default sessionRoute(async (session, req) => {
    await session.mergeIntoAccessTokenPayload(req.body);
    return {};
});
