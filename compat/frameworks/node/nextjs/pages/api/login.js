import { createSession } from "../../lib/backend";
import { route } from "../../lib/pages";

export default route(async (req, res) => {
    const { userId, payload } = req.body;
    const session = await createSession(req, res, userId, payload);
    return { userId, handle: session.getHandle() };
});
