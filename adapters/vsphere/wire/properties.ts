import { asCloudError } from '../../errors.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Vim } from './client.ts'
import { asRef, type Ref, ref, type Value } from './soap.ts'

/** An object with the properties that were asked for and are set. */
export interface Found {
  ref: Ref
  /** By path, as it was asked for. */
  props: Map<string, Element>
}

/** Objects of an answer; vCenter sends as many as it likes and keeps the rest under a token. */
const MAX_OBJECTS = 500

const read = (result: Element | undefined): Found[] =>
  childrenOf(result, 'objects').map((object) => ({
    ref: asRef(child(object, 'obj')) ?? ref('', ''),
    props: new Map(
      childrenOf(object, 'propSet').flatMap((each) => {
        const value = child(each, 'val')
        return value ? [[textOf(each, 'name') ?? '', value] as const] : []
      }),
    ),
  }))

/**
 * Everything that the sets select, over all pages: the token of the next one belongs to the session.
 * @param missing whether an object that is gone is left out; otherwise it is `not_found`
 */
const retrieve = async (
  vim: Vim,
  paths: Record<string, string[]>,
  objectSet: Value[],
  missing: boolean,
): Promise<Found[]> => {
  const { properties } = await vim.content()
  const propSet = Object.entries(paths).map(([type, pathSet]) => ({ type, all: false, pathSet }))
  let answer = await vim.call(properties, 'RetrievePropertiesEx', {
    specSet: { propSet, objectSet, reportMissingObjectsInResults: missing },
    options: { maxObjects: MAX_OBJECTS },
  })
  const found = read(child(answer, 'returnval'))
  for (let token = textOf(answer, 'returnval', 'token'); token; token = textOf(answer, 'returnval', 'token')) {
    answer = await vim.call(properties, 'ContinueRetrievePropertiesEx', { token })
    found.push(...read(child(answer, 'returnval')))
  }
  return found
}

/**
 * Views and tokens end with their session, and the call in which that shows is repeated in the next one, where neither
 * exists. So the whole question is asked once more; half an answer would pass for everything that there is.
 */
const again = async <T>(ask: () => Promise<T>): Promise<T> => {
  try {
    return await ask()
  } catch (error) {
    const lost = ['ManagedObjectNotFound', 'InvalidArgument'].includes(asCloudError(error).detail.cloudCode ?? '')
    if (!lost) throw error
    return ask()
  }
}

/** The named objects; those that are gone are left out. */
export const look = async (vim: Vim, objects: Ref[], paths: string[]): Promise<Found[]> => {
  const [first] = objects
  if (!first) return []
  const objectSet = objects.map((obj) => ({ obj, skip: false }))
  return again(() => retrieve(vim, { [first.type]: paths }, objectSet, true))
}

/** Everything of these types below a container, with these properties of each. */
export const below = (vim: Vim, container: Ref, paths: Record<string, string[]>): Promise<Found[]> =>
  again(async () => {
    const { views } = await vim.content()
    const answer = await vim.call(views, 'CreateContainerView', {
      container,
      type: Object.keys(paths),
      recursive: true,
    })
    const view = asRef(child(answer, 'returnval')) ?? ref('', '')
    const traversal = { _type: 'TraversalSpec', name: 'view', type: 'ContainerView', path: 'view', skip: false }
    try {
      return await retrieve(vim, paths, [{ obj: view, skip: true, selectSet: traversal }], false)
    } finally {
      await vim.call(view, 'DestroyView').catch(() => {})
    }
  })

/** A property that is a text, a number or a flag; undefined: it is not set. */
export const text = (found: Found, path: string): string | undefined => found.props.get(path)?.text

/** A property that is a reference; undefined: it is not set. */
export const refAt = (found: Found, path: string): Ref | undefined => asRef(found.props.get(path))
/** The members of an array of references. */
export const refsAt = (found: Found, path: string): Ref[] =>
  (found.props.get(path)?.children ?? []).flatMap((each) => asRef(each) ?? [])
