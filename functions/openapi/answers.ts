import { table } from '../../adapters/table.ts'
import type { Service } from '../http/service.ts'
import type { Shape } from './shapes.ts'

/** What the operations of one prefix answer. */
export interface Answers {
  /** What stands at several places, by the name that it is referred to with. */
  shapes: Record<string, Shape>
  /** By operation and status: the shape of the body; null: no body; `=text/plain`: bytes of that type. */
  answers: Record<string, Record<string, Shape | null>>
  /** By operation: the statuses of refusals that it has beside those that all have. */
  refusals: Record<string, number[]>
}

/** Brought in when a document is asked for: no other request needs them. */
const files = table<() => Promise<{ default: unknown }>>({
  '/broker': () => import('./answers/broker.json', { with: { type: 'json' } }),
  '/compute': () => import('./answers/compute.json', { with: { type: 'json' } }),
  '/compute/v2.1': () => import('./answers/compute-v2.1.json', { with: { type: 'json' } }),
  '/identity': () => import('./answers/identity.json', { with: { type: 'json' } }),
  '/image': () => import('./answers/image.json', { with: { type: 'json' } }),
  '/network': () => import('./answers/network.json', { with: { type: 'json' } }),
  '/placement': () => import('./answers/placement.json', { with: { type: 'json' } }),
  '/volume': () => import('./answers/volume.json', { with: { type: 'json' } }),
})

const NONE: Answers = { shapes: {}, answers: {}, refusals: {} }

/** What is written down of a service's answers; nothing of a service that nobody has looked at. */
export const answersOf = async ({ prefix }: Pick<Service, 'prefix'>): Promise<Answers> =>
  ((await files[prefix]?.())?.default as Answers | undefined) ?? NONE

/** Cinder has its routes twice, and one answer to both. */
export const answerName = (operation: string): string => operation.replace(/_without_project$/, '')
