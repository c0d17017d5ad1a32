/**
 * Imported before all else. The page forbids building code from text (its content security policy), and the schema
 * library would try it once to see; told beforehand, it does not, and the console stays clean.
 */
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
