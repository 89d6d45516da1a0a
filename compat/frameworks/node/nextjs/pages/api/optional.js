import { sessionRoute } from "../../lib/pages";

export default sessionRoute((session) => ({ userId: session?.getUserId() ?? null }), { sessionRequired: false });
