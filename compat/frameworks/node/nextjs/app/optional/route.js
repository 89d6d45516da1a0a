import { sessionRoute } from "../../lib/app";

export const GET = sessionRoute((session) => ({ userId: session?.getUserId() ?? null }), { sessionRequired: false });
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
