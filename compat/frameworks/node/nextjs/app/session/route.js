import { preflight, sessionRoute } from "../../lib/app";
import { about } from "../../lib/backend";

export const GET = sessionRoute(about);
export { preflight as OPTIONS };
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
