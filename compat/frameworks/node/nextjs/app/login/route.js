import { preflight, responseRoute } from "../../lib/app";
import { createSession } from "../../lib/backend";

export const POST = responseRoute(async (req, res, request) => {
    const { userId, payload } = await request.json();
    const session = await createSession(req, res, userId, payload);
    return { userId, handle: session.getHandle() };
});
export { preflight as OPTIONS };
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
