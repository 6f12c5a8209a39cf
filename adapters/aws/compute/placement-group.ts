import {
  CreatePlacementGroupCommand,
  DeletePlacementGroupCommand,
  DescribePlacementGroupsCommand,
  type PlacementGroup,
  type PlacementGroupState,
} from '@aws-sdk/client-ec2'
import type { Mark, Realm, Seen, ServerGroupSpec } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { orEarlier, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor } from '../marks.ts'
import { markOf, type Reader, reader } from '../records/reader.ts'

/** Names are unique in an account and a region, and have 255 ASCII characters at most. */
const groupName = (mark: Mark): string => `plimsoll-${mark.resource}-${mark.token}`

const HEALTH: Record<PlacementGroupState, Seen['health']> = {
  pending: 'pending',
  available: 'ready',
  deleting: 'pending',
  deleted: 'gone',
}

const placementGroups = (context: Context): Reader<PlacementGroup, Seen> =>
  reader<PlacementGroup, Seen>(context, {
    idFilter: 'group-name',
    idOf: (group) => group.GroupName,
    tags: (group) => group.Tags,
    tagged: (group) => group.GroupId,
    describe: (Filters) => async () => ({
      items: (await context.ec2.send(new DescribePlacementGroupsCommand({ Filters }))).PlacementGroups ?? [],
    }),
    seen: (found) =>
      found.map((group) => ({
        id: group.GroupName ?? '',
        mark: markOf(context, group.Tags),
        name: group.GroupName,
        health: HEALTH[group.State ?? 'available'] ?? 'ready',
      })),
  })

/**
 * Servers apart: a placement group that spreads its instances over hardware of their own, seven running ones a zone. A cluster
 * placement group is not one host, so that servers together are refused. The native id is the name, because RunInstances and
 * DeletePlacementGroup take it; tags go to the group's id.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html#placement-groups-spread
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreatePlacementGroup.html
 */
export const placementGroup = (context: Context): Realm<ServerGroupSpec> => {
  const { ec2, options, connection } = context
  const groups = placementGroups(context)
  return markedRealm<ServerGroupSpec, Seen, PlacementGroup>(connection, groups, {
    once: 'unique',
    settleMs: options.settleMs,
    check({ policy }) {
      if (policy !== 'anti-affinity') refuse('This cloud keeps servers apart, and none together on one host.')
    },
    create(spec, mark) {
      const GroupName = groupName(mark)
      const make = async (): Promise<Seen> => {
        await ec2.send(
          new CreatePlacementGroupCommand({
            GroupName,
            Strategy: 'spread',
            TagSpecifications: tagged(tagsFor(mark, spec.name), 'placement-group'),
          }),
        )
        return { id: GroupName, mark, name: GroupName, health: 'ready' }
      }
      return orEarlier('InvalidPlacementGroup.Duplicate', make, () => groups.find(mark))
    },
    async remove({ GroupName }) {
      await ec2.send(new DeletePlacementGroupCommand({ GroupName }))
    },
  })
}
