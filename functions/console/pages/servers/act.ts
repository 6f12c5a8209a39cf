import { ask } from '../../api/ask.ts'

/** One of the actions of a server: `act(server, { pause: null })`; what it answers, null for most. */
export const act = <T>({ id }: { id: string }, body: object): Promise<T> =>
  ask<T>('compute', `/servers/${id}/action`, { method: 'POST', body })
