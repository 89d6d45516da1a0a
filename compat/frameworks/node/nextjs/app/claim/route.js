import { sessionRoute } from "../../lib/app";
import { onlyAdmins } from "../../lib/backend";

export const GET = sessionRoute((session) => ({ userId: session.getUserId() }), { overrideGlobalClaimValidators: onlyAdmins });
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
