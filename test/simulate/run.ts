import { parseArgs } from 'node:util'
import { nodeRest, openNodeWorld } from './node.ts'
import { type Outcome, runSeed } from './seed.ts'
import { PROFILES, type Profile } from './weather.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    profile: { type: 'string' },
    /** There is something to buy in every run. */
    market: { type: 'boolean', default: false },
    /** One line for every seed, with a digest of all its choices. */
    verbose: { type: 'boolean', default: false },
  },
})
const [seeds, from] = [Number(values.seeds), Number(values.from)]
const profile = values.profile as Profile | undefined
if (!(seeds > 0) || !(from >= 0) || (profile && !PROFILES.includes(profile))) {
  console.error('usage: npm run simulate -- --seeds N [--from S] [--profile token|unique|none] [--market] [--verbose]')
  process.exit(2)
}

const world = await openNodeWorld()
const outcomes: Outcome[] = []
let violations = 0
for (let seed = from; seed < from + seeds; seed++) {
  const outcome = await runSeed(world, seed, nodeRest, { profile, market: values.market })
  outcomes.push(outcome)
  if (values.verbose) console.error(JSON.stringify(outcome))
  if (outcome.violations.length) {
    violations += outcome.violations.length
    console.error(`seed ${seed} (${outcome.profile}; ${outcome.stories.join(', ')}):`)
    for (const violation of outcome.violations)
      console.error(`  ${values.verbose ? violation : violation.split('\n')[0]}`)
    console.error(
      `  again: npm run simulate -- --seeds 1 --from ${seed}${profile ? ` --profile ${profile}` : ''}${values.market ? ' --market' : ''} --verbose`,
    )
  }
  // Lets the collector and the event loop have their turn.
  if (seed % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
}

const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0)
const clean = outcomes.map(({ cleanMs }) => cleanMs).sort((a, b) => a - b)
console.log(
  JSON.stringify({
    seeds,
    crashes: sum(({ crashes }) => crashes),
    steps: sum(({ steps }) => steps),
    objects: sum(({ objects }) => objects),
    violations,
    orphan_kills: sum(({ orphanKills }) => orphanKills),
    moved: sum(({ moved }) => moved),
    handovers: sum(({ handovers }) => handovers),
    time_to_clean_ms: { median: clean[clean.length >> 1], p99: clean[Math.floor(clean.length * 0.99)] },
  }),
)
process.exit(violations ? 1 : 0)
