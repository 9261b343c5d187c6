// The program of the second thread of a run.
import { catalog } from "../catalog.ts";
import { serveIntake } from "../runtime/node-intake-worker.ts";

serveIntake(catalog);
