import { NotHere } from "../../types";

declare const recipe: NotHere;
export default recipe;
