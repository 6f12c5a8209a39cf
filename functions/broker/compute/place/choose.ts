import { adapterFor } from '../../../../adapters/registry.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { mayMove } from '../../clouds/filters.ts'
import { NO_POLICY } from '../../clouds/policy.ts'
import { refuseReadOnly } from '../../clouds/read-only.ts'
import { whyNobodyTakes } from '../../image/image-takers.ts'
import { type Allowance, whyTooDear } from '../../money/allowance.ts'
import { bootDisk } from '../disks/disk.ts'
import { whyNoTypes } from '../disks/refusals.ts'
import { flavorSnapshot } from '../flavor.ts'
import type { Place } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import type { ServerWish, Understood } from '../server-wish.ts'
import { orderOf, refusedAt, refusedLately, tellingOf, unkept } from './considered.ts'
import { allowanceFor, refuseDear } from './dear.ts'
import type { Because, Considered, Explanation } from './explanation.ts'
import { drawnTo, type FoundGroup, whyBarred } from './group.ts'
import { growsFor } from './grow.ts'
import { isOurs } from './hints.ts'
import { marked } from './marked.ts'
import { isSpilled } from './marks.ts'
import { notesOn } from './notes.ts'
import { type Requirement, rank } from './rank.ts'
import {
  CLOUD_RULES,
  type CloudRule,
  filteringIn,
  type Ground,
  isFree,
  type Mapped,
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
  /** It is elsewhere than at the home of its project. */
  spilled: boolean
  /** Why there is no place. */
  reason: string
  explanation: Explanation
  /** What may be spent on it. */
  allowance: Allowance | null
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
  const hint = found.policy?.hints === false ? Object.keys(wish.hints).find(isOurs) : undefined
  if (hint !== undefined) refuse({ kind: 'hint', hint })
  const adapters = new Map(
    await Promise.all(found.clouds.map(async ({ type }) => [type, await adapterFor(type)] as const)),
  )
  const ground: Ground = { wish, understood, found, adapters, allowance: allowanceFor(wish, understood, found) }
  const { places, filters, reason, explanation } = weigh(ground, CLOUD_RULES)
  if (!places.length) {
    refuseDear(ground, (other) => weigh(other, CLOUD_RULES).places)
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
    places.length || !image || bootDisk(disks)
      ? null
      : ((await whyNobodyTakes(context, image, asked, found.imageNative)) ?? whyOfOthers(image, asked, found))
  const to = found.clouds.find(({ id }) => id === places[0]?.cloudId)
  return {
    places,
    reason: untaken ?? reason,
    zonal: adapters.get(to?.type ?? '')?.zonalSubnets === true,
    spilled: to !== undefined && isSpilled(found.policy ?? NO_POLICY, to.name),
    filters,
    explanation,
    allowance: ground.allowance,
  }
}

/** Why what clouds made of somebody else's server is on none of these for the project; null: that is not the reason. */
const whyOfOthers = ({ blob }: { blob: string | null }, asked: Found['clouds'], { untaken }: Found): string | null => {
  const said = asked.flatMap(({ id }) => untaken[id] ?? [])
  return !blob && said.length > 0 && said.length === asked.length ? said.join(' ') : null
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
  const refused = [...unkept(ground, required, clouds, ranked), ...refusedLately(ground, required)]
  const considered = [...kept, ...weaker, ...refused, ...off]
  return {
    places,
    filters,
    reason: tellingOf(refused) ?? NOT_ENOUGH,
    explanation: {
      considered,
      ties: tiesOf(ground),
      preferences: [
        ...(places.length > 1 ? orderOf(ground) : []),
        ...notesOn(ground, unique(places.map(({ cloudId }) => cloudId))),
      ],
    },
  }
}

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
    dear: (offer) => whyTooDear(ground.allowance, offer, wish.minCount),
    ...marked(ground),
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

/** Zones of clouds that a name means: of one cloud, or of several that an aggregate puts together. */
const zoneNamed = (name: string, found: Found): NonNullable<Requirement['zone']> => ({
  name,
  clouds: found.clouds
    .filter(({ named }) => named)
    .map(({ name: cloud, zones }) => ({ cloud, zones: zones === null ? null : (JSON.parse(zones) as string[]) })),
})

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

const unique = <T>(values: T[]): T[] => [...new Set(values)]
