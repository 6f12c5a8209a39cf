import type { Filter, ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2'
import { KINDS, type Kind, type Mark } from '../contract.ts'
import { refuse } from '../shared/refusals.ts'
import { TAGS } from './limits.ts'

/** Our owner mark as tags: they travel in the create call and are what IAM conditions look at. */
export const TAG = {
  deployment: 'plimsoll:deployment',
  project: 'plimsoll:project',
  kind: 'plimsoll:kind',
  resource: 'plimsoll:resource',
  token: 'plimsoll:token',
  epoch: 'plimsoll:epoch',
} as const

/** Keypairs alone: the user whose it is. */
const USER_TAG = 'plimsoll:user'

/** What the making of a resource needs for a while: the kind of that. */
const FOR_TAG = 'plimsoll:for'

/** What this subnet wants announced; DHCP options are the VPC's, so the subnets of one VPC have to agree. */
export const DNS_TAG = 'plimsoll:dns'

/** Name of the group in which interfaces without port security are. */
export const OPEN_GROUP = 'plimsoll open'

/** Interfaces: whose check of source and destination is off for the pairs of addresses of its port. */
export const PAIRS_TAG = 'plimsoll:pairs'

/** Instances: the volume that one boots from, and that it is not made to its end. */
export const BOOT_TAG = 'plimsoll:boot'
export const UNFINISHED_TAG = 'plimsoll:unfinished'
/** Instances: the group that one was made in. */
export const GROUP_TAG = 'plimsoll:group'

/** Every key that is ours alone. */
export const OWN_KEYS: Tag[] = [
  ...Object.values(TAG),
  USER_TAG,
  FOR_TAG,
  DNS_TAG,
  PAIRS_TAG,
  BOOT_TAG,
  UNFINISHED_TAG,
  GROUP_TAG,
].map((Key) => ({
  Key,
}))

/** A user's metadata key `role` is the tag `metadata:role`, so that it can never pass for a mark or for `Name`. */
export const METADATA = 'metadata:'

/**
 * @param name what the user called it
 * @throws `definitive` when the metadata does not fit into 50 tags, 128 characters a key, 256 a value
 */
export const tagsFor = (mark: Mark, name: string, metadata: Record<string, string> = {}): Tag[] => {
  const items = metadataTags(metadata)
  if (items.length > METADATA_ITEMS) refuse(`The cloud keeps ${METADATA_ITEMS} metadata items at most.`)
  return [{ Key: 'Name', Value: name.slice(0, TAGS.value) }, ...markTags(mark), ...items]
}

/** The mark alone, for an object that somebody else made and named. */
export const markTags = (mark: Mark): Tag[] => [
  ...Object.entries(TAG).map(([field, Key]) => ({ Key, Value: String(mark[field as keyof typeof TAG]) })),
  ...(mark.user === undefined ? [] : [{ Key: USER_TAG, Value: mark.user }]),
  ...(mark.for === undefined ? [] : [{ Key: FOR_TAG, Value: mark.for }]),
]

/** A user's metadata, as far as tags hold it. */
export const metadataFrom = (tags: Tag[] | undefined): Record<string, string> =>
  Object.fromEntries(
    (tags ?? []).flatMap(({ Key, Value }) =>
      Key?.startsWith(METADATA) ? [[Key.slice(METADATA.length), Value ?? '']] : [],
    ),
  )

/** The same limits hold when metadata changes later. */
export const metadataTags = (metadata: Record<string, string>): Tag[] =>
  Object.entries(metadata).map(([key, Value]) => {
    const Key = METADATA + key
    if (Key.length > TAGS.key) {
      refuse(`The cloud keeps metadata keys of ${METADATA_KEY} characters at most.`)
    }
    if (Value.length > TAGS.value) refuse(`The cloud keeps metadata values of ${TAGS.value} characters at most.`)
    return { Key, Value }
  })

/** How many metadata items fit beside the mark, the name, what is told of the root, and the group. */
export const METADATA_ITEMS = TAGS.items - Object.keys(TAG).length - 4

/** How long a metadata key may be as a tag. */
export const METADATA_KEY = TAGS.key - METADATA.length

/** The same tags for each resource type that the call creates. */
export const tagged = (tags: Tag[], ...types: ResourceType[]): TagSpecification[] =>
  types.map((ResourceType) => ({ ResourceType, Tags: tags }))

/** The value of the tag with that key; undefined: there is none. */
export const tagValue = (tags: Tag[] | undefined, key: string): string | undefined =>
  tags?.find((tag) => tag.Key === key)?.Value

/** Undefined unless the six tags are there and name this deployment: half a mark is none, another's is none of ours. */
export const markFrom = (tags: Tag[] | undefined, ours: string): Mark | undefined => {
  const [deployment, project, kind, resource, token, epoch] = Object.values(TAG).map((key) => tagValue(tags, key))
  if (deployment !== ours || project === undefined || !resource || !token || !/^\d+$/.test(epoch ?? ''))
    return undefined
  if (!KINDS.includes(kind as Kind)) return undefined
  const user = tagValue(tags, USER_TAG)
  const purpose = KINDS.find((each) => each === tagValue(tags, FOR_TAG))
  const whose = { deployment, project, ...(user === undefined ? {} : { user }), ...(purpose ? { for: purpose } : {}) }
  return { ...whose, kind: kind as Kind, resource, token, epoch: Number(epoch) }
}

/** Finds what a create call with this mark made. */
export const filtersFor = (mark: Mark): Filter[] =>
  (['token', 'kind', 'deployment'] as const).map((field) => ({ Name: `tag:${TAG[field]}`, Values: [mark[field]] }))
