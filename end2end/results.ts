// Where a run leaves what its tests share, and what failed tests say.
import path from "node:path";

export const RESULTS = process.env.E2E_RESULTS ?? path.join(import.meta.dirname, "test-results");
