import type { Cloud, FloatingIpSeen, Kind, Realm, Seen, ServerSeen, VolumeSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { type AdoptableKind, factsOf, kindsThat } from '../../../db/kinds.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { boundTo } from '../../../db/queries/line/adopt.ts'
import type { Context } from '../../context.ts'

export type { AdoptableKind } from '../../../db/kinds.ts'

const adoptableBy = (order: 'turn' | 'sought'): [AdoptableKind, ...AdoptableKind[]] => {
  const place = (kind: Kind): number => (factsOf(kind).adopted as Record<typeof order, number>)[order]
  const kinds = kindsThat(({ adopted }) => adopted !== null && adopted !== 'by mark')
  return kinds.toSorted((a, b) => place(a) - place(b)) as [AdoptableKind, ...AdoptableKind[]]
}

/** What an operator may want to adopt, in the order in which an id is looked for; what others stand on comes with them. */
export const ADOPTABLE = adoptableBy('sought')

/** The same kinds in the order in which everything on a cloud is adopted. */
export const ADOPTED_IN_TURN = adoptableBy('turn')

export interface Adoptable {
  kind: Kind
  native_id: string
  name: string | null
  zone: string | null
  health: Seen['health']
  [more: string]: unknown
}

/**
 * One page of a kind: objects of the cloud that carry no mark of ours and that no resource stands for; `ids` is the whole
 * page in the cloud's order.
 */
export const adoptablePage = async (
  context: Context,
  row: CloudRow,
  cloud: Cloud,
  kind: AdoptableKind | 'snapshot',
  cursor?: string,
): Promise<{ items: Adoptable[]; ids: string[]; next: string | undefined; complete: boolean }> => {
  const realm = cloud[kind] as Realm<unknown> | undefined
  if (!realm?.read) return { items: [], ids: [], next: undefined, complete: true }
  const page = await realm.list(cursor)
  const foreign = page.items.filter(({ mark, health }) => !mark && health !== 'gone')
  const holders = foreign.flatMap((item) => holderOf(item) ?? [])
  const bound = await boundTo(context.db, row.id, [...foreign.map(({ id }) => id), ...holders])
  const known = new Set(bound.filter((each) => each.kind === kind).map(({ nativeId }) => nativeId))
  const ours = new Set(
    bound.filter((b) => b.kind === 'server' && b.ownership === 'ours').map(({ nativeId }) => nativeId),
  )
  const unmanaged = foreign.filter((item) => {
    const holder = holderOf(item)
    // What is in a server is shown with it, and comes with it; unless it was put into one of ours.
    return !known.has(item.id) && (holder === null || ours.has(holder))
  })
  const items = kind === 'router' ? await routersAmong(realm, unmanaged) : unmanaged
  const ids = page.items.map(({ id }) => id)
  return { items: items.map((item) => shown(kind, item)), ids, next: page.next, complete: page.complete }
}

/** What leads out of a network is not a router on every cloud: only reading it tells. There are few. */
const routersAmong = async (realm: Realm<unknown>, items: Seen[]): Promise<Seen[]> => {
  const found: Seen[] = []
  for (const item of items) {
    const read = await realm.read!(item.id).catch((error) => {
      if (error instanceof CloudError && error.code === 'definitive') return null
      throw error
    })
    if (read) found.push(item)
  }
  return found
}

const holderOf = (item: Seen): string | null => (item as Partial<VolumeSeen>).server ?? null

const shown = (kind: Kind, item: Seen): Adoptable => {
  const server = item as Partial<ServerSeen>
  const volume = item as Partial<VolumeSeen>
  return {
    kind,
    native_id: item.id,
    name: item.name ?? null,
    zone: item.zone ?? null,
    health: item.health,
    ...(kind === 'server' && {
      power: server.power,
      size: server.size,
      image: server.image ?? null,
      ports: server.ports?.map(({ id, mac, addresses }) => ({ native_id: id, mac, addresses })),
      volumes: server.volumes?.map(({ id, device, root }) => ({ native_id: id, device, root })),
    }),
    ...(kind === 'volume' && { size_gib: volume.sizeGiB, server: volume.server }),
    ...(kind === 'snapshot' && { size_gib: volume.sizeGiB }),
    ...(kind === 'floating_ip' && { address: (item as FloatingIpSeen).address, port: (item as FloatingIpSeen).port }),
    ...(kind === 'port' && { addresses: (item as { addresses?: string[] }).addresses, server: volume.server }),
  }
}
