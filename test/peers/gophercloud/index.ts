import { DRAWN_EXTERNAL, type Ground, layGround, NETWORK } from '../suites/ground.ts'
import { IMPORTED_FROM, publicHosts } from '../suites/hosts.ts'
import type { Outcome } from '../suites/outcomes.ts'
import { tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import type { Report } from '../support/report.ts'
import { type As, knownAs } from './known.ts'
import { GOPHERCLOUD, PACKAGES, testsOf } from './packages.ts'
import { runGoTests } from './run.ts'

const LIMIT_MS = 30 * 60_000

/**
 * The acceptance tests of gophercloud, which Terraform's provider and many others stand on, unmodified, as a user and as an
 * administrator, each on a broker of its own.
 *
 * @param turn null: all of it, and the page is written; else the packages whose turn it is, as one of the two
 * @param part as the one of the two alone
 * @param only of the tests, for whoever looks for a fault; undefined: all
 */
export const gophercloud = async (report: Report, turn: number | null, part?: string, only?: RegExp): Promise<void> => {
  const names = PACKAGES.filter((_, i) => turn === null || i % 3 === turn % 3)
  const built = new Map(await inTurn(names, async (name) => [name, await testsOf(name)] as const))
  const people: As[] = turn === null ? ['user', 'admin'] : [turn % 2 ? 'user' : 'admin']
  for (const as of people.filter((each) => !part || part === each)) {
    const outcomes = await runAs(report, as, names, async (name, env) =>
      runGoTests(built.get(name)!, env, LIMIT_MS, (test) => only?.test(test) ?? true),
    )
    const knownOf = knownAs(as)
    tellOutcomes(report, `gophercloud × ${as}`, outcomes, knownOf)
    if (turn === null && !only)
      await writeSuite({
        title: `gophercloud, as ${as === 'admin' ? 'an administrator' : 'a user'}`,
        about: `[gophercloud](https://pkg.go.dev/${GOPHERCLOUD.module}@${GOPHERCLOUD.version}) ${GOPHERCLOUD.version}, its acceptance tests, which its own CI plays as an administrator, by \`npm run peers -- gophercloud\`:`,
        outcomes,
        groupOf: (test) => test.slice(0, test.lastIndexOf(' ')),
        knownOf,
      })
  }
}

const inTurn = async <T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> => {
  const done: U[] = []
  for (const item of items) done.push(await work(item))
  return done
}

/** Tests are named by their package and their own name. */
const runAs = async (
  report: Report,
  as: As,
  names: readonly string[],
  run: (name: string, env: Record<string, string>) => Promise<Map<string, Outcome>>,
): Promise<Map<string, Outcome>> => {
  const ground = await layGround({
    networkOf: as === 'admin' ? 'admin' : 'demo',
    drawn: true,
    settings: { PLIMSOLL_IMPORT_HOSTS: IMPORTED_FROM },
  })
  try {
    const env = await environment(ground, as)
    const outcomes = new Map<string, Outcome>()
    for (const name of names)
      for (const [test, outcome] of await run(name, env))
        outcomes.set(`${name === '.' ? 'openstack' : name} ${test}`, outcome)
    ground.agreed(report, `gophercloud × ${as}`)
    return outcomes
  } finally {
    await ground.stop()
  }
}

/** As gophercloud's own `script/stackenv` sets it; who is an administrator it tells by his name. */
const environment = async (ground: Ground, as: As): Promise<Record<string, string>> => {
  const { broker, admin, demo, ids } = ground
  const [name, person, password] =
    as === 'admin' ? ['admin', admin, broker.passwords.admin] : ['demo', demo, broker.passwords.demo]
  const path = `/network/v2.0/networks?name=${NETWORK}&project_id=${person.projectId}`
  const [network] = (await person.must('GET', path)).networks
  return {
    ...(await publicHosts(ground)),
    OS_AUTH_URL: `${broker.url}/identity/v3`,
    OS_REGION_NAME: 'RegionOne',
    OS_USERNAME: name,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: name,
    OS_TENANT_NAME: name,
    OS_DOMAIN_ID: 'default',
    OS_BRANCH: 'master',
    OS_IMAGE_ID: ids.image,
    OS_FLAVOR_ID: ids.flavor,
    OS_FLAVOR_ID_RESIZE: ids.otherFlavor,
    OS_NETWORK_NAME: NETWORK,
    OS_NETWORK_ID: network.id,
    OS_SUBNET_ID: network.subnets[0],
    OS_POOL_NAME: DRAWN_EXTERNAL,
    OS_EXTGW_ID: ids.external,
  }
}
