import type { Mark, Store } from '../../../adapters/contract.ts'
import type { Entity } from '../../../adapters/sandbox/records/entities.ts'
import type { Stage } from '../stage.ts'

/** A story in which one rule alone keeps things right. Answers what went wrong. */
export type Scenario = (stage: Stage) => Promise<string[]>

export const lost = (method: string) => ({ method, fault: 'lost_answer' as const, count: 1 })

/** The step in which the cloud writes a change of a volume down. */
export const WRITES_VOLUME = /put .*\/objects\/main\/volume/

/** Of a volume, as whoever made it would have. */
export const volumeOf = (mark: Mark | null, id: string, at: number): Entity => ({
  kind: 'volume',
  id,
  name: id,
  mark,
  asked: '',
  zone: 'a',
  createdAt: at,
  readyAt: at,
  fault: null,
  goneAt: null,
  spec: { name: id, sizeGiB: 1, zone: 'a', type: null, source: null },
  type: 'standard',
  hold: null,
})

export const viewOf = (store: Store): Store => ({
  get: (key) => store.get(key),
  put: (...args) => store.put(...args),
  delete: (...args) => store.delete(...args),
  list: (...args) => store.list(...args),
})

/** A new volume that is there. */
export const bound = async (stage: Stage): Promise<string> => {
  const id = await stage.newVolume()
  await stage.settle()
  return id
}
