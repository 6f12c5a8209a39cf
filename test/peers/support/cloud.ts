import type { Api } from './api.ts'
import type { Broker } from './broker.ts'
import { patience } from './patiently.ts'

type Person = Pick<Api, 'must' | 'projectId'>
export interface People {
  admin: Person
  demo: Person
  broker: Pick<Broker, 'cron'>
}

/** Registers a cloud as an admin does, lets project demo use it, and waits until the broker knows what is there. */
export const addCloud = async (
  { admin, demo, broker }: People,
  cloud: { name: string; credentials: Record<string, string> } & Record<string, unknown>,
): Promise<void> => {
  const made = JSON.stringify(await admin.must('POST', '/broker/v1/clouds', { cloud }))
  for (const [field, secret] of Object.entries(cloud.credentials))
    if (/secret|password/.test(field) && made.includes(secret)) throw new Error('the answer shows the credentials')
  const { check } = await admin.must('POST', `/broker/v1/clouds/${cloud.name}/check`)
  if (!check.reachable) throw new Error(`the cloud is not reachable: ${JSON.stringify(check)}`)
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${cloud.name}`, { mapping: {} })
  await inventory(admin, broker, cloud.name)
}

/** The embedded cloud out, with which every broker begins. */
export const dropSandbox = async ({ admin, demo }: Pick<People, 'admin' | 'demo'>): Promise<void> => {
  await admin.must('DELETE', `/broker/v1/projects/${demo.projectId}/clouds/sandbox`)
  await admin.must('DELETE', '/broker/v1/clouds/sandbox')
}

export const inventory = async (admin: Person, broker: Pick<Broker, 'cron'>, name: string): Promise<void> => {
  for (const isOver = patience(30_000); !isOver(); ) {
    await broker.cron()
    if ((await admin.must('GET', `/broker/v1/clouds/${name}`)).cloud.inventory_at) return
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error(`the inventory of cloud ${name} was not taken within 30 s`)
}
