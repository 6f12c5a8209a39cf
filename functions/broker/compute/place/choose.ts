import { adapterFor } from '../../../../adapters/registry.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { mayMove } from '../../clouds/filters.ts'
import { NO_POLICY } from '../../clouds/policy.ts'
import { refuseReadOnly } from '../../clouds/read-only.ts'
import { whyNobodyTakes } from '../../image/image-takers.ts'
import { bootDisk } from '../disks/disk.ts'
import { whyNoTypes } from '../disks/refusals.ts'
import { flavorSnapshot } from '../flavor.ts'
import type { Place } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import type { ServerWish, Understood } from '../server-wish.ts'
import type { Because, Considered, Explanation } from './explanation.ts'
import { drawnTo, type FoundGroup, preferenceOf, whyBarred } from './group.ts'
import { growsFor } from './grow.ts'
import { type Requirement, rank, UNFIT, whyUnfit } from './rank.ts'
import {
  CLOUD_RULES,
  type CloudRule,
  filteringIn,
  type Ground,
  isFree,
  type Mapped,
  nameOf,
  placeInChain,
  sitesOf,
} from './rules.ts'
import { tiesOf } from './ties.ts'

/* Where servers go: which clouds can have one, and in which order these are tried. */

/** Where a new server may go, best first, and what is particular to the first place. */
export interface Choice {
  places: Place[]
  /** Subnets there live in one zone. */
  zonal: boolean
  /** What the cloud does with security groups. */
  filters: Filters
  /** Why there is no place. */
  reason: string
  explanation: Explanation
}

/**
 * Decides where a server goes. Throws `ServerRefused` (`incapable`) when only clouds are left that lack something that
 * it needs, `Refused` (`read-only`) when only clouds are left that are connected to be looked at.
 */
export const choosePlaces = async (
  context: Context,
  wish: ServerWish,
  understood: Understood,
  found: Found,
): Promise<Choice> => {
  const adapters = new Map(
    await Promise.all(found.clouds.map(async ({ type }) => [type, await adapterFor(type)] as const)),
  )
  const ground: Ground = { wish, understood, found, adapters }
  const { places, filters, reason, explanation } = weigh(ground, CLOUD_RULES)
  if (!places.length) {
    refuseIncapable(ground)
    const all = found.clouds.map(({ id }) => id)
    const images = all.filter((id) => found.imageClouds.includes(id))
    const named = found.clouds.filter((each) => each.named).map(({ id }) => id)
    const networks = understood.nics.map((nic) => [
      ...new Set(sitesOf(nic, found)?.map((site) => site.cloudId) ?? [nic.network.cloudId ?? []].flat()),
    ])
    await refuseReadOnly(context, [all, images, named, ...networks])
  }
  const asked = isFree(wish, found) ? found.clouds : found.clouds.filter(({ named }) => named)
  const { image, disks } = understood
  const untaken =
    places.length || !image || bootDisk(disks) ? null : await whyNobodyTakes(context, image, asked, found.imageNative)
  const type = found.clouds.find(({ id }) => id === places[0]?.cloudId)?.type ?? ''
  return {
    places,
    reason: untaken ?? reason,
    zonal: adapters.get(type)?.zonalSubnets === true,
    filters,
    explanation,
  }
}

/** Throws what clouds lack, if one would have had it otherwise. */
const refuseIncapable = (ground: Ground): void => {
  const others = CLOUD_RULES.filter(({ incapable }) => !incapable)
  const otherwise = new Set(weigh(ground, others).places.map(({ cloudId }) => cloudId))
  const able = CLOUD_RULES.filter(({ incapable }) => incapable)
  const whys = ground.found.clouds
    .filter(({ id }) => otherwise.has(id))
    .flatMap((cloud) => refusalBy(able, ground, cloud)?.reason ?? [])
  if (whys.length) refuse({ kind: 'incapable', reason: [...new Set(whys)].join(' ') })
}

const refusalBy = (rules: readonly CloudRule[], ground: Ground, cloud: Mapped): Because | null => {
  for (const rule of rules) {
    const reason = rule.why(ground, cloud)
    if (reason !== null) return { rule: rule.name, reason }
  }
  return null
}

const NOT_ENOUGH = 'There are not enough hosts available.'

interface Weighed {
  places: Place[]
  /** What the cloud of the first does with security groups. */
  filters: Filters
  reason: string
  explanation: Explanation
}

/**
 * Where it may go: every cloud and zone to which its image, networks and volumes tie it, by the chain of its project or else
 * the operator's order. Empty: nowhere. Pure.
 */
const weigh = (ground: Ground, rules: readonly CloudRule[]): Weighed => {
  const { found } = ground
  const judged = found.clouds.map((cloud) => ({ cloud, refused: refusalBy(rules, ground, cloud) }))
  const clouds = judged.filter(({ refused }) => refused === null).map(({ cloud }) => cloud)
  const off = judged.flatMap(({ cloud, refused }) =>
    refused ? [{ cloud: cloud.name, zone: null, size: null, refused }] : [],
  )
  const nowhere = (reason: string, more: Considered[] = []): Weighed => ({
    places: [],
    filters: 'none',
    reason,
    explanation: { considered: [...more, ...off], ties: tiesOf(ground), preferences: [] },
  })
  if (!found.clouds.length) return nowhere('The project has no access to any cloud.')
  if (!clouds.length) {
    const ofNamed = judged.find(({ cloud }) => cloud.named)?.refused?.reason
    return nowhere(ofNamed ?? 'No cloud of the project has its image, networks and volumes together.')
  }
  const zones = zonesTying(ground)
  if (zones.length > 1) {
    const reason = `Its networks and volumes are in different zones: ${zones.join(', ')}.`
    return nowhere(
      reason,
      clouds.map(({ name }) => refusedAt(name, null, { rule: 'zone', reason })),
    )
  }
  const required = requirementOf(ground, clouds, zones[0])
  const ranked = rank(required, candidatesOf(ground))
  const { places, filters, weaker } = asFiltered(ground, ranked)
  const kept = places.map(({ cloudId, zone, native }) => {
    const { name } = clouds.find(({ id }) => id === cloudId)!
    return { cloud: name, zone, size: native, refused: null }
  })
  const refused = unkept(ground, required, clouds, ranked)
  const considered = [...kept, ...weaker, ...refused, ...off]
  return {
    places,
    filters,
    reason: refused.find((each) => each.refused?.rule === 'group')?.refused?.reason ?? NOT_ENOUGH,
    explanation: {
      considered,
      ties: tiesOf(ground),
      preferences: [...(places.length > 1 ? orderOf(ground) : []), ...costOf(ground, places)],
    },
  }
}

const refusedAt = (cloud: string, zone: string | null, refused: Because): Considered => ({
  cloud,
  zone,
  size: null,
  refused,
})

/** Zones to which its networks and volumes tie it, wherever it goes: routed networks are in several. */
const zonesTying = ({ understood: { nics }, found }: Ground): string[] => {
  const ids = nics
    .filter((nic) => sitesOf(nic, found) === null && !growsFor(nic, found))
    .map(({ network }) => network.id)
  return unique([
    ...found.subnets.filter((s) => ids.includes(s.networkId)).flatMap(({ zone }) => zone ?? []),
    ...found.volumes.flatMap(({ zone }) => zone ?? []),
  ])
}

/** Zones of a cloud in which all of its networks and volumes are; undefined: in all that it has. */
const zonesIn = (ground: Ground, { id }: Mapped, tying: string | undefined): string[] | undefined => {
  const { understood, found } = ground
  const sites = understood.nics.flatMap((nic) => {
    const here = growsFor(nic, found) ? undefined : sitesOf(nic, found)?.filter(({ cloudId }) => cloudId === id)
    return here?.every(({ zone }) => zone !== null) ? [here.map(({ zone }) => zone!)] : []
  })
  const all = tying === undefined ? sites : [[tying], ...sites]
  return all.length ? unique(all.reduce((some, others) => some.filter((zone) => others.includes(zone)))) : undefined
}

const requirementOf = (ground: Ground, clouds: Mapped[], tying: string | undefined): Requirement => {
  const { wish, understood, found, adapters } = ground
  const { flavor, arch, disks } = understood
  const tied = clouds.flatMap((cloud) => {
    const zones = zonesIn(ground, cloud, tying)
    return zones ? [[cloud.id, zones] as const] : []
  })
  return {
    flavor: { ...flavorSnapshot(flavor), native: flavor.native },
    arch,
    zone: isFree(wish, found) ? null : zoneNamed(wish.zone!, found),
    clouds: clouds.map(({ id }) => id),
    tied: Object.fromEntries(tied),
    home: found.home,
    volumes: (place) => whyNoTypes(disks, found, place),
    ...(found.group ? grouped(found.group, wish.maxCount, found, adapters) : {}),
    converting: Object.keys(found.conversions),
  }
}

/** A request for several makes all of them in one zone: it takes them all, or none. */
const grouped = (group: FoundGroup, count: number, found: Found, adapters: Ground['adapters']) => {
  const adapterOf = ({ cloudId }: { cloudId: string }) =>
    adapters.get(found.clouds.find(({ id }) => id === cloudId)?.type ?? '')
  return {
    barred: (candidate: Found['candidates'][number]) => whyBarred(group, candidate, count, adapterOf(candidate)),
    drawn: {
      to: (candidate: Found['candidates'][number]) => drawnTo(group, candidate),
      firstOfAll: group.policy === 'soft-affinity',
    },
  }
}

const zoneNamed = (name: string, found: Found) => {
  const { name: cloud, zone } = found.clouds.find(({ named }) => named)!
  return { cloud, zone: name === cloud ? null : zone }
}

/** Offers in the order of the project's chain, where that says another one than the operator. */
const candidatesOf = ({ wish, found }: Ground): Found['candidates'] =>
  found.policy?.chain && isFree(wish, found)
    ? found.candidates.map((each) => ({ ...each, position: placeInChain(found, each.cloudName) ?? 0 }))
    : found.candidates

/** Without those that filter less than the first: it may move on from there, and never to them. */
const asFiltered = (ground: Ground, ranked: Place[]) => {
  const { clouds, policy } = ground.found
  const cloudOf = ({ cloudId }: Place) => clouds.find(({ id }) => id === cloudId)!
  const filtersAt = (place: Place): Filters => filteringIn(ground, cloudOf(place))?.filters ?? 'none'
  const [first] = ranked
  const filters = first ? filtersAt(first) : 'none'
  const may = (place: Place) => mayMove(filters, filtersAt(place), (policy ?? NO_POLICY).min_filters)
  const weaker = ranked
    .filter((place) => !may(place))
    .map((place) => {
      const reason = `Filters are ${filtersAt(place)} there, and ${filters} where it goes first.`
      return refusedAt(cloudOf(place).name, place.zone, { rule: 'min-filters', reason })
    })
  return { places: ranked.filter(may), filters, weaker }
}

/** Zones of the clouds that could have had it, and why they cannot; a cloud of which no zone was weighed sells no such size. */
const unkept = (ground: Ground, required: Requirement, clouds: Mapped[], places: Place[]): Considered[] => {
  const { found, understood } = ground
  const isKept = (cloudId: string, zone: string) =>
    places.some((place) => place.cloudId === cloudId && place.zone === zone)
  return clouds.flatMap(({ id, name }) => {
    const offers = found.candidates.filter(({ cloudId }) => cloudId === id)
    if (!offers.length)
      return [refusedAt(name, null, { rule: 'flavor', reason: `It has no size for flavor ${understood.flavor.name}.` })]
    return unique(offers.map(({ zone }) => zone))
      .filter((zone) => !isKept(id, zone))
      .map((zone) => {
        const whys = offers.filter((offer) => offer.zone === zone).flatMap((offer) => whyUnfit(required, offer) ?? [])
        return refusedAt(name, zone, nearest(whys) ?? { rule: 'rank', reason: 'Enough places were better.' })
      })
  })
}

/** What the offer says that all but did: most sizes of a zone are no answer to a flavor. */
const nearest = (whys: Because[]): Because | undefined =>
  whys.toSorted((one, other) => UNFIT.indexOf(other.rule) - UNFIT.indexOf(one.rule))[0]

/** What it costs to bring its image where it may go, beyond the copying. */
const costOf = ({ found, understood: { image, disks } }: Ground, places: Place[]): Because[] => {
  if (!image || bootDisk(disks)) return []
  return unique(places.map(({ cloudId }) => cloudId)).flatMap((id) => {
    const conversion = found.conversions[id]
    if (conversion === undefined) return []
    const reason = `${nameOf(found, id)} takes image ${image.id} once it is ${conversion}.`
    return [{ rule: 'conversion', reason }]
  })
}

/** What `rank` sorts by, as far as it made a difference here. */
const orderOf = ({ wish, found, found: { home, clouds, group } }: Ground): Because[] => {
  const at = clouds.find(({ id }) => id === home?.cloudId)
  const whose = found.policy?.chain && isFree(wish, found) ? "the project's" : "the operator's"
  const order = clouds.length > 1 ? [{ rule: 'order', reason: `Then ${whose} order of clouds.` }] : []
  const ofGroup = group ? preferenceOf(group) : []
  return [
    { rule: 'room', reason: 'Zones with room come first.' },
    ...(group?.policy === 'soft-affinity' ? [...ofGroup, ...order] : [...order, ...ofGroup]),
    ...(home && at
      ? [{ rule: 'home', reason: `Then ${at.name}.${home.zone}, where the newest ${home.of} of the project is.` }]
      : []),
    { rule: 'load', reason: 'Then the zones that are used least.' },
  ]
}

const unique = <T>(values: T[]): T[] => [...new Set(values)]
