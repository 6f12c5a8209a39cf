import { Buffer } from 'node:buffer'
import type { Json } from '../../../adapters/contract.ts'
import type { BurstRow } from '../../../db/queries/bursts/bursts.ts'
import { burstFull, insertMembers } from '../../../db/queries/bursts/members.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { BURST } from '../compute/metadata-rules.ts'
import { withFiles } from '../compute/personality.ts'
import { NO_SERVER, type ServerWish } from '../compute/server-wish.ts'
import { guard, type Write } from '../line/commit.ts'
import { tell } from '../line/notices.ts'
import { newOneTime, oneTimeKept, oneTimeUrl } from '../line/one-time.ts'
import { burstDataPlace } from '../line/sealed-places.ts'

/* What members of a burst are made of: the same wish for all, and a name, a position and a word of its own for each. */

/** Where a guest finds what it is, as a file of variables for a shell. */
const FILE = '/etc/plimsoll/burst.env'

type Named = Pick<BurstRow, 'id' | 'name'>

/** Statement: whoever listens to its project is told of a burst. */
export const tellBurst = (
  context: Context,
  type: `burst.${string}`,
  { id, projectId, name }: Pick<BurstRow, 'id' | 'projectId' | 'name'>,
  data: Record<string, Json>,
): Write => tell(context, { type, projectId, kind: 'burst', resourceId: id, data: { name, ...data } })

/** What a user sent for all members, sealed for its burst. */
export const sealBurstData = (context: Context, id: string, plain: string | null): string | null =>
  plain === null ? null : sealAtRest(context, burstDataPlace(id), plain)

/** Null: there is none. Throws when it does not open: members must not start with less than was asked for them. */
const openBurstData = (context: Context, { id, userData }: Pick<BurstRow, 'id' | 'userData'>): string | null => {
  if (userData === null) return null
  const plain = openAtRest(context, burstDataPlace(id), userData)
  if (plain === null)
    throw new Error(`the user data of burst ${id} was sealed with a key that is not among PLIMSOLL_SECRET_KEY`)
  return plain
}

/** Where a member reports; null where operators have not said under which origin guests find the broker. */
const reportUrl = (context: Context, word: string): string | null => oneTimeUrl(context, 'reports', word)

/** Whether members can report at all. */
export const canReport = (context: Context): boolean => reportUrl(context, '') !== null

/** User data of one member: what its user sent, and a file that says which one it is. Base64. */
const dataOf = (
  context: Context,
  { id, name }: Named,
  position: number,
  word: string,
  plain: string | null,
): string => {
  const url = reportUrl(context, word)
  const lines = [
    `PLIMSOLL_BURST=${id}`,
    `PLIMSOLL_NAME=${quoted(`${name}-${position}`)}`,
    `PLIMSOLL_INDEX=${position}`,
    ...(url === null ? [] : [`PLIMSOLL_REPORT_URL=${quoted(url)}`]),
  ]
  const contents = Buffer.from(`${lines.join('\n')}\n`, 'utf8').toString('base64')
  return withFiles(plain, [{ path: FILE, contents }])!
}

/** A word for a shell, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** The wish for members in these positions, or for as many of the first of them as can be had. */
export const wishFor = (context: Context, burst: BurstRow, positions: number[]): ServerWish => {
  const { id, name, groupId, wish } = burst
  const plain = openBurstData(context, burst)
  const words: string[] = []
  return {
    ...NO_SERVER,
    name,
    flavorId: wish.flavorId,
    imageId: wish.imageId,
    nics:
      wish.networks === null
        ? 'any'
        : wish.networks === 'none'
          ? []
          : wish.networks.map((networkId) => ({ networkId, fixedIp: null })),
    keyName: wish.keyName,
    zone: wish.zone,
    securityGroups: wish.securityGroups,
    metadata: { ...wish.metadata, [BURST]: id },
    tags: wish.tags,
    // As long as that of each: what clouds take of it is looked at beforehand.
    userData: dataOf(context, burst, positions.at(-1) ?? 0, newOneTime(), plain),
    maxCount: positions.length,
    groupId,
    hints: groupId === null ? {} : { group: groupId },
    making: {
      userId: burst.userId,
      burstId: id,
      own: (at) => {
        const position = positions[at]!
        words[at] = newOneTime()
        return {
          name: `${name}-${position}`,
          launchIndex: position,
          userData: dataOf(context, burst, position, words[at], plain),
        }
      },
      before: (servers) => admitting(context, id, servers, positions, words),
    },
  }
}

/** For the batch that admits members: their rows, and that the burst may have as many. */
const admitting = (
  context: Context,
  burstId: string,
  servers: Pick<ServerRow, 'id'>[],
  positions: number[],
  words: string[],
): Write[] => {
  const members = servers.map(({ id: serverId }, at) => ({
    serverId,
    position: positions[at]!,
    word: oneTimeKept(context, 'report', words[at]!)[0] ?? null,
  }))
  return [insertMembers(context.db, burstId, members, context.now()), guard(context, 'burst-full', burstFull(burstId))]
}
