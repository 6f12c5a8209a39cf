import type { D1PreparedStatement } from '@cloudflare/workers-types'
import type { Store } from '../../adapters/contract.ts'
import { openDatabase } from '../../db/client.ts'
import type { Host } from '../../functions/context.ts'
import type { memoryConversion } from './conversion/memory.ts'

/** Thrown wherever a process would simply not go on. */
export class Killed extends Error {
  constructor() {
    super('killed')
    this.name = 'Killed'
  }
}

/**
 * A process over the same database and the same cloud that dies at its `dieAt`-th step. A step is a call to the
 * database or to the cloud's state, counted once before and once after its effect; after death nothing takes effect.
 */
export const mortal = (host: Host, dieAt: number) => {
  const life = { steps: 0, dead: false, deferred: [] as (() => Promise<unknown>)[] }
  const tick = () => {
    if (life.dead || ++life.steps === dieAt) {
      life.dead = true
      throw new Killed()
    }
  }
  const around = async <T>(effect: () => Promise<T>): Promise<T> => {
    tick()
    const answer = await effect()
    tick()
    return answer
  }
  const d1 = mortalDatabase(host.d1, around)
  const store: Store = {
    get: (key) => around(() => host.cloudState.get(key)),
    put: (key, value, expected) => around(() => host.cloudState.put(key, value, expected)),
    delete: (...args) => around(() => host.cloudState.delete(...args)),
    list: (...args) => around(() => host.cloudState.list(...args)),
  }
  const mortalHost: Host = {
    ...host,
    d1,
    db: openDatabase(d1),
    cloudState: store,
    conversion: mortalConversion(host.conversion, around),
    defer: (work) => {
      life.deferred.push(work)
    },
  }
  return { host: mortalHost, life }
}

/** What is under way dies with the process; what was made stays. */
const mortalConversion = (conversion: Host['conversion'], around: Around): Host['conversion'] => {
  if ('lacking' in conversion) return conversion
  const { another } = conversion as ReturnType<typeof memoryConversion>
  const own = another()
  return { ...own, make: (job) => around(() => own.make(job)), read: (...asked) => around(() => own.read(...asked)) }
}

const REAL = Symbol('real')
type Around = <T>(effect: () => Promise<T>) => Promise<T>

const mortalDatabase = (d1: D1Database, around: Around): D1Database =>
  new Proxy(d1, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => mortalStatement(target.prepare(sql), around)
      if (name === 'batch')
        return (list: { [REAL]: D1PreparedStatement }[]) => around(() => target.batch(list.map((s) => s[REAL])))
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

const mortalStatement = (statement: D1PreparedStatement, around: Around): D1PreparedStatement =>
  new Proxy(statement, {
    get(target, name) {
      if (name === REAL) return target
      if (name === 'bind') return (...values: unknown[]) => mortalStatement(target.bind(...values), around)
      const method = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => around(() => method.apply(target, args))
    },
  })
