import type { Cloud, Kind, Realm, Seen, ServerSeen, VolumeSeen } from '../../../adapters/contract.ts'
import { boundTo } from '../../../db/queries/adopt.ts'
import type { CloudRow } from '../../../db/queries/clouds.ts'
import type { Context } from '../../context.ts'

/** What an operator may want to adopt; the rest comes along. */
export const ADOPTABLE = ['server', 'volume', 'network', 'subnet', 'security_group', 'port', 'image'] as const
export type AdoptableKind = (typeof ADOPTABLE)[number]

export interface Adoptable {
  kind: Kind
  native_id: string
  name: string | null
  zone: string | null
  health: Seen['health']
  [more: string]: unknown
}

/** One page of a kind: objects of the cloud that carry no mark of ours and that no resource stands for. */
export const adoptablePage = async (
  context: Context,
  row: CloudRow,
  cloud: Cloud,
  kind: AdoptableKind,
  cursor?: string,
): Promise<{ items: Adoptable[]; next: string | undefined; complete: boolean }> => {
  const realm = cloud[kind] as Realm<unknown> | undefined
  if (!realm?.read) return { items: [], next: undefined, complete: true }
  const page = await realm.list(cursor)
  const foreign = page.items.filter(({ mark, health }) => !mark && health !== 'gone')
  const holders = foreign.flatMap((item) => holderOf(item) ?? [])
  const bound = await boundTo(context.db, row.id, [...foreign.map(({ id }) => id), ...holders])
  const known = new Set(bound.filter((each) => each.kind === kind).map(({ nativeId }) => nativeId))
  const ours = new Set(
    bound.filter((b) => b.kind === 'server' && b.ownership === 'ours').map(({ nativeId }) => nativeId),
  )
  const items = foreign.filter((item) => {
    const holder = holderOf(item)
    // What is in a server is shown with it, and comes with it; unless it was put into one of ours.
    return !known.has(item.id) && (holder === null || ours.has(holder))
  })
  return { items: items.map((item) => shown(kind, item)), next: page.next, complete: page.complete }
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
    ...(kind === 'port' && { addresses: (item as { addresses?: string[] }).addresses, server: volume.server }),
  }
}

/** All of a kind, page by page. */
export async function* objectsOf(context: Context, row: CloudRow, cloud: Cloud, kind: AdoptableKind) {
  let cursor: string | undefined
  do {
    const page = await adoptablePage(context, row, cloud, kind, cursor)
    yield* page.items
    cursor = page.next
  } while (cursor !== undefined)
}
