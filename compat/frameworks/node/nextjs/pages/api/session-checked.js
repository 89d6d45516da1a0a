import { about } from "../../lib/backend";
import { sessionRoute } from "../../lib/pages";

export default sessionRoute(about, { checkDatabase: true });
