import type { D1Database } from '@cloudflare/workers-types'
import type { Store } from '../../adapters/contract.ts'
import type { Binding } from '../../db/queries/line/bindings.ts'
import type { Host } from '../../functions/context.ts'
import { unlikeWished } from './as-wished.ts'
import type { Scene } from './client.ts'
import { stepFaults } from './in-step.ts'
import {
  addressFaults,
  besideFaults,
  burstFaults,
  burstsUnquiet,
  markFaults,
  moneyFaults,
  quotaDrift,
  rowFaults,
} from './invariants.ts'
import type { Auditor } from './market/auditor.ts'
import type { Life } from './scheduler.ts'

/** From the end of the faults every row has to be at rest by then, in simulated time. */
export const BOUND = 20 * 60_000

const TABLES = /\b(quotas|servers|volumes|snapshots|networks|subnets|ports|routers|floating_ips|security_groups)\b/
const WRITES = /^\s*(insert|update|delete)/i
const counted = new Map<string, boolean>()
/** Whether a statement may move a counter, or what it counts. */
const isCounted = (sql: string): boolean => {
  const known = counted.get(sql) ?? (WRITES.test(sql) && TABLES.test(sql))
  counted.set(sql, known)
  return known
}

const BOOKS = /\b(servers|server_moves|refused_offers|projects|clouds|meters|bursts)\b/
const isAudited = (sql: string): boolean => isCounted(sql) || (WRITES.test(sql) && BOOKS.test(sql))

/** Errors that are the broker's verdict on the cloud, and not its own defect. */
const VERDICTS = ['too much vanished', 'too many orphans']
/** Of a request that failed with a 5xx; a defect only if that was 500, which the client tells. */
const FAILED = 'request failed'
/** Of a call. A change that was refused for good is not on the cloud, and nobody tries again. */
const REFUSED = 'cloud refused'
const FOR_GOOD = ['definitive', 'denied', 'capacity']

/** Writes down what must not be, as it happens and when everything is at rest. */
export class Judge {
  readonly violations = new Set<string>()
  /** The objects that were made for each token. */
  readonly births = new Map<string, Set<string>>()
  /** Where there is something to buy: who compares the books with what there is. */
  auditor: Auditor | null = null
  readonly #memory: Store
  readonly #d1: D1Database
  readonly #refused = new Set<string>()
  #failure = ''

  constructor(memory: Store, d1: D1Database) {
    this.#memory = memory
    this.#d1 = d1
  }

  readonly fault = (what: string): void => {
    this.violations.add(what)
  }

  /** Of a request. */
  readonly failed = (what: string): void => this.fault(`${what}: ${this.#failure}`)

  readonly log: Host['log'] = (level, message, fields = {}) => {
    const detail = String(fields.stack ?? fields.error ?? '').slice(0, 600)
    if (message === FAILED) this.#failure = detail
    else if (message === REFUSED) {
      if (fields.phase === 'bound' && FOR_GOOD.includes(String(fields.code)))
        this.#refused.add(`${fields.kind} ${fields.resourceId}`)
    } else if (level === 'error' && !VERDICTS.some((verdict) => message.startsWith(verdict)))
      this.fault(`${message}: ${detail}`)
  }

  /** What is looked at behind a commit. */
  readonly behind = (sql: string, life: Life) => {
    const { auditor } = this
    if (!auditor) return isCounted(sql) ? this.#count : null
    return isAudited(sql) ? () => this.#count().then(() => auditor.look(life)) : null
  }

  readonly #count = async (): Promise<void> => {
    for (const fault of await quotaDrift(this.#d1)) this.fault(fault)
    for (const fault of await addressFaults(this.#d1)) this.fault(fault)
    for (const fault of await markFaults(this.#d1)) this.fault(fault)
    for (const fault of await moneyFaults(this.#d1)) this.fault(fault)
    for (const fault of await besideFaults(this.#d1)) this.fault(fault)
    for (const fault of await burstFaults(this.#d1)) this.fault(fault)
  }

  /** Where calls may take longer than any lease (not `strict`), what they left behind is reported, and not held against anybody. */
  async conclude({ world, scheduler, fates, strangers }: Scene, cleanMs: number, strict: boolean): Promise<void> {
    if (!this.auditor && cleanMs > BOUND) this.fault('not at rest in time')
    await this.#count()
    const reported = await this.#ids('select native_id as id from orphans')
    const mayLeak = (id: string) => fates.isOrphan(id) || (!strict && reported.has(id))
    const excused = ({ kind, resourceId, nativeId, error }: Binding) =>
      this.#refused.has(`${kind} ${resourceId}`) || error !== null || scheduler.overdue.has(nativeId!)
    // Where there is something to buy there may be nothing left of it.
    const broken = await this.#ids(
      `select id from servers where cloud_id = '${world.otherId}' and status = 'ERROR' and fault not like '%was deleted%'
        and (${!this.auditor} or fault not like '%No valid host%')`,
    )
    const found = [
      await rowFaults(this.#d1),
      await burstsUnquiet(this.#d1),
      await stepFaults(this.#d1, this.#memory, scheduler.now, mayLeak),
      await fates.faults(this.#d1, this.#memory, scheduler.now),
      await strangers.faults(),
      await unlikeWished(world.context(world.slots[0]!), excused),
      [...broken].map(() => 'a cloud that was away broke a server'),
      strict ? this.#twins() : [],
      (await this.auditor?.faults()) ?? [],
    ]
    for (const fault of found.flat()) this.fault(fault)
  }

  #twins(): string[] {
    return [...this.births].flatMap(([asked, ids]) =>
      ids.size > 1 ? [`${ids.size} objects were made for one token of a ${asked.split(' ')[0]}`] : [],
    )
  }

  async #ids(sql: string): Promise<Set<string>> {
    return new Set((await this.#d1.prepare(sql).all<{ id: string }>()).results.map(({ id }) => id))
  }
}
