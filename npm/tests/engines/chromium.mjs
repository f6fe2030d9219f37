import { testIn } from "./all.mjs";

await testIn("chromium");
