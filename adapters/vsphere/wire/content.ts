import { refuse } from '../../shared/refusals.ts'
import { child, type Element, textOf } from '../../shared/xml.ts'
import { asRef, type Ref } from './soap.ts'

/** The managed objects that a vCenter has one of each. */
export interface Content {
  version: string
  apiVersion: string
  instanceUuid: string
  root: Ref
  properties: Ref
  views: Ref
  search: Ref
  sessions: Ref
  authorization?: Ref
  disks?: Ref
  /** Makes machines of OVF descriptors. */
  ovf?: Ref
  /** Copies the files of disks. */
  diskFiles?: Ref
  /** Removes files of datastores. */
  files?: Ref
}

const OLDEST = 7

/** The answer of RetrieveServiceContent. @throws `definitive` for what is no vCenter, or too old a one */
export const readContent = (answer: Element): Content => {
  const content = child(answer, 'returnval')
  const about = child(content, 'about')
  const of = (name: string): Ref => asRef(child(content, name)) ?? refuse('The cloud is not a complete vCenter.')
  const [authorization, disks, ovf, diskFiles, files] = [
    'authorizationManager',
    'vStorageObjectManager',
    'ovfManager',
    'virtualDiskManager',
    'fileManager',
  ].map((name) => asRef(child(content, name)))
  const version = textOf(about, 'version') ?? ''
  if (textOf(about, 'apiType') !== 'VirtualCenter')
    refuse('The endpoint is a single ESXi host, which cannot clone; a vCenter is needed.')
  if (Number.parseInt(version, 10) < OLDEST)
    refuse(`vCenter ${version} is too old; ${OLDEST}.0 is the oldest that is spoken to.`)
  return {
    version,
    apiVersion: textOf(about, 'apiVersion') ?? '',
    instanceUuid: textOf(about, 'instanceUuid') ?? '',
    root: of('rootFolder'),
    properties: of('propertyCollector'),
    views: of('viewManager'),
    search: of('searchIndex'),
    sessions: of('sessionManager'),
    ...(authorization ? { authorization } : {}),
    ...(disks ? { disks } : {}),
    ...(ovf ? { ovf } : {}),
    ...(diskFiles ? { diskFiles } : {}),
    ...(files ? { files } : {}),
  }
}
