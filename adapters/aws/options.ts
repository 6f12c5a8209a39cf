import type { AskedOption, Connection, Json } from '../contract.ts'
import { isCurrency, isHttpUrl, isTable, isText, optionReader } from '../shared/options.ts'

/** What an operator may set on a registered cloud of type `aws`. README.md explains each. */
export interface Options {
  /** Globs of instance types to offer; null: all. */
  instanceTypes: string[] | null
  generations: 'current' | 'all'
  /** Price per hour by instance type. */
  prices: Record<string, number>
  currency: string
  volumeType: string
  encryptVolumes: boolean
  images: { owners: string[]; ids: string[]; names: string[] }
  metadataTokens: 'required' | 'optional'
  /** Stops a running server's file systems by a reboot while an image of it is made. */
  imageReboot: boolean
  /** VPC blocks are at least this wide. */
  vpcPrefix: number
  stsEndpoint: string | null
  ebsEndpoint: string | null
  /** Null: that of AWS, for connections to AWS itself. */
  priceListEndpoint: string | null
  settleMs: number
}

/** The project's tenant mapping. Without a role the connection's own account is used. */
export interface Mapping {
  role: { arn: string; externalId: string } | null
  /** An existing VPC that is lent to us and never deleted. */
  vpc: string | null
}

const isTexts = (value: Json | undefined): value is string[] => Array.isArray(value) && value.every(isText)

/**
 * Reads the operator's options.
 * @returns the options with defaults in place, and the faults as sentences
 */
export const readOptions = (
  given: Record<string, Json>,
): { options: Options; faults: string[]; asked: AskedOption[] } => {
  const faults: string[] = []
  const read = optionReader(given, faults)
  const isFlag = (value: Json) => typeof value === 'boolean'
  const images = read<Record<string, Json>>('images', {}, isTable, 'an object with owners, ids or names')
  for (const [key, value] of Object.entries(images)) {
    if (!['owners', 'ids', 'names'].includes(key)) faults.push(`Option images has no field ${key}.`)
    else if (!isTexts(value)) faults.push(`Option images.${key} must be a list of texts.`)
  }
  const list = (key: string): string[] => (isTexts(images[key]) ? images[key] : [])
  const ids = list('ids')
  const names = list('names')
  // A name alone is no proof of origin: anybody may publish an image called like a vendor's.
  if (names.length > 0 && list('owners').length === 0) faults.push('Option images.names needs images.owners beside it.')
  const options: Options = {
    instanceTypes: read<string[] | null>('instance_types', null, isTexts, 'a list of instance types or globs'),
    generations: read('instance_generations', 'current', (v) => v === 'current' || v === 'all', '"current" or "all"'),
    prices: read(
      'prices',
      {},
      (v) => isTable(v) && Object.values(v).every((price) => typeof price === 'number' && price >= 0),
      'an object of instance type and price per hour',
    ),
    currency: read('currency', 'USD', isCurrency, 'a currency code of three letters'),
    volumeType: read('volume_type', 'gp3', isText, 'the name of a volume type'),
    encryptVolumes: read('encrypt_volumes', false, isFlag, 'true or false'),
    images: { owners: list('owners').length + ids.length > 0 ? list('owners') : ['self'], ids, names },
    metadataTokens: read(
      'metadata_tokens',
      'required',
      (v) => v === 'required' || v === 'optional',
      '"required" or "optional"',
    ),
    imageReboot: read('image_reboot', false, isFlag, 'true or false'),
    vpcPrefix: read(
      'vpc_prefix',
      28,
      (v) => Number.isInteger(v) && Number(v) >= 16 && Number(v) <= 28,
      'a number from 16 to 28',
    ),
    stsEndpoint: read<string | null>('sts_endpoint', null, (v) => isText(v) && isHttpUrl(v), 'a URL'),
    ebsEndpoint: read<string | null>('ebs_endpoint', null, (v) => isText(v) && isHttpUrl(v), 'a URL'),
    priceListEndpoint: read<string | null>('price_list_endpoint', null, (v) => isText(v) && isHttpUrl(v), 'a URL'),
    settleMs: 1000 * read('settle_seconds', 60, (v) => typeof v === 'number' && v >= 0, 'a number of seconds'),
  }
  read.refuseOthers()
  return { options, faults, asked: read.asked }
}

/** Fails closed: a role without its external id is no mapping. */
export const readMapping = (mapping: Connection['mapping']): Mapping | { fault: string } => {
  const { role_arn: arn, external_id: externalId, vpc } = mapping
  if (arn && !isText(arn)) return { fault: 'role_arn must be text.' }
  if (isText(arn) && !isText(externalId)) return { fault: 'The mapping names a role_arn without its external_id.' }
  return {
    role: isText(arn) && isText(externalId) ? { arn, externalId } : null,
    vpc: isText(vpc) ? vpc : null,
  }
}
