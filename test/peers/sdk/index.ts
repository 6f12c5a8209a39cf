import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ALT_PASSWORD, type Ground, IMAGE, layGround, PERSONS, type PersonName } from '../suites/ground.ts'
import { type Outcome, tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import type { Report } from '../support/report.ts'
import { knownOf } from './known.ts'
import { openstacksdk, runService, VERSION } from './run.ts'

/** Services that there are, and `cloud`, which is the layer above them all. */
const SERVICES = ['identity', 'image', 'block_storage', 'network', 'compute', 'cloud'] as const

/**
 * The functional tests of openstacksdk, which Ansible, Nodepool and the OpenStack client stand on, unmodified, as two users and
 * an administrator.
 *
 * @param turn null: all of it, and the page is written; else the service whose turn it is
 * @param part services, with commas
 */
export const sdk = async (report: Report, turn: number | null, part?: string): Promise<void> => {
  const asked = SERVICES.filter((name, i) =>
    turn === null ? !part || part.split(',').includes(name) : i === turn % SERVICES.length,
  )
  const python = await openstacksdk()
  const ground = await layGround({ flavors: false })
  try {
    const clouds = join(ground.broker.folder, 'clouds.yaml')
    await writeFile(clouds, cloudsFile(ground))
    const outcomes = new Map<string, Outcome>()
    for (const service of asked) {
      const folder = join(ground.broker.folder, 'sdk', service)
      for (const [test, outcome] of await runService(python, service, folder, clouds)) outcomes.set(test, outcome)
    }
    ground.agreed(report, 'sdk')
    tellOutcomes(report, 'sdk', outcomes, knownOf)
    if (asked.length < SERVICES.length) return
    await writeSuite({
      title: 'openstacksdk',
      about: `[openstacksdk](https://pypi.org/project/openstacksdk/${VERSION}/) ${VERSION}, its functional tests, by \`npm run peers -- sdk\`:`,
      outcomes,
      groupOf: (test) => test.split('.')[0]!,
      knownOf,
    })
  } finally {
    await ground.stop()
  }
}

/** `clouds.yaml`, of which JSON is a part, with the names that DevStack gives. */
const cloudsFile = ({ broker }: Ground): string => {
  const passwords: Record<PersonName, string> = { ...broker.passwords, alt: ALT_PASSWORD }
  const cloud = (who: PersonName, scope: Record<string, string>) => ({
    auth: {
      auth_url: `${broker.url}/identity`,
      username: PERSONS[who].name,
      password: passwords[who],
      user_domain_id: 'default',
      ...scope,
    },
    region_name: 'RegionOne',
    identity_api_version: '3',
  })
  const inProject = (who: PersonName) =>
    cloud(who, { project_name: PERSONS[who].project, project_domain_id: 'default' })
  return JSON.stringify({
    clouds: {
      devstack: inProject('demo'),
      'devstack-alt': inProject('alt'),
      'devstack-admin': inProject('admin'),
      'devstack-system-admin': cloud('admin', { system_scope: 'all' }),
    },
    functional: { image_name: IMAGE, flavor_name: 'm1.tiny' },
  })
}
