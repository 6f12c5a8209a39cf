import { bootDisk } from '../disks/disk.ts'
import type { Tie } from './explanation.ts'
import { growsFor } from './grow.ts'
import { type Ground, isFree, nameOf, sitesOf } from './rules.ts'

/** What binds a server to a place before anything is weighed, for its explanation. */
export const tiesOf = (ground: Ground): Tie[] => [
  ...namedTie(ground),
  ...imageTie(ground),
  ...networkTies(ground),
  ...volumeTies(ground),
  ...groupTie(ground),
]

const namedTie = ({ wish, wish: { zone }, found }: Ground): Tie[] =>
  zone === null || isFree(wish, found)
    ? []
    : [{ rule: 'named', to: [zone], reason: `${zone} was named as its availability zone.` }]

/** An image ties a server only where some cloud of the project is without it. */
const imageTie = ({ understood: { image, disks }, found }: Ground): Tie[] => {
  if (!image || bootDisk(disks)) return []
  const having = found.clouds.filter(({ id }) => found.imageClouds.includes(id))
  if (having.length === found.clouds.length) return []
  const why = image.blob ? 'its format is taken' : 'it was made or found'
  return [{ rule: 'image', to: having.map(({ name }) => name), reason: `Image ${image.id} is where ${why}.` }]
}

const networkTies = ({ understood: { nics }, found }: Ground): Tie[] =>
  nics.flatMap((nic) => {
    if (growsFor(nic, found)) return []
    const { id, cloudId } = nic.network
    const sites = sitesOf(nic, found)
    const named = (cloud: string, zone: string | null | undefined) =>
      zone ? `${nameOf(found, cloud)}.${zone}` : nameOf(found, cloud)
    if (sites) {
      const to = [...new Set(sites.map((site) => named(site.cloudId, site.zone)))]
      return [{ rule: 'network', to, reason: `Network ${id} has segments for it there.` }]
    }
    if (cloudId === null) return []
    const to = named(cloudId, found.subnets.find((each) => each.networkId === id && each.zone !== null)?.zone)
    return [{ rule: 'network', to: [to], reason: `Network ${id} is in ${to} already.` }]
  })

const volumeTies = ({ found: { volumes } }: Ground): Tie[] =>
  volumes
    .filter(({ cloudId }) => cloudId !== null)
    .map(({ id, cloud, zone }) => ({
      rule: 'volume',
      to: [`${cloud}.${zone}`],
      reason: `Volume ${id} is in ${cloud}.${zone}: a server with a volume stays where that is.`,
    }))

const groupTie = ({ found }: Ground): Tie[] => {
  const { group } = found
  const [at] = group?.policy === 'affinity' ? group.places : []
  if (!group || !at) return []
  const to = `${nameOf(found, at.cloudId)}.${at.zone}`
  return [{ rule: 'group', to: [to], reason: `Server group ${group.id} keeps its servers on one host, in ${to}.` }]
}
