import { onlyAdmins } from "../../lib/backend";
import { sessionRoute } from "../../lib/pages";

export default sessionRoute((session) => ({ userId: session.getUserId() }), { overrideGlobalClaimValidators: onlyAdmins });
