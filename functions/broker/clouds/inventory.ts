import type { Cloud, Zone } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { type CatalogueImage, replaceCatalogue } from '../../../db/queries/clouds/catalogue.ts'
import { type CloudRow, updateCloud } from '../../../db/queries/clouds/clouds.ts'
import { replaceHosts } from '../../../db/queries/clouds/hosts.ts'
import {
  externalNetworkNamed,
  externalNetworkOf,
  followOffers,
  inventoryDue,
  ownedImages,
  replaceOffers,
  replaceVolumeTypes,
  replaceZones,
} from '../../../db/queries/clouds/inventory.ts'
import { beforeAsking, noteRoom } from '../../../db/queries/clouds/marks.ts'
import { forgetRefused } from '../../../db/queries/clouds/refused-offers.ts'
import { applyBook, forgetUnsold, replacePartPrices, replacePrices } from '../../../db/queries/money/prices.ts'
import { insertNetwork, pin } from '../../../db/queries/network/network.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { uuid5 } from '../line/uuid.ts'
import { connectCloud, recordFailure } from './clouds.ts'
import { readHeldRanges } from './held-ranges.ts'
import { byNames, entryId, imageNames } from './image-names.ts'

/** How often zones, sizes, volume types and images are read again, and how soon after a failure, in milliseconds. */
const EVERY = 300_000
const RETRY = 30_000
/** How soon where servers were on their way, which count twice until it is known that they are there, or where a host is silent. */
const SOON = 60_000
/** A catalogue longer than this is cut, and said so: nobody scrolls through it. */
const MOST_IMAGES = 5_000

/** Reads what every cloud that is due has on offer. */
export const takeInventory = async (context: Context, budgetMs: number): Promise<void> => {
  const until = context.now() + budgetMs
  for (const cloud of await inventoryDue(context.db, context.now())) {
    if (context.now() >= until) return
    await refreshInventory(context, cloud)
  }
}

/**
 * Reads zones, offers, volume types and the image catalogue of a cloud into the tables that placement and the read-only APIs use.
 * A cloud that does not answer keeps its dated rows; the fault is noted on the cloud.
 */
export const refreshInventory = async (context: Context, row: CloudRow): Promise<void> => {
  const { db } = context
  const now = context.now()
  try {
    const { cloud } = await connectCloud(context, row, null)
    const before = await beforeAsking(db, row.id)
    const offers = await cloud.offers()
    const [zones, prices, parts, volumeTypes, catalogue] = [
      await cloud.zones(),
      await priced(context, row, async () => (await cloud.prices?.(offers)) ?? []),
      await priced(context, row, async () => (await cloud.partPrices?.()) ?? []),
      (await cloud.volumeTypes?.()) ?? [],
      await readCatalogue(context, row, cloud),
    ]
    const writes: Write[] = [
      ...replaceZones(db, row.id, zones),
      ...replaceHosts(db, row.id, zones, now),
      noteRoom(db, row.id, zones, before, now),
      ...replaceOffers(db, row.id, offers),
      ...(prices ? replacePrices(db, row.id, prices) : [forgetUnsold(db, row.id)]),
      ...(parts ? replacePartPrices(db, row.id, parts) : []),
      ...applyBook(db, row.id),
      // What it says of its zones by now is newer than what it refused.
      forgetRefused(db, row.id, 'unsupported'),
      ...replaceVolumeTypes(db, row.id, volumeTypes),
      ...followOffers(
        db,
        offers.map(({ name }) => ({ id: uuid5(`flavor/${name}`), name })),
        now,
      ),
      ...replaceCatalogue(db, row.id, catalogue, now),
      ...(await externalNetwork(context, row, cloud)),
      ...(await readHeldRanges(context, row)),
      updateCloud(db, row.id, {
        inventoryAt: now,
        inventoryDueAt: now + (before.admitted > before.vcpus || zones.some(isPartlySilent) ? SOON : EVERY),
        seenAt: now,
        lastError: null,
      }),
    ]
    await db.batch(writes as [Write, ...Write[]])
  } catch (thrown) {
    const error = asCloudError(thrown)
    context.log('warn', 'inventory failed', {
      cloud: row.name,
      code: error.code,
      message: error.detail.operatorMessage ?? error.message,
    })
    if (error.code === 'ambiguous') await recordFailure(context, row.id, error)
    await updateCloud(db, row.id, { inventoryDueAt: now + RETRY, lastError: error.message })
  }
}

const isPartlySilent = ({ hosts = [] }: Zone): boolean => hosts.some(({ answers }) => !answers)

/** What it says of prices; null: it does not say now, and what it said before stands, with its date. */
const priced = async <P>(context: Context, row: CloudRow, read: () => Promise<P[]>): Promise<P[] | null> => {
  try {
    return await read()
  } catch (thrown) {
    const { code, message, detail } = asCloudError(thrown)
    context.log('warn', 'prices not read', { cloud: row.name, code, message: detail.operatorMessage ?? message })
    return null
  }
}

const readCatalogue = async (context: Context, row: CloudRow, cloud: Cloud) => {
  const images: CatalogueImage[] = []
  const ours = await ownedImages(context.db, row.id)
  let complete = true
  let cursor: string | undefined
  do {
    const page = await cloud.image.catalog(cursor)
    complete &&= page.complete
    for (const image of page.items)
      if (!ours.has(image.id) && !image.mark && image.health !== 'gone' && image.health !== 'failed')
        images.push({ ...image, uuid: entryId(row.id, image.id) })
    cursor = page.next
  } while (cursor && images.length < MOST_IMAGES)
  if (cursor) context.log('warn', 'image catalogue cut', { cloud: row.name, images: images.length })
  return { ...byNames(imageNames(row.options), images), complete: complete && !cursor }
}

/** A cloud that has public addresses is an external network: `public` for the first, `public-<cloud>` for the others. */
const externalNetwork = async (context: Context, row: CloudRow, cloud: Cloud): Promise<Write[]> => {
  if (!cloud.floating_ip || (await externalNetworkOf(context.db, row.id))) return []
  const wished = typeof row.options.external_network === 'string' ? row.options.external_network : 'public'
  const name = (await externalNetworkNamed(context.db, wished)) ? `${wished}-${row.name}` : wished
  const now = context.now()
  const id = uuid5(`external/${row.id}`)
  const description = `Public addresses of ${row.name}`
  const times = { createdAt: now, updatedAt: now }
  return [
    insertNetwork(context.db, {
      id,
      projectId: '',
      name,
      description,
      external: true,
      isDefault: name === 'public',
      ...times,
    }).onConflictDoNothing(),
    pin(context.db, [id], row.id, now),
  ]
}
