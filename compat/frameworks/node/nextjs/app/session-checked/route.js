import { sessionRoute } from "../../lib/app";
import { about } from "../../lib/backend";

export const GET = sessionRoute(about, { checkDatabase: true });
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
