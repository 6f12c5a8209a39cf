import type { Cloud } from '../../../adapters/contract.ts'
import { ReadOnly } from '../../../adapters/errors.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { lockedClouds } from '../../../db/queries/line/adopt.ts'
import type { Context } from '../../context.ts'

/** Members of realms that only look. All others change something, or may. */
const LOOKS = new Set(['once', 'settleMs', 'recorded', 'find', 'get', 'list', 'read', 'catalog', 'consoleLog'])

/** Whether a cloud is connected to be looked at alone (option `read_only`). */
export const isReadOnly = ({ options }: Pick<CloudRow, 'options'>): boolean => options.read_only === true

const said = (cloudName: string): string => `Cloud ${cloudName} is connected read-only: nothing there is changed.`

/**
 * A cloud that is connected read-only, for all that are handed it: what would change something is there, so that the cloud
 * looks the same, and throws without a call. The database refuses such intents before; this holds if it did not.
 */
export const lookOnly = (cloud: Cloud, name: string): Cloud => {
  const members = Object.entries(cloud).map(([kind, realm]) => [
    kind,
    typeof realm === 'object' ? looking(realm, name) : realm,
  ])
  return { ...Object.fromEntries(members), check: () => cloud.check('looking') }
}

const looking = (realm: object, name: string): object =>
  Object.fromEntries(
    Object.entries(realm).map(([member, value]) => [
      member,
      typeof value === 'function' && !LOOKS.has(member)
        ? async () => Promise.reject(new ReadOnly(said(name)))
        : // A screen comes with a keyboard.
          member === 'remoteConsole'
          ? looking(value, name)
          : value,
    ]),
  )

/**
 * Each of `choices` is where something that is asked for could go, by cloud id. Throws `ReadOnly` if one of them leaves
 * only clouds that are connected read-only.
 */
export const refuseReadOnly = async ({ db }: Context, choices: string[][]): Promise<void> => {
  const locked = await lockedClouds(db)
  for (const choice of choices) {
    const name = choice.length > 0 && choice.every((id) => locked.has(id)) ? locked.get(choice[0]!) : undefined
    if (name !== undefined) throw new ReadOnly(said(name))
  }
}
