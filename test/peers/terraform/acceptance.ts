import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGoTests } from '../gophercloud/run.ts'
import { DRAWN_EXTERNAL, FLAVOR, type Ground, IMAGE, layGround, NETWORK } from '../suites/ground.ts'
import { publicHosts } from '../suites/hosts.ts'
import { tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import type { Report } from '../support/report.ts'
import { type As, knownAs } from './known.ts'
import { acceptanceTests, PROVIDER, type Programs, programs } from './programs.ts'

const LIMIT_MS = 3 * 60 * 60_000
/** Services that there are not, and plugins of Neutron's; those of others the tests leave out by themselves. */
const ELSEWHERE = /^TestAcc(SFS|SharedFilesystem|Workflow|NetworkingV2BGP)/

/**
 * The acceptance tests of Terraform's provider of OpenStack, unmodified, as a user and as an administrator, each on a broker of
 * its own. They take an hour.
 *
 * @param who the one of the two, for whoever looks for a fault; the page is written all the same
 * @param only of the tests; undefined: all, and the page is written
 */
export const acceptance = async (report: Report, who?: As, only?: RegExp): Promise<void> => {
  const [built, tests] = [await programs(), await acceptanceTests()]
  for (const as of (['user', 'admin'] as const).filter((each) => !who || who === each)) {
    const ground = await layGround({ networkOf: as === 'admin' ? 'admin' : 'demo', drawn: true })
    try {
      const env = await environment(ground, as, built)
      const asked = (test: string) => /^TestAcc/.test(test) && !ELSEWHERE.test(test) && (only?.test(test) ?? true)
      const outcomes = await runGoTests(tests, env, LIMIT_MS, asked)
      ground.agreed(report, `terraform acceptance × ${as}`)
      const knownOf = knownAs(as)
      tellOutcomes(report, `terraform acceptance × ${as}`, outcomes, knownOf)
      if (only) continue
      await writeSuite({
        title: `Terraform's provider, as ${as === 'admin' ? 'an administrator' : 'a user'}`,
        about: `[terraform-provider-openstack](https://pkg.go.dev/${PROVIDER.module}@${PROVIDER.version}) ${PROVIDER.version}, its acceptance tests, by \`npm run peers -- terraform --part acceptance\`:`,
        outcomes,
        groupOf: (test) => /^TestAcc(?:OpenStack)?([A-Z][a-z]+)/.exec(test)?.[1]?.toLowerCase() ?? 'others',
        knownOf,
      })
    } finally {
      await ground.stop()
    }
  }
}

/** As the provider's own `scripts/stackenv.sh` sets it; who is an administrator its tests tell by his name. */
const environment = async (ground: Ground, as: As, built: Programs): Promise<Record<string, string>> => {
  const { broker, admin, demo, ids } = ground
  const [name, person, password] =
    as === 'admin' ? ['admin', admin, broker.passwords.admin] : ['demo', demo, broker.passwords.demo]
  const path = `/network/v2.0/networks?name=${NETWORK}&project_id=${person.projectId}`
  const [network] = (await person.must('GET', path)).networks
  const { hypervisors } = await admin.must('GET', '/compute/v2.1/os-hypervisors')
  return {
    TF_ACC: '1',
    TF_ACC_TERRAFORM_PATH: await program(ground, built),
    CHECKPOINT_DISABLE: '1',
    ...built.python.env,
    ...(await publicHosts(ground)),
    OS_AUTH_URL: `${broker.url}/identity/v3`,
    OS_REGION_NAME: 'RegionOne',
    OS_USERNAME: name,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: name,
    OS_TENANT_NAME: name,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IMAGE_ID: ids.image,
    OS_IMAGE_NAME: IMAGE,
    OS_FLAVOR_ID: ids.flavor,
    OS_FLAVOR_NAME: FLAVOR,
    OS_NETWORK_ID: network.id,
    OS_POOL_NAME: DRAWN_EXTERNAL,
    OS_EXTGW_ID: ids.external,
    OS_HYPERVISOR_HOSTNAME: hypervisors[0].hypervisor_hostname,
  }
}

/** Terraform as a program, which is what the tests call. */
const program = async ({ broker }: Ground, { python, script }: Programs): Promise<string> => {
  const folder = join(broker.folder, 'bin')
  const file = join(folder, 'terraform')
  await mkdir(folder, { recursive: true })
  await writeFile(file, `#!/bin/sh\nexec '${python.command}' '${script}' "$@"\n`)
  await chmod(file, 0o755)
  return file
}
