import { appendFile } from 'node:fs/promises'
import { has } from '../../support/match.ts'
import { cloudsFile } from '../client.ts'
import { ask, look, refused, type Step, tell } from '../story.ts'

/** What a user writes into clouds.yaml for a program, with what `application credential create` told. */
const known = (cloud: string, auth: Record<string, string>): Step =>
  look(`clouds.yaml knows ${cloud}`, async ({ broker, vars }) => {
    const lines = Object.entries({ auth_url: `${broker.url}/identity/v3`, ...auth }).map(
      ([name, value]) => `      ${name}: ${value.replace(/\{(\w+)\}/g, (_, of) => vars[of]!)}\n`,
    )
    const head = `  ${cloud}:\n    auth_type: v3applicationcredential\n    region_name: RegionOne\n    auth:\n`
    await appendFile(cloudsFile(broker), head + lines.join(''))
  })

const CREATE = 'application credential create'
const FLAVORS = '[{"service": "compute", "method": "GET", "path": "/v2.1/flavors/**"}]'

/** Programs that log in without a password: made, used, limited, and taken away. */
export const credentials: Step[] = [
  ask(
    `${CREATE} --description ci robot`,
    { Name: 'robot', Description: 'ci', Unrestricted: false, Secret: /^\S{40,}$/, 'Project ID': /^[0-9a-f]{32}$/ },
    { robot: 'ID', robot_secret: 'Secret' },
  ),
  known('robot', { application_credential_id: '{robot}', application_credential_secret: '{robot_secret}' }),
  ask('--os-cloud robot token issue', { project_id: /^[0-9a-f]{32}$/ }, { robot_token: 'id' }),
  ask('--os-cloud robot network list', Array.isArray),
  tell('--os-cloud robot network create of-a-robot'),
  tell('--os-cloud robot network delete of-a-robot'),
  refused(`--os-cloud robot ${CREATE} another`, /not allowed for managing additional application credentials/),
  refused(`${CREATE} robot`, /409|Duplicate entry/),

  ask(`${CREATE} --role reader --secret chosen-by-hand --expiration 2099-01-01T00:00:00 reader`, {
    Name: 'reader',
    Secret: 'chosen-by-hand',
    'Expires At': /^2099-01-01T00:00:00/,
  }),
  known('reader', {
    application_credential_name: 'reader',
    username: 'demo',
    user_domain_id: 'default',
    application_credential_secret: 'chosen-by-hand',
  }),
  ask('--os-cloud reader network list', Array.isArray),
  refused('--os-cloud reader network create of-a-reader', /403|disallowed by policy|Policy doesn't allow/),
  refused(`${CREATE} --role admin master`, /unassigned role/),
  refused(`${CREATE} --expiration 2001-01-01T00:00:00 late`, /must not be before now/),

  ask(
    [...CREATE.split(' '), '--access-rules', FLAVORS, 'lister'],
    { Name: 'lister' },
    { lister: 'ID', lister_secret: 'Secret' },
  ),
  known('lister', { application_credential_id: '{lister}', application_credential_secret: '{lister_secret}' }),
  ask('--os-cloud lister flavor list', has({ Name: 'm1.tiny' })),
  refused('--os-cloud lister server list', /requires authentication|401/),
  refused('--os-cloud lister network list', /requires authentication|401/),
  ask('access rule list', has({ Service: 'compute', Method: 'GET', Path: '/v2.1/flavors/**' })),
  look('the rule has an id', async ({ client, vars }) => {
    const { stdout } = await client.say('--os-cloud plimsoll access rule list -f value -c ID'.split(' '))
    vars.rule = stdout.trim()
  }),
  ask('access rule show {rule}', { Service: 'compute', Method: 'GET', Path: '/v2.1/flavors/**' }),
  refused('access rule delete {rule}', /May not delete access rule in use/),

  ask('application credential list', has({ Name: 'robot', Description: 'ci' }, { Name: 'reader' }, { Name: 'lister' })),
  ask('application credential show robot', { ID: '{robot}', Name: 'robot' }),
  tell('application credential delete robot reader lister'),
  ask('application credential list', []),
  tell('access rule delete {rule}'),
  ask('access rule list', []),
  refused('--os-cloud robot token issue', /requires authentication|401/),
  look('the token of a deleted credential changes nothing any more', async ({ broker, vars }) => {
    const { status } = await fetch(`${broker.url}/network/v2.0/networks`, {
      method: 'POST',
      headers: { 'X-Auth-Token': vars.robot_token!, 'Content-Type': 'application/json' },
      body: JSON.stringify({ network: {} }),
    })
    if (status !== 401) throw new Error(`it is answered with ${status}`)
  }),
]
