import { openNodeWorld } from './node.ts'
import { runScenario, scenarios } from './scenarios/index.ts'

/** Plays the named scenarios, or all; prints what went wrong in each as one JSON object. */
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(scenarios)
const world = await openNodeWorld()
const found: Record<string, string[]> = {}
for (const name of names)
  found[name] = await runScenario(world, name).catch((error: unknown) => [
    `threw: ${error instanceof Error ? error.stack : String(error)}`,
  ])
console.log(JSON.stringify(found))
process.exit(0)
